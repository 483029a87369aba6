// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The order in which rewrites and visits of a stack happen, and what visits change.
#include "lab_call.h"

// probe-after comes first with order 10, probe-filter second with order 20.
static const char first[] = "probe-after", second[] = "probe-filter", capture[] = "probe-capture";

static void start(struct lab *lab, unsigned n_ports)
{
	lab_start(lab, &(struct lab_options){ .n_ports = n_ports });
	lab_learn(lab);
	lab_attach(lab, second, 20);
	lab_attach(lab, first, 10);
}

static Probe__Act tos_becomes(Probe__Act__Stage stage, uint8_t from, uint8_t *to)
{
	return (Probe__Act){ .stage = stage,
		.what = PROBE__ACT__WHAT__SET,
		VALUE(WEIR_FIELD_IP_TOS),
		BYTES(to, 1),
		IF(tos, from) };
}

// Each of them sees the flow after all earlier rewrites: only in the right order do they chain.
static void rewrites_chain_in_stack_order(void **state)
{
	uint8_t tos[] = { 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18 };
	struct lab_frame frame = lab_udp(0, 1, 1, 2), got;
	struct lab lab;

	(void)state;
	start(&lab, 4);
	lab_act(&lab, "p0", first, "in", tos_becomes(PROBE__ACT__STAGE__INGRESS, 0, &tos[0]));
	lab_act(&lab, "p0", second, "in", tos_becomes(PROBE__ACT__STAGE__INGRESS, 0x04, &tos[1]));
	lab_act(&lab, "p0", first, "mid", tos_becomes(PROBE__ACT__STAGE__FORWARDED, 0x08, &tos[2]));
	lab_act(&lab, "p0", second, "mid",
		tos_becomes(PROBE__ACT__STAGE__FORWARDED, 0x0c, &tos[3]));
	// On the way out the other way round.
	lab_act(&lab, "p1", second, "out", tos_becomes(PROBE__ACT__STAGE__EGRESS, 0x10, &tos[4]));
	lab_act(&lab, "p1", first, "out", tos_becomes(PROBE__ACT__STAGE__EGRESS, 0x14, &tos[5]));
	// What enters is captured as it came, what leaves as it goes.
	lab_attach(&lab, capture, 0);
	lab_act(&lab, "p0", capture, "in", (Probe__Act){ AT(INGRESS, COPY), PORT("p2") });
	lab_act(&lab, "p1", capture, "out", (Probe__Act){ AT(EGRESS, COPY), PORT("p3") });
	for (unsigned i = 0; i < 3; i++) {
		lab_send(&lab, 0, &frame);
		lab_run(&lab);
		assert_true(lab_receive(&lab, 1, &got));
		assert_int_equal(got.bytes[15], 0x18);
		assert_true(lab_receive(&lab, 2, &got));
		assert_int_equal(got.bytes[15], 0);
		assert_true(lab_receive(&lab, 3, &got));
		assert_int_equal(got.bytes[15], 0x18);
	}
	assert_int_equal(lab_switch(&lab, "br0").copies, 2 * 3 + 4 * 2);
	lab_end(&lab);
}

// A visit happens at its extension's position: between the rewrites before it and those behind it.
static void visits_run_at_their_position(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2), got = { .size = 0 };
	struct lab lab;

	(void)state;
	start(&lab, 2);
	lab_act(&lab, "p0", first, "set",
		(Probe__Act){ AT(INGRESS, SET), VALUE(WEIR_FIELD_IP_TOS), BYTE(0x20) });
	lab_act(&lab, "p0", first, "visit",
		(Probe__Act){ AT(INGRESS, EDIT), VISIT, VALUE(15), BYTE(0x40) });
	lab_pass(&lab, 0, &frame, NULL, 1, &got);
	assert_int_equal(got.bytes[15], 0x40);
	lab_act(&lab, "p0", second, "set",
		(Probe__Act){ AT(INGRESS, SET), VALUE(WEIR_FIELD_IP_TOS), BYTE(0x60) });
	lab_pass(&lab, 0, &frame, NULL, 1, &got);
	assert_int_equal(got.bytes[15], 0x60);
	lab_act(&lab, "p1", first, "out",
		(Probe__Act){ AT(EGRESS, EDIT), VISIT, VALUE(15), BYTE(0x80) });
	lab_pass(&lab, 0, &frame, NULL, 1, &got);
	assert_int_equal(got.bytes[15], 0x80);
	lab_end(&lab);
}

static void rekeyed_frames_are_decided_anew(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	uint64_t decisions;
	struct lab lab;

	(void)state;
	start(&lab, 3);
	lab_act(&lab, "p0", second, "drop",
		(Probe__Act){ AT(INGRESS, DROP_FRAME), IF(l4_dst, 23), VALUE(1) });
	lab_act(&lab, "p0", first, "edit",
		(Probe__Act){ AT(INGRESS, EDIT), VISIT, VALUE(36), BYTES("\0\x17", 2) });
	// The visitor did not say that the flow changed: what was decided holds.
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_act(&lab, "p0", first, "rekey", (Probe__Act){ AT(INGRESS, REKEY), VISIT });
	lab_assert_pass(&lab, 0, &frame, 0);
	assert_int_equal(lab_drops(&lab, second, "other"), 1);
	decisions = lab_switch(&lab, "br0").decisions;
	lab_assert_pass(&lab, 0, &frame, 0);
	assert_int_equal(lab_drops(&lab, second, "other"), 2);
	// The changed flow is cached like any other.
	assert_int_equal(lab_switch(&lab, "br0").decisions, decisions);
	assert_int_equal(lab_extension(&lab, first).visits, 3);
	lab_end(&lab);
}

// The position is in the stack, not in a stage: forwarding comes behind ingress.
static void rekeyed_frames_go_elsewhere(void **state)
{
	static const Probe__Act__Stage stages[] = { PROBE__ACT__STAGE__INGRESS,
		PROBE__ACT__STAGE__FORWARDED };
	struct lab_frame frame = lab_udp(0, 1, 1, 2), to_p2 = lab_udp(0, 2, 1, 2);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct lab lab;

		start(&lab, 3);
		lab_act(&lab, "p0", first, "edit",
			(Probe__Act){ .stage = stages[i],
				.what = PROBE__ACT__WHAT__EDIT,
				VISIT,
				VALUE(0),
				BYTES(to_p2.bytes, 6) });
		lab_act(&lab, "p0", first, "rekey",
			(Probe__Act){ .stage = stages[i], .what = PROBE__ACT__WHAT__REKEY, VISIT });
		lab_assert_pass(&lab, 0, &frame, 1 << 2);
		lab_assert_pass(&lab, 0, &frame, 1 << 2);
		assert_int_equal(lab_extension(&lab, first).visits, 2);
		lab_end(&lab);
	}
}

static void rekeying_at_egress_asks_who_comes_behind(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab, 2);
	lab_act(&lab, "p1", first, "drop",
		(Probe__Act){ AT(EGRESS, DROP_FRAME), IF(l4_dst, 23), VALUE(0) });
	lab_act(&lab, "p1", second, "edit",
		(Probe__Act){ AT(EGRESS, EDIT), VISIT, VALUE(36), BYTES("\0\x17", 2) });
	lab_act(&lab, "p1", second, "rekey", (Probe__Act){ AT(EGRESS, REKEY), VISIT });
	lab_assert_pass(&lab, 0, &frame, 0);
	assert_int_equal(lab_drops(&lab, first, "told"), 1);
	assert_int_equal(lab_extension(&lab, second).visits, 1);
	lab_end(&lab);
}

static void visits_by_tcp_flags(void **state)
{
	enum { SYN = 2, ACK = 16 };
	struct lab_frame syn = lab_tcp(0, 1, 80, SYN), ack = lab_tcp(0, 1, 80, ACK);
	struct lab_frame udp = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab, 2);
	lab_act(&lab, "p0", first, "visit",
		(Probe__Act){ AT(INGRESS, NOTHING), VISIT, .has_tcp_flags = 1, .tcp_flags = SYN });
	lab_assert_pass(&lab, 0, &syn, 1 << 1);
	lab_assert_pass(&lab, 0, &ack, 1 << 1);
	lab_assert_pass(&lab, 0, &udp, 1 << 1);
	lab_assert_pass(&lab, 0, &syn, 1 << 1);
	assert_int_equal(lab_extension(&lab, first).visits, 2);
	lab_end(&lab);
}

// One destination's visitor has its own copy of a flooded frame.
static void edits_of_a_flooded_frame_stay_private(void **state)
{
	struct lab_frame frame = lab_udp(0, LAB_BROADCAST, 1, 2), got;
	struct lab lab;

	(void)state;
	start(&lab, 4);
	lab_act(&lab, "p2", first, "edit",
		(Probe__Act){ AT(EGRESS, EDIT), VISIT, VALUE(15), BYTE(0x40) });
	lab_act(&lab, "p3", first, "set",
		(Probe__Act){ AT(EGRESS, SET), VALUE(WEIR_FIELD_IP_TOS), BYTE(0x60) });
	for (unsigned i = 0; i < 2; i++) {
		lab_send(&lab, 0, &frame);
		lab_run(&lab);
		assert_true(lab_receive(&lab, 1, &got));
		assert_int_equal(got.bytes[15], 0);
		assert_true(lab_receive(&lab, 2, &got));
		assert_int_equal(got.bytes[15], 0x40);
		assert_true(lab_receive(&lab, 3, &got));
		assert_int_equal(got.bytes[15], 0x60);
	}
	lab_end(&lab);
}

// Every one, or 1 in N at random; two samplers do not share one's luck.
static void samples(void **state)
{
	enum { N = 3000, ONE_IN = 4 };
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	unsigned got[LAB_PORTS_MAX], sum[LAB_PORTS_MAX] = { 0 };
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 4 });
	lab_learn(&lab);
	lab_attach(&lab, capture, 0);
	lab_act(&lab, "p0", capture, "a",
		(Probe__Act){ AT(INGRESS, COPY), PORT("p2"), .has_one_in = 1, .one_in = ONE_IN });
	lab_act(&lab, "p0", capture, "b",
		(Probe__Act){ AT(INGRESS, COPY), PORT("p3"), .has_one_in = 1, .one_in = ONE_IN });
	for (unsigned i = 0; i < N / 10; i++) {
		for (unsigned k = 0; k < 9; k++)
			lab_send(&lab, 0, &frame);
		lab_pass(&lab, 0, &frame, got, 0, NULL);
		for (unsigned p = 0; p < 4; p++)
			sum[p] += got[p];
	}
	assert_int_equal(sum[1], N);
	// Five standard deviations of a binomial distribution: 5 * sqrt(3000 * 1/4 * 3/4) = 119.
	assert_in_range(sum[2], N / ONE_IN - 119, N / ONE_IN + 119);
	assert_in_range(sum[3], N / ONE_IN - 119, N / ONE_IN + 119);
	lab_end(&lab);
}

static void drops_are_captured_with_their_fields(void **state)
{
	struct lab_frame telnet = lab_tcp(0, 1, 23, 2), web = lab_tcp(0, 1, 80, 2), got;
	struct lab lab;

	(void)state;
	start(&lab, 3);
	lab_attach(&lab, capture, 0);
	lab_act(&lab, "p0", first, "drop", (Probe__Act){ AT(INGRESS, DROP_FRAME), VALUE(0) });
	lab_act(&lab, "p0", capture, "copy",
		(Probe__Act){ AT(DROP, COPY), PORT("p2"), IF(l4_dst, 23) });
	lab_act(&lab, "p0", capture, "see", (Probe__Act){ AT(DROP, NOTHING), VISIT });
	lab_assert_pass(&lab, 0, &web, 0);
	lab_send(&lab, 0, &telnet);
	lab_run(&lab);
	assert_true(lab_receive(&lab, 2, &got));
	assert_memory_equal(got.bytes, telnet.bytes, telnet.size);
	assert_int_equal(lab_drops(&lab, first, "told"), 2);
	assert_int_equal(lab_extension(&lab, capture).visits, 2);
	lab_end(&lab);
}

// More than may wait at a position: a flood that every destination drops. Those that one visitor
// has seen wait for the next one at the same position.
static void a_flood_of_drops_is_seen_by_all(void **state)
{
	enum { FRAMES = 32, DROPS = FRAMES * (LAB_PORTS_MAX - 1) };
	struct lab_frame frame = lab_udp(0, LAB_BROADCAST, 1, 2);
	struct lab lab;
	char name[16];

	(void)state;
	start(&lab, LAB_PORTS_MAX);
	lab_attach(&lab, capture, 0);
	lab_attach(&lab, "watcher", 10);
	for (unsigned i = 1; i < LAB_PORTS_MAX; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		lab_act(&lab, name, first, "drop",
			(Probe__Act){ AT(EGRESS, DROP_FRAME), VALUE(0) });
		lab_act(&lab, name, capture, "see", (Probe__Act){ AT(DROP, NOTHING), VISIT });
	}
	lab_settle(&lab);
	for (unsigned i = 0; i < FRAMES; i++)
		lab_send(&lab, 0, &frame);
	lab_run(&lab);
	assert_int_equal(lab_drops(&lab, first, "told"), DROPS);
	assert_int_equal(lab_extension(&lab, capture).visits, DROPS);
	lab_end(&lab);
}

// Decided drops have their cause in the program, those of run time in the copy.
static void drops_are_told_with_their_cause(void **state)
{
	struct lab_frame telnet = lab_tcp(0, 1, 23, 2), web = lab_tcp(0, 1, 80, 2);
	struct lab_frame large = lab_udp(0, 1, 1, 2), link_local = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab, 3);
	lab_attach(&lab, capture, 0);
	lab_act(&lab, "p0", second, "drop",
		(Probe__Act){ AT(INGRESS, DROP_FRAME), IF(l4_dst, 23), VALUE(0) });
	lab_act(&lab, "p1", first, "drop",
		(Probe__Act){ AT(EGRESS, DROP_FRAME), IF(l4_dst, 80), VALUE(1) });
	for (unsigned i = 0; i < 2; i++)
		lab_act(&lab, i ? "p1" : "p0", capture, "see",
			(Probe__Act){ AT(DROP, DESCRIBE), VISIT });
	lab_assert_pass(&lab, 0, &telnet, 0);
	assert_int_equal(lab_logged(&lab, ": told of probe-filter at stage 0\n"), 1);
	lab_assert_pass(&lab, 0, &web, 0);
	assert_int_equal(lab_logged(&lab, ": other of probe-after at stage 3\n"), 1);
	memcpy(link_local.bytes, "\x01\x80\xc2\0\0\x01", 6);
	lab_assert_pass(&lab, 0, &link_local, 0);
	assert_int_equal(lab_logged(&lab, ": reserved-address of core at stage 1\n"), 1);
	large.size = 1600; // the port's MTU is 1500
	assert_int_equal(weir_port_set(lab.weir, "p1",
				 &(struct weir_port_config){
					 .size = sizeof(struct weir_port_config), .mtu = 1500 },
				 WEIR_PORT_SET_MTU, 0, &lab.error),
		0);
	lab_assert_pass(&lab, 0, &large, 0);
	assert_int_equal(lab_logged(&lab, ": too-big of core at stage 3\n"), 1);
	lab_end(&lab);
}

static void visits_are_told_worker_and_time(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	char expected[128];
	struct lab lab;

	(void)state;
	start(&lab, 2);
	lab_act(&lab, "p0", first, "see", (Probe__Act){ AT(INGRESS, DESCRIBE), VISIT });
	lab_send(&lab, 0, &frame);
	snprintf(expected, sizeof(expected),
		"visit 0 on worker 0 of 1 at %llu: nothing of nobody at stage 0",
		(unsigned long long)lab.clock_ns + 1000000);
	lab_run(&lab);
	assert_int_equal(lab_logged(&lab, expected), 1);
	lab_end(&lab);
}

// The mechanism is tested by itself; here, that the host's table leads to it.
static void records_go_through_a_ring(void **state)
{
	Probe__Order order = PROBE__ORDER__INIT;
	struct lab_frame small = lab_udp(0, 1, 1, 2), large = lab_udp(0, 1, 1, 2);
	char expected[64];
	struct lab lab;

	(void)state;
	start(&lab, 2);
	order.has_ring = order.ring = 1;
	lab_order(&lab, first, &order);
	assert_int_equal(lab_logged(&lab, "ring: 0\n"), 1);
	lab_act(&lab, "p0", first, "see", (Probe__Act){ AT(INGRESS, RECORD), VISIT });
	lab_order(&lab, first, &order);
	assert_int_equal(lab_logged(&lab, "ring has records: 0\n"), 1);
	large.size = 1000;
	lab_send(&lab, 0, &small);
	lab_send(&lab, 0, &large);
	lab_run(&lab);
	lab_order(&lab, first, &order);
	assert_int_equal(lab_logged(&lab, "ring has records: 1\n"), 1);
	snprintf(expected, sizeof(expected), "lane 0: 2 records of %u bytes\n", small.size + 1000);
	assert_int_equal(lab_logged(&lab, expected), 1);
	while (lab_receive(&lab, 1, &small))
		continue;
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rewrites_chain_in_stack_order),
		cmocka_unit_test(visits_run_at_their_position),
		cmocka_unit_test(rekeyed_frames_are_decided_anew),
		cmocka_unit_test(rekeyed_frames_go_elsewhere),
		cmocka_unit_test(rekeying_at_egress_asks_who_comes_behind),
		cmocka_unit_test(visits_by_tcp_flags),
		cmocka_unit_test(edits_of_a_flooded_frame_stay_private),
		cmocka_unit_test(samples),
		cmocka_unit_test(drops_are_captured_with_their_fields),
		cmocka_unit_test(a_flood_of_drops_is_seen_by_all),
		cmocka_unit_test(drops_are_told_with_their_cause),
		cmocka_unit_test(visits_are_told_worker_and_time),
		cmocka_unit_test(records_go_through_a_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
