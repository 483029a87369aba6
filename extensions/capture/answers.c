// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the calls start, list and stop are answered with.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"

static void end_call(struct weir_call **slot, const struct weir_error *refusal)
{
	struct weir_call *call = *slot;

	*slot = NULL;
	call->user = NULL;
	weir_call_end(call, refusal);
}

// A reply that cannot be sent refuses the call: the client is not left with half an answer.
static int reply(struct weir_call *call, const ProtobufCMessage *message, struct weir_error *error)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = malloc(size ? size : 1);
	int failed;

	if (!bytes)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for the answer");
	protobuf_c_message_pack(message, bytes);
	failed = weir_call_reply(call, bytes, size);
	free(bytes);
	if (failed)
		weir_refuse(
			error, failed, NULL, "the answer cannot be sent: %s", strerror(-failed));
	return failed;
}

static void reply_and_end(struct weir_call **slot, const ProtobufCMessage *message)
{
	struct weir_error error;

	end_call(slot, reply(*slot, message, &error) < 0 ? &error : NULL);
}

void answer_started(struct capture *c)
{
	Capture__Started started = CAPTURE__STARTED__INIT;

	if (!c->start)
		return;
	started.name = c->name;
	reply_and_end(&c->start, &started.base);
}

void answer_refused(struct capture *c)
{
	struct weir_error error;

	if (!c->start)
		return;
	weir_refuse(&error, -EIO, NULL, "capture to \"%.200s\": %s", c->file,
		c->reason[0] ? c->reason : "was stopped before it had begun");
	end_call(&c->start, &error);
}

static Capture__State state_of(const struct capture *c)
{
	if (!capture_has_ended(c)) // whose file is not complete yet
		return CAPTURE__STATE__RUNNING;
	return c->failed ? CAPTURE__STATE__FAILED : CAPTURE__STATE__STOPPED;
}

void answer_stopped(struct capture *c)
{
	Capture__Stopped stopped = CAPTURE__STOPPED__INIT;

	if (!c->stop)
		return;
	stopped.name = c->name;
	stopped.state = state_of(c);
	stopped.reason = c->reason[0] ? c->reason : NULL;
	stopped.seen_frames = c->counts.captured + c->counts.lost;
	stopped.captured_frames = c->counts.captured;
	stopped.lost_frames = c->counts.lost;
	stopped.bytes = c->counts.bytes;
	reply_and_end(&c->stop, &stopped.base);
}

int answer_row(struct weir_call *call, struct capture *c, struct weir_error *error)
{
	static const Capture__Stage names[WEIR_N_STAGES] = {
		[WEIR_STAGE_INGRESS] = CAPTURE__STAGE__INGRESS,
		[WEIR_STAGE_EGRESS] = CAPTURE__STAGE__EGRESS,
		[WEIR_STAGE_DROP] = CAPTURE__STAGE__DROP,
	};
	struct writer_counts counts = c->writer ? writer_counts(c->writer) : c->counts;
	char **ports = calloc(c->n_ports, sizeof(*ports));
	Capture__Stage at[WEIR_N_STAGES];
	Capture__Row row = CAPTURE__ROW__INIT, *rows[] = { &row };
	Capture__Listed listed = CAPTURE__LISTED__INIT;
	int failed;

	if (!ports)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for the answer");
	row.name = c->name;
	for (unsigned i = 0; i < c->n_ports; i++)
		if (!c->ports[i].gone || capture_has_ended(c))
			ports[row.n_port++] = c->ports[i].name;
	row.port = ports;
	for (unsigned stage = 0; stage < WEIR_N_STAGES; stage++)
		if (c->stages & 1u << stage)
			at[row.n_at++] = names[stage];
	row.at = at;
	row.file = c->file;
	row.snap = c->snap;
	row.state = state_of(c);
	row.reason = c->reason[0] ? c->reason : NULL;
	row.seen_frames = counts.captured + counts.lost;
	row.captured_frames = counts.captured;
	row.lost_frames = counts.lost;
	row.bytes = counts.bytes;
	row.since = c->since;
	listed.row = rows;
	listed.n_row = 1;
	failed = reply(call, &listed.base, error);
	free(ports);
	return failed;
}
