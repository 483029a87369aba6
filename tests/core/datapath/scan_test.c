// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// How long flows are kept: the rules of scan.c, by a clock of the test's own.
#include "line.h"

enum { CAPACITY = 1024, FAST_CAPACITY = 131072, MS = 1000000 };

static void pass(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow, (void)d;
}

static const struct actor tuple = { "tuple", WEIR_CLASS_FILTER, WEIR_FIELDS_5TUPLE,
	{ [WEIR_STAGE_INGRESS] = pass }, false, NULL };

static const struct actor marking = { "marking", WEIR_CLASS_FILTER,
	WEIR_FIELDS_5TUPLE | WEIR_FIELD_IP_TOS, { [WEIR_STAGE_INGRESS] = pass }, false, NULL };

// By other seeds both buckets of a new flow are full now and then, and it is not cached.
static void same_hashes(void)
{
	uint64_t *seed = line.dp->flows->seed;

	for (unsigned i = 0; i < KEY_WORDS + 2; i++)
		seed[i] = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
}

static int setup(void **state)
{
	static const struct actor *actors[] = { &tuple };

	if (line_setup(state))
		return -1;
	line_remask(actors, 1);
	line_scan();
	line_resize(CAPACITY);
	same_hashes();
	return 0;
}

// n flows have `frames` frames each.
static void pass_all(uint32_t first, unsigned n, unsigned frames)
{
	while (frames--)
		for (unsigned i = 0; i < n; i += 16)
			line_pass(first + i, n - i < 16 ? n - i : 16);
}

static void wait_ms(unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 10) {
		line.now_ns += 10 * MS;
		line_scan();
	}
}

static void ten_seconds_while_there_is_room(void **state)
{
	(void)state;
	pass_all(0, CAPACITY / 2, 1);
	wait_ms(9900);
	assert_int_equal(line.dp->flows->n, CAPACITY / 2);
	wait_ms(1300);
	assert_int_equal(line.dp->flows->n, 0);
}

static void single_frames_go_first(void **state)
{
	(void)state;
	pass_all(0, 256, 2);
	pass_all(10000, 300, 1);
	wait_ms(2300); // a pass in which they are young, and one in which they are not
	assert_int_equal(line.dp->flows->n, 256);
	wait_ms(7000);
	assert_int_equal(line.dp->flows->n, 256);
	wait_ms(2000);
	assert_int_equal(line.dp->flows->n, 0);
}

static void a_second_when_it_is_crowded(void **state)
{
	(void)state;
	pass_all(0, 800, 2);
	wait_ms(900);
	assert_int_equal(line.dp->flows->n, 800);
	wait_ms(1300);
	assert_int_equal(line.dp->flows->n, 0);
}

// Ten new flows a millisecond for ten seconds, each with one frame: a hundred times what the table
// holds. Beside them flows in use, the slowest of which has a frame every half second.
static void a_scan_leaves_flows_in_use_alone(void **state)
{
	uint32_t next = LINE_KNOWN, most = 0, uncached = 0;
	uint64_t decisions;

	(void)state;
	pass_all(0, 200, 2);
	decisions = line.dp->decisions;
	for (unsigned ms = 1; ms <= 10000; ms++) {
		uint32_t before = line.dp->flows->n;

		line.now_ns += MS;
		line_pass(next, 10);
		next += 10;
		uncached += before + 10 - line.dp->flows->n;
		if (ms % 2 == 0)
			line_pass(ms / 2 % 100, 1);
		if (ms % 500 == 0)
			pass_all(100, 100, 1);
		line_scan();
		if (line.dp->flows->n > most)
			most = line.dp->flows->n;
	}
	// None of the flows in use was decided again, and every new one found a place.
	assert_int_equal(line.dp->decisions - decisions, next - LINE_KNOWN);
	assert_int_equal(uncached, 0);
	assert_in_range(most, CAPACITY / 2, CAPACITY / 8 * 7);
	assert_int_equal(line.nics[1].sent[0], 400 + 5000 + 20 * 100);
}

// The same as fast as batches can be: full ones, every flow a new one, 1.5 million a second.
static void a_scan_at_full_rate_finds_room(void **state)
{
	uint32_t next = LINE_KNOWN, most = 0, uncached = 0;

	(void)state;
	line_resize(FAST_CAPACITY);
	pass_all(0, 64, 2);
	for (unsigned i = 0; i < 10 * FAST_CAPACITY / NIC_BATCH; i++) {
		uint32_t before = line.dp->flows->n;

		line.now_ns += 43000;
		line_pass(next, NIC_BATCH);
		next += NIC_BATCH;
		uncached += before + NIC_BATCH - line.dp->flows->n;
		if (line.dp->flows->n > most)
			most = line.dp->flows->n;
		line_share();
	}
	assert_in_range(uncached, 0, 100); // both buckets of a few may be full
	assert_in_range(most, FAST_CAPACITY / 2, FAST_CAPACITY / 8 * 7);
}

// All of the table is in use: nothing is forgotten, and who comes later runs uncached.
static void flows_in_use_are_never_evicted(void **state)
{
	uint64_t decisions;
	uint32_t cached;

	(void)state;
	pass_all(0, CAPACITY + 200, 2);
	cached = line.dp->flows->n; // both buckets of a few may be full
	assert_in_range(cached, CAPACITY - 50, CAPACITY);
	decisions = line.dp->decisions;
	for (unsigned i = 0; i < 20; i++) {
		wait_ms(300);
		pass_all(0, CAPACITY + 200, 1);
	}
	assert_int_equal(line.dp->flows->n, cached);
	assert_int_equal(line.dp->decisions - decisions, 20 * (CAPACITY + 200 - cached));
	assert_int_equal(line.nics[1].sent[0], 22 * (CAPACITY + 200));
}

// A batch of 64 flows under old masks, none of which has its turn; then two passes.
static void run_as_before(void)
{
	struct weir_frame *frames[64];

	for (uint32_t k = 0; k < 64; k++)
		frames[k] = line_frame(0, k);
	datapath_begin(line.dp, line.now_ns);
	line.dp->redecide_max = 0;
	datapath_receive(line.dp, 0, frames, 64);
	datapath_end(line.dp);
	for (unsigned k = 0; k < 8; k++)
		line_share();
}

// Of flows under old masks none has its turn, though frames come: they run as they did, until twice
// SWEEP_PATIENCE_NS are over, when the change is in force.
static void old_masks_end(void **state)
{
	static const struct actor *actors[] = { &marking };
	const uint64_t end_ns = line.now_ns + 2 * (uint64_t)SWEEP_PATIENCE_NS;

	(void)state;
	pass_all(0, 64, 1);
	line_remask(actors, 1);
	line.dp->sweep_wanted = generation_now(world.generation);
	for (unsigned i = 0; line.now_ns <= end_ns; i++) {
		assert_int_equal(line.nics[1].sent[0], (1 + i) * 64);
		run_as_before();
		assert_int_equal(line.dp->flows->n, 64);
		assert_true(line.dp->swept_at < line.dp->sweep_wanted);
		line.now_ns += 20 * MS;
	}
	for (unsigned k = 0; k < 8; k++)
		line_share();
	assert_int_equal(line.dp->flows->n, 0);
	assert_true(line.dp->swept_at >= line.dp->sweep_wanted);
}

// A sweep that is late takes no more of a round than a share where all waits for frames.
static void late_sweeps_do_not_look_in_vain(void **state)
{
	static const struct actor *actors[] = { &marking };
	const uint64_t late_ns = line.now_ns + (uint64_t)SWEEP_PATIENCE_NS + 20 * MS;

	(void)state;
	pass_all(0, 64, 1);
	line_remask(actors, 1);
	line.dp->sweep_wanted = generation_now(world.generation);
	for (; line.now_ns < late_ns; line.now_ns += 20 * MS)
		run_as_before();
	run_as_before();
	assert_true(datapath_sweep_is_late(line.dp, line.now_ns));
	while (line.dp->scan_at != UINT32_MAX)
		line_share();
	line_round();
	assert_int_equal(line.dp->flows->n, 64);
	assert_int_equal(line.dp->scan_at, 16);
}

// The queue of port 0 does not drain.
static void full_round(void)
{
	while (line.nics[0].head - line.nics[0].tail < 4 * NIC_BATCH)
		line_arrive(0, 0, NIC_BATCH);
	line_round();
	line.now_ns += MS;
}

// Whether the sweep of dp is over in good time.
static bool is_swept_beside_a_full_queue(const struct datapath *dp)
{
	const uint64_t end_ns = line.now_ns + 4 * (uint64_t)SWEEP_PATIENCE_NS;

	while (line.now_ns < end_ns && dp->swept_at < dp->sweep_wanted)
		full_round();
	return dp->swept_at >= dp->sweep_wanted;
}

// A switch whose ports are silent has no batches that say what time it is. The full queue is of
// another one on the same worker.
static void silence_beside_a_full_queue(void **state)
{
	static const struct actor *actors[] = { &marking };
	struct datapath *silent = line.dp, *busy;

	(void)state;
	pass_all(0, 64, 1);
	line_remask(actors, 1);
	silent->sweep_wanted = generation_now(world.generation);
	while (!silent->sweep_repeats)
		line_share();
	busy = line_another();
	line.entries[0].dp = busy;
	assert_true(is_swept_beside_a_full_queue(silent));
	datapath_destroy(busy);
}

// What the last sweep had left over does not keep the next one waiting, nor what else is due.
static void the_next_sweep_beside_a_full_queue(void **state)
{
	static const struct actor *actors[] = { &marking };
	uint32_t tick;

	(void)state;
	pass_all(0, 64, 1);
	line_remask(actors, 1);
	for (unsigned change = 0; change < 3; change++) {
		generation_move(world.generation, world.ports[0].slot);
		line.dp->sweep_wanted = generation_now(world.generation);
		assert_true(is_swept_beside_a_full_queue(line.dp));
	}
	tick = line.dp->scan_tick;
	for (unsigned ms = 0; ms < 1100; ms++)
		full_round();
	assert_int_not_equal(line.dp->scan_tick, tick);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			ten_seconds_while_there_is_room, setup, line_teardown),
		cmocka_unit_test_setup_teardown(single_frames_go_first, setup, line_teardown),
		cmocka_unit_test_setup_teardown(a_second_when_it_is_crowded, setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			a_scan_leaves_flows_in_use_alone, setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			a_scan_at_full_rate_finds_room, setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			flows_in_use_are_never_evicted, setup, line_teardown),
		cmocka_unit_test_setup_teardown(old_masks_end, setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			late_sweeps_do_not_look_in_vain, setup, line_teardown),
		cmocka_unit_test_setup_teardown(silence_beside_a_full_queue, setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			the_next_sweep_beside_a_full_queue, setup, line_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
