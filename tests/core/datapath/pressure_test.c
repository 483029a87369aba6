// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Hits first: what becomes of known flows when more new ones come than can be decided. Time is
// counted in what frames cost: a known one, or one that is shed, 1; a flow that is decided, 10, or
// what the test says. So there is a capacity that is known, and the same on every machine.
#include "line.h"

enum { KNOWN_FLOWS = 10, DECIDE_COST = 10, UNIT_NS = 50 };

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

struct load {
	unsigned known[2],
		new[2];       // frames that come in a unit of time, in hundredths, to each port
	bool endless[2];      // new ones are always there
	unsigned decide_cost; // 0: DECIDE_COST
};

struct sums {
	uint64_t known, new, units, decided; // came, came, passed, were
	uint32_t next_known, next_new;
	unsigned due[2][2]; // hundredths of frames
};

static void arrive_unit(const struct load *load, struct sums *sums, unsigned port)
{
	const struct line_nic *nic = &line.nics[port];

	sums->due[port][0] += load->known[port];
	sums->due[port][1] += load->new[port];
	for (; sums->due[port][0] >= 100; sums->due[port][0] -= 100)
		sums->known += line_arrive(port, sums->next_known++ % KNOWN_FLOWS, 1);
	for (; sums->due[port][1] >= 100; sums->due[port][1] -= 100)
		sums->new += line_arrive(port, LINE_KNOWN + sums->next_new++, 1);
	while (load->endless[port] && nic->head - nic->tail < LINE_RING / 2)
		sums->new += line_arrive(port, LINE_KNOWN + sums->next_new++, 1);
}

static void arrive(const struct load *load, struct sums *sums, unsigned units)
{
	sums->units += units;
	line.now_ns += units * UNIT_NS;
	while (units--)
		for (unsigned port = 0; port < 2; port++)
			arrive_unit(load, sums, port);
}

// Goes on from the sums so far.
static void run_on(const struct load *load, struct sums *sums, uint64_t units)
{
	unsigned decide_cost = load->decide_cost ? load->decide_cost : DECIDE_COST;

	for (uint64_t end = sums->units + units; sums->units < end;) {
		uint64_t decisions = line.dp->decisions;
		unsigned n = line_round();
		uint64_t decided = line.dp->decisions - decisions;

		sums->decided += decided;
		arrive(load, sums, n ? n + (unsigned)decided * (decide_cost - 1) : 1);
	}
}

static void drain(void)
{
	while (line_round())
		continue;
}

static struct sums run(const struct load *load, uint64_t units)
{
	struct sums sums = { .next_known = 0 };

	run_on(load, &sums, units);
	drain();
	return sums;
}

// What is over a second has gone by without frames.
static void rest(void)
{
	drain();
	line.now_ns += UINT64_C(1500000000);
	line_round();
}

// What has come was sent to the other port, or shed and counted as that.
static void check_sums(const struct sums *sums, uint64_t shed)
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
	struct sums sums;

	(void)state;
	stack(tuple_stack);
	sums = run(&load, 500000);
	check_sums(&sums, line_shed(0, WEIR_STAGE_INGRESS));
	assert_int_equal(line.nics[0].lost[1], 0);
	assert_true(line_shed(0, WEIR_STAGE_INGRESS) > 0);
	assert_in_range(line.dp->decisions - line.nics[1].sent[1], KNOWN_FLOWS, 2 * KNOWN_FLOWS);
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
		unsigned cost = load->decide_cost ? load->decide_cost : DECIDE_COST;
		unsigned left = 100 - load->known[0] - load->known[1] - load->new[0] - load->new[1];
		uint64_t lost, units, decided;
		struct sums sums = { .next_new = i << 24 };
		double share;

		run_on(load, &sums, 100000);
		lost = line.nics[0].lost[0] + line.nics[1].lost[0] + line.nics[0].lost[1] +
		       line.nics[1].lost[1];
		units = sums.units, decided = sums.decided;
		run_on(load, &sums, 300000);
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
	struct sums sums;

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
	struct sums sums;

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
		unsigned cost = load->decide_cost ? load->decide_cost : DECIDE_COST;
		struct sums sums = { .next_new = i << 24 };
		double share;

		run_on(load, &sums, 2000000);
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
	struct sums sums = { .next_new = 0 };
	static const struct load load = { .endless = { true } };

	(void)state;
	stack(tuple_stack);
	for (uint32_t i = 0; i < 2000; i++) {
		line_arrive(1, LINE_KNOWN + (1 << 30) + i, 1);
		run_on(&load, &sums, 2000);
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
	struct sums sums = { .next_new = 0 };
	uint64_t lost;

	(void)state;
	stack(tuple_stack);
	run_on(&beyond, &sums, 500000);
	assert_true(line.nics[0].lost[0] > 0);
	run_on(&within, &sums, 500000);
	lost = line.nics[0].lost[0];
	run_on(&within, &sums, 500000);
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
		assert_in_range(line.nics[port].sent[1], 1000 / PRESSURE_NEW_EVERY,
			1000 * WORKER_BATCH / 2);
}

// As many as a queue may give before it counts as not draining, all of them new.
static void bursts_are_not_shed(void **state)
{
	(void)state;
	stack(tuple_stack);
	for (uint32_t i = 0; i < 100; i++) {
		line_arrive(0, LINE_KNOWN + i * 1000, PRESSURE_FULL * WORKER_BATCH);
		drain();
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
	drain();
	assert_int_equal(line_shed(0, WEIR_STAGE_INGRESS), WORKER_BATCH);
}

// Flows that a change made stale, and flows whose fields it changed, are decided anew under the
// same flood, and until then run as they did.
static void known_flows_are_redecided(void **state)
{
	static const struct load load = { .known = { 10 }, .new = { 60 } };
	struct sums sums, more;
	uint64_t decisions;

	(void)state;
	stack(tuple_stack);
	sums = run(&load, 200000);
	decisions = line.dp->decisions;
	generation_move(world.generation, world.ports[0].slot);
	line_pass(0, KNOWN_FLOWS);
	assert_int_equal(line.dp->decisions - decisions, KNOWN_FLOWS);
	sums.known += KNOWN_FLOWS;
	more = run(&load, 200000);
	sums.known += more.known;
	sums.new += more.new;
	check_sums(&sums, line_shed(0, WEIR_STAGE_INGRESS));
}

// Only the destination's stages read the ports: there it is that new flows come to light.
static void egress_halves_are_shed(void **state)
{
	static const struct load load = { .known = { 10 }, .new = { 60 } };
	struct sums sums;

	(void)state;
	stack(behind_stack);
	sums = run(&load, 500000);
	check_sums(&sums, line_shed(1, WEIR_STAGE_EGRESS));
	assert_true(line_shed(1, WEIR_STAGE_EGRESS) > 0);
	assert_int_equal(line.counters[1].dropped, line_shed(1, WEIR_STAGE_EGRESS));
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
