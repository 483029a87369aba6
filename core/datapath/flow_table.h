// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The exact-match flow table of one worker and one switch. No other thread looks at its flows.
//
// A flow is one cache line with all that a hit needs, unless its key is long, and one with the
// rest, in an array of its own. Buckets are one line of eight 16-bit tags and indices; a flow
// stands in one of two buckets, the second of which is looked at only when the first has
// overflowed; where both are full another flow makes room. Look-up is split so that a batch can
// prefetch: flow_hash(), flow_prefetch_bucket(); then flow_candidate(), which prefetches the flow;
// then flow_match(). Memory is reserved at creation and touched on use.
//
// Of the buckets as many are in use as there are flows to fill them, so that those of few flows
// stay in the cache however large the table may become. They grow by linear hashing (W. Litwin,
// Linear hashing: a new tool for file and table addressing, VLDB 1980): every second new flow
// divides one bucket into two, next in order, and no frame waits for more than that and for a flow
// that gives way to it. They do not become fewer again.
//
// From 32,768 flows on it is touched in huge pages, so that where it stands is mostly known to the
// processor: with 100,000 flows at random 15.3 instead of 12.7 million frames a second (AMD EPYC,
// medians of 8 runs in turn of `tests/bench/replace build/release 0 0 1`, without: `never` in
// /sys/kernel/mm/transparent_hugepage/enabled). For the first use of one the kernel clears 2 MB,
// while frames wait. So the control thread does that ahead, as the table fills. Of a machine with
// several memory nodes it is that thread's node that gives the memory.
//
// New flows never evict flows in use: when the table is full, or both buckets are and no flow of
// the first can give way to its other one, flow_insert() fails and the frame runs uncached. Unused
// flows are taken out by the worker's scan, the sooner the fuller the table is; scan.c has the
// rule.
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
	FLOW_UNLEARNED = 1 << 2,      // there was no room for its source address: tried again
};

// Beside the time in flow.valid_at: what the flow did may not be done any more, and a frame is
// needed for deciding it anew: its next one does so. FLOW_DEPENDS_ON_ALL is set, too.
#define FLOW_UNDECIDED UINT32_C(1)
// Likewise: something that it depends on has changed since then, and it waits for its turn to be
// decided anew. What that was need not be looked for with each of its frames.
#define FLOW_OUTDATED  UINT32_C(2)
#define FLOW_TIME_UNIT UINT32_C(4)

// What frames are on the wire, together: their number above their bytes, so that both are counted
// by one addition. None has more bytes than WEIR_FRAME_MAX, so the bytes stay in their range as
// long as WIRE_MANY is not set, and when a batch of segmentation frames sets it (flow_use.h).
#define WIRE_FRAME (UINT64_C(1) << 40)
#define WIRE_MANY  (UINT64_C(1) << 63)

static inline uint64_t wire_of(uint64_t frames, uint64_t bytes)
{
	return frames * WIRE_FRAME + bytes;
}

static inline uint64_t wire_frames(uint64_t wire)
{
	return wire / WIRE_FRAME;
}

static inline uint64_t wire_bytes(uint64_t wire)
{
	return wire % WIRE_FRAME;
}

struct flow {
	_Alignas(64) uint64_t key[KEY_WORDS_IPV4];
	struct program *program; // NULL: free
	uint64_t recent;         // wire_of() the frames that the rest does not count yet
	uint32_t valid_at; // switch clock, 30 bits of it: the decision holds for everything up to
			   // here
	uint32_t used;     // flow_tick() of the last frame; free: index of the next free
};

struct flow_rest {
	_Alignas(64) uint64_t key[KEY_WORDS - KEY_WORDS_IPV4];
	uint64_t frames, bytes; // and what the flow has in `recent`
	uint16_t depends[GENERATION_DEPENDS - 2];
	uint8_t n_depends : 7, has_sessions : 1; // session_flow.h
	uint8_t n_words : 4, flags : 4;          // enum flow_flag
	uint16_t vlan;
};

_Static_assert(sizeof(struct flow) == 64 && sizeof(struct flow_rest) == 64, "cache lines");

struct flow_bucket {
	_Alignas(64) uint16_t tags[8]; // 0: empty
	uint32_t index[8];
	uint32_t overflowed; // so many flows stand in their second bucket because of this one, at
			     // most
	uint32_t reserved[3];
};

_Static_assert(sizeof(struct flow_bucket) == 64, "one cache line");

struct flow_table {
	struct flow *flows;
	struct flow_rest *rests; // of the flow with the same index
	struct flow_bucket *buckets;
	uint32_t n_buckets; // in use
	uint32_t n_buckets_max;
	uint32_t bucket_mask; // the least power of two that n_buckets is not above, less one
	uint32_t capacity;
	uint32_t n;          // in use
	uint32_t high_water; // flows[high_water..] have never been used; worker: w, control: r
	uint32_t n_touched;  // of flows and rests. control: w, worker: r
	uint32_t n_told;     // n_touched when the control thread was last told; worker
	uint32_t free;       // list through flow.used, FLOW_NONE at its end
	uint64_t seed[KEY_WORDS + 2];
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

// Touches more of its memory when little is left of what has been. Control thread.
void flow_table_touch(struct flow_table *table);
// Whether that is due and the control thread is to be told; once for each time. Worker, like
// everything below.
bool flow_table_runs_short(struct flow_table *table);

// Inserts; the key must not be there. NULL when there is no place. The caller fills the rest.
struct flow *flow_insert(
	struct flow_table *table, const struct flow_key *key, unsigned n_words, uint32_t hash);
// Takes the flow out. The caller has put its program.
void flow_remove(struct flow_table *table, struct flow *flow);
// Takes what is recent over into the rest.
void flow_count(struct flow_table *table, struct flow *flow);
// The flow's whole key; words that it does not have are 0.
void flow_key(const struct flow_table *table, const struct flow *flow, struct flow_key *key);
uint32_t flow_hash_of(const struct flow_table *table, const struct flow *flow);
// The slow way to find a flow; also looks into the second bucket. NULL: not there.
struct flow *flow_find(const struct flow_table *table, const struct flow_key *key, unsigned n_words,
	uint32_t hash);

// From here on the flow is found by flow_find_hidden() alone, which finds no other.
void flow_hide(struct flow_table *table, const struct flow *flow);
struct flow *flow_find_hidden(const struct flow_table *table, const struct flow_key *key,
	unsigned n_words, uint32_t hash);

static inline struct flow_rest *flow_rest(const struct flow_table *t, const struct flow *flow)
{
	return &t->rests[flow - t->flows];
}

// What ran the flow's programs, on the wire.
static inline uint64_t flow_frames(const struct flow_table *t, const struct flow *flow)
{
	return flow_rest(t, flow)->frames + wire_frames(flow->recent);
}

static inline uint64_t flow_bytes(const struct flow_table *t, const struct flow *flow)
{
	return flow_rest(t, flow)->bytes + wire_bytes(flow->recent);
}

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
		h ^= flow_mix(k->w[2] ^ t->seed[2], t->seed[9]);
	else
		h ^= flow_mix(k->w[2] ^ t->seed[2], k->w[3] ^ t->seed[3]) +
		     flow_mix(k->w[4] ^ t->seed[4], t->seed[9]);
	if (n_words > KEY_WORDS_IPV4)
		h ^= flow_mix(k->w[5] ^ t->seed[5], k->w[6] ^ t->seed[6]) +
		     flow_mix(k->w[7] ^ t->seed[7], k->w[8] ^ t->seed[8]);
	return (uint32_t)flow_mix(h, t->seed[10]);
}

static inline uint16_t flow_tag(uint32_t hash)
{
	return (uint16_t)(hash >> 16 | 1);
}

static inline struct flow_bucket *flow_bucket(const struct flow_table *t, uint32_t hash)
{
	uint32_t at = hash & t->bucket_mask;

	// Those that are not divided yet have both halves. No branch: nobody could foretell it.
	at -= (t->bucket_mask / 2 + 1) & -(uint32_t)(at >= t->n_buckets);
	return &t->buckets[at];
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

// The first flow of the bucket with the hash's tag, prefetched for keys of that length; NULL: none,
// though it may stand in the second bucket.
static inline struct flow *flow_candidate(
	const struct flow_table *t, uint32_t hash, unsigned n_words)
{
	const struct flow_bucket *bucket = flow_bucket(t, hash);
	unsigned found = flow_tags(bucket, flow_tag(hash));
	struct flow *flow;

	if (!found)
		return NULL;
	flow = &t->flows[bucket->index[__builtin_ctz(found)]];
	__builtin_prefetch(flow, 1);
	if (n_words > KEY_WORDS_IPV4)
		__builtin_prefetch(flow_rest(t, flow));
	return flow;
}

static inline bool flow_match(const struct flow_table *t, const struct flow *flow,
	const struct flow_key *k, unsigned n_words)
{
	uint64_t differ = (flow->key[0] ^ k->w[0]) | (flow->key[1] ^ k->w[1]) |
			  (flow->key[2] ^ k->w[2]);

	if (n_words > KEY_WORDS_L2)
		differ |= (flow->key[3] ^ k->w[3]) | (flow->key[4] ^ k->w[4]);
	if (n_words > KEY_WORDS_IPV4) {
		const uint64_t *rest = flow_rest(t, flow)->key;

		differ |= (rest[0] ^ k->w[5]) | (rest[1] ^ k->w[6]) | (rest[2] ^ k->w[7]) |
			  (rest[3] ^ k->w[8]);
	}
	return differ == 0;
}

#endif
