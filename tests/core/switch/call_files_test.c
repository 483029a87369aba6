// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Calls of extensions with open files: whose they are.
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lab_call.h"

static const char filter[] = "probe-filter", service[] = "probe-service";

static void start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(lab, filter, 0);
}

static int file(void)
{
	int fd = memfd_create("call-test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void files_are_taken_or_closed(void **state)
{
	Probe__Hold hold = PROBE__HOLD__INIT, let_go = PROBE__HOLD__INIT;
	int fds[2] = { file(), file() }, written = dup(fds[1]);
	struct lab_call call = { .files = fds, .n_files = 2 }, other = { 0 };
	char held[8] = "";
	struct lab lab;

	(void)state;
	start(&lab);
	hold.read = lab_text("/r");
	hold.write = lab_text("/w");
	assert_int_equal(lab_call(&lab, &call, filter, "hold", &hold.base), 0);
	assert_non_null(call.running);
	// The second, by the number of its field, was taken; the first is the call's until its end.
	assert_int_equal(pread(written, held, 8, 0), 4);
	assert_string_equal(held, "held");
	assert_int_equal(lab_logged(&lab, "taken again: -22, none: -22"), 1);
	assert_true(is_open(fds[0]));
	assert_false(is_open(fds[1]));
	let_go.has_let_go = let_go.let_go = 1;
	assert_int_equal(lab_call(&lab, &other, filter, "hold", &let_go.base), 0);
	assert_int_equal(other.n_ended, 1);
	assert_int_equal(call.n_ended, 1);
	assert_false(is_open(fds[0]));
	close(written);
	lab_end(&lab);
}

static void taken_files_outlive_nothing_else(void **state)
{
	Probe__Hold hold = PROBE__HOLD__INIT;
	int fd = file();
	struct lab_call call = { .files = &fd, .n_files = 1 };
	struct lab lab;

	(void)state;
	start(&lab);
	hold.read = lab_text("/r");
	hold.has_take_read = hold.take_read = 1;
	assert_int_equal(lab_call(&lab, &call, filter, "hold", &hold.base), 0);
	weir_call_cancel(call.running);
	assert_true(is_open(fd)); // the probe's, until it hears of it
	weir_process(lab.weir);
	assert_false(is_open(fd));
	lab_end(&lab);
}

static void files_of_refused_calls_are_closed(void **state)
{
	Probe__Hold hold = PROBE__HOLD__INIT;
	Probe__Echo echo = PROBE__ECHO__INIT;
	const struct {
		const char *extension, *type;
		const ProtobufCMessage *message;
		unsigned n_files;
		const char *sentence;
	} rows[] = {
		{ filter, "hold", &hold.base, 0, "files: 0 were passed with the call; it names 1" },
		{ filter, "hold", &hold.base, 2, "files: 2 were passed with the call; it names 1" },
		{ filter, "echo", &echo.base, 1, "files: 1 were passed with the call; it names 0" },
		{ "other", "hold", &hold.base, 1, "is not loaded" },
		{ service, "hold", &hold.base, 1, "is not loaded" },
		{ filter, "none", &hold.base, 1, "a call must be one of" },
		{ filter, "later", &hold.base, 1, "" },
	};
	struct lab lab;

	(void)state;
	start(&lab);
	hold.write = lab_text("/w");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fds[2] = { file(), file() };
		struct lab_call call = { .files = fds, .n_files = rows[i].n_files };
		int ret = lab_call(&lab, &call, rows[i].extension, rows[i].type, rows[i].message);

		assert_true(ret < 0);
		assert_non_null(strstr(lab.error.message, rows[i].sentence));
		for (unsigned f = 0; f < 2; f++) {
			assert_int_equal(is_open(fds[f]), f >= rows[i].n_files);
			if (is_open(fds[f]))
				close(fds[f]);
		}
	}
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_taken_or_closed),
		cmocka_unit_test(taken_files_outlive_nothing_else),
		cmocka_unit_test(files_of_refused_calls_are_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
