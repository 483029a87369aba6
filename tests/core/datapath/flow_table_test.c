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

enum { BUCKETS_LEAST = 64 };

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
	for (uint32_t b = 0; b < table->n_buckets_max; b++) {
		const struct flow_bucket *bucket = &table->buckets[b];

		for (unsigned i = 0; i < 8; i++) {
			const struct flow *flow = &table->flows[bucket->index[i]];

			if (bucket->tags[i] == 0)
				continue;
			assert_true(b < table->n_buckets);
			places++;
			in_second += flow_bucket(table, flow_hash_of(table, flow)) != bucket;
		}
		overflowed += bucket->overflowed;
	}
	assert_int_equal(places, model->n);
	// Of one that was divided each half has the number of both.
	if (table->n_buckets_max <= BUCKETS_LEAST)
		assert_int_equal(overflowed, in_second);
	else
		assert_true(overflowed >= in_second);
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

// capacities: from one bucket, where the other bucket is the same, to some hundred, and to some
// thousand that are divided one after the other.
static void random_operations(void **state)
{
	static const uint32_t capacities[] = { 1, 3, 4, 8, 20, 33, 64, 1000, 8000 };
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

// The buckets have twice the places: a table takes all its flows.
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
	assert_int_equal(tries, capacity);
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

// One bucket for every second flow, whatever the table may hold; each flow has a place, and is
// found after each division.
static void buckets_grow_with_flows(void **state)
{
	struct flow_table *table = flow_table_create(1 << 20);
	struct model model = { .n_keys = 30000 };

	(void)state;
	assert_non_null(table);
	model.flows = calloc(model.n_keys, sizeof(model.flows[0]));
	assert_non_null(model.flows);
	for (uint32_t n = 0; n < model.n_keys; n++) {
		uint32_t wanted = (n + 2) / 2;

		assert_true(insert(table, &model, n));
		assert_int_equal(table->n_buckets, wanted > BUCKETS_LEAST ? wanted : BUCKETS_LEAST);
		if (n % 971 == 0)
			check_all(table, &model);
	}
	check_all(table, &model);
	free(model.flows);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hidden_flow_is_found_as_such_alone),
		cmocka_unit_test(random_operations),
		cmocka_unit_test(a_table_holds_its_capacity_and_no_more),
		cmocka_unit_test(buckets_grow_with_flows),
		cmocka_unit_test(frames_and_bytes_are_counted_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
