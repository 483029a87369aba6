// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Items by number, in versions that share what they have in common: a change copies one chunk and
// the list of chunks. And the numbers, which are given out so that an item has the same one in all
// versions.
//
// Control thread, except vector_at(), which any thread may call on a version that is held for it.
#ifndef ACL_VECTOR_H
#define ACL_VECTOR_H

#include <stddef.h>
#include <stdint.h>

struct item;

enum { VECTOR_CHUNK = 128 };

struct vector_chunk {
	uint32_t refs;
	struct item *items[VECTOR_CHUNK];
};

struct vector {
	struct vector_chunk **chunks; // some NULL
	uint32_t n_chunks;
};

static inline struct item *vector_at(const struct vector *v, uint32_t number)
{
	return v->chunks[number / VECTOR_CHUNK]->items[number % VECTOR_CHUNK];
}

// Another version with the same items. -ENOMEM.
int vector_copy(struct vector *copy, const struct vector *v);
void vector_fini(struct vector *v);
// Puts an item, with a reference of its own, or NULL under a number. -ENOMEM.
int vector_set(struct vector *v, uint32_t number, struct item *item);

// Which numbers are taken. All zero is none.
struct vector_numbers {
	uint64_t *taken;         // a bit each
	uint32_t n_words, first; // no word before `first` has room
};

// The lowest free number is taken. -ENOMEM.
int vector_take_number(struct vector_numbers *numbers, uint32_t *number);
void vector_free_number(struct vector_numbers *numbers, uint32_t number);

#endif
