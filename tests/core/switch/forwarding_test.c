// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Native forwarding through a whole switch: learning, moving, ageing, flooding, VLANs, and what a
// forwarding extension puts in its place.
#include "lab_probe.h"

#include "patch_panel.pb-c.h"
#include <time.h>

enum { P0 = 1, P1 = 2, P2 = 4, P3 = 8 };

static void start(struct lab *lab, unsigned n_ports)
{
	lab_start(lab, &(struct lab_options){ .n_ports = n_ports });
}

static void learns_and_floods_without_hairpin(void **state)
{
	struct lab_frame there = lab_udp(0, 1, 1, 2), back = lab_udp(1, 0, 2, 1);
	struct lab_frame broadcast = lab_udp(0, LAB_BROADCAST, 1, 2), multicast = broadcast;
	struct lab lab;

	(void)state;
	start(&lab, 4);
	memcpy(multicast.bytes, "\x01\x00\x5e\x01\x02\x03", 6);
	lab_assert_pass(&lab, 0, &there, P1 | P2 | P3); // unknown
	lab_assert_pass(&lab, 0, &there, P1 | P2 | P3);
	lab_assert_pass(&lab, 1, &back, P0);
	lab_assert_pass(&lab, 0, &there, P1); // the cached flood is over
	lab_assert_pass(&lab, 0, &broadcast, P1 | P2 | P3);
	lab_assert_pass(&lab, 0, &multicast, P1 | P2 | P3);
	// What is where it should go does not go back.
	lab_assert_pass(&lab, 0, &back, 0);
	lab_end(&lab);
}

// IEEE 802.1Q-2018, table 8-1: 01-80-c2-00-00-00 to -0f.
static void reserved_addresses_are_not_forwarded(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab, 2);
	for (unsigned last = 0; last <= 0x10; last++) {
		memcpy(frame.bytes, "\x01\x80\xc2\x00\x00", 5);
		frame.bytes[5] = (uint8_t)last;
		lab_assert_pass(&lab, 0, &frame, last < 0x10 ? 0 : P1);
	}
	assert_int_equal(lab_drops(&lab, "core", "reserved-address"), 16);
	lab_end(&lab);
}

// A station moves and comes back, with flows of both directions cached at every step.
static void moves_never_black_hole(void **state)
{
	struct lab_frame to_it = lab_udp(0, 7, 1, 2), from_it = lab_udp(7, 0, 2, 1);
	static const unsigned places[] = { 1, 2, 1, 2, 3, 1 };
	struct lab lab;

	(void)state;
	start(&lab, 4);
	lab_learn(&lab);
	for (unsigned i = 0; i < 6; i++) {
		unsigned at = places[i];

		lab_assert_pass(&lab, at, &from_it, P0);
		for (unsigned again = 0; again < 3; again++)
			lab_assert_pass(&lab, 0, &to_it, 1u << at);
		lab_assert_pass(&lab, at, &from_it, P0);
	}
	// Answers alone, cached long ago at the place it comes back to, make it move too.
	lab_assert_pass(&lab, 2, &from_it, P0);
	lab_assert_pass(&lab, 0, &to_it, P2);
	lab_end(&lab);
}

static unsigned entries(struct lab *lab)
{
	return (unsigned)lab_switch(lab, "br0").fdb_entries;
}

// The control thread ages once a second of real time, by the virtual clock.
static bool becomes(struct lab *lab, unsigned n)
{
	struct timespec pause = { 0, 20000000 };

	for (unsigned i = 0; i < 200; i++) {
		if (entries(lab) == n)
			return true;
		lab_run(lab);
		nanosleep(&pause, NULL);
	}
	return false;
}

static void silent_stations_are_forgotten(void **state)
{
	struct lab_frame there = lab_udp(0, 1, 1, 2), back = lab_udp(1, 0, 2, 1);
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 3, .fdb_ageing_s = 60 });
	assert_int_equal(
		weir_fdb_add(lab.weir, "br0", "02:00:00:00:00:09", 0, "p2", 0, &lab.error), 0);
	lab_assert_pass(&lab, 0, &there, P1 | P2);
	lab_assert_pass(&lab, 1, &back, P0);
	assert_int_equal(entries(&lab), 3);
	// p1 speaks on, by a cached flow; p0 is silent.
	for (unsigned i = 0; i < 3; i++) {
		lab_advance_s(&lab, 20);
		lab_assert_pass(&lab, 1, &back, P0);
		lab_run(&lab);
	}
	lab_advance_s(&lab, 5);
	assert_true(becomes(&lab, 2));
	lab_assert_pass(&lab, 1, &back, P0 | P2);
	lab_advance_s(&lab, 120);
	assert_true(becomes(&lab, 1)); // the static one
	lab_end(&lab);
}

static void static_entries(void **state)
{
	struct lab_frame to_it = lab_udp(0, 7, 1, 2), from_it = lab_udp(7, 0, 2, 1);
	struct lab lab;

	(void)state;
	start(&lab, 3);
	lab_learn(&lab);
	lab_assert_pass(&lab, 0, &to_it, P1 | P2);
	assert_int_equal(
		weir_fdb_add(lab.weir, "br0", "02:00:00:00:00:07", 0, "p2", 0, &lab.error), 0);
	lab_assert_pass(&lab, 0, &to_it, P2);
	// It does not move, and is not flushed.
	lab_assert_pass(&lab, 1, &from_it, P0);
	lab_assert_pass(&lab, 0, &to_it, P2);
	assert_int_equal(weir_fdb_flush(lab.weir, "br0", NULL, &lab.error), 0);
	lab_assert_pass(&lab, 0, &to_it, P2);
	lab_assert_refused(&lab,
		weir_fdb_add(lab.weir, "br0", "01:00:00:00:00:07", 0, "p2", 0, &lab.error), EINVAL,
		"must be a station's address");
	lab_assert_refused(&lab,
		weir_fdb_add(lab.weir, "br0", "02:00:00:00:00:08", 4095, "p2", 0, &lab.error),
		EINVAL, "vlan 4095: must be 0 to 4094");
	assert_int_equal(
		weir_fdb_remove(lab.weir, "br0", "02:00:00:00:00:07", 0, 0, &lab.error), 0);
	lab_assert_pass(&lab, 0, &to_it, P1 | P2);
	lab_end(&lab);
}

static void vlans(void **state)
{
	static const char *const vlan[] = { "10", "10", "20", "trunk:10,20", "trunk:20,native:10",
		"trunk:30" };
	struct lab_frame broadcast = lab_udp(0, LAB_BROADCAST, 1, 2), got;
	struct lab_frame in_20 = lab_tagged(broadcast, 20), in_30 = lab_tagged(broadcast, 30);
	struct lab_frame priority = lab_tagged(broadcast, 5 << 13);
	struct lab lab;

	(void)state;
	start(&lab, 0);
	for (unsigned i = 0; i < 6; i++)
		lab_add_port(&lab, "br0", i, vlan[i]);
	lab_assert_pass(&lab, 0, &broadcast, 1 << 1 | 1 << 3 | 1 << 4);
	lab_send(&lab, 0, &broadcast);
	lab_run(&lab);
	assert_true(lab_receive(&lab, 1, &got));
	assert_memory_equal(got.bytes, broadcast.bytes, broadcast.size);
	assert_true(lab_receive(&lab, 3, &got)); // tagged on the trunk
	assert_memory_equal(got.bytes + 12, "\x81\x00\x00\x0a\x08\x00", 6);
	assert_true(lab_receive(&lab, 4, &got)); // native there
	assert_int_equal(got.size, broadcast.size);
	lab_assert_pass(&lab, 3, &in_20, 1 << 2 | 1 << 4);
	lab_assert_pass(&lab, 4, &broadcast, 1 << 0 | 1 << 1 | 1 << 3);
	lab_assert_pass(&lab, 4, &priority, 1 << 0 | 1 << 1 | 1 << 3);
	// What does not belong there does not come in.
	lab_assert_pass(&lab, 3, &in_30, 0);
	lab_assert_pass(&lab, 3, &broadcast, 0);
	lab_assert_pass(&lab, 0, &in_20, 0);
	lab_assert_pass(&lab, 5, &in_30, 0); // alone in its VLAN
	assert_int_equal(lab_drops(&lab, "core", "vlan-not-allowed"), 1);
	assert_int_equal(lab_drops(&lab, "core", "untagged-on-trunk"), 1);
	assert_int_equal(lab_drops(&lab, "core", "tag-on-access-port"), 1);
	assert_int_equal(lab_drops(&lab, "core", "no-destination"), 1);
	lab_end(&lab);
}

// One station, two VLANs, two places.
static void addresses_are_per_vlan(void **state)
{
	struct lab_frame from_it = lab_udp(7, LAB_BROADCAST, 1, 2), to_it = lab_udp(5, 7, 1, 2);
	struct lab_frame in_10 = lab_tagged(to_it, 10), in_20 = lab_tagged(to_it, 20);
	struct lab lab;

	(void)state;
	start(&lab, 0);
	lab_add_port(&lab, "br0", 0, "10");
	lab_add_port(&lab, "br0", 1, "20");
	lab_add_port(&lab, "br0", 2, "trunk:10,20");
	lab_add_port(&lab, "br0", 3, "trunk:10,20");
	lab_assert_pass(&lab, 0, &from_it, P2 | P3);
	lab_assert_pass(&lab, 1, &from_it, P2 | P3);
	lab_assert_pass(&lab, 2, &in_10, P0);
	lab_assert_pass(&lab, 2, &in_20, P1);
	lab_end(&lab);
}

static void plain_l2_has_one_flow_per_pair(void **state)
{
	uint64_t decisions;
	struct lab lab;

	(void)state;
	start(&lab, 2);
	lab_learn(&lab);
	lab_attach(&lab, "nothing-1", 0);
	decisions = lab_switch(&lab, "br0").decisions;
	for (unsigned i = 0; i < 2000; i++) {
		struct lab_frame frame = lab_udp(
			0, 1, (uint16_t)(i * 7919), (uint16_t)(i * 104729 >> 3));

		frame.bytes[15] = (uint8_t)i;
		lab_assert_pass(&lab, 0, &frame, P1);
	}
	assert_int_equal(lab_switch(&lab, "br0").decisions, decisions + 1);
	assert_int_equal(lab_count_flows(&lab, "eth_dst=02:00:00:00:00:01"), 1);
	lab_end(&lab);
}

// A rule on one port is decided about there; the others' flows stay cached.
static void a_rule_on_one_port_leaves_the_others_cached(void **state)
{
	struct lab_frame a = lab_udp(0, 1, 1, 2), b = lab_udp(2, 3, 1, 2);
	uint64_t decisions;
	struct lab lab;

	(void)state;
	start(&lab, 4);
	lab_learn(&lab);
	lab_attach(&lab, "probe-filter", 0);
	lab_assert_pass(&lab, 0, &a, P1);
	lab_assert_pass(&lab, 2, &b, P3);
	lab_settle(&lab);
	decisions = lab_switch(&lab, "br0").decisions;
	lab_act(&lab, "p0", "probe-filter", "r", (Probe__Act){ AT(INGRESS, NOTHING) });
	lab_settle(&lab);
	lab_assert_pass(&lab, 2, &b, P3);
	// p0's: the flow above, and its broadcast of the beginning.
	assert_in_range(lab_switch(&lab, "br0").decisions, decisions + 1, decisions + 2);
	decisions = lab_switch(&lab, "br0").decisions;
	lab_assert_pass(&lab, 0, &a, P1);
	assert_int_equal(lab_switch(&lab, "br0").decisions, decisions);
	lab_end(&lab);
}

static void cable(struct lab *lab, const char *from, const char *to)
{
	PatchPanel__Cable message = PATCH_PANEL__CABLE__INIT;

	message.to = (char *)(uintptr_t)to;
	lab_policy(lab, from, "patch-panel", NULL, "cable", &message.base);
}

static void a_patch_panel(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab, 3);
	lab_learn(&lab);
	lab_assert_pass(&lab, 0, &frame, P1);
	lab_attach(&lab, "patch-panel", 0);
	lab_assert_pass(&lab, 0, &frame, 0);
	assert_int_equal(lab_drops(&lab, "patch-panel", "not-patched"), 1);
	cable(&lab, "p0", "p2");
	lab_assert_pass(&lab, 0, &frame, P2);
	cable(&lab, "p0", "p5"); // which is to come
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_add_port(&lab, "br0", 5, NULL);
	lab_assert_pass(&lab, 0, &frame, 1 << 5);
	lab_remove_port(&lab, 5);
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_detach(&lab, "patch-panel");
	lab_assert_pass(&lab, 0, &frame, P1);
	lab_end(&lab);
}

// The least that extensions plan counts, as long as they are there.
static void ports_learn_as_many_addresses_as_planned(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(&lab, "probe-filter", 0);
	lab_attach(&lab, "probe-after", 0);
	lab_act(&lab, "p0", "probe-filter", "few", (Probe__Act){ AT(CONTROL, LEARN), VALUE(2) });
	lab_act(&lab, "p0", "probe-after", "more", (Probe__Act){ AT(CONTROL, LEARN), VALUE(3) });
	lab_assert_refused(&lab,
		lab_try_act(&lab, "p1", "probe-filter", "none",
			(Probe__Act){ AT(CONTROL, LEARN), VALUE(0) }, 0),
		EINVAL, "extension probe-filter refuses the configuration of p1");
	for (unsigned n = 1; n < 6; n++) {
		for (unsigned from = 10; from < 16; from++) {
			// A flow that is new to the switch; those that are not learned pass all the
			// same.
			struct lab_frame frame = lab_udp(from, 20 + n, 1, 2);

			lab_assert_pass(&lab, 0, &frame, P1);
		}
		assert_int_equal(entries(&lab), n < 3 ? 2 : n < 4 ? 3 : 6);
		if (n == 1)
			lab_remove_policy(&lab, "p0", "probe-after", "more");
		if (n == 2) {
			lab_act(&lab, "p0", "probe-after", "more",
				(Probe__Act){ AT(CONTROL, LEARN), VALUE(3) });
			lab_detach(&lab, "probe-filter");
		}
		if (n == 3)
			lab_remove_policy(&lab, "p0", "probe-after", "more");
	}
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(learns_and_floods_without_hairpin),
		cmocka_unit_test(reserved_addresses_are_not_forwarded),
		cmocka_unit_test(moves_never_black_hole),
		cmocka_unit_test(silent_stations_are_forgotten),
		cmocka_unit_test(static_entries),
		cmocka_unit_test(vlans),
		cmocka_unit_test(addresses_are_per_vlan),
		cmocka_unit_test(plain_l2_has_one_flow_per_pair),
		cmocka_unit_test(a_rule_on_one_port_leaves_the_others_cached),
		cmocka_unit_test(a_patch_panel),
		cmocka_unit_test(ports_learn_as_many_addresses_as_planned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
