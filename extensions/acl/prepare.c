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

	if (d->removed.n)
		state_let_go(state, &d->removed);
	for (size_t i = 0; !failed && i < d->removed.n; i++)
		failed = state_remove(state, d->removed.items[i], error);
	for (size_t i = 0; !failed && i < d->added.n; i++) {
		failed = state_add(state, d->added.items[i], error);
		if (d->added.items[i]->normalised)
			state->told = d->added.items[i];
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

// Has the meters and policers that items name held for this state. An item that workers may be
// reading has its number already, which is still the same as long as a state in force holds it.
// -ESTALE: it is not: the state before never came into force.
static int hold(const struct acl_state *state, struct weir_plan *plan, struct weir_error *error)
{
	for (size_t i = 0; i < state->held.n; i++) {
		struct item *item = state->held.items[i];
		bool meter = item->action == ACTION_METER;
		uint32_t *number = meter ? &item->meter : &item->policer, id = 0;
		int failed = meter ? weir_plan_meter(plan, item->id, &id)
				   : weir_plan_policer(plan, item->id, item->rate_bps,
					     item->burst_bytes, &id);

		if (failed)
			return weir_refuse(error, failed, NULL, "policy %s: no memory for its %s",
				item->id, meter ? "meter" : "policer");
		if (item->fresh)
			*number = id;
		else if (*number != id)
			return -ESTALE;
		item->fresh = false;
	}
	return 0;
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
		failed = hold(state, plan, error);
	if (!failed)
		declare(state, plan);
	difference_free(&d);
	return failed;
}

static int make(struct acl_instance *instance, struct acl_port *port,
	const struct acl_state *before, const struct weir_target *target, struct weir_plan *plan,
	struct acl_state **made, struct weir_error *error)
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
	struct acl_state *state = NULL;
	int failed;

	if (!port)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	failed = make(instance, port, port->current, target, plan, &state, error);
	if (failed == -ESTALE)
		failed = make(instance, port, NULL, target, plan, &state, error);
	port_put(port);
	if (!failed)
		*prepared = state;
	return failed;
}

const void *acl_commit(void *context, void *prepared)
{
	struct acl_instance *instance = context;
	struct acl_state *state = prepared;
	char text[256];

	if (state->port->current) {
		state->port->current->gone = state->gone;
		state->port->current->n_gone = state->n_gone;
		state->gone = NULL;
		state->n_gone = 0;
	}
	state->port->current = state;
	if (state->told) {
		item_format(state->told, text, sizeof(text));
		weir_log(instance->attachment, LOG_NOTICE,
			"policy %s: its prefix has bits set behind its length, and is taken as: %s",
			state->told->id, text);
		state->told = NULL;
	}
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

void acl_release(void *context, const void *released)
{
	struct acl_state *state = (struct acl_state *)released;

	(void)context;
	if (state->port->current == state)
		state->port->current = NULL; // the port or the extension leaves
	else
		end_sessions(state);
	state_free(state);
}
