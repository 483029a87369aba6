// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A binary trie with compressed paths (Morrison, "PATRICIA", JACM 15(4), 1968) whose versions share
// what they have in common: a change copies the nodes on the way to its place as far as another
// version holds them, and no others.
//
// A trie is its root, NULL when it is empty. Whoever holds a root holds a reference to it. Keys are
// bit strings of up to 128 bits, the first bit being the highest of the first byte. Each key can
// have an item in each of two slots; TRIE_METERS is counted along paths.
//
// Control thread, except trie_child() and the fields, which any thread may read of a root that is
// held for it.
#ifndef ACL_TRIE_H
#define ACL_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct item;

enum { TRIE_VERDICTS, TRIE_METERS, TRIE_SLOTS };

struct trie_node {
	uint32_t refs;
	uint8_t length;   // of the key, in bits
	uint16_t deepest; // the most items in slot TRIE_METERS on a path from here down
	struct trie_node *child[2];
	struct item *items[TRIE_SLOTS];
	uint8_t key[16]; // bits behind the length are 0
};

static inline unsigned trie_bit(const uint8_t *key, unsigned at)
{
	return key[at / 8] >> (7 - at % 8) & 1;
}

// Whether the first `length` bits agree.
static inline bool trie_agree(const uint8_t *a, const uint8_t *b, unsigned length)
{
	unsigned i = 0;

	for (; i + 8 <= length; i += 8)
		if (a[i / 8] != b[i / 8])
			return false;
	return i == length || (a[i / 8] ^ b[i / 8]) >> (8 - (length - i)) == 0;
}

// One more reference, for another version.
struct trie_node *trie_hold(struct trie_node *root); // accepts NULL
void trie_release(struct trie_node *root);           // accepts NULL

// Puts the item, with a reference of its own, under a key that is free in this slot. -ENOMEM: the
// trie is as good as before.
int trie_put(struct trie_node **root, const uint8_t key[/* 16 */], unsigned length, unsigned slot,
	struct item *item);
// Takes what is there away. -ENOENT, -ENOMEM.
int trie_remove(
	struct trie_node **root, const uint8_t key[/* 16 */], unsigned length, unsigned slot);
// NULL: there is none.
struct item *trie_find(
	const struct trie_node *root, const uint8_t key[/* 16 */], unsigned length, unsigned slot);

#endif
