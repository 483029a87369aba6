// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Rings: against a model with random sizes, at their limits, and with threads on both sides.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "datapath/ring.h"

static uint32_t next_random(uint32_t *state)
{
	*state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
	return *state >> 8;
}

static struct weir_ring *create(unsigned n_lanes, size_t lane_bytes)
{
	struct weir_ring *ring = NULL;

	assert_int_equal(ring_create(n_lanes, lane_bytes, &ring), 0);
	return ring;
}

// Every byte follows from the record's number, so that a torn or displaced one is noticed.
static void fill(uint8_t *bytes, uint32_t size, uint32_t number)
{
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(number * 31 + i);
}

static void check(const uint8_t *bytes, uint32_t size, uint32_t number)
{
	for (uint32_t i = 0; i < size; i++)
		if (bytes[i] != (uint8_t)(number * 31 + i))
			fail_msg("record %u of %u bytes: byte %u", number, size, i);
}

// ---- Limits

static void lanes_have_limits(void **state)
{
	static const struct {
		size_t lane_bytes;
		int expected;
	} rows[] = {
		{ 0, -EINVAL },
		{ 1, 0 },
		{ RING_LANE_MIN, 0 },
		{ RING_LANE_MAX, 0 },
		{ (size_t)RING_LANE_MAX + 1, -EINVAL },
		{ SIZE_MAX, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct weir_ring *ring = NULL;
		int ret = ring_create(2, rows[i].lane_bytes, &ring);

		if (ret != rows[i].expected || !ring != !!rows[i].expected)
			fail_msg("%zu bytes: %d", rows[i].lane_bytes, ret);
		ring_destroy(ring);
	}
}

#ifndef MADV_POPULATE_WRITE // before glibc 2.35
#define MADV_POPULATE_WRITE 23
#endif

enum { TOUCHED = 1 << 20, TOUCHED_PAGES = TOUCHED / 4096 };

static unsigned n_resident(void *lane)
{
	unsigned char pages[TOUCHED_PAGES];
	unsigned n = 0;

	assert_int_equal(mincore(lane, TOUCHED, pages), 0);
	for (unsigned i = 0; i < TOUCHED_PAGES; i++)
		n += pages[i] & 1;
	return n;
}

static void touching_provides_memory(void **state)
{
	struct weir_ring *ring;
	const uint8_t *bytes;
	uint8_t *lane;
	uint32_t size;

	(void)state;
	if (sysconf(_SC_PAGESIZE) != 4096 ||
		(madvise(NULL, 0, MADV_POPULATE_WRITE) < 0 && errno == EINVAL))
		skip(); // another page size, or Linux before 5.14
	ring = create(2, TOUCHED);
	for (unsigned i = 0; i < 2; i++) {
		fill(ring_reserve(ring, i, 1000), 1000, i);
		ring_flush(ring, i);
	}
	lane = (uint8_t *)(uintptr_t)ring_next(ring, 0, &size) - RING_ALIGN;
	assert_int_equal(n_resident(lane), 1);
	ring_touch(ring);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(n_resident(lane + i * TOUCHED), TOUCHED_PAGES);
		bytes = ring_next(ring, i, &size); // what was there stays
		check(bytes, size, i);
	}
	ring_destroy(ring);
}

// A record of half a lane less its header fits whatever the position; a larger one never does.
static void records_of_half_a_lane_always_fit(void **state)
{
	enum { HALF = RING_LANE_MIN / 2 - RING_ALIGN };
	struct weir_ring *ring = create(1, RING_LANE_MIN);
	uint32_t size;

	(void)state;
	for (unsigned at = 0; at < RING_LANE_MIN; at += RING_ALIGN) {
		void *bytes = ring_reserve(ring, 0, HALF);

		assert_non_null(bytes);
		assert_int_equal((uintptr_t)bytes % RING_ALIGN, 0);
		fill(bytes, HALF, at);
		ring_flush(ring, 0);
		check(ring_next(ring, 0, &size), HALF, at);
		assert_int_equal(size, HALF);
		ring_release(ring, 0);
		assert_null(ring_reserve(ring, 0, HALF + 1));
		// One of no bytes moves the position on by its header.
		assert_non_null(ring_reserve(ring, 0, 0));
		ring_flush(ring, 0);
		assert_non_null(ring_next(ring, 0, &size));
		assert_int_equal(size, 0);
		ring_release(ring, 0);
	}
	assert_null(ring_reserve(ring, 0, UINT32_MAX));
	assert_null(ring_next(ring, 0, &size));
	ring_destroy(ring);
}

static void what_is_not_flushed_is_not_seen(void **state)
{
	struct weir_ring *ring = create(2, RING_LANE_MIN);
	const void *first;
	uint32_t size;

	(void)state;
	memset(ring_reserve(ring, 1, 100), 1, 100);
	memset(ring_reserve(ring, 1, 200), 2, 200);
	assert_null(ring_next(ring, 1, &size));
	assert_int_equal(ring_wait(ring, 0), 0);
	ring_flush(ring, 1);
	assert_int_equal(ring_wait(ring, -1), 1);
	assert_null(ring_next(ring, 0, &size));
	first = ring_next(ring, 1, &size);
	assert_int_equal(size, 100);
	assert_ptr_equal(ring_next(ring, 1, &size), first);
	ring_release(ring, 1);
	assert_non_null(ring_next(ring, 1, &size));
	assert_int_equal(size, 200);
	ring_release(ring, 1);
	assert_int_equal(ring_wait(ring, 0), 0);
	ring_destroy(ring);
}

// ---- A model

struct model {
	uint32_t first, n; // numbers of the records that are in the lane
	uint32_t sizes[RING_LANE_MIN];
	uint32_t rooms[RING_LANE_MIN]; // with header, padding, and what was skipped before it
	uint64_t head, used;           // bytes
};

static uint32_t random_size(uint32_t *random)
{
	uint32_t size = next_random(random) % 4 ? next_random(random) % 200
						: next_random(random) % (RING_LANE_MIN / 2);

	return size > RING_LANE_MIN / 2 - RING_ALIGN ? RING_LANE_MIN / 2 - RING_ALIGN : size;
}

static void put(struct weir_ring *ring, struct model *m, uint32_t size)
{
	uint32_t number = m->first + m->n, at = m->head % RING_LANE_MIN;
	uint32_t room = RING_ALIGN + (size + 7) / 8 * 8;
	void *bytes = ring_reserve(ring, 0, size);

	if (at + room > RING_LANE_MIN)
		room += RING_LANE_MIN - at;
	assert_true(!bytes == (m->used + room > RING_LANE_MIN));
	if (!bytes)
		return;
	assert_int_equal((uintptr_t)bytes % RING_ALIGN, 0);
	fill(bytes, size, number);
	m->sizes[number % RING_LANE_MIN] = size;
	m->rooms[number % RING_LANE_MIN] = room;
	m->head += room;
	m->used += room;
	m->n++;
}

static void take(struct weir_ring *ring, struct model *m)
{
	uint32_t size;
	const void *bytes = ring_next(ring, 0, &size);

	assert_true(!bytes == (m->n == 0));
	if (!bytes)
		return;
	assert_int_equal(size, m->sizes[m->first % RING_LANE_MIN]);
	check(bytes, size, m->first);
	ring_release(ring, 0);
	m->used -= m->rooms[m->first % RING_LANE_MIN];
	m->first++;
	m->n--;
}

static void behaves_like_a_queue(void **state)
{
	struct weir_ring *ring = create(1, RING_LANE_MIN);
	struct model model = { 0 };
	uint32_t random = 7;

	(void)state;
	for (unsigned i = 0; i < 50000; i++) {
		unsigned n = next_random(&random) % 8;

		while (n--)
			put(ring, &model, random_size(&random));
		ring_flush(ring, 0);
		n = next_random(&random) % 10;
		while (n--)
			take(ring, &model);
	}
	while (model.n)
		take(ring, &model);
	take(ring, &model);
	assert_true(model.first > 25000);
	ring_destroy(ring);
}

// ---- Threads

enum { LANES = 3, RECORDS = 200000 };

struct producer {
	struct weir_ring *ring;
	unsigned lane;
	uint32_t n_lost;
	pthread_t thread;
};

struct numbered {
	uint32_t number, size;
	uint8_t bytes[];
};

static void pause_ns(long ns)
{
	nanosleep(&(struct timespec){ 0, ns }, NULL);
}

static void *produce(void *argument)
{
	struct producer *p = argument;
	uint32_t random = p->lane + 1;

	for (uint32_t number = 0; number < RECORDS; number++) {
		uint32_t size = next_random(&random) % 300;
		struct numbered *r = ring_reserve(p->ring, p->lane, (uint32_t)sizeof(*r) + size);

		if (r) {
			*r = (struct numbered){ number, size };
			fill(r->bytes, size, number);
		} else {
			p->n_lost++;
		}
		if (next_random(&random) % 32 == 0)
			ring_flush(p->ring, p->lane);
		if (next_random(&random) % 4096 == 0)
			pause_ns(100000); // the consumer goes to sleep
	}
	ring_flush(p->ring, p->lane);
	return NULL;
}

struct consumer {
	struct weir_ring *ring;
	uint32_t n[LANES], last[LANES];
	bool stop; // atomic
	char problem[128];
	pthread_t thread;
};

static void consume(struct consumer *c, unsigned lane)
{
	const struct numbered *r;
	uint32_t size;

	while ((r = ring_next(c->ring, lane, &size))) {
		bool whole = size == sizeof(*r) + r->size;

		for (uint32_t i = 0; whole && i < r->size; i++)
			whole = r->bytes[i] == (uint8_t)(r->number * 31 + i);
		if (!whole || (c->n[lane] && r->number <= c->last[lane]))
			snprintf(c->problem, sizeof(c->problem),
				"lane %u: record %u of %u bytes after record %u", lane, r->number,
				size, c->last[lane]);
		c->last[lane] = r->number;
		c->n[lane]++;
		ring_release(c->ring, lane);
	}
}

static void *consume_all(void *argument)
{
	struct consumer *c = argument;
	bool stop;

	do {
		stop = __atomic_load_n(&c->stop, __ATOMIC_ACQUIRE);
		for (unsigned i = 0; i < LANES; i++)
			consume(c, i);
		if (!stop)
			ring_wait(c->ring, -1);
	} while (!stop);
	return NULL;
}

// A wake-up that is lost hangs here, and the test with it.
static void threads_lose_nothing_unnoticed(void **state)
{
	struct weir_ring *ring = create(LANES, 16 << 10);
	struct producer producers[LANES] = { 0 };
	struct consumer consumer = { .ring = ring };

	(void)state;
	assert_int_equal(pthread_create(&consumer.thread, NULL, consume_all, &consumer), 0);
	for (unsigned i = 0; i < LANES; i++) {
		producers[i] = (struct producer){ .ring = ring, .lane = i };
		assert_int_equal(
			pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
	}
	for (unsigned i = 0; i < LANES; i++)
		pthread_join(producers[i].thread, NULL);
	__atomic_store_n(&consumer.stop, true, __ATOMIC_RELEASE);
	ring_wake(ring);
	pthread_join(consumer.thread, NULL);
	assert_string_equal(consumer.problem, "");
	for (unsigned i = 0; i < LANES; i++)
		assert_int_equal(consumer.n[i] + producers[i].n_lost, RECORDS);
	ring_destroy(ring);
}

struct pingpong {
	struct weir_ring *ring;
	uint32_t n_seen; // atomic
};

static void *see(void *argument)
{
	struct pingpong *p = argument;
	uint32_t size;

	while (p->n_seen < 20000) {
		if (ring_wait(p->ring, 30000) == 0)
			return p; // a wake-up was lost
		while (ring_next(p->ring, 0, &size)) {
			ring_release(p->ring, 0);
			__atomic_fetch_add(&p->n_seen, 1, __ATOMIC_RELEASE);
		}
	}
	return NULL;
}

// One record at a time: every flush finds the consumer at another point on its way to sleep.
static void every_flush_wakes(void **state)
{
	struct pingpong p = { .ring = create(1, RING_LANE_MIN) };
	pthread_t thread;
	void *lost;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, see, &p), 0);
	for (uint32_t i = 0; i < 20000; i++) {
		while (!ring_reserve(p.ring, 0, 8))
			sched_yield();
		ring_flush(p.ring, 0);
		while (i % 2 && __atomic_load_n(&p.n_seen, __ATOMIC_ACQUIRE) <= i)
			sched_yield();
	}
	pthread_join(thread, &lost);
	assert_null(lost);
	ring_destroy(p.ring);
}

static void waiting_ends(void **state)
{
	struct weir_ring *ring = create(1, RING_LANE_MIN);
	struct timespec before, after;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(ring_wait(ring, 30), 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >=
		    30000000);
	ring_wake(ring);
	ring_wake(ring);
	assert_int_equal(ring_wait(ring, -1), 1); // the wake-up before it counts, once
	assert_int_equal(ring_wait(ring, 0), 0);
	ring_destroy(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(touching_provides_memory),
		cmocka_unit_test(lanes_have_limits),
		cmocka_unit_test(records_of_half_a_lane_always_fit),
		cmocka_unit_test(what_is_not_flushed_is_not_seen),
		cmocka_unit_test(behaves_like_a_queue),
		cmocka_unit_test(threads_lose_nothing_unnoticed),
		cmocka_unit_test(every_flush_wakes),
		cmocka_unit_test(waiting_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
