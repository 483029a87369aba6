// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "datapath/flow_table.h"

static void *reserve(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static size_t buckets_size(const struct flow_table *table)
{
	return ((size_t)table->bucket_mask + 1) * sizeof(struct flow_bucket);
}

// Twice as many places as flows: at that load both buckets of a flow are practically never full.
static uint32_t n_buckets(uint32_t capacity)
{
	uint32_t n = 1;

	while ((uint64_t)n * 8 < (uint64_t)capacity * 2)
		n *= 2;
	return n;
}

struct flow_table *flow_table_create(uint32_t capacity)
{
	struct flow_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->capacity = capacity;
	table->bucket_mask = n_buckets(capacity) - 1;
	table->free = FLOW_NONE;
	table->flows = reserve(capacity * sizeof(struct flow));
	table->rests = reserve(capacity * sizeof(struct flow_rest));
	table->buckets = reserve(buckets_size(table));
	if (!table->flows || !table->rests || !table->buckets ||
		getrandom(table->seed, sizeof(table->seed), 0) != sizeof(table->seed)) {
		flow_table_destroy(table);
		return NULL;
	}
	return table;
}

void flow_table_destroy(struct flow_table *table)
{
	if (!table)
		return;
	if (table->flows)
		munmap(table->flows, table->capacity * sizeof(struct flow));
	if (table->rests)
		munmap(table->rests, table->capacity * sizeof(struct flow_rest));
	if (table->buckets)
		munmap(table->buckets, buckets_size(table));
	free(table);
}

// The other bucket of a flow. Applied twice it gives the first.
static struct flow_bucket *other_bucket(const struct flow_table *t, uint32_t hash)
{
	uint32_t away = (flow_tag(hash) * UINT32_C(0x5bd1e995)) >> 7 | 1;

	return &t->buckets[((hash & t->bucket_mask) ^ away) & t->bucket_mask];
}

static int free_place(const struct flow_bucket *bucket)
{
	for (int i = 0; i < 8; i++)
		if (bucket->tags[i] == 0)
			return i;
	return -1;
}

static struct flow *take(struct flow_table *table)
{
	struct flow *flow;

	if (table->free != FLOW_NONE) {
		flow = &table->flows[table->free];
		table->free = flow->used;
		// For the next one.
		if (table->free != FLOW_NONE) {
			__builtin_prefetch(&table->flows[table->free], 1);
			__builtin_prefetch(&table->rests[table->free], 1);
		}
		return flow;
	}
	if (table->high_water == table->capacity)
		return NULL;
	return &table->flows[table->high_water++];
}

// Of a key of n_words, how many stand in the flow itself.
static unsigned words_here(unsigned n_words)
{
	return n_words < KEY_WORDS_IPV4 ? n_words : KEY_WORDS_IPV4;
}

struct flow *flow_insert(
	struct flow_table *table, const struct flow_key *key, unsigned n_words, uint32_t hash)
{
	struct flow_bucket *bucket = flow_bucket(table, hash), *home = bucket;
	int place = free_place(bucket);
	struct flow_rest *rest;
	struct flow *flow;

	if (place < 0) {
		bucket = other_bucket(table, hash);
		place = free_place(bucket);
	}
	flow = place < 0 ? NULL : take(table);
	if (!flow)
		return NULL;
	if (bucket != home)
		home->overflowed++;
	bucket->tags[place] = flow_tag(hash);
	bucket->index[place] = (uint32_t)(flow - table->flows);
	rest = flow_rest(table, flow);
	*flow = (struct flow){ 0 };
	*rest = (struct flow_rest){ .n_words = n_words & 15 };
	memcpy(flow->key, key->w, words_here(n_words) * sizeof(key->w[0]));
	memcpy(rest->key, key->w + KEY_WORDS_IPV4,
		(n_words - words_here(n_words)) * sizeof(key->w[0]));
	table->n++;
	return flow;
}

void flow_key(const struct flow_table *table, const struct flow *flow, struct flow_key *key)
{
	memcpy(key->w, flow->key, sizeof(flow->key));
	memcpy(key->w + KEY_WORDS_IPV4, flow_rest(table, flow)->key,
		sizeof(flow_rest(table, flow)->key));
}

void flow_count(struct flow_table *table, struct flow *flow)
{
	struct flow_rest *rest = flow_rest(table, flow);

	rest->frames += wire_frames(flow->recent);
	rest->bytes += wire_bytes(flow->recent);
	flow->recent = 0;
}

uint32_t flow_hash_of(const struct flow_table *table, const struct flow *flow)
{
	struct flow_key key;

	flow_key(table, flow, &key);
	return flow_hash(table, &key, flow_rest(table, flow)->n_words);
}

static int place_of(const struct flow_bucket *bucket, uint16_t tag, uint32_t index)
{
	for (int i = 0; i < 8; i++)
		if (bucket->tags[i] == tag && bucket->index[i] == index)
			return i;
	return -1;
}

void flow_remove(struct flow_table *table, struct flow *flow)
{
	uint32_t index = (uint32_t)(flow - table->flows);
	uint32_t hash = flow_hash_of(table, flow);
	struct flow_bucket *bucket = flow_bucket(table, hash);
	int place = place_of(bucket, flow_tag(hash), index);

	if (place < 0) {
		bucket->overflowed--;
		bucket = other_bucket(table, hash);
		place = place_of(bucket, flow_tag(hash), index);
	}
	bucket->tags[place] = 0;
	flow->program = NULL;
	flow->used = table->free;
	table->free = index;
	table->n--;
}

static struct flow *find_in(const struct flow_table *table, const struct flow_bucket *bucket,
	const struct flow_key *key, unsigned n_words, uint16_t tag)
{
	for (unsigned found = flow_tags(bucket, tag); found; found &= found - 1) {
		struct flow *flow = &table->flows[bucket->index[__builtin_ctz(found)]];

		if (flow_rest(table, flow)->n_words == n_words &&
			flow_match(table, flow, key, n_words))
			return flow;
	}
	return NULL;
}

struct flow *flow_find(
	const struct flow_table *table, const struct flow_key *key, unsigned n_words, uint32_t hash)
{
	const struct flow_bucket *bucket = flow_bucket(table, hash);
	struct flow *flow = find_in(table, bucket, key, n_words, flow_tag(hash));

	if (flow || bucket->overflowed == 0)
		return flow;
	return find_in(table, other_bucket(table, hash), key, n_words, flow_tag(hash));
}
