// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The handlers of requests, one file per object: on_port.c has those of port.proto. A handler runs
// on the control thread and ends its call, now or later (internal.h).
#ifndef CONTROL_HANDLERS_H
#define CONTROL_HANDLERS_H

#include <stdbool.h>
#include <string.h>

#include <weir/embed.h>

struct call;

void on_hello(struct call *call);

void on_switch_add(struct call *call);
void on_switch_remove(struct call *call);
void on_switch_list(struct call *call);
void on_switch_show(struct call *call);

void on_port_add(struct call *call);
void on_port_remove(struct call *call);
void on_port_list(struct call *call);
void on_port_show(struct call *call);
void on_port_connect(struct call *call);
void on_port_disconnect(struct call *call);
void on_port_set(struct call *call);

void on_extension_load(struct call *call);
void on_extension_unload(struct call *call);
void on_extension_replace(struct call *call);
void on_extension_list(struct call *call);
void on_extension_show(struct call *call);
void on_extension_attach(struct call *call);
void on_extension_detach(struct call *call);

void on_policy_add(struct call *call);
void on_policy_remove(struct call *call);
void on_policy_list(struct call *call);
void on_policy_schema(struct call *call);

void on_meter_list(struct call *call);
void on_meter_remove(struct call *call);
void on_policer_list(struct call *call);

void on_fdb_add(struct call *call);
void on_fdb_remove(struct call *call);
void on_fdb_list(struct call *call);
void on_fdb_flush(struct call *call);

void on_flow_list(struct call *call);
void on_flow_flush(struct call *call);

void on_session_list(struct call *call);

void on_drop_list(struct call *call);
void on_drop_watch(struct call *call);

void on_worker_list(struct call *call);
void on_worker_set(struct call *call);

void on_event_subscribe(struct call *call);

void on_extension_call(struct call *call);
void on_call_cancel(struct call *call);
void on_policy_status(struct call *call);

void on_apply_add(struct call *call);
void on_apply_commit(struct call *call);
void on_apply_abort(struct call *call);
void on_export(struct call *call);

void on_trace(struct call *call);

// A weir_notice_handler; context: the server. Sends the notice to all who subscribed.
void event_notice(void *context, const struct weir_notice *notice);

// What a row's field is set to: texts are absent when there is nothing to say. The rows only
// borrow.
static inline char *row_text(const char *text)
{
	return text && *text ? (char *)text : NULL;
}

// Sets an optional number of a protobuf-c row together with its presence.
#define ROW_SET(row, field, value)                                                                 \
	do {                                                                                       \
		(row).has_##field = true;                                                          \
		(row).field = (value);                                                             \
	} while (0)

#endif
