// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Memory for very many small things that all go together: taken from blocks, given back as a
// whole. An arena that is all zero is empty. One thread at a time.
#ifndef SWITCH_ARENA_H
#define SWITCH_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; // the one that is being filled first
	size_t left;                // bytes of it
	size_t size;                // bytes of all blocks
};

// Zeroed and aligned for anything; NULL: no memory. Lives until arena_fini().
void *arena_alloc(struct arena *arena, size_t size);
// A copy; of a string with its end. NULL: no memory.
void *arena_copy(struct arena *arena, const void *bytes, size_t size);
char *arena_text(struct arena *arena, const char *text);
__attribute__((format(printf, 2, 3))) char *arena_print(
	struct arena *arena, const char *format, ...);
void arena_fini(struct arena *arena);

#endif
