// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Visits: frames wait at the position of their visitor until the batch has run, then the visitor is
// called once with all of them, and their programs go on. Positions rise along a frame's way, so
// going through them upwards ends.
#include <netinet/in.h>

#include "datapath/visit.h"

// ---- Waiting

static bool flags_match(const struct weir_frame *frame, uint8_t flags)
{
	struct frame_layers layers;

	frame_layers(frame, &layers);
	return layers.l4 && layers.proto == IPPROTO_TCP && (frame->data[layers.l4 + 13] & flags);
}

__attribute__((noinline)) static void visit_position(struct datapath *dp, unsigned position);

static inline void park(struct datapath *dp, struct weir_frame *frame,
	const struct program *program, unsigned next_op, const struct hook *hook, bool visited)
{
	unsigned position = hook->position;

	// The flow may be decided anew while its program is being waited on; the end of the batch
	// frees it.
	dp->parked[position][dp->n_parked[position]++] = (struct parked){
		.frame = frame,
		.program = program,
		.hook = hook,
		.next_op = (uint16_t)next_op,
		.visited = visited,
	};
	dp->parked_positions[position / 64] |= UINT64_C(1) << position % 64;
}

// Where there is no room left, or not every frame is visited.
__attribute__((noinline)) static void park_carefully(struct datapath *dp, struct weir_frame *frame,
	const struct program *program, unsigned next_op, const struct hook *hook, uint8_t tcp_flags)
{
	bool visited = tcp_flags == 0 || flags_match(frame, tcp_flags);

	if (dp->n_parked[hook->position] == PARKED_MAX)
		visit_position(dp, hook->position);
	park(dp, frame, program, next_op, hook, visited);
}

void datapath_park(struct datapath *dp, struct weir_frame *frame, const struct program *program,
	unsigned next_op, const struct hook *hook, uint8_t tcp_flags)
{
	if (tcp_flags || dp->n_parked[hook->position] == PARKED_MAX)
		park_carefully(dp, frame, program, next_op, hook, tcp_flags);
	else
		park(dp, frame, program, next_op, hook, true);
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
	uint64_t sums[PARKED_MAX];

	for (unsigned i = 0; i < call->visit.n; i++)
		sums[i] = checksum(call->frames[i]);
	call->hook->entry->extension->visit(call->hook->state, &call->visit);
	for (unsigned i = 0; i < call->visit.n; i++)
		if (checksum(call->frames[i]) != sums[i])
			extension_offend(c, &c->modified, "a capture visit has changed a frame");
}

// Why a frame at stage 7 is dropped: its flow was decided so, and its program ends in that; or it
// is the copy of one that was dropped at run time, and carries the reason.
static uint32_t drop_of(const struct parked *parked)
{
	const struct op *last = &parked->program->ops[parked->program->n_ops - 1];

	return last->code == OP_DROP ? DROP_CAUSE(last->stage, last->arg) : parked->frame->hash;
}

static void call_visitor(struct visit_call *call)
{
	const struct stack_entry *entry = call->hook->entry;

	if (call->visit.n == 0)
		return;
	call->visit.frames = (const struct weir_frame *const *)call->frames;
	if (call->hook->stage == WEIR_STAGE_DROP) {
		for (unsigned i = 0; i < call->visit.n; i++)
			call->drops[i] = drop_of(call->parked[i]);
		call->visit.drops = call->drops;
	}
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
		datapath_deliver(dp, frame, egress, start, forwarded, NULL, 0);
	else
		datapath_decide_and_run(dp, frame, frame->port, start);
}

// What the visitor made of frame i, other than letting it pass.
static void go_elsewhere(struct visit_call *call, unsigned i)
{
	struct datapath *dp = call->dp;
	struct parked *parked = call->parked[i];
	const struct op *op = &parked->program->ops[parked->next_op - 1]; // the visit

	switch ((enum visit_outcome)call->outcome[i]) {
	case VISIT_PASS:
		break;
	case VISIT_DROP:
		datapath_drop(dp, parked->frame, op->port, op->stage, call->reason[i]);
		break;
	case VISIT_REDIRECT:
		datapath_redirect(
			dp, parked->frame, (uint8_t)(call->hook->position + 1), call->port[i]);
		break;
	case VISIT_REKEY:
		rekey(dp, parked->frame, call->hook, op->port, op->forwarded);
		break;
	case VISIT_CONSUME:
		consume(dp, parked->frame);
		break;
	}
}

// One call for all of these frames, which wait for the same hook.
static void visit_frames(struct datapath *dp, struct parked mine[/* n */], unsigned n)
{
	const struct hook *hook = mine[0].hook;
	struct visit_call call; // its arrays are large, and filled as far as there are frames

	call.dp = dp;
	call.hook = hook;
	call.visit = (struct weir_visit){
		.ops = &visit_ops,
		.stage = hook->stage,
		.switch_state = hook->entry->switch_state,
		.instance = hook->entry->instance,
		.worker = (uint16_t)dp->worker,
		.now_ns = dp->now_ns,
	};
	for (unsigned i = 0; i < n; i++) {
		call.parked[call.visit.n] = &mine[i];
		call.frames[call.visit.n] = mine[i].frame;
		call.visit.n += mine[i].visited;
	}
	memset(call.outcome, VISIT_PASS, call.visit.n);
	call_visitor(&call);
	// In the order in which they came, so that no flow is reordered.
	for (unsigned i = 0, visited = 0; i < n; i++) {
		unsigned at = visited;

		if (mine[i].visited)
			mine[i].frame = call.frames[visited++];
		if (mine[i].visited && call.outcome[at] != VISIT_PASS)
			go_elsewhere(&call, at);
		else
			datapath_run(dp, mine[i].frame, mine[i].program, mine[i].next_op);
	}
}

// Visits those that wait for the hook of the first one; the others of the position are left for the
// next round. Returns how many they are.
__attribute__((noinline)) static unsigned visit_one_of_several(
	struct datapath *dp, struct parked *parked, unsigned n)
{
	const struct hook *hook = parked[0].hook;
	struct parked mine[PARKED_MAX];
	unsigned n_mine = 0, rest = 0;

	for (unsigned i = 0; i < n; i++) {
		if (parked[i].hook == hook)
			mine[n_mine++] = parked[i];
		else
			parked[rest++] = parked[i];
	}
	visit_frames(dp, mine, n_mine);
	return rest;
}

static bool same_hook(const struct parked *parked, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		if (parked[i].hook != parked[0].hook)
			return false;
	return true;
}

static void visit_position(struct datapath *dp, unsigned position)
{
	struct parked parked[PARKED_MAX];
	unsigned n = dp->n_parked[position];

	// Taken out first: frames that go on may come to wait at the same position of another port.
	memcpy(parked, dp->parked[position], n * sizeof(parked[0]));
	dp->n_parked[position] = 0;
	dp->parked_positions[position / 64] &= ~(UINT64_C(1) << position % 64);
	while (n && !same_hook(parked, n))
		n = visit_one_of_several(dp, parked, n);
	if (n)
		visit_frames(dp, parked, n);
}

void datapath_visit_all(struct datapath *dp)
{
	for (unsigned w = 0; w < 4;) {
		if (dp->parked_positions[w] == 0) {
			w++;
			continue;
		}
		visit_position(dp, w * 64 + (unsigned)__builtin_ctzll(dp->parked_positions[w]));
		// A frame that was decided anew may wait anywhere behind.
		w = 0;
	}
}
