// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/trace.h"

#include <stdio.h>

#include "datapath/datapath.h"
#include "datapath/flow_use.h"
#include "datapath/rewrite.h"
#include "datapath/session_frame.h"

static void tell(struct trace *trace, const struct snapshot_port *port, enum weir_stage stage,
	enum compose_action action, uint32_t value, const char *text)
{
	trace->steps.tell(
		&trace->steps, &(struct compose_step){ port, stage, NULL, action, value, text });
}

static struct compose_context context_of(struct trace *trace)
{
	return (struct compose_context){
		.snapshot = trace->snapshot,
		.fdb = trace->fdb,
		.now_s = trace->now_s,
		.meters = trace->meters,
		.sessions = trace->sessions,
		.trace = &trace->steps,
	};
}

// The words that a shorter key does not have read as zero.
static void mask_key(struct flow_key *key, const struct key_mask *mask)
{
	unsigned n_words = key_words(key, mask);

	apply_mask(key, mask, n_words);
	for (unsigned i = n_words; i < KEY_WORDS; i++)
		key->w[i] = 0;
}

static void tell_nobody(struct compose_trace *steps, const struct compose_step *step)
{
	(void)steps;
	(void)step;
}

// The sessions that it would open and that there is no room for, one bit each. Takes none.
static unsigned without_room(const struct trace *trace, const struct composition *composition)
{
	unsigned refused = 0;

	for (unsigned i = 0; i < composition->n_sessions; i++) {
		const struct session_use *use = &composition->sessions[i];

		if (use->kind == SESSION_USE_OPEN &&
			!session_has_room(
				trace->sessions, (uint16_t)use->spec.port, use->spec.port_max))
			refused |= 1u << i;
	}
	return refused;
}

typedef void compose_half(const struct compose_context *context, const struct flow_key *key,
	struct composition *composition);

// Composes as for a frame: once more as long as there is no room for a session, which only one that
// is not dropped asks for. What comes of it in the end is told.
static void compose(struct trace *trace, compose_half *half, const struct flow_key *key,
	struct composition *composition)
{
	struct compose_context context = context_of(trace);
	struct compose_trace quiet;
	unsigned refused;

	compose_trace_init(&quiet, tell_nobody);
	quiet.tcp_flags = trace->steps.tcp_flags;
	context.trace = &quiet;
	do {
		half(&context, key, composition);
		refused = without_room(trace, composition);
		context.sessions_refused |= refused;
	} while (refused);
	context.trace = &trace->steps;
	half(&context, key, composition);
}

// What is known of sending without doing it: not whether the NIC will have room.
static void output(
	struct trace *trace, const struct snapshot_port *port, const struct weir_frame *frame)
{
	enum core_reason reason;

	if (port->nic && !port->blocked && datapath_fits(port, frame)) {
		tell(trace, port, WEIR_STAGE_EGRESS, COMPOSE_OUTPUT, 0, "");
		return;
	}
	reason = port->nic && !port->blocked ? REASON_TOO_BIG : REASON_PORT_DOWN;
	tell(trace, port, WEIR_STAGE_EGRESS, COMPOSE_DROP, reason_of(0, reason), "");
}

static void deliver(struct trace *trace, const struct weir_frame *frame, uint16_t index,
	enum weir_forwarded forwarded)
{
	const struct snapshot_port *port = snapshot_port(trace->snapshot, index);
	bool asked = port_n_hooks(port, WEIR_STAGE_EGRESS) > 0;
	struct composition composition;
	struct flow_key key;
	struct trace_half half = { .port = port, .key = &key, .mask = &port->egress };

	key_parse(frame, &key);
	key.w[0] |= index | KEY_EGRESS_HALF | (uint64_t)forwarded << KEY_FORWARDED_SHIFT |
		    (uint64_t)port->epoch << KEY_EPOCH_SHIFT;
	key_set_ingress(&key, frame->port);
	mask_key(&key, &port->egress);
	// A port that nobody is asked about has no flow of its own.
	if (asked)
		trace->half(trace, &half);
	compose(trace, compose_egress, &key, &composition);
	if (composition.ops[composition.n_ops - 1].code == OP_OUTPUT)
		output(trace, port, frame);
	half.composition = &composition;
	if (asked)
		trace->half(trace, &half);
}

static bool takes(const struct snapshot_port *port, const struct weir_frame *frame, uint16_t vlan)
{
	enum vlan_egress_tag tag;

	return port->index != frame->port && port->nic && !port->blocked &&
	       vlan_egress(&port->vlan, vlan, &tag);
}

static void flood(struct trace *trace, const struct weir_frame *frame, const struct op *op)
{
	const struct snapshot *s = trace->snapshot;
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_ports; i++) {
		if (!s->ports[i] || !takes(s->ports[i], frame, (uint16_t)op->arg))
			continue;
		deliver(trace, frame, (uint16_t)i, op->forwarded);
		n++;
	}
	if (n == 0)
		tell(trace, snapshot_port(s, frame->port), WEIR_STAGE_FORWARD, COMPOSE_DROP,
			reason_of(0, REASON_NO_DESTINATION), "");
}

static void run(
	struct trace *trace, struct weir_frame *frame, const struct composition *composition)
{
	for (unsigned i = 0; i < composition->n_ops; i++) {
		const struct op *op = &composition->ops[i];

		switch ((enum op_code)op->code) {
		case OP_OUTPUT:
			output(trace, snapshot_port(trace->snapshot, op->port), frame);
			return;
		case OP_DELIVER:
			deliver(trace, frame, op->port, op->forwarded);
			break;
		case OP_FLOOD:
			flood(trace, frame, op);
			return;
		default:
			if (op->code >= OP_PUSH_VLAN)
				rewrite_frame(frame, op);
			break;
		}
	}
}

void trace_frame(struct trace *trace, const struct snapshot_port *port, struct weir_frame *frame)
{
	struct composition composition;
	struct flow_key key;
	struct trace_half half = { .port = port, .key = &key, .mask = &port->ingress };

	frame->port = port->index;
	trace->steps.tcp_flags = session_tcp_flags(frame);
	key_parse(frame, &key);
	key.w[0] |= port->index | (uint64_t)port->epoch << KEY_EPOCH_SHIFT;
	mask_key(&key, &port->ingress);
	trace->half(trace, &half);
	compose(trace, compose_ingress, &key, &composition);
	half.composition = &composition;
	trace->half(trace, &half);
	run(trace, frame, &composition);
}
