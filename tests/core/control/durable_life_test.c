// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// How a state that is kept begins and ends: restored at the start, complete at the end; and the
// meters, which are written twice a second meanwhile.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "control/durable.h"
#include "fake_store.h"
#include "fixture.h"

static struct fixture *start(void)
{
	memset(&fake_disk, 0, sizeof(fake_disk));
	return fixture_start_durable();
}

static bool weir_has[4], disk_has[4];
static char last[512];
static unsigned n_batches, n_meters;

static void look(struct weir *weir)
{
	static const char *const names[] = { "br0", "br1", "br2", "br3" };

	for (unsigned i = 0; i < 4; i++) {
		weir_has[i] = fake_has(weir, names[i]);
		disk_has[i] = fake_disk_has(names[i]);
	}
	strcpy(last, weir->last);
	n_batches = fake_disk.n_batches;
	n_meters = fake_disk.n_meters;
}

static void count_frames(struct weir *weir)
{
	weir->meter += 5;
}

static bool nothing_comes(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

// A second daemon on the same disk is what the first was; and does not write what it read.
static void test_restart(void **state)
{
	struct fixture *fixture = start();
	int fd = fixture_connect(fixture);

	(void)state;
	send_text(fd, "switch_add name=br0", 1);
	send_text(fd, "switch_add name=br2", 2);
	check_done(fd, 1);
	check_done(fd, 2);
	close(fd);
	fixture_stop(fixture);
	assert_int_equal(fake_disk.n_saved, 1);
	assert_int_equal(fake_disk.n_meters, 1); // all, though none moved
	fixture = fixture_start_durable();
	n_batches = fake_disk.n_batches;
	fixture_run(fixture, look);
	assert_int_equal(n_batches, fake_disk.n_batches);
	assert_true(weir_has[0] && weir_has[2] && !weir_has[1]);
	assert_memory_equal(last, "apply 2 16,", 11);
	fixture_stop(fixture);
}

// A daemon that stops writes what was not on disk yet, though its clients are gone.
static void test_stop(void **state)
{
	struct fixture *fixture = start();
	int fd = fixture_connect(fixture);

	(void)state;
	fixture_run(fixture, fake_disk_hold);
	send_text(fd, "switch_add name=br0", 1);
	send_text(fd, "switch_add name=br1", 2);
	check_alive(fd, 3);
	fixture_stop(fixture);
	check_end(fd);
	assert_true(fake_disk_has("br0") && fake_disk_has("br1"));
	// And one whose disk fails then stops all the same.
	fixture = start();
	fd = fixture_connect(fixture);
	fixture_run(fixture, fake_disk_hold);
	fixture_run(fixture, fake_disk_fail);
	send_text(fd, "switch_add name=br0", 1);
	check_alive(fd, 3);
	fixture_stop(fixture);
	check_end(fd);
	assert_false(fake_disk_has("br0"));
}

static void wait_meters(struct fixture *fixture, unsigned n)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	for (unsigned i = 0; i < 500 && n_meters < n; i++) {
		nanosleep(&pause, NULL);
		fixture_run(fixture, look);
	}
	assert_int_equal(n_meters, n);
}

// Twice a second when they moved, and only then; a reset at once, before its answer.
static void test_meters(void **state)
{
	const struct timespec two_ticks = { .tv_sec = 2, .tv_nsec = 200000000 };
	struct fixture *fixture = start();
	int fd = fixture_connect(fixture);

	(void)state;
	fixture_run(fixture, count_frames);
	fixture_run(fixture, look);
	wait_meters(fixture, 1);
	nanosleep(&two_ticks, NULL);
	fixture_run(fixture, look);
	assert_int_equal(n_meters, 1);
	fixture_run(fixture, fake_disk_hold);
	send_text(fd, "meter_list target=vm1 reset=1", 1);
	check_alive(fd, 2);
	check_alive(fd, 3);
	assert_true(nothing_comes(fd));
	fixture_run(fixture, fake_disk_write);
	check_done(fd, 1);
	fixture_run(fixture, look);
	assert_int_equal(n_meters, 2);
	close(fd);
	fixture_stop(fixture);
}

static void change_unasked(struct weir *weir)
{
	fake_set(weir, "br1", true);
	fake_tell(weir, "br1", false);
}

// Counts that could not be written are written later, though they do not move any more. Nobody is
// refused for them, and nothing is taken back; unless what was changed without a request is lost
// with them.
static void test_meters_lost(void **state)
{
	struct fixture *fixture = start();
	int fd = fixture_connect(fixture);
	const struct timespec pause = { .tv_nsec = 10000000 };
	const struct timespec two_ticks = { .tv_sec = 1, .tv_nsec = 200000000 };

	(void)state;
	n_meters = 0;
	fixture_run(fixture, fake_disk_fail);
	fixture_run(fixture, count_frames);
	nanosleep(&two_ticks, NULL);
	fixture_run(fixture, look);
	assert_string_equal(last, "apply 0 16"); // of the start
	fixture_run(fixture, change_unasked);
	fixture_run(fixture, look);
	assert_true(weir_has[1]);
	do {
		nanosleep(&pause, NULL);
		fixture_run(fixture, look);
	} while (strcmp(last, "apply 0 24") != 0);
	assert_false(weir_has[1]);
	assert_int_equal(n_meters, 0);
	fixture_run(fixture, fake_disk_mend);
	wait_meters(fixture, 1);
	send_text(fd, "switch_add name=br0", 1);
	check_done(fd, 1);
	close(fd);
	fixture_stop(fixture);
}

static void test_refused_directory(void **state)
{
	const struct durable_options options = { .directory = "/refused" };
	struct durable *durable = NULL;
	struct weir_error error;
	struct weir weir = { .hold = false };
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	assert_int_equal(durable_open(&weir, &loop, &options, &durable, &error), -EBUSY);
	assert_string_equal(error.message, "another daemon has /refused");
	assert_null(durable);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static unsigned n_stopped;

static void on_stopped(void *context)
{
	n_stopped += context == &n_stopped;
}

// What cannot be read is no empty state.
static void test_unreadable(void **state)
{
	const struct durable_options options = { .directory = "/state" };
	struct durable *durable;
	struct weir_error error;
	struct weir weir = { .hold = false };
	uv_loop_t loop;

	(void)state;
	memset(&fake_disk, 0, sizeof(fake_disk));
	fake_disk.unreadable = true;
	uv_loop_init(&loop);
	assert_int_equal(durable_open(&weir, &loop, &options, &durable, &error), 0);
	assert_int_equal(durable_restore(durable, &error), -EIO);
	durable_stop(durable, on_stopped, &n_stopped);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(n_stopped, 1);
	assert_int_equal(fake_disk.n_batches, 0);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_meters),
		cmocka_unit_test(test_meters_lost),
		cmocka_unit_test(test_refused_directory),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
