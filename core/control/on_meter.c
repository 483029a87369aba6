// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>

#include "control/handlers.h"
#include "control/internal.h"
#include "control/rows.h"

static const char switch_prefix[] = "switch:";

static void add_row(void *context, const struct weir_meter_info *info)
{
	const struct call *call = context;
	const char *extension = call->request->meter_list->extension;
	Weir__Control__Meter row = WEIR__CONTROL__METER__INIT;

	if (extension && strcmp(extension, info->extension) != 0)
		return;
	if (strncmp(info->target, switch_prefix, sizeof(switch_prefix) - 1) == 0)
		row.switch_ = row_text(info->target + sizeof(switch_prefix) - 1);
	else
		row.port = row_text(info->target);
	row.extension = row_text(info->extension);
	row.id = row_text(info->id);
	ROW_SET(row, frames, info->frames);
	ROW_SET(row, bytes, info->bytes);
	ROW_SET(row, since, info->since);
	rows_add(context, &row.base);
}

void on_meter_list(struct call *call)
{
	const Weir__Control__MeterList *request = call->request->meter_list;
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_METERS, &error);

	// The switch resets what it lists; meters left out here would lose their counts unseen.
	if (result == 0 && request->reset && request->extension)
		result = weir_refuse(&error, -EINVAL, "reset",
			"reset with extension \"%s\": only all meters of a target can be reset",
			request->extension);
	if (result == 0)
		result = weir_meter_list(call->server->weir, request->target,
			call->effect == EFFECT_KEPT, add_row, call, &error);
	if (call->effect != EFFECT_KEPT) {
		rows_end(call, result, &error);
		return;
	}
	if (result == 0 && call->server->durable)
		durable_note_meters(call->server->durable);
	call_end(call, result, &error);
}
