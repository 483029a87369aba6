// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What is told about workers once a second: offences of extensions, slow decisions, addresses that
// moved. The second is the control thread's own, of real time.
#include "lab.h"

#include <stdlib.h>
#include <time.h>

enum { NOTICES_MAX = 128, PATIENCE_MS = 20000 };

// Notices of one kind since it was last emptied.
static struct {
	const char *kind;
	unsigned n;
	struct {
		char switch_name[32], port[32], extension[32], text[256];
	} rows[NOTICES_MAX];
} seen;

static void on_notice(void *context, const struct weir_notice *notice)
{
	(void)context;
	if (strcmp(notice->kind, seen.kind) != 0)
		return;
	assert_true(seen.n < NOTICES_MAX);
	snprintf(seen.rows[seen.n].switch_name, 32, "%s", notice->switch_name);
	snprintf(seen.rows[seen.n].port, 32, "%s", notice->port);
	snprintf(seen.rows[seen.n].extension, 32, "%s", notice->extension);
	snprintf(seen.rows[seen.n].text, 256, "%s", notice->text);
	seen.n++;
}

static void start(struct lab *lab, const char *kind, unsigned n_ports)
{
	lab_start(lab, &(struct lab_options){ .n_ports = n_ports });
	seen.kind = kind;
	seen.n = 0;
	weir_on_notice(lab->weir, on_notice, NULL);
}

static void wait_ms(struct lab *lab, unsigned ms)
{
	const struct timespec step = { 0, 1000000 };

	for (; ms > 0; ms--) {
		lab_run(lab);
		nanosleep(&step, NULL);
	}
}

// Until there are n notices; the second that follows must not add any.
static void expect_notices(struct lab *lab, unsigned n)
{
	for (unsigned ms = 0; ms < PATIENCE_MS && seen.n < n; ms++)
		wait_ms(lab, 1);
	wait_ms(lab, 1200);
	if (seen.n != n)
		fail_msg("%u notices of %s, expected %u; the last: %s", seen.n, seen.kind, n,
			seen.n ? seen.rows[seen.n - 1].text : "");
}

static void assert_row(
	unsigned i, const char *port, const char *extension, const char *const parts[])
{
	assert_string_equal(seen.rows[i].switch_name, "br0");
	assert_string_equal(seen.rows[i].port, port);
	assert_string_equal(seen.rows[i].extension, extension);
	for (; *parts; parts++)
		if (!strstr(seen.rows[i].text, *parts))
			fail_msg("\"%s\" is not in \"%s\"", *parts, seen.rows[i].text);
}

static void test_rights(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab_extension info;
	struct lab lab;

	(void)state;
	start(&lab, "rights-violated", 2);
	lab_attach(&lab, "cheat-values", 10);
	lab_settle(&lab);
	lab_send(&lab, 0, &frame);
	expect_notices(&lab, 1);
	info = lab_extension(&lab, "cheat-values");
	assert_row(0, "", "cheat-values",
		(const char *const[]){
			"extension cheat-values: 11 values out of range; among them: ",
			"drop reason 1: the extension has 1", NULL });
	assert_int_equal(info.invalid, 11);
	assert_string_equal(info.last_offence, "drop reason 1: the extension has 1");

	// Only what came since then.
	frame = lab_udp(1, 0, 1, 2);
	lab_send(&lab, 1, &frame);
	expect_notices(&lab, 2);
	assert_row(1, "", "cheat-values",
		(const char *const[]){ "cheat-values: 11 values out of range", NULL });
	assert_int_equal(lab_extension(&lab, "cheat-values").invalid, 22);
	lab_end(&lab);
}

static void see_worker(void *context, const struct weir_worker_info *info)
{
	struct weir_worker_info *copy = context;

	*copy = *info;
}

static void test_slow(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct weir_worker_info worker;
	unsigned long n;
	struct lab lab;

	(void)state;
	start(&lab, "decide-slow", 2);
	lab_attach(&lab, "nothing-1", 10);
	lab_attach(&lab, "slow", 20);
	lab_attach(&lab, "nothing-2", 30);
	lab_settle(&lab);
	// How fast the counter of cycles is, is known after a second.
	wait_ms(&lab, 1200);
	assert_int_equal(seen.n, 0);
	assert_int_equal(weir_worker_list(lab.weir, see_worker, &worker), 0);
	assert_int_equal(worker.slow_decides, 0);
	assert_string_equal(worker.slow_extension, "");
	lab_send(&lab, 0, &frame);
	lab_run(&lab);
	expect_notices(&lab, 1);
	assert_row(0, "p0", "slow",
		(const char *const[]){ "worker 0: ", " took longer than 1 ms, the longest ",
			"extension slow for a flow of port p0", NULL });
	assert_in_range(strtoul(strstr(seen.rows[0].text, "longest ") + 8, NULL, 10), 4, 1000);
	// The list of workers names it, too, also when it has left.
	n = strtoul(seen.rows[0].text + strlen("worker 0: "), NULL, 10);
	lab_detach(&lab, "slow");
	lab_settle(&lab);
	assert_int_equal(weir_worker_list(lab.weir, see_worker, &worker), 0);
	assert_int_equal(worker.slow_decides, n);
	assert_string_equal(worker.slow_extension, "slow");
	assert_string_equal(worker.slow_switch, "br0");
	assert_true(worker.slow_ms > 4 && worker.slow_ms < 1000);
	lab_end(&lab);
}

static void move(struct lab *lab, unsigned station, unsigned port)
{
	struct lab_frame frame = lab_udp(station, 1, 1, 2);

	lab_send(lab, port, &frame);
	lab_run(lab);
}

static void test_moves(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "fdb-moved", 3);
	move(&lab, 10, 0);
	expect_notices(&lab, 0);
	move(&lab, 10, 2);
	expect_notices(&lab, 1);
	assert_row(0, "p2", "",
		(const char *const[]){ "02:00:00:00:00:0a moved from port p0 to port p2", NULL });
	lab_end(&lab);
}

// Ten a second and how many more there were; the last ones can be told, and none is counted twice.
static void test_many_moves(void **state)
{
	unsigned long more = 0;
	unsigned told = 0;
	struct lab lab;

	(void)state;
	start(&lab, "fdb-moved", 3);
	for (unsigned i = 0; i < 101; i++)
		move(&lab, 10, i % 2 * 2);
	for (unsigned ms = 0; ms < 2500; ms++)
		wait_ms(&lab, 1);
	for (unsigned i = 0; i < seen.n; i++) {
		if (strncmp(seen.rows[i].text, "and ", 4) == 0)
			more += strtoul(seen.rows[i].text + 4, NULL, 10);
		else
			told++;
	}
	assert_int_equal(told + more, 100);
	// The moves take much less than a second, which may end in their midst.
	assert_in_range(told, 10, 20);
	lab_end(&lab);
}

// What is removed between the move and the second's end has no name any more.
static void test_removed_port(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab, "fdb-moved", 3);
	wait_ms(&lab, 1);
	for (unsigned try = 0; seen.n == 0 && try < 5; try++) {
		move(&lab, 10, 0);
		move(&lab, 10, 2);
		lab_remove_port(&lab, 0);
		wait_ms(&lab, 1200);
		lab_add_port(&lab, "br0", 0, NULL);
	}
	assert_in_range(seen.n, 1, 2);
	assert_non_null(strstr(seen.rows[0].text, " to port p2"));
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_many_moves),
		cmocka_unit_test(test_removed_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
