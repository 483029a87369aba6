// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/handlers.h"
#include "control/internal.h"
#include "control/rows.h"

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

static void ignore_port(void *context, const struct weir_port_info *info)
{
	(void)context;
	(void)info;
}

void on_drop_list(struct call *call)
{
	const Weir__Control__DropList *request = call->request->drop_list;
	struct weir *weir = call->server->weir;
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_DROPS, &error);

	// An unknown port is refused and not answered with an empty list.
	if (result == 0 && request->port)
		result = weir_port_list(
			weir, request->switch_, request->port, ignore_port, NULL, &error);
	if (result == 0)
		result = weir_drop_list(weir, request->switch_, add_row, call, &error);
	rows_end(call, result, &error);
}
