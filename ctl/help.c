// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// help [OBJECT [VERB]], and the usage that errors show.
#include "command.h"

#include <string.h>

enum { OPTION_COLUMN = 24 }; // where the explanation of an option begins

static void put_argument(FILE *out, const struct command_argument *argument)
{
	static const char *const frames[][2] = {
		[ONE] = { "", "" },
		[OPTIONAL] = { "[", "]" },
		[LEADING] = { "[", "]" },
		[MANY] = { "[", "...]" },
	};

	fprintf(out, " %s%s%s", frames[argument->arity][0], argument->name,
		frames[argument->arity][1]);
}

static void put_option(FILE *out, const struct command_option *option)
{
	fprintf(out, " [%s%s%s]", option->name, option->value ? " " : "",
		option->value ? option->value : "");
}

static void put_command(FILE *out, const struct command *command)
{
	fprintf(out, "%s%s%s", command->object, command->verb ? " " : "",
		command->verb ? command->verb : "");
	for (const struct command_argument *a = command->arguments; a->name; a++)
		put_argument(out, a);
	for (const struct command_option *o = command->options; o->name; o++)
		put_option(out, o);
	if (command->changes)
		put_option(out, &dry_run_option);
}

static void explain_option(FILE *out, const struct command_option *option)
{
	int used = 0;

	if (option->letter)
		used = fprintf(out, "  -%c, %s", option->letter, option->name);
	else
		used = fprintf(out, "  %s", option->name);
	if (option->value)
		used += fprintf(out, " %s", option->value);
	fprintf(out, "%*s%s\n", used < OPTION_COLUMN ? OPTION_COLUMN - used : 1, "", option->help);
}

static void explain_global_options(FILE *out)
{
	fputs("\nOptions of every command:\n", out);
	for (const struct command_option *o = global_options; o->name; o++)
		explain_option(out, o);
}

void help_usage(FILE *out, const struct command *command)
{
	fputs("usage: weirctl ", out);
	if (command)
		put_command(out, command);
	else
		fputs("[OPTION...] OBJECT VERB [ARGUMENT...] (see weirctl --help)", out);
	fputc('\n', out);
}

void help_call(FILE *out, const char *extension, const char *type)
{
	struct command command = call_command;

	command.object = extension;
	command.verb = type;
	command.arguments[0] = command.arguments[1];
	command.arguments[1] = command.arguments[2];
	help_usage(out, &command);
}

void help_command(FILE *out, const struct command *command)
{
	help_usage(out, command);
	fprintf(out, "\n%s.\n", command->summary);
	help_options(out, command);
}

void help_options(FILE *out, const struct command *command)
{
	if (command->options[0].name || command->changes)
		fputs("\nOptions:\n", out);
	for (const struct command_option *o = command->options; o->name; o++)
		explain_option(out, o);
	if (command->changes)
		explain_option(out, &dry_run_option);
	explain_global_options(out);
}

static void list_command(FILE *out, const struct command *command)
{
	fputs("  ", out);
	put_command(out, command);
	fprintf(out, "\n          %s\n", command->summary);
}

static void list_commands(FILE *out, const char *object)
{
	const struct command *command;

	for (size_t i = 0; (command = command_at(i)); i++) {
		if (object && strcmp(command->object, object) != 0)
			continue;
		list_command(out, command);
	}
}

void help_object(FILE *out, const char *object)
{
	fprintf(out, "usage: weirctl [OPTION...] %s VERB [ARGUMENT...]\n\n", object);
	list_commands(out, object);
	explain_global_options(out);
}

void help_all(FILE *out)
{
	fputs("usage: weirctl [OPTION...] OBJECT VERB [ARGUMENT...]\n\n", out);
	list_commands(out, NULL);
	list_command(out, &call_command);
	explain_global_options(out);
	fputs("\nExit status: 0 done, 1 refused, 2 wrong usage, 3 no daemon.\n", out);
}

static int help_run(struct invocation *in, struct ctl_error *error)
{
	const char *object = invocation_argument(in, 0);
	const char *verb = invocation_argument(in, 1);
	const struct command *command = object ? command_find(object, verb) : NULL;

	if (!object) {
		help_all(stdout);
		return 0;
	}
	if (command) {
		help_command(stdout, command);
		return 0;
	}
	for (size_t i = 0; !verb && (command = command_at(i)); i++) {
		if (strcmp(command->object, object) == 0) {
			help_object(stdout, object);
			return 0;
		}
	}
	return ctl_fail(error, CTL_USAGE, "no help: there is no command \"%s%s%s\"", object,
		verb ? " " : "", verb ? verb : "");
}

const struct command help_commands[] = {
	{
		.object = "help",
		.summary = "Shows help about everything, an object or a command",
		.run = help_run,
		.arguments = { { "OBJECT", WORD_OBJECT, OPTIONAL },
			{ "VERB", WORD_VERB, OPTIONAL } },
	},
	{ 0 },
};
