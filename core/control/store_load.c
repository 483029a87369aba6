// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <string.h>

#include "control/store_internal.h"

// Rows are copied nowhere: what the item points to is the statement's, until its next step.

static int read_text(sqlite3_stmt *row, int at, const struct store_column *column, char *field,
	struct weir_error *error)
{
	const char *text = (const char *)sqlite3_column_text(row, at);
	int size = sqlite3_column_bytes(row, at);

	if (!text)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	if (strlen(text) != (size_t)size)
		return weir_refuse(error, -EBADMSG, NULL, "%s has a NUL character", column->name);
	*(const char **)field = text;
	return 0;
}

static int read_number(sqlite3_stmt *row, int at, const struct store_column *column, char *field,
	struct weir_error *error)
{
	int64_t value = sqlite3_column_int64(row, at);

	if (column->type != STORE_U64 && (value < column->min || value > column->max))
		return weir_refuse(error, -EBADMSG, NULL, "%s is %lld: must be %lld to %lld",
			column->name, (long long)value, (long long)column->min,
			(long long)column->max);
	switch (column->type) {
	case STORE_BOOL:
		*(bool *)field = value;
		break;
	case STORE_INT:
		*(int *)field = (int)value;
		break;
	case STORE_U16:
		*(uint16_t *)field = (uint16_t)value;
		break;
	case STORE_U32:
		*(uint32_t *)field = (uint32_t)value;
		break;
	default:
		*(uint64_t *)field = (uint64_t)value;
	}
	return 0;
}

static int read_bytes(sqlite3_stmt *row, int at, const struct store_column *column,
	struct weir_item *item, struct weir_error *error)
{
	const void *bytes = sqlite3_column_blob(row, at);
	int size = sqlite3_column_bytes(row, at);

	if (!bytes && size > 0)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	*(const void **)((char *)item + column->offset) = bytes ? bytes : "";
	*(size_t *)((char *)item + column->size_offset) = (size_t)size;
	return 0;
}

static int read_column(sqlite3_stmt *row, int at, const struct store_column *column,
	struct weir_item *item, struct weir_error *error)
{
	static const char *const names[] = { "", "a number", "a real number", "text", "bytes",
		"nothing" };
	char *field = (char *)item + column->offset;
	int type = sqlite3_column_type(row, at), expected = SQLITE_INTEGER;

	if (column->type == STORE_NAME || column->type == STORE_TEXT)
		expected = SQLITE_TEXT;
	else if (column->type == STORE_BYTES)
		expected = SQLITE_BLOB;
	if (column->type == STORE_TEXT && type == SQLITE_NULL)
		return 0;
	if (type != expected)
		return weir_refuse(error, -EBADMSG, NULL, "%s is %s: must be %s", column->name,
			names[type], names[expected]);
	if (expected == SQLITE_TEXT)
		return read_text(row, at, column, field, error);
	if (expected == SQLITE_BLOB)
		return read_bytes(row, at, column, item, error);
	return read_number(row, at, column, field, error);
}

static int read_row(sqlite3_stmt *row, const struct store_kind *kind, struct weir_item *item,
	struct weir_error *error)
{
	for (unsigned i = 0; i < kind->n_columns; i++) {
		int failed = read_column(row, (int)i, &kind->columns[i], item, error);

		if (failed)
			return failed;
	}
	return store_item_check(item, false, error);
}

// The row's number and what is wrong about it.
static int refuse_row(const struct store *store, const struct store_kind *kind, unsigned number,
	const struct weir_error *why, struct weir_error *error)
{
	if (why->code == -ENOMEM)
		return weir_refuse(error, -ENOMEM, NULL, "state \"%.200s\": no memory to read it",
			store->path);
	return store_refuse_damaged(
		store->path, error, "row %u of %s: %.90s", number, kind->table, why->message);
}

static int read_kind(const struct store *store, enum weir_item_kind number,
	store_item_handler *handler, void *context, struct weir_error *error)
{
	const struct store_kind *kind = store_kind(number);
	struct weir_error why = { .code = 0 };
	sqlite3_stmt *row = NULL;
	char *sql = store_sql_read(kind);
	unsigned n = 0;
	int result = sql ? sqlite3_prepare_v2(store->db, sql, -1, &row, NULL) : SQLITE_NOMEM;
	int failed = 0;

	sqlite3_free(sql);
	if (result == SQLITE_OK)
		result = sqlite3_step(row);
	for (; result == SQLITE_ROW && !failed; result = failed ? result : sqlite3_step(row)) {
		struct weir_item item = { .size = sizeof(item), .kind = number };

		n++;
		failed = read_row(row, kind, &item, &why);
		failed = failed ? failed : handler(context, &item, &why);
	}
	if (failed)
		failed = refuse_row(store, kind, n, &why, error);
	else if (result != SQLITE_DONE)
		failed = store_refuse(store->db, store->path, result, "read", error);
	sqlite3_finalize(row);
	return failed;
}

int store_read(
	struct store *store, store_item_handler *handler, void *context, struct weir_error *error)
{
	int failed = 0;

	pthread_mutex_lock(&store->database);
	for (int kind = 1; kind < STORE_N_KINDS && !failed; kind++)
		failed = read_kind(store, kind, handler, context, error);
	pthread_mutex_unlock(&store->database);
	return failed;
}

static int add_to_document(void *document, const struct weir_item *item, struct weir_error *error)
{
	return weir_document_add(document, item, error);
}

int store_load(struct store *store, struct weir_document *document, struct weir_error *error)
{
	struct store_batch *fresh;
	int result;

	if (store->n_ended > 0)
		return weir_refuse(error, -EBUSY, NULL,
			"state \"%.200s\": cannot be read while changes are being written",
			store->path);
	fresh = store_batch_create();
	if (!fresh)
		return weir_refuse(error, -ENOMEM, NULL, "out of memory for changes");
	result = store_read(store, add_to_document, document, error);
	if (result == 0) {
		store_batch_destroy(store->open);
		store->open = fresh;
	} else {
		store_batch_destroy(fresh);
	}
	return result;
}
