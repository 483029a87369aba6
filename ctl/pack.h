// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Writing and reading the protocol buffers wire format without generated code: what messages of
// extensions, whose types are known only at run time, are made of.
//
// Source: protobuf.dev, "Encoding".
#ifndef CTL_PACK_H
#define CTL_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum pack_type {
	PACK_VARINT = 0,
	PACK_FIXED64 = 1,
	PACK_BYTES = 2, // strings, bytes, messages, packed items
	PACK_FIXED32 = 5,
};

// What is being written. Starts as zeros; bytes are freed with free. Not a stream: one of glibc's
// takes and clears 8 KB each, which is most of what a document of many small messages would cost.
struct packer {
	uint8_t *bytes;
	size_t size, room;
	bool failed; // something was left out for lack of memory: to be looked at in the end
};

void pack_varint(struct packer *out, uint64_t value);
void pack_tag(struct packer *out, uint32_t number, enum pack_type type);
void pack_fixed32(struct packer *out, uint32_t value);
void pack_fixed64(struct packer *out, uint64_t value);
void pack_bytes(struct packer *out, const void *bytes, size_t size); // with the length before it
// Appends what `inner` has as pack_bytes, and frees it.
void pack_inner(struct packer *out, struct packer *inner);
// The end: unless result, which is returned, is a failure, *bytes (never NULL, caller frees with
// free) and *size are what was written, if there was memory for it.
int pack_finish(
	struct packer *out, int result, uint8_t **bytes, size_t *size, struct ctl_error *error);

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
