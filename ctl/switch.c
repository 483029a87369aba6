// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// switch add|remove|list|show
#include "ask.h"

static const struct column columns[] = {
	{ "name", COLUMN_PLAIN },
	{ "ports", COLUMN_PLAIN },
	{ "extensions", COLUMN_PLAIN },
	{ "fdb_entries", COLUMN_PLAIN },
	{ "flows", COLUMN_PLAIN },
	{ "worker_flows_max", COLUMN_PLAIN },
	{ "rx_frames", COLUMN_PLAIN },
	{ "tx_frames", COLUMN_PLAIN },
	{ "dropped_frames", COLUMN_PLAIN },
	{ NULL, COLUMN_PLAIN },
};

static int add(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__SwitchAdd message = WEIR__CONTROL__SWITCH_ADD__INIT;
	Weir__Control__Request request = REQUEST(SWITCH_ADD, switch_add, &message);
	int result;

	message.name = ask_text(invocation_argument(in, 0));
	result = invocation_number(in, "--flows", (struct command_range){ 64, 16777216, "flows" },
		&message.has_flows, &message.flows, error);
	if (!result)
		result = invocation_number(in, "--sessions",
			(struct command_range){ 64, 16777216, "sessions" }, &message.has_sessions,
			&message.sessions, error);
	if (!result)
		result = invocation_number(in, "--port-sessions",
			(struct command_range){ 1, 16777216, "sessions" },
			&message.has_port_sessions, &message.port_sessions, error);
	return result ? result : ask_change(in, &request, error);
}

static int switch_remove(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__SwitchRemove message = WEIR__CONTROL__SWITCH_REMOVE__INIT;
	Weir__Control__Request request = REQUEST(SWITCH_REMOVE, switch_remove, &message);

	message.name = ask_text(invocation_argument(in, 0));
	return ask_change(in, &request, error);
}

static int list(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__SwitchList message = WEIR__CONTROL__SWITCH_LIST__INIT;
	Weir__Control__Request request = REQUEST(SWITCH_LIST, switch_list, &message);

	return ask_list(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_SWITCHES, columns, error);
}

static int show(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__SwitchShow message = WEIR__CONTROL__SWITCH_SHOW__INIT;
	Weir__Control__Request request = REQUEST(SWITCH_SHOW, switch_show, &message);

	message.name = ask_text(invocation_argument(in, 0));
	return ask_show(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_SWITCHES, NULL, error);
}

const struct command switch_commands[] = {
	{
		.object = "switch",
		.verb = "add",
		.summary = "Adds a switch, with room for so many flows and sessions",
		.run = add,
		.changes = true,
		.arguments = { { "NAME", WORD_ANY, ONE } },
		.options = { { .name = "--flows",
				     .value = "N",
				     .help = "flows that each worker can cache, 64 to 16777216" },
			{ .name = "--sessions",
				.value = "N",
				.help = "sessions that extensions can have open, 64 to 16777216; "
					"131072 if not given" },
			{ .name = "--port-sessions",
				.value = "N",
				.help = "of them at one port; half of them if not given" } },
	},
	{
		.object = "switch",
		.verb = "remove",
		.summary = "Removes a switch, its ports, and its extensions from it",
		.run = switch_remove,
		.changes = true,
		.arguments = { { "NAME", WORD_SWITCH, ONE } },
	},
	{
		.object = "switch",
		.verb = "list",
		.summary = "Lists the switches",
		.run = list,
	},
	{
		.object = "switch",
		.verb = "show",
		.summary = "Shows everything about a switch",
		.run = show,
		.arguments = { { "NAME", WORD_SWITCH, ONE } },
	},
	{ 0 },
};
