// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// As much of TCP's states (RFC 9293 3.3.2) as says when a session may end early. Sequence numbers
// are not followed: that would take a look at every frame.
#include <netinet/tcp.h>

#include "datapath/session_internal.h"

static void begin(struct session *s, enum weir_session_direction direction)
{
	if (s->state == SESSION_CLOSED || s->state == SESSION_OPEN) {
		s->state = SESSION_SYN_SENT;
		s->finished = 0;
		s->n_syns = 0;
		// As far as they were told: what the last second had is taken for this one's.
		s->before = (uint32_t)__atomic_load_n(
			&s->frames[WEIR_SESSION_FORWARD], __ATOMIC_RELAXED);
	}
	if (direction == WEIR_SESSION_FORWARD && s->n_syns < UINT8_MAX)
		s->n_syns++;
}

static void finish(struct session *s, enum weir_session_direction direction)
{
	s->finished |= (uint8_t)(1 << direction);
	if (s->state != SESSION_CLOSED)
		s->state = s->finished == 3 ? SESSION_CLOSED : SESSION_CLOSING;
}

static void follow(struct session *s, enum weir_session_direction direction, uint8_t flags)
{
	if (flags & TH_RST)
		s->state = SESSION_CLOSED;
	else if ((flags & (TH_SYN | TH_ACK)) == TH_SYN)
		begin(s, direction);
	else if ((flags & TH_SYN) && s->state <= SESSION_SYN_SENT)
		s->state = SESSION_SYN_RECEIVED;
	if ((flags & (TH_FIN | TH_RST)) == TH_FIN)
		finish(s, direction);
}

uint32_t session_first_idle_s(uint32_t idle_s, uint8_t flags)
{
	struct session s = { .state = SESSION_OPEN, .idle_s = idle_s };

	follow(&s, WEIR_SESSION_FORWARD, flags);
	return session_idle_s(&s, s.state);
}

void session_tcp(struct session_table *t, const struct session_key *key, uint64_t hash,
	bool reverse, uint8_t flags, uint32_t now_s)
{
	struct session_bucket *bucket = bucket_of(t, hash);
	struct session *s;

	bucket_lock(bucket);
	s = bucket_find(t, bucket, key);
	if (s) {
		follow(s, session_direction(s, reverse), flags);
		session_due_by(t, s, now_s + session_idle_s(s, s->state) + 1);
	}
	bucket_unlock(bucket);
}

enum session_state session_state(const struct session *s)
{
	uint32_t sent = (uint32_t)__atomic_load_n(
				&s->frames[WEIR_SESSION_FORWARD], __ATOMIC_RELAXED) -
			s->before;

	// What the opener sent besides its SYNs answers the other's.
	if (s->state == SESSION_SYN_RECEIVED && s->n_syns < UINT8_MAX && sent > s->n_syns)
		return SESSION_ESTABLISHED;
	return s->state;
}
