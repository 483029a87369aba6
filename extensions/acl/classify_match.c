// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The lookup. Everything here runs on workers.
#include "classify_set.h"

enum {
	LINE = 64,
	LINES = 4,   // that are fetched of a node or leaf
	FLIGHTS = 6, // subtrees that are gone through at the same time
};

// A way down a subtree, and what it left to be gone through after it: one part of each node.
struct flight {
	struct tree_ref at;
	unsigned n_waiting;
	struct tree_ref waiting[TREE_DEPTH];
};

// A set that fits no cache is a matter of waiting for memory. Therefore several subtrees are gone
// through in turns, and what the next turn of one needs is fetched during those of the others.
struct search {
	uint64_t best; // rank of the best rule so far
	unsigned n_flights;
	uint8_t order[FLIGHTS]; // of flights: first those on their way, then the free ones
	struct flight flights[FLIGHTS];
};

static inline void fetch(struct tree_ref ref)
{
	const char *object = (const char *)(ref.object & ~(uintptr_t)1);

	for (unsigned i = 0; i < LINES; i++)
		__builtin_prefetch(object + i * LINE);
}

// Has a subtree gone through by a free flight, or later by the one that comes by it.
static inline void add(struct search *search, struct flight *by, struct tree_ref ref)
{
	struct flight *flight;

	if (ref.rank <= search->best)
		return;
	fetch(ref);
	if (search->n_flights == FLIGHTS) {
		by->waiting[by->n_waiting++] = ref;
		return;
	}
	flight = &search->flights[search->order[search->n_flights++]];
	flight->at = ref;
	flight->n_waiting = 0;
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
	struct search *search, struct flight *flight, const struct probe *probe)
{
	const struct tree_node *node = tree_node(flight->at);
	const struct tree_leaf *leaf;
	struct tree_ref child;

	if (!tree_is_leaf(flight->at)) {
		child = node->child[tree_child(node, probe->key[node->dim])];
		add(search, flight, node->span.rank > child.rank ? child : node->span);
		return node->span.rank > child.rank ? node->span : child;
	}
	leaf = tree_leaf(flight->at);
	if (leaf->n_chains)
		look_chains(search, leaf, probe);
	else if (leaf->wide)
		look_wide(search, leaf, probe);
	else
		look_narrow(search, leaf, probe);
	return (struct tree_ref){ 0, 0 };
}

// One turn of a flight. Returns false when it is at its end.
static inline bool fly(struct search *search, struct flight *flight, const struct probe *probe)
{
	struct tree_ref next = { 0, 0 };

	if (flight->at.rank > search->best)
		next = step(search, flight, probe);
	if (next.rank > search->best) {
		fetch(next);
		flight->at = next;
		return true;
	}
	if (!flight->n_waiting)
		return false;
	flight->at = flight->waiting[--flight->n_waiting];
	return true;
}

uint32_t classify_match(const struct classify *c, const struct classify_packet *packet)
{
	struct search search;
	struct probe probe;

	search.best = 0;
	search.n_flights = 0;
	for (uint8_t i = 0; i < FLIGHTS; i++)
		search.order[i] = i;
	add(&search, NULL, c->trees[SET_ANY]);
	add(&search, NULL, c->trees[packet->l3 < SET_ANY ? packet->l3 : WEIR_L3_OTHER]);
	entry_probe(&probe, packet);
	while (search.n_flights)
		for (unsigned i = 0; i < search.n_flights;) {
			uint8_t flight = search.order[i];

			if (fly(&search, &search.flights[flight], &probe)) {
				i++;
				continue;
			}
			search.order[i] = search.order[--search.n_flights];
			search.order[search.n_flights] = flight;
		}
	return entry_id(search.best);
}
