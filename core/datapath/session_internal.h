// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Inside session_table.c, session_end.c and session_tcp.c: buckets, and when sessions are due.
#ifndef SESSION_INTERNAL_H
#define SESSION_INTERNAL_H

#include <string.h>

#include "datapath/session.h"
#include "datapath/spin.h"

#define NS_PER_S UINT64_C(1000000000)

enum { TICK_NS_SHIFT = 23 };

static inline void bucket_lock(struct session_bucket *bucket)
{
	spin_lock(&bucket->lock);
}

static inline void bucket_unlock(struct session_bucket *bucket)
{
	spin_unlock(&bucket->lock);
}

static inline struct session_bucket *bucket_of(const struct session_table *t, uint64_t hash)
{
	return &t->buckets[(uint32_t)hash & t->bucket_mask];
}

static inline bool same_key(const struct session_key *a, const struct session_key *b)
{
	uint64_t differ = 0;

	for (unsigned i = 0; i < sizeof(a->w) / sizeof(a->w[0]); i++)
		differ |= a->w[i] ^ b->w[i];
	return differ == 0;
}

// The session of this key in a locked bucket; NULL: there is none.
static inline struct session *bucket_find(const struct session_table *t,
	const struct session_bucket *bucket, const struct session_key *key)
{
	for (uint32_t at = bucket->head; at; at = t->sessions[at - 1].next)
		if (same_key(&t->sessions[at - 1].key, key))
			return &t->sessions[at - 1];
	return NULL;
}

static inline uint32_t session_index(const struct session_table *t, const struct session *s)
{
	return (uint32_t)(s - t->sessions);
}

// How long it stays without a frame in its state.
static inline uint32_t session_idle_s(const struct session *s, enum session_state state)
{
	uint32_t most = state == SESSION_CLOSED ? SESSION_CLOSED_S
			: state == SESSION_SYN_SENT || state == SESSION_SYN_RECEIVED
				? SESSION_HANDSHAKE_S
				: UINT32_MAX;

	return s->idle_s < most ? s->idle_s : most;
}

// Has the control thread look at it in this second, if not before. The bucket's lock, or before
// anybody knows it.
static inline void session_due_by(struct session_table *t, const struct session *s, uint32_t due_s)
{
	uint32_t *due = &t->due[session_index(t, s)];
	uint32_t now = __atomic_load_n(due, __ATOMIC_RELAXED);

	if (now == 0 || due_s < now)
		__atomic_store_n(due, due_s, __ATOMIC_RELEASE);
}

// Gives its place back. Nobody knows it any more.
void session_free(struct session_table *table, struct session *session);

#endif
