// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Hits first: what becomes of known flows when more new ones come than can be decided. Time goes by
// as line_load.h says.
#include "line_load.h"

static void pass(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow, (void)d;
}

static const struct actor tuple = { "tuple", WEIR_CLASS_FILTER, WEIR_FIELDS_5TUPLE,
	{ [WEIR_STAGE_INGRESS] = pass }, false, NULL };
static const struct actor tuple_behind = { "behind", WEIR_CLASS_FILTER, WEIR_FIELDS_5TUPLE,
	{ [WEIR_STAGE_EGRESS] = pass }, false, NULL };

static const struct actor *const tuple_stack[] = { &tuple };
static const struct actor *const behind_stack[] = { &tuple_behind };

static void stack(const struct actor *const actors[])
{
	line_remask((const struct actor **)(uintptr_t)actors, 1);
	line_scan();
	// What was known is not any more: these tests begin with an empty table.
	line_resize(4096);
}

static struct load_sums run(const struct load *load, uint64_t units)
{
	struct load_sums sums = { .next_new = 0 };

	load_run(load, &sums, units);
	load_drain();
	return sums;
}

// What is over a second has gone by without frames.
static void rest(void)
{
	load_drain();
	line.now_ns += UINT64_C(1500000000);
	line_round();
}

// What has come was sent to the other port, or shed and counted as that.
static void check_sums(const struct load_sums *sums, uint64_t shed)
{
	uint64_t lost = line.nics[0].lost[1] + line.nics[1].lost[1];
	uint64_t sent = line.nics[0].sent[1] + line.nics[1].sent[1];

	assert_int_equal(line.nics[0].lost[0] + line.nics[1].lost[0], 0);
	assert_int_equal(line.nics[0].sent[0] + line.nics[1].sent[0], sums->known);
	assert_int_equal(sent + shed + lost, sums->new);
}

// Known frames for a tenth of the time, and new ones that would need six times of it.
static void known_flows_lose_nothing(void **state)
{
	static const struct load load = { .known = { 10 }, .new = { 60 } };
	struct load_sums sums;

	(void)state;
	stack(tuple_stack);
	sums = run(&load, 500000);
	check_sums(&sums, line_shed(0, WEIR_STAGE_INGRESS));
	assert_int_equal(line.nics[0].lost[1], 0);
	assert_true(line_shed(0, WEIR_STAGE_INGRESS) > 0);
	assert_in_range(line.dp->decisions - line.nics[1].sent[1], LOAD_KNOWN, 2 * LOAD_KNOWN);
}

// All loads within capacity: of the time that frames leave, nearly all goes into deciding, and
// once the flood has been noticed no frame is lost, whatever a decision costs. A flow that is
// decided is a frame less that costs 1.
static void what_time_is_left_is_for_deciding(void **state)
{
	static const struct {
		const char *name;
		struct load load;
	} rows[] = {
		{ "20 % new", { .known = { 2 }, .new = { 18 } } },
		{ "40 % new", { .known = { 2 }, .new = { 38 } } },
		{ "70 % new", { .known = { 2 }, .new = { 68 } } },
		{ "90 % new", { .known = { 2 }, .new = { 88 } } },
		{ "90 % known", { .known = { 80 }, .new = { 10 } } },
		{ "both ports", { .known = { 2, 2 }, .new = { 38, 38 } } },
		{ "known ones at the other port", { .known = { 0, 40 }, .new = { 40, 0 } } },
		{ "new ones at the other port", { .known = { 40, 0 }, .new = { 0, 40 } } },
		{ "cheap decisions", { .known = { 2 }, .new = { 68 }, .decide_cost = 4 } },
		{ "40 % new, costly", { .known = { 2 }, .new = { 38 }, .decide_cost = 34 } },
		{ "70 % new, costly", { .known = { 2 }, .new = { 68 }, .decide_cost = 34 } },
		{ "90 % new, costly", { .known = { 2 }, .new = { 88 }, .decide_cost = 34 } },
	};

	(void)state;
	stack(tuple_stack);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct load *load = &rows[i].load;
		unsigned cost = load->decide_cost ? load->decide_cost : LOAD_DECIDE_COST;
		unsigned left = 100 - load->known[0] - load->known[1] - load->new[0] - load->new[1];
		uint64_t lost, units, decided;
		struct load_sums sums = { .next_new = i << 24 };
		double share;

		load_run(load, &sums, 100000);
		lost = line.nics[0].lost[0] + line.nics[1].lost[0] + line.nics[0].lost[1] +
		       line.nics[1].lost[1];
		units = sums.units, decided = sums.decided;
		load_run(load, &sums, 300000);
		share = 100.0 * (double)(sums.decided - decided) * (cost - 1) /
			(double)(sums.units - units);
		print_message("%s: %u %% of the time is left, %.1f %% goes into deciding\n",
			rows[i].name, left, share);
		assert_int_equal(line.nics[0].lost[0] + line.nics[1].lost[0] +
					 line.nics[0].lost[1] + line.nics[1].lost[1],
			lost);
		assert_true(share > left * 0.9 && share < left * 1.1);
		rest();
	}
}

// The scan comes in elsewhere, from a sender that waits: it keeps the other queue from draining.
static void a_flood_at_another_port(void **state)
{
	static const struct load load = { .known = { 0, 40 }, .new = { 5000 } };
	struct load_sums sums;

	(void)state;
	stack(tuple_stack);
	line.nics[0].nic.rx_waits = true;
	sums = run(&load, 500000);
	check_sums(&sums, line_shed(0, WEIR_STAGE_INGRESS));
	assert_true(line_shed(0, WEIR_STAGE_INGRESS) > 0);
	assert_int_equal(line_shed(1, WEIR_STAGE_INGRESS), 0);
}

// Alone, a sender that waits loses nothing: neither does it here.
static void nothing_is_shed_that_waits(void **state)
{
	static const struct load load = { .known = { 10, 1 }, .new = { 5000 } };
	struct load_sums sums;

	(void)state;
	stack(tuple_stack);
	line.nics[0].nic.rx_waits = true;
	sums = run(&load, 200000);
	check_sums(&sums, 0);
}

// A source that waits and does not say so, and two of them: half of the time goes into deciding.
// Known flows of the other port lose nothing, while what time they leave is shared in the same way.
static void endless_sources_are_decided_half_of_the_time(void **state)
{
	static const struct {
		const char *name;
		struct load load;
		unsigned min, max; // share of the time, in percent
	} rows[] = {
		{ "one", { .endless = { true } }, 40, 50 },
		{ "two", { .endless = { true, true } }, 40, 50 },
		{ "costly", { .endless = { true }, .decide_cost = 34 }, 48, 52 },
		{ "beside few known frames", { .known = { 0, 1 }, .endless = { true } }, 40, 50 },
		{ "beside many", { .known = { 0, 30 }, .endless = { true } }, 10, 25 },
	};

	(void)state;
	stack(tuple_stack);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct load *load = &rows[i].load;
		unsigned cost = load->decide_cost ? load->decide_cost : LOAD_DECIDE_COST;
		struct load_sums sums = { .next_new = i << 24 };
		double share;

		load_run(load, &sums, 2000000);
		share = 100.0 * (double)sums.decided * (cost - 1) / (double)sums.units;
		print_message("%s: %.1f %% of the time goes into deciding\n", rows[i].name, share);
		assert_int_equal(line.nics[1].lost[0], 0);
		assert_true(share > rows[i].min && share < rows[i].max);
		rest();
	}
}

// A port with few new flows gets nearly all of them decided beside one that is flooded for ever.
static void few_new_flows_are_decided_beside_a_flood(void **state)
{
	struct load_sums sums = { .next_new = 0 };
	static const struct load load = { .endless = { true } };

	(void)state;
	stack(tuple_stack);
	for (uint32_t i = 0; i < 2000; i++) {
		line_arrive(1, LINE_KNOWN + (1 << 30) + i, 1);
		load_run(&load, &sums, 2000);
	}
	assert_true(line_shed(0, WEIR_STAGE_INGRESS) > 0);
	assert_in_range(line.nics[0].sent[1], 2000 - 2000 / 100, 2000);
	assert_int_equal(line.nics[0].sent[1] + line_shed(1, WEIR_STAGE_INGRESS), 2000);
}

// More than could be run even if nothing were decided: frames of known flows are lost, too. When
// that is over, none is any more.
static void what_is_beyond_capacity_ends(void **state)
{
	static const struct load beyond = { .known = { 10 }, .new = { 120 } };
	static const struct load within = { .known = { 10 }, .new = { 70 } };
	struct load_sums sums = { .next_new = 0 };
	uint64_t lost;

	(void)state;
	stack(tuple_stack);
	load_run(&beyond, &sums, 500000);
	assert_true(line.nics[0].lost[0] > 0);
	load_run(&within, &sums, 500000);
	lost = line.nics[0].lost[0];
	load_run(&within, &sums, 500000);
	assert_int_equal(line.nics[0].lost[0], lost);
}

// With a clock that stands still.
static void lasting_pressure_starves_nobody(void **state)
{
	(void)state;
	stack(tuple_stack);
	for (uint32_t i = 0; i < 1000; i++) {
		line_arrive(0, LINE_KNOWN + i * 1000, 2 * WORKER_BATCH);
		line_arrive(1, LINE_KNOWN + i * 1000, 2 * WORKER_BATCH);
		line_round();
	}
	for (unsigned port = 0; port < 2; port++)
		assert_in_range(
			line.nics[port].sent[1], 1000 / PRESSURE_EVERY, 1000 * WORKER_BATCH / 2);
}

// As many as a queue may give before it counts as not draining, all of them new.
static void bursts_are_not_shed(void **state)
{
	(void)state;
	stack(tuple_stack);
	for (uint32_t i = 0; i < 100; i++) {
		line_arrive(0, LINE_KNOWN + i * 1000, PRESSURE_FULL * WORKER_BATCH);
		load_drain();
		line.now_ns += 1000;
		// What there was is forgotten after some polls, or in a millisecond of sleep.
		for (unsigned k = 0; k < (i % 2 ? WORKER_BATCH : 1); k++)
			line_round();
		line.now_ns += i % 2 ? 0 : 1000000;
	}
	assert_int_equal(line_shed(0, WEIR_STAGE_INGRESS), 0);
	assert_int_equal(line.nics[1].sent[1], 100 * PRESSURE_FULL * WORKER_BATCH);
	// What comes behind is.
	line_arrive(0, LINE_KNOWN + 1000000, (PRESSURE_FULL + 1) * WORKER_BATCH);
	load_drain();
	assert_int_equal(line_shed(0, WEIR_STAGE_INGRESS), WORKER_BATCH);
}

// Flows that a change made stale, and flows whose fields it changed, are decided anew under the
// same flood, and until then run as they did.
static void known_flows_are_redecided(void **state)
{
	static const struct load load = { .known = { 10 }, .new = { 60 } };
	struct load_sums sums, more;
	uint64_t decisions;

	(void)state;
	stack(tuple_stack);
	sums = run(&load, 200000);
	decisions = line.dp->decisions;
	generation_move(world.generation, world.ports[0].slot);
	line_pass(0, LOAD_KNOWN);
	assert_int_equal(line.dp->decisions - decisions, LOAD_KNOWN);
	sums.known += LOAD_KNOWN;
	more = run(&load, 200000);
	sums.known += more.known;
	sums.new += more.new;
	check_sums(&sums, line_shed(0, WEIR_STAGE_INGRESS));
}

// Only the destination's stages read the ports: there it is that new flows come to light.
static void egress_halves_are_shed(void **state)
{
	static const struct load load = { .known = { 10 }, .new = { 60 } };
	struct load_sums sums;

	(void)state;
	stack(behind_stack);
	sums = run(&load, 500000);
	check_sums(&sums, line_shed(1, WEIR_STAGE_EGRESS));
	assert_true(line_shed(1, WEIR_STAGE_EGRESS) > 0);
	assert_int_equal(line.counters[1].dropped, line_shed(1, WEIR_STAGE_EGRESS));
}

// What a batch may decide anew of a queue that fills: none, but when it has waited long, or a sweep
// has. That adds nothing to what a queue that drains may decide.
static void a_late_sweep_decides_in_each_batch(void **state)
{
	const struct pressure none = { .redecide_max = 0 }, some = { .redecide_max = 5 };
	struct queue_pressure q = { .n_full = 1 };

	(void)state;
	assert_int_equal(pressure_redecide_max(&some, &q, false), 0);
	assert_int_equal(pressure_redecide_max(&none, &q, true), PRESSURE_REDECIDE);
	q.n_kept = PRESSURE_EVERY;
	assert_int_equal(pressure_redecide_max(&none, &q, false), PRESSURE_REDECIDE);
	q = (struct queue_pressure){ .n_full = 0 };
	assert_int_equal(pressure_redecide_max(&some, &q, true), 5);
	assert_int_equal(pressure_redecide_max(&none, &q, false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			known_flows_lose_nothing, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			what_time_is_left_is_for_deciding, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(a_flood_at_another_port, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			nothing_is_shed_that_waits, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			endless_sources_are_decided_half_of_the_time, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			few_new_flows_are_decided_beside_a_flood, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_beyond_capacity_ends, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			lasting_pressure_starves_nobody, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(bursts_are_not_shed, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			known_flows_are_redecided, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(egress_halves_are_shed, line_setup, line_teardown),
		cmocka_unit_test(a_late_sweep_decides_in_each_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
