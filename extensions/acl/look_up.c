// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The port ACL: which entry decides for a pair of addresses, and which ones meter.
#include "acl.h"

// A way down one trie.
struct way {
	const struct trie_node *node; // NULL: at its end
	trie_key key;
	const struct item *longest; // that decides; NULL: none so far
};

enum { LINE = 64 };

// Goes through one node: the longest that decides, and all that meter.
static void step(struct way *way, struct metering *m)
{
	const struct trie_node *node = way->node;
	unsigned next = trie_chunk(way->key, node->start);
	uint64_t path = trie_paths[next], found;

	way->node = NULL;
	if (!trie_agree(node->key, way->key, node->start))
		return;
	way->node = trie_child(node, next);
	if (way->node) {
		__builtin_prefetch(way->node);
		__builtin_prefetch((const char *)way->node + LINE);
	}
	found = node->inner[TRIE_VERDICTS] & path;
	if (found)
		way->longest = trie_item(
			node, TRIE_VERDICTS, 63 - (unsigned)__builtin_clzll(found));
	for (found = node->inner[TRIE_METERS] & path; found && m->n < METERS_MAX;
		found &= found - 1) {
		const struct item *item = trie_item(
			node, TRIE_METERS, (unsigned)__builtin_ctzll(found));

		__builtin_prefetch(&item->meter);
		m->items[m->n++] = item;
	}
}

// Of a local and a remote prefix that are as long as each other the one that denies decides, of two
// that police the remote one.
static const struct item *longer(const struct item *remote, const struct item *local)
{
	unsigned of_remote, of_local;

	if (!remote || !local)
		return remote ? remote : local;
	of_remote = remote->entry.prefix.length;
	of_local = local->entry.prefix.length;
	if (of_remote != of_local)
		return of_remote > of_local ? remote : local;
	return local->action == ACTION_DENY ||
			       (local->action == ACTION_POLICE && remote->action == ACTION_ALLOW)
		       ? local
		       : remote;
}

// The two tries are gone through in turns, so that what one waits for comes during the other's
// turn.
const struct item *side_look_up(const struct side *side, unsigned family, const uint8_t *local,
	const uint8_t *remote, unsigned n, struct metering *metering)
{
	struct way ways[] = {
		{ .node = side->remote[family], .key = trie_key_of(remote, n) },
		{ .node = side->local[family], .key = trie_key_of(local, n) },
	};

	while (ways[0].node || ways[1].node)
		for (unsigned i = 0; i < 2; i++)
			if (ways[i].node)
				step(&ways[i], metering);
	return longer(ways[0].longest, ways[1].longest);
}
