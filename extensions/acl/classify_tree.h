// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The tree that the rules of one kind of packet are in; classify.h says why it is one.
//
// A node cuts one dimension into intervals, one per child. A rule is in the child whose interval
// has all of it, or in two neighbours where the node allows that (n_copies), else in the span,
// which every lookup goes through. A leaf is a list. Nodes and leaves are immutable once made, and
// counted: trees share them.
//
// Control thread only, except for what classify_match() reads.
#ifndef ACL_CLASSIFY_TREE_H
#define ACL_CLASSIFY_TREE_H

#include "classify_entry.h"

enum {
	TREE_FANOUT = 16,    // children of a node
	TREE_COPIES = 3,     // of a rule in one node, besides itself
	TREE_LEAF = 8,       // rules for which a node is not worth it
	TREE_DEPTH = 48,     // nodes above a leaf
	TREE_CHAINS = 32,    // of a leaf
	TREE_REBUILD = 2048, // rules that adding or removing one puts in order anew, at most
};

// A subtree. rank: the highest of its rules. object: the lowest bit says that it is a leaf; 0, with
// rank 0: there is none.
struct tree_ref {
	uint64_t rank;
	uintptr_t object;
};

struct tree_node {
	struct tree_ref span;
	uint32_t refs;
	uint32_t worst;     // steps of a lookup that goes through all that it can
	uint32_t n;         // rules, each as often as it is there
	uint32_t n_built;   // the same when it was cut
	uint8_t dim;        // enum classify_dim
	uint8_t n_children; // 2 to TREE_FANOUT
	uint8_t copies;     // a rule may be in so many children besides the first
	// Child i has the values from key[i - 1] on and below key[i]. Behind the last: UINT32_MAX.
	uint32_t key[TREE_FANOUT - 1];
	struct tree_ref child[/* n_children */];
};

struct tree_leaf {
	uint32_t refs;
	uint32_t n : 24;       // to TREE_LEAF_MAX
	uint32_t n_chains : 7; // 0: a list, the best first
	uint32_t wide : 1;     // struct entry, else struct entry_narrow
	// With chains, from the outermost rule of each to the innermost; then follow tree_best()
	// and tree_ends().
	union {
		struct entry_narrow narrow[0];
		struct entry entries[0];
	};
};

#define TREE_LEAF_MAX 0xffffffu

static inline bool tree_is_leaf(struct tree_ref ref)
{
	return ref.object & 1;
}

static inline struct tree_leaf *tree_leaf(struct tree_ref ref)
{
	return (struct tree_leaf *)(ref.object - 1);
}

// Of a leaf with chains, for each entry: the highest rank of its chain as far as it.
static inline uint64_t *tree_best(const struct tree_leaf *leaf)
{
	return leaf->wide ? (uint64_t *)&leaf->entries[leaf->n]
			  : (uint64_t *)&leaf->narrow[leaf->n];
}

// For each chain, where the next one begins.
static inline uint32_t *tree_ends(const struct tree_leaf *leaf)
{
	return (uint32_t *)(tree_best(leaf) + leaf->n);
}

static inline struct tree_node *tree_node(struct tree_ref ref)
{
	return (struct tree_node *)ref.object;
}

// The child that has a value. Without a branch, because none would be foreseen.
static inline unsigned tree_child(const struct tree_node *node, uint32_t value)
{
	unsigned n = 0;

	for (unsigned i = 0; i < TREE_FANOUT - 1; i++)
		n += node->key[i] <= value;
	return n < node->n_children ? n : node->n_children - 1u;
}

// The parts of a node where a rule is: TREE_SPAN alone, or child `first` to `last`.
#define TREE_SPAN (-1)
struct tree_place {
	int first, last;
};

struct tree_place tree_place(const struct tree_node *node, const struct entry *entry);

// The child, or the span for TREE_SPAN.
static inline struct tree_ref *tree_part(struct tree_node *node, int at)
{
	return at == TREE_SPAN ? &node->span : &node->child[at];
}

// Builds the tree of entries, whose order it changes. depth: nodes above it. n_copies: how many
// copies of rules it may make. Returns 0 with *made, a reference of the caller's, or -ENOMEM.
int tree_build(struct tree_ref *made, const struct entry *entries[/* n */], size_t n, bool wide,
	unsigned depth, float n_copies);

// Copies that a tree of n rules may be built with: the bound of memory.
float tree_copies(size_t n, bool wide);

// Where a node is cut, in the form of a node that has not got its children yet. Returns false when
// a leaf is as good.
bool tree_cut(struct tree_node *node, const struct entry *const entries[/* n */], size_t n,
	float n_copies);

// Makes the tree with an entry more, or less, which shares the rest with `old`. *made is a
// reference of the caller's; `old` stays one. Returns 0, -ENOMEM, or -ENOENT when there is no such
// entry.
int tree_add(struct tree_ref *made, struct tree_ref old, const struct entry *entry, bool wide,
	unsigned depth);
int tree_remove(struct tree_ref *made, struct tree_ref old, const struct entry *entry, bool wide,
	unsigned depth);

struct tree_node *tree_node_create(unsigned n_children);
// The caller fills in the entries.
struct tree_leaf *tree_leaf_create(size_t n, bool wide, unsigned n_chains);
struct tree_ref tree_leaf_ref(const struct tree_leaf *leaf);

// Orders entries by chains. Returns how many there are, with their ends, 0 when a list is about as
// good, or -ENOMEM.
int tree_chains(const struct entry *entries[/* n */], size_t n, uint32_t ends[/* TREE_CHAINS */]);
// Rules of a chain of n that are compared, at most.
unsigned tree_chain_steps(uint32_t n);
// Of a node whose parts are complete. Sets what the node says of them.
struct tree_ref tree_node_ref(struct tree_node *node);
void tree_leaf_entry(struct entry *entry, const struct tree_leaf *leaf, size_t i);

// Both accept no subtree.
struct tree_ref tree_get(struct tree_ref ref);
void tree_put(struct tree_ref ref);

size_t tree_n(struct tree_ref ref);
unsigned tree_worst(struct tree_ref ref);
size_t tree_memory(struct tree_ref ref);

// The rules of a tree and `more` ones, each once, the best first.
struct tree_list {
	size_t n;
	const struct entry **sorted; // into entries, or of `more`
	struct entry *entries;
};

// more: borrowed until the list's end. Returns 0 or -ENOMEM.
int tree_list_init(struct tree_list *list, struct tree_ref ref, const struct entry *const more[],
	size_t n_more);
void tree_list_fini(struct tree_list *list);

#endif
