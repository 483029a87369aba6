// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The end of a server: what was begun is answered, what was not is not, and nobody can keep it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"

static struct fixture *stopping; // by begin_stop()

static void on_stopped(void *context)
{
	struct fixture *fixture = context;

	uv_close((uv_handle_t *)&fixture->wakeup, NULL);
}

static void begin_stop(struct weir *weir)
{
	(void)weir;
	control_server_stop(stopping->server, on_stopped, stopping);
}

static void end_stop(struct fixture *fixture)
{
	struct stat status;

	pthread_join(fixture->thread, NULL);
	control_server_destroy(fixture->server);
	assert_int_equal(uv_loop_close(&fixture->loop), 0);
	assert_int_equal(stat(fixture->path, &status), -1);
	assert_int_equal(rmdir(fixture->directory), 0);
	sem_destroy(&fixture->ran);
	free(fixture);
}

static void hold(struct weir *weir)
{
	weir->hold = true;
}

static void assert_refuses_connections(const struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, fixture->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), -1);
	assert_int_equal(errno, ENOENT);
	close(fd);
}

static void test_begun_is_answered(void **state)
{
	struct fixture *fixture = stopping = fixture_start(0, 0);
	int pending = fixture_connect(fixture), idle = fixture_connect(fixture);
	int subscriber = fixture_connect(fixture);

	(void)state;
	fixture_run(fixture, hold);
	send_text(subscriber, "event_subscribe", 1);
	assert_int_equal(take_id(subscriber, NULL), 1);
	send_text(pending, "switch_add name=br0", 2);
	send_text(pending, "hello", 3); // shows that the one before was begun
	assert_int_equal(take_id(pending, NULL), 3);
	check_alive(idle, 4);

	fixture_run(fixture, begin_stop);
	// Who waits for nothing is let go at once.
	check_end(idle);
	check_end(subscriber);
	assert_refuses_connections(fixture);
	// Not begun any more.
	send_text(pending, "switch_add name=br1", 5);
	fixture_run(fixture, fake_complete);
	assert_int_equal(take_id(pending, NULL), 2);
	check_end(pending);
	end_stop(fixture);
}

// What takes too long is left.
static void test_nobody_keeps_it(void **state)
{
	struct fixture *fixture = stopping = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	fixture_run(fixture, hold);
	send_text(fd, "switch_add name=br0", 1);
	send_text(fd, "hello", 2);
	assert_int_equal(take_id(fd, NULL), 2);
	fixture_run(fixture, begin_stop);
	check_end(fd); // after five seconds
	end_stop(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begun_is_answered),
		cmocka_unit_test(test_nobody_keeps_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
