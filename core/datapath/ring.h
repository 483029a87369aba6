// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Rings of records from workers to one reading thread, as weir/extension.h offers them.
//
// A ring has a lane per worker: a queue of bytes with one producer and one consumer. A record is a
// header of 8 bytes and its bytes, padded to a multiple of 8, in one piece; where the rest of the
// lane is too short for it, a record that says so takes up the rest and it stands at the beginning.
// Positions count bytes since the start and never wrap.
//
// What is shared is written as seldom as can be: a producer publishes its position once per flush,
// and looks at the consumer's only when the lane seems full; the consumer looks at the producer's
// only when the lane seems empty. So in the common case reserving a record touches no line that the
// other side writes.
//
// Nothing here blocks or locks but ring_wait(). A waiting consumer sleeps on a futex; whether it
// does, a producer looks at once per flush, which makes that one fence (Dekker's: the producer
// publishes and then looks, the consumer says that it sleeps and then looks).
#ifndef RING_H
#define RING_H

#include <stddef.h>
#include <stdint.h>

enum {
	RING_LANE_MIN = 4 << 10,
	RING_LANE_MAX = 1 << 30,
	RING_ALIGN = 8, // of records; also the size of their headers
};

struct weir_ring;

// A ring with lanes of lane_bytes, rounded up to a power of two from RING_LANE_MIN on; memory is
// reserved, and touched as it is used. 0, -EINVAL (0, or more than RING_LANE_MAX), -ENOMEM. Any
// thread. Caller frees with ring_destroy().
int ring_create(unsigned n_lanes, size_t lane_bytes, struct weir_ring **out);
// Has the system provide the memory of all lanes now, as far as there is any, and not bit by bit to
// producers in their first rounds. Takes milliseconds. Any thread, also while the ring is in use.
void ring_touch(struct weir_ring *ring);
// Nobody uses it any more. Accepts NULL.
void ring_destroy(struct weir_ring *ring);

// Room for size bytes, uninitialised, aligned to RING_ALIGN; NULL: the lane is full, or size is
// more than half a lane less the header, which would not fit at every position. The lane's
// producer.
void *ring_reserve(struct weir_ring *ring, unsigned lane, uint32_t size);
// Hands over what was reserved since the last time, and wakes the consumer. The lane's producer.
void ring_flush(struct weir_ring *ring, unsigned lane);

// The oldest record of the lane, the same until it is released; NULL: there is none. The consumer.
const void *ring_next(struct weir_ring *ring, unsigned lane, uint32_t *size);
// Gives the room of the record back that ring_next() returned last. The consumer.
void ring_release(struct weir_ring *ring, unsigned lane);
// Blocks until a lane has a record that was not released, ring_wake() is or was called since the
// last return of 1, or timeout_ms (negative: never) is over. 1: there may be a record, 0: not. The
// consumer.
int ring_wait(struct weir_ring *ring, int timeout_ms);
// Any thread.
void ring_wake(struct weir_ring *ring);

#endif
