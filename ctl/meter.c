// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// meter list|remove
#include "ask.h"
#include "scope.h"

static const struct column columns[] = {
	{ "switch", COLUMN_RARE },
	{ "port", COLUMN_PLAIN },
	{ "extension", COLUMN_PLAIN },
	{ "id", COLUMN_PLAIN },
	{ "frames", COLUMN_PLAIN },
	{ "bytes", COLUMN_PLAIN },
	{ "since", COLUMN_TIME },
	{ "unused", COLUMN_RARE },
	{ NULL, COLUMN_PLAIN },
};

static int list(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__CountList message = WEIR__CONTROL__COUNT_LIST__INIT;
	Weir__Control__Request request = REQUEST(METER_LIST, meter_list, &message);
	struct scope scope;
	int result = scope_take(in, &scope, error);

	if (result)
		return result;
	message.target = ask_text(scope.target);
	message.extension = ask_text(scope.extension);
	message.has_reset = message.reset = invocation_option(in, "--reset") != NULL;
	result = ask_list(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_METERS, columns, error);
	return scope_explain(&scope, result, error);
}

static int remove_meter(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__MeterRemove message = WEIR__CONTROL__METER_REMOVE__INIT;
	Weir__Control__Request request = REQUEST(METER_REMOVE, meter_remove, &message);

	message.target = ask_text(invocation_argument(in, 0));
	message.extension = ask_text(invocation_argument(in, 1));
	message.id = ask_text(invocation_argument(in, 2));
	return ask_change(in, &request, error);
}

const struct command meter_commands[] = {
	{
		.object = "meter",
		.verb = "list",
		.summary = "Lists the meters of all targets (a port, or switch:NAME) and "
			   "extensions, or of some",
		.run = list,
		.arguments = { { "TARGET", WORD_SCOPE, OPTIONAL },
			{ "EXTENSION", WORD_EXTENSION, OPTIONAL } },
		.options = { { .name = "--reset",
			.help = "start the listed meters again at 0; no frame is lost between" } },
	},
	{
		.object = "meter",
		.verb = "remove",
		.summary = "Removes a meter that no attached extension counts on, or all that an "
			   "extension has left of a target",
		.run = remove_meter,
		.changes = true,
		.arguments = { { "TARGET", WORD_TARGET, ONE }, { "EXTENSION", WORD_EXTENSION, ONE },
			{ "ID", WORD_ANY, OPTIONAL } },
	},
	{ 0 },
};
