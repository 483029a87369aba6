// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// flow list|flush
#include "ask.h"

#include <inttypes.h>

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

// Of a table for people, or a program that does not say otherwise: a worker can hold millions.
enum { DEFAULT_LIMIT = 10000 };

struct listing {
	json_t *rows;
	bool cut; // there are more
};

static int take(void *context, const Weir__Control__Reply *reply, struct ctl_error *error)
{
	struct listing *listing = context;

	if (reply->payload_case == WEIR__CONTROL__REPLY__PAYLOAD_FLOWS)
		listing->cut |= reply->flows->left_out > 0;
	return ask_append(listing->rows, WEIR__CONTROL__REPLY__PAYLOAD_FLOWS, reply, error);
}

static int number_option(const struct invocation *in, const char *name, protobuf_c_boolean *has,
	uint64_t *number, struct ctl_error *error)
{
	const char *text = invocation_option(in, name);

	if (!text)
		return 0;
	*has = true;
	return command_number(
		name, text, (struct command_range){ 0, UINT64_MAX, NULL }, number, error);
}

static int fill(
	const struct invocation *in, Weir__Control__FlowList *message, struct ctl_error *error)
{
	int result;

	message->switch_ = ask_text(invocation_argument(in, 0));
	message->port = ask_text(invocation_option(in, "--port"));
	message->match = ask_text(invocation_option(in, "--filter"));
	result = invocation_number(in, "--worker", (struct command_range){ 0, 63, NULL },
		&message->has_worker, &message->worker, error);
	if (result == 0)
		result = number_option(
			in, "--min-frames", &message->has_min_frames, &message->min_frames, error);
	message->limit = DEFAULT_LIMIT;
	message->has_limit = true;
	if (result == 0)
		result = number_option(in, "--limit", &message->has_limit, &message->limit, error);
	return result;
}

static int list(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__FlowList message = WEIR__CONTROL__FLOW_LIST__INIT;
	Weir__Control__Request request = REQUEST(FLOW_LIST, flow_list, &message);
	struct listing listing = { .rows = json_array() };
	int result = listing.rows ? fill(in, &message, error) : ctl_fail_memory(error);

	if (result == 0)
		result = ask(in, &request, take, &listing, error);
	if (result == 0)
		result = output_rows(stdout, listing.rows, columns, in->json, error);
	if (result == 0 && listing.cut)
		fprintf(stderr,
			"weirctl: there are more than these %" PRIu64
			" flows: --limit N shows more, or all with 0\n",
			message.limit);
	json_decref(listing.rows);
	return result;
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
		.options = {
			{ .name = "--port",
				.value = "PORT",
				.kind = WORD_PORT,
				.help = "only those whose frames come from there" },
			{ .name = "--filter",
				.value = "KEY",
				.kind = WORD_FILTER,
				.help = "only those with these fields: ip_dst=10.0.0.0/8,proto=17" },
			{ .name = "--worker", .value = "N", .help = "only those of this worker" },
			{ .name = "--min-frames",
				.value = "N",
				.help = "only those that have had so many frames" },
			{ .name = "--limit",
				.value = "N",
				.help = "at most so many; 10000 by default, 0: all" },
		},
	},
	{
		.object = "flow",
		.verb = "flush",
		.summary = "Has every flow decided anew; no frame is dropped",
		.run = flush,
		.changes = true,
		.arguments = { { "SWITCH", WORD_SWITCH, OPTIONAL } },
	},
	{ 0 },
};
