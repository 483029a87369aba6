// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// How captures end: told to, by a limit, with their ports, with the extension, with the switch. In
// every case the file is complete, and captured + lost == seen.
#include <stdio.h>
#include <unistd.h>

#include "capture_lab.h"

static void assert_file(const char *name, unsigned n_frames, uint64_t bytes)
{
	struct pcapng_file file;

	pcapng_read(&file, capture_path(name));
	assert_int_equal(file.n_frames, n_frames);
	if (bytes)
		assert_int_equal(file.size, bytes);
	pcapng_free(&file);
}

static void count_ends_it_exactly(void **state)
{
	static const unsigned counts[] = { 1, 2, 63, 64, 65, 1000 };
	struct capture_row row;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		capture_start(&lab,
			(struct capture_wish){
				.port = "p0", .at = AT_INGRESS, .name = "x", .count = counts[i] });
		capture_traffic(&lab, counts[i] - 1);
		assert_int_equal(capture_wait(&lab, "x", CAPTURE__STATE__RUNNING).state,
			CAPTURE__STATE__RUNNING);
		capture_traffic(&lab, 100);
		row = capture_wait(&lab, "x", CAPTURE__STATE__STOPPED);
		capture_traffic(&lab, 10);
		row = capture_stop(&lab, "x");
		assert_int_equal(row.captured, counts[i]);
		assert_int_equal(row.lost, 0);
		assert_non_null(strstr(row.reason, "frames that it was to have"));
		assert_int_equal(row.state, CAPTURE__STATE__STOPPED);
		assert_file("capture.pcapng", counts[i], row.bytes);
	}
	capture_end(&lab);
}

static void size_ends_it_exactly(void **state)
{
	// A block of a frame of 100 bytes is 164 bytes with the comment of its stage.
	static const unsigned block = 164, sizes[] = { 400, 1000, 10000, 100000, 3000000 };
	struct capture_row row;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		capture_start(&lab,
			(struct capture_wish){
				.port = "p0", .at = AT_INGRESS, .name = "x", .size = sizes[i] });
		capture_traffic(&lab, sizes[i] / block + 10);
		capture_wait(&lab, "x", CAPTURE__STATE__STOPPED);
		row = capture_stop(&lab, "x");
		assert_true(row.bytes <= sizes[i] && row.bytes > sizes[i] - block);
		assert_non_null(strstr(row.reason, "bytes allowed"));
		assert_file("capture.pcapng", (unsigned)row.captured, row.bytes);
	}
	capture_end(&lab);
}

// The hooks of one that ended by itself go without anybody's asking.
static void one_that_ended_leaves_no_hook(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1000, 2000);
	char program[256];
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	capture_start(
		&lab, (struct capture_wish){ .port = "p0", .at = AT_ALL, .name = "x", .count = 3 });
	capture_traffic(&lab, 5);
	capture_wait(&lab, "x", CAPTURE__STATE__STOPPED);
	lab_settle(&lab);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_program(&lab, "eth_src=02:00:00:00:00:00,eth_dst=02:00:00:00:00:01", program,
		sizeof(program));
	assert_string_equal(program, "output p1");
	capture_end(&lab);
}

static void the_last_that_ended_are_remembered(void **state)
{
	struct capture_row rows[CAPTURE_ROWS_MAX];
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	for (unsigned i = 0; i < 70; i++) {
		char name[32];

		assert_int_equal(
			capture_try(&lab,
				(struct capture_wish){ .port = "p0", .at = AT_INGRESS, .count = 1 },
				name),
			0);
		capture_traffic(&lab, 1);
		capture_wait(&lab, name, CAPTURE__STATE__STOPPED);
	}
	assert_int_equal(capture_list(&lab, rows), 64);
	assert_string_equal(rows[0].name, "c7");
	assert_string_equal(rows[63].name, "c70");
	capture_end(&lab);
}

static void goes_on_without_a_port(void **state)
{
	struct lab_frame there = lab_udp(0, 1, 1, 2), third = lab_udp(2, 1, 1, 2);
	struct capture_row row;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	capture_start(&lab, (struct capture_wish){
				    .port = "p0", .port2 = "p2", .at = AT_INGRESS, .name = "x" });
	lab_assert_pass(&lab, 0, &there, 1 << 1);
	lab_remove_port(&lab, 0);
	lab_settle(&lab);
	lab_assert_pass(&lab, 2, &third, 1 << 1);
	row = capture_row(&lab, "x");
	assert_int_equal(row.state, CAPTURE__STATE__RUNNING);
	assert_int_equal(row.n_ports, 1);
	// Another port of that name is another port.
	lab_add_port(&lab, "br0", 0, NULL);
	lab_settle(&lab);
	lab_assert_pass(&lab, 0, &there, 1 << 1);
	lab_remove_port(&lab, 2);
	row = capture_wait(&lab, "x", CAPTURE__STATE__STOPPED);
	assert_string_equal(row.reason, "port p2 was removed");
	assert_int_equal(row.n_ports, 2);
	row = capture_stop(&lab, "x");
	assert_int_equal(row.captured, 2);
	assert_file("capture.pcapng", 2, row.bytes);
	capture_end(&lab);
}

static void a_port_that_comes_can_be_captured(void **state)
{
	struct lab_frame frame = lab_udp(9, 1, 1, 2);
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	lab_assert_refused(&lab,
		capture_try(&lab, (struct capture_wish){ .port = "p9", .at = AT_ALL }, NULL),
		ENOENT, "port \"p9\"");
	lab_add_port(&lab, "br0", 9, NULL);
	capture_start(&lab, (struct capture_wish){ .port = "p9", .at = AT_ALL, .name = "x" });
	lab_assert_pass(&lab, 9, &frame, 1 << 1);
	lab_remove_port(&lab, 9);
	lab_assert_refused(&lab,
		capture_try(&lab, (struct capture_wish){ .port = "p9", .at = AT_ALL, .write = "y" },
			NULL),
		ENOENT, "port \"p9\"");
	assert_int_equal(capture_stop(&lab, "x").captured, 1);
	capture_end(&lab);
}

static void detaching_completes_the_file(void **state)
{
	struct answer answer;
	Capture__List list = CAPTURE__LIST__INIT;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	capture_start(&lab, (struct capture_wish){ .port = "p0", .at = AT_INGRESS });
	capture_start(
		&lab, (struct capture_wish){ .port = "p1", .at = AT_EGRESS, .write = "second" });
	capture_traffic(&lab, 500);
	lab_detach(&lab, "capture");
	lab_settle(&lab);
	assert_file("capture.pcapng", 500, 0);
	assert_file("second", 500, 0);
	call_begin(&lab, &answer, "list", &list.base, -1, 0);
	assert_true(answer.refused < 0);
	// And it can come back.
	lab_attach(&lab, "capture", 10);
	capture_start(&lab, (struct capture_wish){ .port = "p0", .at = AT_INGRESS });
	capture_traffic(&lab, 7);
	assert_int_equal(capture_stop(&lab, "c1").captured, 7);
	capture_end(&lab);
}

// As a daemon that is told to end does.
static void the_end_of_everything_completes_the_file(void **state)
{
	char path[256];
	struct pcapng_file file;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	capture_start(&lab, (struct capture_wish){ .port = "p0", .at = AT_INGRESS });
	capture_traffic(&lab, 500);
	lab_abandon(&lab);
	snprintf(path, sizeof(path), "%s", capture_path("capture.pcapng"));
	pcapng_read(&file, path);
	assert_int_equal(file.n_frames, 500);
	pcapng_free(&file);
	unlink(path);
}

// What a client began goes on when it has left before the answer.
static void a_client_that_left_is_not_missed(void **state)
{
	struct capture_wish wish = { .port = "p0", .at = AT_INGRESS, .name = "x" };
	struct answer answer;
	Capture__Stop stop = CAPTURE__STOP__INIT;
	struct capture_row rows[CAPTURE_ROWS_MAX];
	struct pcapng_file file;
	unsigned n = 0;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	capture_start_begin(&lab, wish, &answer);
	assert_non_null(answer.running);
	weir_call_cancel(answer.running);
	while (capture_list(&lab, rows) == 0)
		lab_run(&lab);
	// What is seen is counted a little later.
	for (; capture_row(&lab, "x").seen == 0; n++) {
		capture_traffic(&lab, 1);
		usleep(1000);
	}
	capture_traffic(&lab, 1000);
	stop.name = (char *)(uintptr_t) "x";
	call_begin(&lab, &answer, "stop", &stop.base, -1, 0);
	if (answer.running)
		weir_call_cancel(answer.running);
	while (capture_list(&lab, rows) > 0)
		lab_run(&lab);
	assert_false(answer.ended);
	pcapng_read(&file, capture_path("capture.pcapng"));
	assert_in_range(file.n_frames, 1001, n + 1000);
	pcapng_free(&file);
	capture_end(&lab);
}

static void stopped_before_it_began(void **state)
{
	struct capture_wish wish = { .port = "p0", .at = AT_INGRESS, .name = "x" };
	struct answer start;
	struct capture_row row;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	capture_start_begin(&lab, wish, &start);
	assert_int_equal(capture_try_stop(&lab, "x", &row), 0);
	assert_true(start.ended);
	assert_int_equal(start.refused, -EIO);
	assert_int_equal(row.captured, 0);
	assert_file("capture.pcapng", 0, row.bytes);
	capture_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(count_ends_it_exactly),
		cmocka_unit_test(size_ends_it_exactly),
		cmocka_unit_test(one_that_ended_leaves_no_hook),
		cmocka_unit_test(the_last_that_ended_are_remembered),
		cmocka_unit_test(goes_on_without_a_port),
		cmocka_unit_test(a_port_that_comes_can_be_captured),
		cmocka_unit_test(detaching_completes_the_file),
		cmocka_unit_test(the_end_of_everything_completes_the_file),
		cmocka_unit_test(a_client_that_left_is_not_missed),
		cmocka_unit_test(stopped_before_it_began),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
