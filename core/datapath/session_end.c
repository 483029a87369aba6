// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The end of sessions, and listing them: the control thread's side. It alone takes sessions out, so
// a place that it finds taken stays what it is while it looks.
#include "datapath/session_internal.h"

enum { MOVES_MAX = 256 };

// Slots to be moved together: the clock moves once for all.
struct moves {
	struct generation *generation;
	unsigned n;
	uint16_t slots[MOVES_MAX];
};

static void move_all(struct moves *m)
{
	generation_move_all(m->generation, m->slots, m->n);
	m->n = 0;
}

static void move(struct moves *m, uint16_t slot)
{
	m->slots[m->n++] = slot;
	if (m->n == MOVES_MAX)
		move_all(m);
}

// ---- Times

static uint64_t ns_since(uint32_t now, uint32_t then)
{
	return (int32_t)(now - then) > 0 ? (uint64_t)(now - then) << TICK_NS_SHIFT : 0;
}

static uint64_t left(uint64_t limit_s, uint64_t gone_ns)
{
	return limit_s * NS_PER_S > gone_ns ? limit_s * NS_PER_S - gone_ns : 0;
}

static uint64_t idle_left(const struct session *s, uint32_t tick)
{
	uint32_t used = __atomic_load_n(&s->used, __ATOMIC_RELAXED);

	return left(session_idle_s(s, session_state(s)), ns_since(tick, used));
}

static uint64_t absolute_left(const struct session *s, uint32_t tick)
{
	return s->absolute_s ? left(s->absolute_s, ns_since(tick, s->opened)) : UINT64_MAX;
}

uint32_t session_expires_s(const struct session *s, uint64_t now_ns)
{
	uint32_t tick = (uint32_t)(now_ns >> TICK_NS_SHIFT);
	uint64_t idle = idle_left(s, tick), absolute = absolute_left(s, tick);

	return (uint32_t)((idle < absolute ? idle : absolute) / NS_PER_S);
}

// ---- Ending

static void unlink_from(struct session_table *t, struct session_bucket *bucket, struct session *s)
{
	uint32_t *link = &bucket->head;

	while (*link != session_index(t, s) + 1)
		link = &t->sessions[*link - 1].next;
	// Whoever takes a place off the free list may still be reading what this was there.
	__atomic_store_n(link, s->next, __ATOMIC_RELAXED);
}

// Takes it out. Its bucket is locked.
static void take_out(struct session_table *t, struct session_bucket *bucket, struct session *s,
	enum weir_session_cause cause, uint32_t now_s)
{
	unlink_from(t, bucket, s);
	s->end |= SESSION_ENDED;
	s->cause = (uint8_t)cause;
	__atomic_store_n(&t->due[session_index(t, s)], now_s ? now_s : 1, __ATOMIC_RELAXED);
}

// Who holds it, and who watches because its own decision came to drop frames, decides anew. To be
// called without the lock: who came before it was taken out is counted by now.
static void make_void(struct session_table *t, const struct session *s, struct moves *moves)
{
	uint64_t hash = session_hash(t, &s->key);

	if (__atomic_load_n(&s->users, __ATOMIC_RELAXED) ||
		__atomic_load_n(&t->watchers[session_watcher(hash)], __ATOMIC_RELAXED))
		move(moves, session_slot(hash));
}

// Its bucket is locked, or it has been taken out.
static struct session copy_of(const struct session *s)
{
	struct session copy = {
		.key = s->key,
		.before = s->before,
		.attachment = s->attachment,
		.state = s->state,
		.flags = s->flags,
		.cookie = s->cookie,
		.opened = s->opened,
		.used = __atomic_load_n(&s->used, __ATOMIC_RELAXED),
		.idle_s = s->idle_s,
		.absolute_s = s->absolute_s,
		.port = s->port,
		.finished = s->finished,
		.n_syns = s->n_syns,
		.cause = s->cause,
	};

	for (unsigned i = 0; i < 2; i++) {
		copy.frames[i] = __atomic_load_n(&s->frames[i], __ATOMIC_RELAXED);
		copy.bytes[i] = __atomic_load_n(&s->bytes[i], __ATOMIC_RELAXED);
	}
	return copy;
}

// Whether its end has been told.
static bool report(struct session *s, const struct session_run *run)
{
	struct session copy = copy_of(s);

	if (run->ended && !(s->end & SESSION_TOLD) && !run->ended(run->context, &copy))
		return false;
	s->end |= SESSION_TOLD;
	return true;
}

// True: it has expired, and *cause says why; false: *due_s says when to look again. Its bucket is
// locked.
static bool has_expired(const struct session *s, const struct session_run *run,
	enum weir_session_cause *cause, uint32_t *due_s)
{
	uint32_t now = (uint32_t)(run->now_ns >> TICK_NS_SHIFT);
	uint32_t now_s = (uint32_t)(run->now_ns / NS_PER_S);
	uint64_t absolute = absolute_left(s, now), idle = idle_left(s, now);
	uint64_t next = idle < absolute ? idle : absolute;
	// Frames that nobody has told of yet may have kept it.
	bool may_be_used = (int32_t)(run->told - now) < 0 && idle_left(s, run->told) > 0;

	*cause = absolute == 0                        ? WEIR_SESSION_EXPIRED
		 : session_state(s) == SESSION_CLOSED ? WEIR_SESSION_CLOSED
						      : WEIR_SESSION_IDLE;
	*due_s = now_s + (uint32_t)((next + NS_PER_S - 1) / NS_PER_S);
	return absolute == 0 || (idle == 0 && !may_be_used);
}

static void look_at(struct session_table *t, struct session *s, const struct session_run *run,
	struct moves *moves)
{
	struct session_bucket *bucket = bucket_of(t, session_hash(t, &s->key));
	uint32_t now_s = (uint32_t)(run->now_ns / NS_PER_S), due_s;
	enum weir_session_cause cause;
	bool expired;

	bucket_lock(bucket);
	expired = has_expired(s, run, &cause, &due_s);
	if (expired)
		take_out(t, bucket, s, cause, now_s);
	else
		__atomic_store_n(&t->due[session_index(t, s)], due_s > now_s ? due_s : now_s + 1,
			__ATOMIC_RELAXED);
	bucket_unlock(bucket);
	if (expired)
		make_void(t, s, moves);
}

// Its place is free when no flow holds it: the last has told what it counted.
static void try_free(struct session_table *t, struct session *s, const struct session_run *run)
{
	if (__atomic_load_n(&s->users, __ATOMIC_ACQUIRE) == 0 && report(s, run))
		session_free(t, s);
}

void session_table_run(struct session_table *t, const struct session_run *run)
{
	uint32_t n = __atomic_load_n(&t->high_water, __ATOMIC_ACQUIRE);
	uint32_t now_s = (uint32_t)(run->now_ns / NS_PER_S);
	struct moves moves = { .generation = t->generation };

	for (uint32_t i = 0; i < n; i++) {
		uint32_t due = __atomic_load_n(&t->due[i], __ATOMIC_ACQUIRE);
		struct session *s = &t->sessions[i];

		if (due == 0 || due > now_s)
			continue;
		if (!(s->end & SESSION_ENDED))
			look_at(t, s, run, &moves);
		if (s->end & SESSION_ENDED)
			try_free(t, s, run);
	}
	// What is given back from here on is told the next time.
	if (__atomic_load_n(&t->freed, __ATOMIC_ACQUIRE) &&
		__atomic_exchange_n(&t->wanted, 0, __ATOMIC_RELAXED)) {
		__atomic_store_n(&t->freed, 0, __ATOMIC_RELAXED);
		move(&moves, session_room_slot());
	}
	move_all(&moves);
}

static bool has(const uint64_t cookies[/* n */], size_t n, uint64_t cookie)
{
	while (n > 1) {
		size_t half = n / 2;

		cookies += cookies[half] <= cookie ? half : 0;
		n -= half;
	}
	return n && *cookies == cookie;
}

static bool matches(const struct session *s, const struct session_filter *f)
{
	return !(s->end & SESSION_ENDED) && (f->port == WEIR_PORT_NONE || f->port == s->port) &&
	       (f->attachment == 0 || f->attachment == s->attachment) &&
	       (f->cookie == 0 || f->cookie == s->cookie) &&
	       (!f->cookies || has(f->cookies, f->n, s->cookie));
}

static bool is_taken(const struct session_table *t, uint32_t i)
{
	return __atomic_load_n(&t->due[i], __ATOMIC_ACQUIRE) != 0;
}

unsigned session_table_end(struct session_table *t, const struct session_filter *filter,
	enum weir_session_cause cause, uint32_t now_s)
{
	uint32_t n = __atomic_load_n(&t->high_water, __ATOMIC_ACQUIRE);
	struct moves moves = { .generation = t->generation };
	unsigned ended = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct session *s = &t->sessions[i];
		struct session_bucket *bucket;

		if (!is_taken(t, i) || !matches(s, filter))
			continue;
		bucket = bucket_of(t, session_hash(t, &s->key));
		bucket_lock(bucket);
		take_out(t, bucket, s, cause, now_s);
		bucket_unlock(bucket);
		make_void(t, s, &moves);
		ended++;
	}
	move_all(&moves);
	return ended;
}

void session_table_report(
	struct session_table *t, uint16_t attachment, const struct session_run *run)
{
	uint32_t n = __atomic_load_n(&t->high_water, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < n; i++)
		if (is_taken(t, i) && t->sessions[i].attachment == attachment &&
			(t->sessions[i].end & SESSION_ENDED))
			report(&t->sessions[i], run);
}

void session_table_hand_over(
	struct session_table *t, uint16_t from, uint16_t to, const struct session_run *run)
{
	uint32_t n = __atomic_load_n(&t->high_water, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < n; i++) {
		struct session *s = &t->sessions[i];
		struct session_bucket *bucket;
		struct session copy;

		if (!is_taken(t, i) || s->attachment != from || (s->end & SESSION_ENDED))
			continue;
		bucket = bucket_of(t, session_hash(t, &s->key));
		bucket_lock(bucket);
		copy = copy_of(s);
		s->attachment = to;
		bucket_unlock(bucket);
		copy.cause = WEIR_SESSION_REPLACED;
		run->ended(run->context, &copy);
	}
}

// ---- Listing

void session_table_list(const struct session_table *t,
	void (*row)(void *context, const struct session *session), void *context)
{
	uint32_t n = __atomic_load_n(&t->high_water, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < n; i++) {
		const struct session *s = &t->sessions[i];
		struct session_bucket *bucket;
		struct session copy;

		if (!is_taken(t, i) || (s->end & SESSION_ENDED))
			continue;
		bucket = bucket_of(t, session_hash(t, &s->key));
		bucket_lock(bucket);
		copy = copy_of(s);
		bucket_unlock(bucket);
		row(context, &copy);
	}
}
