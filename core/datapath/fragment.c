// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <string.h>
#include <sys/random.h>

#include "datapath/flow_table.h"
#include "datapath/fragment.h"
#include "datapath/pages.h"
#include "datapath/spin.h"

struct remembered {
	_Alignas(64) struct fragment_key key;
	uint32_t policer;
	uint16_t reason;
	uint8_t drops;
	uint8_t taken;
	uint32_t at_s, at;
};

_Static_assert(sizeof(struct remembered) == 64, "one cache line");

// All of a bucket: its lock.
struct fragment_table {
	struct remembered places[FRAGMENT_BUCKETS][FRAGMENT_WAYS];
	uint32_t locks[FRAGMENT_BUCKETS];
	uint64_t seed[7];      // constant after creation
	uint64_t n_pushed_out; // atomic
};

struct fragment_table *fragment_table_create(void)
{
	struct fragment_table *t = pages_reserve(sizeof(*t));

	if (!t)
		return NULL;
	if (getrandom(t->seed, sizeof(t->seed), 0) != sizeof(t->seed)) {
		fragment_table_destroy(t);
		return NULL;
	}
	return t;
}

void fragment_table_destroy(struct fragment_table *t)
{
	pages_release(t, sizeof(*t));
}

static unsigned bucket_of(const struct fragment_table *t, const struct fragment_key *k)
{
	uint64_t h = flow_mix(k->w[0] ^ t->seed[0], k->w[1] ^ t->seed[1]) ^
		     (flow_mix(k->w[2] ^ t->seed[2], k->w[3] ^ t->seed[3]) +
			     flow_mix(k->w[4] ^ t->seed[4], k->w[5] ^ t->seed[5]));

	return (unsigned)flow_mix(h, t->seed[6]) % FRAGMENT_BUCKETS;
}

// Another worker's clock may be a little behind.
static bool is_good(const struct remembered *r, uint32_t now_s)
{
	return r->taken && (int32_t)(now_s - r->at_s) < FRAGMENT_S;
}

// Where the datagram is remembered, or else is to be: a place that is free, or the oldest.
static struct remembered *place_for(
	struct remembered places[], const struct fragment_key *key, uint32_t now_s)
{
	struct remembered *best = &places[0];

	for (unsigned i = 0; i < FRAGMENT_WAYS; i++) {
		struct remembered *r = &places[i];

		if (r->taken && memcmp(&r->key, key, sizeof(*key)) == 0)
			return r;
		if (is_good(best, now_s) &&
			(!is_good(r, now_s) || (int32_t)(r->at_s - best->at_s) < 0))
			best = r;
	}
	return best;
}

void fragment_put(struct fragment_table *t, const struct fragment_key *key,
	const struct fragment_verdict *verdict, uint32_t now_s, uint32_t at)
{
	unsigned bucket = bucket_of(t, key);
	struct remembered *r;
	bool pushed_out;

	spin_lock(&t->locks[bucket]);
	r = place_for(t->places[bucket], key, now_s);
	pushed_out = is_good(r, now_s) && memcmp(&r->key, key, sizeof(*key)) != 0;
	*r = (struct remembered){
		.key = *key,
		.policer = verdict->policer,
		.reason = verdict->reason,
		.drops = verdict->drops,
		.taken = 1,
		.at_s = now_s,
		.at = at,
	};
	spin_unlock(&t->locks[bucket]);
	if (pushed_out)
		__atomic_fetch_add(&t->n_pushed_out, 1, __ATOMIC_RELAXED);
}

bool fragment_look(struct fragment_table *t, const struct fragment_key *key, uint32_t now_s,
	struct fragment_verdict *verdict, uint32_t *at)
{
	unsigned bucket = bucket_of(t, key);
	bool found = false;

	spin_lock(&t->locks[bucket]);
	for (unsigned i = 0; i < FRAGMENT_WAYS && !found; i++) {
		const struct remembered *r = &t->places[bucket][i];

		found = is_good(r, now_s) && memcmp(&r->key, key, sizeof(*key)) == 0;
		if (!found)
			continue;
		*verdict = (struct fragment_verdict){
			.policer = r->policer, .reason = r->reason, .drops = r->drops
		};
		*at = r->at;
	}
	spin_unlock(&t->locks[bucket]);
	return found;
}

uint64_t fragment_n_pushed_out(const struct fragment_table *t)
{
	return __atomic_load_n(&t->n_pushed_out, __ATOMIC_RELAXED);
}
