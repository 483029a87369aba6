// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A state database that another hand has written. Below 0x80 the first byte says that the others
// are the file; from 0x80 on, that they are rows for tables which take anything:
//
//	kind, and for each of its columns: type (0 NULL, 1 integer, 2 real, 3 text, 4 bytes), then
//	8 bytes of a number, or a length of 2 bytes, and so many, of text and bytes; the little end
//	first
//
// Either it is refused with a sentence, or what was read can be kept and read again as it was.
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "control/store_internal.h"
#include "switch/wire.h"

static char directory[64];

static const char *path_of(const char *name)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void make_directory(void)
{
	strcpy(directory,
		access("/dev/shm", W_OK) ? "/tmp/weir-fuzz-XXXXXX" : "/dev/shm/weir-fuzz-XXXXXX");
	if (!mkdtemp(directory))
		abort();
}

static void remove_directory(void)
{
	static const char *const names[] = { "state.db", "state.db-wal", "state.db-journal", "made",
		"lock" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	if (rmdir(directory))
		abort(); // something else has been left there
}

// ---- The document's stand-in: the items as bytes

struct weir_document {
	FILE *stream;
	struct store *store; // where they are noted again; or NULL
};

static void put_text(FILE *out, const char *text, bool needed)
{
	size_t n = text ? strlen(text) : 0;

	if ((needed && n == 0) || n > STORE_TEXT_MAX ||
		(n > 0 && !wire_is_text((const uint8_t *)text, n)))
		abort();
	fwrite(text ? text : "", 1, n + 1, out);
}

static void put_column(FILE *out, const struct weir_item *item, const struct store_column *column)
{
	static const size_t sizes[] = { [STORE_BOOL] = sizeof(bool),
		[STORE_INT] = sizeof(int),
		[STORE_U16] = sizeof(uint16_t),
		[STORE_U32] = sizeof(uint32_t),
		[STORE_U64] = sizeof(uint64_t),
		[STORE_BYTES] = 0 };
	const char *field = (const char *)item + column->offset;

	if (column->type == STORE_NAME || column->type == STORE_TEXT)
		put_text(out, *(const char *const *)field, column->type == STORE_NAME);
	else if (column->type == STORE_BYTES)
		fwrite(*(const void *const *)field, 1,
			*(const size_t *)((const char *)item + column->size_offset), out);
	else
		fwrite(field, 1, sizes[column->type], out);
}

int weir_document_add(
	struct weir_document *document, const struct weir_item *item, struct weir_error *error)
{
	const struct store_kind *kind = store_kind(item->kind);

	(void)error;
	putc(item->kind, document->stream);
	for (unsigned i = 0; i < kind->n_columns; i++)
		put_column(document->stream, item, &kind->columns[i]);
	if (document->store)
		store_note(document->store, false, item);
	return 0;
}

// ---- The store

static void check_refusal(int failed, const struct weir_error *error)
{
	if (failed >= 0 || error->code != failed || !strstr(error->message, directory))
		abort();
	for (const char *c = error->message; *c; c++)
		if (*c < ' ' || *c > '~')
			abort();
}

static void check_kept(void *context, const struct weir_error *error)
{
	(void)context;
	if (error)
		abort();
}

// false: it was refused.
static bool load(struct store *store, bool again, char **text, size_t *size)
{
	struct weir_document document = { open_memstream(text, size), again ? store : NULL };
	struct weir_error error = { .code = 0 };
	int failed = store_load(store, &document, &error);

	fclose(document.stream);
	if (failed)
		check_refusal(failed, &error);
	return !failed;
}

static void open_and_load(void)
{
	struct weir_error error = { .code = 0 };
	struct store *store = NULL;
	char *before, *after;
	size_t size_before, size_after;
	int failed = store_open(directory, &store, &error);

	if (failed) {
		check_refusal(failed, &error);
		return;
	}
	if (load(store, true, &before, &size_before)) {
		if (store_commit(store, check_kept, NULL))
			abort();
		store_close(store);
		if (store_open(directory, &store, &error) ||
			!load(store, false, &after, &size_after) || size_before != size_after ||
			memcmp(before, after, size_after) != 0)
			abort();
		free(after);
	}
	free(before);
	store_close(store);
}

// ---- Input

static void write_file(const uint8_t *data, size_t size)
{
	FILE *file = fopen(path_of("state.db"), "wb");

	if (!file || fwrite(data, 1, size, file) != size || fclose(file))
		abort();
}

struct input {
	const uint8_t *data;
	size_t size;
};

// Little-endian; 0 when there is no more.
static uint64_t take_number(struct input *in, unsigned n_bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < n_bytes && in->size > 0; i++, in->data++, in->size--)
		value |= (uint64_t)*in->data << 8 * i;
	return value;
}

static void bind_value(sqlite3_stmt *statement, int at, struct input *in)
{
	unsigned type = (unsigned)take_number(in, 1) % 5;
	uint64_t number = type == 0 ? 0 : take_number(in, type < 3 ? 8 : 2);
	double real;
	size_t n = number < in->size ? (size_t)number : in->size;

	memcpy(&real, &number, sizeof(real));
	if (type == 1)
		sqlite3_bind_int64(statement, at, (sqlite3_int64)number);
	else if (type == 2)
		sqlite3_bind_double(statement, at, real);
	else if (type == 3)
		sqlite3_bind_text(statement, at, (const char *)in->data, (int)n, SQLITE_TRANSIENT);
	else if (type == 4)
		sqlite3_bind_blob(statement, at, in->data, (int)n, SQLITE_TRANSIENT);
	if (type > 2) {
		in->data += n;
		in->size -= n;
	}
}

static void add_names(sqlite3_str *sql, const struct store_kind *kind, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sqlite3_str_appendf(sql, i ? ", %s" : "%s", kind->columns[i].name);
}

// A table of the kind without types.
static void make_table(sqlite3 *db, const struct store_kind *kind)
{
	sqlite3_str *sql = sqlite3_str_new(db);
	char *text;

	sqlite3_str_appendf(sql, "CREATE TABLE %s(place INTEGER PRIMARY KEY, ", kind->table);
	add_names(sql, kind, kind->n_columns);
	sqlite3_str_appendall(sql, ", UNIQUE(");
	add_names(sql, kind, kind->n_keys);
	sqlite3_str_appendall(sql, "))");
	text = sqlite3_str_finish(sql);
	if (!text || sqlite3_exec(db, text, NULL, NULL, NULL))
		abort();
	sqlite3_free(text);
}

static void add_row(sqlite3 *db, struct input *in)
{
	const struct store_kind *kind = store_kind(
		(enum weir_item_kind)(take_number(in, 1) % WEIR_ITEM_SAVED + 1));
	char *sql = store_sql_put(kind);
	sqlite3_stmt *statement;

	if (!sql || sqlite3_prepare_v2(db, sql, -1, &statement, NULL))
		abort();
	for (unsigned i = 0; i < kind->n_columns; i++)
		bind_value(statement, (int)i + 1, in);
	if (sqlite3_step(statement) != SQLITE_DONE)
		abort();
	sqlite3_finalize(statement);
	sqlite3_free(sql);
}

static void write_rows(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	sqlite3 *db;

	if (sqlite3_open(path_of("state.db"), &db) ||
		sqlite3_exec(db,
			"PRAGMA synchronous = OFF; PRAGMA application_id = 0x57656972;"
			"PRAGMA user_version = 2; BEGIN",
			NULL, NULL, NULL))
		abort();
	for (int kind = 1; kind < STORE_N_KINDS; kind++)
		make_table(db, store_kind(kind));
	while (in.size > 0)
		add_row(db, &in);
	if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL))
		abort();
	sqlite3_close(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	make_directory();
	if (*data < 0x80)
		write_file(data + 1, size - 1);
	else
		write_rows(data + 1, size - 1);
	open_and_load();
	remove_directory();
	return 0;
}
