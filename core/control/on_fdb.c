// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/handlers.h"
#include "control/internal.h"
#include "control/rows.h"
#include "control/scope.h"

void on_fdb_add(struct call *call)
{
	const Weir__Control__FdbAdd *request = call->request->fdb_add;
	struct weir_error error = { 0 };

	call_end(call,
		weir_fdb_add(call->server->weir, request->switch_, request->mac,
			(uint16_t)request->vlan, request->port, call_flags(call, false), &error),
		&error);
}

void on_fdb_remove(struct call *call)
{
	const Weir__Control__FdbRemove *request = call->request->fdb_remove;
	struct weir_error error = { 0 };

	call_end(call,
		weir_fdb_remove(call->server->weir, request->switch_, request->mac,
			(uint16_t)request->vlan, call_flags(call, false), &error),
		&error);
}

static void add_row(void *context, const struct weir_fdb_info *info)
{
	Weir__Control__FdbEntry row = WEIR__CONTROL__FDB_ENTRY__INIT;
	const uint8_t *m = info->mac;
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		m[5]);
	row.switch_ = row_text(info->switch_name);
	row.mac = mac;
	ROW_SET(row, vlan, info->vlan);
	row.port = row_text(info->port);
	ROW_SET(row, age_s, info->age_s);
	ROW_SET(row, static_, info->is_static);
	rows_add(context, &row.base);
}

void on_fdb_list(struct call *call)
{
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_FDB, &error);

	if (result == 0)
		result = weir_fdb_list(call->server->weir, call->request->fdb_list->switch_,
			add_row, call, &error);
	rows_end(call, result, &error);
}

static int flush(void *context, const char *switch_name, struct weir_error *error)
{
	const struct call *call = context;

	if (call_is_dry_run(call))
		return 0;
	return weir_fdb_flush(
		call->server->weir, switch_name, call->request->fdb_flush->port, error);
}

void on_fdb_flush(struct call *call)
{
	const Weir__Control__FdbFlush *request = call->request->fdb_flush;
	struct weir_error error = { 0 };

	call_end(call,
		scope_each(
			call->server->weir, request->switch_, request->port, flush, call, &error),
		&error);
}
