// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Rings: at their limits, and against a model with random sizes.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring_records.h"

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
	ring = make_ring(2, TOUCHED);
	for (unsigned i = 0; i < 2; i++) {
		fill_record(ring_reserve(ring, i, 1000), 1000, i);
		ring_flush(ring, i);
	}
	lane = (uint8_t *)(uintptr_t)ring_next(ring, 0, &size) - RING_ALIGN;
	assert_int_equal(n_resident(lane), 1);
	ring_touch(ring);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(n_resident(lane + i * TOUCHED), TOUCHED_PAGES);
		bytes = ring_next(ring, i, &size); // what was there stays
		check_record(bytes, size, i);
	}
	ring_destroy(ring);
}

// A record of half a lane less its header fits whatever the position; a larger one never does.
static void records_of_half_a_lane_always_fit(void **state)
{
	enum { HALF = RING_LANE_MIN / 2 - RING_ALIGN };
	struct weir_ring *ring = make_ring(1, RING_LANE_MIN);
	uint32_t size;

	(void)state;
	for (unsigned at = 0; at < RING_LANE_MIN; at += RING_ALIGN) {
		void *bytes = ring_reserve(ring, 0, HALF);

		assert_non_null(bytes);
		assert_int_equal((uintptr_t)bytes % RING_ALIGN, 0);
		fill_record(bytes, HALF, at);
		ring_flush(ring, 0);
		check_record(ring_next(ring, 0, &size), HALF, at);
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
	struct weir_ring *ring = make_ring(2, RING_LANE_MIN);
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
	uint32_t size = ring_random(random) % 4 ? ring_random(random) % 200
						: ring_random(random) % (RING_LANE_MIN / 2);

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
	fill_record(bytes, size, number);
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
	check_record(bytes, size, m->first);
	ring_release(ring, 0);
	m->used -= m->rooms[m->first % RING_LANE_MIN];
	m->first++;
	m->n--;
}

static void behaves_like_a_queue(void **state)
{
	struct weir_ring *ring = make_ring(1, RING_LANE_MIN);
	struct model model = { 0 };
	uint32_t random = 7;

	(void)state;
	for (unsigned i = 0; i < 50000; i++) {
		unsigned n = ring_random(&random) % 8;

		while (n--)
			put(ring, &model, random_size(&random));
		ring_flush(ring, 0);
		n = ring_random(&random) % 10;
		while (n--)
			take(ring, &model);
	}
	while (model.n)
		take(ring, &model);
	take(ring, &model);
	assert_true(model.first > 25000);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
