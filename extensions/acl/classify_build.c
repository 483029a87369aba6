// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Trees out of rules.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify_tree.h"

// Rules of a node in the order of its parts: the span, then each child.
struct division {
	size_t start[TREE_FANOUT + 2]; // of part i in entries; the last is their number
	const struct entry **entries;
};

static void fill_chains(
	struct tree_leaf *leaf, const struct entry *const entries[], const uint32_t ends[])
{
	uint64_t *best = tree_best(leaf);
	uint32_t at = 0;

	memcpy(tree_ends(leaf), ends, leaf->n_chains * sizeof(ends[0]));
	for (unsigned i = 0; i < leaf->n_chains; i++)
		for (uint64_t rank = 0; at < ends[i]; at++) {
			rank = entries[at]->rank > rank ? entries[at]->rank : rank;
			best[at] = rank;
		}
}

static int build_leaf(struct tree_ref *made, const struct entry *entries[], size_t n, bool wide)
{
	uint32_t ends[TREE_CHAINS];
	// Chains are put in order anew with every change.
	int n_chains = n <= TREE_REBUILD ? tree_chains(entries, n, ends) : 0;
	struct tree_leaf *leaf;

	if (n_chains < 0)
		return n_chains;
	leaf = tree_leaf_create(n, wide, (unsigned)n_chains);
	if (!leaf)
		return -ENOMEM;
	if (n_chains)
		fill_chains(leaf, entries, ends);
	else
		qsort(entries, n, sizeof(entries[0]), entry_compare);
	for (size_t i = 0; i < n; i++)
		if (wide)
			leaf->entries[i] = *entries[i];
		else
			entry_narrow(&leaf->narrow[i], entries[i]);
	*made = tree_leaf_ref(leaf);
	return 0;
}

struct tree_place tree_place(const struct tree_node *node, const struct entry *entry)
{
	struct tree_place place;
	uint32_t min, max;

	entry_interval(entry, node->dim, &min, &max);
	place.first = (int)tree_child(node, min);
	place.last = (int)tree_child(node, max);
	if (place.last - place.first > node->copies)
		place.first = place.last = TREE_SPAN;
	return place;
}

static void count(struct division *division, const struct tree_node *node,
	const struct entry *const entries[], size_t n, struct tree_place places[])
{
	memset(division->start, 0, sizeof(division->start));
	for (size_t i = 0; i < n; i++) {
		places[i] = tree_place(node, entries[i]);
		for (int k = places[i].first; k <= places[i].last; k++)
			division->start[k + 2]++;
	}
	for (unsigned i = 0; i <= node->n_children; i++)
		division->start[i + 1] += division->start[i];
}

// Allocates division->entries. Does without copies when the sample promised too few.
static int divide(struct division *division, struct tree_node *node,
	const struct entry *const entries[], size_t n, float n_copies)
{
	struct tree_place *places = malloc(n * sizeof(places[0]));
	size_t at[TREE_FANOUT + 2], *total = &division->start[node->n_children + 1];

	if (!places)
		return -ENOMEM;
	count(division, node, entries, n, places);
	if ((float)(*total - n) > n_copies) {
		node->copies = 0;
		count(division, node, entries, n, places);
	}
	division->entries = malloc(*total * sizeof(entries[0]));
	if (division->entries) {
		memcpy(at, division->start, sizeof(at));
		for (size_t i = 0; i < n; i++)
			for (int k = places[i].first; k <= places[i].last; k++)
				division->entries[at[k + 1]++] = entries[i];
	}
	free(places);
	return division->entries ? 0 : -ENOMEM;
}

// n_copies: of all parts together. What a part leaves is for those behind it; the span, which all
// lookups go through, is the last.
static int build_parts(struct tree_node *node, const struct division *division, bool wide,
	unsigned depth, float n_copies)
{
	size_t rest = division->start[node->n_children + 1];
	int ret = 0;

	for (int i = node->n_children - 1; i >= TREE_SPAN && !ret; i--) {
		size_t start = division->start[i + 1], n = division->start[i + 2] - start;
		struct tree_ref *part = tree_part(node, i);

		if (!n)
			continue;
		ret = tree_build(part, division->entries + start, n, wide, depth + 1,
			n_copies * (float)n / (float)rest);
		n_copies -= (float)(tree_n(*part) - n);
		rest -= n;
	}
	return ret;
}

static int build_node(struct tree_ref *made, const struct tree_node *cut,
	const struct entry *entries[], size_t n, bool wide, unsigned depth, float n_copies)
{
	struct tree_node *node = tree_node_create(cut->n_children);
	struct division division;
	size_t total;
	int ret;

	if (!node)
		return -ENOMEM;
	node->dim = cut->dim;
	node->copies = cut->copies;
	memcpy(node->key, cut->key, sizeof(node->key));
	ret = divide(&division, node, entries, n, n_copies);
	if (!ret) {
		total = division.start[node->n_children + 1];
		ret = build_parts(node, &division, wide, depth, n_copies - (float)(total - n));
		free(division.entries);
	}
	*made = tree_node_ref(node);
	node->n_built = node->n;
	if (ret)
		tree_put(*made);
	return ret;
}

int tree_build(struct tree_ref *made, const struct entry *entries[], size_t n, bool wide,
	unsigned depth, float n_copies)
{
	struct tree_ref ref = { 0, 0 };
	struct tree_node cut;
	int ret = 0;

	if (n > TREE_LEAF && depth < TREE_DEPTH && tree_cut(&cut, entries, n, n_copies))
		ret = build_node(&ref, &cut, entries, n, wide, depth, n_copies);
	else if (n)
		ret = build_leaf(&ref, entries, n, wide);
	if (!ret)
		*made = ref;
	return ret;
}

float tree_copies(size_t n, bool wide)
{
	// A leaf of a single rule, with its share of the node, is 71 bytes, or 103 when wide: as
	// many more copies keep even a tree of nothing else below 128 bytes a rule.
	return (float)n * (wide ? 0.2f : 0.75f);
}
