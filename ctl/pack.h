// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Writing and reading the protocol buffers wire format without generated code: what messages of
// extensions, whose types are known only at run time, are made of.
//
// Source: protobuf.dev, "Encoding".
#ifndef CTL_PACK_H
#define CTL_PACK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum pack_type {
	PACK_VARINT = 0,
	PACK_FIXED64 = 1,
	PACK_BYTES = 2, // strings, bytes, messages, packed items
	PACK_FIXED32 = 5,
};

// Writers append to a stream, usually of open_memstream; the caller looks at ferror in the end.
void pack_varint(FILE *out, uint64_t value);
void pack_tag(FILE *out, uint32_t number, enum pack_type type);
void pack_fixed32(FILE *out, uint32_t value);
void pack_fixed64(FILE *out, uint64_t value);
void pack_bytes(FILE *out, const void *bytes, size_t size); // with the length before it

struct unpacker {
	const uint8_t *next;
	const uint8_t *end;
};

struct unpacked {
	uint32_t number; // of the field
	enum pack_type type;
	uint64_t value;       // other than PACK_BYTES; not sign-extended
	const uint8_t *bytes; // PACK_BYTES: borrowed from the unpacker's input
	size_t size;
};

// Reads one field with its tag. Returns 1, 0 at the end, or -1 when the bytes are malformed (groups
// included).
int unpack_next(struct unpacker *in, struct unpacked *field);

// Reads one value of the given type without a tag, as packed items stand. Returns 1, 0 or -1.
int unpack_item(struct unpacker *in, enum pack_type type, struct unpacked *item);

#endif
