// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Sessions in a whole switch, by the extension "stateful" (tests/extensions/small): p0 and p2 are
// protected, p1 and p3 are not.
#include <arpa/inet.h>
#include <netinet/in.h>

#include "lab.h"

#define SECOND UINT64_C(1000000000)

static void start(struct lab *lab, const struct lab_options *options)
{
	lab_start(lab, options);
	lab_learn(lab);
	lab_attach(lab, "stateful", 0);
	lab_forget_log(lab);
}

static const struct lab_options four_ports = { .n_ports = 4, .strict = true };

// A second passes at a time, with a worker's rounds and the control thread's in each.
static void wait_s(struct lab *lab, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		lab_advance_s(lab, 1);
		for (unsigned k = 0; k < 4; k++)
			lab_run(lab);
	}
}

struct rows {
	unsigned n;
	struct weir_session_info last;
	char text[1024]; // "port key state frames/reverse;" of each
};

static void see(void *context, const struct weir_session_info *info)
{
	struct rows *rows = context;
	size_t used = strlen(rows->text);

	assert_string_equal(info->switch_name, "br0");
	assert_string_equal(info->extension, "stateful");
	rows->n++;
	rows->last = *info;
	snprintf(rows->text + used, sizeof(rows->text) - used, "%s %s %s %llu/%llu;", info->port,
		info->key, info->state, (unsigned long long)info->frames,
		(unsigned long long)info->reverse_frames);
}

static struct rows list(struct lab *lab)
{
	struct rows rows = { 0 };

	assert_int_equal(weir_session_list(lab->weir, "br0", see, &rows, &lab->error), 0);
	return rows;
}

#define assert_listed(lab, expected)                                                               \
	do {                                                                                       \
		struct rows rows_ = list(lab);                                                     \
		assert_string_equal(rows_.text, expected);                                         \
	} while (0)

static void replies_pass(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 2000), reply = lab_udp(1, 0, 2000, 1000);
	struct lab_frame other = lab_udp(1, 0, 2001, 1000);
	struct lab lab;

	(void)state;
	start(&lab, &four_ports);
	// What was dropped before there was a session is not after.
	lab_assert_pass(&lab, 1, &reply, 0);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	lab_assert_pass(&lab, 1, &reply, 1 << 0);
	lab_assert_pass(&lab, 1, &reply, 1 << 0);
	lab_assert_pass(&lab, 1, &other, 0);
	assert_int_equal(lab_drops(&lab, "stateful", "unsolicited"), 2);
	wait_s(&lab, 2);
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
	start(&lab, &four_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	for (unsigned i = 0; i < 10; i++) { // replies alone keep it
		wait_s(&lab, 15);
		lab_assert_pass(&lab, 1, &reply, 1 << 0);
	}
	wait_s(&lab, 19);
	assert_int_equal(list(&lab).n, 1);
	wait_s(&lab, 4);
	assert_int_equal(list(&lab).n, 0);
	assert_int_equal(lab_logged(&lab, "idle 2000: 1000 > 2000, 1 frames 60 bytes, "
					  "10 frames 600 bytes back;"),
		1);
	lab_assert_pass(&lab, 1, &reply, 0);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 0);
	lab_end(&lab);
}

// Frames pass all the time, and it ends on time all the same. Then another begins.
static void it_ends_in_any_case(void **state)
{
	struct lab_frame request = lab_udp(0, 1, 1000, 7), reply = lab_udp(1, 0, 7, 1000);
	unsigned sent = 0;
	struct lab lab;

	(void)state;
	start(&lab, &four_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 1);
	for (; sent < 55; sent++) {
		wait_s(&lab, 1);
		lab_assert_pass(&lab, 1, &reply, 1 << 0);
	}
	for (; sent < 65; sent++) {
		wait_s(&lab, 1);
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
	start(&lab, &four_ports);
	lab_assert_pass(&lab, 0, &request, 1 << 2);
	lab_assert_pass(&lab, 2, &reply, 1 << 0);
	// It is not dropped before it comes to the port that does not want it, and opens none at
	// its own then.
	lab_assert_pass(&lab, 0, &refused, 0);
	wait_s(&lab, 2);
	assert_listed(&lab, "p0 udp 10.0.0.0:1000 > 10.0.0.2:53 open 1/1;"
			    "p2 udp 10.0.0.0:1000 > 10.0.0.2:53 open 1/1;");
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_pass),
		cmocka_unit_test(it_ends_when_it_is_idle),
		cmocka_unit_test(it_ends_in_any_case),
		cmocka_unit_test(both_ports_of_a_flow_have_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
