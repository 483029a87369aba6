// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/ring.h"
#include "datapath/pages.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// Stands before each record.
struct record {
	uint32_t size; // RECORD_SKIP: nothing follows until the end of the lane
	uint32_t reserved;
};

#define RECORD_SKIP UINT32_MAX

_Static_assert(sizeof(struct record) == RING_ALIGN, "records follow each other without gaps");

// Each side has lines of its own.
struct lane {
	_Alignas(64) uint8_t *bytes;     // constant, as are mask and needed_max
	uint64_t mask;                   // of positions
	uint64_t needed_max;             // of a record
	uint64_t head;                   // producer: rw; the end of what is reserved
	uint64_t tail_seen;              // producer: rw; consumer's tail when it was last looked at
	uint64_t piece_end;              // producer: rw; what is before it is free and in one piece
	_Alignas(64) uint64_t published; // producer: w, consumer: r
	_Alignas(64) uint64_t tail;      // consumer: rw, producer: r
	uint64_t published_seen;         // consumer: rw
};

_Static_assert(sizeof(struct lane) == 192, "three cache lines");

struct weir_ring {
	unsigned n_lanes;
	size_t lane_bytes;             // a power of two
	uint8_t *memory;               // of all lanes
	_Alignas(64) uint32_t waiting; // the futex. 1: the consumer sleeps, or is about to
	uint32_t woken;                // ring_wake() was called
	struct lane lanes[];
};

static size_t rounded(size_t lane_bytes)
{
	size_t size = RING_LANE_MIN;

	while (size < lane_bytes)
		size *= 2;
	return size;
}

int ring_create(unsigned n_lanes, size_t lane_bytes, struct weir_ring **out)
{
	struct weir_ring *ring;

	if (n_lanes == 0 || lane_bytes == 0 || lane_bytes > RING_LANE_MAX)
		return -EINVAL;
	ring = aligned_alloc(64, sizeof(*ring) + n_lanes * sizeof(ring->lanes[0]));
	if (!ring)
		return -ENOMEM;
	*ring = (struct weir_ring){ .n_lanes = n_lanes, .lane_bytes = rounded(lane_bytes) };
	ring->memory = pages_reserve(n_lanes * ring->lane_bytes);
	if (!ring->memory) {
		free(ring);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < n_lanes; i++)
		ring->lanes[i] = (struct lane){
			.bytes = ring->memory + i * ring->lane_bytes,
			.mask = ring->lane_bytes - 1,
			.needed_max = ring->lane_bytes / 2,
		};
	*out = ring;
	return 0;
}

void ring_destroy(struct weir_ring *ring)
{
	if (!ring)
		return;
	pages_release(ring->memory, ring->n_lanes * ring->lane_bytes);
	free(ring);
}

static struct record *record_at(const struct weir_ring *ring, const struct lane *lane, uint64_t at)
{
	return (struct record *)(lane->bytes + (at & (ring->lane_bytes - 1)));
}

static uint64_t record_bytes(uint32_t size)
{
	return (sizeof(struct record) + (uint64_t)size + RING_ALIGN - 1) &
	       ~(uint64_t)(RING_ALIGN - 1);
}

// What is left of the lane behind a position.
static uint64_t rest(const struct weir_ring *ring, uint64_t at)
{
	return ring->lane_bytes - (at & (ring->lane_bytes - 1));
}

void ring_touch(struct weir_ring *ring)
{
	pages_touch(ring->memory, ring->n_lanes * ring->lane_bytes);
}

// ---- The producer

static bool has_room(const struct weir_ring *ring, struct lane *lane, uint64_t needed)
{
	if (lane->head + needed - lane->tail_seen <= ring->lane_bytes)
		return true;
	lane->tail_seen = __atomic_load_n(&lane->tail, __ATOMIC_ACQUIRE);
	return lane->head + needed - lane->tail_seen <= ring->lane_bytes;
}

// At the end of the lane, or of what was free of it when it was last looked at.
__attribute__((noinline)) static void *reserve_behind(
	struct weir_ring *ring, struct lane *lane, uint32_t size)
{
	uint64_t needed = record_bytes(size), skipped = rest(ring, lane->head);
	uint64_t free_end;
	struct record *record;

	if (needed > lane->needed_max)
		return NULL;
	if (needed <= skipped)
		skipped = 0;
	if (!has_room(ring, lane, skipped + needed))
		return NULL;
	if (skipped)
		record_at(ring, lane, lane->head)->size = RECORD_SKIP;
	record = record_at(ring, lane, lane->head + skipped);
	record->size = size;
	lane->head += skipped + needed;
	free_end = lane->tail_seen + ring->lane_bytes;
	lane->piece_end = lane->head + rest(ring, lane->head);
	if (lane->piece_end > free_end)
		lane->piece_end = free_end;
	return record + 1;
}

void *ring_reserve(struct weir_ring *ring, unsigned number, uint32_t size)
{
	struct lane *lane = &ring->lanes[number];
	uint64_t needed = record_bytes(size), head = lane->head;
	struct record *record = (struct record *)(lane->bytes + (head & lane->mask));

	if (__builtin_expect(head + needed > lane->piece_end || needed > lane->needed_max, 0))
		return reserve_behind(ring, lane, size);
	record->size = size;
	lane->head = head + needed;
	return record + 1;
}

// Ends a sleep that is under way or about to begin. The exchange lets one of several do it.
static void end_sleep(struct weir_ring *ring)
{
	if (__atomic_exchange_n(&ring->waiting, 0, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, &ring->waiting, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void ring_flush(struct weir_ring *ring, unsigned number)
{
	struct lane *lane = &ring->lanes[number];

	// Only the producer writes `published`.
	if (__atomic_load_n(&lane->published, __ATOMIC_RELAXED) == lane->head)
		return;
	// In one order with the load behind it and the consumer's two, so that one of both sides
	// sees the other.
	__atomic_store_n(&lane->published, lane->head, __ATOMIC_SEQ_CST);
	if (__builtin_expect(__atomic_load_n(&ring->waiting, __ATOMIC_SEQ_CST) != 0, 0))
		end_sleep(ring);
}

// ---- The consumer

const void *ring_next(struct weir_ring *ring, unsigned number, uint32_t *size)
{
	struct lane *lane = &ring->lanes[number];
	struct record *record;

	if (lane->tail == lane->published_seen) {
		lane->published_seen = __atomic_load_n(&lane->published, __ATOMIC_ACQUIRE);
		if (lane->tail == lane->published_seen)
			return NULL;
	}
	record = record_at(ring, lane, lane->tail);
	if (record->size == RECORD_SKIP) {
		// What is skipped is followed by a record that was published with it.
		__atomic_store_n(
			&lane->tail, lane->tail + rest(ring, lane->tail), __ATOMIC_RELEASE);
		record = record_at(ring, lane, lane->tail);
	}
	*size = record->size;
	return record + 1;
}

void ring_release(struct weir_ring *ring, unsigned number)
{
	struct lane *lane = &ring->lanes[number];
	uint32_t size = record_at(ring, lane, lane->tail)->size;

	__atomic_store_n(&lane->tail, lane->tail + record_bytes(size), __ATOMIC_RELEASE);
}

static bool has_records(const struct weir_ring *ring)
{
	for (unsigned i = 0; i < ring->n_lanes; i++)
		if (__atomic_load_n(&ring->lanes[i].published, __ATOMIC_SEQ_CST) !=
			ring->lanes[i].tail)
			return true;
	return false;
}

static bool is_over(struct weir_ring *ring)
{
	return __atomic_exchange_n(&ring->woken, 0, __ATOMIC_SEQ_CST) || has_records(ring);
}

static struct timespec until(int timeout_ms)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += timeout_ms / 1000;
	end.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	return end;
}

int ring_wait(struct weir_ring *ring, int timeout_ms)
{
	struct timespec end;
	bool over = is_over(ring), timed_out = timeout_ms == 0;

	if (timeout_ms > 0)
		end = until(timeout_ms);
	while (!over && !timed_out) {
		__atomic_store_n(&ring->waiting, 1, __ATOMIC_SEQ_CST);
		over = is_over(ring);
		// FUTEX_WAIT_BITSET takes an absolute time of CLOCK_MONOTONIC.
		if (!over)
			timed_out = syscall(SYS_futex, &ring->waiting, FUTEX_WAIT_BITSET_PRIVATE, 1,
					    timeout_ms > 0 ? &end : NULL, NULL,
					    FUTEX_BITSET_MATCH_ANY) < 0 &&
				    errno == ETIMEDOUT;
		__atomic_store_n(&ring->waiting, 0, __ATOMIC_SEQ_CST);
		over = over || is_over(ring);
	}
	return over;
}

void ring_wake(struct weir_ring *ring)
{
	__atomic_store_n(&ring->woken, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&ring->waiting, __ATOMIC_SEQ_CST))
		end_sleep(ring);
}
