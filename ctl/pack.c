// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "pack.h"

#include <string.h>

enum { MAX_NUMBER = 536870911 }; // of a field: 29 bits

void pack_varint(FILE *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		fputc((int)(value & 0x7f) | 0x80, out);
	fputc((int)value, out);
}

void pack_tag(FILE *out, uint32_t number, enum pack_type type)
{
	pack_varint(out, (uint64_t)number << 3 | type);
}

void pack_fixed32(FILE *out, uint32_t value)
{
	for (int shift = 0; shift < 32; shift += 8)
		fputc((int)(value >> shift & 0xff), out);
}

void pack_fixed64(FILE *out, uint64_t value)
{
	pack_fixed32(out, (uint32_t)value);
	pack_fixed32(out, (uint32_t)(value >> 32));
}

void pack_bytes(FILE *out, const void *bytes, size_t size)
{
	pack_varint(out, size);
	fwrite(bytes, 1, size, out);
}

static int read_varint(struct unpacker *in, uint64_t *value)
{
	uint64_t result = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (in->next == in->end)
			return -1;
		if (shift == 63 && *in->next > 1)
			return -1;
		result |= (uint64_t)(*in->next & 0x7f) << shift;
		if (*in->next++ < 0x80) {
			*value = result;
			return 1;
		}
	}
	return -1;
}

static int read_fixed(struct unpacker *in, size_t size, uint64_t *value)
{
	if ((size_t)(in->end - in->next) < size)
		return -1;
	*value = 0;
	for (size_t i = 0; i < size; i++)
		*value |= (uint64_t)in->next[i] << 8 * i;
	in->next += size;
	return 1;
}

static int read_bytes(struct unpacker *in, struct unpacked *item)
{
	uint64_t size;

	if (read_varint(in, &size) < 0 || size > (uint64_t)(in->end - in->next))
		return -1;
	item->bytes = in->next;
	item->size = (size_t)size;
	in->next += size;
	return 1;
}

static int read_value(struct unpacker *in, struct unpacked *item)
{
	switch (item->type) {
	case PACK_VARINT:
		return read_varint(in, &item->value);
	case PACK_FIXED64:
		return read_fixed(in, 8, &item->value);
	case PACK_FIXED32:
		return read_fixed(in, 4, &item->value);
	case PACK_BYTES:
		return read_bytes(in, item);
	}
	return -1; // groups and reserved types
}

int unpack_next(struct unpacker *in, struct unpacked *field)
{
	uint64_t tag;

	memset(field, 0, sizeof(*field));
	if (in->next == in->end)
		return 0;
	if (read_varint(in, &tag) < 0 || tag >> 3 == 0 || tag >> 3 > MAX_NUMBER)
		return -1;
	field->number = (uint32_t)(tag >> 3);
	field->type = (enum pack_type)(tag & 7);
	return read_value(in, field);
}

int unpack_item(struct unpacker *in, enum pack_type type, struct unpacked *item)
{
	memset(item, 0, sizeof(*item));
	item->type = type;
	return in->next == in->end ? 0 : read_value(in, item);
}
