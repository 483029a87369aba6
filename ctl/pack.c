// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "pack.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NUMBER = 536870911 }; // of a field: 29 bits

static bool make_room(struct packer *out, size_t size)
{
	size_t room = 2 * out->room > out->size + size ? 2 * out->room : out->size + size + 64;
	uint8_t *grown;

	if (out->room - out->size >= size)
		return true;
	grown = realloc(out->bytes, room);
	if (!grown) {
		out->failed = true;
		return false;
	}
	out->bytes = grown;
	out->room = room;
	return true;
}

static void put(struct packer *out, const void *bytes, size_t size)
{
	if (size == 0 || !make_room(out, size))
		return;
	memcpy(out->bytes + out->size, bytes, size);
	out->size += size;
}

void pack_varint(struct packer *out, uint64_t value)
{
	uint8_t bytes[10];
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[n++] = (uint8_t)(value | 0x80);
	bytes[n++] = (uint8_t)value;
	put(out, bytes, n);
}

void pack_tag(struct packer *out, uint32_t number, enum pack_type type)
{
	pack_varint(out, (uint64_t)number << 3 | type);
}

void pack_fixed32(struct packer *out, uint32_t value)
{
	const uint8_t bytes[] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
		(uint8_t)(value >> 24) };

	put(out, bytes, sizeof(bytes));
}

void pack_fixed64(struct packer *out, uint64_t value)
{
	pack_fixed32(out, (uint32_t)value);
	pack_fixed32(out, (uint32_t)(value >> 32));
}

void pack_bytes(struct packer *out, const void *bytes, size_t size)
{
	pack_varint(out, size);
	put(out, bytes, size);
}

void pack_inner(struct packer *out, struct packer *inner)
{
	pack_bytes(out, inner->bytes, inner->size);
	out->failed |= inner->failed;
	free(inner->bytes);
	*inner = (struct packer){ 0 };
}

int pack_finish(
	struct packer *out, int result, uint8_t **bytes, size_t *size, struct ctl_error *error)
{
	if (result == 0 && (!make_room(out, 1) || out->failed))
		result = ctl_fail_memory(error);
	if (result) {
		free(out->bytes);
	} else {
		*bytes = out->bytes;
		*size = out->size;
	}
	*out = (struct packer){ 0 };
	return result;
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
