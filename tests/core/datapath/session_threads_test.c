// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The table of sessions under threads that open, hold, count on and let go of the same few
// sessions, as workers do, while the control thread ends them. Afterwards nothing is lost: every
// frame that was counted was reported once, every place is free again, and whoever watched has seen
// every change. For ThreadSanitizer as much as for the sums.
#include "frames.h"

#include <pthread.h>

#include "datapath/flow_table.h"
#include "datapath/session.h"

enum {
	THREADS = 4,
	CAPACITY = 96,
	PORT_MAX = 40,
	PORTS = 4,
	KEYS = 64,    // at each port
	PASSES = 300, // of the control thread, in which something ended
	TICK = 1000,
	HELD = 16,
};

struct shared {
	struct generation *generation;
	struct session_table *table;
	bool stop;
	unsigned n_passes;                // atomic
	uint64_t reported[2], n_reported; // control
};

struct hand {
	struct shared *shared;
	unsigned number;
	uint64_t random;
	uint64_t counted[2], n_opened, n_full;
	struct session *held[HELD];
	pthread_t thread;
};

static uint32_t draw_for(struct hand *h, uint32_t below)
{
	h->random ^= h->random << 13;
	h->random ^= h->random >> 7;
	h->random ^= h->random << 17;
	return (uint32_t)(h->random >> 32) % below;
}

static struct session_key key_of(unsigned port, unsigned number)
{
	return (struct session_key){ { (uint64_t)port << 32 | 17, number, 1, 0, 2, 0 } };
}

static void let_go(struct hand *h, unsigned at)
{
	if (h->held[at])
		session_release(h->held[at]);
	h->held[at] = NULL;
}

static struct session *open_one(struct hand *h, uint16_t port, const struct session_key *key)
{
	struct session_table *t = h->shared->table;
	const struct session_spec spec = { .cookie = 1, .idle_s = 3600, .port = port };
	struct session *reserved = session_reserve(t, port, 0);

	if (!reserved) {
		h->n_full++;
		return NULL;
	}
	if (draw_for(h, 8) == 0) {
		session_unreserve(t, reserved);
		return NULL;
	}
	h->n_opened++;
	return session_enter(t, reserved, key, session_hash(t, key), false, &spec, TICK, 1);
}

static void step(struct hand *h)
{
	struct session_table *t = h->shared->table;
	uint16_t port = (uint16_t)draw_for(h, PORTS);
	struct session_key key = key_of(port, draw_for(h, KEYS));
	unsigned at = draw_for(h, HELD), direction = draw_for(h, 2);
	struct weir_session_found found;

	switch (draw_for(h, 6)) {
	case 0:
		let_go(h, at);
		h->held[at] = session_hold(t, &key, session_hash(t, &key), TICK);
		break;
	case 1:
		let_go(h, at);
		h->held[at] = open_one(h, port, &key);
		break;
	case 2:
		session_tcp(t, &key, session_hash(t, &key), direction, (uint8_t)draw_for(h, 32), 1);
		break;
	case 3:
		if (session_look(t, &key, session_hash(t, &key), direction, &found))
			assert_int_equal(found.cookie, 1);
		break;
	default:
		if (!h->held[at])
			break;
		session_count(h->held[at], direction, 1, 60, TICK + draw_for(h, 100));
		h->counted[direction]++;
	}
}

static void *work(void *context)
{
	struct hand *h = context;

	for (unsigned i = 0; __atomic_load_n(&h->shared->n_passes, __ATOMIC_RELAXED) < PASSES;
		i++) {
		step(h);
		if (i % 1024 == 0)
			sched_yield();
	}
	for (unsigned i = 0; i < HELD; i++)
		let_go(h, i);
	return NULL;
}

static bool ended(void *context, const struct session *s)
{
	struct shared *shared = context;

	shared->n_reported++;
	for (unsigned i = 0; i < 2; i++) {
		shared->reported[i] += s->frames[i];
		assert_int_equal(s->bytes[i], 60 * s->frames[i]);
	}
	return true;
}

static void see(void *context, const struct session *s)
{
	(void)context;
	assert_int_equal(s->cookie, 1);
}

static void run(struct shared *shared, uint64_t now_s)
{
	const struct session_run control = {
		.now_ns = now_s * 1000000000, .told = TICK, .ended = ended, .context = shared
	};

	session_table_run(shared->table, &control);
}

static void *control(void *context)
{
	struct shared *shared = context;
	uint64_t before;
	unsigned i = 0;

	while (!__atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE)) {
		struct session_filter filter = { .port = i++ % (PORTS + 1) };

		if (filter.port == PORTS)
			filter = (struct session_filter){ .port = WEIR_PORT_NONE, .cookie = 1 };
		session_table_end(shared->table, &filter, WEIR_SESSION_ENDED, 1);
		session_table_list(shared->table, see, NULL);
		before = shared->n_reported;
		run(shared, 10);
		if (shared->n_reported == before)
			sched_yield();
		else
			__atomic_fetch_add(&shared->n_passes, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void nothing_is_lost(void **state)
{
	struct shared shared = { .generation = generation_create() };
	struct hand hands[THREADS];
	uint64_t counted[2] = { 0 }, opened = 0;
	pthread_t controller;

	(void)state;
	shared.table = session_table_create(shared.generation, CAPACITY, PORT_MAX);
	assert_non_null(shared.table);
	assert_int_equal(pthread_create(&controller, NULL, control, &shared), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		hands[i] = (struct hand){
			.shared = &shared, .number = i, .random = 7919 * (i + 1)
		};
		assert_int_equal(pthread_create(&hands[i].thread, NULL, work, &hands[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(hands[i].thread, NULL);
		opened += hands[i].n_opened;
		for (unsigned k = 0; k < 2; k++)
			counted[k] += hands[i].counted[k];
	}
	__atomic_store_n(&shared.stop, true, __ATOMIC_RELEASE);
	pthread_join(controller, NULL);
	session_table_end(shared.table, &(struct session_filter){ .port = WEIR_PORT_NONE },
		WEIR_SESSION_ENDED, 1);
	run(&shared, 20);
	assert_int_equal(shared.reported[0], counted[0]);
	assert_int_equal(shared.reported[1], counted[1]);
	assert_in_range(shared.n_reported, PASSES, opened);
	assert_int_equal(shared.table->n, 0);
	for (unsigned i = 0; i < PORTS; i++)
		assert_int_equal(shared.table->at_port[i], 0);
	assert_in_range(shared.table->high_water, 1, CAPACITY);
	session_table_destroy(shared.table);
	generation_destroy(shared.generation);
}

// ---- Watchers

struct watch {
	struct session_table *table;
	struct generation *generation;
	unsigned turn; // atomic: both begin a turn together
	unsigned n_seen, n_moved;
};

enum { TURNS = 20000 };

static void wait_turn(struct watch *w, unsigned turn)
{
	__atomic_fetch_add(&w->turn, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&w->turn, __ATOMIC_ACQUIRE) < 2 * turn)
		sched_yield();
}

// Opens a session in every turn.
static void *opener(void *context)
{
	const struct session_spec spec = { .idle_s = 1 };
	struct watch *w = context;

	for (unsigned i = 1; i <= TURNS; i++) {
		struct session_key key = key_of(0, i);
		struct session *s = session_reserve(w->table, 0, 0);

		wait_turn(w, 2 * i - 1);
		session_release(session_enter(
			w->table, s, &key, session_hash(w->table, &key), false, &spec, TICK, 1));
		wait_turn(w, 2 * i);
	}
	return NULL;
}

// Comes to watch for it at the same time: either it is there already, or its generation moves.
static void *watcher(void *context)
{
	struct watch *w = context;

	for (unsigned i = 1; i <= TURNS; i++) {
		struct session_key key = key_of(0, i);
		uint64_t hash = session_hash(w->table, &key), before;
		struct weir_session_found found;
		bool seen, moved;

		before = generation_slot_time(w->generation, session_slot(hash));
		wait_turn(w, 2 * i - 1);
		__atomic_fetch_add(&w->table->watchers[session_watcher(hash)], 1, __ATOMIC_RELAXED);
		seen = session_look(w->table, &key, hash, false, &found);
		wait_turn(w, 2 * i);
		moved = generation_slot_time(w->generation, session_slot(hash)) != before;
		w->n_seen += seen;
		w->n_moved += moved;
		if (!seen && !moved)
			return (void *)1;
		__atomic_fetch_sub(&w->table->watchers[session_watcher(hash)], 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void who_watches_hears_of_it(void **state)
{
	struct watch w = { .generation = generation_create() };
	pthread_t threads[2];
	void *missed;

	(void)state;
	w.table = session_table_create(w.generation, TURNS, TURNS);
	assert_non_null(w.table);
	assert_int_equal(pthread_create(&threads[0], NULL, opener, &w), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, watcher, &w), 0);
	pthread_join(threads[1], &missed);
	assert_null(missed);
	pthread_join(threads[0], NULL);
	assert_true(w.n_seen + w.n_moved >= TURNS);
	session_table_destroy(w.table);
	generation_destroy(w.generation);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost),
		cmocka_unit_test(who_watches_hears_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
