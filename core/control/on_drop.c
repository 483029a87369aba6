// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/handlers.h"
#include "control/internal.h"
#include "control/rows.h"

static void add_row(void *context, const struct weir_drop_info *info)
{
	Weir__Control__Drop row = WEIR__CONTROL__DROP__INIT;
	Weir__Control__DropPolicer policers[WEIR_DROP_POLICERS_MAX], *list[WEIR_DROP_POLICERS_MAX];

	row.reason = row_text(info->reason);
	row.extension = row_text(info->extension);
	row.port = row_text(info->port);
	row.stage = row_text(info->stage);
	ROW_SET(row, frames, info->frames);
	row.text = row_text(info->text);
	for (unsigned i = 0; i < info->n_policers; i++) {
		list[i] = &policers[i];
		weir__control__drop_policer__init(list[i]);
		list[i]->policer = row_text(info->policers[i]);
		if (info->policer_frames[i])
			ROW_SET(policers[i], frames, info->policer_frames[i]);
	}
	row.policers = list;
	row.n_policers = info->n_policers;
	rows_add(context, &row.base);
}

// A dry run resets nothing.
void on_drop_list(struct call *call)
{
	const Weir__Control__DropList *request = call->request->drop_list;
	const struct weir_drop_list_filter filter = {
		.size = sizeof(filter),
		.switch_name = request->switch_,
		.port = request->port,
		.reset = call->effect != EFFECT_NONE,
	};
	struct weir_error error = { 0 };
	int result = rows_begin(call, WEIR__CONTROL__REPLY__PAYLOAD_DROPS, &error);

	if (result == 0)
		result = weir_drop_list_some(call->server->weir, &filter, add_row, call, &error);
	rows_end(call, result, &error);
}

static void send_sample(void *context, const struct weir_drop_sample *sample)
{
	Weir__Control__DropSample row = WEIR__CONTROL__DROP_SAMPLE__INIT;
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;
	struct call *call = context;

	call->lost += sample->lost;
	if (call->client->queued >= CLIENT_EVENT_BYTES) {
		call->lost++;
		return;
	}
	ROW_SET(row, time, sample->time);
	ROW_SET(row, time_ns, sample->time_ns);
	row.switch_ = row_text(sample->switch_name);
	row.port = row_text(sample->port);
	row.stage = row_text(sample->stage);
	row.reason = row_text(sample->reason);
	row.extension = row_text(sample->extension);
	row.summary = row_text(sample->summary);
	row.text = row_text(sample->text);
	row.policer = row_text(sample->policer);
	ROW_SET(row, size, sample->frame_size);
	row.has_frame = true;
	row.frame.data = (uint8_t *)sample->bytes;
	row.frame.len = sample->n_bytes;
	if (call->lost > 0)
		ROW_SET(row, lost, call->lost);
	call->lost = 0;
	reply.payload_case = WEIR__CONTROL__REPLY__PAYLOAD_DROP_SAMPLE;
	reply.drop_sample = &row;
	call_send(call, &reply);
}

void on_drop_watch(struct call *call)
{
	const Weir__Control__DropWatch *request = call->request->drop_watch;
	const struct weir_drop_filter filter = {
		.size = sizeof(filter),
		.switch_name = request->switch_,
		.port = request->port,
		.reason = request->reason,
		.extension = request->extension,
	};
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;
	struct weir_error error = { 0 };

	// Whoever has ended his side already asked for what has not happened yet.
	if (call->client->ended)
		call_finish(call, &reply);
	else if (weir_drop_watch(
			 call->server->weir, &filter, send_sample, call, &call->watch, &error) < 0)
		call_refuse(call, &error);
	else
		call_send(call, &reply);
}
