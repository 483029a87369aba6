// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// event watch
#include "ask.h"

#include "row.h"

static const struct column columns[] = {
	{ "time", COLUMN_TIME },
	{ "kind", COLUMN_PLAIN },
	{ "switch", COLUMN_PLAIN },
	{ "port", COLUMN_PLAIN },
	{ "extension", COLUMN_PLAIN },
	{ "text", COLUMN_PLAIN },
	{ NULL, COLUMN_PLAIN },
};

// Stops the stream; never an exit code of weirctl's.
enum { ENOUGH = -1 };

struct watch {
	struct invocation *in;
	uint64_t left; // events to show before the end; 0: no end
};

static int show(void *context, const Weir__Control__Reply *reply, struct ctl_error *error)
{
	struct watch *watch = context;
	json_t *row;
	int result;

	client_wait_forever(watch->in->client);
	if (reply->payload_case == WEIR__CONTROL__REPLY__PAYLOAD__NOT_SET)
		return 0; // the subscription is in force
	if (reply->payload_case != WEIR__CONTROL__REPLY__PAYLOAD_EVENT)
		return ask_unexpected(error);
	row = row_json(&reply->event->base);
	if (!row)
		return ctl_fail_memory(error);
	if (!watch->in->json && reply->event->lost > 0)
		printf("(%llu events were lost before this one)\n",
			(unsigned long long)reply->event->lost);
	result = output_line(stdout, row, columns, watch->in->json, error);
	json_decref(row);
	// A reader behind a pipe sees each event when it happens; when it is gone there is no
	// reason to go on.
	if (result == 0 && fflush(stdout))
		result = ctl_fail(error, CTL_REFUSED, "cannot write the output: %m");
	if (result == 0 && watch->left > 0 && --watch->left == 0)
		result = ENOUGH;
	return result;
}

static int watch(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__EventSubscribe message = WEIR__CONTROL__EVENT_SUBSCRIBE__INIT;
	Weir__Control__Request request = REQUEST(EVENT_SUBSCRIBE, event_subscribe, &message);
	struct watch watched = { .in = in };
	const char *count = invocation_option(in, "--count");
	int result = 0;

	if (count)
		result = command_number("--count", count, UINT32_MAX, &watched.left, error);
	if (result == 0)
		result = ask(in, &request, show, &watched, error);
	return result == ENOUGH ? 0 : result;
}

const struct command event_commands[] = {
	{
		.object = "event",
		.verb = "watch",
		.summary = "Shows events as they happen, with -j one JSON object per line",
		.run = watch,
		.options = { { .name = "--count",
			.value = "N",
			.help = "end after so many events; 0: never" } },
	},
	{ 0 },
};
