// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// worker list|set
#include "ask.h"

static const struct column columns[] = {
	{ "id", COLUMN_PLAIN },
	{ "cpu", COLUMN_PLAIN },
	{ "cycles_per_frame", COLUMN_PLAIN },
	{ "frames_per_batch", COLUMN_PLAIN },
	{ "idle_share", COLUMN_SHARE },
	{ "linger_us", COLUMN_PLAIN },
	{ "queues", COLUMN_PLAIN },
	{ "frames", COLUMN_PLAIN },
	{ "slow_decides", COLUMN_RARE },
	{ "slow_extension", COLUMN_RARE },
	{ "slow_switch", COLUMN_RARE },
	{ "slow_ms", COLUMN_RARE },
	{ NULL, COLUMN_PLAIN },
};

static int list(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__WorkerList message = WEIR__CONTROL__WORKER_LIST__INIT;
	Weir__Control__Request request = REQUEST(WORKER_LIST, worker_list, &message);

	return ask_list(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_WORKERS, columns, error);
}

static int set(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__WorkerSet message = WEIR__CONTROL__WORKER_SET__INIT;
	Weir__Control__Request request = REQUEST(WORKER_SET, worker_set, &message);
	int result = invocation_number(in, "--linger-us",
		(struct command_range){ 0, 1000000, "microseconds" }, &message.has_linger_us,
		&message.linger_us, error);

	if (result == 0 && !message.has_linger_us)
		return ctl_fail(error, CTL_USAGE, "nothing to set: give --linger-us");
	return result ? result : ask_change(in, &request, error);
}

const struct command worker_commands[] = {
	{
		.object = "worker",
		.verb = "list",
		.summary = "Lists the threads that move frames, and how busy each is",
		.run = list,
	},
	{
		.object = "worker",
		.verb = "set",
		.summary = "Changes the settings of all workers that are given",
		.run = set,
		.changes = true,
		.options = { { .name = "--linger-us",
			.value = "N",
			.help = "microseconds of polling without traffic before sleep; to "
				"1000000" } },
	},
	{ 0 },
};
