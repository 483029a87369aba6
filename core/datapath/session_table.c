// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <stdlib.h>
#include <sys/random.h>

#include "datapath/pages.h"
#include "datapath/session_internal.h"

// ---- Making

static size_t n_buckets(uint32_t capacity)
{
	size_t n = 64;

	while (n < (size_t)capacity * 2)
		n *= 2;
	return n;
}

struct session_table *session_table_create(
	struct generation *generation, uint32_t capacity, uint32_t port_max)
{
	struct session_table *t = aligned_alloc(_Alignof(struct session_table), sizeof(*t));
	size_t buckets = n_buckets(capacity);

	if (!t)
		return NULL;
	*t = (struct session_table){
		.sessions = pages_reserve(capacity * sizeof(struct session)),
		.buckets = pages_reserve(buckets * sizeof(struct session_bucket)),
		.due = pages_reserve(capacity * sizeof(uint32_t)),
		.watchers = pages_reserve(SESSION_WATCHERS * sizeof(uint32_t)),
		.at_port = pages_reserve(SESSION_PORTS * sizeof(uint32_t)),
		.capacity = capacity,
		.port_max = port_max,
		.bucket_mask = (uint32_t)(buckets - 1),
		.generation = generation,
	};
	if (!t->sessions || !t->buckets || !t->due || !t->watchers || !t->at_port ||
		getrandom(t->seed, sizeof(t->seed), 0) != sizeof(t->seed)) {
		session_table_destroy(t);
		return NULL;
	}
	return t;
}

void session_table_destroy(struct session_table *t)
{
	if (!t)
		return;
	pages_release(t->sessions, t->capacity * sizeof(struct session));
	pages_release(t->buckets, ((size_t)t->bucket_mask + 1) * sizeof(struct session_bucket));
	pages_release(t->due, t->capacity * sizeof(uint32_t));
	pages_release(t->watchers, SESSION_WATCHERS * sizeof(uint32_t));
	pages_release(t->at_port, SESSION_PORTS * sizeof(uint32_t));
	free(t);
}

// ---- Places

#define FREE_INDEX(free)         ((uint32_t)(free))
#define FREE_NEXT(before, index) (((before) >> 32) + 1) << 32 | (index)

// From the free list (Treiber 1986; the count keeps a list that has changed and changed back from
// passing for the same one), or else one that has never been used. NULL: there is none.
static struct session *take_place(struct session_table *t)
{
	uint64_t before = __atomic_load_n(&t->free, __ATOMIC_ACQUIRE);
	uint32_t at = __atomic_load_n(&t->high_water, __ATOMIC_RELAXED);

	while (FREE_INDEX(before)) {
		struct session *s = &t->sessions[FREE_INDEX(before) - 1];
		// Somebody may take it and write it meanwhile; then the exchange fails.
		uint32_t next = __atomic_load_n(&s->next, __ATOMIC_RELAXED);

		if (__atomic_compare_exchange_n(&t->free, &before, FREE_NEXT(before, next), true,
			    __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
			return s;
	}
	while (at < t->capacity)
		if (__atomic_compare_exchange_n(
			    &t->high_water, &at, at + 1, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return &t->sessions[at];
	return NULL;
}

static void put_place(struct session_table *t, struct session *s)
{
	uint64_t before = __atomic_load_n(&t->free, __ATOMIC_RELAXED);
	uint32_t index = session_index(t, s) + 1;

	do
		__atomic_store_n(&s->next, FREE_INDEX(before), __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&t->free, &before, FREE_NEXT(before, index), true,
		__ATOMIC_RELEASE, __ATOMIC_RELAXED));
	__atomic_fetch_sub(&t->n, 1, __ATOMIC_RELAXED);
}

static struct session *no_room(struct session_table *t)
{
	__atomic_fetch_add(&t->n_refused, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&t->wanted, 1, __ATOMIC_RELAXED);
	return NULL;
}

static uint32_t most_at_port(const struct session_table *t, uint32_t port_max)
{
	return port_max && port_max < t->port_max ? port_max : t->port_max;
}

bool session_has_room(const struct session_table *t, uint16_t port, uint32_t port_max)
{
	return __atomic_load_n(&t->at_port[port], __ATOMIC_RELAXED) < most_at_port(t, port_max) &&
	       __atomic_load_n(&t->n, __ATOMIC_RELAXED) < t->capacity;
}

struct session *session_reserve(struct session_table *t, uint16_t port, uint32_t port_max)
{
	struct session *s;

	if (__atomic_fetch_add(&t->at_port[port], 1, __ATOMIC_RELAXED) >=
		most_at_port(t, port_max)) {
		__atomic_fetch_sub(&t->at_port[port], 1, __ATOMIC_RELAXED);
		return no_room(t);
	}
	s = take_place(t);
	if (!s) {
		__atomic_fetch_sub(&t->at_port[port], 1, __ATOMIC_RELAXED);
		return no_room(t);
	}
	__atomic_fetch_add(&t->n, 1, __ATOMIC_RELAXED);
	s->port = port;
	return s;
}

void session_unreserve(struct session_table *t, struct session *s)
{
	__atomic_fetch_sub(&t->at_port[(uint16_t)s->port], 1, __ATOMIC_RELAXED);
	put_place(t, s);
	// Who found no room because of this one waits for some, too.
	__atomic_store_n(&t->freed, 1, __ATOMIC_RELEASE);
}

void session_free(struct session_table *t, struct session *s)
{
	__atomic_store_n(&t->due[session_index(t, s)], 0, __ATOMIC_RELAXED);
	session_unreserve(t, s);
}

// ---- Finding and opening

bool session_look(const struct session_table *t, const struct session_key *key, uint64_t hash,
	bool reverse, struct weir_session_found *found)
{
	struct session_bucket *bucket = bucket_of(t, hash);
	const struct session *s;

	bucket_lock(bucket);
	s = bucket_find(t, bucket, key);
	if (s) {
		found->direction = session_direction(s, reverse);
		found->cookie = s->cookie;
	}
	bucket_unlock(bucket);
	return s != NULL;
}

bool session_look_quoted(const struct session_table *t, const struct session_key *key,
	uint64_t hash, bool reverse, bool at_egress)
{
	struct session_bucket *bucket = bucket_of(t, hash);
	bool was_at_egress, found = false;
	const struct session *s;

	bucket_lock(bucket);
	s = bucket_find(t, bucket, key);
	if (s) {
		was_at_egress = (s->flags & SESSION_AT_EGRESS) != 0;
		if (session_direction(s, reverse) == WEIR_SESSION_REVERSE)
			was_at_egress = !was_at_egress;
		found = was_at_egress != at_egress;
	}
	bucket_unlock(bucket);
	return found;
}

// Its last frame was not before this.
static void note_used(struct session *s, uint32_t tick)
{
	uint32_t before = __atomic_load_n(&s->used, __ATOMIC_RELAXED);

	while ((int32_t)(tick - before) > 0 && !__atomic_compare_exchange_n(&s->used, &before, tick,
						       true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		continue;
}

static void use(struct session *s, uint32_t tick)
{
	__atomic_fetch_add(&s->users, 1, __ATOMIC_RELAXED);
	note_used(s, tick);
}

struct session *session_hold(
	struct session_table *t, const struct session_key *key, uint64_t hash, uint32_t used)
{
	struct session_bucket *bucket = bucket_of(t, hash);
	struct session *s;

	bucket_lock(bucket);
	s = bucket_find(t, bucket, key);
	if (s)
		use(s, used);
	bucket_unlock(bucket);
	return s;
}

static void fill(struct session *s, const struct session_key *key, bool reverse,
	const struct session_spec *spec, uint32_t tick)
{
	s->key = *key;
	s->users = 0;
	s->before = 0;
	s->attachment = spec->attachment;
	s->state = SESSION_OPEN;
	s->flags = (reverse ? SESSION_FROM_HIGH : 0) | (spec->at_egress ? SESSION_AT_EGRESS : 0);
	s->cookie = spec->cookie;
	memset(s->frames, 0, sizeof(s->frames));
	memset(s->bytes, 0, sizeof(s->bytes));
	s->opened = s->used = tick;
	s->idle_s = spec->idle_s;
	s->absolute_s = spec->absolute_s;
	s->port = spec->port;
	s->finished = s->n_syns = s->cause = s->end = 0;
}

// When the first of its times is over, at the latest.
static uint32_t first_due(const struct session_spec *spec, uint32_t now_s)
{
	uint32_t in = spec->idle_s;

	if (spec->absolute_s && spec->absolute_s < in)
		in = spec->absolute_s;
	return now_s + in + 1;
}

struct session *session_enter(struct session_table *t, struct session *reserved,
	const struct session_key *key, uint64_t hash, bool reverse, const struct session_spec *spec,
	uint32_t tick, uint32_t now_s)
{
	struct session_bucket *bucket = bucket_of(t, hash);
	struct session *s;

	bucket_lock(bucket);
	s = bucket_find(t, bucket, key);
	if (s) {
		use(s, tick);
		bucket_unlock(bucket);
		session_unreserve(t, reserved);
		return s;
	}
	fill(reserved, key, reverse, spec, tick);
	use(reserved, tick);
	__atomic_store_n(&reserved->next, bucket->head, __ATOMIC_RELAXED);
	bucket->head = session_index(t, reserved) + 1;
	session_due_by(t, reserved, first_due(spec, now_s));
	bucket_unlock(bucket);
	// Whoever came to watch before this bucket was locked is counted; whoever comes later finds
	// it.
	if (__atomic_load_n(&t->watchers[session_watcher(hash)], __ATOMIC_RELAXED))
		generation_move(t->generation, session_slot(hash));
	return reserved;
}

void session_release(struct session *s)
{
	__atomic_fetch_sub(&s->users, 1, __ATOMIC_RELEASE);
}

void session_count(struct session *s, enum weir_session_direction direction, uint64_t frames,
	uint64_t bytes, uint32_t used)
{
	__atomic_fetch_add(&s->frames[direction], frames, __ATOMIC_RELAXED);
	__atomic_fetch_add(&s->bytes[direction], bytes, __ATOMIC_RELAXED);
	note_used(s, used);
}
