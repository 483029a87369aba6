// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A struct that has grown since its first version, from and to those who know less of it, or more.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "datapath/sized.h"

struct grown {
	uint32_t size;
	uint32_t first;
	uint64_t second; // the last one of the first version
	uint64_t third;
	uint32_t fourth;
	uint32_t fifth;
};

// With what a later version has behind it.
struct later {
	struct grown grown;
	uint8_t newer[24];
};

static const struct grown known_before = { 1, 1, 1, 1, 1, 1 };

static const struct row {
	const char *name;
	uint32_t size;
	unsigned at; // a byte that is not zero, if behind what is known
	int result;
	struct grown expected;
	const char *sentence;
} rows[] = {
	{ "the same version", 32, 0, 0, { 32, 2, 3, 4, 5, 6 }, NULL },
	{ "the first version", 16, 0, 0, { 32, 2, 3, 0, 0, 0 }, NULL },
	{ "one between", 24, 0, 0, { 32, 2, 3, 4, 0, 0 }, NULL },
	{ "half of a pair", 28, 0, 0, { 32, 2, 3, 4, 5, 0 }, NULL },
	{ "a later version", 56, 0, 0, { 32, 2, 3, 4, 5, 6 }, NULL },
	{ "what is behind its end does not count", 40, 40, 0, { 32, 2, 3, 4, 5, 6 }, NULL },
	{ "the first byte that is new", 56, 32, -E2BIG, { 1, 1, 1, 1, 1, 1 },
		"size 56 of struct grown: this version knows 32 bytes of it; those behind must be "
		"zero, and byte 32 is not" },
	{ "the last one", 56, 55, -E2BIG, { 1, 1, 1, 1, 1, 1 }, "and byte 55 is not" },
	{ "less than the first version", 15, 0, -EINVAL, { 1, 1, 1, 1, 1, 1 },
		"size 15 of struct grown: must be 16 to 4096, which its sizeof is" },
	{ "no size", 0, 0, -EINVAL, { 1, 1, 1, 1, 1, 1 }, "size 0 of struct grown: must be 16" },
	{ "no size that a struct has", 4097, 0, -EINVAL, { 1, 1, 1, 1, 1, 1 },
		"size 4097 of struct grown: must be 16 to 4096" },
};

static void taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct later theirs = { .grown = { row->size, 2, 3, 4, 5, 6 } };
		struct grown known = known_before;
		struct weir_error error = { .code = 0 };

		if (row->at)
			((uint8_t *)&theirs)[row->at] = 0x80;
		if (SIZED_TAKE(grown, second, &known, &theirs.grown, &error) != row->result ||
			memcmp(&known, &row->expected, sizeof(known)) != 0 ||
			error.code != row->result ||
			(row->sentence && !strstr(error.message, row->sentence)))
			fail_msg("%s: %d, %s", row->name, error.code, error.message);
	}
}

static void given(void **state)
{
	static const struct grown known = { 0, 2, 3, 4, 5, 6 };
	static const struct {
		uint32_t size, says;
		struct grown expected;
	} given[] = {
		{ 32, 32, { 32, 2, 3, 4, 5, 6 } },
		{ 16, 16, { 16, 2, 3, 0x7777777777777777, 0x77777777, 0x77777777 } },
		{ 24, 24, { 24, 2, 3, 4, 0x77777777, 0x77777777 } },
		{ 48, 32, { 32, 2, 3, 4, 5, 6 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		struct later theirs;

		memset(&theirs, 0x77, sizeof(theirs));
		theirs.grown.size = given[i].size;
		sized_give(&theirs, &known, sizeof(known));
		assert_int_equal(theirs.grown.size, given[i].says);
		assert_memory_equal(&theirs.grown, &given[i].expected, sizeof(theirs.grown));
		// What only they know is zero, as far as they have room.
		for (size_t k = 0; k < sizeof(theirs.newer); k++)
			assert_int_equal(theirs.newer[k],
				sizeof(theirs.grown) + k < given[i].size ? 0 : 0x77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),
		cmocka_unit_test(given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
