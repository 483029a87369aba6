// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/internal.h"
#include "control/request.h"
#include "control/rows.h"

static const struct {
	int code; // positive errno
	Weir__Control__Status__Code status;
} codes[] = {
	{ EINVAL, WEIR__CONTROL__STATUS__CODE__INVALID },
	{ ERANGE, WEIR__CONTROL__STATUS__CODE__INVALID },
	{ ENAMETOOLONG, WEIR__CONTROL__STATUS__CODE__INVALID },
	{ EMSGSIZE, WEIR__CONTROL__STATUS__CODE__INVALID },
	{ ENOENT, WEIR__CONTROL__STATUS__CODE__NOT_FOUND },
	{ ENODEV, WEIR__CONTROL__STATUS__CODE__NOT_FOUND },
	{ ENXIO, WEIR__CONTROL__STATUS__CODE__NOT_FOUND },
	{ EEXIST, WEIR__CONTROL__STATUS__CODE__EXISTS },
	{ EBUSY, WEIR__CONTROL__STATUS__CODE__BUSY },
	{ EAGAIN, WEIR__CONTROL__STATUS__CODE__BUSY },
	{ EPERM, WEIR__CONTROL__STATUS__CODE__PERMISSION },
	{ EACCES, WEIR__CONTROL__STATUS__CODE__PERMISSION },
	{ ENOMEM, WEIR__CONTROL__STATUS__CODE__EXHAUSTED },
	{ ENOSPC, WEIR__CONTROL__STATUS__CODE__EXHAUSTED },
	{ EDQUOT, WEIR__CONTROL__STATUS__CODE__EXHAUSTED },
	{ ENOBUFS, WEIR__CONTROL__STATUS__CODE__EXHAUSTED },
	{ EMFILE, WEIR__CONTROL__STATUS__CODE__EXHAUSTED },
	{ EOPNOTSUPP, WEIR__CONTROL__STATUS__CODE__UNSUPPORTED },
	{ ENOSYS, WEIR__CONTROL__STATUS__CODE__UNSUPPORTED },
};

static Weir__Control__Status__Code status_code(int code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == -code)
			return codes[i].status;
	return WEIR__CONTROL__STATUS__CODE__FAILED;
}

// A client that cannot be answered for want of memory must not wait for ever.
static void send_reply(struct client *client, const Weir__Control__Reply *reply)
{
	size_t size = weir__control__reply__get_packed_size(reply);
	uint8_t *bytes = malloc(FRAMING_HEADER + size);

	if (!bytes) {
		client_close(client, "out of memory for a reply");
		return;
	}
	weir__control__reply__pack(reply, bytes + FRAMING_HEADER);
	client_send(client, bytes, size);
}

static void send_refusal(
	struct client *client, uint64_t id, const char *field, const struct weir_error *error)
{
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;
	Weir__Control__Status status = WEIR__CONTROL__STATUS__INIT;

	status.has_code = true;
	status.code = status_code(error->code);
	status.message = (char *)error->message;
	status.field = *field ? (char *)field : NULL;
	reply.has_id = true;
	reply.id = id;
	reply.status = &status;
	send_reply(client, &reply);
}

void call_refuse_message(struct client *client, uint64_t id, const struct weir_error *error)
{
	send_refusal(client, id, error->field, error);
}

// Refuses a message that did not become a call.
static void refuse_unread(
	struct client *client, const uint8_t *message, size_t size, struct weir_error *error)
{
	const uint32_t number = request_peek_number(message, size);

	document_refused(client, number, error);
	call_refuse_message(client, request_peek_id(message, size), error);
	if (dispatch_effect(number) != EFFECT_NONE)
		event_refused(client, request_number_name(number), error);
}

void call_begin(struct client *client, const uint8_t *message, size_t size)
{
	struct weir_error error = { 0 };
	struct call *call = calloc(1, sizeof(*call));
	int result;

	if (!call)
		result = weir_refuse(&error, -ENOMEM, NULL, "out of memory for a request");
	else
		result = request_unpack(
			client->server->schema, message, size, &call->request, &error);
	if (result < 0) {
		free(call);
		refuse_unread(client, message, size, &error);
		return;
	}
	call->client = client;
	call->server = client->server;
	call->name = request_name(call->request);
	LIST_INSERT_HEAD(&client->calls, call, link);
	client->n_calls++;
	dispatch(call);
}

void call_free(struct call *call)
{
	struct client *client = call->client;

	LIST_REMOVE(call, link);
	if (call->subscribed)
		LIST_REMOVE(call, subscription);
	weir_drop_watch_end(call->watch);
	if (call->is_reaped)
		LIST_REMOVE(call, reap);
	if (call->server->current == call)
		call->server->current = NULL;
	rows_free(call->rows);
	call_remarks_free(call->remarks);
	request_free(call->request);
	free(call);
	if (client) {
		client->n_calls--;
		client_call_ended(client);
	}
}

bool call_is_endless(const struct call *call)
{
	return call->subscribed ||
	       call->request->request_case == WEIR__CONTROL__REQUEST__REQUEST_DROP_WATCH;
}

void call_abandon(struct call *call)
{
	LIST_REMOVE(call, link);
	call->client->n_calls--;
	call->client = NULL;
	LIST_INSERT_HEAD(&call->server->orphans, call, link);
	weir_drop_watch_end(call->watch);
	call->watch = NULL;
	if (call->running)
		call_reap(call);
}

static void on_reaper(uv_timer_t *reaper)
{
	call_reap_all(reaper->data);
}

void call_reap(struct call *call)
{
	if (call->is_reaped)
		return;
	call->is_reaped = true;
	LIST_INSERT_HEAD(&call->server->reaped, call, reap);
	if (!uv_is_closing((uv_handle_t *)&call->server->reaper))
		uv_timer_start(&call->server->reaper, on_reaper, 0, 0);
}

void call_reap_running(struct client *client)
{
	struct call *call;

	for (call = LIST_FIRST(&client->calls); call; call = LIST_NEXT(call, link))
		if (call->running)
			call_reap(call);
}

// Cancelling and freeing may add others.
void call_reap_all(struct control_server *server)
{
	struct call *call;

	while ((call = LIST_FIRST(&server->reaped))) {
		if (call->running)
			weir_call_cancel(call->running);
		call->running = NULL;
		call_free(call);
	}
}

void call_free_orphans(struct control_server *server, bool all)
{
	struct call *call, *next;

	for (call = LIST_FIRST(&server->orphans); call; call = next) {
		next = LIST_NEXT(call, link);
		if (all || call_is_endless(call))
			call_free(call);
	}
}

bool call_is_dry_run(const struct call *call)
{
	return call->request->dry_run;
}

unsigned call_flags(const struct call *call, bool force)
{
	return (call_is_dry_run(call) ? WEIR_DRY_RUN : 0u) | (force ? WEIR_FORCE : 0u);
}

void call_send(struct call *call, Weir__Control__Reply *reply)
{
	reply->has_more = reply->more = true;
	reply->has_id = true;
	reply->id = call->request->id;
	if (call->client)
		send_reply(call->client, reply);
}

void call_finish(struct call *call, Weir__Control__Reply *reply)
{
	reply->has_id = true;
	reply->id = call->request->id;
	if (call->client)
		send_reply(call->client, reply);
	call_free(call);
}

void call_send_done(struct call *call)
{
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;

	reply.has_id = true;
	reply.id = call->request->id;
	if (call->client)
		send_reply(call->client, &reply);
}

// A request that is cancelled was not refused by anybody else than its client.
void call_send_refusal(struct call *call, const struct weir_error *error)
{
	struct client *client = call->client;
	char field[128] = "";

	if (!client)
		return;
	if (*error->field)
		snprintf(field, sizeof(field), "%s.%s", call->name, error->field);
	send_refusal(client, call->request->id, field, error);
	if (call->effect != EFFECT_NONE && !call_is_dry_run(call) && error->code != -ECANCELED)
		event_refused(client, call->name, error);
}

void call_refuse(struct call *call, const struct weir_error *error)
{
	call_send_refusal(call, error);
	call_free(call);
}

static void answer(struct call *call)
{
	Weir__Control__PolicyAdded added = WEIR__CONTROL__POLICY_ADDED__INIT;
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;

	if (call->rows) {
		rows_end(call, 0, NULL);
		return;
	}
	if (*call->policy_id) {
		added.id = call->policy_id;
		reply.payload_case = WEIR__CONTROL__REPLY__PAYLOAD_POLICY_ADDED;
		reply.policy_added = &added;
	}
	call_remarks_put(call, &reply);
	call_finish(call, &reply);
}

// A weir_done: what was changed so far is in force. Or a part that needs no waiting for.
static void end_part(void *context)
{
	struct call *call = context;

	if (--call->n_parts > 0)
		return;
	if (call->part_error.code < 0)
		call_refuse(call, &call->part_error);
	else
		answer(call);
}

void call_set_unfollowed(struct call *call, int result)
{
	if (call->part_error.code == 0)
		weir_refuse(&call->part_error, result, NULL,
			"the change is made, but cannot be followed until it is in force: %s",
			strerror(-result));
}

static void wait_until_in_force(struct call *call)
{
	int result = weir_when_done(call->server->weir, end_part, call);

	if (result == 0)
		return;
	call_set_unfollowed(call, result);
	end_part(call);
}

// A durable_done. What could not be kept was taken back, which takes its time too.
static void on_kept(void *context, const struct weir_error *error)
{
	struct call *call = context;

	if (!error) {
		end_part(call);
		return;
	}
	call->part_error = *error;
	wait_until_in_force(call);
}

void call_end(struct call *call, int result, const struct weir_error *error)
{
	const bool is_kept = call->effect == EFFECT_KEPT && call->server->durable;

	if (result < 0) {
		call_refuse(call, error);
		return;
	}
	if (call_is_dry_run(call)) {
		answer(call);
		return;
	}
	call->n_parts = is_kept ? 2 : 1;
	if (is_kept)
		durable_commit(call->server->durable, &call->wait, on_kept, call);
	wait_until_in_force(call);
}
