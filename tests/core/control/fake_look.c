// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What can be looked at: flows, traces, dropped frames.
#include "fake_weir.h"

#include <stdio.h>
#include <string.h>

void fake_flows(struct weir *weir)
{
	for (unsigned i = 0; i < weir->n_rows; i++)
		weir->flow_row(weir->flow_context, &(struct weir_flow_info){ .switch_name = "br0",
							   .port = "vm1",
							   .worker = 1,
							   .key = "eth_dst=02:00:00:00:00:01",
							   .program = "to vm2",
							   .frames = i });
	weir->flow_done(weir->flow_context);
}

int weir_flow_list_some(struct weir *weir, const struct weir_flow_filter *filter,
	weir_flow_row *row, weir_done *done, void *context, struct weir_error *error)
{
	int result = fake_record(weir, error, "flow_list %s %s %s %d %llu %llu",
		filter->switch_name, fake_text(filter->port), fake_text(filter->match),
		filter->worker, (unsigned long long)filter->min_frames,
		(unsigned long long)filter->limit);

	if (result < 0)
		return result;
	weir->flow_row = row;
	weir->flow_done = done;
	weir->flow_context = context;
	if (!weir->hold)
		fake_flows(weir);
	return 0;
}

int weir_flow_flush(struct weir *weir, const char *switch_name, struct weir_error *error)
{
	return fake_record(weir, error, "flow_flush %s", fake_text(switch_name));
}

int weir_trace(struct weir *weir, const struct weir_trace_request *request, weir_trace_row *row,
	void *context, struct weir_error *error)
{
	int result = fake_record(weir, error, "trace %s %.*s", request->port, (int)request->n_bytes,
		(const char *)request->bytes);

	if (result == 0)
		row(context, &(struct weir_trace_info){ .port = "vm1",
				     .stage = "ingress",
				     .extension = "acl",
				     .action = "pass",
				     .text = "" });
	return result;
}

// ---- One watch of drops

int weir_drop_watch(struct weir *weir, const struct weir_drop_filter *filter,
	weir_drop_sample_handler *handler, void *context, struct weir_drop_watch **watch,
	struct weir_error *error)
{
	int result = fake_record(weir, error, "drop_watch %s %s %s %s",
		fake_text(filter->switch_name), fake_text(filter->port), fake_text(filter->reason),
		fake_text(filter->extension));

	if (result < 0)
		return result;
	weir->watch = (struct weir_drop_watch){ handler, context };
	*watch = &weir->watch;
	weir->n_watches++;
	return 0;
}

void weir_drop_watch_end(struct weir_drop_watch *watch)
{
	if (!watch)
		return;
	watch->handler = NULL;
	((struct weir *)((char *)watch - offsetof(struct weir, watch)))->n_watches--;
}

void fake_drops(struct weir *weir, unsigned n, unsigned lost)
{
	static const uint8_t bytes[128];

	for (unsigned i = 0; weir->watch.handler && i < n; i++)
		weir->watch.handler(weir->watch.context,
			&(struct weir_drop_sample){ .time = 1700000000,
				.time_ns = i,
				.switch_name = "br0",
				.port = "vm1",
				.stage = "ingress",
				.reason = "told",
				.text = "",
				.extension = "acl",
				.summary = "10.0.0.1:5000 > 10.0.0.2:53 udp 128 bytes",
				.frame_size = sizeof(bytes),
				.bytes = bytes,
				.n_bytes = sizeof(bytes),
				.lost = lost });
}
