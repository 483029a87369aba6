// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/frame_pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define POOL_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_POISONS 1
#endif
#endif

#ifdef POOL_POISONS
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, size)   ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#endif

enum {
	// Each buffer starts with its frame and its headroom, so that what the datapath touches of
	// a frame is two or three neighbouring cache lines in one page.
	BUFFER_HEAD = sizeof(struct weir_frame) + WEIR_FRAME_HEADROOM,
	LINE = 64,
	MAX_BUFFERS = 1 << 20, // of one class; keeps sizes far from overflow
};

// The buffers of one size. A buffer that was never used is taken from the end of the used ones,
// so that neither it nor its place on the stack is touched before it is needed.
struct class
{
	struct weir_frame **free; // stack of returned frames
	unsigned n_free;
	unsigned n_fresh; // never used so far
	uint8_t *next_fresh;
	size_t stride; // bytes from one buffer to the next
	uint32_t room; // data bytes
	unsigned n;
};

struct frame_pool {
	struct class small, large;
	size_t map_size;
};

static void release(struct weir_frame *frame);

static const struct weir_frame_owner pool_owner = { .release = release };

// An odd number of cache lines, so that equal offsets in different buffers spread over all sets of
// the cache.
static size_t buffer_stride(uint32_t room)
{
	size_t lines = (BUFFER_HEAD + room + LINE - 1) / LINE;

	return (lines | 1) * LINE;
}

static size_t class_size(const struct class *class)
{
	size_t stack = (class->n * sizeof(*class->free) + LINE - 1) / LINE * LINE;

	return stack + class->n * class->stride;
}

// Lays the class out at `place`; returns the first byte behind it.
static uint8_t *class_place(struct class *class, uint8_t *place)
{
	class->free = (struct weir_frame **)place;
	class->n_fresh = class->n;
	class->next_fresh = place + class_size(class) - class->n * class->stride;
	ASAN_POISON_MEMORY_REGION(class->next_fresh, class->n * class->stride);
	return place + class_size(class);
}

struct frame_pool *frame_pool_create(unsigned n_small, unsigned n_large)
{
	struct class small = { .n = n_small, .room = FRAME_POOL_SMALL };
	struct class large = { .n = n_large, .room = WEIR_FRAME_MAX };
	size_t head = (sizeof(struct frame_pool) + LINE - 1) / LINE * LINE;
	struct frame_pool *pool;
	size_t size;
	void *map;

	if (n_small > MAX_BUFFERS || n_large > MAX_BUFFERS)
		return NULL;
	small.stride = buffer_stride(small.room);
	large.stride = buffer_stride(large.room);
	size = head + class_size(&small) + class_size(&large);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		-1, 0);
	if (map == MAP_FAILED)
		return NULL;
	pool = map;
	pool->map_size = size;
	class_place(&large, class_place(&small, (uint8_t *)map + head));
	pool->small = small;
	pool->large = large;
	return pool;
}

void frame_pool_destroy(struct frame_pool *pool)
{
	if (!pool)
		return;
	assert(frame_pool_in_use(pool) == 0);
	ASAN_UNPOISON_MEMORY_REGION(pool, pool->map_size);
	munmap(pool, pool->map_size);
}

static void release(struct weir_frame *frame)
{
	struct class *class = frame->owner_data;

	assert(class->n_free < class->n);
	class->free[class->n_free++] = frame;
	ASAN_POISON_MEMORY_REGION(frame, class->stride);
}

static struct weir_frame *take_fresh(struct class *class)
{
	struct weir_frame *frame = (struct weir_frame *)class->next_fresh;

	if (class->n_fresh == 0)
		return NULL;
	class->n_fresh--;
	class->next_fresh += class->stride;
	return frame;
}

struct weir_frame *frame_alloc(struct frame_pool *pool, uint32_t size)
{
	struct class *class = size <= FRAME_POOL_SMALL ? &pool->small : &pool->large;
	struct weir_frame *frame;

	if (size > WEIR_FRAME_MAX)
		return NULL;
	if (class->n_free)
		frame = class->free[--class->n_free];
	else if (!(frame = take_fresh(class)))
		return NULL;
	ASAN_UNPOISON_MEMORY_REGION(frame, BUFFER_HEAD + size);
	*frame = (struct weir_frame){
		.data = (uint8_t *)frame + BUFFER_HEAD,
		.owner = &pool_owner,
		.owner_data = class,
		.headroom = WEIR_FRAME_HEADROOM,
		.refs = 1,
	};
	return frame;
}

struct weir_frame *frame_clone(struct frame_pool *pool, const struct weir_frame *frame)
{
	struct weir_frame *clone = frame_alloc(pool, frame->size);

	if (!clone)
		return NULL;
	clone->size = clone->linear = frame_copy_bytes(frame, clone->data, frame->size);
	clone->offload = frame->offload;
	clone->port = frame->port;
	clone->flags = frame->flags;
	clone->hops = frame->hops;
	clone->hash = frame->hash;
	return clone;
}

unsigned frame_pool_in_use(const struct frame_pool *pool)
{
	const struct class *small = &pool->small, *large = &pool->large;

	return small->n - small->n_fresh - small->n_free +
	       (large->n - large->n_fresh - large->n_free);
}

uint32_t frame_copy_bytes(const struct weir_frame *frame, void *to, uint32_t size)
{
	struct weir_frame_iterator it = weir_frame_iterate(frame);
	const uint8_t *piece;
	uint32_t n = 0, piece_size;

	while (n < size && (piece = weir_frame_next(&it, &piece_size))) {
		if (piece_size > size - n)
			piece_size = size - n;
		memcpy((uint8_t *)to + n, piece, piece_size);
		n += piece_size;
	}
	return n;
}
