// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The lookup. Everything here runs on workers.
#include "classify_set.h"

enum {
	LINE = 64,
	LINES = 4,   // that are fetched of a node or leaf
	FLIGHTS = 6, // subtrees that are gone through at the same time
	// A flight leaves one subtree behind in each node.
	WAITING = FLIGHTS * TREE_DEPTH,
};

// A set that fits no cache is a matter of waiting for memory. Therefore several subtrees are gone
// through in turns, and what the next turn of one needs is fetched during those of the others.
struct search {
	uint64_t best; // rank of the best rule so far
	unsigned n_flights, n_waiting;
	struct tree_ref flights[FLIGHTS];
	struct tree_ref waiting[WAITING];
};

static inline void fetch(struct tree_ref ref)
{
	const char *object = (const char *)(ref.object & ~(uintptr_t)1);

	for (unsigned i = 0; i < LINES; i++)
		__builtin_prefetch(object + i * LINE);
}

static inline void add(struct search *search, struct tree_ref ref)
{
	if (ref.rank <= search->best)
		return;
	fetch(ref);
	if (search->n_flights < FLIGHTS)
		search->flights[search->n_flights++] = ref;
	else
		search->waiting[search->n_waiting++] = ref;
}

static inline void look_narrow(
	struct search *search, const struct tree_leaf *leaf, const struct probe *probe)
{
	for (unsigned i = 0; i < leaf->n && leaf->narrow[i].rank > search->best; i++)
		if (entry_narrow_matches(&leaf->narrow[i], probe))
			search->best = leaf->narrow[i].rank;
}

static inline void look_wide(
	struct search *search, const struct tree_leaf *leaf, const struct probe *probe)
{
	for (unsigned i = 0; i < leaf->n && leaf->entries[i].rank > search->best; i++)
		if (entry_matches(&leaf->entries[i], probe))
			search->best = leaf->entries[i].rank;
}

// Looks for the last rule of each chain that matches: those before it do, and none behind it.
static void look_chains(
	struct search *search, const struct tree_leaf *leaf, const struct probe *probe)
{
	const uint64_t *best = tree_best(leaf);
	const uint32_t *ends = tree_ends(leaf);

	for (unsigned i = 0; i < leaf->n_chains; i++) {
		uint32_t start = i ? ends[i - 1] : 0, low = start, high = ends[i];

		if (best[high - 1] <= search->best)
			continue;
		while (low < high) {
			uint32_t middle = low + (high - low) / 2;

			if (leaf->wide ? entry_matches(&leaf->entries[middle], probe)
				       : entry_narrow_matches(&leaf->narrow[middle], probe))
				low = middle + 1;
			else
				high = middle;
		}
		if (low > start && best[low - 1] > search->best)
			search->best = best[low - 1];
	}
}

// Goes through a leaf; or through a node, and returns the better one of its parts to go on with.
static inline struct tree_ref step(
	struct search *search, struct tree_ref ref, const struct probe *probe)
{
	const struct tree_node *node = tree_node(ref);
	const struct tree_leaf *leaf;
	struct tree_ref span;

	if (!tree_is_leaf(ref)) {
		span = node->span;
		ref = node->child[tree_child(node, probe->key[node->dim])];
		add(search, span.rank > ref.rank ? ref : span);
		return span.rank > ref.rank ? span : ref;
	}
	leaf = tree_leaf(ref);
	if (leaf->n_chains)
		look_chains(search, leaf, probe);
	else if (leaf->wide)
		look_wide(search, leaf, probe);
	else
		look_narrow(search, leaf, probe);
	return (struct tree_ref){ 0, 0 };
}

uint32_t classify_match(const struct classify *c, const struct classify_packet *packet)
{
	struct search search;
	struct probe probe;

	search.best = 0;
	search.n_flights = search.n_waiting = 0;
	add(&search, c->trees[SET_ANY]);
	add(&search, c->trees[packet->l3 < SET_ANY ? packet->l3 : WEIR_L3_OTHER]);
	entry_probe(&probe, packet);
	while (search.n_flights)
		for (unsigned i = 0; i < search.n_flights;) {
			struct tree_ref ref = search.flights[i];

			if (ref.rank > search.best)
				ref = step(&search, ref, &probe);
			if (ref.rank > search.best) {
				fetch(ref);
				search.flights[i++] = ref;
			} else if (search.n_waiting) {
				search.flights[i++] = search.waiting[--search.n_waiting];
			} else {
				search.flights[i] = search.flights[--search.n_flights];
			}
		}
	return entry_id(search.best);
}
