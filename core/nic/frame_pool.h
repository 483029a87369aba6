// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Frame buffers of one worker: a small class for ordinary frames and a large one for
// segmentation-offload frames, each a last-in first-out stack, so that only the buffers that are
// really in flight are ever touched (the memory is reserved, not resident).
//
// A pool belongs to one thread. Frames are given back by weir_frame_release() on that thread.
// It lives at the bottom of the core, below datapath/, because NICs allocate from it.
#ifndef FRAME_POOL_H
#define FRAME_POOL_H

#include <weir/frame.h>

struct frame_pool;

enum {
	FRAME_POOL_SMALL = 2048, // data bytes of a small buffer behind its headroom
};

// n_small, n_large: buffers of each class. Returns NULL when memory cannot be reserved. Any thread.
struct frame_pool *frame_pool_create(unsigned n_small, unsigned n_large);
// All frames must be back. Accepts NULL.
void frame_pool_destroy(struct frame_pool *pool);

// A frame with WEIR_FRAME_HEADROOM bytes of headroom and room for `size` data bytes: refs 1, size
// and linear 0 (the caller sets both), no offload, no flags. NULL when the class is used up or size
// is above WEIR_FRAME_MAX. Owner thread only.
struct weir_frame *frame_alloc(struct frame_pool *pool, uint32_t size);

// A private, linear copy of the frame with its offload state and metadata; refs 1. NULL when the
// pool is used up. The original keeps its holders. Owner thread only.
struct weir_frame *frame_clone(struct frame_pool *pool, const struct weir_frame *frame);

// Buffers out at this moment. Owner thread only.
unsigned frame_pool_in_use(const struct frame_pool *pool);

// Copies up to `size` bytes from the start of the frame to `to`; returns how many.
uint32_t frame_copy_bytes(const struct weir_frame *frame, void *to, uint32_t size);

#endif
