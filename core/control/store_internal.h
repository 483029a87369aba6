// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The seams of the store: store*.c only.
//
//	store.c            the control thread's side: notes, ends and reports batches
//	store_writer.c     the writing thread: groups of batches, probes, checkpoints
//	store_batch.c      the memory of a batch: copies of items
//	store_item.c       what each kind of item is in the database; limits; SQL made of that
//	store_write.c      batches to SQL
//	store_load.c       rows to items
//	store_database.c   opens the database and checks it
//	store_make.c       makes it
//	store_schema.c     the versions of the schema
//	store_directory.c  the directory, its owner, its lock
//
// Two locks. `database` is held by who uses the connection: the thread, and the control thread
// while it loads. `lock` guards the hand-over and is never held while anything is read or written.
// Who holds `database` may take `lock`, not the other way round.
#ifndef CONTROL_STORE_INTERNAL_H
#define CONTROL_STORE_INTERNAL_H

#include <pthread.h>
#include <stdint.h>

#include <sqlite3.h>

#include "control/store.h"

enum {
	STORE_APPLICATION_ID = 0x57656972, // "Weir"
	STORE_VERSION = 4,                 // of the schema
	STORE_TEXT_MAX = 65535,            // bytes of any text
	STORE_BYTES_MAX = 256 << 20,       // of a message, or of what an extension saved
	STORE_COLUMNS_MAX = 10,
	STORE_REMOVALS_MAX = 7,
	STORE_N_KINDS = WEIR_ITEM_SAVED + 1, // kinds count from 1
};

// ---- store_item.c: what each kind of item is in the database

enum store_type {
	STORE_NAME,  // const char *: there must be one, and not an empty one
	STORE_TEXT,  // const char *: NULL and "" are NULL in the database
	STORE_BOOL,  // bool
	STORE_INT,   // int
	STORE_U16,   // uint16_t
	STORE_U32,   // uint32_t, unsigned
	STORE_U64,   // uint64_t, the same 64 bits as SQLite's signed number
	STORE_BYTES, // const void *, and a size_t at size_offset
};

struct store_column {
	const char *name;
	enum store_type type;
	size_t offset; // in struct weir_item
	size_t size_offset;
	int64_t min, max; // of a number but STORE_U64
};

struct store_kind {
	const char *table;
	const char *order; // of rows, when they are read
	unsigned n_keys;   // so many columns, the first ones, tell one item from another
	unsigned n_columns;
	struct store_column columns[STORE_COLUMNS_MAX];
	// What goes with a removed item, then the item; ?1 and on are its keys.
	const char *removals[STORE_REMOVALS_MAX + 1];
};

// NULL: there is no such kind.
const struct store_kind *store_kind(enum weir_item_kind kind);
// Refuses what must not get into the database, nor be read from one: with -EBADMSG and a sentence
// about the column, to go behind the name of the table. keys_only: of an item that is removed.
int store_item_check(const struct weir_item *item, bool keys_only, struct weir_error *error);
// The SQL that inserts an item of the kind or replaces the one of the same keys, in its place; and
// the one that reads them all. To be freed with sqlite3_free(); NULL: no memory.
char *store_sql_put(const struct store_kind *kind);
char *store_sql_read(const struct store_kind *kind);

// ---- store_batch.c: changes in the order in which they were made

struct store_record {
	struct store_record *next;
	bool removed;
	struct weir_item item; // what it points to is the batch's
};

struct store_batch {
	struct store_batch *next;
	struct store_record *first, **end;
	struct store_chunk *chunks;
	size_t size; // bytes of memory
	store_done *done;
	void *context;
	struct weir_error error; // why it cannot be, or was not, written; its code 0: nothing
};

// NULL: no memory.
struct store_batch *store_batch_create(void);
// Copies the item. What it cannot take spoils the batch: error says why.
void store_batch_add(struct store_batch *batch, bool removed, const struct weir_item *item);
void store_batch_destroy(struct store_batch *batch); // accepts NULL

// ---- store_directory.c

struct store_directory {
	int fd, lock_fd;
};

// Opens the directory, made when it is missing, checks that it is the daemon's, and locks it.
int store_directory_open(
	const char *path, struct store_directory *directory, struct weir_error *error);
void store_directory_close(struct store_directory *directory);

// ---- store_schema.c

// The version of the database's schema and whose it is. 0 or a result code of SQLite.
int store_schema_read(sqlite3 *db, int *application_id, int *version);
// Brings an older schema, 0 being none at all, to `to` in one transaction. 0 or a result code of
// SQLite; then nothing has changed when the connection is closed.
int store_schema_migrate(sqlite3 *db, int version, int to);

// ---- store_database.c

// Opens the database that is there, checks it and brings it to STORE_VERSION. One that is refused
// is left as it was.
int store_database_open(int directory_fd, const char *path, sqlite3 **db, struct weir_error *error);
// Only opens, with the settings of every connection.
int store_connect(const char *path, sqlite3 **db, struct weir_error *error);
// Fills the error with what SQLite says, about "state FILE: cannot be WHAT".
int store_refuse(
	sqlite3 *db, const char *path, int result, const char *what, struct weir_error *error);
__attribute__((format(printf, 3, 4))) int store_refuse_damaged(
	const char *path, struct weir_error *error, const char *format, ...);

// ---- store_make.c
//
// `state.db` comes into being whole: it is made as `state.db.new` and renamed. So one that is
// empty, or missing beside its journal or beside the file `made` that every opened database leaves,
// was there and has been lost. Whoever lost it decides what now: the switch does not start empty.

// Makes an empty database when there is none and nothing says that there was one.
int store_make(int directory_fd, const char *path, struct weir_error *error);
// Leaves the file `made`.
int store_mark(int directory_fd, const char *path, struct weir_error *error);

// ---- store_write.c: under `database`

struct store_statements {
	sqlite3_stmt *begin, *commit, *rollback, *probe;
	sqlite3_stmt *put[STORE_N_KINDS];
	sqlite3_stmt *remove[STORE_N_KINDS][STORE_REMOVALS_MAX];
};

// 0 or a result code of SQLite.
int store_statements_prepare(sqlite3 *db, struct store_statements *statements);
void store_statements_finalize(struct store_statements *statements);
// Writes a list of batches as one transaction. 0 or a result code of SQLite, to be
// followed by store_roll_back(), as soon as SQLite has been asked for its reason.
int store_write(const struct store_statements *statements, const struct store_batch *batches);
void store_roll_back(sqlite3 *db, const struct store_statements *statements);
// Writes and syncs a page that changes nothing. 0 or a result code of SQLite.
int store_probe(const struct store_statements *statements);

// ---- store.c and store_writer.c

struct store {
	char *path; // of the database
	struct store_directory directory;
	int event_fd;
	struct store_batch *open; // control thread
	unsigned n_ended;         // control thread: batches that have ended and were not reported
	bool closing;             // control thread: nothing is accepted any more

	pthread_mutex_t database;
	sqlite3 *db;
	struct store_statements statements;
	int wal_frames; // after the last commit

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	// Under lock:
	struct store_batch *ended, **ended_end;     // not begun
	struct store_batch *written, **written_end; // to be reported
	struct weir_error halted;  // code not 0: a failure is not reported yet; nothing is begun
	struct weir_error unready; // code not 0: the last that was written failed, and why
	bool probe_wanted;
	int64_t probed_ms; // when the last probe ended
	bool stopping;
};

int store_writer_start(struct store *store, struct weir_error *error);
// Ends the thread when it has written what it can, and waits for that.
void store_writer_stop(struct store *store);
void store_writer_fini(struct store *store); // once it has been stopped
int64_t store_now_ms(void);

// ---- store_load.c

typedef int store_item_handler(
	void *context, const struct weir_item *item, struct weir_error *error);
// Calls the handler for every item that is kept, until it refuses.
int store_read(
	struct store *store, store_item_handler *handler, void *context, struct weir_error *error);

#endif
