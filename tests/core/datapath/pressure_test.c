// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Hits first: what becomes of known flows when more new ones come than can be decided. Time is
// counted in what frames cost: a known one, or one that is shed, 1; a flow that is decided, 10.
#include "line.h"

enum { KNOWN_FLOWS = 10, DECIDE_COST = 10 };

static void pass(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow, (void)d;
}

static void drop_known(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	// The flow's number stands in the ports, in the frame's order.
	if (flow->l4_dst == 0)
		weir_drop(d, 1);
}

static const struct actor tuple = { "tuple", WEIR_CLASS_FILTER, WEIR_FIELDS_5TUPLE,
	{ [WEIR_STAGE_INGRESS] = pass }, false, NULL };
static const struct actor tuple_behind = { "behind", WEIR_CLASS_FILTER, WEIR_FIELDS_5TUPLE,
	{ [WEIR_STAGE_EGRESS] = pass }, false, NULL };
static const struct actor dropping = { "dropping", WEIR_CLASS_FILTER,
	WEIR_FIELDS_5TUPLE | WEIR_FIELD_IP_TOS, { [WEIR_STAGE_INGRESS] = drop_known }, false,
	NULL };

static const struct actor *const tuple_stack[] = { &tuple };
static const struct actor *const behind_stack[] = { &tuple_behind };
static const struct actor *const dropping_stack[] = { &dropping };

static void stack(const struct actor *const actors[])
{
	line_remask((const struct actor **)(uintptr_t)actors, 1);
	line_scan();
	// What was known is not any more: these tests begin with an empty table.
	line_resize(4096);
}

// Frames that come in a unit of time, in hundredths, to each port.
struct load {
	unsigned known[2], new[2];
};

struct sums {
	uint64_t known, new, units; // come; passed
	uint32_t next_known, next_new;
	unsigned due[2][2]; // hundredths of frames
};

static void arrive(const struct load *load, struct sums *sums, unsigned units)
{
	sums->units += units;
	for (unsigned port = 0; port < 2; port++) {
		sums->due[port][0] += load->known[port] * units;
		sums->due[port][1] += load->new[port] * units;
		for (; sums->due[port][0] >= 100; sums->due[port][0] -= 100)
			sums->known += line_arrive(port, sums->next_known++ % KNOWN_FLOWS, 1);
		for (; sums->due[port][1] >= 100; sums->due[port][1] -= 100)
			sums->new += line_arrive(port, LINE_KNOWN + sums->next_new++, 1);
	}
}

static struct sums run(const struct load *load, unsigned rounds)
{
	struct sums sums = { .next_known = 0 };

	for (unsigned i = 0; i < rounds; i++) {
		uint64_t decisions = line.dp->decisions;
		unsigned n = line_round();
		uint64_t decided = line.dp->decisions - decisions;

		arrive(load, &sums, n ? n + (unsigned)decided * (DECIDE_COST - 1) : 1);
	}
	while (line_round())
		continue;
	return sums;
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
	sums = run(&load, 20000);
	check_sums(&sums, line_shed(0, WEIR_STAGE_INGRESS));
	assert_int_equal(line.nics[0].lost[1], 0);
	assert_true(line_shed(0, WEIR_STAGE_INGRESS) > 0);
	// Most of the time that is left over goes into deciding.
	assert_true(line.nics[1].sent[1] * (DECIDE_COST - 1) > sums.units * 6 / 10 / 10);
}

// The scan comes in elsewhere, from a sender that waits: it keeps the other queue from draining.
static void a_flood_at_another_port(void **state)
{
	static const struct load load = { .known = { 0, 40 }, .new = { 5000 } };
	struct sums sums;

	(void)state;
	stack(tuple_stack);
	line.nics[0].nic.rx_waits = true;
	sums = run(&load, 20000);
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
	sums = run(&load, 2000);
	check_sums(&sums, 0);
}

// Queues that never drain still let new flows in, each of them.
static void lasting_pressure_starves_nobody(void **state)
{
	(void)state;
	stack(tuple_stack);
	for (uint32_t i = 0; i < 1000; i++) {
		line_arrive(0, LINE_KNOWN + i * 1000, 2 * WORKER_BATCH);
		line_arrive(1, LINE_KNOWN + i * 1000, 2 * WORKER_BATCH);
		line_round();
	}
	for (unsigned port = 0; port < 2; port++) {
		assert_true(line.nics[port].lost[1] > 900 * WORKER_BATCH);
		assert_in_range(line.nics[port].sent[1], 1000 / WORKER_NEW_EVERY,
			1000 / WORKER_NEW_EVERY + WORKER_PRESSED * WORKER_BATCH + 1);
	}
}

// As many as a queue may give before it counts as not draining, all of them new.
static void bursts_are_not_shed(void **state)
{
	(void)state;
	stack(tuple_stack);
	for (uint32_t i = 0; i < 100; i++) {
		line_arrive(0, LINE_KNOWN + i * 1000, WORKER_PRESSED * WORKER_BATCH);
		while (line_round())
			continue;
	}
	assert_int_equal(line_shed(0, WEIR_STAGE_INGRESS), 0);
	assert_int_equal(line.nics[1].sent[1], 100 * WORKER_PRESSED * WORKER_BATCH);
	// What comes behind is, but for one.
	line_arrive(0, LINE_KNOWN + 1000000, (WORKER_PRESSED + 1) * WORKER_BATCH);
	while (line_round())
		continue;
	assert_int_equal(line_shed(0, WEIR_STAGE_INGRESS), WORKER_BATCH - 1);
}

// Of four new flows one is decided, and all of its frames pass: also those that the batch missed.
static void later_frames_of_a_decided_flow_pass(void **state)
{
	(void)state;
	stack(tuple_stack);
	for (unsigned i = 0; i < WORKER_PRESSED; i++)
		line_arrive(0, LINE_KNOWN + i * WORKER_BATCH, WORKER_BATCH);
	for (unsigned i = 0; i < WORKER_BATCH; i++)
		line_arrive(0, LINE_KNOWN + 100000 + i % 4, 1);
	while (line_round())
		continue;
	assert_int_equal(line_shed(0, WEIR_STAGE_INGRESS), WORKER_BATCH / 4 * 3);
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
	sums = run(&load, 2000);
	decisions = line.dp->decisions;
	generation_move(world.generation, world.ports[0].slot);
	line_pass(0, KNOWN_FLOWS);
	assert_int_equal(line.dp->decisions - decisions, KNOWN_FLOWS);
	sums.known += KNOWN_FLOWS;
	more = run(&load, 2000);
	sums.known += more.known;
	sums.new += more.new;
	check_sums(&sums, line_shed(0, WEIR_STAGE_INGRESS));
}

static void flows_under_old_masks_are_known(void **state)
{
	uint64_t shed;

	(void)state;
	stack(tuple_stack);
	line_pass(0, KNOWN_FLOWS);
	line_remask((const struct actor **)(uintptr_t)dropping_stack, 1);
	line.new_max = 1;
	line_pass(LINE_KNOWN, 32);
	shed = line_shed(0, WEIR_STAGE_INGRESS);
	assert_int_equal(shed, 32 - 1);
	assert_int_equal(line.nics[1].sent[0], KNOWN_FLOWS);
	// Decided under the new masks: the new extension drops them.
	line.new_max = 0;
	line_pass(0, KNOWN_FLOWS);
	assert_int_equal(line_shed(0, WEIR_STAGE_INGRESS), shed);
	assert_int_equal(line.nics[1].sent[0], KNOWN_FLOWS);
	assert_int_equal(line.counters[0].dropped, shed + KNOWN_FLOWS);
}

// Their source is at another port by now: it takes a frame to learn it again. Swept or not, they
// stay known until then, and do not do once more what they did.
static void flows_whose_source_moved_are_known(void **state)
{
	uint64_t decisions;

	(void)state;
	stack(tuple_stack);
	line_pass(0, KNOWN_FLOWS);
	line.new_max = 0;
	for (unsigned swept = 0; swept < 2; swept++) {
		world_learn(0, "020000000001", 1);
		if (swept) {
			line.dp->sweep_wanted = generation_now(world.generation);
			line_scan();
		}
		decisions = line.dp->decisions;
		line_pass(0, KNOWN_FLOWS);
		assert_int_equal(line.dp->decisions - decisions, KNOWN_FLOWS);
		assert_int_equal(line_shed(0, WEIR_STAGE_INGRESS), 0);
		assert_int_equal(line.nics[1].sent[0], (2 + swept) * KNOWN_FLOWS);
	}
}

// Only the destination's stages read the ports: there it is that new flows come to light.
static void egress_halves_are_shed(void **state)
{
	static const struct load load = { .known = { 10 }, .new = { 60 } };
	struct sums sums;

	(void)state;
	stack(behind_stack);
	sums = run(&load, 20000);
	check_sums(&sums, line_shed(1, WEIR_STAGE_EGRESS));
	assert_true(line_shed(1, WEIR_STAGE_EGRESS) > 0);
	assert_int_equal(line.counters[1].dropped, line_shed(1, WEIR_STAGE_EGRESS));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			known_flows_lose_nothing, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(a_flood_at_another_port, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			nothing_is_shed_that_waits, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			lasting_pressure_starves_nobody, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(bursts_are_not_shed, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			later_frames_of_a_decided_flow_pass, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			known_flows_are_redecided, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			flows_under_old_masks_are_known, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			flows_whose_source_moved_are_known, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(egress_halves_are_shed, line_setup, line_teardown),
		cmocka_unit_test_setup_teardown(
			addresses_alone_are_cached, line_setup, line_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
