// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/handlers.h"
#include "control/internal.h"
#include "control/item_row.h"
#include "control/rows.h"

void on_port_add(struct call *call)
{
	const Weir__Control__PortAdd *request = call->request->port_add;
	const struct weir_port_config config = {
		.size = sizeof(config),
		.nic = request->nic,
		.vlan = item_setting(request->vlan),
		.mac = item_setting(request->mac),
		.mtu = request->mtu,
		.uplink = request->uplink,
	};
	struct weir_error error = { 0 };

	call_end(call,
		weir_port_add(call->server->weir, request->switch_, request->name, &config,
			call_flags(call, request->force), &error),
		&error);
}

void on_port_remove(struct call *call)
{
	struct weir_error error = { 0 };

	call_end(call,
		weir_port_remove(call->server->weir, call->request->port_remove->name,
			call_flags(call, false), &error),
		&error);
}

void on_port_connect(struct call *call)
{
	const Weir__Control__PortConnect *request = call->request->port_connect;
	struct weir_error error = { 0 };

	call_end(call,
		weir_port_connect(call->server->weir, request->name, request->nic,
			call_flags(call, request->force), &error),
		&error);
}

void on_port_disconnect(struct call *call)
{
	struct weir_error error = { 0 };

	call_end(call,
		weir_port_disconnect(call->server->weir, call->request->port_disconnect->name,
			call_flags(call, false), &error),
		&error);
}

void on_port_set(struct call *call)
{
	const Weir__Control__PortSet *request = call->request->port_set;
	const struct weir_port_config config = {
		.size = sizeof(config),
		.vlan = item_setting(request->vlan),
		.mac = item_setting(request->mac),
		.mtu = request->mtu,
	};
	const unsigned which = (request->vlan ? WEIR_PORT_SET_VLAN : 0u) |
			       (request->mac ? WEIR_PORT_SET_MAC : 0u) |
			       (request->has_mtu ? WEIR_PORT_SET_MTU : 0u);
	struct weir_error error = { 0 };

	call_end(call,
		weir_port_set(call->server->weir, request->name, &config, which,
			call_flags(call, false), &error),
		&error);
}

static void add_row(void *context, const struct weir_port_info *info)
{
	Weir__Control__Port row = WEIR__CONTROL__PORT__INIT;

	row.name = row_text(info->name);
	row.switch_ = row_text(info->switch_name);
	row.state = row_text(info->state_name);
	row.nic = row_text(info->nic);
	ROW_SET(row, rx_frames, info->rx_frames);
	ROW_SET(row, rx_bytes, info->rx_bytes);
	ROW_SET(row, tx_frames, info->tx_frames);
	ROW_SET(row, tx_bytes, info->tx_bytes);
	ROW_SET(row, dropped_frames, info->dropped_frames);
	row.vlan = row_text(info->vlan);
	row.mac = row_text(info->mac);
	ROW_SET(row, mtu, info->mtu);
	ROW_SET(row, uplink, info->uplink);
	row.reason = row_text(info->reason);
	ROW_SET(row, rx_missed, info->rx_missed);
	row.nic_details = row_text(info->nic_details);
	ROW_SET(row, blocked, info->blocked);
	rows_add(context, &row.base);
}

static void list(struct call *call, const char *switch_name, const char *name)
{
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_PORTS, &error);

	if (result == 0)
		result = weir_port_list(
			call->server->weir, switch_name, name, add_row, call, &error);
	rows_end(call, result, &error);
}

void on_port_list(struct call *call)
{
	list(call, call->request->port_list->switch_, NULL);
}

void on_port_show(struct call *call)
{
	list(call, NULL, call->request->port_show->name);
}
