// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/handlers.h"
#include "control/internal.h"
#include "control/rows.h"

static void add_row(void *context, const struct weir_flow_info *info)
{
	Weir__Control__Flow row = WEIR__CONTROL__FLOW__INIT;

	row.switch_ = row_text(info->switch_name);
	row.port = row_text(info->port);
	ROW_SET(row, worker, info->worker);
	row.key = row_text(info->key);
	row.program = row_text(info->program);
	ROW_SET(row, frames, info->frames);
	ROW_SET(row, bytes, info->bytes);
	ROW_SET(row, age_s, info->age_s);
	rows_add(context, &row.base);
}

static void end_list(void *context)
{
	rows_end(context, 0, NULL);
}

// Workers answer between their batches: the call outlives this function, and perhaps its client.
void on_flow_list(struct call *call)
{
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_FLOWS, &error);

	if (result == 0)
		result = weir_flow_list(call->server->weir, call->request->flow_list->switch_,
			add_row, end_list, call, &error);
	if (result < 0)
		rows_end(call, result, &error);
}

static void ignore_switch(void *context, const struct weir_switch_info *info)
{
	(void)context;
	(void)info;
}

void on_flow_flush(struct call *call)
{
	const Weir__Control__FlowFlush *request = call->request->flow_flush;
	struct weir *weir = call->server->weir;
	struct weir_error error = { 0 };
	int result = weir_switch_list(weir, request->switch_, ignore_switch, NULL, &error);

	if (result == 0 && !call_is_dry_run(call))
		result = weir_flow_flush(weir, request->switch_, &error);
	call_end(call, result, &error);
}
