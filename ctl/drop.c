// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// drop list|watch
#include "ask.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "row.h"

static const struct column columns[] = {
	{ "reason", COLUMN_PLAIN },
	{ "extension", COLUMN_PLAIN },
	{ "port", COLUMN_PLAIN },
	{ "stage", COLUMN_PLAIN },
	{ "frames", COLUMN_PLAIN },
	{ "policers", COLUMN_RARE },
	{ "text", COLUMN_PLAIN },
	{ NULL, COLUMN_PLAIN },
};

// "acl web (5), acl few": the policers of a row with what each of them dropped, as far as it is
// known.
static int name_policers(json_t *row, struct ctl_error *error)
{
	const json_t *policers = json_object_get(row, "policers");
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool ok = out != NULL;

	for (size_t i = 0; out && i < json_array_size(policers); i++) {
		const json_t *policer = json_array_get(policers, i);
		const char *name = json_string_value(json_object_get(policer, "policer"));
		const json_t *frames = json_object_get(policer, "frames");

		fprintf(out, "%s%s", i > 0 ? ", " : "", name ? name : "");
		if (json_is_integer(frames))
			fprintf(out, " (%" JSON_INTEGER_FORMAT ")", json_integer_value(frames));
	}
	if (out)
		ok = fclose(out) == 0 &&
		     json_object_set_new(row, "policers", json_string(text)) == 0;
	free(text);
	return ok ? 0 : ctl_fail_memory(error);
}

static int list(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__DropList message = WEIR__CONTROL__DROP_LIST__INIT;
	Weir__Control__Request request = REQUEST(DROP_LIST, drop_list, &message);
	json_t *rows = json_array();
	int result;

	message.switch_ = ask_text(invocation_argument(in, 0));
	message.port = ask_text(invocation_option(in, "--port"));
	message.has_reset = message.reset = invocation_option(in, "--reset") != NULL;
	result = ask_rows(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_DROPS, rows, error);
	for (size_t i = 0; result == 0 && !in->json && i < json_array_size(rows); i++)
		result = name_policers(json_array_get(rows, i), error);
	if (result == 0)
		result = output_rows(stdout, rows, columns, in->json, error);
	json_decref(rows);
	return result;
}

// ---- Watching

static const struct column sample_columns[] = {
	{ "time", COLUMN_TIME },
	{ "port", COLUMN_PLAIN },
	{ "stage", COLUMN_PLAIN },
	{ "reason", COLUMN_PLAIN },
	{ "extension", COLUMN_PLAIN },
	{ "policer", COLUMN_PLAIN },
	{ "summary", COLUMN_PLAIN },
	{ NULL, COLUMN_PLAIN },
};

// Stops the stream; never an exit code of weirctl's.
enum { ENOUGH = -1 };

struct watch {
	struct invocation *in;
	uint64_t left; // samples to show before the end; 0: no end
};

static int show_sample(
	struct watch *watch, const Weir__Control__DropSample *sample, struct ctl_error *error)
{
	json_t *row = row_json(&sample->base);
	int result;

	if (!row)
		return ctl_fail_memory(error);
	if (!watch->in->json && sample->lost > 0)
		printf("(%" PRIu64 " more %s not shown)\n", sample->lost,
			sample->lost == 1 ? "was" : "were");
	result = output_line(stdout, row, sample_columns, watch->in->json, error);
	json_decref(row);
	// A reader behind a pipe sees each sample when it comes; when it is gone there is no reason
	// to go on.
	if (result == 0 && fflush(stdout))
		result = ctl_fail(error, CTL_REFUSED, "cannot write the output: %m");
	if (result == 0 && watch->left > 0 && --watch->left == 0)
		result = ENOUGH;
	return result;
}

static int show(void *context, const Weir__Control__Reply *reply, struct ctl_error *error)
{
	struct watch *watch = context;

	client_wait_forever(watch->in->client);
	if (reply->payload_case == WEIR__CONTROL__REPLY__PAYLOAD__NOT_SET)
		return 0; // from now on
	if (reply->payload_case != WEIR__CONTROL__REPLY__PAYLOAD_DROP_SAMPLE)
		return ask_unexpected(error);
	return show_sample(watch, reply->drop_sample, error);
}

static int watch(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__DropWatch message = WEIR__CONTROL__DROP_WATCH__INIT;
	Weir__Control__Request request = REQUEST(DROP_WATCH, drop_watch, &message);
	struct watch watched = { .in = in };
	const char *count = invocation_option(in, "--count");
	int result = 0;

	message.switch_ = ask_text(invocation_argument(in, 0));
	message.port = ask_text(invocation_option(in, "--port"));
	message.reason = ask_text(invocation_option(in, "--reason"));
	message.extension = ask_text(invocation_option(in, "--extension"));
	if (count)
		result = command_number("--count", count,
			(struct command_range){ 0, UINT32_MAX, "samples" }, &watched.left, error);
	if (result == 0)
		result = ask(in, &request, show, &watched, error);
	return result == ENOUGH ? 0 : result;
}

const struct command drop_commands[] = {
	{
		.object = "drop",
		.verb = "list",
		.summary = "Lists why frames were not delivered, on all switches or on one",
		.run = list,
		.arguments = { { "SWITCH", WORD_SWITCH, OPTIONAL } },
		.options = { { .name = "--port",
				     .value = "PORT",
				     .kind = WORD_PORT,
				     .help = "only what was dropped at this port" },
			{ .name = "--reset",
				.help = "start what is listed again at 0; no frame is lost "
					"between" } },
	},
	{
		.object = "drop",
		.verb = "watch",
		.summary =
			"Shows dropped frames as they come, or samples where they are many, with "
			"-j one JSON object per line",
		.run = watch,
		.arguments = { { "SWITCH", WORD_SWITCH, OPTIONAL } },
		.options = { { .name = "--port",
				     .value = "PORT",
				     .kind = WORD_PORT,
				     .help = "only what is dropped at this port" },
			{ .name = "--reason",
				.value = "REASON",
				.help = "only for this reason, as drop list shows it" },
			{ .name = "--extension",
				.value = "EXTENSION",
				.kind = WORD_EXTENSION,
				.help = "only for reasons of this extension, or of the core" },
			{ .name = "--count",
				.value = "N",
				.help = "end after so many samples; 0: never" } },
	},
	{ 0 },
};
