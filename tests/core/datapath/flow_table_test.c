// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The flow table against a trivial model, at sizes where buckets and the table get full.
#include "frames.h"

#include "datapath/flow_use.h"

// The n-th key of a small world: all three lengths, some that differ in their last word only.
static struct flow_key world_key(uint32_t n, unsigned *n_words)
{
	static const uint8_t lengths[] = { KEY_WORDS_L2, KEY_WORDS_IPV4, KEY_WORDS };
	static const enum weir_l3 kinds[] = { WEIR_L3_OTHER, WEIR_L3_IPV4, WEIR_L3_IPV6 };
	struct flow_key key = { { 0 } };

	*n_words = lengths[n % 3];
	key.w[0] = (uint64_t)kinds[n % 3] << KEY_L3_SHIFT | 7;
	key.w[n & 4 ? 1 : *n_words - 1] = n / 3 + 1;
	return key;
}

struct model {
	struct flow **flows; // by the number of the key; NULL: not in the table
	uint32_t n_keys, n;
};

static void check_key(const struct flow_table *table, const struct model *model, uint32_t n)
{
	unsigned n_words;
	struct flow_key key = world_key(n, &n_words);
	uint32_t hash = flow_hash(table, &key, n_words);
	struct flow *flow = model->flows[n];
	struct flow_key stored;

	assert_ptr_equal(flow_find(table, &key, n_words, hash), flow);
	if (!flow)
		return;
	assert_true(flow_match(table, flow, &key, n_words));
	flow_key(table, flow, &stored);
	assert_memory_equal(&stored, &key, sizeof(key));
	assert_int_equal(flow_rest(table, flow)->n_words, n_words);
	assert_int_equal(flow_hash_of(table, flow), hash);
	// The bytes that belong to whoever inserted it are still there.
	assert_int_equal(flow->recent, n);
	assert_int_equal(flow_rest(table, flow)->frames, n);
}

static void check_all(const struct flow_table *table, const struct model *model)
{
	uint32_t places = 0, overflowed = 0, in_second = 0;

	for (uint32_t n = 0; n < model->n_keys; n++)
		check_key(table, model, n);
	assert_int_equal(table->n, model->n);
	for (uint32_t b = 0; b <= table->bucket_mask; b++) {
		for (unsigned i = 0; i < 8; i++) {
			const struct flow *flow = &table->flows[table->buckets[b].index[i]];

			if (table->buckets[b].tags[i] == 0)
				continue;
			places++;
			in_second += (flow_hash_of(table, flow) & table->bucket_mask) != b;
		}
		overflowed += table->buckets[b].overflowed;
	}
	assert_int_equal(places, model->n);
	assert_int_equal(overflowed, in_second);
}

// Returns false when the table refused; then nothing has changed.
static bool insert(struct flow_table *table, struct model *model, uint32_t n)
{
	unsigned n_words;
	struct flow_key key = world_key(n, &n_words);
	struct flow *flow = flow_insert(table, &key, n_words, flow_hash(table, &key, n_words));
	struct flow_rest *rest;

	if (!flow)
		return false;
	assert_null(flow->program);
	rest = flow_rest(table, flow);
	assert_int_equal(flow->recent | rest->frames | rest->bytes, 0);
	assert_int_equal(rest->flags | rest->n_depends, 0);
	flow->recent = rest->frames = n;
	flow->program = (struct program *)(uintptr_t)64; // in use; never looked at here
	model->flows[n] = flow;
	model->n++;
	return true;
}

static void erase(struct flow_table *table, struct model *model, uint32_t n)
{
	struct flow *flow = model->flows[n];

	flow_remove(table, flow);
	assert_null(flow->program);
	model->flows[n] = NULL;
	model->n--;
}

// capacities: from one bucket, where the other bucket is the same, to some hundred.
static void random_operations(void **state)
{
	static const uint32_t capacities[] = { 1, 3, 4, 8, 20, 33, 64, 1000 };
	unsigned refused = 0;

	(void)state;
	for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
		uint32_t capacity = capacities[c];
		struct flow_table *table = flow_table_create(capacity);
		struct model model = { .n_keys = capacity + capacity / 2 + 3 };

		assert_non_null(table);
		model.flows = calloc(model.n_keys, sizeof(model.flows[0]));
		assert_non_null(model.flows);
		for (unsigned step = 0; step < 20000; step++) {
			uint32_t n = draw(model.n_keys);

			// Two phases that alternate: mostly growing, mostly shrinking.
			if (model.flows[n] && draw(4) > (step / 2000 & 1 ? 0 : 2))
				erase(table, &model, n);
			else if (!model.flows[n] && draw(4) > (step / 2000 & 1 ? 2 : 0))
				refused += !insert(table, &model, n);
			check_key(table, &model, draw(model.n_keys));
			if (step % 500 == 0)
				check_all(table, &model);
		}
		check_all(table, &model);
		free(model.flows);
		flow_table_destroy(table);
	}
	assert_true(refused > 100); // the full table was really met
}

// The buckets have twice the places: a table takes all its flows but for very rare cases.
static void a_table_holds_its_capacity_and_no_more(void **state)
{
	const uint32_t capacity = 4096;
	struct flow_table *table = flow_table_create(capacity);
	struct model model = { .n_keys = 3 * capacity };
	uint32_t tries = 0;

	(void)state;
	assert_non_null(table);
	model.flows = calloc(model.n_keys, sizeof(model.flows[0]));
	assert_non_null(model.flows);
	while (model.n < capacity && tries < model.n_keys)
		insert(table, &model, tries++);
	assert_int_equal(model.n, capacity);
	assert_true(tries <= capacity + capacity / 100);
	for (; tries < model.n_keys; tries++)
		assert_false(insert(table, &model, tries));
	check_all(table, &model); // nobody was evicted
	for (uint32_t n = 0; n < model.n_keys; n++)
		if (model.flows[n])
			erase(table, &model, n);
	check_all(table, &model);
	assert_true(insert(table, &model, 0));
	free(model.flows);
	flow_table_destroy(table);
}

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
		unsigned n_words;
		struct flow_key key = world_key((*next)++, &n_words);

		flow_insert(table, &key, n_words, flow_hash(table, &key, n_words));
	}
}

static size_t buckets_size(const struct flow_table *table)
{
	return (table->bucket_mask + (size_t)1) * sizeof(struct flow_bucket);
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
	assert_int_equal(resident(table->buckets, buckets_size(table)), buckets_size(table) / page);
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

static void a_hidden_flow_is_found_as_such_alone(void **state)
{
	struct flow_table *table = flow_table_create(8);
	struct flow *flows[8];
	struct flow_key keys[8];
	unsigned n_words[8];
	uint32_t hashes[8];

	(void)state;
	for (uint32_t n = 0; n < 8; n++) {
		keys[n] = world_key(n, &n_words[n]);
		hashes[n] = flow_hash(table, &keys[n], n_words[n]);
		flows[n] = flow_insert(table, &keys[n], n_words[n], hashes[n]);
		assert_non_null(flows[n]);
		flows[n]->program = (struct program *)(uintptr_t)64;
	}
	flow_hide(table, flows[3]);
	for (uint32_t n = 0; n < 8; n++) {
		struct flow *hidden = flow_find_hidden(table, &keys[n], n_words[n], hashes[n]);

		assert_ptr_equal(hidden, n == 3 ? flows[3] : NULL);
		assert_ptr_equal(flow_find(table, &keys[n], n_words[n], hashes[n]),
			n == 3 ? NULL : flows[n]);
	}
	assert_ptr_not_equal(flow_candidate(table, hashes[3], n_words[3]), flows[3]);
	flow_remove(table, flows[3]);
	assert_null(flow_find_hidden(table, &keys[3], n_words[3], hashes[3]));
	assert_int_equal(table->n, 7);
	for (uint32_t n = 0; n < 8; n++)
		if (n != 3)
			flow_remove(table, flows[n]);
	assert_int_equal(table->n, 0);
	flow_table_destroy(table);
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

// Frames and bytes stand in one word until there are many: neither may run into the other.
static void frames_and_bytes_are_counted_apart(void **state)
{
	static const struct {
		uint32_t size;
		uint16_t gso_size, hdr_len;
	} rows[] = {
		{ 14, 0, 0 },
		{ 1514, 0, 0 },
		{ WEIR_FRAME_MAX, 0, 0 },
		{ WEIR_FRAME_MAX, 1, 54 },
		{ WEIR_FRAME_MAX, 1, 1024 },
		{ WEIR_FRAME_MAX, 32768, 1024 },
	};
	struct flow_table *table = flow_table_create(8);
	struct datapath dp = { .flows = table, .tick = 5 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow_key key = { { i } };
		struct flow *flow = flow_insert(table, &key, KEY_WORDS_L2, (uint32_t)i);
		const struct weir_frame frame = { .size = rows[i].size,
			.offload = { .gso_size = rows[i].gso_size, .hdr_len = rows[i].hdr_len } };
		uint64_t frames = 0, bytes = 0;

		assert_non_null(flow);
		while (frames < 2 * (WIRE_MANY / WIRE_FRAME)) {
			uint64_t batch = 0;

			for (unsigned k = 0; k < NIC_BATCH; k++) {
				batch += frame_wire(&frame);
				weir_frame_wire(&frame, &frames, &bytes);
			}
			use_flow(&dp, flow, batch);
		}
		assert_true(flow_rest(table, flow)->frames > 0);
		assert_int_equal(
			flow_rest(table, flow)->frames + wire_frames(flow->recent), frames);
		assert_int_equal(flow_rest(table, flow)->bytes + wire_bytes(flow->recent), bytes);
		assert_int_equal(flow->used, 5);
	}
	flow_table_destroy(table);
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
		cmocka_unit_test(memory_is_touched_on_use),
		cmocka_unit_test(a_large_table_is_touched_ahead_of_use),
		cmocka_unit_test(a_hidden_flow_is_found_as_such_alone),
		cmocka_unit_test(random_operations),
		cmocka_unit_test(a_table_holds_its_capacity_and_no_more),
		cmocka_unit_test(a_bucket_overflows_into_the_second),
		cmocka_unit_test(the_candidate_is_one_of_the_tag),
		cmocka_unit_test(both_ways_find_the_same_tags),
		cmocka_unit_test(structured_keys_spread_as_random_ones),
		cmocka_unit_test(seeds_differ),
		cmocka_unit_test(frames_and_bytes_are_counted_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
