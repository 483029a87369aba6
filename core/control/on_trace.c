// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/handlers.h"
#include "control/internal.h"
#include "control/rows.h"

static void add_row(void *context, const struct weir_trace_info *info)
{
	Weir__Control__TraceStep row = WEIR__CONTROL__TRACE_STEP__INIT;

	row.port = row_text(info->port);
	row.stage = row_text(info->stage);
	row.extension = row_text(info->extension);
	row.action = row_text(info->action);
	row.text = row_text(info->text);
	rows_add(context, &row.base);
}

void on_trace(struct call *call)
{
	const Weir__Control__Trace *message = call->request->trace;
	const struct weir_trace_request request = {
		.size = sizeof(request),
		.port = message->port,
		.bytes = message->frame.data,
		.n_bytes = message->frame.len,
	};
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_TRACE, &error);

	if (result == 0)
		result = weir_trace(call->server->weir, &request, add_row, call, &error);
	rows_end(call, result, &error);
}
