// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The classifiers of a port: by direction one for IP, one for frames that are not IP, and, where
// that is asked for, one of the rules with ports without their ports, for later fragments.
#include <errno.h>
#include <stdlib.h>

#include "acl.h"

enum which { CLASSIFY_IP, CLASSIFY_OTHERS, CLASSIFY_FRAGMENTS, N_CLASSIFIERS };

// From this share of the rules on, building anew is cheaper than changing.
enum { REBUILD_SHARE = 4 };

static bool concerns(const struct item *item, unsigned side, enum which which)
{
	if (item->kind != ITEM_RULE || !(item->sides & 1 << side))
		return false;
	switch (which) {
	case CLASSIFY_IP: // a rule for any frame is for both
		return !item->non_ip || item->rule.l3 == CLASSIFY_L3_ANY;
	case CLASSIFY_OTHERS:
		return item->non_ip;
	default:
		return item->has_ports;
	}
}

static struct classify_rule shape(const struct item *item, enum which which)
{
	struct classify_rule rule = item->rule;

	if (which == CLASSIFY_FRAGMENTS) {
		rule.local_port_min = rule.remote_port_min = 0;
		rule.local_port_max = rule.remote_port_max = 65535;
		rule.icmp_type = rule.icmp_code = CLASSIFY_ANY;
	}
	return rule;
}

// Those of the items that concern one classifier. *n: how many. NULL: no memory.
static struct classify_rule *gather(
	struct item *const *items, size_t n_items, unsigned side, enum which which, size_t *n)
{
	struct classify_rule *rules;

	*n = 0;
	for (size_t i = 0; i < n_items; i++)
		*n += concerns(items[i], side, which);
	rules = malloc((*n + 1) * sizeof(*rules));
	if (!rules)
		return NULL;
	*n = 0;
	for (size_t i = 0; i < n_items; i++)
		if (concerns(items[i], side, which))
			rules[(*n)++] = shape(items[i], which);
	return rules;
}

static int build(struct classify **made, struct item *const *items, size_t n_items, unsigned side,
	enum which which, struct weir_error *error)
{
	struct classify_rule *rules;
	size_t n;
	int failed = 0;

	rules = gather(items, n_items, side, which, &n);
	if (!rules)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for %zu rules", n);
	if (n)
		failed = classify_build(made, rules, n, error);
	free(rules);
	return failed;
}

static int change(struct classify **made, struct classify *old, const struct items *removed,
	const struct items *added, unsigned side, enum which which, struct weir_error *error)
{
	size_t n_out, n_in;
	struct classify_rule *out = gather(removed->items, removed->n, side, which, &n_out);
	struct classify_rule *in = gather(added->items, added->n, side, which, &n_in);
	int failed = -ENOMEM;

	if (!out || !in)
		weir_refuse(error, failed, NULL, "no memory for %zu rules", n_out + n_in);
	else
		failed = classify_change(made, old, out, n_out, in, n_in, error);
	free(out);
	free(in);
	if (!failed && classify_count(*made) == 0) {
		classify_destroy(*made);
		*made = NULL;
	}
	return failed;
}

static struct classify **place(struct side *side, enum which which)
{
	return which == CLASSIFY_IP       ? &side->ip
	       : which == CLASSIFY_OTHERS ? &side->others
					  : &side->fragments;
}

static int follow(struct acl_state *state, const struct acl_state *before,
	const struct items *removed, const struct items *added, unsigned side, enum which which,
	struct weir_error *error)
{
	struct classify **made = place(&state->sides[side], which), *old = NULL;
	bool from_all = !before || removed->n + added->n > state->n / REBUILD_SHARE;

	if (which == CLASSIFY_FRAGMENTS) {
		if (state_fragments(state) == FRAGMENTS_SKIP)
			return 0;
		from_all |= before && state_fragments(before) == FRAGMENTS_SKIP;
	}
	if (from_all)
		return build(made, state->items, state->n, side, which, error);
	old = *place((struct side *)&before->sides[side], which);
	// There was no such rule before.
	if (!old)
		return build(made, added->items, added->n, side, which, error);
	return change(made, old, removed, added, side, which, error);
}

int state_classify(struct acl_state *state, const struct acl_state *before,
	const struct items *removed, const struct items *added, struct weir_error *error)
{
	int failed = 0;

	for (unsigned i = 0; !failed && i < N_SIDES * N_CLASSIFIERS; i++)
		failed = follow(
			state, before, removed, added, i / N_CLASSIFIERS, i % N_CLASSIFIERS, error);
	return failed;
}
