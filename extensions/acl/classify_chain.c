// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Chains of rules each of which contains the next: no cut divides them, but how far down a chain a
// packet matches is found by halving it.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify_tree.h"

// A rule and the sum of its widths, by which what contains comes before what is contained.
struct sized {
	uint64_t size;
	const struct entry *entry;
	unsigned chain;
};

static uint64_t size_of(const struct entry *entry)
{
	uint64_t size = 0;

	for (enum classify_dim dim = 0; dim < CLASSIFY_N_DIMS; dim++) {
		uint32_t min, max;

		entry_interval(entry, dim, &min, &max);
		size += max - min;
	}
	return size;
}

static bool contains(const struct entry *outer, const struct entry *inner)
{
	for (enum classify_dim dim = 0; dim < CLASSIFY_N_DIMS; dim++) {
		uint32_t outer_min, outer_max, min, max;

		entry_interval(outer, dim, &outer_min, &outer_max);
		entry_interval(inner, dim, &min, &max);
		if (min < outer_min || max > outer_max)
			return false;
	}
	return true;
}

// The larger first; of equal ones the better.
static int compare(const void *a, const void *b)
{
	const struct sized *left = a, *right = b;

	if (left->size != right->size)
		return left->size > right->size ? -1 : 1;
	return entry_compare(&left->entry, &right->entry);
}

// Puts each rule behind the first chain whose last rule contains it. Returns the number of chains,
// or 0 when there are too many.
static unsigned assign(struct sized *rules, size_t n)
{
	const struct entry *last[TREE_CHAINS];
	unsigned n_chains = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned k = 0;

		while (k < n_chains && !contains(last[k], rules[i].entry))
			k++;
		if (k == TREE_CHAINS)
			return 0;
		if (k == n_chains)
			n_chains++;
		last[k] = rules[i].entry;
		rules[i].chain = k;
	}
	return n_chains;
}

unsigned tree_chain_steps(uint32_t n)
{
	return n ? 32 - (unsigned)__builtin_clz(n) : 0;
}

// Orders the entries by chains. Returns false when comparing all of them is about as good.
static bool order(const struct entry *entries[], const struct sized *rules, size_t n,
	uint32_t ends[], unsigned n_chains)
{
	uint32_t sizes[TREE_CHAINS] = { 0 }, at[TREE_CHAINS], start = 0;
	size_t steps = 0;

	for (size_t i = 0; i < n; i++)
		sizes[rules[i].chain]++;
	for (unsigned k = 0; k < n_chains; k++) {
		at[k] = start;
		start += sizes[k];
		ends[k] = start;
		steps += tree_chain_steps(sizes[k]);
	}
	// A step of halving is a guess that fails, one of a list is not.
	if (4 * steps > n)
		return false;
	for (size_t i = 0; i < n; i++)
		entries[at[rules[i].chain]++] = rules[i].entry;
	return true;
}

int tree_chains(const struct entry *entries[], size_t n, uint32_t ends[])
{
	struct sized *rules;
	unsigned n_chains;

	if (n < 2 * TREE_LEAF)
		return 0;
	rules = malloc(n * sizeof(rules[0]));
	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		rules[i] = (struct sized){ .size = size_of(entries[i]), .entry = entries[i] };
	qsort(rules, n, sizeof(rules[0]), compare);
	n_chains = assign(rules, n);
	if (n_chains && !order(entries, rules, n, ends, n_chains))
		n_chains = 0;
	free(rules);
	return (int)n_chains;
}
