// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// extension new|load|unload|replace|list|show|attach|detach
#include "ask.h"

#include <stdlib.h>
#include <string.h>

#include "project.h"

static const struct column columns[] = {
	{ "name", COLUMN_PLAIN },
	{ "version", COLUMN_PLAIN },
	{ "class", COLUMN_PLAIN },
	{ "switch", COLUMN_PLAIN },
	{ "order", COLUMN_PLAIN },
	{ "state", COLUMN_PLAIN },
	{ "fail_open", COLUMN_RARE },
	{ "decisions", COLUMN_PLAIN },
	{ "violations", COLUMN_PLAIN },
	{ "summary", COLUMN_PLAIN },
	{ "reason", COLUMN_RARE },
	{ NULL, COLUMN_PLAIN },
};

// What --path names, absolute, as the daemon has a working directory of its own. *path is NULL
// without the option; caller frees it with free().
static int take_path(struct invocation *in, char **path, struct ctl_error *error)
{
	const char *given = invocation_option(in, "--path");

	*path = NULL;
	if (!given)
		return 0;
	*path = *given == '/' ? strdup(given) : realpath(given, NULL);
	return *path ? 0 : ctl_fail(error, CTL_REFUSED, "--path \"%s\": %m", given);
}

// name, path: of the request's message.
static int ask_for_file(struct invocation *in, Weir__Control__Request *request, char **name,
	char **path, struct ctl_error *error)
{
	int result = take_path(in, path, error);

	if (result)
		return result;
	*name = ask_text(invocation_argument(in, 0));
	result = ask_change(in, request, error);
	free(*path);
	return result;
}

static int load(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__ExtensionLoad message = WEIR__CONTROL__EXTENSION_LOAD__INIT;
	Weir__Control__Request request = REQUEST(EXTENSION_LOAD, extension_load, &message);

	return ask_for_file(in, &request, &message.name, &message.path, error);
}

static int replace(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__ExtensionReplace message = WEIR__CONTROL__EXTENSION_REPLACE__INIT;
	Weir__Control__Request request = REQUEST(EXTENSION_REPLACE, extension_replace, &message);

	return ask_for_file(in, &request, &message.name, &message.path, error);
}

static int unload(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__ExtensionUnload message = WEIR__CONTROL__EXTENSION_UNLOAD__INIT;
	Weir__Control__Request request = REQUEST(EXTENSION_UNLOAD, extension_unload, &message);

	message.name = ask_text(invocation_argument(in, 0));
	return ask_change(in, &request, error);
}

// For people: what can be done about one that is not where it is to be.
static void note_missing(const json_t *rows)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const char *state = json_string_value(
			json_object_get(json_array_get(rows, i), "state"));

		if (!state || (strcmp(state, "missing") != 0 && strcmp(state, "expelled") != 0))
			continue;
		fputs("weirctl: note: extension attach SWITCH NAME tries what is missing or was "
		      "expelled again; from another file after extension load NAME --path FILE, "
		      "or, where it is loaded, extension replace NAME --path FILE\n",
			stderr);
		return;
	}
}

static int list(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__ExtensionList message = WEIR__CONTROL__EXTENSION_LIST__INIT;
	Weir__Control__Request request = REQUEST(EXTENSION_LIST, extension_list, &message);
	json_t *rows = json_array();
	int result;

	message.switch_ = ask_text(invocation_argument(in, 0));
	result = ask_rows(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_EXTENSIONS, rows, error);
	if (result == 0)
		result = output_rows(stdout, rows, columns, in->json, error);
	if (result == 0 && !in->json)
		note_missing(rows);
	json_decref(rows);
	return result;
}

static int show(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__ExtensionShow message = WEIR__CONTROL__EXTENSION_SHOW__INIT;
	Weir__Control__Request request = REQUEST(EXTENSION_SHOW, extension_show, &message);

	message.name = ask_text(invocation_argument(in, 0));
	return ask_show_all(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_EXTENSIONS, error);
}

static int attach(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__ExtensionAttach message = WEIR__CONTROL__EXTENSION_ATTACH__INIT;
	Weir__Control__Request request = REQUEST(EXTENSION_ATTACH, extension_attach, &message);
	int result;

	message.switch_ = ask_text(invocation_argument(in, 0));
	message.name = ask_text(invocation_argument(in, 1));
	message.has_fail_open = message.fail_open = invocation_option(in, "--fail-open") != NULL;
	result = invocation_number(in, "--order", (struct command_range){ 0, 65535, NULL },
		&message.has_order, &message.order, error);
	return result ? result : ask_change(in, &request, error);
}

static int detach(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__ExtensionDetach message = WEIR__CONTROL__EXTENSION_DETACH__INIT;
	Weir__Control__Request request = REQUEST(EXTENSION_DETACH, extension_detach, &message);

	message.switch_ = ask_text(invocation_argument(in, 0));
	message.name = ask_text(invocation_argument(in, 1));
	return ask_change(in, &request, error);
}

// Asks nobody: the project is the caller's.
static int new_project(struct invocation *in, struct ctl_error *error)
{
	const char *class = invocation_option(in, "--class");

	return project_create(invocation_argument(in, 0), class ? class : "filter", error);
}

const struct command extension_commands[] = {
	{
		.object = "extension",
		.verb = "new",
		.summary = "Writes the project of a new extension into the directory NAME",
		.run = new_project,
		.arguments = { { "NAME", WORD_ANY, ONE } },
		.options = { { .name = "--class",
			.value = "CLASS",
			.kind = WORD_CLASS,
			.help = "what it is to be; filter by default" } },
	},
	{
		.object = "extension",
		.verb = "load",
		.summary = "Loads an extension into the daemon",
		.run = load,
		.changes = true,
		.arguments = { { "NAME", WORD_LOADABLE, ONE } },
		.options = { { .name = "--path",
			.value = "FILE",
			.kind = WORD_FILE,
			.help = "the shared object; NAME.so in the daemon's directory by "
				"default" } },
	},
	{
		.object = "extension",
		.verb = "unload",
		.summary = "Unloads an extension that is attached nowhere",
		.run = unload,
		.changes = true,
		.arguments = { { "NAME", WORD_EXTENSION, ONE } },
	},
	{
		.object = "extension",
		.verb = "replace",
		.summary = "Puts another version in the place of a loaded extension; no frame is "
			   "lost",
		.run = replace,
		.changes = true,
		.arguments = { { "NAME", WORD_EXTENSION, ONE } },
		.options = { { .name = "--path",
			.value = "FILE",
			.kind = WORD_FILE,
			.help = "the shared object; by default the file that the loaded one is "
				"from" } },
	},
	{
		.object = "extension",
		.verb = "list",
		.summary = "Lists the loaded extensions, once for each switch they are attached to",
		.run = list,
		.arguments = { { "SWITCH", WORD_SWITCH, OPTIONAL } },
	},
	{
		.object = "extension",
		.verb = "show",
		.summary = "Shows everything about an extension",
		.run = show,
		.arguments = { { "NAME", WORD_EXTENSION, ONE } },
	},
	{
		.object = "extension",
		.verb = "attach",
		.summary = "Attaches an extension to a switch's stack; loads it if needed",
		.run = attach,
		.changes = true,
		.arguments = { { "SWITCH", WORD_SWITCH, ONE }, { "NAME", WORD_ATTACHABLE, ONE } },
		.options = { { .name = "--order",
				     .value = "N",
				     .help = "place in its class, smaller is earlier on "
					     "ingress; 0 to 65535" },
			{ .name = "--fail-open",
				.help = "a restart that does not find it lets frames pass" } },
	},
	{
		.object = "extension",
		.verb = "detach",
		.summary = "Takes an extension and its policies off a switch; its meters stay",
		.run = detach,
		.changes = true,
		.arguments = { { "SWITCH", WORD_SWITCH, ONE }, { "NAME", WORD_ATTACHED, ONE } },
	},
	{ 0 },
};
