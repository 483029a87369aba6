// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A reader of the protocol buffers wire format for bytes that nobody has checked.
//
// It never reads past the end that it was given, allocates nothing, and refuses what has no
// meaning: fields numbered 0, numbers that need more than 64 bits, lengths beyond the end, groups
// and reserved wire types. It knows nothing of schemas: whether a field belongs where it stands is
// its user's question. Where it is stricter than the format's description (tags and lengths take at
// most five bytes), it is so because protobuf-c is, which reads the same bytes later.
//
// Source: protobuf.dev, "Encoding". Any thread.
#ifndef WEIR_SWITCH_WIRE_H
#define WEIR_SWITCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_FIXED64 = 1,
	WIRE_BYTES = 2, // strings, bytes, messages, packed items
	WIRE_FIXED32 = 5,
};

enum { WIRE_MAX_NUMBER = 536870911 }; // of a field: 29 bits

struct wire_reader {
	const uint8_t *next;
	const uint8_t *end;
	const char *problem; // after a negative return: what is wrong, the rest of a sentence
};

struct wire_field {
	uint32_t number; // 1 to WIRE_MAX_NUMBER
	enum wire_type type;
	uint64_t value;       // varint, fixed64 and fixed32: the bits, not sign-extended
	const uint8_t *bytes; // WIRE_BYTES: borrowed from what the reader was given
	size_t size;          // WIRE_BYTES: number of bytes
};

// A reader of size bytes, borrowed as long as the reader and its fields are used.
struct wire_reader wire_read(const void *bytes, size_t size);

// Reads one field with its tag. Returns 1, 0 at the end, or -EINVAL with reader->problem set.
int wire_next(struct wire_reader *reader, struct wire_field *field);

// Reads one value of a type other than WIRE_BYTES without a tag, as packed items stand. Returns as
// wire_next does; *value is untouched unless the return is 1.
int wire_next_item(struct wire_reader *reader, enum wire_type type, uint64_t *value);

// The number that a varint of type sint32 or sint64 stands for.
static inline int64_t wire_zigzag(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

// Whether size bytes are UTF-8 (RFC 3629: no surrogates, no overlong forms) without a NUL, which
// would hide the rest of a string from code that reads it as a C string.
bool wire_is_text(const uint8_t *bytes, size_t size);

// Makes a terminated string that may be anything fit to be shown: control characters, and all that
// is beyond ASCII when it is not UTF-8, become "?".
void wire_make_text(char *text);

#endif
