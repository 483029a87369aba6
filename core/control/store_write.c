// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <string.h>

#include "control/store_internal.h"

// ---- Statements

static int prepare(sqlite3 *db, const char *sql, sqlite3_stmt **statement)
{
	if (!sql)
		return SQLITE_NOMEM;
	return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
}

static int prepare_kind(sqlite3 *db, enum weir_item_kind number, struct store_statements *s)
{
	const struct store_kind *kind = store_kind(number);
	char *sql = store_sql_put(kind);
	int failed = prepare(db, sql, &s->put[number]);

	sqlite3_free(sql);
	for (unsigned i = 0; kind->removals[i] && !failed; i++)
		failed = prepare(db, kind->removals[i], &s->remove[number][i]);
	return failed;
}

int store_statements_prepare(sqlite3 *db, struct store_statements *s)
{
	// The header's page is written also when the value in it stays.
	char *probe = sqlite3_mprintf("PRAGMA user_version = %d", STORE_VERSION);
	int failed;

	memset(s, 0, sizeof(*s));
	failed = prepare(db, "BEGIN IMMEDIATE", &s->begin);
	failed = failed ? failed : prepare(db, "COMMIT", &s->commit);
	failed = failed ? failed : prepare(db, "ROLLBACK", &s->rollback);
	failed = failed ? failed : prepare(db, probe, &s->probe);
	for (int kind = 1; kind < STORE_N_KINDS && !failed; kind++)
		failed = prepare_kind(db, kind, s);
	sqlite3_free(probe);
	return failed;
}

void store_statements_finalize(struct store_statements *s)
{
	sqlite3_finalize(s->begin);
	sqlite3_finalize(s->commit);
	sqlite3_finalize(s->rollback);
	sqlite3_finalize(s->probe);
	for (unsigned kind = 1; kind < STORE_N_KINDS; kind++) {
		sqlite3_finalize(s->put[kind]);
		for (unsigned i = 0; i < STORE_REMOVALS_MAX; i++)
			sqlite3_finalize(s->remove[kind][i]);
	}
}

// ---- Items

static int bind(sqlite3_stmt *statement, int at, const struct weir_item *item,
	const struct store_column *column)
{
	const char *field = (const char *)item + column->offset;
	const char *text;

	switch (column->type) {
	case STORE_NAME:
	case STORE_TEXT:
		text = *(const char *const *)field;
		if (!text || !*text)
			return sqlite3_bind_null(statement, at);
		return sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
	case STORE_BOOL:
		return sqlite3_bind_int(statement, at, *(const bool *)field);
	case STORE_INT:
		return sqlite3_bind_int(statement, at, *(const int *)field);
	case STORE_U16:
		return sqlite3_bind_int(statement, at, *(const uint16_t *)field);
	case STORE_U32:
		return sqlite3_bind_int64(statement, at, *(const uint32_t *)field);
	case STORE_U64:
		return sqlite3_bind_int64(statement, at, (sqlite3_int64) * (const uint64_t *)field);
	case STORE_BYTES:
		text = *(const char *const *)field;
		return sqlite3_bind_blob64(statement, at, text ? text : "",
			*(const size_t *)((const char *)item + column->size_offset), SQLITE_STATIC);
	}
	return SQLITE_MISUSE;
}

// Runs a statement that has no rows. What it was bound to is the caller's again.
static int run(sqlite3_stmt *statement)
{
	int result = sqlite3_step(statement), number = errno;
	int failed = sqlite3_reset(statement);

	errno = number; // for store_refuse()
	return result == SQLITE_DONE ? SQLITE_OK : failed ? failed : result;
}

static int run_with(sqlite3_stmt *statement, const struct weir_item *item,
	const struct store_kind *kind, unsigned n_columns)
{
	int failed = SQLITE_OK;

	for (unsigned i = 0; i < n_columns && !failed; i++)
		failed = bind(statement, (int)i + 1, item, &kind->columns[i]);
	if (!failed)
		failed = run(statement);
	return failed;
}

static int write_record(const struct store_statements *s, const struct store_record *record)
{
	const struct weir_item *item = &record->item;
	const struct store_kind *kind = store_kind(item->kind);
	sqlite3_stmt *const *removals = s->remove[item->kind];
	int failed = SQLITE_OK;

	if (!record->removed)
		return run_with(s->put[item->kind], item, kind, kind->n_columns);
	for (unsigned i = 0; i < STORE_REMOVALS_MAX && removals[i] && !failed; i++)
		failed = run_with(removals[i], item, kind,
			(unsigned)sqlite3_bind_parameter_count(removals[i]));
	return failed;
}

// ---- Transactions

void store_roll_back(sqlite3 *db, const struct store_statements *s)
{
	// SQLite has rolled back itself after some failures. A rollback cannot fail: before its
	// commit nothing of a transaction counts.
	if (!sqlite3_get_autocommit(db))
		run(s->rollback);
}

int store_write(const struct store_statements *s, const struct store_batch *batches)
{
	int failed;

	while (batches && !batches->first)
		batches = batches->next;
	if (!batches) // nothing but empty ones
		return SQLITE_OK;
	failed = run(s->begin);
	for (const struct store_batch *b = batches; b && !failed; b = b->next)
		for (const struct store_record *r = b->first; r && !failed; r = r->next)
			failed = write_record(s, r);
	if (!failed)
		failed = run(s->commit);
	return failed;
}

int store_probe(const struct store_statements *s)
{
	return run(s->probe);
}
