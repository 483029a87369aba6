// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a trace tells of sessions: what would be opened, for how long, and what there is no room
// for.
#include "lab_session.h"
#include "lab_trace.h"

// What becomes of sessions is told, and none is opened, nor room taken for it.
static void sessions_are_told(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 2000), reply = lab_udp(1, 0, 2000, 1000);
	struct lab_frame another = lab_udp(0, 1, 1001, 2000), any = lab_udp(0, 1, 1001, 8);
	struct lab lab;

	(void)state;
	session_start(&lab,
		&(struct lab_options){ .n_ports = 4, .n_sessions = 64, .n_port_sessions = 1 });
	for (unsigned i = 0; i < 3; i++) {
		trace(&lab, "p0", &request);
		check_told("p0|ingress|stateful|session|there is none\n"
			   "p0|ingress|stateful|session|opened by the first frame, for 20 s after "
			   "the last\n"
			   "p0|||program|output p1\n");
	}
	trace(&lab, "p1", &reply);
	check_told("p0|egress|stateful|session|there is none\n"
		   "p0|egress|stateful|drop|unsolicited: nobody has asked for this\n");
	assert_int_equal(lab_switch(&lab, "br0").sessions, 0);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	trace(&lab, "p0", &request);
	check_told("p0|ingress|stateful|session|found, forward\n");
	trace(&lab, "p1", &reply);
	check_told("p0|egress|stateful|session|found, reverse\n");
	// No room.
	trace(&lab, "p0", &another);
	check_told("p0|ingress|stateful|session|not opened: there is no room\n"
		   "p0|ingress|stateful|drop|session-full: there is no room for another session\n"
		   "p0|||program|drop session-full\n");
	lab_assert_pass(&lab, 0, &another, 0);
	trace(&lab, "p0", &any);
	check_told("p0|ingress|stateful|session|not opened: there is no room\n"
		   "p0|||program|output p1\n");
	lab_assert_pass(&lab, 0, &any, 1 << 1);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 1);
	lab_end(&lab);
}

static void see_expiry(void *context, const struct weir_session_info *info)
{
	*(uint64_t *)context = info->expires_s;
}

// How long a session would stay is told as it then does: of TCP, by the frame's flags.
static void times_of_sessions_are_told(void **state)
{
	enum { FIN = 1, SYN = 2, RST = 4, ACK = 16, IDLE_S = 100 };
	static const struct {
		uint8_t flags;
		unsigned idle_s;
		const char *lines;
	} rows[] = {
		{ SYN, 30,
			"opened by the first frame, for 30 s after the last, once the connection "
			"is established for 100 s\n" },
		{ SYN | ACK, 30, "opened by the first frame, for 30 s after the last, once" },
		{ RST, 10, "opened by the first frame, for 10 s after the last\n" },
		{ RST | ACK, 10, "opened by the first frame, for 10 s after the last\n" },
		{ SYN | RST, 10, "opened by the first frame, for 10 s after the last\n" },
		{ ACK, IDLE_S, "opened by the first frame, for 100 s after the last\n" },
		{ FIN | ACK, IDLE_S, "opened by the first frame, for 100 s after the last\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lab_frame frame = lab_tcp(0, 1, 11, rows[i].flags);
		uint64_t expires_s = 0;
		struct lab lab;

		session_start(&lab, &(struct lab_options){ .n_ports = 4 });
		trace(&lab, "p0", &frame);
		check_told(rows[i].lines);
		lab_assert_pass(&lab, 0, &frame, 1 << 1);
		assert_int_equal(
			weir_session_list(lab.weir, "br0", see_expiry, &expires_s, &lab.error), 0);
		assert_in_range(expires_s, rows[i].idle_s - 1, rows[i].idle_s);
		lab_end(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_are_told),
		cmocka_unit_test(times_of_sessions_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
