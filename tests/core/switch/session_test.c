// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Sessions in a whole switch: who gets through, how many there can be, and how they end.
#include "lab_session.h"

#include "datapath/datapath.h"
#include "switch/session.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

static const struct lab_options four_ports = { .n_ports = 4, .strict = true };

static void replies_pass(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 2000), reply = lab_udp(1, 0, 2000, 1000);
	struct lab_frame other = lab_udp(1, 0, 2001, 1000);
	struct lab lab;

	(void)state;
	session_start(&lab, &four_ports);
	// What was dropped before there was a session is not after.
	lab_assert_pass(&lab, 1, &reply, 0);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	lab_assert_pass(&lab, 1, &reply, 1 << 0);
	lab_assert_pass(&lab, 1, &reply, 1 << 0);
	lab_assert_pass(&lab, 1, &other, 0);
	assert_int_equal(lab_drops(&lab, "stateful", "unsolicited"), 2);
	session_wait_s(&lab, 2);
	assert_listed(&lab, "p0 udp 10.0.0.0:1000 > 10.0.0.1:2000 open 1/2;");
	assert_int_equal(lab_switch(&lab, "br0").sessions, 1);
	assert_int_equal(lab_extension(&lab, "stateful").impure, 0);
	assert_int_equal(lab_extension(&lab, "stateful").invalid, 0);
	lab_end(&lab);
}

static void it_ends_when_it_is_idle(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 2000), reply = lab_udp(1, 0, 2000, 1000);
	struct lab lab;

	(void)state;
	session_start(&lab, &four_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	for (unsigned i = 0; i < 10; i++) { // replies alone keep it
		session_wait_s(&lab, 15);
		lab_assert_pass(&lab, 1, &reply, 1 << 0);
	}
	session_wait_s(&lab, 19);
	assert_int_equal(session_list(&lab).n, 1);
	session_wait_s(&lab, 4);
	assert_int_equal(session_list(&lab).n, 0);
	assert_int_equal(lab_logged(&lab, "idle 2000: 1000 > 2000, 1 frames 60 bytes, "
					  "10 frames 600 bytes back;"),
		1);
	lab_assert_pass(&lab, 1, &reply, 0);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 0);
	lab_end(&lab);
}

// That its flows are decided anew because of a change does not keep it.
static void changes_do_not_keep_it(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 2000);
	uint64_t decisions;
	struct lab lab;

	(void)state;
	session_start(&lab, &four_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	session_wait_s(&lab, 8);
	decisions = lab_switch(&lab, "br0").decisions;
	lab_attach(&lab, "probe-after", 1);
	lab_settle(&lab);
	assert_true(lab_switch(&lab, "br0").decisions > decisions);
	session_wait_s(&lab, 11);
	assert_int_equal(session_list(&lab).n, 1);
	session_wait_s(&lab, 4);
	assert_int_equal(session_list(&lab).n, 0);
	lab_end(&lab);
}

// Frames pass all the time, and it ends on time all the same. Then another begins.
static void it_ends_in_any_case(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 7), reply = lab_udp(1, 0, 7, 1000);
	unsigned sent = 0;
	struct lab lab;

	(void)state;
	session_start(&lab, &four_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	for (; sent < 55; sent++) {
		session_wait_s(&lab, 1);
		lab_assert_pass(&lab, 1, &reply, 1 << 0);
	}
	for (; sent < 65; sent++) {
		session_wait_s(&lab, 1);
		lab_pass(&lab, 1, &reply, NULL, 0, NULL);
	}
	assert_int_equal(lab_logged(&lab, "expired 7: 1000 > 7, 1 frames 60 bytes, "), 1);
	lab_assert_pass(&lab, 1, &reply, 0);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	lab_assert_pass(&lab, 1, &reply, 1 << 0);
	lab_end(&lab);
}

static void both_ports_of_a_flow_have_their_own(void **state)
{
	struct lab_frame request = lab_udp(0, 2, 1000, 53), reply = lab_udp(2, 0, 53, 1000);
	struct lab_frame refused = lab_udp(0, 2, 1000, 54);
	struct lab lab;

	(void)state;
	session_start(&lab, &four_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 2);
	lab_assert_pass(&lab, 2, &reply, 1 << 0);
	// It is not dropped before it comes to the port that does not want it, and opens none at
	// its own then.
	lab_assert_pass(&lab, 0, &refused, 0);
	session_wait_s(&lab, 2);
	assert_listed(&lab, "p0 udp 10.0.0.0:1000 > 10.0.0.2:53 open 1/1;"
			    "p2 udp 10.0.0.0:1000 > 10.0.0.2:53 open 1/1;");
	lab_end(&lab);
}

// ---- Room

static void room_is_bounded_by_port(void **state)
{
	struct lab_frame f;
	struct lab lab;

	(void)state;
	session_start(&lab,
		&(struct lab_options){ .n_ports = 4, .n_sessions = 64, .n_port_sessions = 5 });
	for (uint16_t i = 0; i < 5; i++) {
		f = lab_udp(0, 1, 1000 + i, 2000);
		lab_assert_pass(&lab, 0, &f, 1 << 1);
	}
	f = lab_udp(0, 1, 1005, 2000);
	lab_assert_pass(&lab, 0, &f, 0);
	lab_assert_pass(&lab, 0, &f, 0);
	assert_int_equal(lab_drops(&lab, "core", "session-full"), 2);
	f = lab_udp(0, 1, 1005, 10);
	lab_assert_pass(&lab, 0, &f, 0);
	assert_int_equal(lab_drops(&lab, "stateful", "no-room"), 1);
	f = lab_udp(0, 1, 1005, 8);
	lab_assert_pass(&lab, 0, &f, 1 << 1);
	f = lab_udp(1, 0, 8, 1005); // it has no session, so nothing comes back
	lab_assert_pass(&lab, 1, &f, 0);
	// The other port has its own.
	f = lab_udp(2, 1, 1005, 2000);
	lab_assert_pass(&lab, 2, &f, 1 << 1);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 6);
	assert_int_equal(lab_switch(&lab, "br0").sessions_max, 64);
	assert_int_equal(lab_switch(&lab, "br0").port_sessions_max, 5);
	// When there is room again, what waits for it gets it.
	session_wait_s(&lab, 25);
	assert_int_equal(session_list(&lab).n, 0);
	f = lab_udp(0, 1, 1005, 2000);
	lab_assert_pass(&lab, 0, &f, 1 << 1);
	lab_end(&lab);
}

// A flow that would open one at each of its ports opens none when one of them has no room.
static void all_of_a_flow_or_none(void **state)
{
	struct lab_frame f;
	struct lab lab;

	(void)state;
	session_start(&lab,
		&(struct lab_options){ .n_ports = 4, .n_sessions = 64, .n_port_sessions = 3 });
	for (uint16_t i = 0; i < 3; i++) {
		f = lab_udp(1, 2, 1000 + i, 53);
		lab_assert_pass(&lab, 1, &f, 1 << 2);
	}
	f = lab_udp(0, 2, 1000, 53);
	lab_assert_pass(&lab, 0, &f, 0);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 3);
	// The same while the decision is cached; and when there is room.
	lab_assert_pass(&lab, 0, &f, 0);
	assert_int_equal(lab_drops(&lab, "core", "session-full"), 2);
	session_wait_s(&lab, 25);
	lab_assert_pass(&lab, 0, &f, 1 << 2);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 2);
	lab_end(&lab);
}

static void the_table_is_bounded(void **state)
{
	struct lab_frame f;
	struct lab lab;

	(void)state;
	session_start(&lab,
		&(struct lab_options){ .n_ports = 4, .n_sessions = 64, .n_port_sessions = 64 });
	for (uint16_t i = 0; i < 100; i++) {
		f = lab_udp(0, 1, 1000 + i, 2000);
		lab_assert_pass(&lab, 0, &f, i < 64 ? 1 << 1 : 0);
	}
	f = lab_udp(2, 1, 1000, 2000);
	lab_assert_pass(&lab, 2, &f, 0);
	assert_int_equal(session_list(&lab).n, 64);
	lab_end(&lab);
}

// ---- Ends that somebody makes

static void open_three(struct lab *lab)
{
	struct lab_frame f;

	for (uint16_t i = 0; i < 3; i++) {
		f = lab_udp(i == 2 ? 2 : 0, 1, 1000, 2000 + i);
		for (unsigned k = 0; k <= i; k++)
			lab_assert_pass(lab, i == 2 ? 2 : 0, &f, 1 << 1);
	}
}

// With all that was counted up to then, though no second has passed.
static void they_end_with_the_extension(void **state)
{
	struct lab lab;

	(void)state;
	session_start(&lab, &four_ports);
	open_three(&lab);
	lab_detach(&lab, "stateful");
	lab_settle(&lab);
	assert_int_equal(lab_logged(&lab, "detached 2000: 1000 > 2000, 1 frames 60 bytes, 0"), 1);
	assert_int_equal(lab_logged(&lab, "detached 2001: 1000 > 2001, 2 frames 120 bytes, 0"), 1);
	assert_int_equal(lab_logged(&lab, "detached 2002: 1000 > 2002, 3 frames 180 bytes, 0"), 1);
	session_wait_s(&lab, 3);
	assert_int_equal(session_list(&lab).n, 0);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 0);
	assert_int_equal(lab_logged(&lab, "detached "), 3);
	lab_end(&lab);
}

// One that is idle for too long while the extension is on its way out: it has left the stack, and
// is there until the sweep.
static void what_ends_meanwhile_is_told(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 2000);
	struct lab lab;

	(void)state;
	session_start(&lab, &four_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	session_wait_s(&lab, 15);
	assert_int_equal(lab.weir->switches->datapaths[0]->n_session_flows, 0); // else it is held
	lab_detach(&lab, "stateful");
	for (unsigned i = 0; i < 2; i++) {
		lab_advance_s(&lab, 30);
		sessions_run(lab.weir);
		assert_int_equal(lab_logged(&lab, "idle 2000"), 0);
	}
	assert_int_equal(session_list(&lab).n, 0);
	lab_settle(&lab);
	assert_int_equal(lab_logged(&lab, "idle 2000: 1000 > 2000, 1 frames 60 bytes, 0"), 1);
	session_wait_s(&lab, 3);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 0);
	lab_end(&lab);
}

static void they_end_with_the_switch(void **state)
{
	struct lab lab;

	(void)state;
	session_start(&lab, &four_ports);
	open_three(&lab);
	lab_check_conservation(&lab);
	assert_int_equal(weir_switch_remove(lab.weir, "br0", 0, &lab.error), 0);
	lab_settle(&lab);
	assert_int_equal(lab_logged(&lab, "2000: 1000 > 2000, 1 frames 60 bytes, 0"), 1);
	assert_int_equal(lab_logged(&lab, "2001: 1000 > 2001, 2 frames 120 bytes, 0"), 1);
	assert_int_equal(lab_logged(&lab, "2002: 1000 > 2002, 3 frames 180 bytes, 0"), 1);
	lab_abandon(&lab);
}

static void they_end_with_the_port(void **state)
{
	struct lab lab;

	(void)state;
	session_start(&lab, &four_ports);
	open_three(&lab);
	lab_remove_port(&lab, 0);
	lab_settle(&lab);
	session_wait_s(&lab, 3);
	assert_listed(&lab, "p2 udp 10.0.0.2:1000 > 10.0.0.1:2002 open 3/0;");
	assert_int_equal(
		lab_logged(&lab, "port-removed 2000: 1000 > 2000, 1 frames 60 bytes, 0"), 1);
	assert_int_equal(
		lab_logged(&lab, "port-removed 2001: 1000 > 2001, 2 frames 120 bytes, 0"), 1);
	lab_end(&lab);
}

static void the_extension_ends_them(void **state)
{
	struct weir_port_config config = { .size = sizeof(config), .mtu = 1400 };
	struct lab_frame reply = lab_udp(1, 0, 2001, 1000);
	struct lab lab;

	(void)state;
	session_start(&lab, &four_ports);
	open_three(&lab);
	lab_assert_pass(&lab, 1, &reply, 1 << 0);
	assert_int_equal(
		weir_port_set(lab.weir, "p0", &config, WEIR_PORT_SET_MTU, 0, &lab.error), 0);
	assert_int_equal(lab_logged(&lab, "2 to end;"), 1);
	assert_int_equal(session_list(&lab).n, 1);
	lab_assert_pass(&lab, 1, &reply, 0); // at once
	session_wait_s(&lab, 3);
	assert_int_equal(lab_logged(&lab, "ended 2000: 1000 > 2000, 1 frames 60 bytes, 0"), 1);
	assert_int_equal(lab_logged(&lab, "ended 2001: 1000 > 2001, 2 frames 120 bytes, "
					  "1 frames 60 bytes back;"),
		1);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 1);
	lab_end(&lab);
}

// ---- Flows come and go, sessions stay

// A table of flows that holds a few of them: most frames run uncached, or after their flow was
// forgotten. Nothing is counted twice, and nothing is lost.
static void counts_are_exact(void **state)
{
	enum { SESSIONS = 300, ROUNDS = 12 };
	char text[128];
	struct lab lab;

	(void)state;
	session_start(
		&lab, &(struct lab_options){ .n_ports = 4, .n_flows = 64, .n_sessions = 1024 });
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (uint16_t i = 0; i < SESSIONS; i++) {
			struct lab_frame f = lab_udp(0, 1, 1000 + i, 2000);
			struct lab_frame back = lab_udp(1, 0, 2000, 1000 + i);

			lab_assert_pass(&lab, 0, &f, 1 << 1);
			if ((i + round) % 3 == 0)
				lab_assert_pass(&lab, 1, &back, 1 << 0);
		}
		session_wait_s(&lab, round % 4 == 0 ? 12 : 1);
	}
	session_wait_s(&lab, 30);
	assert_int_equal(lab_logged(&lab, "idle 2000: "), SESSIONS);
	snprintf(text, sizeof(text), ", %u frames %u bytes, %u frames %u bytes back;", ROUNDS,
		ROUNDS * 60, ROUNDS / 3, ROUNDS / 3 * 60);
	assert_int_equal(lab_logged(&lab, text), SESSIONS);
	lab_end(&lab);
}

static void vlans_have_their_own(void **state)
{
	struct lab_frame untagged = lab_udp(0, 1, 1000, 2000);
	struct lab_frame tagged = lab_tagged(untagged, 10);
	struct lab_frame reply = lab_tagged(lab_udp(1, 0, 2000, 1000), 10);
	struct lab lab;

	(void)state;
	session_start(&lab, &four_ports);
	lab_pass(&lab, 0, &untagged, NULL, 0, NULL);
	lab_pass(&lab, 1, &reply, NULL, 0, NULL);
	// Nobody is known in this VLAN yet: p2 does not want it either.
	assert_int_equal(lab_drops(&lab, "stateful", "unsolicited"), 2);
	lab_pass(&lab, 0, &tagged, NULL, 0, NULL);
	lab_pass(&lab, 1, &reply, NULL, 0, NULL);
	session_wait_s(&lab, 2);
	assert_listed(&lab, "p0 udp 10.0.0.0:1000 > 10.0.0.1:2000 open 1/0;"
			    "p0 udp 10.0.0.0:1000 > 10.0.0.1:2000 vlan 10 open 1/1;");
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_pass),
		cmocka_unit_test(it_ends_when_it_is_idle),
		cmocka_unit_test(changes_do_not_keep_it),
		cmocka_unit_test(it_ends_in_any_case),
		cmocka_unit_test(both_ports_of_a_flow_have_their_own),
		cmocka_unit_test(room_is_bounded_by_port),
		cmocka_unit_test(all_of_a_flow_or_none),
		cmocka_unit_test(the_table_is_bounded),
		cmocka_unit_test(they_end_with_the_extension),
		cmocka_unit_test(what_ends_meanwhile_is_told),
		cmocka_unit_test(they_end_with_the_switch),
		cmocka_unit_test(they_end_with_the_port),
		cmocka_unit_test(the_extension_ends_them),
		cmocka_unit_test(counts_are_exact),
		cmocka_unit_test(vlans_have_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
