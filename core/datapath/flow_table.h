// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The exact-match flow table of one worker and one switch. No other thread touches it.
//
// A flow is two cache lines. Buckets are one line of eight 16-bit tags and indices; a flow stands
// in one of two buckets, the second of which is looked at only when the first has overflowed.
// Look-up is split so that a batch can prefetch: flow_hash(), flow_prefetch_bucket(); then
// flow_candidate(), which prefetches the flow; then flow_match(). Memory is reserved at creation
// and touched on use; nothing grows.
//
// New flows never evict flows in use: when the table, or both buckets, are full, flow_insert()
// fails and the frame runs uncached. Unused flows are taken out by the worker's scan, the sooner
// the fuller the table is; scan.c has the rule.
#ifndef FLOW_TABLE_H
#define FLOW_TABLE_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "datapath/generation.h"
#include "datapath/key.h"
#include "datapath/program.h"

enum flow_flag {
	FLOW_LEARNED = 1 << 0,        // its decision learned the source address; vlan says where
	FLOW_DEPENDS_ON_ALL = 1 << 1, // more dependencies than fit: any change makes it stale
	// What it did may not be done any more, and a frame is needed for deciding it anew: its
	// next one does so. Set with DEPENDS_ON_ALL.
	FLOW_UNDECIDED = 1 << 2,
	FLOW_UNLEARNED = 1 << 3, // there was no room for its source address: tried again
};

struct flow {
	_Alignas(64) struct program *program;
	uint64_t valid_at; // switch clock: the decision holds for everything up to here
	uint64_t frames, bytes;
	uint32_t hash;
	uint32_t used; // flow_tick() of the last frame; free: index of the next free
	uint64_t key[KEY_WORDS];
	uint16_t depends[GENERATION_DEPENDS - 2];
	uint8_t n_depends : 7, has_sessions : 1; // session_flow.h
	uint8_t n_words : 4, flags : 4;          // enum flow_flag
	uint16_t vlan;
};

_Static_assert(sizeof(struct flow) == 128, "two cache lines");

struct flow_bucket {
	_Alignas(64) uint16_t tags[8]; // 0: empty
	uint32_t index[8];
	uint32_t overflowed; // flows that stand in their second bucket because of this one
	uint32_t reserved[3];
};

_Static_assert(sizeof(struct flow_bucket) == 64, "one cache line");

struct flow_table {
	struct flow *flows;
	struct flow_bucket *buckets;
	uint32_t bucket_mask;
	uint32_t capacity;
	uint32_t n;          // in use
	uint32_t high_water; // flows[high_water..] have never been used
	uint32_t free;       // list through flow.used, FLOW_NONE at its end
	uint64_t seed[KEY_WORDS + 1];
};

#define FLOW_NONE UINT32_MAX

enum { FLOW_TICKS_PER_S = 119 };

// The clock of `used`, in units of 2^23 ns. Differences are good for a year.
static inline uint32_t flow_tick(uint64_t now_ns)
{
	return (uint32_t)(now_ns >> 23);
}

// capacity: flows. NULL when memory cannot be reserved.
struct flow_table *flow_table_create(uint32_t capacity);
void flow_table_destroy(struct flow_table *table);

// Inserts; the key must not be there. NULL when there is no place. The caller fills the rest.
struct flow *flow_insert(
	struct flow_table *table, const struct flow_key *key, unsigned n_words, uint32_t hash);
// Takes the flow out. The caller has put its program.
void flow_remove(struct flow_table *table, struct flow *flow);
// The slow way to find a flow; also looks into the second bucket. NULL: not there.
struct flow *flow_find(const struct flow_table *table, const struct flow_key *key, unsigned n_words,
	uint32_t hash);

static inline uint64_t flow_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// Folded multiplication over pairs of words with a secret seed per table, so that nobody outside
// can choose colliding flows. n_words follows from word 0, so that keys of different lengths need
// not be told apart.
static inline uint32_t flow_hash(
	const struct flow_table *t, const struct flow_key *k, unsigned n_words)
{
	uint64_t h = flow_mix(k->w[0] ^ t->seed[0], k->w[1] ^ t->seed[1]);

	if (n_words <= KEY_WORDS_L2)
		h ^= flow_mix(k->w[2] ^ t->seed[2], t->seed[3]);
	else
		h ^= flow_mix(k->w[2] ^ t->seed[2], k->w[3] ^ t->seed[3]) +
		     flow_mix(k->w[4] ^ t->seed[4], k->w[5] ^ t->seed[5]);
	if (n_words > KEY_WORDS_IPV4)
		h ^= flow_mix(k->w[6] ^ t->seed[6], k->w[7] ^ t->seed[7]) +
		     flow_mix(k->w[8] ^ t->seed[8], t->seed[4]);
	return (uint32_t)flow_mix(h, t->seed[9]);
}

static inline uint16_t flow_tag(uint32_t hash)
{
	return (uint16_t)(hash >> 16 | 1);
}

static inline struct flow_bucket *flow_bucket(const struct flow_table *t, uint32_t hash)
{
	return &t->buckets[hash & t->bucket_mask];
}

static inline void flow_prefetch_bucket(const struct flow_table *t, uint32_t hash)
{
	__builtin_prefetch(flow_bucket(t, hash));
}

// The places of a bucket with this tag, one bit each.
static inline unsigned flow_tags_portable(const struct flow_bucket *bucket, uint16_t tag)
{
	unsigned found = 0;

	for (unsigned i = 0; i < 8; i++)
		found |= (unsigned)(bucket->tags[i] == tag) << i;
	return found;
}

#ifdef __SSE2__
// One comparison for all eight. SSE2 is part of x86-64.
static inline unsigned flow_tags(const struct flow_bucket *bucket, uint16_t tag)
{
	__m128i equal = _mm_cmpeq_epi16(
		_mm_load_si128((const __m128i *)bucket->tags), _mm_set1_epi16((short)tag));

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128()));
}
#else
#define flow_tags flow_tags_portable
#endif

// The first flow of the bucket with the hash's tag, prefetched; NULL: none, though it may stand in
// the second bucket.
static inline struct flow *flow_candidate(const struct flow_table *t, uint32_t hash, bool two_lines)
{
	const struct flow_bucket *bucket = flow_bucket(t, hash);
	unsigned found = flow_tags(bucket, flow_tag(hash));
	struct flow *flow;

	if (!found)
		return NULL;
	flow = &t->flows[bucket->index[__builtin_ctz(found)]];
	__builtin_prefetch(flow, 1);
	if (two_lines)
		__builtin_prefetch((char *)flow + 64);
	return flow;
}

static inline bool flow_match(const struct flow *flow, const struct flow_key *k, unsigned n_words)
{
	uint64_t differ = (flow->key[0] ^ k->w[0]) | (flow->key[1] ^ k->w[1]) |
			  (flow->key[2] ^ k->w[2]);

	if (n_words > KEY_WORDS_L2)
		differ |= (flow->key[3] ^ k->w[3]) | (flow->key[4] ^ k->w[4]) |
			  (flow->key[5] ^ k->w[5]);
	if (n_words > KEY_WORDS_IPV4)
		differ |= (flow->key[6] ^ k->w[6]) | (flow->key[7] ^ k->w[7]) |
			  (flow->key[8] ^ k->w[8]);
	return differ == 0;
}

#endif
