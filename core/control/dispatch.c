// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>

#include "control/handlers.h"
#include "control/internal.h"

#define ON(CASE, EFFECT, HANDLER) [WEIR__CONTROL__REQUEST__REQUEST_##CASE] = { HANDLER, EFFECT }

static const struct {
	void (*handle)(struct call *call);
	enum effect effect;
} requests[] = {
	ON(HELLO, EFFECT_NONE, on_hello),
	ON(SWITCH_ADD, EFFECT_KEPT, on_switch_add),
	ON(SWITCH_REMOVE, EFFECT_KEPT, on_switch_remove),
	ON(SWITCH_LIST, EFFECT_NONE, on_switch_list),
	ON(SWITCH_SHOW, EFFECT_NONE, on_switch_show),
	ON(PORT_ADD, EFFECT_KEPT, on_port_add),
	ON(PORT_REMOVE, EFFECT_KEPT, on_port_remove),
	ON(PORT_LIST, EFFECT_NONE, on_port_list),
	ON(PORT_SHOW, EFFECT_NONE, on_port_show),
	ON(PORT_CONNECT, EFFECT_KEPT, on_port_connect),
	ON(PORT_DISCONNECT, EFFECT_KEPT, on_port_disconnect),
	ON(PORT_SET, EFFECT_KEPT, on_port_set),
	ON(EXTENSION_LOAD, EFFECT_ACT, on_extension_load),
	ON(EXTENSION_UNLOAD, EFFECT_ACT, on_extension_unload),
	ON(EXTENSION_REPLACE, EFFECT_KEPT, on_extension_replace),
	ON(EXTENSION_LIST, EFFECT_NONE, on_extension_list),
	ON(EXTENSION_SHOW, EFFECT_NONE, on_extension_show),
	ON(EXTENSION_ATTACH, EFFECT_KEPT, on_extension_attach),
	ON(EXTENSION_DETACH, EFFECT_KEPT, on_extension_detach),
	ON(POLICY_ADD, EFFECT_KEPT, on_policy_add),
	ON(POLICY_REMOVE, EFFECT_KEPT, on_policy_remove),
	ON(POLICY_LIST, EFFECT_NONE, on_policy_list),
	ON(POLICY_SCHEMA, EFFECT_NONE, on_policy_schema),
	ON(METER_LIST, EFFECT_NONE, on_meter_list),
	ON(METER_REMOVE, EFFECT_KEPT, on_meter_remove),
	ON(POLICER_LIST, EFFECT_NONE, on_policer_list),
	ON(FDB_ADD, EFFECT_KEPT, on_fdb_add),
	ON(FDB_REMOVE, EFFECT_KEPT, on_fdb_remove),
	ON(FDB_LIST, EFFECT_NONE, on_fdb_list),
	ON(FDB_FLUSH, EFFECT_ACT, on_fdb_flush),
	ON(FLOW_LIST, EFFECT_NONE, on_flow_list),
	ON(FLOW_FLUSH, EFFECT_ACT, on_flow_flush),
	ON(SESSION_LIST, EFFECT_NONE, on_session_list),
	ON(DROP_LIST, EFFECT_NONE, on_drop_list),
	ON(DROP_WATCH, EFFECT_NONE, on_drop_watch),
	ON(WORKER_LIST, EFFECT_NONE, on_worker_list),
	ON(WORKER_SET, EFFECT_ACT, on_worker_set),
	ON(EVENT_SUBSCRIBE, EFFECT_NONE, on_event_subscribe),
	ON(EXTENSION_CALL, EFFECT_ACT, on_extension_call),
	ON(CALL_CANCEL, EFFECT_ACT, on_call_cancel),
	ON(POLICY_STATUS, EFFECT_NONE, on_policy_status),
	ON(APPLY_ADD, EFFECT_ACT, on_apply_add),
	ON(APPLY_COMMIT, EFFECT_KEPT, on_apply_commit),
	ON(APPLY_ABORT, EFFECT_NONE, on_apply_abort),
	ON(EXPORT, EFFECT_NONE, on_export),
	ON(TRACE, EFFECT_NONE, on_trace),
};

static bool is_known(size_t number)
{
	return number < sizeof(requests) / sizeof(requests[0]) && requests[number].handle;
}

enum effect dispatch_effect(uint32_t number)
{
	return is_known(number) ? requests[number].effect : EFFECT_NONE;
}

// A list that resets what it lists is a change too. Meters are kept, other counts are not.
static enum effect effect_of(const Weir__Control__Request *request)
{
	if (request->request_case == WEIR__CONTROL__REQUEST__REQUEST_METER_LIST)
		return request->meter_list->reset && !request->dry_run ? EFFECT_KEPT : EFFECT_NONE;
	if (request->request_case == WEIR__CONTROL__REQUEST__REQUEST_POLICER_LIST)
		return request->policer_list->reset && !request->dry_run ? EFFECT_ACT : EFFECT_NONE;
	if (request->request_case == WEIR__CONTROL__REQUEST__REQUEST_DROP_LIST)
		return request->drop_list->reset && !request->dry_run ? EFFECT_ACT : EFFECT_NONE;
	return dispatch_effect((uint32_t)request->request_case);
}

void dispatch(struct call *call)
{
	const size_t number = (size_t)call->request->request_case;
	struct control_server *server = call->server; // outlives the call
	struct durable *durable = server->durable;
	struct weir_error error;

	if (!is_known(number)) {
		weir_refuse(&error, -ENOSYS, NULL, "%s is not known to this daemon", call->name);
		call_refuse(call, &error);
		return;
	}
	call->effect = effect_of(call->request);
	if (call->effect == EFFECT_KEPT && durable && !durable_ready(durable, &error)) {
		document_refused(call->client, (uint32_t)number, &error);
		call_refuse(call, &error);
		return;
	}
	server->current = call;
	requests[number].handle(call);
	server->current = NULL;
}
