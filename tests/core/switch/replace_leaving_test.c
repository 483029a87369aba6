// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What does not outlive a version that is replaced, and what is handed over: timers and posts,
// calls, sessions with their cookies.
#include "lab_call.h"
#include "lab_replace.h"
#include "lab_session.h"

static const struct lab_options four_ports = { .n_ports = 4 };
static const struct lab_options strict_ports = { .n_ports = 4, .strict = true };

// ---- What goes

static void timers_are_forgotten(void **state)
{
	struct lab lab;

	(void)state;
	replace_start(&lab);
	lab_advance_s(&lab, 4);
	replace(&lab, "versioned", MODULE("versioned-2"));
	lab_settle(&lab);
	lab_advance_s(&lab, 2);
	lab_run(&lab);
	assert_int_equal(lab_logged(&lab, "timer 1"), 0);
	lab_advance_s(&lab, 4);
	lab_run(&lab);
	assert_int_equal(lab_logged(&lab, "1.0 timer 1"), 0);
	assert_int_equal(lab_logged(&lab, "2.0 timer 1"), 1);
	lab_end(&lab);
}

// What the old version set before the new one came, due or not, is delivered to neither.
static void posts_and_timers_are_not_the_next_ones(void **state)
{
	Probe__Order order = PROBE__ORDER__INIT;
	Probe__Order__Timer timer = PROBE__ORDER__TIMER__INIT, *timers[] = { &timer };
	struct lab lab;

	(void)state;
	lab_start(&lab, &four_ports);
	lab_attach(&lab, "probe-filter", 10);
	order.has_posts = 1;
	order.posts = 20000; // by a thread of its, which detach() waits for
	timer.cookie = 7;
	timer.has_delay_ms = 1;
	timer.delay_ms = 1;
	order.n_timers = 1;
	order.timers = timers;
	lab_order(&lab, "probe-filter", &order);
	lab.clock_ns += 1000000;
	lab_forget_log(&lab);
	replace(&lab, "probe-filter", NULL);
	lab_settle(&lab);
	lab_advance_s(&lab, 1);
	lab_run(&lab);
	assert_int_equal(lab_logged(&lab, "timer "), 0);
	assert_int_equal(lab_logged(&lab, "detached br0"), 1);
	// And the next one's come.
	order.has_posts = 0;
	lab_order(&lab, "probe-filter", &order);
	lab_advance_s(&lab, 1);
	lab_run(&lab);
	assert_int_equal(lab_logged(&lab, "timer 7"), 1);
	lab_end(&lab);
}

static void calls_end(void **state)
{
	Probe__Later later = PROBE__LATER__INIT;
	struct lab_call call = { 0 };
	struct lab lab;

	(void)state;
	lab_start(&lab, &four_ports);
	lab_attach(&lab, "probe-filter", 10);
	later.delay_ms = 10000;
	assert_int_equal(lab_call(&lab, &call, "probe-filter", "later", &later.base), 0);
	assert_non_null(call.running);
	lab_assert_refused(&lab, try_replace(&lab, "probe-filter", MODULE("probe-after"), 0),
		EINVAL, "probe-after");
	assert_int_equal(call.n_ended, 0);
	replace(&lab, "probe-filter", NULL);
	assert_int_equal(call.n_ended, 1);
	assert_true(call.refused);
	assert_int_equal(call.refusal.code, -ECANCELED);
	assert_non_null(strstr(call.refusal.message, "is being replaced"));
	lab_end(&lab);
}

// ---- Sessions

static void sessions_go_on(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 2000), reply = lab_udp(1, 0, 2000, 1000);
	struct lab lab;

	(void)state;
	session_start(&lab, &strict_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	lab_assert_pass(&lab, 1, &reply, 1 << 0);
	session_wait_s(&lab, 2);
	for (unsigned i = 0; i < 4; i++) {
		replace(&lab, "stateful", i % 2 ? MODULE("stateful") : MODULE("stateful-2"));
		lab_assert_pass(&lab, 1, &reply, 1 << 0);
		lab_settle(&lab);
		lab_assert_pass(&lab, 1, &reply, 1 << 0);
	}
	session_wait_s(&lab, 2);
	assert_listed(&lab, "p0 udp 10.0.0.0:1000 > 10.0.0.1:2000 open 1/9;");
	assert_int_equal(lab_logged(&lab, "2.0 replaced 2000: 1000 > 2000, 1 frames"), 2);
	assert_int_equal(lab_logged(&lab, "1.0 replaced 2000: 1000 > 2000, 1 frames"), 2);
	assert_int_equal(lab_logged(&lab, "idle"), 0);
	session_wait_s(&lab, 24);
	assert_int_equal(lab_logged(&lab, "1.0 idle 2000: 1000 > 2000, 1 frames 60 bytes, "
					  "9 frames 540 bytes back;"),
		1);
	lab_end(&lab);
}

// Which version hears of an end: the one whose decision opened the session, as long as it is there.
static void an_end_is_told_to_who_made_the_cookie(void **state)
{
	struct lab_frame old = lab_udp(0, 1, 1000, 2000), new = lab_udp(0, 1, 1000, 3000);
	struct weir_port_config changed = { .size = sizeof(changed), .mtu = 1400 };
	struct lab lab;

	(void)state;
	session_start(&lab, &strict_ports);
	lab_assert_pass(&lab, 0, &old, 1 << 1);
	replace(&lab, "stateful", MODULE("stateful-2"));
	// No worker has run since: the sessions are still the old version's. The new one ends them.
	assert_int_equal(
		weir_port_set(lab.weir, "p0", &changed, WEIR_PORT_SET_MTU, 0, &lab.error), 0);
	lab_settle(&lab);
	assert_int_equal(lab_logged(&lab, "1 to end;"), 1);
	assert_int_equal(lab_logged(&lab, "1.0 ended 2000"), 1);
	lab_assert_pass(&lab, 0, &new, 1 << 1);
	changed.mtu = 1300;
	assert_int_equal(
		weir_port_set(lab.weir, "p0", &changed, WEIR_PORT_SET_MTU, 0, &lab.error), 0);
	session_wait_s(&lab, 2);
	assert_int_equal(lab_logged(&lab, "2.0 ended 3000"), 1);
	assert_int_equal(lab_logged(&lab, "replaced"), 0);
	assert_int_equal(session_list(&lab).n, 0);
	lab_end(&lab);
}

// What is detached while its predecessor is on its way out ends the sessions of both.
static void detached_at_once(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 2000);
	struct lab lab;

	(void)state;
	session_start(&lab, &strict_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	replace(&lab, "stateful", MODULE("stateful-2"));
	lab_detach(&lab, "stateful");
	lab_settle(&lab);
	assert_int_equal(lab_logged(&lab, "1.0 replaced 2000"), 1);
	assert_int_equal(lab_logged(&lab, "2.0 detached 2000"), 1);
	assert_int_equal(session_list(&lab).n, 0);
	assert_int_equal(weir_extension_unload(lab.weir, "stateful", 0, &lab.error), 0);
	lab_end(&lab);
}

static void the_switch_goes_at_once(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 2000);
	struct lab lab;

	(void)state;
	session_start(&lab, &four_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	replace(&lab, "stateful", MODULE("stateful-2"));
	lab_abandon(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_are_forgotten),
		cmocka_unit_test(posts_and_timers_are_not_the_next_ones),
		cmocka_unit_test(calls_end),
		cmocka_unit_test(sessions_go_on),
		cmocka_unit_test(an_end_is_told_to_who_made_the_cookie),
		cmocka_unit_test(detached_at_once),
		cmocka_unit_test(the_switch_goes_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
