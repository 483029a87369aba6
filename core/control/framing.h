// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Framing: where a message begins and ends in the byte stream of the control socket.
//
// Each message is preceded by its size, a 4-byte big-endian number that does not count itself. The
// reader takes bytes in whatever pieces they come and gives whole messages back. It believes no
// size: one above the limit is refused as soon as it can be read, and memory grows with the bytes
// that really came, at most to twice of them, so that a claim costs nothing.
//
// Used by both ends of the socket; needs nothing but the C library. Not for several threads at
// once.
#ifndef CONTROL_FRAMING_H
#define CONTROL_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRAMING_HEADER = 4,                     // bytes before each message
	FRAMING_MAX_MESSAGE = 16 * 1024 * 1024, // bytes of the largest message, both directions
};

// Zero is a reader without limits set; init before use. Private to framing.c.
struct framing {
	uint8_t *buffer;
	size_t capacity; // bytes in buffer
	size_t start;    // first byte that was not given out as a message
	size_t end;      // first byte that was not filled
	size_t max_size; // bytes of the largest message allowed
};

// max_size: bytes of the largest message that will be accepted, up to FRAMING_MAX_MESSAGE.
void framing_init(struct framing *reader, size_t max_size);

// Frees what the reader holds. A finished reader may be finished again.
void framing_fini(struct framing *reader);

// Where to put the next bytes of the stream: *space points to *size (at least 1) bytes, borrowed
// until the next call of framing_filled or framing_fini. Messages given out before become invalid.
// Returns 0, or -ENOMEM.
int framing_space(struct framing *reader, uint8_t **space, size_t *size);

// Says that size bytes (at most what framing_space offered) were put there.
void framing_filled(struct framing *reader, size_t size);

// The next whole message: *message points to *size bytes (possibly 0), borrowed until the next call
// of framing_space or framing_fini. Returns 1; 0 when more bytes are needed; -EMSGSIZE when the
// next message is larger than allowed: the stream cannot be read on from there.
int framing_next(struct framing *reader, const uint8_t **message, size_t *size);

// True when the stream could end here: no message has begun that is not whole.
bool framing_is_empty(const struct framing *reader);

// Writes the 4 bytes that stand before a message of size bytes. size is at most
// FRAMING_MAX_MESSAGE.
void framing_put_header(uint8_t header[FRAMING_HEADER], size_t size);

#endif
