// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "classify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify_set.h"

// Rules that a set is built from, by the trees that they are in.
struct sorting {
	struct entry *entries;
	const struct entry **sorted;
	size_t start[SET_N_TREES + 1]; // of a tree in sorted
};

static unsigned tree_of(const struct classify_rule *rule)
{
	return rule->l3 == CLASSIFY_L3_ANY ? SET_ANY : rule->l3;
}

static bool is_wide(unsigned tree)
{
	return tree == WEIR_L3_IPV6;
}

static int no_memory(size_t n, struct weir_error *error)
{
	return weir_refuse(error, -ENOMEM, NULL, "out of memory: %zu rules", n);
}

static int check_rules(const struct classify_rule rules[], size_t n, struct weir_error *error)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		ret = entry_check(&rules[i], error);
	return ret;
}

// Small sets are in caches, and are to be fast.
static unsigned steps_allowed(size_t n)
{
	unsigned allowed = CLASSIFY_WORST_SMALL;

	for (; n >= 1024; n /= 2)
		allowed += CLASSIFY_WORST_MORE;
	return allowed < CLASSIFY_WORST_MAX ? allowed : CLASSIFY_WORST_MAX;
}

static int check_worst(const struct classify *c, struct weir_error *error)
{
	unsigned worst = classify_worst(c), allowed = steps_allowed(c->n);

	if (worst <= allowed)
		return 0;
	return weir_refuse(error, -E2BIG, NULL,
		"%zu rules overlap too much: a lookup would take up to %u steps, %u are allowed",
		c->n, worst, allowed);
}

static void sorting_fini(struct sorting *sorting)
{
	free(sorting->entries);
	free(sorting->sorted);
}

static int sorting_init(struct sorting *sorting, const struct classify_rule rules[], size_t n)
{
	size_t at[SET_N_TREES];

	memset(sorting, 0, sizeof(*sorting));
	sorting->entries = malloc((n + 1) * sizeof(sorting->entries[0]));
	sorting->sorted = malloc((n + 1) * sizeof(sorting->sorted[0]));
	if (!sorting->entries || !sorting->sorted) {
		sorting_fini(sorting);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		entry_make(&sorting->entries[i], &rules[i]);
		sorting->start[tree_of(&rules[i]) + 1]++;
	}
	for (unsigned i = 0; i < SET_N_TREES; i++) {
		sorting->start[i + 1] += sorting->start[i];
		at[i] = sorting->start[i];
	}
	for (size_t i = 0; i < n; i++)
		sorting->sorted[at[tree_of(&rules[i])]++] = &sorting->entries[i];
	return 0;
}

// Builds tree i anew, with more rules. Adds how many it has to *n.
static int rebuild(
	struct classify *c, unsigned i, const struct entry *const more[], size_t n_more, size_t *n)
{
	struct tree_list list;
	struct tree_ref tree;
	int ret = tree_list_init(&list, c->trees[i], more, n_more);

	if (ret)
		return ret;
	*n += list.n;
	ret = tree_build(
		&tree, list.sorted, list.n, is_wide(i), 0, tree_copies(list.n, is_wide(i)));
	tree_list_fini(&list);
	if (ret)
		return ret;
	// What is there already may be better, and then stays: removing must not slow down.
	if (!n_more && tree_worst(tree) > tree_worst(c->trees[i])) {
		tree_put(tree);
		return 0;
	}
	tree_put(c->trees[i]);
	c->trees[i] = tree;
	return 0;
}

// Adds many: all is built anew.
static int add_many(struct classify *c, const struct classify_rule added[], size_t n_added,
	struct weir_error *error)
{
	struct sorting sorting;
	size_t n = 0;
	int ret = sorting_init(&sorting, added, n_added);

	if (ret)
		return no_memory(c->n + n_added, error);
	c->n += n_added;
	for (unsigned i = 0; i < SET_N_TREES && !ret; i++)
		ret = rebuild(c, i, sorting.sorted + sorting.start[i],
			sorting.start[i + 1] - sorting.start[i], &n);
	sorting_fini(&sorting);
	if (ret)
		return no_memory(c->n, error);
	if (n == c->n)
		return 0;
	return weir_refuse(error, -EEXIST, "id", "%zu of %zu rules have the id of another one",
		c->n - n, c->n);
}

// Changes one rule of a set that nobody else sees yet.
static int change_one(struct classify *c, const struct classify_rule *rule,
	int (*change)(struct tree_ref *made, struct tree_ref old, const struct entry *entry,
		bool wide, unsigned depth))
{
	unsigned i = tree_of(rule);
	struct tree_ref tree;
	struct entry entry;
	int ret;

	entry_make(&entry, rule);
	ret = change(&tree, c->trees[i], &entry, is_wide(i), 0);
	if (ret)
		return ret;
	tree_put(c->trees[i]);
	c->trees[i] = tree;
	return 0;
}

static int remove_some(struct classify *c, const struct classify_rule removed[], size_t n_removed,
	struct weir_error *error)
{
	for (size_t i = 0; i < n_removed; i++) {
		int ret = change_one(c, &removed[i], tree_remove);

		if (ret == -ENOENT)
			return weir_refuse(
				error, ret, NULL, "rule %u: there is no such rule", removed[i].id);
		if (ret)
			return no_memory(c->n, error);
		c->n--;
	}
	return 0;
}

// Adds few: all but the ways to them is shared. Then puts in order what many such changes have made
// too slow or too large, if it can be.
static int add_some(struct classify *c, const struct classify_rule added[], size_t n_added,
	struct weir_error *error)
{
	bool slow;
	size_t n;
	int ret = 0;

	for (size_t i = 0; i < n_added && !ret; i++)
		ret = change_one(c, &added[i], tree_add);
	c->n += n_added;
	slow = classify_worst(c) > steps_allowed(c->n);
	for (unsigned i = 0; i < SET_N_TREES && !ret; i++)
		if (slow ||
			(float)tree_n(c->trees[i]) > (float)c->n + tree_copies(c->n, is_wide(i)))
			ret = rebuild(c, i, NULL, 0, &n);
	return ret ? no_memory(c->n, error) : 0;
}

int classify_change(struct classify **made, struct classify *old,
	const struct classify_rule removed[], size_t n_removed, const struct classify_rule added[],
	size_t n_added, struct weir_error *error)
{
	bool many = n_removed + n_added > old->n / 8;
	struct classify *c;
	int ret = check_rules(removed, n_removed, error);

	if (!ret)
		ret = check_rules(added, n_added, error);
	if (ret)
		return ret;
	if (n_added > TREE_LEAF_MAX - old->n)
		return weir_refuse(error, -E2BIG, NULL, "%zu rules: at most %u are allowed",
			old->n + n_added, TREE_LEAF_MAX);
	c = malloc(sizeof(*c));
	if (!c)
		return no_memory(old->n, error);
	*c = *old;
	for (unsigned i = 0; i < SET_N_TREES; i++)
		tree_get(c->trees[i]);
	ret = remove_some(c, removed, n_removed, error);
	if (!ret)
		ret = (many ? add_many : add_some)(c, added, n_added, error);
	// Removing is never refused for what is left.
	if (!ret && n_added)
		ret = check_worst(c, error);
	if (ret)
		classify_destroy(c);
	else
		*made = c;
	return ret;
}

int classify_build(struct classify **made, const struct classify_rule rules[], size_t n,
	struct weir_error *error)
{
	struct classify none = { .n = 0 };

	return classify_change(made, &none, NULL, 0, rules, n, error);
}

void classify_destroy(struct classify *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < SET_N_TREES; i++)
		tree_put(c->trees[i]);
	free(c);
}

size_t classify_count(const struct classify *c)
{
	return c->n;
}

size_t classify_memory(const struct classify *c)
{
	size_t size = sizeof(*c);

	for (unsigned i = 0; i < SET_N_TREES; i++)
		size += tree_memory(c->trees[i]);
	return size;
}

unsigned classify_worst(const struct classify *c)
{
	unsigned worst = 0;

	for (unsigned i = 0; i < SET_ANY; i++)
		worst = tree_worst(c->trees[i]) > worst ? tree_worst(c->trees[i]) : worst;
	return worst + tree_worst(c->trees[SET_ANY]);
}
