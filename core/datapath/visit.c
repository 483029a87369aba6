// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Visits: frames wait at the position of their visitor until the batch has run, then the visitor is
// called once with all of them, and their programs go on. Positions rise along a frame's way, so
// going through them upwards ends.
//
// Most frames of a batch wait for the same visitor: that costs them a comparison and three stores.
#include <netinet/in.h>

#include "datapath/account.h"
#include "datapath/flow_use.h"
#include "datapath/visit.h"

// ---- Waiting

static bool flags_match(const struct weir_frame *frame, uint8_t flags)
{
	struct frame_layers layers;

	frame_layers(frame, &layers);
	return layers.l4 && layers.proto == IPPROTO_TCP && (frame->data[layers.l4 + 13] & flags);
}

// The hook that a visit is for: since a replacement that of the new version. NULL when its
// extension has left the stack since, or the new version visits nothing there.
static const struct hook *visitor(const struct datapath *dp, const struct op *op)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, op->port);
	const struct hook *hook;

	if (!port)
		return NULL;
	// Mostly it stands where it stood as the visit was composed.
	hook = &port->hooks[op->hint];
	if (op->hint < port->first[WEIR_N_STAGES] && hook->stage == op->stage &&
		hook->entry->visitor == op->arg)
		return hook;
	for (unsigned i = port->first[op->stage]; i < port->first[op->stage + 1]; i++)
		if (port->hooks[i].entry->visitor == op->arg)
			return &port->hooks[i];
	return NULL;
}

static void visit_position(struct datapath *dp, unsigned position);

void datapath_wait_anywhere(struct datapath *dp, struct weir_frame *frame,
	const struct program *program, const struct op *visit)
{
	const struct hook *hook = visitor(dp, visit);
	struct visit_queue *queue;

	if (!hook) {
		datapath_run(dp, frame, program, (unsigned)(visit - program->ops) + 1);
		return;
	}
	// Those that go on may fill it again, each time further on their way.
	while (dp->waiting[hook->position]->n == WAITING_MAX)
		visit_position(dp, hook->position);
	queue = dp->waiting[hook->position];
	if (queue->n == 0)
		queue->hook = hook;
	if (queue->hook != hook)
		queue->mixed = true;
	if (visit->flags && !flags_match(frame, visit->flags)) {
		queue->mixed = true;
		queue->passed_over[queue->n / 64] |= UINT64_C(1) << queue->n % 64;
	}
	visit_queue_append(queue, frame, program, visit);
	dp->waiting_positions[hook->position / 64] |= UINT64_C(1) << hook->position % 64;
	dp->last_visit = visit->flags ? 0 : visit_id(visit);
	dp->last_visitor = visit->arg;
	dp->last_queue = queue;
}

// ---- Calling

static uint64_t checksum(const struct weir_frame *frame)
{
	struct weir_frame_iterator it = weir_frame_iterate(frame);
	uint64_t sum = frame->size;
	const uint8_t *bytes;
	uint32_t size;

	while ((bytes = weir_frame_next(&it, &size)))
		for (uint32_t i = 0; i < size; i++)
			sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
	return sum;
}

// Strict mode: a capture's visit must leave the frames as they were.
static void call_capture_strictly(struct visit_call *call)
{
	struct extension_counters *c = visit_counters(call);
	uint64_t sums[WAITING_MAX];

	for (unsigned i = 0; i < call->visit.n; i++)
		sums[i] = checksum(call->frames[i]);
	call->hook->entry->extension->visit(call->hook->state, &call->visit);
	for (unsigned i = 0; i < call->visit.n; i++)
		if (checksum(call->frames[i]) != sums[i])
			extension_offend(c, &c->modified, "a capture visit has changed a frame");
}

// Why a frame at stage 7 is dropped: its flow was decided so, and its program ends in that; or it
// is the copy of one that was dropped at run time, and carries the reason.
static uint32_t drop_of(const struct weir_frame *frame, const struct program *program)
{
	const struct op *last = &program->ops[program->n_ops - 1];

	return last->code == OP_DROP ? DROP_CAUSE(last->stage, last->arg) : frame->hash;
}

static void call_visitor(struct visit_call *call)
{
	const struct stack_entry *entry = call->hook->entry;

	if (call->visit.n == 0)
		return;
	call->visit.frames = (const struct weir_frame *const *)call->frames;
	__atomic_fetch_add(&entry->counters->visits, call->visit.n, __ATOMIC_RELAXED);
	if (call->dp->snapshot->strict && visit_is(call, WEIR_CLASS_CAPTURE))
		call_capture_strictly(call);
	else
		entry->extension->visit(call->hook->state, &call->visit);
}

static void consume(struct datapath *dp, struct weir_frame *frame)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, frame->port);
	uint64_t frames = 0, bytes = 0;

	weir_frame_wire(frame, &frames, &bytes);
	count(&datapath_counters(dp, port ? port : dp->snapshot->nowhere)->consumed, frames);
	weir_frame_release(frame);
}

// The frame's fields have changed: it is looked up from the next position on.
static void rekey(struct datapath *dp, struct weir_frame *frame, const struct hook *hook,
	uint16_t egress, enum weir_forwarded forwarded)
{
	uint8_t start = (uint8_t)(hook->position + 1);

	if (hook->stage == WEIR_STAGE_EGRESS)
		datapath_deliver(dp, frame, egress, start, forwarded, HALF_ADMITTED, NULL, 0);
	else
		datapath_decide_and_run(dp, frame, frame->port, start);
}

// What the visitor made of frame i of the call, which was `at` of the queue, other than letting it
// pass.
static void go_elsewhere(
	struct visit_call *call, unsigned i, const struct visit_queue *queue, unsigned at)
{
	const struct op *visit = queue->visits[at];
	struct weir_frame *frame = call->frames[i];
	struct datapath *dp = call->dp;

	account_lost(dp, queue->programs[at], visit, frame_wire(frame));
	switch ((enum visit_outcome)call->outcome[i]) {
	case VISIT_PASS:
		break;
	case VISIT_DROP:
		datapath_drop(dp, frame, visit->port, visit->stage, call->reason[i]);
		break;
	case VISIT_REDIRECT:
		datapath_redirect(dp, frame, (uint8_t)(call->hook->position + 1), call->port[i]);
		break;
	case VISIT_REKEY:
		rekey(dp, frame, call->hook, visit->port, visit->forwarded);
		break;
	case VISIT_CONSUME:
		consume(dp, frame);
		break;
	}
}

// Frame i of the queue, whatever it has become, goes on behind its visit.
static inline void go_on(
	struct datapath *dp, struct weir_frame *frame, const struct visit_queue *queue, unsigned i)
{
	const struct op *next = queue->visits[i] + 1;

	if (next->code == OP_OUTPUT)
		datapath_transmit(dp, frame, next->port);
	else
		datapath_run(
			dp, frame, queue->programs[i], (unsigned)(next - queue->programs[i]->ops));
}

static inline bool is_passed_over(const struct visit_queue *queue, unsigned i)
{
	return queue->passed_over[i / 64] >> i % 64 & 1;
}

// The frames that are visited become the call's.
static void fill(struct visit_call *call, struct visit_queue *queue)
{
	unsigned n = 0;

	if (!queue->mixed) {
		call->frames = queue->frames;
		call->visit.n = queue->n;
		return;
	}
	call->frames = call->some;
	for (unsigned i = 0; i < queue->n; i++) {
		call->some[n] = queue->frames[i];
		n += !is_passed_over(queue, i);
	}
	call->visit.n = n;
}

static void say_drops(struct visit_call *call, const struct visit_queue *queue)
{
	unsigned n = 0;

	for (unsigned i = 0; i < queue->n; i++)
		if (!is_passed_over(queue, i))
			call->drops[n++] = drop_of(queue->frames[i], queue->programs[i]);
	call->visit.drops = call->drops;
}

// In the order in which they came, so that no flow is reordered.
static void go_their_ways(struct visit_call *call, const struct visit_queue *queue)
{
	unsigned at = 0;

	for (unsigned i = 0; i < queue->n; i++) {
		if (is_passed_over(queue, i)) {
			go_on(call->dp, queue->frames[i], queue, i);
			continue;
		}
		if (call->all_pass || call->outcome[at] == VISIT_PASS)
			go_on(call->dp, call->frames[at], queue, i);
		else
			go_elsewhere(call, at, queue, i);
		at++;
	}
}

static void visit_queued(struct datapath *dp, struct visit_queue *queue)
{
	const struct hook *hook = queue->hook;
	struct visit_call call; // its arrays are large, and filled as far as there are frames

	call.dp = dp;
	call.hook = hook;
	call.all_pass = true;
	call.visit = (struct weir_visit){
		.ops = &visit_ops,
		.stage = hook->stage,
		.switch_state = hook->entry->switch_state,
		.instance = hook->entry->instance,
		.worker = (uint16_t)dp->worker,
		.now_ns = dp->now_ns,
	};
	fill(&call, queue);
	if (hook->stage == WEIR_STAGE_DROP)
		say_drops(&call, queue);
	call_visitor(&call);
	if (queue->mixed || !call.all_pass)
		go_their_ways(&call, queue);
	else
		for (unsigned i = 0, n = queue->n; i < n; i++)
			go_on(dp, queue->frames[i], queue, i);
}

// One call for all that wait for the visitor of the first one. The others are left.
static void visit_one_of_several(struct datapath *dp, struct visit_queue *queue)
{
	struct visit_queue mine = { .hook = visitor(dp, queue->visits[0]), .mixed = true };
	uint64_t passed_over[WAITING_MAX / 64] = { 0 };
	unsigned n = queue->n;

	queue->n = 0;
	for (unsigned i = 0; i < n; i++) {
		bool is_mine = visitor(dp, queue->visits[i]) == mine.hook;
		struct visit_queue *to = is_mine ? &mine : queue;
		uint64_t *bits = is_mine ? mine.passed_over : passed_over;

		bits[to->n / 64] |= (uint64_t)is_passed_over(queue, i) << to->n % 64;
		visit_queue_append(to, queue->frames[i], queue->programs[i], queue->visits[i]);
	}
	memcpy(queue->passed_over, passed_over, sizeof(passed_over));
	visit_queued(dp, &mine);
}

// Empties a queue that nobody adds to meanwhile.
static void visit_all_of(struct datapath *dp, struct visit_queue *queue)
{
	if (!queue->mixed)
		visit_queued(dp, queue);
	while (queue->mixed && queue->n)
		visit_one_of_several(dp, queue);
	memset(queue->passed_over, 0, sizeof(queue->passed_over));
	queue->mixed = false;
	queue->n = 0;
}

// Frames that go on may come to wait at the same position of another port: an empty queue takes the
// place of the full one. Should they fill up another one meanwhile, that is the one to be copied.
static void visit_position(struct datapath *dp, unsigned position)
{
	struct visit_queue *queue = dp->waiting[position], copy;

	dp->waiting_positions[position / 64] &= ~(UINT64_C(1) << position % 64);
	dp->last_visit = 0;
	if (dp->spare) {
		dp->waiting[position] = dp->spare;
		dp->spare = NULL;
		visit_all_of(dp, queue);
		dp->spare = queue;
	} else {
		copy = *queue;
		memset(queue->passed_over, 0, sizeof(queue->passed_over));
		queue->mixed = false;
		queue->n = 0;
		visit_all_of(dp, &copy);
	}
}

void datapath_visit_all(struct datapath *dp)
{
	for (unsigned w = 0; w < 4;) {
		if (dp->waiting_positions[w] == 0) {
			w++;
			continue;
		}
		visit_position(dp, w * 64 + (unsigned)__builtin_ctzll(dp->waiting_positions[w]));
		// A frame that was decided anew may wait anywhere behind.
		w = 0;
	}
}
