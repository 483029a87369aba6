// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Where flows come to stand: the hash, and how a bucket is searched for its tag.
#include "frames.h"

#include "datapath/flow_table.h"

static void seeds_differ(void **state)
{
	struct flow_table *a = flow_table_create(8), *b = flow_table_create(8);
	struct flow_key key = { { 1, 2, 3, 4, 5, 6, 7, 8, 9 } };

	(void)state;
	assert_memory_not_equal(a->seed, b->seed, sizeof(a->seed));
	for (unsigned n = KEY_WORDS_L2; n <= KEY_WORDS; n++)
		assert_int_equal(flow_hash(a, &key, n), flow_hash(a, &key, n));
	flow_table_destroy(a);
	flow_table_destroy(b);
	flow_table_destroy(NULL);
}

// What traffic looks like: words in which only a few low or middle bits count upwards.
static struct flow_key structured_key(unsigned family, uint32_t n)
{
	static const struct {
		uint8_t n_words, word, shift;
	} families[] = {
		{ KEY_WORDS_L2, 1, 40 },
		{ KEY_WORDS_L2, 2, 0 },
		{ KEY_WORDS_L2, 1, 48 },
		{ KEY_WORDS_IPV4, 3, 0 },
		{ KEY_WORDS_IPV4, 3, 16 },
		{ KEY_WORDS_IPV4, 4, 24 },
		{ KEY_WORDS_IPV4, 4, 32 },
		{ KEY_WORDS, 6, 48 },
		{ KEY_WORDS, 8, 48 },
	};
	struct flow_key key = { .w = { [1] = 0x020000000002, [2] = 0x08000200000001 } };

	if (family >= sizeof(families) / sizeof(families[0]))
		return (struct flow_key){ .w = { UINT64_MAX } };
	key.w[0] = (uint64_t)families[family].n_words << 16;
	key.w[families[family].word] ^= (uint64_t)n << families[family].shift;
	return key;
}

// As good as chance: for random hashes the squares of the buckets' loads sum up to n + n * n / m
// on average, with a deviation of about n / sqrt(m / 2).
static void structured_keys_spread_as_random_ones(void **state)
{
	enum { N = 1 << 16, M = 1 << 14 };
	static uint32_t loads[M];

	(void)state;
	for (unsigned family = 0;; family++) {
		struct flow_table *table = flow_table_create(M);
		uint64_t squares = 0;

		if (structured_key(family, 0).w[0] == UINT64_MAX) {
			flow_table_destroy(table);
			break;
		}
		memset(loads, 0, sizeof(loads));
		for (uint32_t n = 0; n < N; n++) {
			struct flow_key key = structured_key(family, n);
			unsigned n_words = (unsigned)(key.w[0] >> 16 & 15);
			uint32_t hash = flow_hash(table, &key, n_words);

			// The bits of the bucket, and those of the tag.
			squares += 2 * loads[(hash ^ hash >> 18) % M]++ + 1;
		}
		assert_in_range(squares, (uint64_t)N * 49 / 10, (uint64_t)N * 51 / 10);
		flow_table_destroy(table);
	}
}

// The processor's way to look for a tag beside the portable one.
static void both_ways_find_the_same_tags(void **state)
{
	struct flow_bucket bucket = { .tags = { 0 } };

	(void)state;
	for (unsigned round = 0; round < 100000; round++) {
		for (unsigned i = 0; i < 8; i++)
			bucket.tags[i] = (uint16_t)(draw(4) ? draw(4) : draw(1 << 16));
		for (unsigned tag = 0; tag < 4; tag++)
			assert_int_equal(flow_tags(&bucket, (uint16_t)tag),
				flow_tags_portable(&bucket, (uint16_t)tag));
		assert_int_equal(flow_tags(&bucket, bucket.tags[7]),
			flow_tags_portable(&bucket, bucket.tags[7]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeds_differ),
		cmocka_unit_test(structured_keys_spread_as_random_ones),
		cmocka_unit_test(both_ways_find_the_same_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
