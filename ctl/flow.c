// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// flow list|flush
#include "ask.h"

static const struct column columns[] = {
	{ "switch", COLUMN_PLAIN },
	{ "port", COLUMN_PLAIN },
	{ "worker", COLUMN_PLAIN },
	{ "frames", COLUMN_PLAIN },
	{ "bytes", COLUMN_PLAIN },
	{ "age_s", COLUMN_PLAIN },
	{ "key", COLUMN_PLAIN },
	{ "program", COLUMN_PLAIN },
	{ NULL, COLUMN_PLAIN },
};

static int list(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__FlowList message = WEIR__CONTROL__FLOW_LIST__INIT;
	Weir__Control__Request request = REQUEST(FLOW_LIST, flow_list, &message);

	message.switch_ = ask_text(invocation_argument(in, 0));
	return ask_list(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_FLOWS, columns, error);
}

static int flush(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__FlowFlush message = WEIR__CONTROL__FLOW_FLUSH__INIT;
	Weir__Control__Request request = REQUEST(FLOW_FLUSH, flow_flush, &message);

	message.switch_ = ask_text(invocation_argument(in, 0));
	return ask_change(in, &request, error);
}

const struct command flow_commands[] = {
	{
		.object = "flow",
		.verb = "list",
		.summary = "Lists the flows that workers hold, of all switches or of one",
		.run = list,
		.arguments = { { "SWITCH", WORD_SWITCH, OPTIONAL } },
	},
	{
		.object = "flow",
		.verb = "flush",
		.summary = "Has every flow decided anew; no frame is lost",
		.run = flush,
		.changes = true,
		.arguments = { { "SWITCH", WORD_SWITCH, OPTIONAL } },
	},
	{ 0 },
};
