// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Timers and posts: when they come, in which order, and that nothing comes after a detach.
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "lab_call.h"

static const char filter[] = "probe-filter", service[] = "probe-service";

struct timer {
	uint64_t cookie;
	int64_t delay_ms; // -1: off
};

static void set(struct lab *lab, const char *extension, const struct timer timers[], size_t n)
{
	Probe__Order order = PROBE__ORDER__INIT;
	Probe__Order__Timer messages[8], *list[8];

	order.n_timers = n;
	order.timers = list;
	for (size_t i = 0; i < n; i++) {
		messages[i] = (Probe__Order__Timer)PROBE__ORDER__TIMER__INIT;
		messages[i].cookie = timers[i].cookie;
		messages[i].has_delay_ms = timers[i].delay_ms >= 0;
		messages[i].delay_ms = (uint64_t)timers[i].delay_ms;
		list[i] = &messages[i];
	}
	lab_order(lab, extension, &order);
}

#define SET(lab, extension, ...)                                                                   \
	set(lab, extension, (struct timer[]){ __VA_ARGS__ },                                       \
		sizeof((struct timer[]){ __VA_ARGS__ }) / sizeof(struct timer))

// The cookies logged since the last time, "3 1 ".
static const char *came(struct lab *lab)
{
	static char text[4096];
	size_t used = 0;

	text[0] = '\0';
	for (const char *at = lab->log; (at = strstr(at, "timer ")); at++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%.*s ",
			(int)strcspn(at + 6, ";"), at + 6);
	lab_forget_log(lab);
	return text;
}

// Without the millisecond that lab_run() takes.
static const char *at(struct lab *lab, uint64_t ms)
{
	lab->clock_ns += ms * 1000000;
	weir_process(lab->weir);
	return came(lab);
}

static void start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ .n_ports = 1 });
	lab_attach(lab, filter, 0);
	lab_forget_log(lab);
}

static void come_in_order_and_once(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	SET(&lab, filter, { 1, 30 }, { 2, 10 }, { 3, 20 }, { 4, 10 }, { 5, 0 });
	assert_string_equal(at(&lab, 0), "");
	assert_string_equal(at(&lab, 9), "5 ");
	assert_string_equal(at(&lab, 1), "2 4 ");
	assert_string_equal(at(&lab, 1000), "3 1 ");
	assert_string_equal(at(&lab, 1000), "");
	lab_end(&lab);
}

static void are_set_anew_and_off(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	SET(&lab, filter, { 1, 10 }, { 2, 20 }, { 3, 30 });
	SET(&lab, filter, { 1, 40 }, { 2, -1 }, { 9, -1 });
	assert_string_equal(at(&lab, 39), "3 ");
	SET(&lab, filter, { 1, 0 });
	assert_string_equal(at(&lab, 1), "1 ");
	SET(&lab, filter, { 1, INT64_MAX }); // never, and no overflow
	assert_string_equal(at(&lab, UINT64_C(1) << 40), "");
	lab_end(&lab);
}

// A hook that sets its own timer with no delay does not keep the control thread.
static void that_repeat_let_others_work(void **state)
{
	Probe__Order order = PROBE__ORDER__INIT;
	Probe__Order__Timer timer = PROBE__ORDER__TIMER__INIT, *list[] = { &timer };
	struct lab lab;

	(void)state;
	start(&lab);
	timer.cookie = 7;
	timer.has_delay_ms = 1;
	order.n_timers = 1;
	order.timers = list;
	order.has_repeat = 1;
	order.repeat = 7;
	lab_order(&lab, filter, &order);
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(at(&lab, 1), "7 ");
	lab_detach(&lab, filter);
	lab_forget_log(&lab);
	assert_string_equal(at(&lab, 1), "");
	lab_end(&lab);
}

static void have_a_limit(void **state)
{
	Probe__Order order = PROBE__ORDER__INIT;
	Probe__Order__Timer *timers = calloc(WEIR_TIMERS_MAX + 1, sizeof(*timers));
	Probe__Order__Timer **list = calloc(WEIR_TIMERS_MAX + 1, sizeof(*list));
	struct lab_call call = { 0 };
	struct lab lab;

	(void)state;
	start(&lab);
	for (unsigned i = 0; i <= WEIR_TIMERS_MAX; i++) {
		timers[i] = (Probe__Order__Timer)PROBE__ORDER__TIMER__INIT;
		timers[i].cookie = i;
		timers[i].has_delay_ms = 1;
		timers[i].delay_ms = 1;
		list[i] = &timers[i];
	}
	order.timers = list;
	order.n_timers = WEIR_TIMERS_MAX + 1;
	lab_assert_refused(&lab, lab_call(&lab, &call, filter, "order", &order.base), ENOSPC,
		"no more timers");
	// Those that are set can be set anew.
	order.n_timers = WEIR_TIMERS_MAX;
	lab_order(&lab, filter, &order);
	lab.clock_ns += 1000000;
	weir_process(lab.weir);
	assert_int_equal(lab_logged(&lab, "timer "), WEIR_TIMERS_MAX);
	free(list);
	free(timers);
	lab_end(&lab);
}

static void belong_to_their_attachment(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	lab_attach(&lab, service, 0);
	SET(&lab, filter, { 1, 10 });
	SET(&lab, service, { 2, 10 });
	SET(&lab, service, { 1, -1 }); // not the other's
	lab_detach(&lab, service);
	assert_string_equal(at(&lab, 10), "1 ");
	lab_end(&lab);
}

// ---- By the kernel's clock

static void wake_the_control_thread(void **state)
{
	struct timespec before, after;
	struct lab lab;
	int64_t ms;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 1, .n_workers = 1 });
	lab_attach(&lab, filter, 0);
	lab_settle(&lab);
	lab_forget_log(&lab);
	clock_gettime(CLOCK_MONOTONIC, &before);
	SET(&lab, filter, { 1, 50 }, { 2, 20 });
	while (lab_logged(&lab, "timer ") < 2) {
		struct pollfd fd = { weir_fd(lab.weir), POLLIN, 0 };

		assert_int_equal(poll(&fd, 1, 5000), 1);
		weir_process(lab.weir);
	}
	clock_gettime(CLOCK_MONOTONIC, &after);
	ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
	// The upkeep of every second would have been later than this.
	assert_in_range(ms, 49, 900);
	assert_string_equal(came(&lab), "2 1 ");
	lab_end(&lab);
}

// ---- Posts

static void poll_until(struct lab *lab, unsigned n)
{
	while (lab_logged(lab, "timer ") < n) {
		struct pollfd fd = { weir_fd(lab->weir), POLLIN, 0 };

		assert_int_equal(poll(&fd, 1, 5000), 1);
		weir_process(lab->weir);
	}
}

static void posts_come_in_order(void **state)
{
	enum { POSTS = 500 };
	Probe__Order order = PROBE__ORDER__INIT;
	struct lab lab;
	const char *at_post;
	char text[32];

	(void)state;
	start(&lab);
	order.has_posts = 1;
	order.posts = POSTS;
	lab_order(&lab, filter, &order);
	poll_until(&lab, POSTS);
	at_post = lab.log;
	for (unsigned i = 0; i < POSTS; i++) {
		snprintf(text, sizeof(text), "timer %u;", 1000 + i);
		at_post = strstr(at_post, text);
		assert_non_null(at_post);
	}
	lab_end(&lab);
}

// Posts that come while the extension is being detached are not delivered, and not lost memory.
static void posts_end_with_the_attachment(void **state)
{
	Probe__Order order = PROBE__ORDER__INIT;
	struct lab lab;

	(void)state;
	start(&lab);
	order.has_posts = 1;
	order.posts = 20000;
	lab_order(&lab, filter, &order);
	lab_detach(&lab, filter);
	lab_forget_log(&lab);
	lab_settle(&lab);
	assert_int_equal(lab_logged(&lab, "detached br0"), 1);
	assert_int_equal(lab_logged(&lab, "timer "), 0);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(come_in_order_and_once),
		cmocka_unit_test(are_set_anew_and_off),
		cmocka_unit_test(that_repeat_let_others_work),
		cmocka_unit_test(have_a_limit),
		cmocka_unit_test(belong_to_their_attachment),
		cmocka_unit_test(wake_the_control_thread),
		cmocka_unit_test(posts_come_in_order),
		cmocka_unit_test(posts_end_with_the_attachment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
