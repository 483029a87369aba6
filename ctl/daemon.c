// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// daemon show
#include "ask.h"
#include "row.h"

static const struct column kinds[] = {
	{ "since", COLUMN_TIME },
	{ NULL, COLUMN_PLAIN },
};

static int print(void *context, const Weir__Control__Reply *reply, struct ctl_error *error)
{
	const struct invocation *in = context;
	json_t *row;
	int result;

	if (reply->payload_case != WEIR__CONTROL__REPLY__PAYLOAD_HELLO)
		return ask_unexpected(error);
	row = row_json(&reply->hello->base);
	result = row ? output_object(stdout, row, kinds, in->json, error) : ctl_fail_memory(error);
	json_decref(row);
	return result;
}

static int show(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__Hello message = WEIR__CONTROL__HELLO__INIT;
	Weir__Control__Request request = REQUEST(HELLO, hello, &message);

	return ask(in, &request, print, in, error);
}

const struct command daemon_commands[] = {
	{
		.object = "daemon",
		.verb = "show",
		.summary = "Shows the daemon's version, process id, socket, directories and age",
		.run = show,
	},
	{ 0 },
};
