// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Finding things of the model by their names when there are many: a hash table whose entries stand
// in the things themselves.
//
// Adding never fails: the table grows as it can, and without memory it only gets slower. Things
// of the same hash are the caller's to tell apart. An index that is all zero is empty and
// needs no index_fini(), nor does one from which everything was removed.
//
// Control thread only.
#ifndef SWITCH_INDEX_H
#define SWITCH_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct index_entry {
	struct index_entry *next;
	struct index_entry **link; // what points to it
	uint32_t hash;
};

struct index {
	struct index_entry **buckets; // NULL: there is only `first`
	struct index_entry *first;
	uint32_t n_buckets; // a power of 2, or 0
	uint32_t n;
};

// The thing of type `type` whose member `member` is the entry.
#define index_thing(entry, type, member) ((type *)((char *)(entry)-offsetof(type, member)))

// FNV-1a (draft-eastlake-fnv). Several texts: each with the hash of those before it; the first with
// 0. "a", "bc" and "ab", "c" differ.
uint32_t index_hash(uint32_t before, const char *text);

void index_add(struct index *index, struct index_entry *entry, uint32_t hash);
void index_remove(struct index *index, struct index_entry *entry);

// The entries with this hash, in no order; NULL at the end.
struct index_entry *index_find(const struct index *index, uint32_t hash);
struct index_entry *index_next(const struct index_entry *entry);

// Frees the table, not the things. They must not be removed from it any more.
void index_fini(struct index *index);

#endif
