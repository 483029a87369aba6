// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Opening the state: what is made, what is migrated, and what is refused, untouched, with a
// sentence that says how to go on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
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
	store_directory_remove(directory);
	return 0;
}

// ---- Files by hand

static void write_file(const char *name, const void *bytes, size_t size)
{
	FILE *file = fopen(store_file(directory, name), "wb");

	assert_non_null(file);
	assert_int_equal(size, fwrite(bytes, 1, size, file));
	assert_int_equal(0, fclose(file));
}

// size: 0 when there is no such file; to be freed.
static char *read_file(const char *name, size_t *size)
{
	struct stat status;
	bool regular = lstat(store_file(directory, name), &status) == 0 && S_ISREG(status.st_mode);
	FILE *file = regular ? fopen(store_file(directory, name), "rb") : NULL;
	char *bytes = calloc(1, 1 << 20);

	assert_non_null(bytes);
	*size = file ? fread(bytes, 1, 1 << 20, file) : 0;
	if (file)
		fclose(file);
	return bytes;
}

static void overwrite(const char *name, off_t at, const void *bytes, size_t size)
{
	int fd = open(store_file(directory, name), O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal((ssize_t)size, pwrite(fd, bytes, size, at));
	close(fd);
}

static void sql(const char *text)
{
	store_sql(store_file(directory, "state.db"), text);
}

// A database with something in it, closed.
static void make_state(void)
{
	struct store *store = store_must_open(directory);
	char id[16];

	store_add(store, store_switch("br0"));
	for (int i = 0; i < 500; i++) {
		snprintf(id, sizeof(id), "%d", i);
		store_add(store, store_policy("vm1", "acl", id, "some bytes of a rule"));
	}
	store_must_keep(store);
	store_close(store);
}

// A copy of the database as it is while its journal is full: what a crash leaves.
static void make_crashed_state(void)
{
	struct store *store = store_must_open(directory);
	size_t db_size, wal_size;
	char *db, *wal;

	store_add(store, store_switch("br0"));
	store_must_keep(store);
	db = read_file("state.db", &db_size);
	wal = read_file("state.db-wal", &wal_size);
	assert_true(wal_size > 0);
	store_close(store);
	write_file("state.db", db, db_size);
	write_file("state.db-wal", wal, wal_size);
	free(db);
	free(wal);
}

// ---- What is made

static void makes_a_directory_of_its_own(void **state)
{
	char path[STORE_PATH_SIZE + 8];
	struct stat status;
	struct store *store;

	(void)state;
	snprintf(path, sizeof(path), "%s/weir", directory);
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
	write_file("lock", "1\n", 2);
	write_file("state.db.new", "SQLite for", 10);
	write_file("state.db.new-journal", "half of it", 10);
	store = store_must_open(directory);
	store_add(store, store_switch("br0"));
	store_must_keep(store);
	store_close(store);
	// The same between the renaming and the mark.
	assert_int_equal(0, unlink(store_file(directory, "made")));
	store_close(store_must_open(directory));
	assert_int_equal(0, access(store_file(directory, "made"), F_OK));
}

static void expect_text(const char *expected)
{
	struct store *store = store_must_open(directory);
	char *text = store_text(store);

	assert_string_equal(text, expected);
	free(text);
	store_close(store);
}

static void reads_the_journal_of_a_crash(void **state)
{
	(void)state;
	make_crashed_state();
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
	before = read_file("state.db", &size);
	assert_int_equal(-EBADMSG, store_open(directory, &store, &error));
	assert_non_null(strstr(error.message, "duplicate column name: made_ids"));
	after = read_file("state.db", &size_after);
	assert_int_equal(size, size_after);
	assert_memory_equal(before, after, size);
	free(before);
	free(after);
}

// ---- Refusals

static void empty(void)
{
	write_file("state.db", "", 0);
}

static void gone(void)
{
	make_state();
	assert_int_equal(0, unlink(store_file(directory, "state.db")));
}

static void gone_but_for_its_journal(void)
{
	write_file("state.db-wal", "", 0);
}

static void no_database(void)
{
	write_file("state.db", "once upon a time", 16);
}

static void cut_in_its_header(void)
{
	make_state();
	assert_int_equal(0, truncate(store_file(directory, "state.db"), 99));
}

static void cut_off(void)
{
	make_state();
	assert_int_equal(0, truncate(store_file(directory, "state.db"), 3 * 4096));
}

static void cut_off_with_a_journal(void)
{
	make_crashed_state();
	assert_int_equal(0, truncate(store_file(directory, "state.db"), 4096));
}

static void overwritten_page(void)
{
	static const char bytes[4096] = "not a page";

	make_state();
	overwrite("state.db", 4 * 4096, bytes, sizeof(bytes));
}

// One bit of an index: its policy would be added once more when it is replaced.
static void damaged_index(void)
{
	size_t size;
	char *bytes, *entry;

	make_state();
	bytes = read_file("state.db", &size);
	entry = memmem(bytes, size, "vm1acl499", 9);
	assert_non_null(entry);
	entry[8] ^= 2;
	write_file("state.db", bytes, size);
	free(bytes);
}

static void foreign(void)
{
	sql("CREATE TABLE t(a); PRAGMA application_id = 1");
}

static void no_ones(void)
{
	sql("CREATE TABLE t(a)");
}

static void newer(void)
{
	make_state();
	sql("PRAGMA user_version = 3");
}

static void version_0(void)
{
	make_state();
	sql("PRAGMA user_version = 0");
}

// A newer daemon was killed: its version stands in the journal alone.
static void newer_in_the_journal(void)
{
	size_t db_size, wal_size;
	char *db, *wal;
	sqlite3 *newer_db;

	make_state();
	assert_int_equal(SQLITE_OK, sqlite3_open(store_file(directory, "state.db"), &newer_db));
	assert_int_equal(
		SQLITE_OK, sqlite3_exec(newer_db, "PRAGMA user_version = 3", NULL, NULL, NULL));
	db = read_file("state.db", &db_size);
	wal = read_file("state.db-wal", &wal_size);
	sqlite3_close(newer_db);
	write_file("state.db", db, db_size);
	write_file("state.db-wal", wal, wal_size);
	free(db);
	free(wal);
}

static void without_a_table(void)
{
	make_state();
	sql("DROP TABLE meters");
}

static void without_a_column(void)
{
	make_state();
	sql("ALTER TABLE ports DROP COLUMN mtu");
}

static void is_directory(void)
{
	assert_int_equal(0, mkdir(store_file(directory, "state.db"), 0700));
}

static void is_link(void)
{
	assert_int_equal(0, symlink("/dev/null", store_file(directory, "state.db")));
}

static void is_fifo(void)
{
	assert_int_equal(0, mkfifo(store_file(directory, "state.db"), 0600));
}

static void writable_by_others(void)
{
	assert_int_equal(0, chmod(directory, 0777));
}

static void writable_by_the_group(void)
{
	assert_int_equal(0, chmod(directory, 0770));
}

static const struct {
	void (*prepare)(void);
	int code;
	const char *sentence;
} refusals[] = {
	{ empty, -EBADMSG,
		"/state.db\" is damaged: it is empty; restore a copy, or what sqlite3's "
		"command .recover finds; to begin with nothing, move the whole directory "
		"away" },
	{ gone, -EBADMSG, "it is gone, and the file \"made\" beside it says that there was one" },
	{ gone_but_for_its_journal, -EBADMSG,
		"it is gone, and the file \"state.db-wal\" beside it says that there was one" },
	{ no_database, -EBADMSG, "damaged: it does not begin as a database" },
	{ cut_in_its_header, -EBADMSG, "damaged: it does not begin as a database" },
	{ cut_off, -EBADMSG, "/state.db\" is damaged: " },
	{ cut_off_with_a_journal, -EBADMSG, "/state.db\" is damaged: " },
	{ overwritten_page, -EBADMSG, "/state.db\" is damaged: " },
	{ damaged_index, -EBADMSG, "missing from index" },
	{ foreign, -EMEDIUMTYPE,
		"is a database of another program (application id 0x00000001, not 0x57656972)" },
	{ no_ones, -EMEDIUMTYPE, "is a database of another program (application id 0x00000000" },
	{ newer, -EPROTONOSUPPORT,
		"has version 3 of a newer Weir: this one knows versions 1 to 2; start the newer" },
	{ newer_in_the_journal, -EPROTONOSUPPORT, "has version 3 of a newer Weir" },
	{ version_0, -EBADMSG, "it has version 0" },
	{ without_a_table, -EBADMSG, "damaged: no such table: " },
	{ without_a_column, -EBADMSG, "damaged: table ports has no column named mtu" },
	{ is_directory, -EBADMSG, "it is no regular file" },
	{ is_link, -EBADMSG, "it is no regular file" },
	{ is_fifo, -EBADMSG, "it is no regular file" },
	{ writable_by_others, -EPERM,
		"has mode 0777: nobody but its owner may be able to write it (chmod go-w)" },
	{ writable_by_the_group, -EPERM, "has mode 0770" },
};

static void expect_refusal(int code, const char *sentence)
{
	struct store *store = NULL;
	struct weir_error error = { .code = 0 };
	int got = store_open(directory, &store, &error);

	if (got != code || error.code != code || !strstr(error.message, sentence))
		fail_msg("expected %d \"%s\", got %d \"%s\"", code, sentence, got, error.message);
	assert_null(store);
}

static void refuses(void **state)
{
	for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		size_t size[4];
		char *bytes[4];

		setup(state);
		refusals[i].prepare();
		bytes[0] = read_file("state.db", &size[0]);
		bytes[1] = read_file("state.db-wal", &size[1]);
		expect_refusal(refusals[i].code, refusals[i].sentence);
		expect_refusal(refusals[i].code, refusals[i].sentence); // and it let go of the lock
		bytes[2] = read_file("state.db", &size[2]);
		bytes[3] = read_file("state.db-wal", &size[3]);
		for (unsigned k = 0; k < 2; k++) {
			assert_int_equal(size[k], size[k + 2]);
			assert_memory_equal(bytes[k], bytes[k + 2], size[k]);
		}
		for (unsigned k = 0; k < 4; k++)
			free(bytes[k]);
		teardown(state);
	}
}

// ---- Rows that no store has written

static const struct {
	const char *sql, *sentence;
} bad_rows[] = {
	{ "INSERT INTO switches VALUES('', 0)", "row 1 of switches: name is empty" },
	{ "INSERT INTO switches VALUES(CAST(x'ff' AS TEXT), 0)",
		"row 2 of switches: name is not UTF-8" },
	{ "INSERT INTO switches VALUES(CAST(x'610062' AS TEXT), 0)",
		"row 1 of switches: name has a NUL character" },
	{ "UPDATE switches SET made_ids = -1", "made_ids is -1: must be 0 to 4294967295" },
	{ "INSERT INTO extensions(switch, name, stack_order) VALUES('br0', 'acl', 65536)",
		"row 1 of extensions: stack_order is 65536: must be -1 to 65535" },
	{ "INSERT INTO ports VALUES('vm1', 'br0', NULL, NULL, NULL, 0, 2, 0, 0, 0)",
		"row 1 of ports: uplink is 2: must be 0 to 1" },
	{ "INSERT INTO ports VALUES('vm1', 'br0', NULL, NULL, NULL, 4294967296, 0, 0, 0, 0)",
		"mtu is 4294967296: must be 0 to 4294967295" },
	{ "INSERT INTO ports VALUES('vm1', 'br0', CAST(zeroblob(65536) AS TEXT), NULL, NULL, 0, 0,"
	  " 0, 0, 0)",
		"nic has a NUL character" },
	{ "INSERT INTO ports VALUES('vm1', 'br0', printf('%.*c', 65536, 'x'), NULL, NULL, 0, 0, 0,"
	  " 0, 0)",
		"nic has 65536 bytes: must have at most 65535" },
	{ "INSERT INTO fdb VALUES('br0', 4096, 'm', 'p')", "vlan is 4096: must be 0 to 4095" },
	{ "DROP TABLE meters; CREATE TABLE meters(target, extension, id, frames, bytes, since,"
	  " PRIMARY KEY(target, extension, id)); INSERT INTO meters VALUES(1, 2, 3, 4, 5, 6)",
		"row 1 of meters: target is a number: must be text" },
	{ "DROP TABLE meters; CREATE TABLE meters(target, extension, id, frames, bytes, since,"
	  " PRIMARY KEY(target, extension, id));"
	  " INSERT INTO meters VALUES('t', 'e', 'i', NULL, 5, 6)",
		"row 1 of meters: frames is nothing: must be a number" },
	{ "DROP TABLE saved; CREATE TABLE saved(target, extension, version, bytes,"
	  " UNIQUE(target, extension)); INSERT INTO saved VALUES('t', 'e', 1.5, x'')",
		"row 1 of saved: version is a real number: must be a number" },
	{ "DROP TABLE saved; CREATE TABLE saved(target, extension, version, bytes,"
	  " UNIQUE(target, extension)); INSERT INTO saved VALUES('t', 'e', 1, 'text')",
		"row 1 of saved: bytes is text: must be bytes" },
};

static void refuses_bad_rows(void **state)
{
	for (unsigned i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		struct weir_error error = { .code = 0 };
		struct store *store;
		char *text;

		setup(state);
		make_state();
		sql(bad_rows[i].sql);
		store = store_must_open(directory);
		assert_int_equal(-EBADMSG, store_try_text(store, &text, &error));
		if (!strstr(error.message, bad_rows[i].sentence) ||
			!strstr(error.message, "restore a copy"))
			fail_msg("\"%s\" is not in: %s", bad_rows[i].sentence, error.message);
		free(text);
		store_close(store);
		teardown(state);
	}
}

// ---- Directories

static void refuses_a_path_that_cannot_be_made(void **state)
{
	struct weir_error error;
	struct store *store;
	char path[STORE_PATH_SIZE * 2];

	(void)state;
	snprintf(path, sizeof(path), "%s/missing/weir", directory);
	assert_int_equal(-ENOENT, store_open(path, &store, &error));
	assert_non_null(strstr(error.message, "cannot be made: No such file or directory"));
	write_file("file", "", 0);
	snprintf(path, sizeof(path), "%s/file", directory);
	assert_int_equal(-ENOTDIR, store_open(path, &store, &error));
	assert_non_null(strstr(error.message, "cannot be opened: Not a directory"));
}

static void refuses_another_users(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(0, chown(directory, 12345, 0));
	expect_refusal(
		-EPERM, "belongs to user 12345: must belong to root or to the daemon's user");
}

static void refuses_what_it_may_not_write(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	make_state();
	assert_int_equal(0, chmod(directory, 0755));
	assert_int_equal(0, seteuid(65534));
	expect_refusal(-EACCES, "its file lock cannot be opened for writing: Permission denied");
	assert_int_equal(0, seteuid(0));
	assert_int_equal(0, chown(store_file(directory, "lock"), 65534, 0));
	assert_int_equal(0, chown(directory, 65534, 0));
	assert_int_equal(0, chmod(store_file(directory, "state.db"), 0444));
	assert_int_equal(0, seteuid(65534));
	expect_refusal(-EACCES, "/state.db\": cannot be opened for writing: Permission denied");
	assert_int_equal(0, seteuid(0));
}

static void refuses_a_read_only_file_system(void **state)
{
	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("tmpfs", directory, "tmpfs", 0, "mode=700,size=8m"))
		skip();
	make_state();
	assert_int_equal(0, mount(NULL, directory, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	expect_refusal(-EROFS, "it must be on a file system that can be written");
	assert_int_equal(0, umount(directory));
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

		if (store_open(directory, &store, NULL) || write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(1);
	}
	assert_int_equal(1, read(ready[0], &byte, 1));
	snprintf(sentence, sizeof(sentence), "is used by another daemon (pid %d)", pid);
	expect_refusal(-EBUSY, sentence);
	assert_int_equal(0, kill(pid, SIGKILL));
	assert_int_equal(pid, waitpid(pid, NULL, 0));
	store_close(store_must_open(directory)); // the lock went with it
	close(ready[0]);
	close(ready[1]);
}

// Somebody at the database with sqlite3 is told from a second daemon.
static void refuses_while_another_program_writes(void **state)
{
	sqlite3 *db;

	(void)state;
	make_state();
	assert_int_equal(SQLITE_OK, sqlite3_open(store_file(directory, "state.db"), &db));
	assert_int_equal(SQLITE_OK,
		sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT", NULL,
			NULL, NULL));
	expect_refusal(-EBUSY, "Device or resource busy (database is locked)");
	sqlite3_close(db);
	store_close(store_must_open(directory));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(makes_a_directory_of_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(begins_anew_after_an_early_crash, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_the_journal_of_a_crash, setup, teardown),
		cmocka_unit_test_setup_teardown(migrates_version_1, setup, teardown),
		cmocka_unit_test_setup_teardown(leaves_what_it_cannot_migrate, setup, teardown),
		cmocka_unit_test(refuses),
		cmocka_unit_test(refuses_bad_rows),
		cmocka_unit_test_setup_teardown(
			refuses_a_path_that_cannot_be_made, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_another_users, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_what_it_may_not_write, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_a_read_only_file_system, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_the_second_daemon, setup, teardown),
		cmocka_unit_test_setup_teardown(
			refuses_while_another_program_writes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
