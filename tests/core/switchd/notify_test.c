// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the service manager is told, by sockets of both kinds of addresses that sd_notify(3) names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "switchd/notify.h"

static char directory[] = "/tmp/weir-notify-XXXXXX";

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

// The manager's end.
static int receive_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	memcpy(address.sun_path, name, strlen(name));
	if (*name == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	return fd;
}

static void assert_received(int fd, const char *expected)
{
	char text[256];
	ssize_t size = recv(fd, text, sizeof(text) - 1, 0);

	assert_true(size >= 0);
	text[size] = '\0';
	assert_string_equal(text, expected);
}

static void check_address(const char *name)
{
	struct notify notify;
	int fd = receive_at(name);
	char byte;

	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_open(&notify), 0);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_int_equal(notify.watchdog_ms, 0);
	notify_send(&notify, "READY=1\nSTATUS=ready");
	notify_send(&notify, "STOPPING=1");
	assert_received(fd, "READY=1\nSTATUS=ready");
	assert_received(fd, "STOPPING=1");
	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
	close(fd);
	// A manager that is gone keeps nobody.
	notify_send(&notify, "WATCHDOG=1");
	notify_close(&notify);
	notify_send(&notify, "WATCHDOG=1");
}

static void test_addresses(void **state)
{
	char name[108];

	(void)state;
	snprintf(name, sizeof(name), "%s/notify", directory);
	check_address(name);
	assert_int_equal(unlink(name), 0);
	snprintf(name, sizeof(name), "@weir-notify-test-%d", getpid());
	check_address(name);
}

static void test_nobody(void **state)
{
	static const struct {
		const char *name;
		int error;
	} rows[] = {
		{ "", -EINVAL },
		{ "/", -EINVAL },
		{ "@", -EINVAL },
		{ "relative", -EINVAL },
		{ "vsock:2:1234", -EINVAL },
		{ "/nonexistent/notify", -ENOENT },
		{ "/dev/null", -ECONNREFUSED },
		{ "@weir-nobody-is-here", -ECONNREFUSED },
		{ "/0123456789012345678901234567890123456789012345678901234567890123456789"
		  "01234567890123456789012345678901234567890123456789",
			-EINVAL },
	};
	struct notify notify;

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_open(&notify), 0);
	notify_send(&notify, "READY=1");
	notify_close(&notify);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setenv("NOTIFY_SOCKET", rows[i].name, 1);
		if (notify_open(&notify) != rows[i].error)
			fail_msg("\"%s\" is not refused with %d", rows[i].name, rows[i].error);
		assert_int_equal(notify.fd, -1);
		notify_send(&notify, "READY=1");
	}
}

static void test_watchdog(void **state)
{
	char name[108], own[24];
	const struct {
		const char *us, *pid;
		uint64_t ms;
	} rows[] = {
		{ "30000000", NULL, 15000 },
		{ "30000000", own, 15000 },
		{ "30000000", "1", 0 }, // somebody else's
		{ "3000", own, 1 },
		{ "nonsense", own, 0 },
		{ NULL, own, 0 },
	};

	(void)state;
	snprintf(own, sizeof(own), "%d", getpid());
	snprintf(name, sizeof(name), "@weir-watchdog-test-%d", getpid());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = receive_at(name);
		struct notify notify;

		setenv("NOTIFY_SOCKET", name, 1);
		if (rows[i].us)
			setenv("WATCHDOG_USEC", rows[i].us, 1);
		if (rows[i].pid)
			setenv("WATCHDOG_PID", rows[i].pid, 1);
		assert_int_equal(notify_open(&notify), 0);
		assert_int_equal(notify.watchdog_ms, rows[i].ms);
		assert_null(getenv("WATCHDOG_USEC"));
		assert_null(getenv("WATCHDOG_PID"));
		notify_close(&notify);
		close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_watchdog),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
