// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// fdb add|remove|list|flush
#include "ask.h"

static const struct column columns[] = {
	{ "switch", COLUMN_PLAIN },
	{ "mac", COLUMN_PLAIN },
	{ "vlan", COLUMN_PLAIN },
	{ "port", COLUMN_PLAIN },
	{ "age_s", COLUMN_PLAIN },
	{ "static", COLUMN_PLAIN },
	{ NULL, COLUMN_PLAIN },
};

#define VLAN_OPTION                                                                                \
	{                                                                                          \
		.name = "--vlan", .value = "N", .help = "0 to 4094; 0 by default"                  \
	}

static int add(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__FdbAdd message = WEIR__CONTROL__FDB_ADD__INIT;
	Weir__Control__Request request = REQUEST(FDB_ADD, fdb_add, &message);
	int result;

	message.switch_ = ask_text(invocation_argument(in, 0));
	message.mac = ask_text(invocation_argument(in, 1));
	message.port = ask_text(invocation_argument(in, 2));
	result = invocation_number(in, "--vlan", (struct command_range){ 0, 4094, NULL },
		&message.has_vlan, &message.vlan, error);
	return result ? result : ask_change(in, &request, error);
}

static int fdb_remove(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__FdbRemove message = WEIR__CONTROL__FDB_REMOVE__INIT;
	Weir__Control__Request request = REQUEST(FDB_REMOVE, fdb_remove, &message);
	int result;

	message.switch_ = ask_text(invocation_argument(in, 0));
	message.mac = ask_text(invocation_argument(in, 1));
	result = invocation_number(in, "--vlan", (struct command_range){ 0, 4094, NULL },
		&message.has_vlan, &message.vlan, error);
	return result ? result : ask_change(in, &request, error);
}

static int list(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__FdbList message = WEIR__CONTROL__FDB_LIST__INIT;
	Weir__Control__Request request = REQUEST(FDB_LIST, fdb_list, &message);

	message.switch_ = ask_text(invocation_argument(in, 0));
	return ask_list(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_FDB, columns, error);
}

static int flush(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__FdbFlush message = WEIR__CONTROL__FDB_FLUSH__INIT;
	Weir__Control__Request request = REQUEST(FDB_FLUSH, fdb_flush, &message);

	message.switch_ = ask_text(invocation_argument(in, 0));
	message.port = ask_text(invocation_option(in, "--port"));
	return ask_change(in, &request, error);
}

const struct command fdb_commands[] = {
	{
		.object = "fdb",
		.verb = "add",
		.summary = "Adds a static entry: the address is behind the port",
		.run = add,
		.changes = true,
		.arguments = { { "SWITCH", WORD_SWITCH, ONE }, { "MAC", WORD_ANY, ONE },
			{ "PORT", WORD_PORT, ONE } },
		.options = { VLAN_OPTION },
	},
	{
		.object = "fdb",
		.verb = "remove",
		.summary = "Removes an entry, static or learned",
		.run = fdb_remove,
		.changes = true,
		.arguments = { { "SWITCH", WORD_SWITCH, ONE }, { "MAC", WORD_ANY, ONE } },
		.options = { VLAN_OPTION },
	},
	{
		.object = "fdb",
		.verb = "list",
		.summary = "Lists the addresses that all switches know, or one",
		.run = list,
		.arguments = { { "SWITCH", WORD_SWITCH, OPTIONAL } },
	},
	{
		.object = "fdb",
		.verb = "flush",
		.summary = "Forgets what was learned; static entries stay",
		.run = flush,
		.changes = true,
		.arguments = { { "SWITCH", WORD_SWITCH, OPTIONAL } },
		.options = { { .name = "--port",
			.value = "PORT",
			.kind = WORD_PORT,
			.help = "only what is behind this port" } },
	},
	{ 0 },
};
