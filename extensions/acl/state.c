// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acl.h"

static const char *const side_names[N_SIDES] = { "in", "out" };

// ---- Versions

static void copy_side(struct side *copy, const struct side *side)
{
	*copy = *side;
	for (unsigned i = 0; i < N_FAMILIES; i++) {
		trie_hold(copy->local[i]);
		trie_hold(copy->remote[i]);
	}
	trie_hold(copy->weights);
	copy->ip = copy->others = copy->fragments = NULL;
}

static void free_side(struct side *side)
{
	for (unsigned i = 0; i < N_FAMILIES; i++) {
		trie_release(side->local[i]);
		trie_release(side->remote[i]);
	}
	trie_release(side->weights);
	classify_destroy(side->ip);
	classify_destroy(side->others);
	classify_destroy(side->fragments);
}

static int copy_all(struct acl_state *state, const struct acl_state *before)
{
	if (vector_copy(&state->rules, &before->rules) < 0)
		return -ENOMEM;
	for (unsigned i = 0; i < N_SIDES; i++)
		copy_side(&state->sides[i], &before->sides[i]);
	state->settings = before->settings;
	if (state->settings)
		state->settings->refs++;
	state->n_entries = before->n_entries;
	state->n_rules = before->n_rules;
	state->n_meters = before->n_meters;
	state->n_normalised = before->n_normalised;
	return 0;
}

struct acl_state *state_make(
	struct acl_instance *instance, struct acl_port *port, struct acl_state *before, size_t n)
{
	struct acl_state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	port->refs++;
	state->port = port;
	state->attachment = instance->attachment;
	state->before = before;
	state->serials = malloc((n + 1) * sizeof(*state->serials));
	state->items = malloc((n + 1) * sizeof(struct item *));
	if (!state->serials || !state->items || (before && copy_all(state, before) < 0)) {
		state_free(state);
		return NULL;
	}
	state->n = n;
	return state;
}

void state_free(struct acl_state *state)
{
	if (!state)
		return;
	for (unsigned i = 0; i < N_SIDES; i++)
		free_side(&state->sides[i]);
	vector_fini(&state->rules);
	item_put(state->settings);
	free(state->gone);
	free(state->serials);
	free(state->items);
	port_put(state->port);
	free(state);
}

enum acl_fragments state_fragments(const struct acl_state *state)
{
	return state->settings ? state->settings->fragments : FRAGMENTS_SKIP;
}

bool state_keeps_sessions(const struct acl_state *state)
{
	return state->sides[SIDE_IN].conditions.stateful ||
	       state->sides[SIDE_OUT].conditions.stateful;
}

// ---- What has to be read

static void count(uint32_t *counter, bool condition, int by)
{
	if (condition)
		*counter += (uint32_t)by;
}

static void count_entry(struct conditions *c, const struct item *item, int by)
{
	const struct entry *e = &item->entry;

	count(&c->remote, e->remote && !e->mac && e->prefix.length, by);
	count(&c->local, !e->remote && !e->mac && e->prefix.length, by);
	count(&c->remote_mac, e->remote && e->mac && e->prefix.length, by);
	count(&c->local_mac, !e->remote && e->mac && e->prefix.length, by);
	count(&c->ip_verdicts, !e->mac && item->action != ACTION_METER, by);
}

static void count_rule(struct conditions *c, const struct item *item, int by)
{
	const struct classify_rule *r = &item->rule;

	count(&c->local, r->local_length, by);
	count(&c->remote, r->remote_length, by);
	count(&c->protocol, r->protocol != CLASSIFY_ANY, by);
	count(&c->ports, item->has_ports && r->icmp_type == CLASSIFY_ANY, by);
	count(&c->icmp_type, r->icmp_type != CLASSIFY_ANY, by);
	count(&c->icmp_code, r->icmp_code != CLASSIFY_ANY, by);
	count(&c->vlan, r->vlan != CLASSIFY_ANY, by);
	count(&c->ip_verdicts, r->l3 != WEIR_L3_ARP && r->l3 != WEIR_L3_OTHER, by);
	count(&c->stateful, item->stateful, by);
}

// ---- Entries

// The tries that an entry stands in: "any" is in those of both families.
static unsigned tries_of(struct side *side, const struct entry *e, struct trie_node **tries[2])
{
	struct trie_node **families = e->remote ? side->remote : side->local;
	unsigned n = 0;

	if (e->mac) {
		tries[n++] = &families[FAMILY_MAC];
		return n;
	}
	if (e->prefix.family != 6)
		tries[n++] = &families[FAMILY_4];
	if (e->prefix.family != 4)
		tries[n++] = &families[FAMILY_6];
	return n;
}

static unsigned slot_of(const struct item *item)
{
	return item->action == ACTION_METER ? TRIE_METERS : TRIE_VERDICTS;
}

static int refuse_same(
	const struct item *item, const struct item *other, unsigned side, struct weir_error *error)
{
	char text[256];

	item_format(item, text, sizeof(text));
	return weir_refuse(error, -EEXIST, item->entry.remote ? "remote" : "local",
		"policy %s: %s: policy %s decides about the same frames, direction %s, already",
		item->id, text, other->id, side_names[side]);
}

static int add_entry(struct side *side, unsigned which, struct item *item, struct weir_error *error)
{
	const struct entry *e = &item->entry;
	struct trie_node **tries[2];
	unsigned n = tries_of(side, e, tries), slot = slot_of(item);

	for (unsigned i = 0; i < n; i++) {
		const struct item *other = trie_find(
			*tries[i], e->prefix.bytes, e->prefix.length, slot);

		if (other)
			return refuse_same(item, other, which, error);
	}
	for (unsigned i = 0; i < n; i++)
		if (trie_put(tries[i], e->prefix.bytes, e->prefix.length, slot, item) < 0)
			return -ENOMEM;
	count_entry(&side->conditions, item, 1);
	return 0;
}

static int remove_entry(struct side *side, const struct item *item)
{
	const struct entry *e = &item->entry;
	struct trie_node **tries[2];
	unsigned n = tries_of(side, e, tries);

	for (unsigned i = 0; i < n; i++)
		if (trie_remove(tries[i], e->prefix.bytes, e->prefix.length, slot_of(item)) < 0)
			return -ENOMEM;
	count_entry(&side->conditions, item, -1);
	return 0;
}

// ---- Rules

static void weight_key(const struct item *item, uint8_t key[16])
{
	memset(key, 0, 16);
	for (unsigned i = 0; i < 4; i++)
		key[i] = (uint8_t)(item->rule.weight >> (24 - 8 * i));
}

static int add_rule(struct side *side, unsigned which, struct item *item, struct weir_error *error)
{
	const struct item *other;
	uint8_t key[16];

	weight_key(item, key);
	other = trie_find(side->weights, key, 32, 0);
	if (other)
		return weir_refuse(error, -EEXIST, "weight",
			"policy %s: weight %u: policy %s has the same in direction %s, where each "
			"must have its own",
			item->id, item->rule.weight, other->id, side_names[which]);
	if (trie_put(&side->weights, key, 32, 0, item) < 0)
		return -ENOMEM;
	count_rule(&side->conditions, item, 1);
	return 0;
}

static int remove_rule(struct side *side, const struct item *item)
{
	uint8_t key[16];

	weight_key(item, key);
	if (trie_remove(&side->weights, key, 32, 0) < 0)
		return -ENOMEM;
	count_rule(&side->conditions, item, -1);
	return 0;
}

// ---- Items

static void count_item(struct acl_state *state, const struct item *item, int by)
{
	count(&state->n_entries, item->kind == ITEM_ENTRY, by);
	count(&state->n_rules, item->kind == ITEM_RULE, by);
	count(&state->n_meters, item->kind == ITEM_ENTRY && item->action == ACTION_METER, by);
	count(&state->n_normalised, item->normalised, by);
}

static int add_settings(struct acl_state *state, struct item *item, struct weir_error *error)
{
	if (state->settings)
		return weir_refuse(error, -EEXIST, NULL,
			"policy %s: policy %s has the settings of the port, which can have one "
			"such policy",
			item->id, state->settings->id);
	item->refs++;
	state->settings = item;
	return 0;
}

static int refuse_memory(int failed, struct weir_error *error)
{
	return failed == -ENOMEM ? weir_refuse(error, failed, NULL, "no memory") : failed;
}

int state_add(struct acl_state *state, struct item *item, struct weir_error *error)
{
	int failed = 0;

	if (item->kind == ITEM_SETTINGS)
		return add_settings(state, item, error);
	for (unsigned i = 0; !failed && i < N_SIDES; i++) {
		if (!(item->sides & 1 << i))
			continue;
		failed = item->kind == ITEM_RULE ? add_rule(&state->sides[i], i, item, error)
						 : add_entry(&state->sides[i], i, item, error);
	}
	if (!failed && item->kind == ITEM_RULE)
		failed = vector_set(&state->rules, item->rule.id, item);
	if (!failed)
		count_item(state, item, 1);
	return refuse_memory(failed, error);
}

int state_remove(struct acl_state *state, struct item *item, struct weir_error *error)
{
	int failed = 0;

	if (item->kind == ITEM_SETTINGS) {
		item_put(state->settings);
		state->settings = NULL;
		return 0;
	}
	count_item(state, item, -1);
	for (unsigned i = 0; !failed && i < N_SIDES; i++) {
		if (item->sides & 1 << i)
			failed = item->kind == ITEM_RULE ? remove_rule(&state->sides[i], item)
							 : remove_entry(&state->sides[i], item);
	}
	if (!failed && item->kind == ITEM_RULE)
		failed = vector_set(&state->rules, item->rule.id, NULL);
	return refuse_memory(failed, error);
}
