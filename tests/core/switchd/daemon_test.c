// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// weir-switchd as a process: coming up, refusing to, going down. The daemon is the real one but for
// the switch in it, so that this needs no rights and no interfaces.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../control/fixture.h"

static struct fixture place; // only its directory and path

static int make_place(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	// Daemons in the background become our children once their parents have left.
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	strcpy(place.directory, "/tmp/weir-switchd-XXXXXX");
	if (!mkdtemp(place.directory))
		return -1;
	snprintf(place.path, sizeof(place.path), "%s/run/sock", place.directory);
	return 0;
}

static int remove_place(void **state)
{
	char run[96];

	(void)state;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	unsetenv("NOTIFY_SOCKET");
	unlink(place.path);
	snprintf(run, sizeof(run), "%s/run", place.directory);
	rmdir(run);
	return rmdir(place.directory);
}

// Starts the daemon with the words of line; its standard error goes to *output.
static pid_t start(const char *line, int *output)
{
	char copy[512], *argv[16] = { (char *)SWITCHD }, *at = copy;
	int ends[2], argc = 1;
	pid_t child;

	snprintf(copy, sizeof(copy), "%s", line);
	while ((argv[argc] = strsep(&at, " ")))
		argc += *argv[argc] != '\0';
	argv[argc] = NULL;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		execv(SWITCHD, argv);
		_exit(127);
	}
	close(ends[1]);
	*output = ends[0];
	return child;
}

static int end_of(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

// What the daemon says until it closes its streams.
static void read_all(int output, char *text, size_t size)
{
	size_t used = 0;
	ssize_t got;

	while ((got = read(output, text + used, size - 1 - used)) > 0)
		used += (size_t)got;
	text[used] = '\0';
	close(output);
}

static void wait_for_line(int output, const char *part)
{
	char text[1024] = "";
	size_t used = 0;

	while (!strstr(text, part)) {
		ssize_t got = read(output, text + used, sizeof(text) - 1 - used);

		if (got <= 0)
			fail_msg("\"%s\" is not in \"%s\"", part, text);
		used += (size_t)got;
		text[used] = '\0';
	}
}

static void check_exit(const char *line, int code, const char *part)
{
	char text[4096];
	int output;
	pid_t child = start(line, &output);

	read_all(output, text, sizeof(text));
	if (end_of(child) != code || !strstr(text, part))
		fail_msg("%s: expected %d and \"%s\", got \"%s\"", line, code, part, text);
}

static pid_t pid_behind_socket(void)
{
	int fd = fixture_connect(&place);
	Weir__Control__Reply *reply;
	pid_t pid;

	send_hello(fd, 1);
	reply = receive_reply(fd);
	assert_non_null(reply);
	assert_int_equal(reply->payload_case, WEIR__CONTROL__REPLY__PAYLOAD_HELLO);
	pid = reply->hello->pid;
	weir__control__reply__free_unpacked(reply, NULL);
	close(fd);
	return pid;
}

// The socket's file is there a little before anybody listens.
static void wait_for_listener(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, place.path);
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		assert_true(errno == ENOENT || errno == ECONNREFUSED);
		usleep(1000);
	}
	close(fd);
}

static const char *with_socket(const char *options)
{
	static char line[256];

	snprintf(line, sizeof(line), "--socket %s --state none %s", place.path, options);
	return line;
}

static void test_information(void **state)
{
	(void)state;
	check_exit("--help", 0, "usage: weir-switchd");
	check_exit("--version", 0, "weir-switchd ");
	check_exit("--workers 0", 2, "--workers \"0\"");
	check_exit("br0", 2, "unexpected argument");
}

static void test_foreground(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT };
	char text[1024];
	int output;

	(void)state;
	for (int i = 0; i < 2; i++) {
		pid_t child = start(with_socket("--foreground"), &output);
		int client;

		wait_for_line(output, "info: ready");
		assert_int_equal(pid_behind_socket(), child);
		client = fixture_connect(&place);
		kill(child, signals[i]);
		assert_null(receive_reply(client));
		close(client);
		read_all(output, text, sizeof(text));
		assert_int_equal(end_of(child), 0);
		assert_int_equal(access(place.path, F_OK), -1);
	}
}

// The command returns when the daemon can be used, with nothing of the terminal kept.
static void test_background(void **state)
{
	char text[1024], link[64], target[64] = "";
	int output;
	pid_t child = start(with_socket("--workers 1"), &output), daemon;

	(void)state;
	read_all(output, text, sizeof(text));
	assert_string_equal(text, "");
	assert_int_equal(end_of(child), 0);
	daemon = pid_behind_socket();
	assert_int_not_equal(daemon, child);
	assert_int_equal(getsid(daemon), daemon);
	snprintf(link, sizeof(link), "/proc/%d/cwd", daemon);
	assert_int_equal(readlink(link, target, sizeof(target) - 1), 1);
	assert_string_equal(target, "/");
	kill(daemon, SIGTERM);
	assert_int_equal(end_of(daemon), 0);
	assert_int_equal(access(place.path, F_OK), -1);
}

// What went wrong is said where the daemon was started, in the background too.
static void test_refusals(void **state)
{
	int output;
	pid_t child = start(with_socket("--foreground"), &output);

	(void)state;
	wait_for_line(output, "info: ready");
	check_exit(with_socket(""), 1, "another weir-switchd is listening there");
	check_exit(with_socket("--foreground"), 1, "another weir-switchd is listening there");
	check_exit("--state none --socket /nonexistent/a/b", 1, "cannot make its directory");
	check_exit(with_socket("--workers 64"), 1, "too many for a fake");
	assert_int_equal(pid_behind_socket(), child);
	kill(child, SIGTERM);
	close(output);
	assert_int_equal(end_of(child), 0);
}

// What a kill leaves behind does not keep the next daemon from starting.
static void test_after_kill(void **state)
{
	int output, status;
	pid_t child = start(with_socket("--foreground"), &output);

	(void)state;
	wait_for_line(output, "info: ready");
	close(output);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	assert_int_equal(access(place.path, F_OK), 0);
	child = start(with_socket("--foreground"), &output);
	wait_for_line(output, "info: ready");
	assert_int_equal(pid_behind_socket(), child);
	kill(child, SIGTERM);
	close(output);
	assert_int_equal(end_of(child), 0);
}

// What comes next from the daemon, which knows the address.
static void assert_told(int manager, const char *expected)
{
	char text[256];
	ssize_t size = recv(manager, text, sizeof(text) - 1, 0);

	assert_true(size >= 0);
	text[size] = '\0';
	assert_string_equal(text, expected);
}

static void skip_watchdog(int manager)
{
	char first;

	while (recv(manager, &first, 1, MSG_PEEK) == 1 && first == 'W')
		assert_told(manager, "WATCHDOG=1");
}

// Supervised it stays in the foreground, and tells how it is.
static void test_supervised(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = 20 };
	int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), output;
	pid_t child;

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", place.directory);
	assert_int_equal(bind(manager, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	setenv("WATCHDOG_USEC", "200000", 1);
	child = start(with_socket(""), &output);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	assert_told(manager, "READY=1\nSTATUS=ready");
	assert_told(manager, "WATCHDOG=1");
	assert_told(manager, "WATCHDOG=1");
	assert_int_equal(pid_behind_socket(), child);
	kill(child, SIGTERM);
	skip_watchdog(manager);
	assert_told(manager, "STOPPING=1\nSTATUS=stopping");
	close(output);
	assert_int_equal(end_of(child), 0);
	close(manager);
	assert_int_equal(unlink(address.sun_path), 0);
}

// ThreadSanitizer keeps signals back and hands them over later, for which it is not quite ready:
// - What a thread gets while its list of such signals is being made, which is before it blocks for
//   the first time, is lost. Who has answered a request has blocked before.
// - What comes when it is about to hand over another signal is handed over within the handler of
//   that one, where libuv's handler waits for itself. The same signal again is not.
#if defined(__SANITIZE_THREAD__)
enum { IMPATIENT = SIGTERM };
#else
enum { IMPATIENT = SIGINT };
#endif

// A hangup is none of its business, and who is impatient gets a clean end all the same.
static void test_signals(void **state)
{
	int output;
	pid_t child = start(with_socket("--foreground"), &output);

	(void)state;
	wait_for_line(output, "info: ready");
	assert_int_equal(pid_behind_socket(), child);
	kill(child, SIGHUP);
	wait_for_line(output, "SIGHUP is ignored");
	assert_int_equal(pid_behind_socket(), child);
	for (int i = 0; i < 20; i++)
		kill(child, i % 2 ? IMPATIENT : SIGTERM);
	wait_for_line(output, "info: stopped");
	close(output);
	assert_int_equal(end_of(child), 0);
	assert_int_equal(access(place.path, F_OK), -1);
}

static void test_log_level(void **state)
{
	char text[1024];
	int output;
	pid_t child = start(with_socket("--foreground --log-level warning"), &output);

	(void)state;
	wait_for_listener();
	assert_int_equal(pid_behind_socket(), child);
	kill(child, SIGTERM);
	read_all(output, text, sizeof(text));
	assert_string_equal(text, "");
	assert_int_equal(end_of(child), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_information),
		cmocka_unit_test(test_foreground),
		cmocka_unit_test(test_background),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_after_kill),
		cmocka_unit_test(test_supervised),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_log_level),
	};

	return cmocka_run_group_tests(tests, make_place, remove_place);
}
