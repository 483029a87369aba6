// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "switch/index.h"

struct thing {
	unsigned number;
	bool in;
	struct index_entry entry;
};

static bool found(const struct index *index, const struct thing *thing, uint32_t hash)
{
	unsigned n = 0;

	for (struct index_entry *e = index_find(index, hash); e; e = index_next(e)) {
		assert_int_equal(e->hash, hash);
		n += index_thing(e, struct thing, entry) == thing;
	}
	assert_true(n <= 1);
	return n;
}

// Few hashes, so that many things share one, and up to many things.
static void random_operations(void **state)
{
	enum { N = 500, HASHES = 60, ROUNDS = 20000 };
	struct index index = { 0 };
	struct thing *things = calloc(N, sizeof(*things));
	unsigned n = 0;

	(void)state;
	srand(1);
	for (unsigned round = 0; round < ROUNDS; round++) {
		// More come than go for a while, then the other way round.
		bool growing = round / 2000 % 2 == 0;
		struct thing *t = &things[(unsigned)rand() % N];
		uint32_t hash = (uint32_t)(t - things) % HASHES * 0x01010101;

		assert_int_equal(found(&index, t, hash), t->in);
		if (t->in ? growing && rand() % 4 : !growing && rand() % 4)
			continue;
		if (t->in)
			index_remove(&index, &t->entry);
		else
			index_add(&index, &t->entry, hash);
		t->in = !t->in;
		n += t->in ? 1 : -1u;
		assert_int_equal(index.n, n);
	}
	for (unsigned i = 0; i < N; i++)
		if (things[i].in)
			index_remove(&index, &things[i].entry);
	// The last one took the table with it.
	assert_null(index.buckets);
	free(things);
}

static void texts_are_told_apart(void **state)
{
	(void)state;
	assert_int_not_equal(
		index_hash(index_hash(0, "a"), "bc"), index_hash(index_hash(0, "ab"), "c"));
	assert_int_not_equal(index_hash(0, ""), index_hash(index_hash(0, ""), ""));
	assert_int_equal(index_hash(0, "p0"), index_hash(0, "p0"));
	// FNV-1a of "a" and of its end.
	assert_int_equal(index_hash(0, "a"), (0xe40c292cu * 16777619u));
}

// Names like those that are given: the entries of a bucket stay few.
static void names_spread(void **state)
{
	enum { N = 100000 };
	struct index index = { 0 };
	struct thing *things = calloc(N, sizeof(*things));
	unsigned longest = 0;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", i);
		index_add(&index, &things[i].entry, index_hash(0, name));
	}
	assert_true(index.n_buckets >= N);
	for (unsigned b = 0; b < index.n_buckets; b++) {
		unsigned n = 0;

		for (struct index_entry *e = index.buckets[b]; e; e = e->next)
			n++;
		longest = n > longest ? n : longest;
	}
	if (longest > 16)
		fail_msg("%u entries in a bucket", longest);
	index_fini(&index);
	free(things);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations),
		cmocka_unit_test(texts_are_told_apart),
		cmocka_unit_test(names_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
