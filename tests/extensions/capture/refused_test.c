// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What cannot be captured is refused with a sentence, and leaves nothing: no capture, and the file
// as it was.
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture_lab.h"

static const char kept[] = "what was in the file";

static int file_with_content(void)
{
	int fd = open(capture_path("kept"), O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, kept, sizeof(kept)), sizeof(kept));
	return fd;
}

static void assert_kept(void)
{
	char now[sizeof(kept) + 1];
	int fd = open(capture_path("kept"), O_RDONLY);

	assert_int_equal(read(fd, now, sizeof(now)), sizeof(kept));
	assert_memory_equal(now, kept, sizeof(kept));
	close(fd);
}

static void assert_none(struct lab *lab)
{
	struct capture_row rows[CAPTURE_ROWS_MAX];

	assert_int_equal(capture_list(lab, rows), 0);
}

struct refusal {
	struct capture_wish wish;
	int code;
	const char *sentence;
};

static void bad_wishes_are_refused(void **state)
{
	static const struct refusal rows[] = {
		{ { .at = AT_ALL }, EINVAL, "port: must name at least one port" },
		{ { .port = "p0" }, EINVAL, "at: must name at least one of ingress, egress, drop" },
		{ { .port = "p9", .at = AT_ALL }, ENOENT, "port \"p9\": there is none" },
		{ { .port = "p0", .port2 = "p9", .at = AT_ALL }, ENOENT,
			"port \"p9\": switch br0 has none of that name" },
		{ { .port = "p0", .port2 = "p0", .at = AT_ALL }, EINVAL,
			"port \"p0\": is named twice" },
		{ { .port = "p0", .at = AT_ALL, .name = "a b" }, EINVAL,
			"name \"a b\": letters, digits" },
		{ { .port = "p0", .at = AT_ALL, .size = 40 }, EINVAL,
			"size \"40\": must be at least" },
		{ { .port = "p0", .at = AT_ALL, .snap = 65536 }, EINVAL, "snap" },
		{ { .port = "p0", .at = AT_ALL, .name = "abcdefghijklmnopqrstuvwxyz-1234567" },
			EINVAL, "name" },
	};
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	for (unsigned flags = 0; flags <= WEIR_DRY_RUN; flags += WEIR_DRY_RUN) {
		for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct capture_wish wish = rows[i].wish;

			wish.fd = file_with_content();
			wish.flags = flags;
			print_message("%s\n", rows[i].sentence);
			lab_assert_refused(&lab, capture_try(&lab, wish, NULL), rows[i].code,
				rows[i].sentence);
			assert_kept();
			assert_none(&lab);
		}
	}
	capture_end(&lab);
}

static void bad_files_are_refused(void **state)
{
	struct lab lab;
	int pipes[2], sockets[2];

	(void)state;
	capture_begin(&lab, NULL);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	close(file_with_content());

	const struct refusal rows[] = {
		{ { .fd = pipes[1], .write = "x" }, EINVAL,
			"write \"x\": is a pipe; must be a regular file" },
		{ { .fd = sockets[0], .write = "x" }, EINVAL,
			"write \"x\": is a socket; must be a regular file" },
		{ { .fd = open("/tmp", O_RDONLY), .write = "x" }, EINVAL,
			"write \"x\": is a directory; must be a regular file" },
		{ { .fd = open("/dev/full", O_WRONLY), .write = "x" }, EINVAL,
			"write \"x\": is a character device; must be a regular file" },
		{ { .fd = open(capture_path("kept"), O_RDONLY), .write = "x" }, EINVAL,
			"write \"x\": is not open for writing" },
		{ { .fd = open(capture_path("kept"), O_PATH), .write = "x" }, EINVAL,
			"write \"x\": is not open for writing" },
		{ { .fd = -1, .write = "x" }, EINVAL, "" },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct capture_wish wish = rows[i].wish;

		wish.port = "p0";
		wish.at = AT_ALL;
		lab_assert_refused(
			&lab, capture_try(&lab, wish, NULL), rows[i].code, rows[i].sentence);
		assert_none(&lab);
	}
	assert_kept();
	close(pipes[0]);
	close(sockets[1]);
	capture_end(&lab);
}

static void names_and_files_are_taken_once(void **state)
{
	struct capture_wish first = { .port = "p0", .at = AT_ALL, .name = "x", .write = "x" };
	struct capture_wish same_name = first, same_file = first;
	struct capture_row row;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	same_name.write = "y";
	same_file.name = "y";
	capture_start(&lab, first);
	lab_assert_refused(&lab, capture_try(&lab, same_name, NULL), EEXIST,
		"name \"x\": is a capture that runs");
	lab_assert_refused(&lab, capture_try(&lab, same_file, NULL), EBUSY,
		"write \"x\": is written by the capture x");
	capture_stop(&lab, "x");
	lab_assert_refused(
		&lab, capture_try_stop(&lab, "x", &row), ENOENT, "name \"x\": is no capture");
	capture_start(&lab, same_file);
	capture_stop(&lab, "y");
	// One that has ended is named until it is forgotten.
	first.count = 1;
	capture_start(&lab, first);
	capture_traffic(&lab, 1);
	capture_wait(&lab, "x", CAPTURE__STATE__STOPPED);
	lab_assert_refused(&lab, capture_try(&lab, same_name, NULL), EEXIST,
		"name \"x\": is a capture that has ended; stop forgets it");
	capture_end(&lab);
}

static void a_dry_run_does_nothing(void **state)
{
	struct capture_wish wish = { .port = "p0", .at = AT_ALL, .flags = WEIR_DRY_RUN };
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	wish.fd = file_with_content();
	assert_int_equal(capture_try(&lab, wish, NULL), 0);
	assert_kept();
	assert_none(&lab);
	capture_end(&lab);
}

static void there_is_a_most(void **state)
{
	struct capture_wish wish = { .port = "p0", .at = AT_EGRESS };
	char file[32], name[32], expected[32];
	struct pcapng_file read;
	struct lab lab;

	(void)state;
	capture_begin(&lab, NULL);
	wish.write = file;
	for (unsigned i = 0; i < 64; i++) {
		snprintf(file, sizeof(file), "f%u", i);
		snprintf(expected, sizeof(expected), "c%u", i + 1);
		assert_int_equal(capture_try(&lab, wish, name), 0);
		assert_string_equal(name, expected);
	}
	snprintf(file, sizeof(file), "f64");
	lab_assert_refused(&lab, capture_try(&lab, wish, NULL), ENOSPC,
		"switch br0: has 64 captures, the most allowed");
	lab_learn(&lab); // a broadcast of every station, three of which come to p0
	for (unsigned i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "c%u", i + 1);
		capture_stop(&lab, name);
		snprintf(file, sizeof(file), "f%u", i);
		pcapng_read(&read, capture_path(file));
		assert_int_equal(read.n_frames, 3);
		pcapng_free(&read);
	}
	assert_none(&lab);
	capture_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_wishes_are_refused),
		cmocka_unit_test(bad_files_are_refused),
		cmocka_unit_test(names_and_files_are_taken_once),
		cmocka_unit_test(a_dry_run_does_nothing),
		cmocka_unit_test(there_is_a_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
