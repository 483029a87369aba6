// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "json_arena.h"

#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 1 << 20, ALIGNMENT = _Alignof(max_align_t) };

struct block {
	struct block *next;
	_Alignas(max_align_t) char bytes[];
};

static struct {
	struct block *blocks;
	char *next; // free bytes of the block that was last taken for several
	size_t left;
} arena;

static void *take_block(size_t size)
{
	struct block *block = malloc(sizeof(*block) + size);

	if (!block)
		return NULL;
	block->next = arena.blocks;
	arena.blocks = block;
	return block->bytes;
}

static void *take(size_t size)
{
	char *taken;

	if (size > BLOCK_BYTES)
		return take_block(size);
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (size > arena.left) {
		taken = take_block(BLOCK_BYTES);
		if (!taken)
			return NULL;
		arena.next = taken;
		arena.left = BLOCK_BYTES;
	}
	taken = arena.next;
	arena.next += size;
	arena.left -= size;
	return taken;
}

static void leave(void *memory)
{
	(void)memory;
}

void json_arena_begin(void)
{
	json_set_alloc_funcs(take, leave);
}

void json_arena_end(void)
{
	json_set_alloc_funcs(malloc, free);
	while (arena.blocks) {
		struct block *block = arena.blocks;

		arena.blocks = block->next;
		free(block);
	}
	arena.next = NULL;
	arena.left = 0;
}
