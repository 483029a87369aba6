// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Base64, as RFC 4648 section 4 has it: how bytes that mean nothing here stand in JSON.
#ifndef CTL_BASE64_H
#define CTL_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The text of size bytes; caller frees with free. NULL: out of memory.
char *base64_text(const void *bytes, size_t size);

// Reads the whole of text into bytes, which have room for its length. False: it is no base64 with
// its padding, or has bits that mean nothing.
bool base64_read(const char *text, uint8_t *bytes, size_t *size);

#endif
