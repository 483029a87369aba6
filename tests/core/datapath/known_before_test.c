// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Frames of flows that are known under the masks before a change: none is shed or lost, each batch
// decides its share, whatever the change makes of flows, and in whichever order they are looked up.
#include "line.h"

#include <unistd.h>

enum { FLOWS = NIC_BATCH };

static void pass(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow, (void)d;
}

static const struct actor tuple = { "tuple", WEIR_CLASS_FILTER, WEIR_FIELDS_5TUPLE,
	{ [WEIR_STAGE_INGRESS] = pass }, false, NULL };
static const struct actor marking = { "marking", WEIR_CLASS_FILTER,
	WEIR_FIELDS_5TUPLE | WEIR_FIELD_IP_TOS, { [WEIR_STAGE_INGRESS] = pass }, false, NULL };

static void drop_all(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_drop(d, 1);
}

static const struct actor dropping = { "dropping", WEIR_CLASS_FILTER, WEIR_FIELDS_5TUPLE,
	{ [WEIR_STAGE_INGRESS] = drop_all }, false, NULL };

static const struct actor *const stacks[] = { NULL, &tuple, &marking };

static void restack(const struct actor *actor)
{
	line_remask(&actor, actor != NULL);
}

// Of all frames that came to port 0 none was dropped, and each was counted once.
static void expect_all(uint64_t n)
{
	assert_int_equal(line.nics[1].sent[0], n);
	assert_int_equal(line.counters[0].rx_frames, n);
	assert_int_equal(line.counters[0].dropped, 0);
}

// One flow becomes one other.
static void each_batch_decides_its_share(void **state)
{
	const unsigned n_batches = FLOWS / REDECIDE_PER_BATCH;

	(void)state;
	restack(&tuple);
	line_pass(0, FLOWS);
	restack(&marking);
	line.new_max = 0;
	for (unsigned i = 1; i <= n_batches; i++) {
		uint64_t decisions = line.dp->decisions;

		line_pass(0, FLOWS);
		assert_int_equal(line.dp->decisions - decisions, REDECIDE_PER_BATCH);
		assert_int_equal(line.dp->flows->n, FLOWS + i * REDECIDE_PER_BATCH);
		// Most ran as they did, up to the half.
		assert_int_equal(line.dp->before_first != 0, i < n_batches / 2);
		expect_all((1 + i) * FLOWS);
	}
	line_pass(0, FLOWS);
	assert_int_equal(line.dp->flows->n, 2 * FLOWS);
	expect_all((2 + n_batches) * FLOWS);
}

// One flow becomes many, of which some are decided while the others still run as it did.
static void a_flow_is_divided(void **state)
{
	(void)state;
	restack(NULL);
	line_pass(0, FLOWS);
	assert_int_equal(line.dp->flows->n, 1);
	restack(&tuple);
	line.new_max = 0;
	for (unsigned i = 1; i <= FLOWS / REDECIDE_PER_BATCH; i++) {
		line_pass(0, FLOWS);
		assert_int_equal(line.dp->flows->n, 1 + i * REDECIDE_PER_BATCH);
		expect_all((1 + i) * FLOWS);
	}
}

// Many become one: the first that is decided is that of all, within ten batches, whatever the
// others did before.
static void flows_become_one(void **state)
{
	uint64_t decisions;

	(void)state;
	restack(&dropping);
	line_pass(0, FLOWS);
	assert_int_equal(line.counters[0].dropped, FLOWS);
	restack(NULL);
	line.new_max = 0;
	decisions = line.dp->decisions;
	for (unsigned i = 0; i < 20; i++) {
		uint64_t dropped = line.counters[0].dropped;

		line_pass(0, FLOWS);
		if (i >= 10)
			assert_int_equal(line.counters[0].dropped - dropped, 0);
	}
	assert_int_equal(line.dp->decisions - decisions, 1);
	assert_int_equal(line.dp->flows->n, FLOWS + 1);
	assert_int_equal(line.nics[1].sent[0] + line.counters[0].dropped, 21 * FLOWS);
}

// The same with few decided at a time, beside flows that are new.
static void flows_become_one_slowly(void **state)
{
	uint64_t dropped;

	(void)state;
	restack(&dropping);
	for (unsigned i = 0; i < 8; i++)
		line_pass(i * FLOWS, FLOWS);
	restack(NULL);
	srand(2);
	for (unsigned i = 0; i < 20; i++) {
		struct weir_frame *frames[FLOWS];

		for (unsigned k = 0; k < FLOWS; k++)
			frames[k] = line_frame(0, (uint32_t)rand() % (8 * FLOWS));
		frames[FLOWS - 1]->data[9] = (uint8_t)(1 + i); // from somewhere new
		datapath_begin(line.dp, line.now_ns);
		line.dp->redecide_max = i % 8 == 0;
		dropped = line.counters[0].dropped;
		datapath_receive(line.dp, 0, frames, FLOWS);
		datapath_end(line.dp);
	}
	assert_int_equal(line.counters[0].dropped - dropped, 0);
}

// Frames of a flow that is decided anew all follow the decision, also those that stand behind
// others which run as they did: they would overtake the first.
static void all_frames_of_a_flow_go_the_same_way(void **state)
{
	static const uint32_t order[] = { 7, 3, 7, 3, 7 };
	struct weir_frame *frames[5];
	const struct flow *flow;

	(void)state;
	restack(&tuple);
	line_pass(0, FLOWS);
	restack(&marking);
	// Once as misses of the new masks, once under those before first.
	for (unsigned first = 0; first < 2; first++) {
		assert_int_equal(line.dp->before_first != 0, first);
		for (unsigned i = 0; i < 5; i++)
			frames[i] = line_frame(0, order[i] + first);
		datapath_begin(line.dp, line.now_ns);
		line.dp->redecide_max = 1;
		datapath_receive(line.dp, 0, frames, 5);
		datapath_end(line.dp);
		flow = &line.dp->flows->flows[FLOWS + first];
		assert_int_equal(line.dp->flows->n, FLOWS + first + 1);
		assert_int_equal(flow_frames(line.dp->flows, flow), 3);
		line.dp->before_first = 1;
	}
	expect_all(FLOWS + 2 * 5);
}

// Flows that a change makes anew fill the table like new ones: the control thread is told before
// what it has touched is used up.
static void more_memory_is_asked_for(void **state)
{
	const uint32_t share = 1 << 15, n_flows = share / 2 - FLOWS;
	uint64_t told;

	(void)state;
	line_resize(2 * share);
	restack(&tuple);
	// No full batches, so that each decides all that is new, and some of what is known.
	for (uint32_t flow = 0; flow < n_flows; flow += FLOWS / 2) {
		line_arrive(0, flow, FLOWS / 2);
		line_round();
	}
	assert_int_equal(line.dp->flows->n, n_flows);
	while (read(line.report_fd, &told, sizeof(told)) > 0)
		continue;
	restack(&marking);
	for (uint32_t flow = 0; line.dp->flows->high_water < share / 2; flow += FLOWS / 2) {
		assert_true(read(line.report_fd, &told, sizeof(told)) < 0);
		line_arrive(0, flow, FLOWS / 2);
		line_round();
		assert_int_equal(line.dp->n_new, 0);
	}
	assert_int_equal(read(line.report_fd, &told, sizeof(told)), sizeof(told));
	flow_table_touch(line.dp->flows);
	assert_int_equal(line.dp->flows->n_touched, 2 * share);
}

// A claim about a checksum that cannot be is refused once, wherever the frame is looked up first,
// and counted with the others.
static void claims_are_refused(void **state)
{
	(void)state;
	restack(&tuple);
	line_pass(0, FLOWS);
	restack(&marking);
	for (unsigned first = 0; first < 2; first++) {
		struct weir_frame *frames[FLOWS];

		assert_int_equal(line.dp->before_first != 0, first);
		for (unsigned i = 0; i < FLOWS; i++)
			frames[i] = line_frame(0, i);
		frames[50]->offload.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		frames[50]->offload.csum_start = 60;
		frames[50]->offload.csum_offset = 60;
		line_batch(0, frames, FLOWS);
		assert_int_equal(line.nics[1].sent[0], (2 + first) * FLOWS - 1 - first);
		assert_int_equal(line.counters[0].dropped, 1 + first);
		assert_int_equal(line.counters[0].rx_frames, (2 + first) * FLOWS);
	}
}

// Any changes, any flows in any order, few decided at a time: what is known passes.
static void known_flows_pass_through_any_changes(void **state)
{
	uint64_t n = 0;

	(void)state;
	srand(1);
	line.new_max = FLOWS;
	for (unsigned change = 0; change < 300; change++) {
		const unsigned n_batches = 1 + (unsigned)rand() % 8;

		restack(stacks[rand() % 3]);
		for (unsigned i = 0; i < n_batches; i++) {
			struct weir_frame *frames[FLOWS];
			unsigned n_frames = 1 + (unsigned)rand() % FLOWS;

			for (unsigned k = 0; k < n_frames; k++)
				frames[k] = line_frame(0, (uint32_t)rand() % 100);
			datapath_begin(line.dp, line.now_ns);
			line.dp->redecide_max = (unsigned)rand() % 4;
			datapath_receive(line.dp, 0, frames, n_frames);
			datapath_end(line.dp);
			n += n_frames;
			expect_all(n);
		}
		// So that all are known under the masks that the next change makes the ones before.
		// Time goes by: where it stands still, a sweep waits for thousands of passes.
		line.now_ns += SWEEP_PATIENCE_NS;
		line.dp->sweep_wanted = generation_now(world.generation);
		line_scan();
		for (unsigned first = 0; first < 100; first += 50) {
			line_pass(first, 50);
			n += 50;
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, line_setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_batch_decides_its_share),
		TEST(a_flow_is_divided),
		TEST(flows_become_one),
		TEST(flows_become_one_slowly),
		TEST(all_frames_of_a_flow_go_the_same_way),
		TEST(more_memory_is_asked_for),
		TEST(claims_are_refused),
		TEST(known_flows_pass_through_any_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
