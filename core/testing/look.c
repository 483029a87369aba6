// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the bench's switch says about itself.
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct sum {
	const char *extension, *name; // of the rows that count
	uint64_t frames, bytes;
	bool found;
};

static void add_drop(void *context, const struct weir_drop_info *info)
{
	struct sum *sum = context;

	if (strcmp(info->extension, sum->extension) == 0 && strcmp(info->reason, sum->name) == 0)
		sum->frames += info->frames;
}

uint64_t weir_testing_drops(struct weir_testing *t, const char *extension, const char *reason)
{
	struct sum sum = { .extension = extension, .name = reason };

	if (weir_drop_list(t->weir, NULL, add_drop, &sum, &t->error) < 0)
		testing_refused(t, "drops");
	return sum.frames;
}

static void take_meter(void *context, const struct weir_meter_info *info)
{
	struct sum *sum = context;

	if (strcmp(info->extension, sum->extension) != 0 || strcmp(info->id, sum->name) != 0)
		return;
	sum->found = true;
	sum->frames = info->frames;
	sum->bytes = info->bytes;
}

uint64_t weir_testing_meter(struct weir_testing *t, const char *target, const char *extension,
	const char *id, uint64_t *bytes)
{
	struct sum sum = { .extension = extension, .name = id };

	if (weir_meter_list(t->weir, target, false, take_meter, &sum, &t->error) < 0)
		testing_refused(t, "meters");
	if (!sum.found)
		testing_fail(t, "meter %s of %s on %s: there is none", id, extension, target);
	if (bytes)
		*bytes = sum.bytes;
	return sum.frames;
}

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

static void put_step(void *context, const struct weir_trace_info *info)
{
	fprintf(context, "%s %s %s %s %s\n", or_dash(info->port), or_dash(info->stage),
		or_dash(info->extension), info->action, info->text);
}

const char *weir_testing_trace(
	struct weir_testing *t, const char *port, const struct weir_testing_frame *frame)
{
	struct weir_trace_request request = {
		.size = sizeof(request), .port = port, .bytes = frame->bytes, .n_bytes = frame->size
	};
	FILE *out;
	int failed;

	free(t->trace);
	t->trace = NULL;
	out = open_memstream(&t->trace, &t->trace_size);
	if (!out)
		testing_fail(t, "no memory for a trace");
	failed = weir_trace(t->weir, &request, put_step, out, &t->error);
	fclose(out);
	if (failed)
		testing_refused(t, "trace");
	return t->trace;
}
