// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "switch/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 64 << 10, ALIGNMENT = _Alignof(max_align_t) };

struct arena_block {
	_Alignas(max_align_t) struct arena_block *next;
	size_t size;
	_Alignas(max_align_t) unsigned char bytes[];
};

static struct arena_block *add_block(struct arena *a, size_t size)
{
	struct arena_block *block = calloc(1, sizeof(*block) + size);

	if (!block)
		return NULL;
	block->size = size;
	a->size += sizeof(*block) + size;
	return block;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *block = a->blocks;

	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (size > BLOCK_SIZE / 4) {
		// One of its own, behind the one that is being filled.
		block = add_block(a, size);
		if (!block)
			return NULL;
		block->next = a->blocks ? a->blocks->next : NULL;
		if (a->blocks)
			a->blocks->next = block;
		else
			a->blocks = block;
		return block->bytes;
	}
	if (size > a->left) {
		block = add_block(a, BLOCK_SIZE);
		if (!block)
			return NULL;
		block->next = a->blocks;
		a->blocks = block;
		a->left = BLOCK_SIZE;
	}
	a->left -= size;
	return block->bytes + block->size - a->left - size;
}

void *arena_copy(struct arena *a, const void *bytes, size_t size)
{
	void *copy = arena_alloc(a, size);

	if (copy && size)
		memcpy(copy, bytes, size);
	return copy;
}

char *arena_text(struct arena *a, const char *text)
{
	return arena_copy(a, text, strlen(text) + 1);
}

char *arena_print(struct arena *a, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return arena_text(a, text);
}

void arena_fini(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *block = a->blocks;

		a->blocks = block->next;
		free(block);
	}
	*a = (struct arena){ 0 };
}
