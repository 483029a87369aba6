// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/framing.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// The first allocation holds nearly every request; larger ones double it. What is larger than
// KEEP_BYTES is given back once it is empty: one big request must not cost memory for the rest of
// a connection.
enum { FIRST_BYTES = 4096, KEEP_BYTES = 65536 };

static size_t pending(const struct framing *reader)
{
	return reader->end - reader->start;
}

static size_t announced(const struct framing *reader)
{
	const uint8_t *header = reader->buffer + reader->start;

	return (size_t)header[0] << 24 | (size_t)header[1] << 16 | (size_t)header[2] << 8 |
	       header[3];
}

void framing_init(struct framing *reader, size_t max_size)
{
	assert(max_size <= FRAMING_MAX_MESSAGE);
	*reader = (struct framing){ .max_size = max_size };
}

void framing_fini(struct framing *reader)
{
	free(reader->buffer);
	*reader = (struct framing){ .max_size = reader->max_size };
}

static void compact(struct framing *reader)
{
	if (reader->start == reader->end && reader->capacity > KEEP_BYTES)
		framing_fini(reader);
	if (reader->start > 0) {
		memmove(reader->buffer, reader->buffer + reader->start, pending(reader));
		reader->end -= reader->start;
		reader->start = 0;
	}
}

int framing_space(struct framing *reader, uint8_t **space, size_t *size)
{
	// What is moved is the beginning of one message, once per message: the cost per byte stays
	// constant.
	if (reader->end == reader->capacity || reader->start == reader->end)
		compact(reader);
	if (reader->end == reader->capacity) {
		size_t capacity = reader->capacity ? 2 * reader->capacity : FIRST_BYTES;
		uint8_t *buffer = realloc(reader->buffer, capacity);

		if (!buffer)
			return -ENOMEM;
		reader->buffer = buffer;
		reader->capacity = capacity;
	}
	*space = reader->buffer + reader->end;
	*size = reader->capacity - reader->end;
	return 0;
}

void framing_filled(struct framing *reader, size_t size)
{
	assert(size <= reader->capacity - reader->end);
	reader->end += size;
}

int framing_next(struct framing *reader, const uint8_t **message, size_t *size)
{
	size_t length;

	if (pending(reader) < FRAMING_HEADER)
		return 0;
	length = announced(reader);
	if (length > reader->max_size)
		return -EMSGSIZE;
	if (pending(reader) - FRAMING_HEADER < length)
		return 0;
	*message = reader->buffer + reader->start + FRAMING_HEADER;
	*size = length;
	reader->start += FRAMING_HEADER + length;
	return 1;
}

bool framing_is_empty(const struct framing *reader)
{
	return pending(reader) == 0;
}

void framing_put_header(uint8_t header[FRAMING_HEADER], size_t size)
{
	assert(size <= FRAMING_MAX_MESSAGE);
	header[0] = (uint8_t)(size >> 24);
	header[1] = (uint8_t)(size >> 16);
	header[2] = (uint8_t)(size >> 8);
	header[3] = (uint8_t)size;
}
