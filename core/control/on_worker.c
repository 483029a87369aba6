// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>

#include "control/handlers.h"
#include "control/internal.h"
#include "control/rows.h"

static void add_row(void *context, const struct weir_worker_info *info)
{
	Weir__Control__Worker row = WEIR__CONTROL__WORKER__INIT;

	ROW_SET(row, id, info->id);
	if (info->cpu >= 0)
		ROW_SET(row, cpu, (uint32_t)info->cpu);
	ROW_SET(row, cycles_per_frame, info->cycles_per_frame);
	ROW_SET(row, frames_per_batch, info->frames_per_batch);
	ROW_SET(row, idle_share, info->idle_share);
	ROW_SET(row, queues, info->n_queues);
	ROW_SET(row, frames, info->frames);
	ROW_SET(row, linger_us, info->linger_us);
	ROW_SET(row, slow_decides, info->slow_decides);
	row.slow_extension = row_text(info->slow_extension);
	row.slow_switch = row_text(info->slow_switch);
	if (info->slow_decides)
		ROW_SET(row, slow_ms, info->slow_ms);
	rows_add(context, &row.base);
}

void on_worker_list(struct call *call)
{
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_WORKERS, &error);

	if (result == 0) {
		result = weir_worker_list(call->server->weir, add_row, call);
		if (result < 0)
			weir_refuse(&error, result, NULL, "cannot list the workers: %s",
				strerror(-result));
	}
	rows_end(call, result, &error);
}

void on_worker_set(struct call *call)
{
	const Weir__Control__WorkerSet *request = call->request->worker_set;
	struct weir_error error = { 0 };
	int result = 0;

	if (!request->has_linger_us)
		result = weir_refuse(
			&error, -EINVAL, "linger_us", "nothing to set: linger_us must be given");
	else if (!call_is_dry_run(call))
		result = weir_worker_set_linger(call->server->weir, request->linger_us, &error);
	call_end(call, result, &error);
}
