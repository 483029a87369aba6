// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/handlers.h"
#include "control/internal.h"

void on_event_subscribe(struct call *call)
{
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;

	// Whoever has ended his side already asked for events of the past.
	if (call->client->ended) {
		call_finish(call, &reply);
		return;
	}
	call->subscribed = true;
	LIST_INSERT_HEAD(&call->server->subscribers, call, subscription);
	call_send(call, &reply);
}

static void send_notice(struct call *call, const struct weir_notice *notice)
{
	Weir__Control__Event event = WEIR__CONTROL__EVENT__INIT;
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;

	ROW_SET(event, time, notice->time);
	event.kind = row_text(notice->kind);
	event.switch_ = row_text(notice->switch_name);
	event.port = row_text(notice->port);
	event.extension = row_text(notice->extension);
	event.text = row_text(notice->text);
	ROW_SET(event, number, notice->number);
	if (call->lost > 0)
		ROW_SET(event, lost, call->lost);
	call->lost = 0;
	reply.payload_case = WEIR__CONTROL__REPLY__PAYLOAD_EVENT;
	reply.event = &event;
	call_send(call, &reply);
}

// Sending may make calls orphans, and frees none of them.
void event_notice(void *context, const struct weir_notice *notice)
{
	struct control_server *server = context;
	struct call *call;

	LIST_FOREACH(call, &server->subscribers, subscription)
	{
		if (!call->client)
			continue;
		if (call->client->queued >= CLIENT_EVENT_BYTES)
			call->lost++;
		else
			send_notice(call, notice);
	}
}
