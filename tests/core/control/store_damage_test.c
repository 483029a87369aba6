// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A database that is damaged, foreign, newer or gone is refused, untouched, with a sentence that
// says how to go on; and so is a row that no store has written.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store_fixture.h"

static void overwrite(const char *name, off_t at, const void *bytes, size_t size)
{
	int fd = open(store_file(store_directory, name), O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal((ssize_t)size, pwrite(fd, bytes, size, at));
	close(fd);
}

static void sql(const char *text)
{
	store_sql(store_file(store_directory, "state.db"), text);
}

// ---- Refusals

static void empty(void)
{
	store_write_file(store_directory, "state.db", "", 0);
}

static void gone(void)
{
	store_make_state(store_directory);
	assert_int_equal(0, unlink(store_file(store_directory, "state.db")));
}

static void gone_but_for_its_journal(void)
{
	store_write_file(store_directory, "state.db-wal", "", 0);
}

static void no_database(void)
{
	store_write_file(store_directory, "state.db", "once upon a time", 16);
}

static void cut_in_its_header(void)
{
	store_make_state(store_directory);
	assert_int_equal(0, truncate(store_file(store_directory, "state.db"), 99));
}

static void cut_off(void)
{
	store_make_state(store_directory);
	assert_int_equal(0, truncate(store_file(store_directory, "state.db"), 3 * 4096));
}

static void cut_off_with_a_journal(void)
{
	store_make_crashed_state(store_directory);
	assert_int_equal(0, truncate(store_file(store_directory, "state.db"), 4096));
}

static void overwritten_page(void)
{
	static const char bytes[4096] = "not a page";

	store_make_state(store_directory);
	overwrite("state.db", 4 * 4096, bytes, sizeof(bytes));
}

// One bit of an index: its policy would be added once more when it is replaced.
static void damaged_index(void)
{
	size_t size;
	char *bytes, *entry;

	store_make_state(store_directory);
	bytes = store_read_file(store_directory, "state.db", &size);
	entry = memmem(bytes, size, "vm1acl499", 9);
	assert_non_null(entry);
	entry[8] ^= 2;
	store_write_file(store_directory, "state.db", bytes, size);
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
	store_make_state(store_directory);
	sql("PRAGMA user_version = 5");
}

static void version_0(void)
{
	store_make_state(store_directory);
	sql("PRAGMA user_version = 0");
}

// A newer daemon was killed: its version stands in the journal alone.
static void newer_in_the_journal(void)
{
	size_t db_size, wal_size;
	char *db, *wal;
	sqlite3 *newer_db;

	store_make_state(store_directory);
	assert_int_equal(
		SQLITE_OK, sqlite3_open(store_file(store_directory, "state.db"), &newer_db));
	assert_int_equal(
		SQLITE_OK, sqlite3_exec(newer_db, "PRAGMA user_version = 5", NULL, NULL, NULL));
	db = store_read_file(store_directory, "state.db", &db_size);
	wal = store_read_file(store_directory, "state.db-wal", &wal_size);
	sqlite3_close(newer_db);
	store_write_file(store_directory, "state.db", db, db_size);
	store_write_file(store_directory, "state.db-wal", wal, wal_size);
	free(db);
	free(wal);
}

static void without_a_table(void)
{
	store_make_state(store_directory);
	sql("DROP TABLE meters");
}

static void without_a_column(void)
{
	store_make_state(store_directory);
	sql("ALTER TABLE ports DROP COLUMN mtu");
}

static void is_directory(void)
{
	assert_int_equal(0, mkdir(store_file(store_directory, "state.db"), 0700));
}

static void is_link(void)
{
	assert_int_equal(0, symlink("/dev/null", store_file(store_directory, "state.db")));
}

static void is_fifo(void)
{
	assert_int_equal(0, mkfifo(store_file(store_directory, "state.db"), 0600));
}

static void writable_by_others(void)
{
	assert_int_equal(0, chmod(store_directory, 0777));
}

static void writable_by_the_group(void)
{
	assert_int_equal(0, chmod(store_directory, 0770));
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
		"has version 5 of a newer Weir: this one knows versions 1 to 4; start the newer" },
	{ newer_in_the_journal, -EPROTONOSUPPORT, "has version 5 of a newer Weir" },
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

static void refuses(void **state)
{
	for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		size_t size[4];
		char *bytes[4];

		store_setup(state);
		refusals[i].prepare();
		bytes[0] = store_read_file(store_directory, "state.db", &size[0]);
		bytes[1] = store_read_file(store_directory, "state.db-wal", &size[1]);
		store_expect_refusal(store_directory, refusals[i].code, refusals[i].sentence);
		store_expect_refusal(store_directory, refusals[i].code,
			refusals[i].sentence); // and it let go of the lock
		bytes[2] = store_read_file(store_directory, "state.db", &size[2]);
		bytes[3] = store_read_file(store_directory, "state.db-wal", &size[3]);
		for (unsigned k = 0; k < 2; k++) {
			assert_int_equal(size[k], size[k + 2]);
			assert_memory_equal(bytes[k], bytes[k + 2], size[k]);
		}
		for (unsigned k = 0; k < 4; k++)
			free(bytes[k]);
		store_teardown(state);
	}
}

// ---- Rows that no store has written

static const struct {
	const char *sql, *sentence;
} bad_rows[] = {
	{ "INSERT INTO switches VALUES('', 0, 0, 0, 0)", "row 1 of switches: name is empty" },
	{ "INSERT INTO switches VALUES(CAST(x'ff' AS TEXT), 0, 0, 0, 0)",
		"row 2 of switches: name is not UTF-8" },
	{ "INSERT INTO switches VALUES(CAST(x'610062' AS TEXT), 0, 0, 0, 0)",
		"row 1 of switches: name has a NUL character" },
	{ "UPDATE switches SET flows = 16777217", "flows is 16777217: must be 0 to 16777216" },
	{ "UPDATE switches SET sessions = 16777217",
		"sessions is 16777217: must be 0 to 16777216" },
	{ "UPDATE switches SET port_sessions = -1", "port_sessions is -1: must be 0 to 16777216" },
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

		store_setup(state);
		store_make_state(store_directory);
		sql(bad_rows[i].sql);
		store = store_must_open(store_directory);
		assert_int_equal(-EBADMSG, store_try_text(store, &text, &error));
		if (!strstr(error.message, bad_rows[i].sentence) ||
			!strstr(error.message, "restore a copy"))
			fail_msg("\"%s\" is not in: %s", bad_rows[i].sentence, error.message);
		free(text);
		store_close(store);
		store_teardown(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses),
		cmocka_unit_test(refuses_bad_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
