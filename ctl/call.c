// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// EXTENSION TYPE [FIELD=VALUE...]
#include "call.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "message.h"
#include "policy.h"

// The types of a role, for sentences. Returns their number.
static size_t put_types(FILE *out, const struct types *types, const char *role)
{
	size_t n = 0;

	for (size_t i = 0; i < types->n_types; i++) {
		if (strcmp(types->types[i].role, role) == 0)
			fprintf(out, "%s%s", n++ > 0 ? ", " : "", types->types[i].name);
	}
	return n;
}

static bool has_types(const struct types *types, const char *role)
{
	for (size_t i = 0; i < types->n_types; i++) {
		if (strcmp(types->types[i].role, role) == 0)
			return true;
	}
	return false;
}

// A command line with all types of a role: "  BEFOREacl.rule|acl.settingsBEHIND".
static void put_line(FILE *out, const struct types *types, const char *role, const char *before,
	const char *behind)
{
	size_t n = 0;

	for (size_t i = 0; i < types->n_types; i++) {
		if (strcmp(types->types[i].role, role) == 0)
			fprintf(out, "%s%s.%s", n++ > 0 ? "|" : before, types->extension,
				types->types[i].name);
	}
	if (n > 0)
		fprintf(out, "%s\n", behind);
}

// What of the extension's is no call, and how that is written.
static void put_others(FILE *out, const struct types *types)
{
	put_line(out, types, "policy", "  weirctl policy add TARGET ", " [FIELD=VALUE...]");
	put_line(out, types, "status", "  weirctl policy status [TARGET] ", "");
	fprintf(out, "  weirctl policy schema %s[.TYPE]\n", types->extension);
}

// Names of the loaded extensions that have calls, each once.
static int put_callable(struct invocation *in, FILE *out, struct ctl_error *error)
{
	Weir__Control__ExtensionList message = WEIR__CONTROL__EXTENSION_LIST__INIT;
	Weir__Control__Request request = REQUEST(EXTENSION_LIST, extension_list, &message);
	json_t *rows = json_array(), *seen = json_object();
	struct types_cache cache = { NULL };
	int result = ask_rows(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_EXTENSIONS, rows, error);

	for (size_t i = 0; result == 0 && i < json_array_size(rows); i++) {
		const char *name = json_string_value(
			json_object_get(json_array_get(rows, i), "name"));
		const struct types *types = NULL;

		if (!name || json_object_get(seen, name))
			continue;
		result = types_cached(in, &cache, name, &types, error);
		if (result == 0 && has_types(types, "call"))
			fprintf(out, "%s%s", json_object_size(seen) > 0 ? ", " : "", name);
		if (result == 0 && has_types(types, "call") &&
			json_object_set_new(seen, name, json_true()))
			result = ctl_fail_memory(error);
		if (result == CTL_REFUSED)
			result = 0; // it is missing
	}
	types_cache_fini(&cache);
	json_decref(seen);
	json_decref(rows);
	return result;
}

// Neither an object of weirctl nor an extension.
static int refuse_object(struct invocation *in, struct ctl_error *error)
{
	char objects[256] = "", extensions[256] = "";
	FILE *out = fmemopen(extensions, sizeof(extensions), "w");
	int result = out ? put_callable(in, out, error) : ctl_fail_memory(error);

	if (out)
		fclose(out);
	extensions[sizeof(extensions) - 1] = '\0';
	command_objects(objects, sizeof(objects));
	in->command = NULL; // the usage is that of weirctl as a whole
	if (result)
		return result;
	return ctl_fail(error, CTL_USAGE, "unknown object \"%s\": there are %s%s%s", in->object,
		objects, *extensions ? ", and the calls of " : "", extensions);
}

// Whether it could be the name of an extension at all.
static bool is_name(const char *word)
{
	for (const char *c = word; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			return false;
	}
	return isalnum((unsigned char)*word) && strlen(word) < 64;
}

static int fetch(struct invocation *in, struct types *types, struct ctl_error *error)
{
	int result;

	*types = (struct types){ 0 };
	if (!is_name(in->object)) {
		result = ask_connect(in, error);
		return result ? result : refuse_object(in, error);
	}
	result = types_fetch(in, NULL, in->object, types, error);
	if (result == CTL_REFUSED && error->status == WEIR__CONTROL__STATUS__CODE__NOT_FOUND)
		return refuse_object(in, error);
	return result;
}

static int refuse_verb(const struct types *types, const char *verb, struct ctl_error *error)
{
	char names[512] = "";
	FILE *out = fmemopen(names, sizeof(names), "w");
	size_t n_names = out ? put_types(out, types, "call") : 0;

	if (out)
		fclose(out);
	names[sizeof(names) - 1] = '\0';
	if (n_names == 0)
		return ctl_fail(error, CTL_USAGE,
			"extension %s has no calls; weirctl %s --help tells what is written "
			"instead",
			types->extension, types->extension);
	if (!verb)
		return ctl_fail(error, CTL_USAGE, "the verb is missing: %s has %s",
			types->extension, names);
	return ctl_fail(
		error, CTL_USAGE, "unknown verb \"%s\": %s has %s", verb, types->extension, names);
}

static int find_call(const struct invocation *in, const struct types *types,
	const struct message_type **call, struct ctl_error *error)
{
	const char *verb = invocation_argument(in, 0);

	*call = verb ? types_find(types, "call", verb, error) : NULL;
	return *call ? 0 : refuse_verb(types, verb, error);
}

static int send(struct invocation *in, Weir__Control__ExtensionCall *message,
	struct call_files *files, struct call_replies *replies, struct ctl_error *error)
{
	Weir__Control__Request request = REQUEST(EXTENSION_CALL, extension_call, message);
	int result = call_files_open(files, error);

	if (result)
		return result;
	message->has_files = files->n_files > 0;
	message->files = files->n_files;
	// A call may last, and have nothing to say meanwhile.
	if (!in->has_timeout)
		client_wait_forever(in->client);
	files->given = !in->dry_run;
	result = ask_with_files(in, &request, &files->passed, call_replies_take, replies, error);
	// Only the daemon's own word says that it uses none: no answer in time, or an output that
	// cannot be written, does not.
	if (result == CTL_REFUSED && error->status != WEIR__CONTROL__STATUS__CODE__OK)
		files->given = false;
	return result ? result : call_replies_print(replies, error);
}

static int run_call(struct invocation *in, const struct types *types,
	const struct message_type *call, const char **words, struct ctl_error *error)
{
	Weir__Control__ExtensionCall message = WEIR__CONTROL__EXTENSION_CALL__INIT;
	size_t n_words = in->n_arguments - 1;
	struct ctl_error ignored;
	const struct message_type *reply = types_find(types, "reply", call->name, &ignored);
	struct call_replies replies = { reply ? reply->message : NULL, in->json, json_array() };
	struct call_files files = { .n_files = 0 };
	int result = call_files_take(&files, call->message, words, n_words, error);

	message.extension = types->extension;
	message.type = call->name;
	message.switch_ = ask_text(invocation_option(in, "--switch"));
	if (result == 0)
		result = message_encode(call->message, words, n_words, &message.body.data,
			&message.body.len, error);
	message.has_body = result == 0;
	if (result == 0)
		result = replies.rows ? send(in, &message, &files, &replies, error)
				      : ctl_fail_memory(error);
	call_files_fini(&files);
	call_replies_fini(&replies);
	free(message.body.data);
	return result;
}

static int run(struct invocation *in, struct ctl_error *error)
{
	const char **words = calloc(in->n_arguments + 1, sizeof(*words));
	const struct message_type *call;
	struct types types = { 0 };
	int result = words ? fetch(in, &types, error) : ctl_fail_memory(error);

	if (result == 0)
		result = find_call(in, &types, &call, error);
	for (size_t i = 1; result == 0 && i < in->n_arguments; i++)
		words[i - 1] = in->arguments[i];
	if (result == 0)
		result = run_call(in, &types, call, words, error);
	types_fini(&types);
	free(words);
	return result;
}

static int help_type(
	const struct types *types, const struct message_type *call, struct ctl_error *error)
{
	struct ctl_error ignored;
	const struct message_type *reply = types_find(types, "reply", call->name, &ignored);
	int result;

	help_call(stdout, types->extension, call->name);
	putchar('\n');
	result = policy_schema_type(types, call, error);
	if (result == 0 && reply) {
		putchar('\n');
		result = policy_schema_type(types, reply, error);
	}
	help_options(stdout, &call_command);
	return result;
}

static void help_extension(const struct types *types)
{
	bool others = has_types(types, "policy") || has_types(types, "status");

	if (!has_types(types, "call")) {
		printf("extension %s has no calls.%s\n", types->extension,
			others ? " What it has is written" : "");
		if (others)
			put_others(stdout, types);
		return;
	}
	help_call(stdout, types->extension, "TYPE");
	fputs("\nTypes: ", stdout);
	put_types(stdout, types, "call");
	putchar('\n');
	if (others) {
		fputs("\nBesides there are\n", stdout);
		put_others(stdout, types);
	}
	help_options(stdout, &call_command);
}

// weirctl EXTENSION --help, weirctl EXTENSION TYPE --help
static int help(struct invocation *in, struct ctl_error *error)
{
	const struct message_type *call;
	struct types types;
	int result = fetch(in, &types, error);

	if (result == 0 && in->n_arguments > 0) {
		result = find_call(in, &types, &call, error);
		if (result == 0)
			result = help_type(&types, call, error);
	} else if (result == 0) {
		help_extension(&types);
	}
	types_fini(&types);
	return result;
}

const struct command call_command = {
	.object = "EXTENSION",
	.summary =
		"Calls an extension: weirctl EXTENSION --help tells its types, weirctl EXTENSION "
		"TYPE --help the fields",
	.run = run,
	.help = help,
	.changes = true,
	// Looked at where the extension is known.
	.arguments = { { "TYPE", WORD_CALL, OPTIONAL }, { "FIELD=VALUE", WORD_CALL_FIELD, MANY } },
	.options = { { .name = "--switch",
		.value = "SWITCH",
		.kind = WORD_SWITCH,
		.help = "whose attachment, when it is on several and no port tells" } },
};
