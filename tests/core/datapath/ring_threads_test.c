// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Rings with threads on both sides.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ring_records.h"

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
		uint32_t size = ring_random(&random) % 300;
		struct numbered *r = ring_reserve(p->ring, p->lane, (uint32_t)sizeof(*r) + size);

		if (r) {
			*r = (struct numbered){ number, size };
			fill_record(r->bytes, size, number);
		} else {
			p->n_lost++;
		}
		if (ring_random(&random) % 32 == 0)
			ring_flush(p->ring, p->lane);
		if (ring_random(&random) % 4096 == 0)
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
	struct weir_ring *ring = make_ring(LANES, 16 << 10);
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
	struct pingpong p = { .ring = make_ring(1, RING_LANE_MIN) };
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
	struct weir_ring *ring = make_ring(1, RING_LANE_MIN);
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
		cmocka_unit_test(threads_lose_nothing_unnoticed),
		cmocka_unit_test(every_flush_wakes),
		cmocka_unit_test(waiting_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
