// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a batch that may decide few new flows, or finds no place for them, does with theirs and with
// known ones': run by run, and half by half.
#include "line.h"

enum { FLOWS = 10 };

static void pass(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow, (void)d;
}

static void visit(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_visit(d, 0);
}

static void drop_known(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	// The flow's number stands in the ports, in the frame's order.
	if (flow->l4_dst == 0)
		weir_drop(d, 1);
}

// What reads at egress more than is read at ingress makes egress halves flows of their own.
static const struct actor behind = { "behind", WEIR_CLASS_FILTER, WEIR_FIELDS_5TUPLE,
	{ [WEIR_STAGE_EGRESS] = pass }, false, NULL };
static const struct actor tuple = { "tuple", WEIR_CLASS_FILTER, WEIR_FIELDS_5TUPLE,
	{ [WEIR_STAGE_INGRESS] = pass }, false, NULL };
static const struct actor looking = { "looking", WEIR_CLASS_FILTER, WEIR_FIELDS_5TUPLE,
	{ [WEIR_STAGE_INGRESS] = visit }, true, NULL };
static const struct actor marking = { "marking", WEIR_CLASS_FILTER,
	WEIR_FIELDS_5TUPLE | WEIR_FIELD_IP_TOS, { [WEIR_STAGE_EGRESS] = pass }, false, NULL };

static const struct actor dropping = { "dropping", WEIR_CLASS_FILTER,
	WEIR_FIELDS_5TUPLE | WEIR_FIELD_IP_TOS, { [WEIR_STAGE_INGRESS] = drop_known }, false,
	NULL };

static void stack(const struct actor *first, const struct actor *second)
{
	const struct actor *actors[] = { first, second };

	line_remask(actors, (first != NULL) + (second != NULL));
	line_resize(1024); // what was known is not any more
	// Nothing is looked for under the masks before.
	line.dp->sweep_wanted = generation_now(world.generation);
	line_scan();
}

static uint64_t shed(enum weir_stage stage)
{
	return line_shed(stage == WEIR_STAGE_EGRESS ? 1 : 0, stage);
}

// Frames from port 1 that differ in what is not read.
static void pass_run(unsigned n)
{
	struct weir_frame *frames[WORKER_BATCH];

	for (unsigned i = 0; i < n; i++)
		frames[i] = line_frame(1, i);
	line_batch(1, frames, n);
}

// A frame of a flow goes on from a place in the stack on.
static void decide_from(uint8_t start, unsigned redecide_max)
{
	datapath_begin(line.dp, line.now_ns);
	line.dp->redecide_max = redecide_max;
	datapath_decide_and_run(line.dp, line_frame(0, 7), 0, start);
	datapath_end(line.dp);
}

// ---- Flows

// Of four new flows two may be decided, and all of their frames pass: also those that the batch
// missed.
static void later_frames_of_a_decided_flow_pass(void **state)
{
	struct weir_frame *frames[WORKER_BATCH];

	(void)state;
	stack(&tuple, NULL);
	for (unsigned i = 0; i < WORKER_BATCH; i++)
		frames[i] = line_frame(0, LINE_KNOWN + i % 4);
	line.new_max = 2;
	line_batch(0, frames, WORKER_BATCH);
	assert_int_equal(line.nics[1].sent[1], WORKER_BATCH / 2);
	assert_int_equal(line_shed(0, WEIR_STAGE_INGRESS), WORKER_BATCH / 2);
}

static void flows_under_old_masks_are_known(void **state)
{
	uint64_t shed;

	(void)state;
	stack(&tuple, NULL);
	line_pass(0, FLOWS);
	line_remask((const struct actor *[]){ &dropping }, 1);
	line.new_max = 1;
	line_pass(LINE_KNOWN, 32);
	shed = line_shed(0, WEIR_STAGE_INGRESS);
	assert_int_equal(shed, 32 - 1);
	assert_int_equal(line.nics[1].sent[0], FLOWS);
	// Decided under the new masks: the new extension drops them.
	line.new_max = 0;
	line_pass(0, FLOWS);
	assert_int_equal(line_shed(0, WEIR_STAGE_INGRESS), shed);
	assert_int_equal(line.nics[1].sent[0], FLOWS);
	assert_int_equal(line.counters[0].dropped, shed + FLOWS);
}

// Their source is at another port by now: it takes a frame to learn it again. Swept or not, they
// stay known until then, and do not do once more what they did.
static void flows_whose_source_moved_are_known(void **state)
{
	uint64_t decisions;

	(void)state;
	stack(&tuple, NULL);
	line_pass(0, FLOWS);
	line.new_max = 0;
	for (unsigned swept = 0; swept < 2; swept++) {
		world_learn(0, "020000000001", 1);
		if (swept) {
			line.dp->sweep_wanted = generation_now(world.generation);
			line_scan();
		}
		decisions = line.dp->decisions;
		line_pass(0, FLOWS);
		assert_int_equal(line.dp->decisions - decisions, FLOWS);
		assert_int_equal(line_shed(0, WEIR_STAGE_INGRESS), 0);
		assert_int_equal(line.nics[1].sent[0], (2 + swept) * FLOWS);
	}
}

// With nobody who reads more than addresses, a flood of 5-tuples is two flows.
static void addresses_alone_are_cached(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 4000; i++)
		line_pass(LINE_KNOWN + i * WORKER_BATCH, WORKER_BATCH);
	assert_int_equal(line.nics[1].sent[1], 4000 * WORKER_BATCH);
	assert_int_equal(line.dp->decisions, 1);
	assert_int_equal(line.dp->flows->n, 1);
}

// A stale flow whose turn has not come runs its old program, unless that begins in the middle of a
// stack that is another by now, or was under other masks.
static void what_begins_in_the_middle_does_not_wait(void **state)
{
	uint64_t decisions;

	(void)state;
	stack(&tuple, NULL);
	for (unsigned remasked = 0; remasked < 2; remasked++) {
		for (uint8_t start = 0; start < 2; start++)
			decide_from(start, 1);
		decisions = line.dp->decisions;
		for (unsigned i = 0; i < 2; i++) {
			if (remasked)
				line_remask((const struct actor *[]){ &dropping }, 1);
			else
				generation_move(world.generation, world.ports[0].slot);
			decide_from(0, 0);
			assert_int_equal(line.dp->decisions - decisions, i);
			decide_from(1, 0);
			assert_int_equal(line.dp->decisions - decisions, i + 1);
			if (remasked)
				break; // of masks only the last are remembered
		}
	}
}

// ---- Runs

static void a_run_is_decided_once_without_a_place(void **state)
{
	uint64_t decisions;

	(void)state;
	line_resize(1);
	line_pass(0, 1);
	assert_int_equal(line.dp->flows->n, 1);
	for (unsigned i = 1; i <= 3; i++) {
		decisions = line.dp->decisions;
		pass_run(WORKER_BATCH);
		assert_int_equal(line.dp->decisions - decisions, 1);
		assert_int_equal(line.nics[0].sent[0], i * WORKER_BATCH);
		// In their order; each batch begins anew.
		assert_int_equal(line.nics[0].n_disordered, i - 1);
	}
	assert_int_equal(line.dp->flows->n, 1);
	assert_int_equal(line.counters[1].rx_frames, 3 * WORKER_BATCH);
	// As one new flow.
	line.new_max = 1;
	pass_run(WORKER_BATCH);
	assert_int_equal(line.nics[0].sent[0], 4 * WORKER_BATCH);
	line.new_max = 0;
	pass_run(WORKER_BATCH);
	assert_int_equal(line.nics[0].sent[0], 4 * WORKER_BATCH);
	assert_int_equal(line_shed(1, WEIR_STAGE_INGRESS), WORKER_BATCH);
}

static void a_run_is_decided_once_with_a_place(void **state)
{
	uint64_t decisions = line.dp->decisions;

	(void)state;
	pass_run(WORKER_BATCH);
	assert_int_equal(line.dp->decisions - decisions, 1);
	assert_int_equal(line.nics[0].sent[0], WORKER_BATCH);
	assert_int_equal(line.nics[0].n_disordered, 0);
	assert_int_equal(line.dp->flows->n, 1);
}

// A run under new masks has frames of many flows under the old ones. Once the batch has done its
// share, they run as they did; the first that was not known is decided, and the others follow it.
static void a_run_of_flows_under_old_masks(void **state)
{
	uint64_t decisions;

	(void)state;
	stack(&tuple, NULL);
	line_pass(0, FLOWS);
	line_remask(NULL, 0);
	decisions = line.dp->decisions;
	line_pass(0, WORKER_BATCH);
	assert_int_equal(line.dp->decisions - decisions, 1);
	assert_int_equal(line.nics[1].sent[0], FLOWS + WORKER_BATCH);
	assert_int_equal(line.nics[1].n_disordered, 1);
}

// ---- Halves

// One is the flow's.
static void two_halves_are_one_new_flow(void **state)
{
	static const struct actor *const first[] = { &tuple, &looking };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		stack(first[i], &marking);
		line.nics[1].sent[1] = 0;
		line.new_max = 1;
		line_pass(LINE_KNOWN, 4);
		assert_int_equal(line.dp->decisions, 2);
		assert_int_equal(line.nics[1].sent[1], 1);
		assert_int_equal(shed(WEIR_STAGE_INGRESS), 3 * (i + 1));
		assert_int_equal(shed(WEIR_STAGE_EGRESS), 0);
	}
}

// The addresses are known, and so is all that is read at ingress: what comes with other ports is
// new all the same.
static void new_halves_of_a_known_flow_are_new(void **state)
{
	(void)state;
	stack(&behind, NULL);
	line_pass(0, FLOWS);
	line.new_max = 2;
	line_pass(LINE_KNOWN, 32);
	assert_int_equal(line.nics[1].sent[1], 2);
	assert_int_equal(shed(WEIR_STAGE_EGRESS), 30);
	line.new_max = 0;
	line_pass(0, FLOWS);
	assert_int_equal(line.nics[1].sent[0], 2 * FLOWS);
	assert_int_equal(shed(WEIR_STAGE_EGRESS), 30);
}

// Their destination has moved, and they meet other halves than before. For a second those behind
// the new program are not told from new ones.
static void halves_of_a_flow_that_was_led_elsewhere_are_known(void **state)
{
	(void)state;
	world_learn(0, "020000000002", 2);
	stack(&behind, NULL);
	line_pass(0, FLOWS);
	assert_int_equal(line.nics[1].sent[0], 0);
	world_learn(0, "020000000002", 1);
	line.new_max = 0;
	line_pass(0, FLOWS / 2);
	line.now_ns += 900000000;
	line_pass(FLOWS / 2, FLOWS / 2);
	line_pass(LINE_KNOWN, 1);
	assert_int_equal(line.nics[1].sent[0], FLOWS);
	assert_int_equal(line.nics[1].sent[1], 1);
	assert_int_equal(shed(WEIR_STAGE_EGRESS), 0);
	line.now_ns += 200000000;
	line_pass(LINE_KNOWN + 1, 32);
	assert_int_equal(line.nics[1].sent[1], 1);
	assert_int_equal(shed(WEIR_STAGE_EGRESS), 32);
	line_pass(0, FLOWS);
	assert_int_equal(line.nics[1].sent[0], 2 * FLOWS);
}

// Not more of them in a batch than known flows are decided anew: else whoever has a flow led
// elsewhere every second would have all halves let in.
static void halves_that_flows_are_led_to_are_let_in_a_few_at_a_time(void **state)
{
	(void)state;
	world_learn(0, "020000000002", 2);
	stack(&behind, NULL);
	line_pass(0, 1);
	world_learn(0, "020000000002", 1);
	line.new_max = 0;
	line_pass(0, NIC_BATCH);
	assert_int_equal(line.nics[1].sent[0], REDECIDE_PER_BATCH);
	assert_int_equal(shed(WEIR_STAGE_EGRESS), NIC_BATCH - REDECIDE_PER_BATCH);
}

// A change after which the flow does what it did leads to no other halves.
static void a_redecision_to_the_same_program_lets_nothing_in(void **state)
{
	uint64_t decisions;

	(void)state;
	stack(&behind, NULL);
	line_pass(0, FLOWS);
	decisions = line.dp->decisions;
	generation_move(world.generation, world.ports[0].slot);
	line.new_max = 0;
	line_pass(LINE_KNOWN, 32);
	assert_int_equal(line.dp->decisions - decisions, 1);
	assert_int_equal(shed(WEIR_STAGE_EGRESS), 32);
}

static void pass_broadcast(uint32_t flow)
{
	struct weir_frame *frame = line_frame(0, flow);

	memset(frame->data, 0xff, 6);
	line_batch(0, &frame, 1);
}

// One new flow may be as many halves as there are ports: they are new flows one by one.
static void halves_of_floods_are_let_in_one_by_one(void **state)
{
	(void)state;
	stack(&behind, NULL);
	line.new_max = 1;
	pass_broadcast(0);
	assert_int_equal(line.nics[1].sent[0], 0);
	assert_int_equal(shed(WEIR_STAGE_EGRESS), 1);
	pass_broadcast(0);
	assert_int_equal(line.nics[1].sent[0], 1);
	line.new_max = 0;
	pass_broadcast(0);
	assert_int_equal(line.nics[1].sent[0], 2);
	pass_broadcast(1);
	assert_int_equal(shed(WEIR_STAGE_EGRESS), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, line_setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(later_frames_of_a_decided_flow_pass),
		TEST(flows_under_old_masks_are_known),
		TEST(flows_whose_source_moved_are_known),
		TEST(what_begins_in_the_middle_does_not_wait),
		TEST(addresses_alone_are_cached),
		TEST(a_run_is_decided_once_without_a_place),
		TEST(a_run_is_decided_once_with_a_place),
		TEST(a_run_of_flows_under_old_masks),
		TEST(two_halves_are_one_new_flow),
		TEST(new_halves_of_a_known_flow_are_new),
		TEST(halves_of_a_flow_that_was_led_elsewhere_are_known),
		TEST(halves_that_flows_are_led_to_are_let_in_a_few_at_a_time),
		TEST(a_redecision_to_the_same_program_lets_nothing_in),
		TEST(halves_of_floods_are_let_in_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
