// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <stdlib.h>
#include <sys/random.h>

#include "datapath/flow_table.h"
#include "datapath/pages.h"

enum {
	FLOWS_AHEAD = PAGES_HUGE / sizeof(struct flow),
	BUCKETS_LEAST = 64,
	FLOWS_PER_BUCKET = 2, // of 8 places: one that is next to be divided has twice as many
};

// Twice as many places as flows: at that load make_room() practically never fails.
static uint32_t most_buckets(uint32_t capacity)
{
	uint32_t n = 1;

	while ((uint64_t)n * 8 < (uint64_t)capacity * 2)
		n *= 2;
	return n;
}

static size_t buckets_size(const struct flow_table *table)
{
	return (size_t)table->n_buckets_max * sizeof(struct flow_bucket);
}

struct flow_table *flow_table_create(uint32_t capacity)
{
	struct flow_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->capacity = capacity;
	table->n_buckets_max = most_buckets(capacity);
	table->n_buckets = table->n_buckets_max < BUCKETS_LEAST ? table->n_buckets_max
								: BUCKETS_LEAST;
	table->bucket_mask = table->n_buckets - 1;
	table->free = FLOW_NONE;
	table->flows = pages_reserve_huge(capacity * sizeof(struct flow));
	table->rests = pages_reserve_huge(capacity * sizeof(struct flow_rest));
	table->buckets = pages_reserve_huge(buckets_size(table));
	if (!table->flows || !table->rests || !table->buckets ||
		getrandom(table->seed, sizeof(table->seed), 0) != sizeof(table->seed)) {
		flow_table_destroy(table);
		return NULL;
	}
	if (capacity >= FLOWS_AHEAD)
		flow_table_touch(table);
	else
		table->n_touched = capacity;
	return table;
}

// Whether more than n flows should be touched.
static bool is_short(const struct flow_table *table, uint32_t n)
{
	return n < table->capacity &&
	       __atomic_load_n(&table->high_water, __ATOMIC_RELAXED) + FLOWS_AHEAD / 2 >= n;
}

// Those that are in use when flows n to n + more are.
static void touch_buckets(struct flow_table *table, uint32_t n, uint32_t more)
{
	uint32_t from = n / FLOWS_PER_BUCKET, end = (n + more) / FLOWS_PER_BUCKET;

	if (end > table->n_buckets_max)
		end = table->n_buckets_max;
	if (from < end)
		pages_touch(&table->buckets[from], (end - from) * sizeof(struct flow_bucket));
}

void flow_table_touch(struct flow_table *table)
{
	uint32_t n = table->n_touched;
	uint32_t more = table->capacity - n < FLOWS_AHEAD ? table->capacity - n : FLOWS_AHEAD;

	if (!is_short(table, n))
		return;
	pages_touch(&table->flows[n], more * sizeof(struct flow));
	pages_touch(&table->rests[n], more * sizeof(struct flow_rest));
	touch_buckets(table, n, more);
	__atomic_store_n(&table->n_touched, n + more, __ATOMIC_RELAXED);
}

bool flow_table_runs_short(struct flow_table *table)
{
	uint32_t n = __atomic_load_n(&table->n_touched, __ATOMIC_RELAXED);

	if (n == table->n_told || !is_short(table, n))
		return false;
	table->n_told = n;
	return true;
}

void flow_table_destroy(struct flow_table *table)
{
	if (!table)
		return;
	pages_release(table->flows, table->capacity * sizeof(struct flow));
	pages_release(table->rests, table->capacity * sizeof(struct flow_rest));
	pages_release(table->buckets, buckets_size(table));
	free(table);
}

static struct flow_bucket *other_bucket(const struct flow_table *t, uint32_t hash)
{
	return flow_bucket(t, hash ^ ((flow_tag(hash) * UINT32_C(0x5bd1e995)) >> 7 | 1));
}

static int free_place(const struct flow_bucket *bucket)
{
	for (int i = 0; i < 8; i++)
		if (bucket->tags[i] == 0)
			return i;
	return -1;
}

// Not when the table is full.
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
	__atomic_store_n(&table->high_water, table->high_water + 1, __ATOMIC_RELAXED);
	return &table->flows[table->high_water - 1];
}

// Of a key of n_words, how many stand in the flow itself.
static unsigned words_here(unsigned n_words)
{
	return n_words < KEY_WORDS_IPV4 ? n_words : KEY_WORDS_IPV4;
}

static void put(struct flow_bucket *bucket, uint32_t index, uint16_t tag)
{
	int place = free_place(bucket);

	bucket->tags[place] = tag;
	bucket->index[place] = index;
}

// The bucket that is next in order, and the one behind the last, take what the former has.
static void divide(struct flow_table *table)
{
	struct flow_bucket *bucket, before, *behind = &table->buckets[table->n_buckets++];

	if (table->n_buckets > table->bucket_mask + 1)
		table->bucket_mask = table->bucket_mask * 2 + 1;
	bucket = behind - (table->bucket_mask / 2 + 1);
	before = *bucket;
	for (int i = 0; i < 8; i++) {
		__builtin_prefetch(&table->flows[before.index[i]]);
		__builtin_prefetch(&table->rests[before.index[i]]);
	}
	// Nobody knows which half the flows are of that stand in their second bucket.
	*behind = *bucket = (struct flow_bucket){ .overflowed = before.overflowed };
	for (int i = 0; i < 8; i++) {
		struct flow_bucket *home;
		uint32_t hash;

		if (before.tags[i] == 0)
			continue;
		hash = flow_hash_of(table, &table->flows[before.index[i]]);
		home = flow_bucket(table, hash);
		put(home == bucket || home == behind ? home : other_bucket(table, hash),
			before.index[i], before.tags[i]);
	}
}

// Moves a flow of a full bucket to the other one that it may stand in. Returns its place; -1: each
// other one is full, too.
static int make_room(struct flow_table *table, struct flow_bucket *bucket)
{
	for (int i = 0; i < 8; i++) {
		uint32_t hash = flow_hash_of(table, &table->flows[bucket->index[i]]);
		struct flow_bucket *home = flow_bucket(table, hash);
		struct flow_bucket *to = home == bucket ? other_bucket(table, hash) : home;

		if (free_place(to) < 0)
			continue;
		put(to, bucket->index[i], bucket->tags[i]);
		if (home == bucket)
			home->overflowed++;
		else
			home->overflowed--;
		bucket->tags[i] = 0;
		return i;
	}
	return -1;
}

static void grow(struct flow_table *table)
{
	if (table->n_buckets < table->n_buckets_max)
		divide(table);
}

struct flow *flow_insert(
	struct flow_table *table, const struct flow_key *key, unsigned n_words, uint32_t hash)
{
	struct flow_bucket *bucket = flow_bucket(table, hash), *home = bucket;
	int place = free_place(bucket);
	struct flow_rest *rest;
	struct flow *flow;

	if (table->n == table->capacity)
		return NULL;
	if (place < 0) {
		bucket = other_bucket(table, hash);
		place = free_place(bucket);
	}
	if (place < 0) {
		bucket = home;
		place = make_room(table, home);
	}
	if (place < 0) {
		grow(table); // or it would be refused for as long as nobody else comes
		return NULL;
	}
	flow = take(table);
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
	if (table->n > table->n_buckets * FLOWS_PER_BUCKET)
		grow(table);
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

static int place_of(const struct flow_bucket *bucket, uint32_t index)
{
	for (int i = 0; i < 8; i++)
		if (bucket->tags[i] && bucket->index[i] == index)
			return i;
	return -1;
}

void flow_remove(struct flow_table *table, struct flow *flow)
{
	uint32_t index = (uint32_t)(flow - table->flows);
	uint32_t hash = flow_hash_of(table, flow);
	struct flow_bucket *bucket = flow_bucket(table, hash);
	int place = place_of(bucket, index);

	if (place < 0) {
		bucket->overflowed--;
		bucket = other_bucket(table, hash);
		place = place_of(bucket, index);
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

		if (flow_match(table, flow, key, n_words) &&
			flow_rest(table, flow)->n_words == n_words)
			return flow;
	}
	return NULL;
}

static struct flow *find(const struct flow_table *table, const struct flow_key *key,
	unsigned n_words, uint32_t hash, uint16_t tag)
{
	const struct flow_bucket *bucket = flow_bucket(table, hash);
	struct flow *flow = find_in(table, bucket, key, n_words, tag);

	if (flow || bucket->overflowed == 0)
		return flow;
	return find_in(table, other_bucket(table, hash), key, n_words, tag);
}

struct flow *flow_find(
	const struct flow_table *table, const struct flow_key *key, unsigned n_words, uint32_t hash)
{
	return find(table, key, n_words, hash, flow_tag(hash));
}

// flow_tag() is never even.
static uint16_t hidden_tag(uint32_t hash)
{
	uint16_t tag = flow_tag(hash) & UINT16_C(0xfffe);

	return tag ? tag : 2;
}

void flow_hide(struct flow_table *table, const struct flow *flow)
{
	uint32_t index = (uint32_t)(flow - table->flows);
	uint32_t hash = flow_hash_of(table, flow);
	struct flow_bucket *bucket = flow_bucket(table, hash);
	int place = place_of(bucket, index);

	if (place < 0) {
		bucket = other_bucket(table, hash);
		place = place_of(bucket, index);
	}
	bucket->tags[place] = hidden_tag(hash);
}

struct flow *flow_find_hidden(
	const struct flow_table *table, const struct flow_key *key, unsigned n_words, uint32_t hash)
{
	return find(table, key, n_words, hash, hidden_tag(hash));
}
