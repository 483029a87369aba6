// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Limits: of frames to many ports, by a virtual clock, and of learned addresses. Seen from outside:
// by weir/testing.h.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <weir/testing.h>

#include "guard.pb-c.h"

// Stations 0, at p0, and 1, at p1, to all, to a group, to nobody and to each other.
#define BROADCAST "ffffffffffff 020000000000 88b5"
#define MULTICAST "333300000001 020000000000 88b5"
#define UNKNOWN   "02000000000f 020000000000 88b5"
#define KNOWN     "020000000001 020000000000 88b5"
#define FROM_P1   "ffffffffffff 020000000001 88b5"

static void say(const char *sentence)
{
	fail_msg("%s", sentence);
}

static struct weir_testing *start(void)
{
	struct weir_testing *t = weir_testing_start(&(struct weir_testing_options){
		.size = sizeof(struct weir_testing_options),
		.n_ports = 2,
		.extension = "guard",
		.path = GUARD,
		.fail = say,
	});

	weir_testing_learn(t);
	return t;
}

static void limit(struct weir_testing *t, uint64_t broadcast, uint64_t multicast, uint64_t unknown,
	uint64_t burst)
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
	weir_testing_policy(t, "p0", "guard.storm", "storm", &message.base);
}

// How many of n such frames come out.
static unsigned send(struct weir_testing *t, const char *port, const char *digits, unsigned n)
{
	struct weir_testing_frame frame = weir_testing_hex(t, digits);

	return weir_testing_burst(t, port, &frame, n)->n_out;
}

static void kinds_are_limited_by_themselves(void **state)
{
	struct weir_testing *t = start();

	(void)state;
	limit(t, 10, 20, 30, 0);
	assert_int_equal(send(t, "p0", BROADCAST, 50), 10);
	assert_int_equal(send(t, "p0", MULTICAST, 50), 20);
	assert_int_equal(send(t, "p0", UNKNOWN, 50), 30);
	assert_int_equal(send(t, "p0", KNOWN, 50), 50);
	assert_int_equal(weir_testing_drops(t, "guard", "broadcast-storm"), 40);
	assert_int_equal(weir_testing_drops(t, "guard", "multicast-storm"), 30);
	assert_int_equal(weir_testing_drops(t, "guard", "unknown-unicast-storm"), 20);
	// What is not given is not limited; and who has spoken is not unknown.
	limit(t, 0, 0, 30, 0);
	assert_int_equal(send(t, "p0", BROADCAST, 50), 50);
	limit(t, 10, 0, 0, 0);
	assert_int_equal(send(t, "p0", UNKNOWN, 50), 50);
	weir_testing_end(t);
}

static void so_many_per_second(void **state)
{
	struct weir_testing *t = start();
	unsigned passed = 0;

	(void)state;
	limit(t, 200, 0, 0, 4);
	assert_int_equal(send(t, "p0", BROADCAST, 50), 4);
	for (unsigned ms = 0; ms < 5000; ms += 2) { // a burst takes a millisecond
		passed += send(t, "p0", BROADCAST, 3);
		weir_testing_advance_ms(t, 1);
	}
	assert_in_range(passed, 5 * 200 - 10, 5 * 200 + 4);
	// A higher limit holds at once, and for the flow that is cached.
	limit(t, 100000, 0, 0, 0);
	weir_testing_advance_ms(t, 1000);
	assert_int_equal(send(t, "p0", BROADCAST, 200), 200);
	weir_testing_end(t);
}

static void other_ports_are_not_limited(void **state)
{
	struct weir_testing *t = start();

	(void)state;
	limit(t, 10, 10, 10, 0);
	assert_int_equal(send(t, "p1", FROM_P1, 50), 50);
	weir_testing_end(t);
}

static void take_entries(void *context, const struct weir_switch_info *info)
{
	*(uint64_t *)context = info->fdb_entries;
}

// What is learned after frames of ten stations more.
static uint64_t learned(struct weir_testing *t, const char *digits)
{
	struct weir_testing_frame frame = weir_testing_hex(t, digits);
	uint64_t n = 0;

	for (unsigned i = 0; i < 10; i++) {
		frame.bytes[11] = (uint8_t)(16 + i);
		assert_int_equal(weir_testing_pass(t, "p0", &frame)->out, 1 << 1);
	}
	assert_int_equal(
		weir_switch_list(weir_testing_switch(t), "br0", take_entries, &n, NULL), 0);
	return n;
}

static void addresses_are_limited(void **state)
{
	struct weir_testing *t = start();
	Guard__Learn message = GUARD__LEARN__INIT;

	(void)state;
	message.max = 3;
	weir_testing_policy(t, "p0", "guard.learn", "learn", &message.base);
	assert_int_equal(learned(t, BROADCAST), 3 + 1); // station 0 among them, and 1 at p1
	assert_int_equal(weir_extension_detach(weir_testing_switch(t), "br0", "guard", 0, NULL), 0);
	weir_testing_settle(t);
	assert_int_equal(learned(t, MULTICAST), 10 + 2);
	weir_testing_end(t);
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
