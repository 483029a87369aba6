// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Opening the state: what is made, what is migrated, and whose directory it is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store_fixture.h"

static void sql(const char *text)
{
	store_sql(store_file(store_directory, "state.db"), text);
}

// ---- What is made

static void makes_a_directory_of_its_own(void **state)
{
	char path[STORE_PATH_SIZE + 8];
	struct stat status;
	struct store *store;

	(void)state;
	snprintf(path, sizeof(path), "%s/weir", store_directory);
	store = store_must_open(path);
	assert_int_equal(0, stat(path, &status));
	assert_int_equal(0700, status.st_mode & 07777);
	assert_int_equal(0, stat(store_file(path, "state.db"), &status));
	assert_int_equal(0600, status.st_mode & 07777);
	assert_int_equal(0, access(store_file(path, "made"), F_OK));
	assert_int_not_equal(0, access(store_file(path, "state.db.new"), F_OK));
	store_add(store, store_switch("br0"));
	store_must_keep(store);
	assert_int_equal(0, stat(store_file(path, "state.db-wal"), &status));
	assert_int_equal(0600, status.st_mode & 07777);
	store_close(store);
	store_directory_remove(path);
}

// A start that did not come to its end leaves these; the next one begins anew.
static void begins_anew_after_an_early_crash(void **state)
{
	struct store *store;

	(void)state;
	store_write_file(store_directory, "lock", "1\n", 2);
	store_write_file(store_directory, "state.db.new", "SQLite for", 10);
	store_write_file(store_directory, "state.db.new-journal", "half of it", 10);
	store = store_must_open(store_directory);
	store_add(store, store_switch("br0"));
	store_must_keep(store);
	store_close(store);
	// The same between the renaming and the mark.
	assert_int_equal(0, unlink(store_file(store_directory, "made")));
	store_close(store_must_open(store_directory));
	assert_int_equal(0, access(store_file(store_directory, "made"), F_OK));
}

static void expect_text(const char *expected)
{
	struct store *store = store_must_open(store_directory);
	char *text = store_text(store);

	assert_string_equal(text, expected);
	free(text);
	store_close(store);
}

static void reads_the_journal_of_a_crash(void **state)
{
	(void)state;
	store_make_crashed_state(store_directory);
	expect_text("switch br0 made=0\n");
}

// ---- Migration

static void migrates_version_1(void **state)
{
	(void)state;
	sql(store_version_1);
	sql("INSERT INTO switches VALUES('br0');"
	    "INSERT INTO extensions VALUES('br0', 'acl', 10, NULL);"
	    "INSERT INTO ports VALUES('vm1', 'br0', 'tap:vm1', '10', NULL, 1500, 0, 0, 0);"
	    "INSERT INTO ports VALUES('vm2', 'br0', NULL, NULL, NULL, 0, 1, 0, 0);"
	    "INSERT INTO policies VALUES(1, 'vm1', 'acl', '41', 'rule', x'0801');"
	    "INSERT INTO policies VALUES(2, 'vm1', 'acl', '7', 'rule', x'');"
	    "INSERT INTO policies VALUES(3, 'vm1', 'acl', '99web', 'rule', x'');"
	    "INSERT INTO policies VALUES(4, 'switch:br0', 'acl', '3', NULL, x'');"
	    "INSERT INTO policies VALUES(5, 'vm2', 'acl', '99999999999999999999', NULL, x'');"
	    "INSERT INTO meters VALUES('vm1', 'acl', 'in', -1, 2, 3);");
	for (int i = 0; i < 2; i++)
		expect_text(
			"switch br0 made=3\n"
			"extension br0 acl order=10 open=0 path=-\n"
			"port br0 vm1 nic=tap:vm1 vlan=10 mac=- mtu=1500 uplink=0 "
			"disconnected=0 forced=0 made=41\n"
			"port br0 vm2 nic=- vlan=- mac=- mtu=0 uplink=1 disconnected=0 forced=0 "
			"made=0\n"
			"policy vm1 acl.rule 41 <08><01>\npolicy vm1 acl.rule 7 \n"
			"policy vm1 acl.rule 99web \npolicy switch:br0 acl.- 3 \n"
			"policy vm2 acl.- 99999999999999999999 \n"
			"meter vm1 acl in 18446744073709551615 2 3\n");
}

// A step that fails leaves the database as it was.
static void leaves_what_it_cannot_migrate(void **state)
{
	struct store *store;
	struct weir_error error;
	char *before, *after;
	size_t size, size_after;

	(void)state;
	sql(store_version_1);
	sql("ALTER TABLE ports ADD COLUMN made_ids INTEGER");
	before = store_read_file(store_directory, "state.db", &size);
	assert_int_equal(-EBADMSG, store_open(store_directory, &store, &error));
	assert_non_null(strstr(error.message, "duplicate column name: made_ids"));
	after = store_read_file(store_directory, "state.db", &size_after);
	assert_int_equal(size, size_after);
	assert_memory_equal(before, after, size);
	free(before);
	free(after);
}

// ---- Directories

static void refuses_a_path_that_cannot_be_made(void **state)
{
	struct weir_error error;
	struct store *store;
	char path[STORE_PATH_SIZE * 2];

	(void)state;
	snprintf(path, sizeof(path), "%s/missing/weir", store_directory);
	assert_int_equal(-ENOENT, store_open(path, &store, &error));
	assert_non_null(strstr(error.message, "cannot be made: No such file or directory"));
	store_write_file(store_directory, "file", "", 0);
	snprintf(path, sizeof(path), "%s/file", store_directory);
	assert_int_equal(-ENOTDIR, store_open(path, &store, &error));
	assert_non_null(strstr(error.message, "cannot be opened: Not a directory"));
}

static void refuses_another_users(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(0, chown(store_directory, 12345, 0));
	store_expect_refusal(store_directory, -EPERM,
		"belongs to user 12345: must belong to root or to the daemon's user");
}

static void refuses_what_it_may_not_write(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	store_make_state(store_directory);
	assert_int_equal(0, chmod(store_directory, 0755));
	assert_int_equal(0, seteuid(65534));
	store_expect_refusal(store_directory, -EACCES,
		"its file lock cannot be opened for writing: Permission denied");
	assert_int_equal(0, seteuid(0));
	assert_int_equal(0, chown(store_file(store_directory, "lock"), 65534, 0));
	assert_int_equal(0, chown(store_directory, 65534, 0));
	assert_int_equal(0, chmod(store_file(store_directory, "state.db"), 0444));
	assert_int_equal(0, seteuid(65534));
	store_expect_refusal(store_directory, -EACCES,
		"/state.db\": cannot be opened for writing: Permission denied");
	assert_int_equal(0, seteuid(0));
}

static void refuses_a_read_only_file_system(void **state)
{
	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("tmpfs", store_directory, "tmpfs", 0, "mode=700,size=8m"))
		skip();
	store_make_state(store_directory);
	assert_int_equal(0, mount(NULL, store_directory, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	store_expect_refusal(
		store_directory, -EROFS, "it must be on a file system that can be written");
	assert_int_equal(0, umount(store_directory));
}

// ---- One daemon

static void refuses_the_second_daemon(void **state)
{
	int ready[2];
	char sentence[64], byte;
	pid_t pid;

	(void)state;
	assert_int_equal(0, pipe(ready));
	pid = fork();
	if (pid == 0) {
		struct store *store;

		if (store_open(store_directory, &store, NULL) || write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(1);
	}
	assert_int_equal(1, read(ready[0], &byte, 1));
	snprintf(sentence, sizeof(sentence), "is used by another daemon (pid %d)", pid);
	store_expect_refusal(store_directory, -EBUSY, sentence);
	assert_int_equal(0, kill(pid, SIGKILL));
	assert_int_equal(pid, waitpid(pid, NULL, 0));
	store_close(store_must_open(store_directory)); // the lock went with it
	close(ready[0]);
	close(ready[1]);
}

// What SIGKILL leaves of a daemon may have its files open for some milliseconds: the next one
// waits.
static void waits_for_a_daemon_that_is_dying(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		struct store *store;

		if (store_open(store_directory, &store, NULL))
			_exit(1);
		if (fork() == 0) {
			usleep(300000); // with the lock
			_exit(0);
		}
		_exit(0);
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_int_equal(0, status);
	store_close(store_must_open(store_directory));
}

static void *end_later(void *argument)
{
	(void)argument;
	usleep(1800000);
	_exit(0);
}

// With many interfaces to take down that takes seconds. Here a thread goes on when its process is
// seen to be ending.
static void waits_as_long_as_it_is_dying(void **state)
{
	pthread_t thread;
	pid_t pid;
	int ready[2];
	char byte;

	(void)state;
	assert_int_equal(0, pipe(ready));
	pid = fork();
	if (pid == 0) {
		struct store *store;

		if (store_open(store_directory, &store, NULL) ||
			pthread_create(&thread, NULL, end_later, NULL) ||
			write(ready[1], "", 1) != 1)
			_exit(1);
		pthread_exit(NULL);
	}
	assert_int_equal(1, read(ready[0], &byte, 1));
	store_close(store_must_open(store_directory));
	assert_int_equal(pid, waitpid(pid, NULL, 0));
	close(ready[0]);
	close(ready[1]);
}

// Somebody at the database with sqlite3 is told from a second daemon.
static void refuses_while_another_program_writes(void **state)
{
	sqlite3 *db;

	(void)state;
	store_make_state(store_directory);
	assert_int_equal(SQLITE_OK, sqlite3_open(store_file(store_directory, "state.db"), &db));
	assert_int_equal(SQLITE_OK,
		sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT", NULL,
			NULL, NULL));
	store_expect_refusal(
		store_directory, -EBUSY, "Device or resource busy (database is locked)");
	sqlite3_close(db);
	store_close(store_must_open(store_directory));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			makes_a_directory_of_its_own, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(
			begins_anew_after_an_early_crash, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(
			reads_the_journal_of_a_crash, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(migrates_version_1, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(
			leaves_what_it_cannot_migrate, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(
			refuses_a_path_that_cannot_be_made, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(refuses_another_users, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(
			refuses_what_it_may_not_write, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(
			refuses_a_read_only_file_system, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(
			refuses_the_second_daemon, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(
			waits_for_a_daemon_that_is_dying, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(
			waits_as_long_as_it_is_dying, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(
			refuses_while_another_program_writes, store_setup, store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
