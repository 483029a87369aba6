// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The NIC kind `replay`: which files and options it takes, and what it says about the others.
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replay_files.h"

static void described(void **state)
{
	FILE *stream = begin("cut,short.pcap", LINK_ETHERNET);
	struct frame_pool *pool = frame_pool_create(2, 0);
	char text[400], expected[400];
	struct weir_frame *frame;
	struct nic *nic;

	(void)state;
	add(stream, 60, 1500, 0);
	add(stream, 14, 14, 1);
	fclose(stream);
	nic = open_replay("cut,short.pcap", ",pps=7,loop");
	nic->class->describe(nic, text, sizeof(text));
	snprintf(expected, sizeof(expected),
		"mode=loop, pps=7, frames=2, bytes=74, cut_short=1, file=%s", path);
	assert_string_equal(text, expected);
	nic->class->describe(nic, text, 10);
	assert_string_equal(text, "mode=loop");
	assert_int_equal(nic->class->receive(nic, 0, pool, &frame, 1), 1);
	assert_int_equal(frame->size, 60);
	weir_frame_release(frame);
	nic_close(nic);
	frame_pool_destroy(pool);
}

static void write_bytes(const char *file, const void *bytes, size_t size)
{
	FILE *stream = fopen(name(file), "wb");

	assert_non_null(stream);
	assert_int_equal(fwrite(bytes, 1, size, stream), size);
	fclose(stream);
}

static void write_bad_files(void)
{
	FILE *stream;

	write_frames("good", 3);
	write_bytes("nothing", "", 0);
	write_bytes("text", "once upon a time there was a frame", 34);
	fclose(begin("no-frames", LINK_ETHERNET));
	stream = begin("cooked", LINK_LINUX_SLL);
	add(stream, 60, 60, 0);
	fclose(stream);
	stream = begin("unknown-link", 60000);
	add(stream, 60, 60, 0);
	fclose(stream);
	stream = begin("empty-frame", LINK_ETHERNET);
	add(stream, 60, 60, 0);
	add(stream, 0, 60, 0);
	fclose(stream);
	stream = begin("large-frame", LINK_ETHERNET);
	add(stream, WEIR_FRAME_MAX + 1, WEIR_FRAME_MAX + 1, 0);
	fclose(stream);
	stream = begin("cut-off", LINK_ETHERNET);
	add(stream, 60, 60, 0);
	add(stream, 60, 60, 0);
	fclose(stream);
	assert_int_equal(truncate(name("cut-off"), 24 + 2 * 76 - 1), 0);
	write_bytes("huge", "", 0);
	assert_int_equal(truncate(name("huge"), ((off_t)1 << 30) + 1), 0);
	assert_int_equal(mkfifo(name("fifo"), 0600), 0);
	assert_int_equal(symlink("self", name("self")), 0);
	assert_int_equal(mkdir(name("folder"), 0700), 0);
}

static void refusals(void **state)
{
	static const struct {
		const char *file;
		int ret;
		const char *message;
	} table[] = {
		{ "good", 0, NULL },
		{ "missing", -ENOENT, "No such file or directory: must be a readable file" },
		{ "folder", -EINVAL, "is a directory: must be a regular file" },
		{ "good/x", -ENOTDIR, "must be a readable file" },
		{ "self", -ELOOP, "must be a readable file" },
		{ "fifo", -EINVAL, "is a FIFO: must be a regular file" },
		{ "../../dev/null", -EINVAL, "is a device or socket: must be a regular file" },
		{ "nothing", -EINVAL, "not a pcap or pcapng capture" },
		{ "text", -EINVAL, "not a pcap or pcapng capture: unknown file format" },
		{ "no-frames", -EINVAL, "holds no frames, must hold at least one" },
		{ "cooked", -EINVAL, "link type 113 (LINUX_SLL): must be Ethernet" },
		{ "unknown-link", -EINVAL, "link type 60000 (unknown): must be Ethernet" },
		{ "empty-frame", -EINVAL, "frame 2 has 0 bytes: must be 1 to 65600" },
		{ "large-frame", -EINVAL, "frame 1 has 65601 bytes: must be 1 to 65600" },
		{ "cut-off", -EINVAL, "damaged after frame 1: " },
		{ "huge", -EFBIG, "1073741825 bytes: must be at most 1024 MB" },
		{ "good,pps=0", -EINVAL, "pps \"0\": must be a number from 1 to 1000000000" },
		{ "good,pps=1000000001", -EINVAL, "pps \"1000000001\": must be" },
		{ "good,pps=fast", -EINVAL, "pps \"fast\": must be" },
		{ "good,pps", -EINVAL, "pps \"\": must be" },
		{ "good,pps=x,loop", -EINVAL, "pps \"x\": must be" },
		{ "good,lop", -ENOENT, "good,lop\": No such file" },
		{ "good,loop=1", -ENOENT,
			"must be a readable file (with ,loop, ,vary or ,pps=N behind it)" },
		{ "good,", -ENOENT, "good,\": No such file" },
	};

	(void)state;
	write_bad_files();
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct nic_options options = { .n_workers = 1 };
		struct weir_error error = { 0 };
		char specification[300];
		struct nic *nic = NULL;
		int ret;

		snprintf(specification, sizeof(specification), "replay:%s", name(table[i].file));
		ret = nic_open(specification, &options, &nic, &error);
		print_message("%s: %s\n", table[i].file, error.message);
		assert_int_equal(ret, table[i].ret);
		assert_int_equal(error.code, ret);
		if (ret)
			assert_non_null(strstr(error.message, table[i].message));
		nic_close(nic);
	}
}

static void no_file_name(void **state)
{
	struct nic_options options = { .n_workers = 1 };
	struct weir_error error = { 0 };
	struct nic *nic;

	(void)state;
	assert_int_equal(nic_open("replay:,loop", &options, &nic, &error), -EINVAL);
	assert_non_null(strstr(error.message, "the file name has 0 bytes: must have 1 to 4095"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(described),
		cmocka_unit_test(refusals),
		cmocka_unit_test(no_file_name),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
