// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/handlers.h"
#include "control/internal.h"
#include "control/rows.h"

static const char switch_prefix[] = "switch:";

// A target is one of the two.
static char *row_switch(const char *target)
{
	bool is_switch = strncmp(target, switch_prefix, sizeof(switch_prefix) - 1) == 0;

	return row_text(is_switch ? target + sizeof(switch_prefix) - 1 : NULL);
}

static char *row_port(const char *target)
{
	return row_switch(target) ? NULL : row_text(target);
}

static void add_row(void *context, const struct weir_meter_info *info)
{
	Weir__Control__Meter row = WEIR__CONTROL__METER__INIT;

	row.port = row_port(info->target);
	row.switch_ = row_switch(info->target);
	row.extension = row_text(info->extension);
	row.id = row_text(info->id);
	ROW_SET(row, frames, info->frames);
	ROW_SET(row, bytes, info->bytes);
	ROW_SET(row, since, info->since);
	if (info->unused)
		ROW_SET(row, unused, true);
	rows_add(context, &row.base);
}

static void add_policer(void *context, const struct weir_policer_info *info)
{
	Weir__Control__Policer row = WEIR__CONTROL__POLICER__INIT;

	row.port = row_port(info->target);
	row.switch_ = row_switch(info->target);
	row.extension = row_text(info->extension);
	row.id = row_text(info->id);
	if (info->counts_frames) {
		ROW_SET(row, rate_fps, info->rate);
		ROW_SET(row, burst_frames, info->burst);
	} else {
		ROW_SET(row, rate_bps, info->rate);
		ROW_SET(row, burst_bytes, info->burst);
	}
	ROW_SET(row, passed_frames, info->passed_frames);
	ROW_SET(row, passed_bytes, info->passed_bytes);
	ROW_SET(row, dropped_frames, info->dropped_frames);
	ROW_SET(row, dropped_bytes, info->dropped_bytes);
	ROW_SET(row, since, info->since);
	rows_add(context, &row.base);
}

// What a request asks for. A dry run resets nothing.
static struct weir_count_filter filter_of(
	const struct call *call, const Weir__Control__CountList *request)
{
	return (struct weir_count_filter){
		.size = sizeof(struct weir_count_filter),
		.target = request->target,
		.extension = request->extension,
		.reset = call->effect != EFFECT_NONE,
	};
}

void on_policer_list(struct call *call)
{
	const struct weir_count_filter filter = filter_of(call, call->request->policer_list);
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_POLICERS, &error);

	if (result == 0)
		result = weir_policer_list_some(
			call->server->weir, &filter, add_policer, call, &error);
	rows_end(call, result, &error);
}

void on_meter_list(struct call *call)
{
	const struct weir_count_filter filter = filter_of(call, call->request->meter_list);
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_METERS, &error);

	if (result == 0)
		result = weir_meter_list_some(call->server->weir, &filter, add_row, call, &error);
	if (!filter.reset) {
		rows_end(call, result, &error);
		return;
	}
	if (result == 0 && call->server->durable)
		durable_note_meters(call->server->durable);
	call_end(call, result, &error);
}

void on_meter_remove(struct call *call)
{
	const Weir__Control__MeterRemove *request = call->request->meter_remove;
	struct weir_error error = { 0 };

	call_end(call,
		weir_meter_remove(call->server->weir, request->target, request->extension,
			request->id, call_flags(call, false), &error),
		&error);
}
