// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Running a program on a frame.
#include <netinet/in.h>

#include "datapath/account.h"
#include "datapath/flow_use.h"
#include "datapath/fragment_frame.h"
#include "datapath/rcu.h"
#include "datapath/rewrite.h"
#include "datapath/session_frame.h"

struct weir_frame *datapath_alloc(struct datapath *dp, uint32_t size)
{
	struct weir_frame *frame = frame_alloc(dp->pool, size);

	if (frame)
		return frame;
	// What waits for the end of the batch is sent now, and its buffers come back.
	datapath_flush(dp);
	return frame_alloc(dp->pool, size);
}

struct weir_frame *datapath_clone(struct datapath *dp, const struct weir_frame *frame)
{
	struct weir_frame *copy = frame_clone(dp->pool, frame);

	if (copy)
		return copy;
	datapath_flush(dp);
	return frame_clone(dp->pool, frame);
}

static const struct snapshot_port *drop_port(
	const struct datapath *dp, const struct weir_frame *frame, uint16_t index)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, index);

	if (!port)
		port = snapshot_port(dp->snapshot, frame->port);
	return port ? port : dp->snapshot->nowhere;
}

// policer: over whose rate it is, plus 1; 0: none.
static void end_dropped(struct datapath *dp, struct weir_frame *frame, uint16_t index,
	enum weir_stage stage, uint16_t reason, uint32_t policer)
{
	const struct snapshot_port *port = drop_port(dp, frame, index);
	struct drop_watch *watches = rcu_get(dp->watches);
	uint64_t frames = 0, bytes = 0;

	weir_frame_wire(frame, &frames, &bytes);
	count_drop(datapath_counters(dp, port), stage, reason, frames);
	if (__builtin_expect(watches != NULL, 0))
		drop_watch_take(watches, dp, port, DROP_CAUSE(stage, reason), policer, frame);
	weir_frame_release(frame);
}

static void end_at_run_time(struct datapath *dp, struct weir_frame *frame, uint16_t index,
	enum weir_stage stage, uint16_t reason, uint32_t policer)
{
	const struct snapshot_port *port = drop_port(dp, frame, index);

	if (__builtin_expect(port_n_hooks(port, WEIR_STAGE_DROP) != 0, 0) &&
		!(frame->flags & FRAME_TAPPED))
		datapath_tap_drop(dp, frame, port, DROP_CAUSE(stage, reason));
	end_dropped(dp, frame, index, stage, reason, policer);
}

void datapath_drop_decided(struct datapath *dp, struct weir_frame *frame, uint16_t index,
	enum weir_stage stage, uint16_t reason)
{
	end_dropped(dp, frame, index, stage, reason, 0);
}

void datapath_drop(struct datapath *dp, struct weir_frame *frame, uint16_t index,
	enum weir_stage stage, uint16_t reason)
{
	end_at_run_time(dp, frame, index, stage, reason, 0);
}

void datapath_drop_over_rate(struct datapath *dp, struct weir_frame *frame, uint16_t index,
	enum weir_stage stage, uint16_t reason, uint32_t policer)
{
	end_at_run_time(dp, frame, index, stage, reason, policer + 1);
}

// A clone in the place of one hold on the frame; NULL: dropped, counted.
static struct weir_frame *replace_by_clone(struct datapath *dp, struct weir_frame *frame)
{
	struct weir_frame *copy = datapath_clone(dp, frame);

	if (copy)
		weir_frame_release(frame);
	else
		datapath_drop(
			dp, frame, frame->port, WEIR_STAGE_EGRESS, reason_of(0, REASON_NO_BUFFERS));
	return copy;
}

struct weir_frame *datapath_private(struct datapath *dp, struct weir_frame *frame)
{
	return frame->refs == 1 ? frame : replace_by_clone(dp, frame);
}

static void count_copy(struct datapath *dp, const struct weir_frame *frame)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, frame->port);
	uint64_t frames = 0, bytes = 0;

	weir_frame_wire(frame, &frames, &bytes);
	count(&datapath_counters(dp, port ? port : dp->snapshot->nowhere)->copies, frames);
}

// At random, so that neither periodic traffic nor another sampler is in step with it (RFC 3176, 3).
static bool sampled(struct datapath *dp, uint32_t one_in)
{
	if (one_in == 1)
		return true;
	// Numerical Recipes' generator; its high bits are good.
	dp->samples = dp->samples * UINT32_C(1664525) + UINT32_C(1013904223);
	return (uint64_t)dp->samples * one_in >> 32 == 0;
}

static void copy_to_sink(struct datapath *dp, struct weir_frame *frame, const struct op *op)
{
	if (!sampled(dp, op->arg))
		return;
	count_copy(dp, frame);
	frame->refs++;
	datapath_transmit(dp, frame, op->port);
}

// To every port that carries the VLAN but the one the frame came from. The snapshot's array of
// ports is the destination set: nothing is composed per source.
static void flood(
	struct datapath *dp, struct weir_frame *frame, const struct op *op, enum half_claim claim)
{
	const struct snapshot *s = dp->snapshot;
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_ports; i++) {
		const struct snapshot_port *port = s->ports[i];
		enum vlan_egress_tag tag;

		if (!port || i == frame->port || !port->nic || port->blocked ||
			!vlan_egress(&port->vlan, (uint16_t)op->arg, &tag))
			continue;
		if (n++)
			count_copy(dp, frame);
		frame->refs++;
		datapath_deliver(dp, frame, (uint16_t)i, 0, op->forwarded, claim, NULL, 0);
	}
	if (n == 0)
		datapath_drop(dp, frame, frame->port, WEIR_STAGE_FORWARD,
			reason_of(0, REASON_NO_DESTINATION));
	else
		weir_frame_release(frame);
}

static struct weir_frame *rewrite(
	struct datapath *dp, struct weir_frame *frame, const struct op *op)
{
	frame = datapath_private(dp, frame);
	if (!frame || rewrite_frame(frame, op))
		return frame;
	// No headroom: a clone has it.
	frame = replace_by_clone(dp, frame);
	if (frame)
		rewrite_frame(frame, op);
	return frame;
}

// Of the halves that the program leads to: whether flows have come to have it that had another.
static enum half_claim claim_of(const struct datapath *dp, const struct program *program)
{
	bool changed = program->changed_to && dp->tick - program->changed_to <= FLOW_TICKS_PER_S;

	return changed ? HALF_LED_TO : HALF_UNCLAIMED;
}

// Frames of one flow on their way through a program, in their order.
struct train {
	const struct program *program;
	struct weir_frame **frames;
	unsigned n;
	uint64_t wire; // wire_of() them
};

// What is done with a frame for itself. wire: of it. Takes it; returns the one that goes on, or
// NULL.
static struct weir_frame *pass(
	struct datapath *dp, struct weir_frame *frame, const struct op *op, uint64_t wire)
{
	switch ((enum op_code)op->code) {
	case OP_POLICE:
		return account_police(dp, frame, op, wire) ? frame : NULL;
	case OP_RELATED:
	case OP_FOLLOW:
		return account_op(dp, frame, op, wire) ? frame : NULL;
	case OP_REMEMBER:
		fragment_remember(dp, frame, op);
		return frame;
	case OP_COPY:
		copy_to_sink(dp, frame, op);
		return frame;
	case OP_TRACK:
		if (__builtin_expect(session_tcp_glance(frame), 0))
			session_track(dp, frame, op);
		return frame;
	default:
		return rewrite(dp, frame, op);
	}
}

static void pass_each(struct datapath *dp, struct train *t, const struct op *op)
{
	const bool resizes = op->code == OP_PUSH_VLAN || op->code == OP_POP_VLAN;
	const unsigned n = t->n;
	uint64_t lost = 0;

	t->n = 0;
	t->wire = 0;
	for (unsigned i = 0; i < n; i++) {
		uint64_t wire = frame_wire(t->frames[i]);
		struct weir_frame *frame = pass(dp, t->frames[i], op, wire);

		if (!frame) {
			lost += wire;
			continue;
		}
		t->frames[t->n++] = frame;
		t->wire += resizes ? frame_wire(frame) : wire;
	}
	if (__builtin_expect(lost != 0, 0))
		account_lost(dp, t->program, op, lost);
}

// To one of several destinations: the frames go on.
static void deliver_copies(
	struct datapath *dp, const struct train *t, const struct op *op, enum half_claim claim)
{
	for (unsigned i = 0; i < t->n; i++) {
		count_copy(dp, t->frames[i]);
		t->frames[i]->refs++;
		datapath_deliver(dp, t->frames[i], op->port, 0, op->forwarded, claim, NULL, 0);
	}
}

// What a program ends with. Takes the frame.
static void end(struct datapath *dp, struct weir_frame *frame, const struct program *program,
	const struct op *op)
{
	enum half_claim claim;

	switch ((enum op_code)op->code) {
	case OP_DROP:
		datapath_drop_decided(dp, frame, op->port, op->stage, (uint16_t)op->arg);
		break;
	case OP_FLOOD:
		flood(dp, frame, op, claim_of(dp, program));
		break;
	case OP_DELIVER:
		claim = frame->flags & FRAME_ADMITTED ? HALF_ADMITTED : claim_of(dp, program);
		datapath_deliver(dp, frame, op->port, 0, op->forwarded, claim, op + 1, op->arg);
		break;
	default:
		weir_frame_release(frame);
	}
}

void datapath_run_all(struct datapath *dp, struct weir_frame *frames[], unsigned n, uint64_t wire,
	const struct program *program, unsigned from)
{
	const struct op *behind = &program->ops[program->n_ops];
	struct train t = { program, frames, n, wire };

	// Every program ends with an operation that takes the frames.
	for (const struct op *op = &program->ops[from];; op++) {
		switch ((enum op_code)op->code) {
		case OP_METER:
			account_meter(dp, op, t.wire);
			continue;
		case OP_LOST:
			continue;
		case OP_OUTPUT:
			for (unsigned i = 0; i < t.n; i++)
				datapath_transmit(dp, t.frames[i], op->port);
			return;
		case OP_VISIT:
			datapath_wait_all(dp, t.frames, t.n, program, op);
			return;
		case OP_DELIVER:
			if (op + 1 + op->arg < behind) {
				deliver_copies(dp, &t, op, claim_of(dp, program));
				continue;
			}
			break;
		case OP_DROP:
		case OP_END:
		case OP_FLOOD:
			break;
		default:
			pass_each(dp, &t, op);
			continue;
		}
		for (unsigned i = 0; i < t.n; i++)
			end(dp, t.frames[i], program, op);
		return;
	}
}

void datapath_run(
	struct datapath *dp, struct weir_frame *frame, const struct program *program, unsigned from)
{
	const struct op *op = &program->ops[from];

	if (op->code == OP_OUTPUT)
		datapath_transmit(dp, frame, op->port);
	else if (op->code == OP_VISIT)
		datapath_wait(dp, frame, program, op);
	else
		datapath_run_all(dp, &frame, 1, frame_wire(frame), program, from);
}
