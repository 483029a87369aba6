// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Disks that fail: each write, sync or truncation at a time. Whatever fails, a batch is reported as
// kept only when it is there at the next start, and as failed only when it is not; and the store
// works on when the disk does.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"
#include "store_fixture.h"

static char directory[STORE_PATH_SIZE];

static int setup(void **state)
{
	(void)state;
	store_directory_make(directory);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fault_end();
	store_directory_remove(directory);
	return 0;
}

static bool wait_ready(struct store *store)
{
	for (int i = 0; i < 500; i++) {
		if (store_ready(store, NULL))
			return true;
		usleep(10000);
	}
	return false;
}

static void expect_there(const char *name, bool there)
{
	struct store *store = store_must_open(directory);
	char *text = store_text(store), line[64];

	snprintf(line, sizeof(line), "switch %s made=0\n", name);
	if ((strstr(text, line) != NULL) != there)
		fail_msg("%s is %s in: %s", name, there ? "missing" : "to be seen", text);
	free(text);
	store_close(store);
}

// ---- One fault after the other, while batches are written

static const struct {
	const char *call, *pattern;
	unsigned count;
	int error;
	const char *sentence;
} faults[] = {
	{ "write", "*/state.db-wal", 1, ENOSPC,
		"/state.db\": cannot be written: No space left on device (database or disk is "
		"full)" },
	{ "write", "*/state.db-wal", 1, EIO, "cannot be written: Input/output error" },
	{ "sync", "*/state.db-wal", 1, EIO, "cannot be written: Input/output error" },
	{ "sync", "*/state.db-wal", 1, ENOSPC, "cannot be written: No space left on device" },
	// With the probe that follows a failure.
	{ "sync", "*/state.db-wal", 2, EIO, "cannot be written: Input/output error" },
	{ "write", "*/state.db-wal", 2, ENOSPC, "cannot be written: No space left on device" },
};

// The n-th call fails, and so does a batch or none; in a process that is killed then.
static int run_fault(unsigned row, unsigned n, struct weir_error *error)
{
	struct store *store = store_must_open(directory);
	int code;

	store_add(store, store_switch("before"));
	store_must_keep(store);
	fault_plan(faults[row].call, faults[row].pattern, n, faults[row].count, faults[row].error);
	store_add(store, store_switch("during"));
	code = store_keep(store, error);
	// No close: what stands in the files now is what the next one finds.
	return code;
}

static void forgets_what_it_reports_as_failed(void **state)
{
	unsigned n_failed = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (unsigned n = 1; n <= 4; n++) {
			struct weir_error error = { .code = 0 };
			int status;

			setup(state);
			if (fork() == 0) {
				int code = run_fault(i, n, &error);

				if (code && !strstr(error.message, faults[i].sentence)) {
					fprintf(stderr, "%s\n", error.message);
					_exit(3);
				}
				_exit(code ? 1 : 0);
			}
			wait(&status);
			assert_true(WIFEXITED(status));
			if (WEXITSTATUS(status) > 1)
				fail_msg("fault %u, call %u: exit %d", i, n, WEXITSTATUS(status));
			n_failed += (unsigned)WEXITSTATUS(status);
			expect_there("before", true);
			expect_there("during", WEXITSTATUS(status) == 0);
			teardown(state);
		}
	}
	assert_true(n_failed >= 6); // every row at least once, or it has missed the disk
}

// ---- The store works on

struct result {
	int code[3];
	unsigned n;
};

static void note_result(void *context, const struct weir_error *error)
{
	struct result *result = context;

	result->code[result->n++] = error ? error->code : 0;
}

static void fails_what_was_built_on_it(void **state)
{
	struct store *store = store_must_open(directory);
	struct result result = { .n = 0 };
	char *text;

	(void)state;
	fault_plan("sync", "*/state.db-wal", 1, 1, EIO);
	store_add(store, store_switch("a"));
	assert_int_equal(0, store_commit(store, note_result, &result));
	// The second ends while the first is written, or with it, or before its report.
	store_add(store, store_switch("b"));
	assert_int_equal(0, store_commit(store, note_result, &result));
	usleep(100000);
	store_add(store, store_switch("c"));
	assert_int_equal(0, store_commit(store, note_result, &result));
	while (result.n < 3)
		store_wait(store);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(-EIO, result.code[i]);
	assert_int_equal(1, fault_end());
	text = store_text(store); // nothing is under way
	assert_string_equal(text, "");
	free(text);
	assert_true(store_ready(store, NULL)); // the probe has found the disk well
	store_add(store, store_switch("d"));
	store_must_keep(store);
	store_close(store);
	expect_there("d", true);
	expect_there("b", false);
}

static void is_not_ready_until_the_disk_is(void **state)
{
	struct store *store = store_must_open(directory);
	struct weir_error error = { .code = 0 };

	(void)state;
	fault_plan("sync", "*/state.db-wal", 1, 0, EIO);
	store_add(store, store_switch("a"));
	assert_int_equal(-EIO, store_keep(store, &error));
	assert_false(store_ready(store, &error));
	assert_int_equal(-EIO, error.code);
	assert_non_null(
		strstr(error.message, "/state.db\": cannot be written: Input/output error"));
	while (fault_count() < 3) { // the first, the probe after it, and the next a second later
		assert_false(store_ready(store, NULL));
		usleep(10000);
	}
	fault_end();
	assert_true(wait_ready(store));
	store_add(store, store_switch("b"));
	store_must_keep(store);
	store_close(store);
	expect_there("a", false);
	expect_there("b", true);
}

// A journal that cannot be written back costs nothing that is in it, but no more is let in.
static void survives_a_failed_checkpoint(void **state)
{
	struct store *store = store_must_open(directory);
	struct weir_error error = { .code = 0 };
	char id[16];

	(void)state;
	fault_plan("sync", "*/state.db", 1, 0, EIO);
	for (int i = 0; i < 20000; i++) {
		snprintf(id, sizeof(id), "%d", i);
		store_add(store, store_policy("vm1", "acl", id, "some bytes of some rule"));
	}
	store_must_keep(store);
	for (int i = 0; i < 500 && store_ready(store, &error); i++)
		usleep(10000);
	assert_int_equal(-EIO, error.code);
	assert_non_null(strstr(error.message, "cannot be tidied up"));
	assert_true(fault_end() >= 1);
	assert_true(wait_ready(store));
	store_add(store, store_switch("b"));
	store_must_keep(store);
	store_close(store);
	expect_there("b", true);
}

// ---- Opening

static void opens_or_refuses_whole(void **state)
{
	static const char *const calls[] = { "write", "sync", "truncate" };
	unsigned n_refused = 0;

	(void)state;
	for (unsigned c = 0; c < 3; c++) {
		for (unsigned n = 1; n <= 12; n++) {
			struct weir_error error = { .code = 0 };
			struct store *store = NULL;
			char pattern[STORE_PATH_SIZE + 2];
			int failed;

			setup(state);
			snprintf(pattern, sizeof(pattern), "%s*", directory);
			fault_plan(calls[c], pattern, n, 1, ENOSPC);
			failed = store_open(directory, &store, &error);
			fault_end();
			if (failed) {
				n_refused++;
				assert_int_equal(-ENOSPC, failed);
				assert_non_null(strstr(error.message, "No space left on device"));
			}
			store_close(store);
			store_close(store_must_open(directory)); // the next start is well
			teardown(state);
		}
	}
	assert_true(n_refused >= 6);
}

// ---- A disk that is really full

static bool mount_small(void)
{
	return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", directory, "tmpfs", 0, "mode=700,size=8m") == 0;
}

// Leaves so many bytes free.
static void fill(uint64_t left)
{
	int fd = open(store_file(directory, "ballast"), O_CREAT | O_WRONLY | O_TRUNC, 0600);
	struct statvfs status;

	assert_true(fd >= 0);
	assert_int_equal(0, fstatvfs(fd, &status));
	assert_int_equal(
		0, posix_fallocate(fd, 0, (off_t)(status.f_bavail * status.f_frsize - left)));
	close(fd);
}

static void add_many(struct store *store)
{
	char id[16];

	for (int i = 0; i < 20000; i++) {
		snprintf(id, sizeof(id), "%d", i);
		store_add(store, store_policy("vm1", "acl", id, "some bytes of some rule"));
	}
}

static void lives_on_a_full_disk(void **state)
{
	struct weir_error error = { .code = 0 };
	struct store *store;

	(void)state;
	if (!mount_small())
		skip();
	store = store_must_open(directory);
	store_add(store, store_switch("before"));
	store_must_keep(store);
	assert_true(store_ready(store, &error));
	fill(3 << 20);
	assert_false(store_ready(store, &error));
	assert_int_equal(-ENOSPC, error.code);
	assert_non_null(strstr(error.message, "kB must be free to keep a change"));
	fill(256 << 10);
	add_many(store);
	assert_int_equal(-ENOSPC, store_keep(store, &error));
	assert_non_null(strstr(error.message, "No space left on device"));
	assert_int_equal(0, unlink(store_file(directory, "ballast")));
	assert_true(wait_ready(store));
	store_add(store, store_switch("after"));
	store_must_keep(store);
	store_close(store);
	expect_there("before", true);
	expect_there("after", true);
	assert_int_equal(0, umount(directory));
}

static void refuses_to_begin_on_a_full_disk(void **state)
{
	struct weir_error error = { .code = 0 };
	struct store *store;

	(void)state;
	if (!mount_small())
		skip();
	fill(16 << 10);
	assert_int_equal(-ENOSPC, store_open(directory, &store, &error));
	assert_non_null(strstr(error.message, "No space left on device"));
	assert_int_equal(0, unlink(store_file(directory, "ballast")));
	store_close(store_must_open(directory));
	assert_int_equal(0, umount(directory));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forgets_what_it_reports_as_failed),
		cmocka_unit_test_setup_teardown(fails_what_was_built_on_it, setup, teardown),
		cmocka_unit_test_setup_teardown(is_not_ready_until_the_disk_is, setup, teardown),
		cmocka_unit_test_setup_teardown(survives_a_failed_checkpoint, setup, teardown),
		cmocka_unit_test(opens_or_refuses_whole),
		cmocka_unit_test_setup_teardown(lives_on_a_full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_to_begin_on_a_full_disk, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
