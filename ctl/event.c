// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// event watch
#include "ask.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "row.h"

enum { MAX_KINDS = 64 }; // as event.proto says

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

// Those of other kinds than the ones asked for lie between the numbers, but are not lost.
static void tell_gap(const struct watch *watch, const Weir__Control__Event *event)
{
	uint64_t lost = event->lost, next = event->number;

	if (next <= lost || watch->in->n_arguments > 0)
		printf("(%" PRIu64 " event%s lost here)\n", lost, lost == 1 ? " was" : "s were");
	else if (lost == 1)
		printf("(event %" PRIu64 " was lost)\n", next - 1);
	else
		printf("(events %" PRIu64 " to %" PRIu64 " were lost)\n", next - lost, next - 1);
}

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
		tell_gap(watch, reply->event);
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

struct kinds {
	char *text; // the arguments, with an end behind each kind; caller frees
	char *list[MAX_KINDS];
	size_t n;
};

// With spaces or with commas between them.
static int split_kinds(const struct invocation *in, struct kinds *kinds, struct ctl_error *error)
{
	size_t size = 0;
	char *rest;
	FILE *out = open_memstream(&kinds->text, &size);

	if (!out)
		return ctl_fail_memory(error);
	for (size_t i = 0; i < in->n_arguments; i++)
		fprintf(out, "%s,", in->arguments[i]);
	if (fclose(out))
		return ctl_fail_memory(error);
	for (char *kind = strtok_r(kinds->text, ",", &rest); kind;
		kind = strtok_r(NULL, ",", &rest)) {
		if (kinds->n == MAX_KINDS)
			return ctl_fail(
				error, CTL_USAGE, "at most %d kinds can be given", MAX_KINDS);
		kinds->list[kinds->n++] = kind;
	}
	// A variable of a script that is empty does not mean all of them.
	if (in->n_arguments > 0 && kinds->n == 0)
		return ctl_fail(
			error, CTL_USAGE, "\"%s\": names no kind of event", in->arguments[0]);
	return 0;
}

static int watch(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__EventSubscribe message = WEIR__CONTROL__EVENT_SUBSCRIBE__INIT;
	Weir__Control__Request request = REQUEST(EVENT_SUBSCRIBE, event_subscribe, &message);
	struct watch watched = { .in = in };
	const char *count = invocation_option(in, "--count");
	struct kinds kinds = { .n = 0 };
	int result = split_kinds(in, &kinds, error);

	message.kinds = kinds.list;
	message.n_kinds = kinds.n;
	if (result == 0 && count)
		result = command_number("--count", count,
			(struct command_range){ 0, UINT32_MAX, "events" }, &watched.left, error);
	if (result == 0)
		result = ask(in, &request, show, &watched, error);
	free(kinds.text);
	return result == ENOUGH ? 0 : result;
}

const struct command event_commands[] = {
	{
		.object = "event",
		.verb = "watch",
		.summary = "Shows events as they happen, of all kinds or of some (with spaces or "
			   "commas "
			   "between), with -j one JSON object per line",
		.run = watch,
		.arguments = { { "KIND", WORD_EVENT, MANY } },
		.options = { { .name = "--count",
			.value = "N",
			.help = "end after so many events; 0: never" } },
	},
	{ 0 },
};
