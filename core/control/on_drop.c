// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/handlers.h"
#include "control/internal.h"
#include "control/rows.h"
#include "control/scope.h"

static void add_row(void *context, const struct weir_drop_info *info)
{
	const struct call *call = context;
	const char *port = call->request->drop_list->port;
	Weir__Control__Drop row = WEIR__CONTROL__DROP__INIT;

	if (port && (!info->port || strcmp(port, info->port) != 0))
		return;
	row.reason = row_text(info->reason);
	row.extension = row_text(info->extension);
	row.port = row_text(info->port);
	row.stage = row_text(info->stage);
	ROW_SET(row, frames, info->frames);
	row.text = row_text(info->text);
	rows_add(context, &row.base);
}

static int list(void *context, const char *switch_name, struct weir_error *error)
{
	struct call *call = context;

	return weir_drop_list(call->server->weir, switch_name, add_row, call, error);
}

void on_drop_list(struct call *call)
{
	const Weir__Control__DropList *request = call->request->drop_list;
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_DROPS, &error);

	if (result == 0)
		result = scope_each(
			call->server->weir, request->switch_, request->port, list, call, &error);
	rows_end(call, result, &error);
}
