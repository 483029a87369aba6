// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Tracing a frame: what the datapath would decide about it, in words.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/compose.h"
#include "datapath/rcu.h"
#include "datapath/sized.h"
#include "datapath/snapshot.h"
#include "datapath/summary.h"
#include "datapath/trace.h"
#include "switch/flow_list.h"
#include "switch/meter.h"
#include "switch/observe.h"
#include "switch/policing.h"
#include "switch/port.h"
#include "switch/reasons.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

enum { TEXT_SIZE = 1024 };

struct tracing {
	struct trace trace; // first: the datapath hands it back
	const struct vswitch *vswitch;
	weir_trace_row *row;
	void *context;
};

static void show(const struct tracing *t, const struct snapshot_port *port, const char *stage,
	const char *extension, const char *action, const char *text)
{
	t->row(t->context, &(struct weir_trace_info){ .port = port->name,
				   .stage = stage,
				   .extension = extension,
				   .action = action,
				   .text = text });
}

// By the name that it has in lists, and by the number only where there is none.
static void name(const char *before, const char *key, uint32_t number, char *text)
{
	if (key)
		snprintf(text, TEXT_SIZE, "%s%s%s", before, *before ? " " : "", key);
	else
		snprintf(text, TEXT_SIZE, "%s%s#%u", before, *before ? " " : "", number);
}

static void name_meter(const struct tracing *t, const struct compose_step *step, char *text)
{
	const struct meter *meter = meter_numbered(t->vswitch, step->value);

	name(step->text, meter ? meter->key : NULL, step->value, text);
}

static void name_policer(
	const struct tracing *t, const struct compose_step *step, uint32_t id, char *text)
{
	const struct policing *policing = policing_at(t->vswitch, id);

	name(step->text, policing ? policing->key : NULL, id, text);
}

// What the datapath knows by number.
static void describe(const struct tracing *t, const struct compose_step *step, char *text)
{
	const char *reason, *words, *owner;

	switch (step->action) {
	case COMPOSE_DROP:
	case COMPOSE_EXCLUDE:
	case COMPOSE_LEAVE_OUT:
		reason = reason_describe(t->vswitch->weir, (uint16_t)step->value, &words, &owner);
		snprintf(text, TEXT_SIZE, "%s%s%s: %s", step->text, *step->text ? ": " : "", reason,
			words);
		break;
	case COMPOSE_METER:
		name_meter(t, step, text);
		break;
	case COMPOSE_POLICE:
		name_policer(t, step, step->value, text);
		snprintf(text + strlen(text), TEXT_SIZE - strlen(text),
			": what is over its rate is dropped");
		break;
	case COMPOSE_FRAGMENT:
		if (step->value)
			name_policer(t, step, step->value - 1, text);
		else
			snprintf(text, TEXT_SIZE, "%s", step->text);
		break;
	default:
		snprintf(text, TEXT_SIZE, "%s", step->text);
		break;
	}
}

static void show_step(struct compose_trace *trace, const struct compose_step *step)
{
	static const char *const actions[N_COMPOSE_ACTIONS] = {
		[COMPOSE_PASS] = "pass",
		[COMPOSE_EXPLAIN] = "explain",
		[COMPOSE_DROP] = "drop",
		[COMPOSE_EXCLUDE] = "exclude",
		[COMPOSE_SET] = "set",
		[COMPOSE_METER] = "meter",
		[COMPOSE_VISIT] = "visit",
		[COMPOSE_COPY] = "copy",
		[COMPOSE_POLICE] = "police",
		[COMPOSE_SESSION] = "session",
		[COMPOSE_FRAGMENT] = "fragment",
		[COMPOSE_CLASS] = "class",
		[COMPOSE_FORWARD] = "forward",
		[COMPOSE_FLOOD] = "flood",
		[COMPOSE_NATIVE] = "native",
		[COMPOSE_REFUSED] = "refused",
		[COMPOSE_IGNORED] = "ignored",
		[COMPOSE_VLAN] = "vlan",
		[COMPOSE_LEARN] = "learn",
		[COMPOSE_LEAVE_OUT] = "leave-out",
		[COMPOSE_OUTPUT] = "output",
	};
	const struct tracing *t = (const struct tracing *)trace;
	char text[TEXT_SIZE];

	describe(t, step, text);
	show(t, step->port, stage_name(step->stage),
		step->hook ? step->hook->entry->extension->name : "core", actions[step->action],
		text);
}

// Before its steps a half is the flow that it is about, behind them the program.
static void show_half(struct trace *trace, const struct trace_half *h)
{
	const struct tracing *t = (const struct tracing *)trace;
	char text[TEXT_SIZE];

	if (h->composition)
		flow_program_text(
			t->vswitch, h->composition->ops, h->composition->n_ops, text, sizeof(text));
	else
		flow_key_text(h->key, h->mask, text, sizeof(text));
	show(t, h->port, "", "", h->composition ? "program" : "flow", text);
}

static int check(const struct weir_trace_request *request, struct weir_error *error)
{
	if (request->n_bytes == 0 || request->n_bytes > WEIR_FRAME_MAX)
		return weir_refuse(error, -EINVAL, "frame",
			"a frame of %zu bytes: must have 1 to %d", request->n_bytes,
			WEIR_FRAME_MAX);
	return 0;
}

static void run(struct tracing *t, const struct port *port, struct weir_frame *frame)
{
	const struct vswitch *s = t->vswitch;
	const struct snapshot_port *snapshot = s->published->ports[port->index];
	char text[SUMMARY_SIZE];

	frame_summary(frame, true, text);
	show(t, snapshot, "", "", "frame", text);
	compose_trace_init(&t->trace.steps, show_step);
	t->trace.snapshot = s->published;
	t->trace.fdb = s->fdb;
	t->trace.meters = &s->meter_owners;
	t->trace.sessions = s->sessions;
	t->trace.now_s = (uint32_t)(weir_now_ns(s->weir) / 1000000000);
	t->trace.half = show_half;
	rcu_enter();
	trace_frame(&t->trace, snapshot, frame);
	rcu_leave();
}

int weir_trace(struct weir *w, const struct weir_trace_request *given, weir_trace_row *row,
	void *context, struct weir_error *error)
{
	struct weir_trace_request request;
	struct tracing t = { .row = row, .context = context };
	struct weir_frame frame = { .refs = 1, .headroom = WEIR_FRAME_HEADROOM };
	int failed = SIZED_TAKE(weir_trace_request, n_bytes, &request, given, error);
	struct port *port = failed ? NULL : port_find(w, request.port, error);
	uint8_t *bytes;

	if (!failed)
		failed = port ? check(&request, error) : -ENOENT;
	if (failed)
		return failed;
	bytes = malloc(WEIR_FRAME_HEADROOM + request.n_bytes);
	if (!bytes)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for a frame");
	frame.data = bytes + WEIR_FRAME_HEADROOM;
	frame.size = frame.linear = (uint32_t)request.n_bytes;
	memcpy(frame.data, request.bytes, request.n_bytes);
	t.vswitch = port->target.vswitch;
	run(&t, port, &frame);
	free(bytes);
	return 0;
}
