// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Items by prefix: a trie that takes six bits at a time, in versions that share what they have in
// common: a change copies the nodes on the way to its place as far as another version holds them,
// and no others.
//
// A node has, in one bitmap for each slot, the prefixes that end within its six bits, and in
// another one its children; both stand in one array, in which places are found by counting bits
// (Eatherton, Varghese, Dittia, "Tree Bitmap", ACM SIGCOMM CCR 34(2), 2004). Nodes that would only
// have one child are left out (Morrison, "PATRICIA", JACM 15(4), 1968). So a way down has at most 6
// nodes for IPv4 and 22 for IPv6, however many prefixes there are and nest: there is no set that
// would have to be refused. A binary trie has a node, and waits for memory, for each branch: with
// 100,000 prefixes of IPv6 that nest, deciding took 5.4 us (99th percentile), and takes 2.1. See
// tests/bench/result/decide.md.
//
// A trie is its root, NULL when it is empty. Whoever holds a root holds a reference to it. Keys are
// bit strings of up to 128 bits, the first bit being the highest. Each key can have an item in each
// of two slots; TRIE_METERS is counted along paths.
//
// Memory: 56 bytes a node and 8 for each child and item, and less than two nodes a prefix; 26 to 94
// bytes a prefix are measured.
//
// Control thread, except the inline functions, which any thread may call on a root that is held for
// it.
#ifndef ACL_TRIE_H
#define ACL_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct item;

enum { TRIE_VERDICTS, TRIE_METERS, TRIE_SLOTS };
enum { TRIE_STRIDE = 6, TRIE_CHUNKS = 1 << TRIE_STRIDE };

typedef unsigned __int128 trie_key;

union trie_part {
	struct trie_node *child;
	struct item *item;
};

struct trie_node {
	trie_key key; // its first `start` bits, which all that is here and below begins with
	// Bit (1 << n) - 1 + v: the prefix of n bits more, 0 to 5, whose value is v.
	uint64_t inner[TRIE_SLOTS];
	uint64_t outer; // the next six bits of the children
	uint32_t refs;
	uint8_t deepest; // the most items in slot TRIE_METERS on a path from here down
	uint8_t start;   // a multiple of TRIE_STRIDE
	uint8_t n_children, n_verdicts;
	union trie_part parts[]; // children, items in TRIE_VERDICTS, items in TRIE_METERS
};

// The first n bytes; n: at most 16.
static inline trie_key trie_key_of(const uint8_t *bytes, unsigned n)
{
	uint64_t words[2] = { 0, 0 };

	__builtin_memcpy(words, bytes, n);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	words[0] = __builtin_bswap64(words[0]);
	words[1] = __builtin_bswap64(words[1]);
#endif
	return (trie_key)words[0] << 64 | words[1];
}

// Whether the first `length` bits agree.
static inline bool trie_agree(trie_key a, trie_key b, unsigned length)
{
	// Length 0 would be a shift by 128, which is undefined.
	return length == 0 || (a ^ b) >> (128 - length) == 0;
}

// The six bits behind the first `start`; behind the last bit are zeros.
static inline unsigned trie_chunk(trie_key key, unsigned start)
{
	return (unsigned)((key << start) >> (128 - TRIE_STRIDE));
}

// Those of a node's prefixes that these six bits begin with.
extern const uint64_t trie_paths[TRIE_CHUNKS];

// As long as the compiler may not use the instruction, this is faster than its function.
static inline unsigned trie_count(uint64_t bits)
{
	bits -= bits >> 1 & UINT64_C(0x5555555555555555);
	bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
	bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned)(bits * UINT64_C(0x0101010101010101) >> 56);
}

static inline unsigned trie_rank(uint64_t bits, unsigned bit)
{
	return trie_count(bits & ((UINT64_C(1) << bit) - 1));
}

// NULL: there is none.
static inline struct trie_node *trie_child(const struct trie_node *node, unsigned chunk)
{
	if (!(node->outer >> chunk & 1))
		return NULL;
	return node->parts[trie_rank(node->outer, chunk)].child;
}

static inline unsigned trie_place(const struct trie_node *node, unsigned slot, unsigned bit)
{
	return node->n_children + (slot == TRIE_METERS ? node->n_verdicts : 0u) +
	       trie_rank(node->inner[slot], bit);
}

// Of a bit that is set in node->inner[slot].
static inline struct item *trie_item(const struct trie_node *node, unsigned slot, unsigned bit)
{
	return node->parts[trie_place(node, slot, bit)].item;
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
// Bytes that it takes, what it shares with others included, and the items not. Accepts NULL.
size_t trie_memory(const struct trie_node *root);

#endif
