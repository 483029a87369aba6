// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The fake daemon's traces, flows, stations and dropped frames.
#include "fake_answer.h"

#include <string.h>

static char text_br0[] = "br0", text_vm1[] = "vm1", text_sample[] = "sample";

// Two stations at vm1.
static void list_fdb(const struct fake_connection *c)
{
	static char older[] = "02:00:00:00:00:aa", younger[] = "02:00:00:00:00:bb";
	Weir__Control__FdbEntry first = { BASE(fdb_entry), .switch_ = text_br0, .mac = older,
		.port = text_vm1, HAS(age_s, 5) };
	Weir__Control__FdbEntry second = { BASE(fdb_entry), .switch_ = text_br0, .mac = younger,
		.port = text_vm1, HAS(age_s, 1) };
	Weir__Control__FdbEntry *array[] = { &first, &second };
	Weir__Control__FdbRows rows = { BASE(fdb_rows), ROWS(array) };

	REPLY(c, FDB, fdb, &rows, false);
}

static void trace(const struct fake_connection *c)
{
	static char stage[] = "ingress", pass[] = "pass", program[] = "program", text[] = "flood";
	Weir__Control__TraceStep step = { BASE(trace_step), .port = text_vm1, .stage = stage,
		.extension = text_sample, .action = pass };
	Weir__Control__TraceStep last = { BASE(trace_step), .port = text_vm1, .action = program,
		.text = text };
	Weir__Control__TraceStep *array[] = { &step, &last };
	Weir__Control__TraceRows rows = { BASE(trace_rows), ROWS(array) };

	REPLY(c, TRACE, trace, &rows, false);
}

// The flows of vm1 are too many; a filter "wrong" gets rows of another list.
static void list_flows(const struct fake_connection *c, const Weir__Control__FlowList *request)
{
	static char key[] = "ipv4", program[] = "output vm2";
	Weir__Control__Flow flow = { BASE(flow), .switch_ = text_br0, .port = text_vm1,
		HAS(worker, 0), .key = key, .program = program, HAS(frames, 3), HAS(bytes, 180),
		HAS(age_s, 1) };
	Weir__Control__Flow *array[] = { &flow };
	Weir__Control__FlowRows rows = { BASE(flow_rows), ROWS(array) };
	Weir__Control__WorkerRows workers = { BASE(worker_rows) };

	if (request->match && strcmp(request->match, "wrong") == 0) {
		REPLY(c, WORKERS, workers, &workers, false);
		return;
	}
	if (request->port) {
		rows.has_left_out = 1;
		rows.left_out = 1;
	}
	REPLY(c, FLOWS, flows, &rows, false);
}

static void list_drops(const struct fake_connection *c)
{
	static char core[] = "core", stage[] = "ingress", text[] = "too fast";
	static char reason[] = "over-rate", web[] = "sample web",
		    all[] = "sample all of switch:br0";
	Weir__Control__DropPolicer first = { BASE(drop_policer), .policer = web, HAS(frames, 5) };
	Weir__Control__DropPolicer second = { BASE(drop_policer), .policer = all };
	Weir__Control__DropPolicer *policers[] = { &first, &second };
	Weir__Control__Drop drop = { BASE(drop), .reason = reason, .extension = core,
		.port = text_vm1, .stage = stage, HAS(frames, 9), .text = text, .n_policers = 2,
		.policers = policers };
	Weir__Control__Drop *array[] = { &drop };
	Weir__Control__DropRows rows = { BASE(drop_rows), ROWS(array) };

	REPLY(c, DROPS, drops, &rows, false);
}

static void watch_drops(const struct fake_connection *c)
{
	static char stage[] = "egress", reason[] = "told", summary[] = "10.0.0.1 > 10.0.0.2 icmp";
	static uint8_t bytes[] = { 2, 0, 0 };
	Weir__Control__DropSample sample = { BASE(drop_sample), HAS(time, 1700000000),
		HAS(time_ns, 5), .switch_ = text_br0, .port = text_vm1, .stage = stage,
		.reason = reason, .extension = text_sample, .summary = summary, HAS(size, 60),
		.has_frame = 1, .frame = { sizeof(bytes), bytes } };

	fake_done(c, true);
	REPLY(c, DROP_SAMPLE, drop_sample, &sample, true);
	sample.has_lost = 1;
	sample.lost = 9;
	REPLY(c, DROP_SAMPLE, drop_sample, &sample, true);
}

bool fake_look(const struct fake_connection *c, const Weir__Control__Request *request)
{
	switch (request->request_case) {
	case WEIR__CONTROL__REQUEST__REQUEST_FDB_LIST:
		list_fdb(c);
		return true;
	case WEIR__CONTROL__REQUEST__REQUEST_FLOW_LIST:
		list_flows(c, request->flow_list);
		return true;
	case WEIR__CONTROL__REQUEST__REQUEST_TRACE:
		trace(c);
		return true;
	case WEIR__CONTROL__REQUEST__REQUEST_DROP_LIST:
		if (request->drop_list->port)
			return false; // there are none
		list_drops(c);
		return true;
	case WEIR__CONTROL__REQUEST__REQUEST_DROP_WATCH:
		watch_drops(c);
		return true;
	default:
		return false;
	}
}
