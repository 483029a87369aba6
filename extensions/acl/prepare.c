// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// From policies to a state: what changed since the state in force is found by the serials of the
// policies, and only that is looked into.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "difference.h"

// ---- Ports

struct acl_port *port_find(struct acl_instance *instance, weir_port_id id)
{
	struct acl_port *port = instance->ports;

	while (port && port->id != id)
		port = port->next;
	return port;
}

struct acl_port *port_get(struct acl_instance *instance, weir_port_id id)
{
	struct acl_port *port = port_find(instance, id);

	if (!port) {
		port = calloc(1, sizeof(*port));
		if (!port)
			return NULL;
		*port = (struct acl_port){
			.next = instance->ports, .id = id, .instance = instance
		};
		instance->ports = port;
	}
	port->refs++;
	return port;
}

void port_put(struct acl_port *port)
{
	struct acl_port **link = &port->instance->ports;

	if (--port->refs > 0)
		return;
	while (*link != port)
		link = &(*link)->next;
	*link = port->next;
	free(port->numbers.taken);
	free(port);
}

// ---- What changed

static int carry_over(struct acl_state *state, const struct difference *d, struct weir_error *error)
{
	int failed = 0;

	for (size_t i = 0; !failed && i < d->removed.n; i++)
		failed = state_remove(state, d->removed.items[i], error);
	for (size_t i = 0; !failed && i < d->added.n; i++) {
		failed = state_add(state, d->added.items[i], error);
		if (d->added.items[i]->normalised && state->n_told++ < TOLD_MAX)
			state->told[state->n_told - 1] = d->added.items[i];
	}
	return failed;
}

// Sessions do not outlive the rule that opened them.
static int list_gone(struct acl_state *state, const struct difference *d, struct weir_error *error)
{
	for (size_t i = 0; i < d->removed.n; i++) {
		if (!d->removed.items[i]->stateful)
			continue;
		if (!state->gone)
			state->gone = malloc(d->removed.n * sizeof(*state->gone));
		if (!state->gone)
			return weir_refuse(error, -ENOMEM, NULL, "no memory");
		state->gone[state->n_gone++] = d->removed.items[i]->cookie;
	}
	return 0;
}

// ---- What is asked of the core

static bool is_held(const struct item *item)
{
	return item->kind != ITEM_SETTINGS &&
	       (item->action == ACTION_METER || item->action == ACTION_POLICE);
}

// Asks for the meter or policer of an item. One that workers may be reading has its number already,
// which is still the same as long as a state in force holds it. -ESTALE: it is not: the state
// before is in force no more.
static int hold(struct item *item, struct weir_plan *plan, struct weir_error *error)
{
	bool meter = item->action == ACTION_METER;
	uint32_t *number = meter ? &item->meter : &item->policer, id = 0;
	int failed = meter ? weir_plan_meter(plan, item->id, &id)
			   : weir_plan_policer(
				     plan, item->id, item->rate_bps, item->burst_bytes, &id);

	if (failed == -ENOMEM)
		return weir_refuse(error, failed, NULL, "policy %s: no memory for its %s", item->id,
			meter ? "meter" : "policer");
	if (failed)
		return failed; // the core says why
	if (item->fresh)
		*number = id;
	else if (*number != id)
		return -ESTALE;
	item->fresh = false;
	return 0;
}

static int hold_all(struct item *const items[/* n */], size_t n, struct weir_plan *plan,
	struct weir_error *error)
{
	int failed = 0;

	for (size_t i = 0; !failed && i < n; i++)
		if (is_held(items[i]))
			failed = hold(items[i], plan, error);
	return failed;
}

// The state has what the one before has, without that of the items that are removed.
static int keep(const struct acl_state *before, const struct items *removed, struct weir_plan *plan)
{
	const char **gone = malloc((removed->n + 1) * sizeof(*gone));
	size_t n = 0;
	int failed;

	if (!gone)
		return -ENOMEM;
	for (size_t i = 0; i < removed->n; i++)
		if (is_held(removed->items[i]))
			gone[n++] = removed->items[i]->id;
	failed = weir_plan_keep(plan, before, gone, n);
	free(gone);
	return failed;
}

// Has the meters and policers that items name held for this state.
static int hold_changed(const struct acl_state *state, const struct acl_state *before,
	const struct difference *d, struct weir_plan *plan, struct weir_error *error)
{
	int failed = before ? keep(before, &d->removed, plan) : -ENOSYS;

	if (failed == -ENOSYS)
		return hold_all(state->items, state->n, plan, error);
	if (failed == -ENOMEM)
		return weir_refuse(error, failed, NULL, "no memory");
	return failed ? failed : hold_all(d->added.items, d->added.n, plan, error);
}

static unsigned deepest(const struct trie_node *node)
{
	return node ? node->deepest : 0;
}

unsigned side_meters(const struct side *side)
{
	unsigned v4 = deepest(side->local[FAMILY_4]) + deepest(side->remote[FAMILY_4]);
	unsigned v6 = deepest(side->local[FAMILY_6]) + deepest(side->remote[FAMILY_6]);

	return v4 > v6 ? v4 : v6;
}

// Every meter counts: what a frame could not carry is refused, not left out.
static int check_meters(const struct acl_state *state, const char *target, struct weir_error *error)
{
	for (unsigned i = 0; i < N_SIDES; i++) {
		unsigned n = side_meters(&state->sides[i]);

		if (n > METERS_MAX)
			return weir_refuse(error, -E2BIG, "action",
				"port %s: the prefixes nest so that %u meters count one frame, "
				"direction %s: at most %d can",
				target, n, i == SIDE_IN ? "in" : "out", METERS_MAX);
	}
	return 0;
}

static uint64_t fields(const struct conditions *c, unsigned side)
{
	bool in = side == SIDE_IN;
	uint64_t set = 0;

	if (in ? c->remote : c->local)
		set |= WEIR_FIELD_IP_SRC;
	if (in ? c->local : c->remote)
		set |= WEIR_FIELD_IP_DST;
	if (in ? c->remote_mac : c->local_mac)
		set |= WEIR_FIELD_ETH_SRC;
	if (in ? c->local_mac : c->remote_mac)
		set |= WEIR_FIELD_ETH_DST;
	if (c->protocol)
		set |= WEIR_FIELD_IP_PROTO;
	if (c->ports)
		set |= WEIR_FIELD_L4_SRC | WEIR_FIELD_L4_DST;
	if (c->icmp_type)
		set |= WEIR_FIELD_L4_SRC;
	// Fragments are of a VLAN.
	if (c->ports || c->icmp_type)
		set |= WEIR_FIELD_VLAN_ID;
	if (c->icmp_code)
		set |= WEIR_FIELD_L4_DST;
	if (c->vlan)
		set |= WEIR_FIELD_VLAN_ID;
	return set;
}

static bool is_empty(const struct side *side)
{
	bool empty = !side->weights;

	for (unsigned i = 0; i < N_FAMILIES; i++)
		empty = empty && !side->local[i] && !side->remote[i];
	return empty;
}

// Only what this port's policies read, so that a port without any keeps the keys of its addresses.
static void declare(const struct acl_state *state, struct weir_plan *plan)
{
	static const enum weir_stage stages[N_SIDES] = {
		[SIDE_IN] = WEIR_STAGE_EGRESS, [SIDE_OUT] = WEIR_STAGE_INGRESS
	};

	bool sessions = state_keeps_sessions(state);

	for (unsigned i = 0; i < N_SIDES; i++) {
		uint64_t set = fields(&state->sides[i].conditions, i);

		// Replies go the other way.
		weir_plan_reads(plan, stages[i], set | (sessions ? WEIR_SESSION_FIELDS : 0));
		if (is_empty(&state->sides[i]) && !sessions)
			weir_plan_inactive(plan, stages[i]);
	}
}

// ---- The hooks

static int prepare(struct acl_state *state, const struct acl_state *before,
	const struct weir_target *target, struct weir_plan *plan, struct weir_error *error)
{
	struct difference d = { 0 };
	int failed = difference_find(state, before, target, &d, error);

	if (!failed)
		failed = carry_over(state, &d, error);
	if (!failed)
		failed = list_gone(state, &d, error);
	if (!failed)
		failed = check_meters(state, target->name, error);
	if (!failed)
		failed = state_classify(state, before, &d.removed, &d.added, error);
	if (!failed)
		failed = hold_changed(state, before, &d, plan, error);
	if (!failed)
		declare(state, plan);
	difference_free(&d);
	return failed;
}

static int make(struct acl_instance *instance, struct acl_port *port, struct acl_state *before,
	const struct weir_target *target, struct weir_plan *plan, struct acl_state **made,
	struct weir_error *error)
{
	struct acl_state *state = state_make(instance, port, before, target->n_policies);
	int failed;

	if (!state)
		return weir_refuse(
			error, -ENOMEM, NULL, "no memory for %zu policies", target->n_policies);
	failed = prepare(state, before, target, plan, error);
	if (failed)
		state_free(state);
	else
		*made = state;
	return failed;
}

int acl_prepare(void *context, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	struct acl_instance *instance = context;
	struct acl_port *port = port_get(instance, target->port);
	struct acl_state *state = NULL, *before = NULL;
	int failed = 0;

	if (!port)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	// The last one that was committed may be in force no more, and the one before it again.
	do {
		before = before ? before->before : port->current;
		failed = make(instance, port, before, target, plan, &state, error);
	} while (failed == -ESTALE && before);
	port_put(port);
	if (!failed)
		*prepared = state;
	return failed;
}

static void tell_normalised(struct acl_state *state)
{
	char text[256];

	for (uint32_t i = 0; i < state->n_told && i < TOLD_MAX; i++) {
		item_format(state->told[i], text, sizeof(text));
		weir_log(state->attachment, LOG_NOTICE,
			"policy %s: its prefix has bits set behind its length, and is taken as: %s",
			state->told[i]->id, text);
	}
	if (state->n_told > TOLD_MAX)
		weir_log(state->attachment, LOG_NOTICE,
			"prefixes of %u more policies have bits set behind their length: the "
			"status policy says which",
			state->n_told - TOLD_MAX);
	state->n_told = 0;
}

static void forget_gone(struct acl_state *state)
{
	free(state->gone);
	state->gone = NULL;
	state->n_gone = 0;
}

const void *acl_commit(void *context, void *prepared)
{
	struct acl_state *state = prepared;

	(void)context;
	if (state->before) {
		forget_gone(state->before); // of a change that was not published
		state->before->gone = state->gone;
		state->before->n_gone = state->n_gone;
		state->gone = NULL;
		state->n_gone = 0;
	}
	state->port->current = state;
	tell_normalised(state);
	return state;
}

// Nobody has seen it: what it would have ended goes on.
void acl_abort(void *context, void *prepared)
{
	(void)context;
	state_free(prepared);
}

static void end_sessions(const struct acl_state *state)
{
	if (state->n_gone)
		weir_sessions_end_some(
			state->attachment, state->port->id, state->gone, state->n_gone);
}

// Nothing leads to it any more.
static void unlink_state(struct acl_port *port, const struct acl_state *released)
{
	for (struct acl_state *s = port->current; s; s = s->before)
		if (s->before == released)
			s->before = released->before;
}

void acl_release(void *context, const void *released)
{
	struct acl_state *state = (struct acl_state *)released;
	struct acl_port *port = state->port;

	(void)context;
	if (port->current != state) {
		unlink_state(port, state);
		end_sessions(state);
	} else {
		// The port or the extension leaves; or the one before is in force again, with the
		// rules that were to go.
		port->current = state->before;
		if (port->current)
			forget_gone(port->current);
	}
	state_free(state);
}
