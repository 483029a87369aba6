// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "base64.h"

#include <stdlib.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_text(const void *bytes, size_t size)
{
	const uint8_t *from = bytes;
	char *text = malloc((size + 2) / 3 * 4 + 1);
	char *to = text;

	for (size_t i = 0; text && i < size; i += 3) {
		size_t n = size - i < 3 ? size - i : 3;
		uint32_t group = 0;

		for (size_t j = 0; j < 3; j++)
			group = group << 8 | (j < n ? from[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			*to++ = j <= n ? digits[group >> 6 * (3 - j) & 63] : '=';
	}
	if (text)
		*to = '\0';
	return text;
}

// One group of four digits into 1 to 3 bytes; 0: malformed.
static size_t read_group(const char *text, uint8_t *bytes)
{
	size_t n_digits = strspn(text, digits);
	uint32_t group = 0;

	if (n_digits < 4 && (n_digits < 2 || strncmp(text + n_digits, "==", 4 - n_digits) != 0))
		return 0;
	for (size_t i = 0; i < 4; i++)
		group = group << 6 |
			(i < n_digits ? (uint32_t)(strchr(digits, text[i]) - digits) : 0);
	for (size_t i = 0; i < 3; i++)
		bytes[i] = (uint8_t)(group >> 8 * (2 - i));
	if (n_digits >= 4)
		return 3;
	return bytes[n_digits - 1] == 0 ? n_digits - 1 : 0;
}

bool base64_read(const char *text, uint8_t *bytes, size_t *size)
{
	size_t length = strlen(text), done = 0;

	if (length % 4)
		return false;
	for (size_t i = 0; i < length; i += 4) {
		uint8_t group[3];
		size_t n = read_group(text + i, group);

		if (n == 0 || (n < 3 && i + 4 != length))
			return false;
		memcpy(bytes + done, group, n);
		done += n;
	}
	*size = done;
	return true;
}
