// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acl.h"

static struct item *hold_item(struct item *item)
{
	if (item)
		item->refs++;
	return item;
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
	trie_release(node->child[0]);
	trie_release(node->child[1]);
	item_put(node->items[0]);
	item_put(node->items[1]);
	free(node);
}

static struct trie_node *make(const uint8_t *key, unsigned length)
{
	struct trie_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->refs = 1;
	node->length = (uint8_t)length;
	memcpy(node->key, key, (length + 7) / 8);
	if (length % 8)
		node->key[length / 8] &= (uint8_t)(0xff << (8 - length % 8));
	return node;
}

// Makes the node behind the link this version's own. The links on the way to it are that already,
// so that one reference can only be from here.
static bool own(struct trie_node **link)
{
	struct trie_node *node = *link, *copy;

	if (node->refs == 1)
		return true;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return false;
	*copy = *node;
	copy->refs = 1;
	for (unsigned i = 0; i < 2; i++) {
		trie_hold(copy->child[i]);
		hold_item(copy->items[i]);
	}
	node->refs--;
	*link = copy;
	return true;
}

static unsigned deepest(const struct trie_node *node)
{
	return node ? node->deepest : 0;
}

static void count_meters(struct trie_node *node)
{
	unsigned left = deepest(node->child[0]), right = deepest(node->child[1]);

	node->deepest = (uint16_t)((left > right ? left : right) +
				   (node->items[TRIE_METERS] != NULL));
}

// Bits that two keys agree in, at most max.
static unsigned common(const uint8_t *a, const uint8_t *b, unsigned max)
{
	unsigned i = 0;

	while (i + 8 <= max && a[i / 8] == b[i / 8])
		i += 8;
	while (i < max && trie_bit(a, i) == trie_bit(b, i))
		i++;
	return i;
}

// Puts a node above the one behind the link: for the key itself when that ends there, else one
// that only branches. Returns the link of the key's own node, which is NULL behind a branch.
static struct trie_node **insert_above(
	struct trie_node **link, const uint8_t *key, unsigned length, unsigned at)
{
	struct trie_node *below = *link, *above = make(key, at);

	if (!above)
		return NULL;
	above->child[trie_bit(below->key, at)] = below;
	*link = above;
	count_meters(above);
	return at == length ? link : &above->child[trie_bit(key, at)];
}

static int put(struct trie_node **link, const uint8_t *key, unsigned length, unsigned slot,
	struct item *item)
{
	unsigned same = 0;
	int failed = 0;

	if (*link)
		same = common(
			(*link)->key, key, (*link)->length < length ? (*link)->length : length);
	if (!*link) {
		*link = make(key, length);
		if (!*link)
			return -ENOMEM;
	} else if (same < (*link)->length) {
		struct trie_node *above;
		struct trie_node **place = insert_above(link, key, length, same);

		if (!place)
			return -ENOMEM;
		above = *link;
		if (place != link) {
			failed = put(place, key, length, slot, item);
			count_meters(above);
			return failed;
		}
	} else if (!own(link)) {
		return -ENOMEM;
	} else if (same < length) {
		failed = put(&(*link)->child[trie_bit(key, same)], key, length, slot, item);
		count_meters(*link);
		return failed;
	}
	(*link)->items[slot] = hold_item(item);
	count_meters(*link);
	return 0;
}

int trie_put(struct trie_node **root, const uint8_t key[], unsigned length, unsigned slot,
	struct item *item)
{
	return put(root, key, length, slot, item);
}

struct item *trie_find(
	const struct trie_node *node, const uint8_t key[], unsigned length, unsigned slot)
{
	while (node && node->length < length && trie_agree(node->key, key, node->length))
		node = node->child[trie_bit(key, node->length)];
	if (!node || node->length != length || !trie_agree(node->key, key, length))
		return NULL;
	return node->items[slot];
}

// A node that has no item and no two children is not needed.
static void tidy(struct trie_node **link)
{
	struct trie_node *node = *link, *child = node->child[0] ? node->child[0] : node->child[1];

	if (node->items[0] || node->items[1] || (node->child[0] && node->child[1])) {
		count_meters(node);
		return;
	}
	*link = trie_hold(child);
	trie_release(node);
}

static int take(struct trie_node **link, const uint8_t *key, unsigned length, unsigned slot)
{
	int failed = 0;

	if (!own(link))
		return -ENOMEM;
	if ((*link)->length < length) {
		failed = take(&(*link)->child[trie_bit(key, (*link)->length)], key, length, slot);
	} else {
		item_put((*link)->items[slot]);
		(*link)->items[slot] = NULL;
	}
	if (!failed)
		tidy(link);
	return failed;
}

int trie_remove(struct trie_node **root, const uint8_t key[], unsigned length, unsigned slot)
{
	return trie_find(*root, key, length, slot) ? take(root, key, length, slot) : -ENOENT;
}
