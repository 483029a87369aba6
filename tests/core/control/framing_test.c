// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Framing of the control socket: proto/weir/control.proto, "Transport".
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/framing.h"

enum { LIMIT = 8 };

// What comes out of a stream is written as text: each message in brackets, then what is left: "."
// nothing, "+" a part of a message, "!" a refusal.
static const struct {
	const char *name;
	const char *stream;
	size_t size;
	const char *expected;
} rows[] = {
	{ "nothing", "", 0, "." },
	{ "part of a header", "\0\0\0", 3, "+" },
	{ "header alone", "\0\0\0\2", 4, "+" },
	{ "empty message", "\0\0\0\0", 4, "[]." },
	{ "one message", "\0\0\0\2ab", 6, "[ab]." },
	{ "two messages", "\0\0\0\2ab\0\0\0\1c", 11, "[ab][c]." },
	{ "message and a part", "\0\0\0\2ab\0\0\0\2c", 11, "[ab]+" },
	{ "at the limit", "\0\0\0\10abcdefgh", 12, "[abcdefgh]." },
	{ "one above the limit", "\0\0\0\11abcdefghi", 13, "!" },
	{ "above the limit, header alone", "\0\0\0\11", 4, "!" },
	{ "largest number", "\377\377\377\377", 4, "!" },
	{ "big end first", "\1\0\0\0a", 5, "!" },
	{ "good, then above the limit", "\0\0\0\1a\0\0\1\0", 9, "[a]!" },
	{ "empty messages in a row", "\0\0\0\0\0\0\0\0\0\0\0\1z", 13, "[][][z]." },
};

// Appends the whole messages to text; returns what framing_next said last.
static int drain(struct framing *reader, char *text)
{
	const uint8_t *message;
	size_t size;
	int found;

	while ((found = framing_next(reader, &message, &size)) > 0)
		sprintf(text + strlen(text), "[%.*s]", (int)size, (const char *)message);
	return found;
}

// Feeds the stream in pieces of the given size.
static void run_row(size_t row, size_t piece, char *text)
{
	struct framing reader;
	size_t at = 0;
	int found = 0;

	*text = '\0';
	framing_init(&reader, LIMIT);
	while (at < rows[row].size && found == 0) {
		size_t size;
		uint8_t *space;

		assert_int_equal(framing_space(&reader, &space, &size), 0);
		assert_true(size > 0);
		if (size > piece)
			size = piece;
		if (size > rows[row].size - at)
			size = rows[row].size - at;
		memcpy(space, rows[row].stream + at, size);
		framing_filled(&reader, size);
		at += size;
		found = drain(&reader, text);
	}
	assert_true(found == 0 || found == -EMSGSIZE);
	strcat(text, found ? "!" : framing_is_empty(&reader) ? "." : "+");
	framing_fini(&reader);
}

static void test_table(void **state)
{
	char text[128];

	(void)state;
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
		for (size_t piece = 1; piece <= 16; piece++) {
			run_row(row, piece, text);
			if (strcmp(text, rows[row].expected))
				fail_msg("%s in pieces of %zu: got %s, expected %s", rows[row].name,
					piece, text, rows[row].expected);
		}
}

// A client that claims the largest message and sends nothing must not be given its memory.
static void test_claim_costs_nothing(void **state)
{
	struct framing reader;
	const uint8_t *message;
	uint8_t *space;
	size_t size;

	(void)state;
	framing_init(&reader, FRAMING_MAX_MESSAGE);
	assert_int_equal(framing_space(&reader, &space, &size), 0);
	framing_put_header(space, FRAMING_MAX_MESSAGE);
	framing_filled(&reader, FRAMING_HEADER);
	assert_int_equal(framing_next(&reader, &message, &size), 0);
	assert_int_equal(framing_space(&reader, &space, &size), 0);
	assert_in_range(reader.capacity, 1, 64 * 1024);
	framing_fini(&reader);
}

static size_t feed_big(struct framing *reader, const uint8_t *bytes, size_t size)
{
	const uint8_t *message;
	size_t at = 0, n_messages = 0, length, space_size;
	uint8_t *space;

	while (at < size) {
		assert_int_equal(framing_space(reader, &space, &space_size), 0);
		if (space_size > size - at)
			space_size = size - at;
		memcpy(space, bytes + at, space_size);
		framing_filled(reader, space_size);
		at += space_size;
		while (framing_next(reader, &message, &length) > 0) {
			for (size_t i = 0; i < length; i++)
				assert_int_equal(message[i], (uint8_t)(i * 7 + length));
			n_messages++;
		}
	}
	return n_messages;
}

// Random sizes up to the real limit, compared byte by byte; memory returns to small after a big
// one.
static void test_round_trip(void **state)
{
	enum { N = 200 };
	const size_t capacity = (size_t)FRAMING_MAX_MESSAGE + (size_t)N * 70000;
	uint8_t *bytes = malloc(capacity);
	struct framing reader;
	size_t size = 0;
	unsigned seed = 1;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < N; i++) {
		size_t length = i == N / 2 ? (size_t)FRAMING_MAX_MESSAGE - N * 4
					   : (size_t)rand_r(&seed) % (i % 3 ? 100 : 65536);

		framing_put_header(bytes + size, length);
		for (size_t k = 0; k < length; k++)
			bytes[size + FRAMING_HEADER + k] = (uint8_t)(k * 7 + length);
		size += FRAMING_HEADER + length;
	}
	framing_init(&reader, FRAMING_MAX_MESSAGE);
	assert_int_equal(feed_big(&reader, bytes, size), N);
	assert_true(framing_is_empty(&reader));
	assert_int_equal(feed_big(&reader, (const uint8_t *)"\0\0\0\0", 4), 1);
	assert_in_range(reader.capacity, 1, 65536);
	framing_fini(&reader);
	free(bytes);
}

static void test_header(void **state)
{
	static const struct {
		size_t size;
		const char *bytes;
	} sizes[] = { { 0, "\0\0\0\0" }, { 1, "\0\0\0\1" }, { 0x010203, "\0\1\2\3" },
		{ FRAMING_MAX_MESSAGE, "\1\0\0\0" } };
	uint8_t header[FRAMING_HEADER];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		framing_put_header(header, sizes[i].size);
		assert_memory_equal(header, sizes[i].bytes, FRAMING_HEADER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_claim_costs_nothing),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
