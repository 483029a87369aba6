// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/handlers.h"
#include "control/internal.h"
#include "control/rows.h"
#include "control/scope.h"

static void add_row(void *context, const struct weir_session_info *info)
{
	const struct call *call = context;
	const char *port = call->request->session_list->port;
	Weir__Control__Session row = WEIR__CONTROL__SESSION__INIT;

	if (port && strcmp(port, info->port) != 0)
		return;
	row.switch_ = row_text(info->switch_name);
	row.extension = row_text(info->extension);
	row.port = row_text(info->port);
	row.key = row_text(info->key);
	row.state = row_text(info->state);
	ROW_SET(row, frames, info->frames);
	ROW_SET(row, bytes, info->bytes);
	ROW_SET(row, reverse_frames, info->reverse_frames);
	ROW_SET(row, reverse_bytes, info->reverse_bytes);
	ROW_SET(row, age_s, info->age_s);
	ROW_SET(row, last_frame_s, info->idle_s);
	ROW_SET(row, expires_s, info->expires_s);
	ROW_SET(row, cookie, info->cookie);
	row.policy = row_text(info->policy);
	rows_add(context, &row.base);
}

static int list(void *context, const char *switch_name, struct weir_error *error)
{
	const struct call *call = context;

	return weir_session_list(call->server->weir, switch_name, add_row, context, error);
}

void on_session_list(struct call *call)
{
	const Weir__Control__SessionList *request = call->request->session_list;
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_SESSIONS, &error);

	if (result == 0)
		result = scope_each(
			call->server->weir, request->switch_, request->port, list, call, &error);
	rows_end(call, result, &error);
}
