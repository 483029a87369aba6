// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Trees out of other trees: what lies on the way to a rule is copied, the rest is shared (path
// copying: Driscoll, Sarnak, Sleator, Tarjan, "Making Data Structures Persistent", 1989).
#include <errno.h>
#include <string.h>

#include "classify_tree.h"

// Puts a subtree in order anew, with one entry more or less when there is one. -ENOENT: there is no
// such `less`.
static int rebuild(struct tree_ref *made, struct tree_ref old, const struct entry *more,
	const struct entry *less, bool wide, unsigned depth)
{
	struct tree_list list;
	size_t kept = 0;
	int ret = tree_list_init(&list, old, &more, more ? 1 : 0);

	if (ret)
		return ret;
	for (size_t i = 0; i < list.n; i++)
		if (!less || !entry_equal(list.sorted[i], less))
			list.sorted[kept++] = list.sorted[i];
	if (less && kept == list.n)
		ret = -ENOENT;
	else
		ret = tree_build(made, list.sorted, kept, wide, depth, tree_copies(kept, wide) / 4);
	tree_list_fini(&list);
	return ret;
}

static int add_to_leaf(struct tree_ref *made, struct tree_ref old, const struct entry *entry)
{
	const struct tree_leaf *from = tree_leaf(old);
	struct tree_leaf *leaf = tree_leaf_create(from->n + 1u, from->wide, 0);
	unsigned at = 0;

	if (!leaf)
		return -ENOMEM;
	if (from->wide) {
		while (at < from->n && from->entries[at].rank > entry->rank)
			at++;
		memcpy(leaf->entries, from->entries, at * sizeof(*entry));
		memcpy(leaf->entries + at + 1, from->entries + at, (from->n - at) * sizeof(*entry));
		leaf->entries[at] = *entry;
	} else {
		while (at < from->n && from->narrow[at].rank > entry->rank)
			at++;
		memcpy(leaf->narrow, from->narrow, at * sizeof(leaf->narrow[0]));
		memcpy(leaf->narrow + at + 1, from->narrow + at,
			(from->n - at) * sizeof(leaf->narrow[0]));
		entry_narrow(&leaf->narrow[at], entry);
	}
	*made = tree_leaf_ref(leaf);
	return 0;
}

static int remove_from_leaf(struct tree_ref *made, struct tree_ref old, const struct entry *entry)
{
	const struct tree_leaf *from = tree_leaf(old);
	struct tree_leaf *leaf;
	struct entry found = { .rank = 0 };
	unsigned at = 0;

	while (at < from->n && found.rank != entry->rank)
		tree_leaf_entry(&found, from, at++);
	if (!entry_equal(&found, entry))
		return -ENOENT;
	if (from->n == 1) {
		*made = (struct tree_ref){ 0, 0 };
		return 0;
	}
	leaf = tree_leaf_create(from->n - 1u, from->wide, 0);
	if (!leaf)
		return -ENOMEM;
	if (from->wide) {
		memcpy(leaf->entries, from->entries, (at - 1) * sizeof(*entry));
		memcpy(leaf->entries + at - 1, from->entries + at, (from->n - at) * sizeof(*entry));
	} else {
		memcpy(leaf->narrow, from->narrow, (at - 1) * sizeof(leaf->narrow[0]));
		memcpy(leaf->narrow + at - 1, from->narrow + at,
			(from->n - at) * sizeof(leaf->narrow[0]));
	}
	*made = tree_leaf_ref(leaf);
	return 0;
}

// Makes a node with the same parts, except for those where the entry is: what `change` makes of
// them.
static int change_node(struct tree_ref *made, const struct tree_node *old,
	const struct entry *entry, bool wide, unsigned depth,
	int (*change)(struct tree_ref *made, struct tree_ref old, const struct entry *entry,
		bool wide, unsigned depth))
{
	struct tree_node *node = tree_node_create(old->n_children);
	struct tree_place place = tree_place(old, entry);
	int ret = 0;

	if (!node)
		return -ENOMEM;
	node->dim = old->dim;
	node->copies = old->copies;
	node->n_built = old->n_built;
	memcpy(node->key, old->key, sizeof(node->key));
	node->span = tree_get(old->span);
	for (unsigned i = 0; i < old->n_children; i++)
		node->child[i] = tree_get(old->child[i]);
	for (int i = place.first; i <= place.last && !ret; i++) {
		struct tree_ref *part = tree_part(node, i), part_made;

		ret = change(&part_made, *part, entry, wide, depth + 1);
		if (ret)
			break;
		tree_put(*part);
		*part = part_made;
	}
	if (ret)
		tree_put(tree_node_ref(node));
	else
		*made = tree_node_ref(node);
	return ret;
}

// A node that has twice the rules that it was cut for may be cut better.
static bool outgrown(const struct tree_node *node)
{
	return node->n < TREE_REBUILD && node->n >= 2 * node->n_built;
}

int tree_add(struct tree_ref *made, struct tree_ref old, const struct entry *entry, bool wide,
	unsigned depth)
{
	if (!old.object)
		return tree_build(made, &entry, 1, wide, depth, 0);
	if (!tree_is_leaf(old))
		return outgrown(tree_node(old))
			       ? rebuild(made, old, entry, NULL, wide, depth)
			       : change_node(made, tree_node(old), entry, wide, depth, tree_add);
	// Also a long leaf may be cut once the rules differ more. One with chains has to be put in
	// order in any case, which is all the work there is when one chain has all the rules.
	if (tree_leaf(old)->n_chains ||
		(tree_leaf(old)->n >= TREE_LEAF && tree_leaf(old)->n < TREE_REBUILD))
		return rebuild(made, old, entry, NULL, wide, depth);
	return add_to_leaf(made, old, entry);
}

int tree_remove(struct tree_ref *made, struct tree_ref old, const struct entry *entry, bool wide,
	unsigned depth)
{
	struct tree_ref node, leaf;
	int ret;

	if (!old.object)
		return -ENOENT;
	if (tree_is_leaf(old) && tree_leaf(old)->n_chains)
		return rebuild(made, old, NULL, entry, wide, depth);
	if (tree_is_leaf(old))
		return remove_from_leaf(made, old, entry);
	ret = change_node(&node, tree_node(old), entry, wide, depth, tree_remove);
	if (ret || tree_n(node) > TREE_LEAF) {
		if (!ret)
			*made = node;
		return ret;
	}
	ret = rebuild(&leaf, node, NULL, NULL, wide, depth);
	tree_put(node);
	if (!ret)
		*made = leaf;
	return ret;
}
