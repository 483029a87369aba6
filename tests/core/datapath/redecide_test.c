// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A change makes known flows stale while frames come: they are decided anew in the time that frames
// leave, lose none meanwhile, and are not put off for ever. Time goes by as line_load.h says.
#include "line_load.h"

enum { FLOWS = 2000, BATCHES_DEEP = 5 };

static void pass(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow, (void)d;
}

static const struct actor tuple = { "tuple", WEIR_CLASS_FILTER, WEIR_FIELDS_5TUPLE,
	{ [WEIR_STAGE_INGRESS] = pass }, false, NULL };
static const struct actor marking = { "marking", WEIR_CLASS_FILTER,
	WEIR_FIELDS_5TUPLE | WEIR_FIELD_IP_TOS, { [WEIR_STAGE_INGRESS] = pass }, false, NULL };

static void remask(const struct actor *actor)
{
	line_remask(&actor, 1);
	line.dp->sweep_wanted = generation_now(world.generation);
}

static void make_stale(void)
{
	generation_move(world.generation, world.ports[0].slot);
	line.dp->sweep_wanted = generation_now(world.generation);
}

// All FLOWS are known, and nothing is stale.
static struct load_sums start(const struct load *load, uint32_t first_new)
{
	struct load gentle = {
		.known = { 1, load->known[1] != 0 }, .n_known = FLOWS, .unit_ns = load->unit_ns
	};
	struct load_sums sums = { .next_new = first_new };

	remask(&tuple);
	line_resize(16384);
	remask(&tuple);
	load_run(&gentle, &sums, 100 * FLOWS + 100);
	assert_int_equal(line.dp->flows->n, load->known[1] ? 2 * FLOWS : FLOWS);
	sums.deepest = 0;
	return sums;
}

static bool is_swept(void)
{
	return line.dp->swept_at >= line.dp->sweep_wanted;
}

// Returns how many units that took.
static uint64_t until_swept(const struct load *load, struct load_sums *sums, uint64_t units_max)
{
	uint64_t began = sums->units;

	while (!is_swept()) {
		if (sums->units - began > units_max)
			fail_msg("after %llu units the change is not in force",
				(unsigned long long)(sums->units - began));
		load_run(load, sums, 100);
	}
	return sums->units - began;
}

static uint64_t n_lost(void)
{
	return line.nics[0].lost[0] + line.nics[1].lost[0] + line.nics[0].lost[1] +
	       line.nics[1].lost[1];
}

static uint64_t n_shed(void)
{
	return line_shed(0, WEIR_STAGE_INGRESS) + line_shed(1, WEIR_STAGE_INGRESS);
}

static const struct row {
	const char *name;
	struct load load;
} rows[] = {
	{ "an idle worker", { .known = { 1 } } },
	{ "half", { .known = { 50 } } },
	{ "half, costly", { .known = { 50 }, .decide_cost = 34 } },
	{ "half, very costly", { .known = { 50 }, .decide_cost = 100 } },
	{ "nine tenths", { .known = { 90 } } },
	{ "nine tenths, costly", { .known = { 90 }, .decide_cost = 34 } },
	{ "half, from two ports", { .known = { 25, 25 }, .decide_cost = 34 } },
	{ "few new flows", { .known = { 40 }, .new = { 1 } } },
	{ "few new flows, costly", { .known = { 40 }, .new = { 1 }, .decide_cost = 20 } },
	{ "many new flows", { .known = { 20 }, .new = { 4 } } },
};

// Of the time that frames and new flows leave, most goes into it.
static void check_time(const struct row *row, uint64_t took, uint64_t decided)
{
	const struct load *load = &row->load;
	unsigned cost = load->decide_cost ? load->decide_cost : LOAD_DECIDE_COST;
	unsigned left = 100 - load->known[0] - load->known[1] - load->new[0] * cost;
	double share = 100.0 * (double)(decided * (cost - 1)) / (double)took;

	print_message("%s: %u %% of the time is left, %.1f %% is used\n", row->name, left, share);
	assert_true(share > left * 0.6);
}

static void no_frame_is_lost(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct load load = rows[i].load;
		struct load_sums sums = start(&load, i << 20);
		uint64_t decided, lost = n_lost(), shed = n_shed(), new, took;

		load.n_known = FLOWS;
		load_run(&load, &sums, 20000);
		decided = line.dp->decisions, new = sums.new;
		make_stale();
		took = until_swept(&load, &sums, 10000000);
		decided = line.dp->decisions - decided - (sums.new - new);
		if (n_lost() != lost || n_shed() != shed || sums.deepest > BATCHES_DEEP * NIC_BATCH)
			fail_msg("%s: %llu lost, %llu shed, %u in the ring", rows[i].name,
				(unsigned long long)(n_lost() - lost),
				(unsigned long long)(n_shed() - shed), sums.deepest);
		check_time(&rows[i], took, decided);
		load_drain();
	}
}

// Each once, by a frame or by the sweep.
static void each_flow_is_decided_once(void **state)
{
	static const struct load load = { .known = { 50 }, .n_known = FLOWS };
	struct load_sums sums = start(&load, 0);
	uint64_t decisions = line.dp->decisions;

	(void)state;
	make_stale();
	until_swept(&load, &sums, 10000000);
	load_run(&load, &sums, 100000);
	assert_int_equal(line.dp->decisions - decisions, FLOWS);
}

// The frames of flows that are known by other fields now go on under the old ones, for as long as
// it takes: here for more than a tenth of a second.
static void nor_while_fields_change(void **state)
{
	static const struct load load = {
		.known = { 50 }, .n_known = FLOWS, .decide_cost = 34, .unit_ns = 1000
	};
	struct load_sums sums = start(&load, 0);
	uint64_t decisions = line.dp->decisions, took;

	(void)state;
	load_run(&load, &sums, 20000);
	remask(&marking);
	took = until_swept(&load, &sums, 1000000);
	assert_true(took > 100000);
	assert_int_equal(line.dp->decisions - decisions, FLOWS);
	assert_int_equal(n_lost() + n_shed(), 0);
	assert_in_range(sums.deepest, 1, BATCHES_DEEP * NIC_BATCH);
}

// A flood of new flows, which takes all the time that there is, leaves some for a change.
static void a_flood_leaves_time_for_it(void **state)
{
	static const struct load load = { .known = { 10 }, .new = { 60 }, .n_known = FLOWS };
	struct load_sums sums = start(&load, 0);
	uint64_t took, alone;

	(void)state;
	load_run(&load, &sums, 100000);
	make_stale();
	took = until_swept(&load, &sums, 10000000);
	// Had it all of the time that frames leave, it would take
	alone = FLOWS * (LOAD_DECIDE_COST - 1) * 100 / 30;
	print_message("%.1f %% of the time is its\n", 100.0 * (double)alone / (double)took);
	assert_true(took < 10 * alone);
	assert_int_equal(line.nics[0].lost[0], 0);
}

// When frames leave next to no time, or none, it is in force all the same, within what scan.c says.
static void it_is_not_put_off_for_ever(void **state)
{
	static const struct load loads[] = {
		{ .known = { 99 }, .n_known = FLOWS, .unit_ns = 5000 },
		{ .known = { 10 }, .new = { 60 }, .n_known = FLOWS, .unit_ns = 5000 },
		{ .known = { 120 }, .n_known = FLOWS, .unit_ns = 5000 },
		{ .known = { 10 }, .endless = { true }, .n_known = FLOWS, .unit_ns = 5000 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		struct load_sums sums = start(&loads[i], i << 24);
		uint64_t limit = SWEEP_PATIENCE_NS / 5000 + 2 * FLOWS * LOAD_DECIDE_COST;

		load_run(&loads[i], &sums, 20000);
		make_stale();
		print_message("load %u: took %llu units of %llu\n", i,
			(unsigned long long)until_swept(&loads[i], &sums, limit),
			(unsigned long long)limit);
		load_drain();
	}
}

// One alone, as when a session opens, is decided anew with its next frame, whatever else comes.
static void a_single_flow_does_not_wait(void **state)
{
	static const struct load load = { .known = { 90 }, .n_known = FLOWS };
	struct load_sums sums = start(&load, 0);
	uint64_t decisions;

	(void)state;
	load_run(&load, &sums, 20000);
	for (unsigned i = 0; i < 10; i++) {
		struct flow *flow = &line.dp->flows->flows[i];

		decisions = line.dp->decisions;
		load_run(&load, &sums, 5000);
		assert_int_equal(line.dp->decisions, decisions);
		// Decided for nobody's sake until its next frame.
		flow_rest(line.dp->flows, flow)->flags |= FLOW_DEPENDS_ON_ALL;
		flow->valid_at -= FLOW_TIME_UNIT;
		for (unsigned k = 0; k < 2; k++) {
			line_arrive(0, 0, PRESSURE_FULL * NIC_BATCH);
			load_run(&load, &sums, 1);
		}
		load_run(&load, &sums, 2 * FLOWS);
		assert_int_equal(line.dp->decisions - decisions, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_frame_is_lost, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			each_flow_is_decided_once, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(nor_while_fields_change, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			a_flood_leaves_time_for_it, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			it_is_not_put_off_for_ever, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			a_single_flow_does_not_wait, line_setup, line_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
