// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "command.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

enum { DEFAULT_TIMEOUT_MS = 30000, MAX_TIMEOUT_S = 1000000 };

static const char default_socket[] = "/run/weir/weir.sock";

const struct command_option global_options[] = {
	{ "--socket", "PATH", WORD_FILE,
		"the daemon's socket; else WEIR_SOCKET, else /run/weir/weir.sock", 0 },
	{ "--timeout", "SECONDS", WORD_ANY, "the longest wait for the daemon; 30 by default", 0 },
	{ "--json", NULL, WORD_ANY, "write JSON instead of tables", 'j' },
	{ "--help", NULL, WORD_ANY, "show help about the command", 'h' },
	{ "--version", NULL, WORD_ANY,
		"show the version of weirctl; that of the daemon: daemon show", 'V' },
	{ NULL, NULL, WORD_ANY, NULL, 0 },
};

const struct command_option dry_run_option = { "--dry-run", NULL, WORD_ANY,
	"check everything and change nothing", 0 };

static const struct command *const sets[] = {
	switch_commands,
	port_commands,
	extension_commands,
	policy_commands,
	meter_commands,
	policer_commands,
	fdb_commands,
	flow_commands,
	session_commands,
	drop_commands,
	worker_commands,
	daemon_commands,
	event_commands,
	trace_commands,
	export_commands,
	apply_commands,
	help_commands,
	completion_commands,
};

const struct command *command_at(size_t index)
{
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		for (const struct command *c = sets[i]; c->object; c++) {
			if (index-- == 0)
				return c;
		}
	}
	return NULL;
}

const struct command *command_find(const char *object, const char *verb)
{
	const struct command *command;

	for (size_t i = 0; (command = command_at(i)); i++) {
		if (strcmp(command->object, object) == 0 &&
			(verb && command->verb ? strcmp(command->verb, verb) == 0
					       : verb == command->verb))
			return command;
	}
	return NULL;
}

// Lists the objects (object NULL) or the verbs of one, for sentences.
static void list_words(const char *object, char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");
	const struct command *command;
	const char *last = "";

	for (size_t i = 0; out && (command = command_at(i)); i++) {
		const char *word = object ? command->verb : command->object;

		if ((object && strcmp(command->object, object) != 0) || strcmp(word, last) == 0)
			continue;
		fprintf(out, "%s%s", *last ? ", " : "", word);
		last = word;
	}
	if (out)
		fclose(out);
}

static bool is_object(const char *word)
{
	const struct command *command;

	for (size_t i = 0; (command = command_at(i)); i++) {
		if (strcmp(command->object, word) == 0)
			return true;
	}
	return false;
}

void command_objects(char *text, size_t size)
{
	list_words(NULL, text, size);
}

// An unknown object may be an extension: only the daemon can tell.
static void take_object(struct invocation *in, const char *word)
{
	in->object = word;
	in->command = is_object(word) ? command_find(word, NULL) : &call_command;
}

static int take_verb(struct invocation *in, const char *word, struct ctl_error *error)
{
	char verbs[256] = "";

	in->command = command_find(in->object, word);
	if (in->command)
		return 0;
	list_words(in->object, verbs, sizeof(verbs));
	return ctl_fail(
		error, CTL_USAGE, "unknown verb \"%s\": %s has %s", word, in->object, verbs);
}

static bool takes_another(const struct command *command, size_t n_arguments)
{
	for (size_t i = 0; command->arguments[i].name; i++) {
		if (i == n_arguments || command->arguments[i].arity == MANY)
			return true;
	}
	return false;
}

static int take_word(struct invocation *in, const char *word, struct ctl_error *error)
{
	if (!in->object) {
		take_object(in, word);
		return 0;
	}
	if (!in->command)
		return take_verb(in, word, error);
	if (!takes_another(in->command, in->n_arguments))
		return ctl_fail(error, CTL_USAGE, "unexpected argument \"%s\"", word);
	in->arguments[in->n_arguments++] = word;
	return 0;
}

// Matches "--name", "--name=value" and "-x".
static bool is_option(const struct command_option *option, const char *word)
{
	size_t size = strlen(option->name);

	if (option->letter && word[0] == '-' && word[1] == option->letter && !word[2])
		return true;
	return strncmp(option->name, word, size) == 0 && (word[size] == '=' || !word[size]);
}

static const struct command_option *find_option(const struct invocation *in, const char *word)
{
	for (const struct command_option *o = global_options; o->name; o++) {
		if (is_option(o, word))
			return o;
	}
	if (!in->command)
		return NULL;
	if (in->command->changes && is_option(&dry_run_option, word))
		return &dry_run_option;
	for (const struct command_option *o = in->command->options; o->name; o++) {
		if (is_option(o, word))
			return o;
	}
	return NULL;
}

static int set_timeout(struct invocation *in, const char *text, struct ctl_error *error)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0.001 && seconds <= MAX_TIMEOUT_S))
		return ctl_fail(error, CTL_USAGE, "--timeout \"%s\": must be 0.001 to %d seconds",
			text, MAX_TIMEOUT_S);
	in->timeout_ms = (int)(seconds * 1000);
	in->has_timeout = true;
	return 0;
}

static int set_option(struct invocation *in, const struct command_option *option, const char *value,
	struct ctl_error *error)
{
	const struct command *command = in->command;

	if (option == &dry_run_option) {
		in->dry_run = true;
		return 0;
	}
	if (command && option >= command->options &&
		option < command->options + COMMAND_MAX_OPTIONS) {
		const char **slot = &in->options[option - command->options];

		if (*slot)
			return ctl_fail(error, CTL_USAGE, "%s is given twice", option->name);
		*slot = value;
		return 0;
	}
	if (strcmp(option->name, "--timeout") == 0)
		return set_timeout(in, value, error);
	if (strcmp(option->name, "--socket") == 0)
		in->socket = value;
	in->json |= option->letter == 'j';
	in->help |= option->letter == 'h';
	in->version |= option->letter == 'V';
	return 0;
}

// Takes the option at **word, and the word behind it when that is its value.
static int take_option(struct invocation *in, char *const **word, struct ctl_error *error)
{
	const char *text = **word;
	const struct command_option *option = find_option(in, text);
	const char *equals = strchr(text, '=');

	if (!option)
		return ctl_fail(error, CTL_USAGE, "unknown option \"%s\"", text);
	if (!option->value) {
		if (equals)
			return ctl_fail(error, CTL_USAGE, "%s takes no value", option->name);
		return set_option(in, option, "", error);
	}
	if (equals)
		return set_option(in, option, equals + 1, error);
	if (!(*word)[1])
		return ctl_fail(
			error, CTL_USAGE, "%s needs a value: %s", option->name, option->value);
	return set_option(in, option, *++*word, error);
}

static int check_complete(const struct invocation *in, struct ctl_error *error)
{
	char words[256] = "";
	size_t n_words = in->n_arguments;

	if (!in->command) {
		list_words(in->object, words, sizeof(words));
		return ctl_fail(error, CTL_USAGE, "%s is missing: there are %s",
			in->object ? "the verb" : "the object", words);
	}
	for (size_t i = 0; in->command->arguments[i].name; i++) {
		const struct command_argument *argument = &in->command->arguments[i];

		if (argument->arity == LEADING)
			n_words++;
		if (i >= n_words && argument->arity == ONE)
			return ctl_fail(error, CTL_USAGE, "%s is missing", argument->name);
	}
	return 0;
}

int invocation_parse(struct invocation *in, int argc, char *const *argv, struct ctl_error *error)
{
	const char *environment = getenv("WEIR_SOCKET");
	bool only_words = false;
	int result = 0;

	*in = (struct invocation){
		.socket = environment && *environment ? environment : default_socket,
		.timeout_ms = DEFAULT_TIMEOUT_MS,
	};
	in->arguments = calloc((size_t)argc + 1, sizeof(*in->arguments));
	if (!in->arguments)
		return ctl_fail_memory(error);
	for (char *const *word = argv + 1; argc > 0 && *word && result == 0; word++) {
		if (!only_words && strcmp(*word, "--") == 0)
			only_words = true;
		else if (!only_words && (*word)[0] == '-' && (*word)[1])
			result = take_option(in, &word, error);
		else
			result = take_word(in, *word, error);
	}
	if (result || in->help || in->version)
		return result;
	return check_complete(in, error);
}

void invocation_fini(struct invocation *in)
{
	free(in->arguments);
	client_close(in->client);
	in->arguments = NULL;
	in->client = NULL;
}

const char *invocation_argument(const struct invocation *in, size_t index)
{
	return index < in->n_arguments ? in->arguments[index] : NULL;
}

const char *invocation_option(const struct invocation *in, const char *name)
{
	for (size_t i = 0; in->command->options[i].name; i++) {
		if (strcmp(in->command->options[i].name, name) == 0)
			return in->options[i];
	}
	assert(!"an option that is not in the command's table");
	return NULL;
}

int command_number(const char *name, const char *text, struct command_range range, uint64_t *number,
	struct ctl_error *error)
{
	uint64_t result = 0;
	const char *c = text;

	for (; isdigit((unsigned char)*c); c++) {
		uint64_t digit = (uint64_t)(*c - '0');

		if (result > range.most / 10 || result * 10 > range.most - digit)
			break;
		result = result * 10 + digit;
	}
	if (c == text || *c || result < range.least)
		return ctl_fail(error, CTL_REFUSED,
			"%s \"%s\": must be %" PRIu64 " to %" PRIu64 "%s%s", name, text,
			range.least, range.most, range.unit ? " " : "",
			range.unit ? range.unit : "");
	*number = result;
	return 0;
}

int invocation_number(const struct invocation *in, const char *name, struct command_range range,
	int *has, uint32_t *number, struct ctl_error *error)
{
	const char *text = invocation_option(in, name);
	uint64_t value = 0;
	int result = text ? command_number(name, text, range, &value, error) : 0;

	if (text && result == 0) {
		*has = 1;
		*number = (uint32_t)value;
	}
	return result;
}
