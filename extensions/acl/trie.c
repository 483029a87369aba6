// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "trie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acl.h"

enum { KEY_BYTES = 16 };

#define BIT(chunk, n) UINT64_C(1) << ((1 << (n)) - 1 + ((chunk) >> (TRIE_STRIDE - (n))))
#define PATH(chunk)                                                                                \
	(BIT(chunk, 0) | BIT(chunk, 1) | BIT(chunk, 2) | BIT(chunk, 3) | BIT(chunk, 4) |           \
		BIT(chunk, 5))
#define PATHS_4(chunk) PATH(chunk), PATH((chunk) + 1), PATH((chunk) + 2), PATH((chunk) + 3)
#define PATHS_16(chunk)                                                                            \
	PATHS_4(chunk), PATHS_4((chunk) + 4), PATHS_4((chunk) + 8), PATHS_4((chunk) + 12)

const uint64_t trie_paths[TRIE_CHUNKS] = { PATHS_16(0), PATHS_16(16), PATHS_16(32), PATHS_16(48) };

static size_t node_size(size_t n_parts)
{
	return offsetof(struct trie_node, parts) + n_parts * sizeof(union trie_part);
}

static unsigned n_parts(const struct trie_node *node)
{
	return node->n_children + node->n_verdicts + trie_count(node->inner[TRIE_METERS]);
}

struct trie_node *trie_hold(struct trie_node *root)
{
	if (root)
		root->refs++;
	return root;
}

void trie_release(struct trie_node *node)
{
	if (!node || --node->refs > 0)
		return;
	for (unsigned i = 0; i < n_parts(node); i++)
		if (i < node->n_children)
			trie_release(node->parts[i].child);
		else
			item_put(node->parts[i].item);
	free(node);
}

size_t trie_memory(const struct trie_node *node)
{
	size_t size;

	if (!node)
		return 0;
	// As glibc has it: a word before the object, both rounded up to 16.
	size = (node_size(n_parts(node)) + sizeof(size_t) + 15) & ~(size_t)15;
	for (unsigned i = 0; i < node->n_children; i++)
		size += trie_memory(node->parts[i].child);
	return size;
}

// ---- Nodes

static struct trie_node *make(trie_key key, unsigned start)
{
	struct trie_node *node = malloc(node_size(1));

	if (!node)
		return NULL;
	*node = (struct trie_node){
		.key = start ? key >> (128 - start) << (128 - start) : 0,
		.refs = 1,
		.start = (uint8_t)start,
	};
	return node;
}

// Makes the node behind the link this version's own. The links on the way to it are that already,
// so that one reference can only be from here.
static bool own(struct trie_node **link)
{
	struct trie_node *node = *link, *copy;
	size_t size = node_size(n_parts(node));

	if (node->refs == 1)
		return true;
	copy = malloc(size);
	if (!copy)
		return false;
	memcpy(copy, node, size);
	copy->refs = 1;
	for (unsigned i = 0; i < n_parts(copy); i++)
		if (i < copy->n_children)
			trie_hold(copy->parts[i].child);
		else
			copy->parts[i].item->refs++;
	node->refs--;
	*link = copy;
	return true;
}

// Makes room for one part more at this place, of a node that is this version's own.
static bool grow(struct trie_node **link, unsigned place)
{
	unsigned n = n_parts(*link);
	struct trie_node *node = realloc(*link, node_size(n + 1));

	if (!node)
		return false;
	memmove(&node->parts[place + 1], &node->parts[place],
		(n - place) * sizeof(union trie_part));
	*link = node;
	return true;
}

static void shrink(struct trie_node **link, unsigned place)
{
	unsigned n = n_parts(*link);
	struct trie_node *node;

	memmove(&(*link)->parts[place], &(*link)->parts[place + 1],
		(n - place - 1) * sizeof(union trie_part));
	node = realloc(*link, node_size(n));
	if (node)
		*link = node;
}

static bool add_child(struct trie_node **link, unsigned chunk, struct trie_node *child)
{
	unsigned place = trie_rank((*link)->outer, chunk);

	if (!grow(link, place))
		return false;
	(*link)->parts[place].child = child;
	(*link)->outer |= UINT64_C(1) << chunk;
	(*link)->n_children++;
	return true;
}

static void remove_child(struct trie_node **link, unsigned chunk)
{
	shrink(link, trie_rank((*link)->outer, chunk));
	(*link)->outer &= ~(UINT64_C(1) << chunk);
	(*link)->n_children--;
}

static bool add_item(struct trie_node **link, unsigned slot, unsigned bit, struct item *item)
{
	unsigned place = trie_place(*link, slot, bit);

	if (!grow(link, place))
		return false;
	item->refs++;
	(*link)->parts[place].item = item;
	(*link)->inner[slot] |= UINT64_C(1) << bit;
	(*link)->n_verdicts += slot == TRIE_VERDICTS;
	return true;
}

static void remove_item(struct trie_node **link, unsigned slot, unsigned bit)
{
	item_put(trie_item(*link, slot, bit));
	shrink(link, trie_place(*link, slot, bit));
	(*link)->inner[slot] &= ~(UINT64_C(1) << bit);
	(*link)->n_verdicts -= slot == TRIE_VERDICTS;
}

// ---- Meters

// The most meters of a way through these six bits.
static unsigned meters_through(const struct trie_node *node, unsigned chunk)
{
	const struct trie_node *child = trie_child(node, chunk);

	return trie_count(node->inner[TRIE_METERS] & trie_paths[chunk]) +
	       (child ? child->deepest : 0u);
}

static void count_meters(struct trie_node *node)
{
	unsigned most = 0;

	for (unsigned i = 0; i < node->n_children && !node->inner[TRIE_METERS]; i++)
		most = node->parts[i].child->deepest > most ? node->parts[i].child->deepest : most;
	for (unsigned chunk = 0; chunk < TRIE_CHUNKS && node->inner[TRIE_METERS]; chunk++) {
		unsigned n = meters_through(node, chunk);

		most = n > most ? n : most;
	}
	node->deepest = (uint8_t)most;
}

// There may be one more behind these six bits, and none less.
static void count_more(struct trie_node *node, unsigned chunk)
{
	unsigned n = meters_through(node, chunk);

	node->deepest = (uint8_t)(n > node->deepest ? n : node->deepest);
}

// ---- Changes

// The node that has prefixes of this length begins behind so many bits.
static unsigned start_of(unsigned length)
{
	return length - length % TRIE_STRIDE;
}

static unsigned bit_of(trie_key key, unsigned length)
{
	unsigned n = length % TRIE_STRIDE;

	return (1u << n) - 1 + (trie_chunk(key, start_of(length)) >> (TRIE_STRIDE - n));
}

// Bits that two keys agree in, at most max.
static unsigned common(trie_key a, trie_key b, unsigned max)
{
	uint64_t upper = (uint64_t)((a ^ b) >> 64), lower = (uint64_t)(a ^ b);
	unsigned n = upper   ? (unsigned)__builtin_clzll(upper)
		     : lower ? 64 + (unsigned)__builtin_clzll(lower)
			     : 128;

	return n < max ? n : max;
}

// A node with one item. NULL: no memory.
static struct trie_node *make_leaf(trie_key key, unsigned length, unsigned slot, struct item *item)
{
	struct trie_node *node = make(key, start_of(length));

	if (node && !add_item(&node, slot, bit_of(key, length), item)) {
		free(node);
		return NULL;
	}
	if (node)
		count_meters(node);
	return node;
}

// Puts a node above the one behind the link, where the key leaves its way or ends.
static bool insert_above(struct trie_node **link, trie_key key, unsigned same)
{
	struct trie_node *below = *link, *above = make(key, start_of(same));

	if (!above)
		return false;
	if (!add_child(&above, trie_chunk(below->key, above->start), below)) {
		free(above);
		return false;
	}
	above->deepest = below->deepest;
	*link = above;
	return true;
}

static int put(
	struct trie_node **link, trie_key key, unsigned length, unsigned slot, struct item *item)
{
	unsigned start = start_of(length), chunk, same;
	struct trie_node *child;

	if (!*link) {
		*link = make_leaf(key, length, slot, item);
		return *link ? 0 : -ENOMEM;
	}
	same = common((*link)->key, key, (*link)->start < start ? (*link)->start : start);
	if (same < (*link)->start ? !insert_above(link, key, same) : !own(link))
		return -ENOMEM;
	if ((*link)->start == start) {
		if (!add_item(link, slot, bit_of(key, length), item))
			return -ENOMEM;
		if (slot == TRIE_METERS)
			count_meters(*link);
		return 0;
	}
	chunk = trie_chunk(key, (*link)->start);
	child = trie_child(*link, chunk);
	if (child) {
		if (put(&(*link)->parts[trie_rank((*link)->outer, chunk)].child, key, length, slot,
			    item) < 0)
			return -ENOMEM;
	} else {
		child = make_leaf(key, length, slot, item);
		if (!child)
			return -ENOMEM;
		if (!add_child(link, chunk, child)) {
			trie_release(child);
			return -ENOMEM;
		}
	}
	count_more(*link, chunk);
	return 0;
}

int trie_put(struct trie_node **root, const uint8_t key[], unsigned length, unsigned slot,
	struct item *item)
{
	return put(root, trie_key_of(key, KEY_BYTES), length, slot, item);
}

static struct item *find(const struct trie_node *node, trie_key key, unsigned length, unsigned slot)
{
	unsigned start = start_of(length), bit = bit_of(key, length);

	while (node && node->start < start && trie_agree(node->key, key, node->start))
		node = trie_child(node, trie_chunk(key, node->start));
	if (!node || node->start != start || !trie_agree(node->key, key, start))
		return NULL;
	return node->inner[slot] >> bit & 1 ? trie_item(node, slot, bit) : NULL;
}

struct item *trie_find(
	const struct trie_node *root, const uint8_t key[], unsigned length, unsigned slot)
{
	return find(root, trie_key_of(key, KEY_BYTES), length, slot);
}

// A node that has no item and no two children is not needed.
static void tidy(struct trie_node **link)
{
	struct trie_node *node = *link;

	if (node->inner[TRIE_VERDICTS] || node->inner[TRIE_METERS] || node->n_children > 1)
		return;
	*link = node->n_children ? trie_hold(node->parts[0].child) : NULL;
	trie_release(node);
}

static int take(struct trie_node **link, trie_key key, unsigned length, unsigned slot)
{
	unsigned chunk, place;

	if (!own(link))
		return -ENOMEM;
	if ((*link)->start == start_of(length)) {
		remove_item(link, slot, bit_of(key, length));
	} else {
		chunk = trie_chunk(key, (*link)->start);
		place = trie_rank((*link)->outer, chunk);
		if (take(&(*link)->parts[place].child, key, length, slot) < 0)
			return -ENOMEM;
		if (!(*link)->parts[place].child)
			remove_child(link, chunk);
	}
	if (slot == TRIE_METERS)
		count_meters(*link);
	tidy(link);
	return 0;
}

int trie_remove(struct trie_node **root, const uint8_t key[], unsigned length, unsigned slot)
{
	return trie_find(*root, key, length, slot)
		       ? take(root, trie_key_of(key, KEY_BYTES), length, slot)
		       : -ENOENT;
}
