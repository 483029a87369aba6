// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "switch/index.h"

#include <stdlib.h>

enum {
	UNHASHED_MAX = 8, // entries that are found as fast without a table
	FNV_PRIME = 16777619,
};
static const uint32_t fnv_basis = 2166136261;

uint32_t index_hash(uint32_t before, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	uint32_t hash = before ? before : fnv_basis;

	do
		hash = (hash ^ *at) * FNV_PRIME; // the end too: it parts the texts
	while (*at++);
	return hash;
}

static struct index_entry **bucket(struct index *index, uint32_t hash)
{
	// The upper half joins in: the last step of FNV-1a leaves the lowest bits the weakest.
	return index->buckets ? &index->buckets[(hash ^ hash >> 16) & (index->n_buckets - 1)]
			      : &index->first;
}

static void put(struct index_entry **at, struct index_entry *entry)
{
	entry->next = *at;
	entry->link = at;
	if (entry->next)
		entry->next->link = &entry->next;
	*at = entry;
}

static void move(struct index *to, struct index_entry *chain)
{
	while (chain) {
		struct index_entry *entry = chain;

		chain = entry->next;
		put(bucket(to, entry->hash), entry);
	}
}

static void grow(struct index *index)
{
	struct index larger = { .n = index->n };

	if (index->n_buckets > UINT32_MAX / 4)
		return;
	larger.n_buckets = index->n_buckets ? index->n_buckets * 2 : UNHASHED_MAX * 2;
	larger.buckets = calloc(larger.n_buckets, sizeof(struct index_entry *));
	if (!larger.buckets)
		return; // tried again with the next entry
	move(&larger, index->first);
	for (uint32_t i = 0; i < index->n_buckets; i++)
		move(&larger, index->buckets[i]);
	free(index->buckets);
	*index = larger;
}

void index_add(struct index *index, struct index_entry *entry, uint32_t hash)
{
	if (index->n >= (index->buckets ? index->n_buckets : UNHASHED_MAX))
		grow(index);
	entry->hash = hash;
	put(bucket(index, hash), entry);
	index->n++;
}

void index_remove(struct index *index, struct index_entry *entry)
{
	*entry->link = entry->next;
	if (entry->next)
		entry->next->link = entry->link;
	if (--index->n == 0)
		index_fini(index);
}

static struct index_entry *of_hash(struct index_entry *entry, uint32_t hash)
{
	while (entry && entry->hash != hash)
		entry = entry->next;
	return entry;
}

struct index_entry *index_find(const struct index *index, uint32_t hash)
{
	return of_hash(*bucket((struct index *)index, hash), hash);
}

struct index_entry *index_next(const struct index_entry *entry)
{
	return of_hash(entry->next, entry->hash);
}

void index_fini(struct index *index)
{
	free(index->buckets);
	*index = (struct index){ 0 };
}
