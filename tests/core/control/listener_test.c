// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The socket file: what is replaced, what is refused, who may connect.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/listener.h"

static char directory[64];
static char path[80];

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/weir-listener-XXXXXX");
	if (!mkdtemp(directory) || chmod(directory, 0755) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/sock", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void check_refused(const char *where, int code, const char *part)
{
	struct weir_error error = { 0 };
	struct listener listener;

	assert_int_equal(listener_open(&listener, where, &error), code);
	assert_int_equal(error.code, code);
	assert_string_equal(error.field, "socket");
	if (!strstr(error.message, part))
		fail_msg("\"%s\" does not say \"%s\"", error.message, part);
}

static void check_open(struct listener *listener)
{
	struct weir_error error = { 0 };

	if (listener_open(listener, path, &error) < 0)
		fail_msg("%s", error.message);
}

static void test_mode(void **state)
{
	struct listener listener;
	struct stat status;
	mode_t umask_before = umask(0);

	(void)state;
	check_open(&listener);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0660);
	listener_close(&listener);
	assert_int_equal(stat(path, &status), -1);
	umask(0777);
	check_open(&listener);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0660);
	listener_close(&listener);
	umask(umask_before);
}

static void test_refusals(void **state)
{
	char long_path[200];
	struct listener listener;

	(void)state;
	memset(long_path, 'a', sizeof(long_path));
	*long_path = '/';
	long_path[108] = '\0';
	check_refused(long_path, -ENAMETOOLONG, "107 bytes");
	check_refused("", -ENAMETOOLONG, "107 bytes");
	check_refused("/nonexistent/a/sock", -ENOENT, "directory");
	check_refused("/dev/null/sock", -ENOTDIR, "directory");
	check_refused(directory, -EEXIST, "not a socket");
	close(open(path, O_CREAT | O_WRONLY, 0600));
	check_refused(path, -EEXIST, "not a socket");
	unlink(path);
	assert_int_equal(symlink("/nonexistent", path), 0);
	check_refused(path, -EEXIST, "not a socket");
	unlink(path);
	check_open(&listener);
	check_refused(path, -EADDRINUSE, "another weir-switchd");
	listener_close(&listener);
}

// A daemon that died leaves its file behind.
static void test_stale(void **state)
{
	struct listener dead, listener;

	(void)state;
	check_open(&dead);
	close(dead.fd);
	check_open(&listener);
	check_refused(path, -EADDRINUSE, "another weir-switchd");
	listener_close(&listener);
}

// One that is dying is waited for, though it listens still.
static void test_dying(void **state)
{
	struct listener dying, listener;
	pid_t child;

	(void)state;
	check_open(&dying);
	child = fork();
	if (child == 0) {
		usleep(300000);
		_exit(0);
	}
	close(dying.fd);
	check_open(&listener);
	assert_int_equal(waitpid(child, NULL, 0), child);
	listener_close(&listener);
}

// A daemon whose file was taken away leaves another's in its place alone.
static void test_replaced(void **state)
{
	struct listener first, second;

	(void)state;
	check_open(&first);
	assert_int_equal(unlink(path), 0);
	check_open(&second);
	listener_close(&first);
	check_refused(path, -EADDRINUSE, "another weir-switchd");
	listener_close(&second);
	assert_int_equal(access(path, F_OK), -1);
}

// A backlog that is full of waiting clients is a live daemon too.
static void test_full_backlog(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct listener listener;
	int fds[300], n = 0;

	(void)state;
	check_open(&listener);
	strcpy(address.sun_path, path);
	for (; n < 300; n++) {
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fds[n], (struct sockaddr *)&address, sizeof(address)) < 0)
			break;
	}
	assert_in_range(n, 1, 299);
	check_refused(path, -EADDRINUSE, "another weir-switchd");
	for (; n >= 0; n--)
		close(fds[n]);
	listener_close(&listener);
}

// Of processes that start together, with a stale file there, exactly one gets the socket.
static void test_race(void **state)
{
	enum { N = 8, ROUNDS = 5 };

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		int start[2], done[2], winners = 0, status;
		struct listener listener;

		check_open(&listener);
		close(listener.fd); // stale
		assert_int_equal(pipe(start) + pipe(done), 0);
		for (int i = 0; i < N; i++) {
			char byte;

			if (fork() > 0)
				continue;
			close(start[1]);
			close(done[1]);
			if (read(start[0], &byte, 1) != 0)
				_exit(2);
			status = listener_open(&listener, path, NULL);
			// The winner listens until all have tried.
			if (status == 0 && read(done[0], &byte, 1) != 0)
				_exit(2);
			_exit(status == 0 ? 0 : status == -EADDRINUSE ? 1 : 2);
		}
		close(start[0]);
		close(done[0]);
		close(start[1]);
		for (int i = 0; i < N; i++) {
			// The losers end first; then the winner is let go.
			if (i == N - 1)
				close(done[1]);
			wait(&status);
			assert_true(WIFEXITED(status));
			assert_in_range(WEXITSTATUS(status), 0, 1);
			winners += WEXITSTATUS(status) == 0;
		}
		assert_int_equal(winners, 1);
		unlink(path);
	}
}

// What a child with these ids is told when it connects.
static int admit_child(struct listener *listener, uid_t uid, gid_t gid, gid_t supplementary)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct weir_error error = { 0 };
	int result = 1, fd, status;
	pid_t child;

	strcpy(address.sun_path, path);
	child = fork();
	if (child == 0) {
		char byte;

		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (setgroups(1, &supplementary) < 0 || setgid(gid) < 0 || setuid(uid) < 0 ||
			connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			_exit(1);
		_exit(read(fd, &byte, 1) == 0 ? 0 : 1);
	}
	fcntl(listener->fd, F_SETFL, 0);
	fd = accept(listener->fd, NULL, NULL);
	assert_true(fd >= 0);
	result = listener_admit(listener, fd, &error);
	if (result < 0)
		assert_non_null(strstr(error.message, "may not use the switch"));
	close(fd);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	return result;
}

static void test_access(void **state)
{
	enum { NOBODY = 65534, OTHER = 4242, MEMBER = 4243 };
	struct listener listener;

	(void)state;
	if (geteuid() != 0) {
		print_message("skipped: only root can take on other users\n");
		skip();
	}
	check_open(&listener);
	// The mode alone would keep them out; here the second check is meant.
	assert_int_equal(chmod(path, 0666), 0);
	listener.has_group = true;
	listener.group = MEMBER;
	assert_int_equal(admit_child(&listener, 0, 0, 0), 0);
	assert_int_equal(admit_child(&listener, NOBODY, OTHER, OTHER), -EACCES);
	assert_int_equal(admit_child(&listener, NOBODY, MEMBER, OTHER), 0);
	assert_int_equal(admit_child(&listener, NOBODY, OTHER, MEMBER), 0);
	listener.has_group = false;
	assert_int_equal(admit_child(&listener, NOBODY, MEMBER, MEMBER), -EACCES);
	listener_close(&listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_dying),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_full_backlog),
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_access),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
