// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the tests of the store share: a directory, items, what is kept as text. It brings its own
// struct weir_document, so that the store is tested without the switch.
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "control/store.h"

enum { STORE_PATH_SIZE = 64 };

// ---- Items, by the fewest words
struct weir_item store_switch(const char *name);
struct weir_item store_extension(const char *vswitch, const char *name, int order);
struct weir_item store_port(const char *vswitch, const char *name);
struct weir_item store_policy(
	const char *target, const char *extension, const char *id, const char *text);
struct weir_item store_fdb(const char *vswitch, unsigned vlan, const char *mac, const char *port);
struct weir_item store_meter(
	const char *target, const char *extension, const char *id, uint64_t frames);
struct weir_item store_saved(const char *target, const char *extension, const char *text);

// ---- A directory: made under /tmp, removed with all that is in it.
void store_directory_make(char path[/* STORE_PATH_SIZE */]);
void store_directory_remove(const char *path);
// That of one test: cmocka's setup and teardown make and remove it.
extern char store_directory[STORE_PATH_SIZE];
int store_setup(void **state);
int store_teardown(void **state);
// path + "/" + name, in one of a few static buffers.
const char *store_file(const char *directory, const char *name);

// ---- The store. Failures end the test.
struct store *store_must_open(const char *directory);
void store_add(struct store *store, struct weir_item item);
void store_remove(struct store *store, struct weir_item item);
// Ends the batch and waits for its report: 0 or what it was told.
int store_keep(struct store *store, struct weir_error *error);
void store_must_keep(struct store *store);
// Waits until something can be reported, and has it reported.
void store_wait(struct store *store);
// All that is kept, one item per line. To be freed.
char *store_text(struct store *store);
void store_expect_text(struct store *store, const char *expected);
// The same, or what store_load() refused with.
int store_try_text(struct store *store, char **text, struct weir_error *error);

// ---- A database by SQL, in a file of its own.
void store_sql(const char *path, const char *sql);
// The tables of version 1.
extern const char store_version_1[];

// ---- Files in the directory
void store_write_file(const char *directory, const char *name, const void *bytes, size_t size);
// To be freed; size 0 when it is no file.
char *store_read_file(const char *directory, const char *name, size_t *size);
// A database with a switch and 500 policies, closed.
void store_make_state(const char *directory);
// The files as they are while what was kept stands in the journal alone: what a crash leaves.
void store_make_crashed_state(const char *directory);
// store_open() refuses with this code, and with a sentence that has these words.
void store_expect_refusal(const char *directory, int code, const char *sentence);

#endif
