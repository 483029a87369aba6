// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Calls of extensions. What the core calls here (reply, stream, ended) comes from within an
// extension, perhaps while weir_call_begin() is on the stack: it sends, and leaves everything else
// to the reaper. An ended call is answered as any other change: when what it did is in force.
#include <errno.h>

#include "control/handlers.h"
#include "control/internal.h"

enum { PIECE_BYTES = 256 << 10 }; // of a stream, in one message

static void send_part(struct call *call, Weir__Control__CallReply *part)
{
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;

	reply.payload_case = WEIR__CONTROL__REPLY__PAYLOAD_CALL;
	reply.call = part;
	call_send(call, &reply);
}

// Replies cannot wait in the extension as a stream can.
static void on_reply(void *context, const void *bytes, size_t size)
{
	Weir__Control__CallReply part = WEIR__CONTROL__CALL_REPLY__INIT;
	struct call *call = context;

	if (call->client && client_is_full(call->client, size)) {
		client_close(call->client, "it does not read an extension's replies");
		return;
	}
	part.part_case = WEIR__CONTROL__CALL_REPLY__PART_BODY;
	part.body.data = (uint8_t *)bytes;
	part.body.len = size;
	send_part(call, &part);
}

// What is larger than the bound alone goes when nothing else waits. A client that went away takes
// nothing any more; the cancelling is on its way.
static bool on_stream(void *context, const void *bytes, size_t size)
{
	struct call *call = context;
	const uint8_t *at = bytes;

	if (!call->client || client_is_full(call->client, size) ||
		(call->client->queued > 0 && call->client->queued + size > CLIENT_STREAM_BYTES))
		return false;
	while (size > 0) {
		const size_t piece = size < PIECE_BYTES ? size : PIECE_BYTES;
		Weir__Control__CallReply part = WEIR__CONTROL__CALL_REPLY__INIT;

		part.part_case = WEIR__CONTROL__CALL_REPLY__PART_DATA;
		part.data.data = (uint8_t *)at;
		part.data.len = piece;
		send_part(call, &part);
		at += piece;
		size -= piece;
	}
	return true;
}

// A weir_done, or the end of a call that nothing is waited for.
static void answer(void *context)
{
	struct call *call = context;

	if (call->part_error.code < 0)
		call_send_refusal(call, &call->part_error);
	else
		call_send_done(call);
	call_reap(call);
}

// One that is reaped already was given up with its client's connection, and is not waited for:
// nothing may call back once it is freed.
static void on_ended(void *context, const struct weir_error *refusal)
{
	struct call *call = context;
	int result;

	call->running = NULL;
	call->n_parts = 0;
	if (call->is_reaped)
		return;
	if (refusal)
		call->part_error = *refusal;
	if (call_is_dry_run(call)) {
		answer(call);
		return;
	}
	result = weir_when_done(call->server->weir, answer, call);
	if (result == 0)
		return;
	call_set_unfollowed(call, result);
	answer(call);
}

// n_parts says that it runs, also while `running` is not known yet.
void on_extension_call(struct call *call)
{
	const Weir__Control__ExtensionCall *message = call->request->extension_call;
	struct weir_running_call *running = NULL;
	struct weir_error error = { 0 };
	int fds[FILES_MAX];
	int result = files_take(&call->client->files, message->files, fds, &error);
	const struct weir_call_request request = {
		.size = sizeof(request),
		.extension = message->extension,
		.switch_name = message->switch_,
		.type = message->type,
		.bytes = message->body.data,
		.n_bytes = message->body.len,
		.files = fds,
		.n_files = message->files,
		.reply = on_reply,
		.stream = on_stream,
		.ended = on_ended,
		.context = call,
	};

	call->n_parts = 1;
	if (result == 0)
		result = weir_call_begin(
			call->server->weir, &request, call_flags(call, false), &running, &error);
	if (result < 0)
		call_refuse(call, &error);
	else if (call->n_parts > 0)
		call->running = running;
	// The client may have gone while it was sent to.
	if (result == 0 && call->running && !call->client)
		call_reap(call);
}

// The client may have sent the same id twice: then both are meant.
void on_call_cancel(struct call *call)
{
	const uint64_t id = call->request->call_cancel->call;
	struct weir_error error = { 0 };
	struct call *other, *next;

	weir_refuse(&error, -ECANCELED, NULL, "cancelled by the client");
	for (other = LIST_FIRST(&call->client->calls); other && call->client; other = next) {
		next = LIST_NEXT(other, link);
		if (other->request->id != id || !other->running || call_is_dry_run(call))
			continue;
		weir_call_cancel(other->running);
		other->running = NULL;
		other->n_parts = 0;
		call_send_refusal(other, &error);
		call_reap(other);
	}
	call_end(call, 0, NULL);
}
