// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Where a frame of unknown size lands that the kernel hands out by read or recvmsg: a small buffer
// first, what does not fit in a large one, behind room for the first part. Only a frame that turns
// out large costs a copy, of the first part. Worker only.
//
// Nothing is kept between two calls of receive(), because a queue may move to another worker and so
// to another pool; the pool's stacks make taking and giving back cheap.
#ifndef LANDING_H
#define LANDING_H

#include <sys/uio.h>

#include "nic/frame_pool.h"

struct landing {
	struct weir_frame *small, *large;
};

// Takes what is missing from the pool. False when the pool is used up: the frame stays in the
// kernel until buffers are back.
bool landing_prepare(struct landing *landing, struct frame_pool *pool);
// Describes the room. gap: bytes to leave free at the front.
void landing_pieces(const struct landing *landing, uint32_t gap, struct iovec pieces[/* 2 */]);
// The frame that holds the `size` bytes that landed, its data at the first of them and the gap
// part of its headroom. Caller owns it. size <= landing_room().
struct weir_frame *landing_take(struct landing *landing, uint32_t gap, uint32_t size);
// Gives back what was not taken.
void landing_release(struct landing *landing);

// Bytes that fit.
static inline uint32_t landing_room(uint32_t gap)
{
	return WEIR_FRAME_MAX - gap;
}

#endif
