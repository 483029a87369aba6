// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/handlers.h"
#include "control/internal.h"
#include "control/rows.h"

void on_switch_add(struct call *call)
{
	const Weir__Control__SwitchAdd *request = call->request->switch_add;
	struct weir_switch_config config = { .size = sizeof(config),
		.n_flows = request->flows,
		.n_sessions = request->sessions,
		.n_port_sessions = request->port_sessions };
	struct weir_error error = { 0 };

	call_end(call,
		weir_switch_add_with(call->server->weir, request->name, &config,
			call_flags(call, false), &error),
		&error);
}

void on_switch_remove(struct call *call)
{
	struct weir_error error = { 0 };

	call_end(call,
		weir_switch_remove(call->server->weir, call->request->switch_remove->name,
			call_flags(call, false), &error),
		&error);
}

static void add_row(void *context, const struct weir_switch_info *info)
{
	Weir__Control__Switch row = WEIR__CONTROL__SWITCH__INIT;

	row.name = row_text(info->name);
	ROW_SET(row, ports, info->n_ports);
	ROW_SET(row, extensions, info->n_extensions);
	ROW_SET(row, fdb_entries, info->fdb_entries);
	ROW_SET(row, fdb_max, info->fdb_max);
	ROW_SET(row, flows, info->flows);
	ROW_SET(row, worker_flows_max, info->worker_flows_max);
	ROW_SET(row, decisions, info->decisions);
	ROW_SET(row, sessions, info->sessions);
	ROW_SET(row, sessions_max, info->sessions_max);
	ROW_SET(row, port_sessions_max, info->port_sessions_max);
	ROW_SET(row, fragments_forgotten, info->fragments_forgotten);
	ROW_SET(row, rx_frames, info->received);
	ROW_SET(row, originated_frames, info->originated);
	ROW_SET(row, copied_frames, info->copies);
	ROW_SET(row, tx_frames, info->transmitted);
	ROW_SET(row, dropped_frames, info->dropped);
	ROW_SET(row, consumed_frames, info->consumed);
	ROW_SET(row, queued_frames, info->queued);
	rows_add(context, &row.base);
}

static void list(struct call *call, const char *name)
{
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_SWITCHES, &error);

	if (result == 0)
		result = weir_switch_list(call->server->weir, name, add_row, call, &error);
	rows_end(call, result, &error);
}

void on_switch_list(struct call *call)
{
	list(call, NULL);
}

void on_switch_show(struct call *call)
{
	list(call, call->request->switch_show->name);
}
