// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>

#include "control/handlers.h"
#include "control/internal.h"

#define ON(CASE, handler) [WEIR__CONTROL__REQUEST__REQUEST_##CASE] = handler

static void (*const handlers[])(struct call *call) = {
	ON(HELLO, on_hello),
	ON(SWITCH_ADD, on_switch_add),
	ON(SWITCH_REMOVE, on_switch_remove),
	ON(SWITCH_LIST, on_switch_list),
	ON(SWITCH_SHOW, on_switch_show),
	ON(PORT_ADD, on_port_add),
	ON(PORT_REMOVE, on_port_remove),
	ON(PORT_LIST, on_port_list),
	ON(PORT_SHOW, on_port_show),
	ON(PORT_CONNECT, on_port_connect),
	ON(PORT_DISCONNECT, on_port_disconnect),
	ON(PORT_SET, on_port_set),
	ON(EXTENSION_LOAD, on_extension_load),
	ON(EXTENSION_UNLOAD, on_extension_unload),
	ON(EXTENSION_LIST, on_extension_list),
	ON(EXTENSION_SHOW, on_extension_show),
	ON(EXTENSION_ATTACH, on_extension_attach),
	ON(EXTENSION_DETACH, on_extension_detach),
	ON(POLICY_ADD, on_policy_add),
	ON(POLICY_REMOVE, on_policy_remove),
	ON(POLICY_LIST, on_policy_list),
	ON(POLICY_SCHEMA, on_policy_schema),
	ON(METER_LIST, on_meter_list),
	ON(FDB_ADD, on_fdb_add),
	ON(FDB_REMOVE, on_fdb_remove),
	ON(FDB_LIST, on_fdb_list),
	ON(FDB_FLUSH, on_fdb_flush),
	ON(FLOW_LIST, on_flow_list),
	ON(FLOW_FLUSH, on_flow_flush),
	ON(DROP_LIST, on_drop_list),
	ON(WORKER_LIST, on_worker_list),
	ON(WORKER_SET, on_worker_set),
	ON(EVENT_SUBSCRIBE, on_event_subscribe),
};

void dispatch(struct call *call)
{
	const size_t request = (size_t)call->request->request_case;
	struct weir_error error;

	if (request < sizeof(handlers) / sizeof(handlers[0]) && handlers[request]) {
		handlers[request](call);
		return;
	}
	weir_refuse(&error, -ENOSYS, NULL, "%s is not known to this daemon", call->name);
	call_refuse(call, &error);
}
