// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// drop list
#include "ask.h"

static const struct column columns[] = {
	{ "reason", COLUMN_PLAIN },
	{ "extension", COLUMN_PLAIN },
	{ "port", COLUMN_PLAIN },
	{ "stage", COLUMN_PLAIN },
	{ "frames", COLUMN_PLAIN },
	{ "text", COLUMN_PLAIN },
	{ NULL, COLUMN_PLAIN },
};

static int list(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__DropList message = WEIR__CONTROL__DROP_LIST__INIT;
	Weir__Control__Request request = REQUEST(DROP_LIST, drop_list, &message);

	message.switch_ = ask_text(invocation_argument(in, 0));
	message.port = ask_text(invocation_option(in, "--port"));
	return ask_list(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_DROPS, columns, error);
}

const struct command drop_commands[] = {
	{
		.object = "drop",
		.verb = "list",
		.summary = "Lists why frames were not delivered, on all switches or on one",
		.run = list,
		.arguments = { { "SWITCH", WORD_SWITCH, OPTIONAL } },
		.options = { { .name = "--port",
			.value = "PORT",
			.kind = WORD_PORT,
			.help = "only what was dropped at this port" } },
	},
	{ 0 },
};
