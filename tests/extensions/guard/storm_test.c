// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Limits: of frames to many ports, by a virtual clock, and of learned addresses.
#include "guard_lab.h"

static void limit(
	struct lab *lab, uint64_t broadcast, uint64_t multicast, uint64_t unknown, uint64_t burst)
{
	Guard__Storm message = GUARD__STORM__INIT;

	message.has_broadcast = broadcast != 0;
	message.broadcast = broadcast;
	message.has_multicast = multicast != 0;
	message.multicast = multicast;
	message.has_unknown_unicast = unknown != 0;
	message.unknown_unicast = unknown;
	message.has_burst = burst != 0;
	message.burst = burst;
	lab_policy(lab, "p0", "guard", "storm", "storm", &message.base);
}

static unsigned send(struct lab *lab, const char *frame_text, unsigned n)
{
	struct lab_frame frame = guard_frame(frame_text), got;
	unsigned passed = 0;

	for (unsigned i = 0; i < n; i++)
		lab_send(lab, 0, &frame);
	lab_run(lab);
	while (lab_receive(lab, 1, &got))
		passed++;
	return passed;
}

#define BROADCAST ETH(ALL, MINE, "88b5")
#define MULTICAST ETH(GROUP, MINE, "88b5")
#define UNKNOWN   ETH("02000000000f ", MINE, "88b5")
#define KNOWN     ETH(OTHER, MINE, "88b5")

static void know_other(struct lab *lab)
{
	struct lab_frame frame = guard_frame(ETH(ALL, OTHER, "88b5")), got;

	lab_send(lab, 1, &frame);
	lab_run(lab);
	assert_true(lab_receive(lab, 0, &got));
}

static void kinds_are_limited_by_themselves(void **state)
{
	struct lab lab;

	(void)state;
	guard_start(&lab, false);
	know_other(&lab);
	limit(&lab, 10, 20, 30, 0);
	assert_int_equal(send(&lab, BROADCAST, 50), 10);
	assert_int_equal(send(&lab, MULTICAST, 50), 20);
	assert_int_equal(send(&lab, UNKNOWN, 50), 30);
	assert_int_equal(send(&lab, KNOWN, 50), 50);
	assert_int_equal(lab_drops(&lab, "guard", "broadcast-storm"), 40);
	assert_int_equal(lab_drops(&lab, "guard", "multicast-storm"), 30);
	assert_int_equal(lab_drops(&lab, "guard", "unknown-unicast-storm"), 20);
	// What is not given is not limited; and who has spoken is not unknown.
	limit(&lab, 0, 0, 30, 0);
	assert_int_equal(send(&lab, BROADCAST, 50), 50);
	limit(&lab, 10, 0, 0, 0);
	assert_int_equal(send(&lab, UNKNOWN, 50), 50);
	lab_end(&lab);
}

static void so_many_per_second(void **state)
{
	unsigned passed = 0;
	uint64_t began;
	struct lab lab;

	(void)state;
	guard_start(&lab, false);
	limit(&lab, 200, 0, 0, 4);
	assert_int_equal(send(&lab, BROADCAST, 50), 4);
	began = lab.clock_ns;
	while (lab.clock_ns < began + UINT64_C(5000000000))
		passed += send(&lab, BROADCAST, 3);
	assert_in_range(passed, 5 * 200 - 10, 5 * 200 + 4);
	// A higher limit holds at once, and for the flow that is cached.
	limit(&lab, 100000, 0, 0, 0);
	lab_advance_s(&lab, 1);
	assert_int_equal(send(&lab, BROADCAST, 200), 200);
	lab_end(&lab);
}

static void other_ports_are_not_limited(void **state)
{
	struct lab_frame frame = guard_frame(ETH(ALL, OTHER, "88b5")), got;
	unsigned n = 0;
	struct lab lab;

	(void)state;
	guard_start(&lab, false);
	limit(&lab, 10, 10, 10, 0);
	for (unsigned i = 0; i < 50; i++)
		lab_send(&lab, 1, &frame);
	lab_run(&lab);
	while (lab_receive(&lab, 0, &got))
		n++;
	assert_int_equal(n, 50);
	lab_end(&lab);
}

static void addresses_are_limited(void **state)
{
	Guard__Learn message = GUARD__LEARN__INIT;
	struct lab lab;

	(void)state;
	guard_start(&lab, false);
	message.max = 3;
	lab_policy(&lab, "p0", "guard", "learn", "learn", &message.base);
	for (unsigned i = 0; i < 10; i++) {
		struct lab_frame frame = guard_frame(BROADCAST);

		frame.bytes[11] = (uint8_t)(16 + i);
		lab_assert_pass(&lab, 0, &frame, 1 << 1);
	}
	assert_int_equal(lab_switch(&lab, "br0").fdb_entries, 3);
	lab_detach(&lab, "guard");
	for (unsigned i = 0; i < 10; i++) {
		struct lab_frame frame = guard_frame(MULTICAST);

		frame.bytes[11] = (uint8_t)(16 + i);
		lab_assert_pass(&lab, 0, &frame, 1 << 1);
	}
	assert_int_equal(lab_switch(&lab, "br0").fdb_entries, 10);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_limited_by_themselves),
		cmocka_unit_test(so_many_per_second),
		cmocka_unit_test(other_ports_are_not_limited),
		cmocka_unit_test(addresses_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
