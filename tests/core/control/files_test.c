// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Descriptors that clients pass: whose they are, what they may be, and that none is left.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "control/files.h"
#include "fixture.h"

// The server lives in this process: its descriptors and the test's own.
static unsigned count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(directory);
	while (readdir(directory))
		n++;
	closedir(directory);
	return n;
}

// The server closes in its own time.
static void check_descriptors(unsigned expected)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	for (unsigned i = 0; i < 2000 && count_descriptors() > expected; i++)
		nanosleep(&pause, NULL);
	assert_int_equal(count_descriptors(), expected);
}

static int make_file(const char *content)
{
	int fd = memfd_create("weir-test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	return fd;
}

// Takes what a call of type "read" answers: the contents of its files, and the end.
static void check_read(int fd, uint64_t id, const char *const *contents, unsigned n)
{
	for (unsigned i = 0; i <= n; i++) {
		Weir__Control__Reply *reply = receive_reply(fd);

		assert_non_null(reply);
		if (reply->status)
			fail_msg("refused: %s", reply->status->message);
		assert_int_equal(reply->id, id);
		assert_int_equal(reply->more, i < n);
		if (i < n) {
			assert_int_equal(reply->call->body.len, strlen(contents[i]));
			assert_memory_equal(
				reply->call->body.data, contents[i], strlen(contents[i]));
		}
		weir__control__reply__free_unpacked(reply, NULL);
	}
}

// In the order in which they came, also when they came earlier, or more than were asked for.
static void test_order(void **state)
{
	static const char *const contents[] = { "one", "two", "three", "four" };
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture), files[4];
	unsigned before;

	(void)state;
	check_alive(fd, 1);
	for (unsigned i = 0; i < 4; i++)
		files[i] = make_file(contents[i]);
	before = count_descriptors();
	assert_true(send_text_files(fd, "hello", 1, files, 1));
	assert_int_equal(take_id(fd, NULL), 1);
	assert_true(send_text_files(
		fd, "extension_call extension=cap type=read files=2", 2, files + 1, 3));
	check_read(fd, 2, contents, 2);
	send_text(fd, "extension_call extension=cap type=read", 3);
	check_read(fd, 3, NULL, 0);
	send_text(fd, "extension_call extension=cap type=read files=2", 4);
	check_read(fd, 4, contents + 2, 2);
	check_descriptors(before);
	for (unsigned i = 0; i < 4; i++)
		close(files[i]);
	close(fd);
	fixture_stop(fixture);
}

// Fewer than the request says: refused, and what came for it is not left for the next.
static void test_too_few(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture), file = make_file("x");
	unsigned before;

	(void)state;
	check_alive(fd, 1);
	before = count_descriptors();
	assert_true(
		send_text_files(fd, "extension_call extension=cap type=read files=2", 2, &file, 1));
	check_refused(fd, 2, WEIR__CONTROL__STATUS__CODE__INVALID, "only 1 descriptors");
	send_text(fd, "extension_call extension=cap type=read files=1", 3);
	check_refused(fd, 3, WEIR__CONTROL__STATUS__CODE__INVALID, "only 0 descriptors");
	send_text(fd, "extension_call extension=cap type=read files=9", 4);
	check_refused(fd, 4, WEIR__CONTROL__STATUS__CODE__INVALID, "8");
	check_descriptors(before);
	close(file);
	close(fd);
	fixture_stop(fixture);
}

// Pipes, sockets, directories and devices arrive too, are closed on exec, and nothing of theirs is
// changed: a file description may be shared.
static void test_kinds(void **state)
{
	static const char *const no_file = "no file";
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture), files[6];
	unsigned before;

	(void)state;
	check_alive(fd, 1);
	assert_int_equal(pipe2(files, O_CLOEXEC), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, files + 2), 0);
	files[4] = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	files[5] = open("/dev/null", O_RDWR | O_CLOEXEC);
	before = count_descriptors();
	for (unsigned i = 0; i < 6; i++) {
		const int flags = fcntl(files[i], F_GETFL);

		assert_true(send_text_files(
			fd, "extension_call extension=cap type=read files=1", i, files + i, 1));
		check_read(fd, i, &no_file, 1);
		assert_int_equal(fcntl(files[i], F_GETFL), flags);
	}
	check_descriptors(before);
	for (unsigned i = 0; i < 6; i++)
		close(files[i]);
	close(fd);
	fixture_stop(fixture);
}

// Eight may wait; what is passed beyond ends the connection, at once or bit by bit, with a
// sentence.
static void test_flood(void **state)
{
	static const unsigned sizes[] = { 1, 2, 8, 9, 64, 65, 253 };
	struct fixture *fixture = fixture_start(0, 0);
	int other = fixture_connect(fixture), files[256];
	unsigned before;

	(void)state;
	check_alive(other, 1);
	files[0] = make_file("x");
	for (unsigned i = 1; i < 256; i++)
		files[i] = files[0];
	before = count_descriptors();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int fd = fixture_connect(fixture);
		unsigned n_sent = 0;

		while (send_text_files(fd, "hello", 1, files, sizes[i]))
			n_sent++;
		assert_true(n_sent >= FILES_MAX / sizes[i]);
		close(fd);
		check_alive(other, 2);
		check_descriptors(before);
	}
	close(files[0]);
	close(other);
	fixture_stop(fixture);
}

static void test_flood_is_told(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture), files[FILES_MAX + 1];

	(void)state;
	for (unsigned i = 0; i <= FILES_MAX; i++)
		files[i] = make_file("x");
	send_text(fd, "extension_call extension=cap type=hold", 1);
	assert_true(send_text_files(fd, "hello", 2, files, FILES_MAX));
	assert_int_equal(take_id(fd, NULL), 2);
	assert_true(send_text_files(fd, "switch_add name=br0", 3, files, 1));
	check_refused(fd, 0, WEIR__CONTROL__STATUS__CODE__EXHAUSTED, "9 descriptors passed");
	check_end(fd);
	for (unsigned i = 0; i <= FILES_MAX; i++)
		close(files[i]);
	fixture_stop(fixture);
}

// Clients that die with descriptors on their way, in every state.
static void test_gone(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int other = fixture_connect(fixture), file = make_file("x");
	unsigned before;

	(void)state;
	check_alive(other, 1);
	before = count_descriptors();
	for (unsigned i = 0; i < 100; i++) {
		int fd = fixture_connect(fixture);

		assert_true(send_text_files(fd,
			i % 2 ? "hello" : "extension_call extension=cap type=hold files=1", i,
			&file, 1));
		if (i % 4 < 2)
			send_bytes(fd, "\0\0\0\x10", 4);
		close(fd);
	}
	check_alive(other, 2);
	check_descriptors(before);
	close(file);
	close(other);
	fixture_stop(fixture);
}

// When the process has no room for a descriptor the system drops it: the request is refused.
static void test_no_room(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture), file = make_file("x");
	struct rlimit limit, none;

	(void)state;
	check_alive(fd, 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_true(
		send_text_files(fd, "extension_call extension=cap type=read files=1", 2, &file, 1));
	check_refused(fd, 2, WEIR__CONTROL__STATUS__CODE__INVALID, "only 0 descriptors");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	check_alive(fd, 3);
	close(file);
	close(fd);
	fixture_stop(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_too_few),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_flood_is_told),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
