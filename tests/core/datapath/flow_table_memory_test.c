// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The flow table's memory: used where flows are, and touched ahead of them where it is in huge
// pages.
#include "frames.h"

#include "datapath/flow_table.h"

// Pages of the memory that are there.
static size_t resident(const void *memory, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n_pages = (size + page - 1) / page, n = 0;
	unsigned char *pages = malloc(n_pages);

	assert_non_null(pages);
	assert_int_equal(mincore((void *)(uintptr_t)memory, size, pages), 0);
	for (size_t i = 0; i < n_pages; i++)
		n += pages[i] & 1;
	free(pages);
	return n;
}

// Until n have been in use. next: the number of the next key.
static void fill(struct flow_table *table, uint32_t n, uint32_t *next)
{
	while (table->high_water < n) {
		struct flow_key key = { { (*next)++ } };

		flow_insert(table, &key, KEY_WORDS_L2, flow_hash(table, &key, KEY_WORDS_L2));
	}
}

static size_t buckets_size(const struct flow_table *table)
{
	return (size_t)table->n_buckets_max * sizeof(struct flow_bucket);
}

// 32,767 flows would be twice 2 MB, and their buckets half of one.
static void memory_is_touched_on_use(void **state)
{
	const uint32_t capacity = (1 << 15) - 1;
	struct flow_table *table = flow_table_create(capacity);
	size_t flows = capacity * sizeof(struct flow); // and as much for the rests
	size_t page = (size_t)sysconf(_SC_PAGESIZE), thousand;
	uint32_t next = 0;

	(void)state;
	assert_non_null(table);
	thousand = (1000 * sizeof(struct flow) + page - 1) / page;
	assert_int_equal(resident(table->flows, flows) + resident(table->rests, flows) +
				 resident(table->buckets, buckets_size(table)),
		0);
	// Pages are counted below, not huge pages, which a kernel may give unasked.
	madvise(table->flows, flows, MADV_NOHUGEPAGE);
	madvise(table->rests, flows, MADV_NOHUGEPAGE);
	madvise(table->buckets, buckets_size(table), MADV_NOHUGEPAGE);
	fill(table, 1000, &next);
	assert_int_equal(resident(table->flows, flows), thousand);
	assert_int_equal(resident(table->rests, flows), thousand);
	assert_in_range(resident(table->buckets, buckets_size(table)), 1, 1000);
	fill(table, capacity, &next);
	assert_false(flow_table_runs_short(table));
	flow_table_destroy(table);
	assert_null(flow_table_create(0));
}

// 32,768 flows at a time. Where the memory is given in huge pages more may be there, never less.
static void a_large_table_is_touched_ahead_of_use(void **state)
{
	const uint32_t share = 1 << 15, capacity = 3 * share;
	struct flow_table *table = flow_table_create(capacity);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = share * sizeof(struct flow);
	uint32_t next = 0;

	(void)state;
	assert_non_null(table);
	assert_int_equal(resident(table->buckets, bytes / 2), bytes / 2 / page); // one for two
	assert_int_equal(resident(table->flows, bytes), bytes / page);
	assert_int_equal(resident(table->rests, bytes), bytes / page);
	flow_table_touch(table); // too early
	assert_int_equal(table->n_touched, share);
	fill(table, share / 2 - 1, &next);
	assert_false(flow_table_runs_short(table));
	fill(table, share / 2, &next);
	assert_true(flow_table_runs_short(table));
	assert_false(flow_table_runs_short(table)); // told
	flow_table_touch(table);
	assert_int_equal(table->n_touched, 2 * share);
	assert_int_equal(resident(table->flows, 2 * bytes), 2 * bytes / page);
	assert_int_equal(resident(table->rests, 2 * bytes), 2 * bytes / page);
	assert_false(flow_table_runs_short(table));
	// Who is told late catches up, and nothing is touched beyond the end.
	fill(table, capacity, &next);
	assert_true(flow_table_runs_short(table));
	flow_table_touch(table);
	flow_table_touch(table);
	assert_int_equal(table->n_touched, capacity);
	assert_false(flow_table_runs_short(table));
	flow_table_destroy(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_touched_on_use),
		cmocka_unit_test(a_large_table_is_touched_ahead_of_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
