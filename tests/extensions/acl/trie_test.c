// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Tries of prefixes against a list: random changes, versions that share nodes, and memory that runs
// out.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "acl.h"
#include "classify_families.h"

enum { ENTRIES = 600, STEPS = 3000, VERSIONS = 4, PROBES = 8 };

struct place {
	uint8_t key[16];
	unsigned length, slot;
	struct item *item;
	bool in;
};

static struct item entries[ENTRIES]; // of the places

struct list {
	struct place places[ENTRIES];
	uint64_t random;
	unsigned bits; // of the longest prefix
};

// Trie nodes hold items as the extension does; these are never freed.
void item_put(struct item *item)
{
	if (item)
		item->refs--;
}

// ---- Allocations that fail

static unsigned fails_in; // allocations from now; 0: none does

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_realloc(void *at, size_t size);
void *__wrap_realloc(void *at, size_t size);

void *__wrap_malloc(size_t size)
{
	return fails_in && --fails_in == 0 ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *at, size_t size)
{
	return fails_in && --fails_in == 0 ? NULL : __real_realloc(at, size);
}

// ---- The model

static bool begins_with(const uint8_t *address, const uint8_t *key, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		if ((address[i / 8] ^ key[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

// Few different bits, so that prefixes nest and neighbours meet.
static void draw_address(struct list *list, uint8_t address[16])
{
	for (unsigned i = 0; i < 16; i++)
		address[i] = family_below(&list->random, 8) ? 0x5a
							    : (uint8_t)family_random(&list->random);
}

static bool is_taken(const struct list *list, unsigned n, const struct place *place)
{
	for (unsigned i = 0; i < n; i++)
		if (list->places[i].length == place->length &&
			list->places[i].slot == place->slot &&
			begins_with(list->places[i].key, place->key, place->length))
			return true;
	return false;
}

static void draw_places(struct list *list)
{
	for (unsigned i = 0; i < ENTRIES;) {
		struct place *place = &list->places[i];

		draw_address(list, place->key);
		place->length = family_below(&list->random, list->bits + 1);
		place->slot = family_below(&list->random, TRIE_SLOTS);
		for (unsigned bit = place->length; bit < 128; bit++)
			place->key[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		place->item = &entries[i];
		place->item->refs = 1;
		place->in = false;
		i += !is_taken(list, i, place);
	}
}

// ---- What is compared

struct found {
	const struct item *longest;
	const struct item *meters[ENTRIES];
	unsigned n_meters;
};

// As decide.c goes down.
static void walk(const struct trie_node *node, const uint8_t *address, struct found *found)
{
	trie_key key = trie_key_of(address, 16);

	*found = (struct found){ 0 };
	while (node && trie_agree(node->key, key, node->start)) {
		unsigned chunk = trie_chunk(key, node->start);
		uint64_t bits = node->inner[TRIE_VERDICTS] & trie_paths[chunk];

		if (bits)
			found->longest = trie_item(
				node, TRIE_VERDICTS, 63 - (unsigned)__builtin_clzll(bits));
		for (bits = node->inner[TRIE_METERS] & trie_paths[chunk]; bits; bits &= bits - 1)
			found->meters[found->n_meters++] = trie_item(
				node, TRIE_METERS, (unsigned)__builtin_ctzll(bits));
		node = trie_child(node, chunk);
	}
}

static void look(const struct list *list, const uint8_t *address, struct found *found)
{
	unsigned longest = 0;

	*found = (struct found){ 0 };
	for (unsigned i = 0; i < ENTRIES; i++) {
		const struct place *place = &list->places[i];

		if (!place->in || !begins_with(address, place->key, place->length))
			continue;
		if (place->slot == TRIE_METERS)
			found->meters[found->n_meters++] = place->item;
		else if (!found->longest || place->length > longest) {
			found->longest = place->item;
			longest = place->length;
		}
	}
}

static void compare(struct list *list, const struct trie_node *root)
{
	for (unsigned i = 0; i < PROBES; i++) {
		struct found walked, looked;
		uint8_t address[16];

		draw_address(list, address);
		if (i % 2)
			memcpy(address, list->places[family_below(&list->random, ENTRIES)].key, 16);
		walk(root, address, &walked);
		look(list, address, &looked);
		assert_ptr_equal(walked.longest, looked.longest);
		assert_int_equal(walked.n_meters, looked.n_meters);
		for (unsigned k = 0; k < looked.n_meters; k++) {
			unsigned at = 0;

			while (at < walked.n_meters && walked.meters[at] != looked.meters[k])
				at++;
			assert_true(at < walked.n_meters);
		}
	}
}

// Also the shape: nobody has a single child for nothing, and what is counted is right.
static unsigned check_node(const struct trie_node *node)
{
	unsigned most = 0;

	assert_true(node->n_children > 1 || node->inner[0] || node->inner[1]);
	assert_int_equal(node->n_children, trie_count(node->outer));
	assert_int_equal(node->n_verdicts, trie_count(node->inner[TRIE_VERDICTS]));
	for (unsigned chunk = 0; chunk < TRIE_CHUNKS; chunk++) {
		const struct trie_node *child = trie_child(node, chunk);
		unsigned n = trie_count(node->inner[TRIE_METERS] & trie_paths[chunk]);

		if (child) {
			assert_true(child->start > node->start);
			assert_true(trie_agree(child->key, node->key, node->start));
			assert_int_equal(trie_chunk(child->key, node->start), chunk);
			n += check_node(child);
		}
		most = n > most ? n : most;
	}
	assert_int_equal(node->deepest, most);
	return most;
}

// ---- Changes

// One in that is out, or out that is in. Whether that failed for lack of memory.
static bool change(struct list *list, struct trie_node **root)
{
	struct place *place = &list->places[family_below(&list->random, ENTRIES)];
	int failed = place->in
			     ? trie_remove(root, place->key, place->length, place->slot)
			     : trie_put(root, place->key, place->length, place->slot, place->item);

	if (failed) {
		assert_int_equal(failed, -ENOMEM);
		return true;
	}
	place->in = !place->in;
	assert_ptr_equal(trie_find(*root, place->key, place->length, place->slot),
		place->in ? place->item : NULL);
	if (!place->in)
		assert_int_equal(
			trie_remove(root, place->key, place->length, place->slot), -ENOENT);
	return false;
}

struct version {
	struct trie_node *root;
	bool in[ENTRIES];
};

static void keep_version(struct version *version, const struct list *list, struct trie_node *root)
{
	trie_release(version->root);
	version->root = trie_hold(root);
	for (unsigned i = 0; i < ENTRIES; i++)
		version->in[i] = list->places[i].in;
}

// What an older version has is as it was.
static void check_version(const struct version *version, const struct list *list)
{
	for (unsigned i = 0; version->root && i < ENTRIES; i++) {
		const struct place *place = &list->places[i];

		assert_ptr_equal(trie_find(version->root, place->key, place->length, place->slot),
			version->in[i] ? place->item : NULL);
	}
}

static void run(unsigned bits, bool failing)
{
	static struct list list;
	struct version versions[VERSIONS] = { 0 };
	struct trie_node *root = NULL;
	unsigned n_failed = 0;

	list = (struct list){ .random = bits, .bits = bits };
	draw_places(&list);
	for (unsigned i = 0; i < STEPS; i++) {
		if (i % 97 == 0)
			keep_version(&versions[i / 97 % VERSIONS], &list, root);
		fails_in = failing && i % 3 == 0 ? 1 + family_below(&list.random, 4) : 0;
		n_failed += change(&list, &root);
		fails_in = 0;
		compare(&list, root);
		if (i % 16 == 0 && root && !failing)
			check_node(root);
		if (i % 97 == 96)
			for (unsigned k = 0; k < VERSIONS; k++)
				check_version(&versions[k], &list);
	}
	assert_true(failing ? n_failed > 50 : n_failed == 0);
	assert_true(trie_memory(root) > 0);
	for (unsigned k = 0; k < VERSIONS; k++)
		trie_release(versions[k].root);
	trie_release(root);
	for (unsigned i = 0; i < ENTRIES; i++)
		assert_int_equal(list.places[i].item->refs, 1);
}

static void test_random(void **state)
{
	static const unsigned bits[] = { 24, 32, 48, 64, 127, 128 };

	(void)state;
	for (unsigned i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		run(bits[i], false);
}

static void test_memory(void **state)
{
	(void)state;
	run(32, true);
	run(128, true);
}

static unsigned depth(const struct trie_node *node)
{
	unsigned most = 0;

	for (unsigned i = 0; i < node->n_children; i++) {
		unsigned n = depth(node->parts[i].child);

		most = n > most ? n : most;
	}
	return most + 1;
}

// All prefixes of an address at once: what a way down has at most.
static void test_nested(void **state)
{
	static const struct {
		unsigned bits, depth;
	} rows[] = { { 32, 6 }, { 48, 9 }, { 128, 22 } };
	static struct item items[129];
	uint8_t key[16];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct trie_node *root = NULL;

		for (unsigned length = 0; length <= rows[i].bits; length++) {
			memset(key, 0, sizeof(key));
			for (unsigned bit = 0; bit < length; bit++)
				key[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
			assert_int_equal(
				trie_put(&root, key, length, TRIE_METERS, &items[length]), 0);
		}
		assert_int_equal(depth(root), rows[i].depth);
		assert_int_equal(check_node(root), rows[i].bits + 1);
		trie_release(root);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_nested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
