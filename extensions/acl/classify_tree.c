// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What trees consist of.
#include "classify_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Nodes lie on cache lines.
enum { LINE = 64 };

static size_t leaf_size(size_t n, bool wide, unsigned n_chains)
{
	size_t each = wide ? sizeof(struct entry) : sizeof(struct entry_narrow);

	if (n_chains)
		each += sizeof(uint64_t);
	return sizeof(struct tree_leaf) + n * each + n_chains * sizeof(uint32_t);
}

static size_t node_size(unsigned n_children)
{
	size_t size = sizeof(struct tree_node) + n_children * sizeof(struct tree_ref);

	return (size + LINE - 1) / LINE * LINE;
}

struct tree_node *tree_node_create(unsigned n_children)
{
	struct tree_node *node = aligned_alloc(LINE, node_size(n_children));

	if (!node)
		return NULL;
	memset(node, 0, node_size(n_children));
	node->refs = 1;
	node->n_children = (uint8_t)n_children;
	return node;
}

struct tree_leaf *tree_leaf_create(size_t n, bool wide, unsigned n_chains)
{
	struct tree_leaf *leaf = malloc(leaf_size(n, wide, n_chains));

	if (!leaf)
		return NULL;
	leaf->refs = 1;
	leaf->n = (uint32_t)n & TREE_LEAF_MAX;
	leaf->n_chains = n_chains & 0x7f;
	leaf->wide = wide;
	return leaf;
}

struct tree_ref tree_leaf_ref(const struct tree_leaf *leaf)
{
	struct tree_ref ref = { .object = (uintptr_t)leaf + 1 };

	if (!leaf->n_chains)
		ref.rank = leaf->wide ? leaf->entries[0].rank : leaf->narrow[0].rank;
	for (unsigned i = 0; i < leaf->n_chains; i++) {
		uint64_t rank = tree_best(leaf)[tree_ends(leaf)[i] - 1];

		ref.rank = rank > ref.rank ? rank : ref.rank;
	}
	return ref;
}

struct tree_ref tree_node_ref(struct tree_node *node)
{
	struct tree_ref ref = { .rank = node->span.rank, .object = (uintptr_t)node };

	node->n = (uint32_t)tree_n(node->span);
	node->worst = 0;
	for (unsigned i = 0; i < node->n_children; i++) {
		unsigned worst = tree_worst(node->child[i]);

		node->n += (uint32_t)tree_n(node->child[i]);
		node->worst = worst > node->worst ? worst : node->worst;
		ref.rank = node->child[i].rank > ref.rank ? node->child[i].rank : ref.rank;
	}
	node->worst += 1 + tree_worst(node->span);
	return ref;
}

void tree_leaf_entry(struct entry *entry, const struct tree_leaf *leaf, size_t i)
{
	if (leaf->wide)
		*entry = leaf->entries[i];
	else
		entry_widen(entry, &leaf->narrow[i]);
}

struct tree_ref tree_get(struct tree_ref ref)
{
	if (tree_is_leaf(ref))
		tree_leaf(ref)->refs++;
	else if (ref.object)
		tree_node(ref)->refs++;
	return ref;
}

void tree_put(struct tree_ref ref)
{
	if (!ref.object)
		return;
	if (tree_is_leaf(ref)) {
		if (!--tree_leaf(ref)->refs)
			free(tree_leaf(ref));
		return;
	}
	if (--tree_node(ref)->refs)
		return;
	for (int i = TREE_SPAN; i < tree_node(ref)->n_children; i++)
		tree_put(*tree_part(tree_node(ref), i));
	free(tree_node(ref));
}

size_t tree_n(struct tree_ref ref)
{
	if (!ref.object)
		return 0;
	return tree_is_leaf(ref) ? tree_leaf(ref)->n : tree_node(ref)->n;
}

static unsigned leaf_worst(const struct tree_leaf *leaf)
{
	unsigned worst = 1;
	uint32_t start = 0;

	if (!leaf->n_chains)
		return leaf->n + 1u;
	for (unsigned i = 0; i < leaf->n_chains; i++) {
		worst += tree_chain_steps(tree_ends(leaf)[i] - start);
		start = tree_ends(leaf)[i];
	}
	return worst;
}

unsigned tree_worst(struct tree_ref ref)
{
	if (!ref.object)
		return 0;
	return tree_is_leaf(ref) ? leaf_worst(tree_leaf(ref)) : tree_node(ref)->worst;
}

// As glibc has it: a word before the object, both rounded up to 16.
static size_t allocated(size_t size)
{
	return (size + sizeof(size_t) + 15) & ~(size_t)15;
}

size_t tree_memory(struct tree_ref ref)
{
	size_t size;

	if (!ref.object)
		return 0;
	if (tree_is_leaf(ref))
		return allocated(leaf_size(
			tree_leaf(ref)->n, tree_leaf(ref)->wide, tree_leaf(ref)->n_chains));
	size = allocated(node_size(tree_node(ref)->n_children));
	for (int i = TREE_SPAN; i < tree_node(ref)->n_children; i++)
		size += tree_memory(*tree_part(tree_node(ref), i));
	return size;
}

// Returns the end of what it wrote.
static struct entry *collect(struct tree_ref ref, struct entry *at)
{
	if (!ref.object)
		return at;
	if (tree_is_leaf(ref)) {
		for (size_t i = 0; i < tree_leaf(ref)->n; i++)
			tree_leaf_entry(at++, tree_leaf(ref), i);
		return at;
	}
	for (int i = TREE_SPAN; i < tree_node(ref)->n_children; i++)
		at = collect(*tree_part(tree_node(ref), i), at);
	return at;
}

int tree_list_init(struct tree_list *list, struct tree_ref ref, const struct entry *const more[],
	size_t n_more)
{
	size_t n = tree_n(ref), kept = 0;
	struct entry *entries = malloc((n + 1) * sizeof(entries[0]));
	const struct entry **sorted = malloc((n + n_more + 1) * sizeof(sorted[0]));

	if (!entries || !sorted) {
		free(entries);
		free(sorted);
		return -ENOMEM;
	}
	collect(ref, entries);
	for (size_t i = 0; i < n + n_more; i++)
		sorted[i] = i < n ? &entries[i] : more[i - n];
	qsort(sorted, n + n_more, sizeof(sorted[0]), entry_compare);
	for (size_t i = 0; i < n + n_more; i++)
		if (!i || sorted[i]->rank != sorted[i - 1]->rank)
			sorted[kept++] = sorted[i];
	*list = (struct tree_list){ .n = kept, .sorted = sorted, .entries = entries };
	return 0;
}

void tree_list_fini(struct tree_list *list)
{
	free(list->sorted);
	free(list->entries);
}
