// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "switch/wire.h"

#include <errno.h>
#include <string.h>

enum {
	MAX_TAG_SIZE = 5, // bytes of a tag or a length
	MAX_VARINT_SIZE = 10,
};

static int fail(struct wire_reader *reader, const char *problem)
{
	reader->problem = problem;
	return -EINVAL;
}

static size_t left(const struct wire_reader *reader)
{
	return (size_t)(reader->end - reader->next);
}

static int read_varint(struct wire_reader *reader, int max_size, uint64_t *value)
{
	uint64_t bits = 0;

	for (int i = 0; i < max_size; i++) {
		uint8_t byte;

		if (!left(reader))
			return fail(reader, "ends within a number");
		byte = *reader->next++;
		// The tenth byte holds bit 63 alone.
		if (i == MAX_VARINT_SIZE - 1 && byte > 1)
			return fail(reader, "has a number of more than 64 bits");
		bits |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80)) {
			*value = bits;
			return 1;
		}
	}
	return fail(reader, "has a number that does not end");
}

static int read_fixed(struct wire_reader *reader, size_t size, uint64_t *value)
{
	uint64_t bits = 0;

	if (left(reader) < size)
		return fail(reader, "ends within a number");
	for (size_t i = 0; i < size; i++)
		bits |= (uint64_t)reader->next[i] << (8 * i);
	reader->next += size;
	*value = bits;
	return 1;
}

static int read_bytes(struct wire_reader *reader, struct wire_field *field)
{
	uint64_t size;
	int ret = read_varint(reader, MAX_TAG_SIZE, &size);

	if (ret < 0)
		return ret;
	if (size > left(reader))
		return fail(reader, "has a length beyond its end");
	field->bytes = reader->next;
	field->size = (size_t)size;
	reader->next += size;
	return 1;
}

static int read_value(struct wire_reader *reader, unsigned int type, uint64_t *value)
{
	switch (type) {
	case WIRE_VARINT:
		return read_varint(reader, MAX_VARINT_SIZE, value);
	case WIRE_FIXED64:
		return read_fixed(reader, 8, value);
	case WIRE_FIXED32:
		return read_fixed(reader, 4, value);
	case 3:
	case 4:
		return fail(reader, "has a group, which is not allowed");
	default:
		return fail(reader, "has a field of a reserved wire type");
	}
}

struct wire_reader wire_read(const void *bytes, size_t size)
{
	static const uint8_t nothing[1];

	// No arithmetic on a null pointer when there are no bytes.
	if (!size)
		bytes = nothing;
	return (struct wire_reader){ .next = bytes, .end = (const uint8_t *)bytes + size };
}

int wire_next(struct wire_reader *reader, struct wire_field *field)
{
	uint64_t tag;
	int ret;

	if (!left(reader))
		return 0;
	ret = read_varint(reader, MAX_TAG_SIZE, &tag);
	if (ret < 0)
		return ret;
	if (tag >> 3 == 0 || tag >> 3 > WIRE_MAX_NUMBER)
		return fail(reader, "has a field number that is not 1 to 536870911");
	*field = (struct wire_field){ .number = (uint32_t)(tag >> 3), .type = tag & 7 };
	if (field->type == WIRE_BYTES)
		return read_bytes(reader, field);
	return read_value(reader, tag & 7, &field->value);
}

int wire_next_item(struct wire_reader *reader, enum wire_type type, uint64_t *value)
{
	return left(reader) ? read_value(reader, type, value) : 0;
}

// Returns the number of bytes that follow the first of a character, or -1, with the least and
// greatest value of the second byte, which is where overlong forms and surrogates show (RFC 3629
// section 4).
static int utf8_tail(uint8_t first, uint8_t *least, uint8_t *greatest)
{
	*least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*greatest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	if (first >= 0x01 && first <= 0x7f)
		return 0;
	if (first >= 0xc2 && first <= 0xdf)
		return 1;
	if (first >= 0xe0 && first <= 0xef)
		return 2;
	return first >= 0xf0 && first <= 0xf4 ? 3 : -1;
}

bool wire_is_text(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size;) {
		uint8_t least, greatest;
		int n_tail = utf8_tail(bytes[i++], &least, &greatest);

		if (n_tail < 0 || (size_t)n_tail > size - i)
			return false;
		for (; n_tail; n_tail--, i++) {
			if (bytes[i] < least || bytes[i] > greatest)
				return false;
			least = 0x80;
			greatest = 0xbf;
		}
	}
	return true;
}

void wire_make_text(char *text)
{
	bool is_text = wire_is_text((const uint8_t *)text, strlen(text));

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == 0x7f || (c > 0x7f && !is_text))
			*text = '?';
	}
}
