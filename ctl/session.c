// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// session list
#include "ask.h"

static const struct column columns[] = {
	{ "switch", COLUMN_PLAIN },
	{ "extension", COLUMN_PLAIN },
	{ "port", COLUMN_PLAIN },
	{ "policy", COLUMN_PLAIN },
	{ "state", COLUMN_PLAIN },
	{ "frames", COLUMN_PLAIN },
	{ "bytes", COLUMN_PLAIN },
	{ "reverse_frames", COLUMN_PLAIN },
	{ "reverse_bytes", COLUMN_PLAIN },
	{ "age_s", COLUMN_PLAIN },
	{ "expires_s", COLUMN_PLAIN },
	{ "key", COLUMN_PLAIN },
	{ NULL, COLUMN_PLAIN },
};

static int list(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__SessionList message = WEIR__CONTROL__SESSION_LIST__INIT;
	Weir__Control__Request request = REQUEST(SESSION_LIST, session_list, &message);

	message.switch_ = ask_text(invocation_argument(in, 0));
	message.port = ask_text(invocation_option(in, "--port"));
	return ask_list(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_SESSIONS, columns, error);
}

const struct command session_commands[] = {
	{
		.object = "session",
		.verb = "list",
		.summary =
			"Lists the sessions that extensions have open, of all switches or of one",
		.run = list,
		.arguments = { { "SWITCH", WORD_SWITCH, OPTIONAL } },
		.options = { { .name = "--port",
			.value = "PORT",
			.kind = WORD_PORT,
			.help = "only those of this port" } },
	},
	{ 0 },
};
