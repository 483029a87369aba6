// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// policer list
#include "ask.h"
#include "scope.h"

static const struct column columns[] = {
	{ "switch", COLUMN_RARE },
	{ "port", COLUMN_PLAIN },
	{ "extension", COLUMN_PLAIN },
	{ "id", COLUMN_PLAIN },
	{ "rate_bps", COLUMN_BITS_PER_SECOND },
	{ "burst_bytes", COLUMN_BYTES },
	{ "rate_fps", COLUMN_FRAMES_PER_SECOND },
	{ "burst_frames", COLUMN_RARE },
	{ "passed_frames", COLUMN_PLAIN },
	{ "passed_bytes", COLUMN_PLAIN },
	{ "dropped_frames", COLUMN_PLAIN },
	{ "dropped_bytes", COLUMN_PLAIN },
	{ "since", COLUMN_TIME },
	{ NULL, COLUMN_PLAIN },
};

static int list(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__CountList message = WEIR__CONTROL__COUNT_LIST__INIT;
	Weir__Control__Request request = REQUEST(POLICER_LIST, policer_list, &message);
	struct scope scope;
	int result = scope_take(in, &scope, error);

	if (result)
		return result;
	message.target = ask_text(scope.target);
	message.extension = ask_text(scope.extension);
	message.has_reset = message.reset = invocation_option(in, "--reset") != NULL;
	result = ask_list(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_POLICERS, columns, error);
	return scope_explain(&scope, result, error);
}

const struct command policer_commands[] = {
	{
		.object = "policer",
		.verb = "list",
		.summary = "Lists the policers of all targets (a port, or switch:NAME) and "
			   "extensions, or of some: what passed, and what was over the rate",
		.run = list,
		.arguments = { { "TARGET", WORD_SCOPE, OPTIONAL },
			{ "EXTENSION", WORD_EXTENSION, OPTIONAL } },
		.options = { { .name = "--reset",
			.help = "start the listed policers' counts again at 0; no frame is lost "
				"between" } },
	},
	{ 0 },
};
