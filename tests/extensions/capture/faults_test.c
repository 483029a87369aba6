// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Files that cannot be written: copies are lost and counted, frames are not, and what is in the
// file stays readable.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture_lab.h"

// Captures p0 to "small/file", which must fail while n frames pass, and looks at what is left.
static struct capture_row fail_while(struct lab *lab, unsigned n, const char *reason)
{
	struct capture_row row;

	capture_start(
		lab, (struct capture_wish){
			     .port = "p0", .at = AT_INGRESS, .name = "x", .write = "small/file" });
	capture_traffic(lab, n);
	row = capture_wait(lab, "x", CAPTURE__STATE__FAILED);
	assert_non_null(strstr(row.reason, reason));
	// Nobody captures any more; frames pass.
	lab_settle(lab);
	capture_traffic(lab, 10);
	row = capture_stop(lab, "x");
	assert_int_equal(row.state, CAPTURE__STATE__FAILED);
	assert_non_null(strstr(row.reason, reason));
	assert_true(row.captured > 0 && row.lost > 0);
	assert_true(row.seen <= n);
	capture_assert_file("small/file", &row);
	assert_int_equal(lab_switch(lab, "br0").dropped, 0);
	return row;
}

static void make_directory(void)
{
	assert_int_equal(mkdir(capture_path("small"), 0700), 0);
}

// A disk that is full in the middle of a block, at several places.
static void a_full_disk_fails_the_capture(void **state)
{
	static const char *const sizes[] = { "size=4k", "size=64k", "size=1000k", "size=3000k" };
	struct lab lab;

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		skip();
	capture_begin(&lab, NULL);
	make_directory();
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(mount("small", capture_path("small"), "tmpfs", 0, sizes[i]), 0);
		fail_while(&lab, 40000, "the file cannot be written: No space left on device");
		assert_int_equal(umount(capture_path("small")), 0);
	}
	capture_end(&lab);
}

// No room even for the header: the call is refused.
static void a_full_disk_refuses_the_start(void **state)
{
	struct capture_row rows[CAPTURE_ROWS_MAX];
	struct lab lab;
	int fd;

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		skip();
	capture_begin(&lab, NULL);
	make_directory();
	assert_int_equal(mount("small", capture_path("small"), "tmpfs", 0, "size=4k"), 0);
	fd = open(capture_path("small/other"), O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, (char[4096]){ 1 }, 4096), 4096);
	close(fd);
	lab_assert_refused(&lab,
		capture_try(&lab,
			(struct capture_wish){ .port = "p0", .at = AT_ALL, .write = "small/file" },
			NULL),
		EIO, "capture to \"small/file\": the file cannot be written: No space left");
	assert_int_equal(capture_list(&lab, rows), 0);
	assert_int_equal(umount(capture_path("small")), 0);
	capture_end(&lab);
}

// What the writer is sent by the system with the error must not end the process.
static void a_limit_of_the_process_fails_the_capture(void **state)
{
	struct rlimit before, limit;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	make_directory();
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	for (unsigned size = 1000; size < 1050; size += 7) {
		limit.rlim_cur = size;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		fail_while(&lab, 100, "the file cannot be written: File too large");
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	capture_end(&lab);
}

static void a_removed_file_is_written_on(void **state)
{
	struct capture_wish wish = { .port = "p0", .at = AT_INGRESS, .name = "x" };
	struct capture_row row;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	capture_start(&lab, wish);
	assert_int_equal(unlink(capture_path("capture.pcapng")), 0);
	capture_traffic(&lab, 100);
	// The path is free for another.
	wish.name = "y";
	capture_start(&lab, wish);
	capture_traffic(&lab, 10);
	row = capture_stop(&lab, "x");
	assert_int_equal(row.captured, 110);
	row = capture_stop(&lab, "y");
	assert_int_equal(row.captured, 10);
	capture_assert_file("capture.pcapng", &row);
	capture_end(&lab);
}

// The client keeps the same open file: its position is not the writer's.
static void a_client_that_seeks_does_no_harm(void **state)
{
	struct capture_wish wish = { .port = "p0", .at = AT_INGRESS, .name = "x" };
	struct capture_row row;
	struct lab lab;
	int mine;

	(void)state;
	capture_begin(&lab, NULL);
	wish.fd = open(capture_path("capture.pcapng"), O_RDWR | O_CREAT, 0600);
	mine = dup(wish.fd);
	capture_start(&lab, wish);
	for (unsigned i = 0; i < 10; i++) {
		capture_traffic(&lab, 100);
		assert_true(lseek(mine, i * 1000, SEEK_SET) >= 0);
	}
	row = capture_stop(&lab, "x");
	assert_int_equal(row.captured, 1000);
	capture_assert_file("capture.pcapng", &row);
	close(mine);
	capture_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_disk_fails_the_capture),
		cmocka_unit_test(a_full_disk_refuses_the_start),
		cmocka_unit_test(a_limit_of_the_process_fails_the_capture),
		cmocka_unit_test(a_removed_file_is_written_on),
		cmocka_unit_test(a_client_that_seeks_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
