// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Generations: which decisions are stale after which change, alone and under threads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "datapath/generation.h"

static struct generation *g;

static int setup(void **state)
{
	(void)state;
	g = generation_create();
	return g ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	generation_destroy(g);
	return 0;
}

// As the datapath asks.
static bool is_stale(uint16_t slot, uint64_t valid_at)
{
	return generation_slot_time(g, slot) > valid_at;
}

static void a_change_makes_earlier_decisions_stale(void **state)
{
	uint64_t before = generation_now(g), after, later;

	(void)state;
	assert_false(is_stale(3, before));
	generation_move(g, 3);
	after = generation_now(g);
	assert_true(after > before); // the common check sees that something has changed
	assert_true(is_stale(3, before));
	assert_false(is_stale(3, after));
	assert_false(is_stale(4, before));
	generation_move(g, 4);
	later = generation_now(g);
	assert_true(is_stale(4, after));
	assert_false(is_stale(3, after)); // a decision outlives what it does not depend on
	assert_false(is_stale(4, later));
	generation_move(g, 3);
	assert_true(is_stale(3, later));
	assert_false(is_stale(4, later));
}

static void the_clock_never_stands_behind_a_slot(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		uint16_t slot = (uint16_t)(i * i);

		generation_move(g, slot);
		assert_true(generation_slot_time(g, slot) <= generation_now(g));
	}
}

static void things_have_slots_of_their_kind(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	uint64_t address = generation_address(5, mac);

	(void)state;
	assert_int_equal(address, UINT64_C(0x0005020000000001));
	assert_int_not_equal(generation_slot(GENERATION_ADDRESS, address),
		generation_slot(GENERATION_EXTENSION, address));
	assert_int_not_equal(
		generation_slot(GENERATION_PORT, 0), generation_slot(GENERATION_FLOOD, 0));
	assert_int_not_equal(
		generation_slot(GENERATION_FLOOD, 0), generation_slot(GENERATION_SWITCH, 0));
	generation_destroy(NULL);
}

static int compare(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

// Ports, and addresses in a row, spread over the slots about as chance would have it.
static void slots_spread(void **state)
{
	enum { N = 4096 };
	static uint16_t ports[N], addresses[N];
	unsigned n_ports = 1, n_addresses = 1;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		const uint8_t mac[6] = { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i };

		ports[i] = generation_slot(GENERATION_PORT, i);
		addresses[i] = generation_slot(GENERATION_ADDRESS, generation_address(1, mac));
	}
	qsort(ports, N, sizeof(ports[0]), compare);
	qsort(addresses, N, sizeof(addresses[0]), compare);
	for (unsigned i = 1; i < N; i++) {
		n_ports += ports[i] != ports[i - 1];
		n_addresses += addresses[i] != addresses[i - 1];
	}
	assert_in_range(n_ports, N - N / 16, N);
	assert_in_range(n_addresses, N - N / 16, N);
}

// ---- Threads
//
// Writers change things and then say so; readers keep a decision about each thing for as long as it
// is fresh. When the writers have stopped, one more look must find every decision right: a reader
// may be late, it must not be wrong for ever.

enum {
	THINGS = 6,
	WRITERS = 2,
	READERS = 2,
	CHANGES = 3, // of each writer in a round
#if defined(__SANITIZE_THREAD__)
	ROUNDS = 2000,
#else
	ROUNDS = 20000,
#endif
};

static uint64_t things[THINGS];
static unsigned n_writing;
static unsigned n_wrong;
static pthread_barrier_t barrier;

static void *write_things(void *argument)
{
	uint32_t seed = *(const uint32_t *)argument;

	for (unsigned round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&barrier);
		for (unsigned i = 0; i < CHANGES; i++) {
			seed = seed * 1664525 + 1013904223;
			__atomic_fetch_add(&things[(seed >> 16) % THINGS], 1, __ATOMIC_RELAXED);
			generation_move(g, (uint16_t)((seed >> 16) % THINGS));
		}
		__atomic_fetch_sub(&n_writing, 1, __ATOMIC_RELEASE);
		pthread_barrier_wait(&barrier); // readers look for the last time
		__atomic_fetch_add(&n_writing, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

struct decision {
	uint64_t value, valid_at;
};

static void look(struct decision decisions[THINGS])
{
	uint64_t now = generation_now(g);

	for (unsigned i = 0; i < THINGS; i++) {
		struct decision *d = &decisions[i];

		if (d->valid_at == now)
			continue;
		if (is_stale((uint16_t)i, d->valid_at))
			d->value = __atomic_load_n(&things[i], __ATOMIC_RELAXED);
		d->valid_at = now;
	}
}

static void *read_things(void *argument)
{
	struct decision decisions[THINGS] = { { 0 } };

	(void)argument;
	for (unsigned round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&barrier);
		while (__atomic_load_n(&n_writing, __ATOMIC_ACQUIRE))
			look(decisions);
		look(decisions);
		for (unsigned i = 0; i < THINGS; i++)
			if (decisions[i].value != __atomic_load_n(&things[i], __ATOMIC_RELAXED))
				__atomic_fetch_add(&n_wrong, 1, __ATOMIC_RELAXED);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void nobody_keeps_an_old_decision(void **state)
{
	pthread_t threads[WRITERS + READERS];
	uint32_t seeds[WRITERS];

	(void)state;
	n_writing = WRITERS;
	assert_int_equal(pthread_barrier_init(&barrier, NULL, WRITERS + READERS), 0);
	for (unsigned i = 0; i < WRITERS; i++) {
		seeds[i] = i + 1;
		assert_int_equal(pthread_create(&threads[i], NULL, write_things, &seeds[i]), 0);
	}
	for (unsigned i = WRITERS; i < WRITERS + READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_things, NULL), 0);
	for (unsigned i = 0; i < WRITERS + READERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	if (n_wrong)
		fail_msg("%u decisions stayed wrong after the last change", n_wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_change_makes_earlier_decisions_stale, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_clock_never_stands_behind_a_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(things_have_slots_of_their_kind, setup, teardown),
		cmocka_unit_test_setup_teardown(slots_spread, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_keeps_an_old_decision, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
