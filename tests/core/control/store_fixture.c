// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

struct weir_item store_switch(const char *name)
{
	return (struct weir_item){
		.size = sizeof(struct weir_item), .kind = WEIR_ITEM_SWITCH, .switch_name = name
	};
}

struct weir_item store_extension(const char *vswitch, const char *name, int order)
{
	return (struct weir_item){ .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_EXTENSION,
		.switch_name = vswitch,
		.name = name,
		.extension = { .order = order } };
}

struct weir_item store_port(const char *vswitch, const char *name)
{
	return (struct weir_item){ .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_PORT,
		.switch_name = vswitch,
		.name = name };
}

struct weir_item store_policy(
	const char *target, const char *extension, const char *id, const char *text)
{
	return (struct weir_item){ .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_POLICY,
		.target = target,
		.name = extension,
		.policy = { .id = id, .bytes = text, .size = strlen(text) } };
}

struct weir_item store_fdb(const char *vswitch, unsigned vlan, const char *mac, const char *port)
{
	return (struct weir_item){ .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_FDB,
		.switch_name = vswitch,
		.fdb = { .mac = mac, .port = port, .vlan = (uint16_t)vlan } };
}

struct weir_item store_meter(
	const char *target, const char *extension, const char *id, uint64_t frames)
{
	return (struct weir_item){ .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_METER,
		.target = target,
		.name = extension,
		.meter = { .id = id, .frames = frames } };
}

struct weir_item store_saved(const char *target, const char *extension, const char *text)
{
	return (struct weir_item){ .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_SAVED,
		.target = target,
		.name = extension,
		.saved = { .bytes = text, .size = strlen(text) } };
}

// ---- The document's stand-in: a text

struct weir_document {
	FILE *stream;
};

static const char *or_none(const char *text)
{
	return text ? text : "-";
}

static void print_bytes(FILE *out, const void *bytes, size_t size)
{
	const unsigned char *b = bytes;

	for (size_t i = 0; i < size; i++)
		fprintf(out, b[i] >= ' ' && b[i] < 127 ? "%c" : "<%02x>", b[i]);
}

static void print_port(FILE *out, const struct weir_item *i)
{
	fprintf(out,
		"port %s %s nic=%s vlan=%s mac=%s mtu=%u uplink=%d disconnected=%d forced=%d "
		"made=%u",
		i->switch_name, i->name, or_none(i->port.nic), or_none(i->port.vlan),
		or_none(i->port.mac), i->port.mtu, i->port.uplink, i->port.disconnected,
		i->port.forced, i->port.made_ids);
}

static void print_item(FILE *out, const struct weir_item *i)
{
	switch (i->kind) {
	case WEIR_ITEM_SWITCH:
		fprintf(out, "switch %s made=%u", i->switch_name, i->vswitch.made_ids);
		if (i->vswitch.n_flows)
			fprintf(out, " flows=%u", i->vswitch.n_flows);
		if (i->vswitch.n_sessions)
			fprintf(out, " sessions=%u/%u", i->vswitch.n_sessions,
				i->vswitch.n_port_sessions);
		break;
	case WEIR_ITEM_EXTENSION:
		fprintf(out, "extension %s %s order=%d open=%d path=%s", i->switch_name, i->name,
			i->extension.order, i->extension.fail_open, or_none(i->extension.path));
		break;
	case WEIR_ITEM_PORT:
		print_port(out, i);
		break;
	case WEIR_ITEM_POLICY:
		fprintf(out, "policy %s %s.%s %s ", i->target, i->name, or_none(i->policy.type),
			i->policy.id);
		print_bytes(out, i->policy.bytes, i->policy.size);
		break;
	case WEIR_ITEM_FDB:
		fprintf(out, "fdb %s %u %s %s", i->switch_name, i->fdb.vlan, i->fdb.mac,
			i->fdb.port);
		break;
	case WEIR_ITEM_METER:
		fprintf(out, "meter %s %s %s %" PRIu64 " %" PRIu64 " %" PRIu64, i->target, i->name,
			i->meter.id, i->meter.frames, i->meter.bytes, i->meter.since);
		break;
	case WEIR_ITEM_SAVED:
		fprintf(out, "saved %s %s %u ", i->target, i->name, i->saved.version);
		print_bytes(out, i->saved.bytes, i->saved.size);
	}
	putc('\n', out);
}

int weir_document_add(
	struct weir_document *document, const struct weir_item *item, struct weir_error *error)
{
	(void)error;
	print_item(document->stream, item);
	return 0;
}

// ---- Directories

void store_directory_make(char path[])
{
	strcpy(path, "/tmp/weir-store-XXXXXX");
	assert_non_null(mkdtemp(path));
}

void store_directory_remove(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	assert_non_null(directory);
	while ((entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			assert_int_equal(0, unlinkat(dirfd(directory), entry->d_name,
						    entry->d_type == DT_DIR ? AT_REMOVEDIR : 0));
	closedir(directory);
	assert_int_equal(0, rmdir(path));
}

char store_directory[STORE_PATH_SIZE];

int store_setup(void **state)
{
	(void)state;
	store_directory_make(store_directory);
	return 0;
}

int store_teardown(void **state)
{
	(void)state;
	store_directory_remove(store_directory);
	return 0;
}

const char *store_file(const char *directory, const char *name)
{
	static char paths[4][STORE_PATH_SIZE * 2];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

// ---- The store

struct store *store_must_open(const char *directory)
{
	struct store *store = NULL;
	struct weir_error error = { .code = 0 };
	int failed = store_open(directory, &store, &error);

	if (failed)
		fail_msg("store_open: %d %s", failed, error.message);
	return store;
}

void store_add(struct store *store, struct weir_item item)
{
	store_note(store, false, &item);
}

void store_remove(struct store *store, struct weir_item item)
{
	store_note(store, true, &item);
}

struct report {
	bool done;
	int code;
	struct weir_error *error;
};

static void reported(void *context, const struct weir_error *error)
{
	struct report *report = context;

	assert_false(report->done);
	report->done = true;
	report->code = error ? error->code : 0;
	if (error && report->error)
		*report->error = *error;
}

void store_wait(struct store *store)
{
	struct pollfd poller = { .fd = store_fd(store), .events = POLLIN };

	assert_int_equal(1, poll(&poller, 1, 60000));
	store_process(store);
}

int store_keep(struct store *store, struct weir_error *error)
{
	struct report report = { .error = error };

	assert_int_equal(0, store_commit(store, reported, &report));
	while (!report.done)
		store_wait(store);
	return report.code;
}

void store_must_keep(struct store *store)
{
	struct weir_error error = { .code = 0 };

	if (store_keep(store, &error))
		fail_msg("not kept: %d %s", error.code, error.message);
}

int store_try_text(struct store *store, char **text, struct weir_error *error)
{
	struct weir_document document;
	size_t size;
	int failed;

	document.stream = open_memstream(text, &size);
	assert_non_null(document.stream);
	failed = store_load(store, &document, error);
	fclose(document.stream);
	return failed;
}

char *store_text(struct store *store)
{
	struct weir_error error = { .code = 0 };
	char *text;

	if (store_try_text(store, &text, &error))
		fail_msg("store_load: %d %s", error.code, error.message);
	return text;
}

void store_expect_text(struct store *store, const char *expected)
{
	char *text = store_text(store);

	assert_string_equal(text, expected);
	free(text);
}

// ---- SQL

const char store_version_1[] =
	"CREATE TABLE switches(name TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;"
	"CREATE TABLE extensions(switch TEXT NOT NULL, name TEXT NOT NULL,"
	" stack_order INTEGER NOT NULL, path TEXT, PRIMARY KEY(switch, name)) STRICT, WITHOUT "
	"ROWID;"
	"CREATE TABLE ports(name TEXT NOT NULL PRIMARY KEY, switch TEXT NOT NULL, nic TEXT,"
	" vlan TEXT, mac TEXT, mtu INTEGER NOT NULL, uplink INTEGER NOT NULL,"
	" disconnected INTEGER NOT NULL, forced INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX ports_of_switch ON ports(switch);"
	"CREATE TABLE policies(place INTEGER PRIMARY KEY, target TEXT NOT NULL,"
	" extension TEXT NOT NULL, id TEXT NOT NULL, type TEXT, bytes BLOB NOT NULL,"
	" UNIQUE(target, extension, id)) STRICT;"
	"CREATE TABLE fdb(switch TEXT NOT NULL, vlan INTEGER NOT NULL, mac TEXT NOT NULL,"
	" port TEXT NOT NULL, PRIMARY KEY(switch, vlan, mac)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX fdb_of_port ON fdb(port);"
	"CREATE TABLE meters(target TEXT NOT NULL, extension TEXT NOT NULL, id TEXT NOT NULL,"
	" frames INTEGER NOT NULL, bytes INTEGER NOT NULL, since INTEGER NOT NULL,"
	" PRIMARY KEY(target, extension, id)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE saved(target TEXT NOT NULL, extension TEXT NOT NULL,"
	" version INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE(target, extension)) STRICT;"
	"PRAGMA application_id = 0x57656972; PRAGMA user_version = 1;";

void store_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(SQLITE_OK, sqlite3_open(path, &db));
	if (sqlite3_exec(db, sql, NULL, NULL, NULL))
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

// ---- Files

void store_write_file(const char *directory, const char *name, const void *bytes, size_t size)
{
	FILE *file = fopen(store_file(directory, name), "wb");

	assert_non_null(file);
	assert_int_equal(size, fwrite(bytes, 1, size, file));
	assert_int_equal(0, fclose(file));
}

char *store_read_file(const char *directory, const char *name, size_t *size)
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

void store_make_state(const char *directory)
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

void store_make_crashed_state(const char *directory)
{
	struct store *store = store_must_open(directory);
	size_t db_size, wal_size;
	char *db, *wal;

	store_add(store, store_switch("br0"));
	store_must_keep(store);
	db = store_read_file(directory, "state.db", &db_size);
	wal = store_read_file(directory, "state.db-wal", &wal_size);
	assert_true(wal_size > 0);
	store_close(store);
	store_write_file(directory, "state.db", db, db_size);
	store_write_file(directory, "state.db-wal", wal, wal_size);
	free(db);
	free(wal);
}

void store_expect_refusal(const char *directory, int code, const char *sentence)
{
	struct store *store = NULL;
	struct weir_error error = { .code = 0 };
	int got = store_open(directory, &store, &error);

	if (got != code || error.code != code || !strstr(error.message, sentence))
		fail_msg("expected %d \"%s\", got %d \"%s\"", code, sentence, got, error.message);
	assert_null(store);
}
