// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Flows whose hash the test chooses: what becomes of them where buckets get full, and where they
// are divided.
#include "frames.h"

#include "datapath/flow_table.h"

enum { BUCKETS_LEAST = 64 };

// A table whose hash is the upper half of word 1, whatever word 2 is; word 0 must be 1.
static struct flow_table *table_that_hashes_plainly(uint32_t capacity)
{
	struct flow_table *table = flow_table_create(capacity);

	assert_non_null(table);
	memset(table->seed, 0, sizeof(table->seed));
	table->seed[10] = UINT64_C(1) << 32;
	return table;
}

static struct flow_key key_with_hash(uint32_t hash, uint32_t n)
{
	return (struct flow_key){ { 1, (uint64_t)hash << 32, n } };
}

// All flows of one bucket: the first eight stand there, the next eight in others, and the rest is
// refused although the table is nearly empty.
static void overflow_with_tag(uint32_t tag)
{
	uint32_t hash = tag << 16 | 3;
	struct flow_table *table = table_that_hashes_plainly(64);
	struct flow *flows[17] = { NULL };
	struct flow_key key;

	for (unsigned i = 0; i < 17; i++) {
		key = key_with_hash(hash, i);
		assert_int_equal(flow_hash(table, &key, KEY_WORDS_L2), hash);
		flows[i] = flow_insert(table, &key, KEY_WORDS_L2, hash);
		assert_true((flows[i] != NULL) == (i < 16));
	}
	assert_int_equal(table->buckets[3].overflowed, 8);
	for (unsigned i = 0; i < 16; i++) {
		key = key_with_hash(hash, i);
		assert_ptr_equal(flow_find(table, &key, KEY_WORDS_L2, hash), flows[i]);
	}
	// A place that gets free in the first bucket does not hide who stands in the second.
	flow_remove(table, flows[2]);
	key = key_with_hash(hash, 15);
	assert_ptr_equal(flow_find(table, &key, KEY_WORDS_L2, hash), flows[15]);
	flow_remove(table, flows[15]);
	assert_int_equal(table->buckets[3].overflowed, 7);
	assert_null(flow_find(table, &key, KEY_WORDS_L2, hash));
	flow_table_destroy(table);
}

static void a_bucket_overflows_into_the_second(void **state)
{
	(void)state;
	for (uint32_t tag = 1; tag < 200; tag += 2)
		overflow_with_tag(tag);
}

// A tag that is found first need not be the flow's: the look-up of a batch checks and goes on.
static void the_candidate_is_one_of_the_tag(void **state)
{
	struct flow_table *table = flow_table_create(64);
	struct flow_key one = { { 1, 1 } }, two = { { 1, 2 } };
	struct flow *first = flow_insert(table, &one, KEY_WORDS_L2, 0x00070001);
	struct flow *second = flow_insert(table, &two, KEY_WORDS_L2, 0x00070001);

	(void)state;
	assert_ptr_equal(flow_candidate(table, 0x00070001, KEY_WORDS_L2), first);
	assert_false(flow_match(table, first, &two, KEY_WORDS_L2));
	assert_ptr_equal(flow_find(table, &two, KEY_WORDS_L2, 0x00070001), second);
	assert_null(flow_find(table, &two, KEY_WORDS_IPV4, 0x00070001)); // of another length
	assert_null(flow_candidate(table, 0x00090001, KEY_WORDS));
	assert_null(flow_candidate(table, 0x00070002, KEY_WORDS));
	flow_table_destroy(table);
}

static struct flow *insert(struct flow_table *table, uint32_t hash, uint32_t n)
{
	struct flow_key key = key_with_hash(hash, n);
	struct flow *flow = flow_insert(table, &key, KEY_WORDS_L2, hash);

	assert_non_null(flow);
	return flow;
}

static bool is_found(const struct flow_table *table, const struct flow *flow)
{
	struct flow_key key;

	flow_key(table, flow, &key);
	return flow_find(table, &key, KEY_WORDS_L2, flow_hash_of(table, flow)) == flow;
}

// The bucket that the flow stands in.
static uint32_t bucket_of(const struct flow_table *table, const struct flow *flow)
{
	for (uint32_t b = 0; b < table->n_buckets; b++)
		for (unsigned i = 0; i < 8; i++)
			if (table->buckets[b].tags[i] &&
				&table->flows[table->buckets[b].index[i]] == flow)
				return b;
	fail();
	return 0;
}

// Both buckets of a new flow are full: one that may stand elsewhere does so.
static void a_flow_gives_way(void **state)
{
	enum { ONE = 5 << 16 | 3, OTHER = 7 << 16 | 3 };
	struct flow_table *table = table_that_hashes_plainly(64);
	struct flow *flows[17];

	(void)state;
	flows[0] = insert(table, ONE, 0);
	for (uint32_t i = 1; i < 16; i++)
		flows[i] = insert(table, OTHER, i);
	assert_int_equal(bucket_of(table, flows[0]), 3);
	flows[16] = insert(table, OTHER, 16);
	assert_int_equal(bucket_of(table, flows[16]), 3);
	assert_int_not_equal(bucket_of(table, flows[0]), 3);
	assert_int_equal(table->buckets[3].overflowed, 9);
	for (uint32_t i = 0; i < 17; i++)
		assert_true(is_found(table, flows[i]));
	for (uint32_t i = 0; i < 17; i++)
		flow_remove(table, flows[i]);
	assert_int_equal(table->buckets[3].overflowed, 0);
	flow_table_destroy(table);
}

// One that stands in its second bucket goes back to its first, which has room by now.
static void a_flow_goes_back(void **state)
{
	enum { ONE = 5 << 16 | 3, OTHER = 7 << 16 };
	struct flow_table *table = table_that_hashes_plainly(64);
	struct flow *flows[25];
	uint32_t second;

	(void)state;
	for (uint32_t i = 0; i < 9; i++)
		flows[i] = insert(table, ONE, i);
	second = bucket_of(table, flows[8]);
	assert_int_not_equal(second, 3);
	assert_int_equal(table->buckets[3].overflowed, 1);
	flow_remove(table, flows[0]);
	for (uint32_t i = 9; i < 25; i++) // the last finds both full
		flows[i] = insert(table, OTHER | second, i);
	assert_int_equal(bucket_of(table, flows[8]), 3);
	assert_int_equal(bucket_of(table, flows[24]), second);
	assert_int_equal(table->buckets[3].overflowed, 0);
	assert_int_equal(table->buckets[second].overflowed, 8);
	for (uint32_t i = 1; i < 25; i++)
		assert_true(is_found(table, flows[i]));
	flow_table_destroy(table);
}

// Whose two buckets are full, the whole table having room, is refused until one of them has been
// divided, which each refusal comes nearer to.
static void who_is_refused_finds_room(void **state)
{
	struct flow_table *table = table_that_hashes_plainly(1000);
	struct flow *flows[17] = { NULL };
	struct flow_key key = { { 0 } };

	(void)state;
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t hash = UINT32_C(7) << 16 | (i & 1) * BUCKETS_LEAST | 3;

		flows[i] = insert(table, hash, i);
	}
	assert_int_equal(table->buckets[3].overflowed, 8);
	key = key_with_hash(UINT32_C(7) << 16 | 3, 16);
	for (uint32_t n = BUCKETS_LEAST + 1; n <= BUCKETS_LEAST + 4; n++) {
		assert_null(flow_insert(table, &key, KEY_WORDS_L2, UINT32_C(7) << 16 | 3));
		assert_int_equal(table->n_buckets, n);
	}
	flows[16] = flow_insert(table, &key, KEY_WORDS_L2, UINT32_C(7) << 16 | 3);
	assert_non_null(flows[16]);
	assert_int_equal(table->buckets[3].overflowed, 8);
	assert_int_equal(table->buckets[BUCKETS_LEAST + 3].overflowed, 8);
	for (uint32_t i = 0; i < 17; i++)
		assert_true(is_found(table, flows[i]));
	flow_table_destroy(table);
}

static void hidden_flows_stay_hidden(void **state)
{
	enum { N = 1000, HASHES = 200 };
	struct flow_table *table = table_that_hashes_plainly(8000);
	struct flow *flows[N];
	struct flow_key key;

	(void)state;
	for (uint32_t n = 0; n < N; n++) {
		uint32_t hash = UINT32_C(9) << 16 | n % HASHES;

		flows[n] = insert(table, hash, n);
		if (n % 2 && n < HASHES)
			flow_hide(table, flows[n]);
	}
	assert_in_range(table->n_buckets, N / 2, N);
	for (uint32_t n = 0; n < N; n++) {
		uint32_t hash = UINT32_C(9) << 16 | n % HASHES;
		bool hidden = n % 2 && n < HASHES;

		key = key_with_hash(hash, n);
		assert_ptr_equal(
			flow_find(table, &key, KEY_WORDS_L2, hash), hidden ? NULL : flows[n]);
		assert_ptr_equal(flow_find_hidden(table, &key, KEY_WORDS_L2, hash),
			hidden ? flows[n] : NULL);
	}
	flow_table_destroy(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_overflows_into_the_second),
		cmocka_unit_test(the_candidate_is_one_of_the_tag),
		cmocka_unit_test(a_flow_gives_way),
		cmocka_unit_test(a_flow_goes_back),
		cmocka_unit_test(who_is_refused_finds_room),
		cmocka_unit_test(hidden_flows_stay_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
