// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acl.h"

static void put_chunk(struct vector_chunk *chunk)
{
	if (!chunk || --chunk->refs > 0)
		return;
	for (unsigned i = 0; i < VECTOR_CHUNK; i++)
		item_put(chunk->items[i]);
	free(chunk);
}

int vector_copy(struct vector *copy, const struct vector *v)
{
	*copy = (struct vector){ 0 };
	if (v->n_chunks == 0)
		return 0;
	copy->chunks = malloc(v->n_chunks * sizeof(struct vector_chunk *));
	if (!copy->chunks)
		return -ENOMEM;
	memcpy(copy->chunks, v->chunks, v->n_chunks * sizeof(struct vector_chunk *));
	copy->n_chunks = v->n_chunks;
	for (uint32_t i = 0; i < v->n_chunks; i++)
		if (v->chunks[i])
			v->chunks[i]->refs++;
	return 0;
}

void vector_fini(struct vector *v)
{
	for (uint32_t i = 0; i < v->n_chunks; i++)
		put_chunk(v->chunks[i]);
	free(v->chunks);
	*v = (struct vector){ 0 };
}

static int grow(struct vector *v, uint32_t n_chunks)
{
	struct vector_chunk **chunks;

	if (n_chunks <= v->n_chunks)
		return 0;
	if (n_chunks < v->n_chunks + v->n_chunks / 2)
		n_chunks = v->n_chunks + v->n_chunks / 2;
	chunks = realloc(v->chunks, n_chunks * sizeof(struct vector_chunk *));
	if (!chunks)
		return -ENOMEM;
	memset(chunks + v->n_chunks, 0, (n_chunks - v->n_chunks) * sizeof(struct vector_chunk *));
	v->chunks = chunks;
	v->n_chunks = n_chunks;
	return 0;
}

// Makes a chunk this version's own.
static int own(struct vector_chunk **link)
{
	struct vector_chunk *chunk = *link, *copy;

	if (chunk && chunk->refs == 1)
		return 0;
	copy = calloc(1, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	copy->refs = 1;
	for (unsigned i = 0; chunk && i < VECTOR_CHUNK; i++) {
		copy->items[i] = chunk->items[i];
		if (copy->items[i])
			copy->items[i]->refs++;
	}
	put_chunk(chunk);
	*link = copy;
	return 0;
}

int vector_set(struct vector *v, uint32_t number, struct item *item)
{
	struct item **place;

	if (grow(v, number / VECTOR_CHUNK + 1) < 0 || own(&v->chunks[number / VECTOR_CHUNK]) < 0)
		return -ENOMEM;
	place = &v->chunks[number / VECTOR_CHUNK]->items[number % VECTOR_CHUNK];
	if (item)
		item->refs++;
	item_put(*place);
	*place = item;
	return 0;
}

int vector_take_number(struct vector_numbers *n, uint32_t *number)
{
	uint32_t word = n->first;

	while (word < n->n_words && n->taken[word] == UINT64_MAX)
		word++;
	if (word == n->n_words) {
		uint32_t words = n->n_words ? 2 * n->n_words : 1;
		uint64_t *taken = realloc(n->taken, words * sizeof(*taken));

		if (!taken)
			return -ENOMEM;
		memset(taken + n->n_words, 0, (words - n->n_words) * sizeof(*taken));
		n->taken = taken;
		n->n_words = words;
	}
	n->first = word;
	*number = word * 64 + (uint32_t)__builtin_ctzll(~n->taken[word]);
	n->taken[word] |= UINT64_C(1) << *number % 64;
	return 0;
}

void vector_free_number(struct vector_numbers *n, uint32_t number)
{
	n->taken[number / 64] &= ~(UINT64_C(1) << number % 64);
	if (number / 64 < n->first)
		n->first = number / 64;
}
