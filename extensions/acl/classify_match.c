// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The lookup. Everything here runs on workers.
#include "classify_set.h"

enum {
	LINE = 64,
	// A path leaves one subtree behind in each node; two trees begin.
	WAITING = TREE_DEPTH + 2,
};

// Subtrees that are still to be gone through, and the best rule so far.
struct search {
	uint64_t best;
	unsigned n;
	struct tree_ref waiting[WAITING];
};

static inline void search_later(struct search *search, struct tree_ref ref)
{
	const char *object = (const char *)(ref.object & ~(uintptr_t)1);

	if (ref.rank <= search->best)
		return;
	// Comes while others are gone through.
	__builtin_prefetch(object);
	__builtin_prefetch(object + LINE);
	search->waiting[search->n++] = ref;
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

// Goes down to a leaf by the better part of each node, and leaves the other one for later.
static inline void descend(struct search *search, struct tree_ref ref, const struct probe *probe)
{
	while (ref.rank > search->best && !tree_is_leaf(ref)) {
		const struct tree_node *node = tree_node(ref);
		struct tree_ref span = node->span;

		ref = node->child[tree_child(node, probe->key[node->dim])];
		if (span.rank > ref.rank) {
			search_later(search, ref);
			ref = span;
		} else {
			search_later(search, span);
		}
	}
	if (ref.rank <= search->best)
		return;
	if (tree_leaf(ref)->wide)
		look_wide(search, tree_leaf(ref), probe);
	else
		look_narrow(search, tree_leaf(ref), probe);
}

uint32_t classify_match(const struct classify *c, const struct classify_packet *packet)
{
	struct search search;
	struct probe probe;

	search.best = 0;
	search.n = 0;
	search_later(&search, c->trees[SET_ANY]);
	search_later(&search, c->trees[packet->l3 < SET_ANY ? packet->l3 : WEIR_L3_OTHER]);
	entry_probe(&probe, packet);
	while (search.n)
		descend(&search, search.waiting[--search.n], &probe);
	return entry_id(search.best);
}
