// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A table of sessions with a clock and a control thread of the test's own.
#ifndef TESTS_DATAPATH_SESSION_WORLD_H
#define TESTS_DATAPATH_SESSION_WORLD_H

#include "frames.h"

#include "datapath/flow_table.h"
#include "datapath/session.h"

enum { CAPACITY = 64, PORT_MAX = 32, IDLE_S = 100 };

static struct session_world {
	struct generation *generation;
	struct session_table *table;
	uint64_t now_s;
	unsigned n_ended;
	struct session last;
} world;

static inline int setup(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.now_s = 1000;
	world.generation = generation_create();
	world.table = session_table_create(world.generation, CAPACITY, PORT_MAX);
	return world.generation && world.table ? 0 : -1;
}

static inline int teardown(void **state)
{
	(void)state;
	session_table_destroy(world.table);
	generation_destroy(world.generation);
	return 0;
}

static inline uint32_t tick(void)
{
	return flow_tick(world.now_s * 1000000000);
}

static inline bool ended(void *context, const struct session *session)
{
	(void)context;
	world.n_ended++;
	world.last = *session;
	return true;
}

// told_s: what workers have told is from then.
static inline void run_told(uint64_t told_s)
{
	const struct session_run run = { .now_ns = world.now_s * 1000000000,
		.told = flow_tick(told_s * 1000000000),
		.ended = ended };

	session_table_run(world.table, &run);
}

static inline void wait_s(unsigned seconds)
{
	while (seconds--) {
		world.now_s++;
		run_told(world.now_s);
	}
}

static inline struct session_key key_of(uint16_t port, unsigned number)
{
	return (struct session_key){ { (uint64_t)port << 32 | 6, number, 1, 0, 2, 0 } };
}

static inline struct session_spec spec_of(uint16_t port)
{
	return (struct session_spec){ .cookie = 5, .idle_s = IDLE_S, .port = port };
}

static inline struct session *open_with(
	const struct session_key *key, uint16_t port, const struct session_spec *spec)
{
	struct session *reserved = session_reserve(world.table, port, spec->port_max);

	return reserved ? session_enter(world.table, reserved, key, session_hash(world.table, key),
				  false, spec, tick(), (uint32_t)world.now_s)
			: NULL;
}

// Held.
static inline struct session *open_one(uint16_t port, unsigned number)
{
	struct session_key key = key_of(port, number);
	struct session_spec spec = spec_of(port);

	return open_with(&key, port, &spec);
}

static inline bool is_there(uint16_t port, unsigned number)
{
	struct session_key key = key_of(port, number);
	struct weir_session_found found;

	return session_look(world.table, &key, session_hash(world.table, &key), false, &found);
}

#endif
