// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/handlers.h"
#include "control/internal.h"
#include "control/rows.h"
#include "control/scope.h"

static void add_row(void *context, const struct weir_flow_info *info)
{
	Weir__Control__Flow row = WEIR__CONTROL__FLOW__INIT;
	struct call *call = context;
	uint64_t limit = call->request->flow_list->limit;

	if (limit && rows_count(call) >= limit) {
		rows_leave_out(call);
		return;
	}

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

// The workers' answers of one switch are complete, or the asking is.
static void end_part(void *context)
{
	struct call *call = context;

	if (--call->n_parts == 0)
		rows_end(call, call->part_error.code, &call->part_error);
}

// One flow more than the limit says whether there are more, also when there are several switches.
static int list(void *context, const char *switch_name, struct weir_error *error)
{
	struct call *call = context;
	const Weir__Control__FlowList *request = call->request->flow_list;
	const struct weir_flow_filter filter = {
		.size = sizeof(filter),
		.switch_name = switch_name,
		.port = request->port,
		.match = request->match,
		.worker = request->has_worker ? (int)request->worker : -1,
		.min_frames = request->min_frames,
		.limit = request->limit && request->limit < UINT64_MAX ? request->limit + 1 : 0,
	};
	int result;

	call->n_parts++;
	result = weir_flow_list_some(call->server->weir, &filter, add_row, end_part, call, error);
	if (result < 0)
		call->n_parts--;
	return result;
}

// Workers answer between their batches: the call outlives this function, and perhaps its client.
// One part more keeps it until every switch was asked; if one cannot be, the others still answer
// first.
void on_flow_list(struct call *call)
{
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_FLOWS, &call->part_error);

	call->n_parts = 1;
	if (result == 0)
		scope_each(call->server->weir, call->request->flow_list->switch_,
			call->request->flow_list->port, list, call, &call->part_error);
	end_part(call);
}

static int flush(void *context, const char *switch_name, struct weir_error *error)
{
	const struct call *call = context;

	if (call_is_dry_run(call))
		return 0;
	return weir_flow_flush(call->server->weir, switch_name, error);
}

void on_flow_flush(struct call *call)
{
	struct weir_error error = { 0 };

	call_end(call,
		scope_each(call->server->weir, call->request->flow_flush->switch_, NULL, flush,
			call, &error),
		&error);
}
