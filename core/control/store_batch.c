// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "control/store_internal.h"

enum { FIRST_CHUNK = 1 << 10, LAST_CHUNK = 1 << 18 };

// Memory that stays where it is, so that what points into it need not be mended.
struct store_chunk {
	struct store_chunk *next;
	size_t used, size;
	alignas(max_align_t) unsigned char bytes[];
};

struct store_batch *store_batch_create(void)
{
	struct store_batch *batch = malloc(sizeof(*batch));

	if (!batch)
		return NULL;
	batch->next = NULL;
	batch->first = NULL;
	batch->end = &batch->first;
	batch->chunks = NULL;
	batch->size = sizeof(*batch);
	batch->done = NULL;
	batch->context = NULL;
	batch->error.code = 0;
	return batch;
}

void store_batch_destroy(struct store_batch *batch)
{
	if (!batch)
		return;
	while (batch->chunks) {
		struct store_chunk *chunk = batch->chunks;

		batch->chunks = chunk->next;
		free(chunk);
	}
	free(batch);
}

static struct store_chunk *add_chunk(struct store_batch *batch, size_t least)
{
	size_t size = batch->chunks ? batch->chunks->size * 2 : FIRST_CHUNK;
	struct store_chunk *chunk;

	size = size < LAST_CHUNK ? size : LAST_CHUNK;
	size = size > least ? size : least;
	chunk = malloc(sizeof(*chunk) + size);
	if (!chunk)
		return NULL;
	chunk->next = batch->chunks;
	chunk->used = 0;
	chunk->size = size;
	batch->chunks = chunk;
	batch->size += sizeof(*chunk) + size;
	return chunk;
}

// size: not more than a few items' of the greatest size, so that it does not wrap.
static unsigned char *take(struct store_batch *batch, size_t size)
{
	struct store_chunk *chunk = batch->chunks;
	unsigned char *bytes;

	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!chunk || chunk->size - chunk->used < size)
		chunk = add_chunk(batch, size);
	if (!chunk)
		return NULL;
	bytes = chunk->bytes + chunk->used;
	chunk->used += size;
	return bytes;
}

static const void **pointer_in(struct weir_item *item, const struct store_column *column)
{
	return (const void **)((char *)item + column->offset);
}

// What the column points to: its bytes, with the zero of a text.
static size_t extent(const struct weir_item *item, const struct store_column *column)
{
	const char *field = (const char *)item + column->offset;

	if (column->type == STORE_BYTES)
		return *(const size_t *)((const char *)item + column->size_offset);
	if (column->type != STORE_NAME && column->type != STORE_TEXT)
		return 0;
	field = *(const char *const *)field;
	return field ? strlen(field) + 1 : 0;
}

// Copies what the record's item points to behind the record.
static void copy_columns(struct store_record *record, const struct store_kind *kind, unsigned n)
{
	unsigned char *to = (unsigned char *)(record + 1);

	for (unsigned i = 0; i < n; i++) {
		const struct store_column *column = &kind->columns[i];
		size_t size = extent(&record->item, column);

		if (size == 0)
			continue;
		memcpy(to, *pointer_in(&record->item, column), size);
		*pointer_in(&record->item, column) = to;
		to += size;
	}
}

void store_batch_add(struct store_batch *batch, bool removed, const struct weir_item *item)
{
	const struct store_kind *kind;
	struct store_record *record;
	struct weir_error error;
	unsigned n;
	size_t size = sizeof(*record);

	if (batch->error.code)
		return;
	if (store_item_check(item, removed, &error)) {
		weir_refuse(&batch->error, -EINVAL, NULL, "a change cannot be kept: %.300s",
			error.message);
		return;
	}
	kind = store_kind(item->kind);
	n = removed ? kind->n_keys : kind->n_columns;
	for (unsigned i = 0; i < n; i++)
		size += extent(item, &kind->columns[i]);
	record = (struct store_record *)take(batch, size);
	if (!record) {
		weir_refuse(&batch->error, -ENOMEM, NULL, "a change cannot be kept: no memory");
		return;
	}
	record->next = NULL;
	record->removed = removed;
	record->item = *item;
	copy_columns(record, kind, n);
	*batch->end = record;
	batch->end = &record->next;
}
