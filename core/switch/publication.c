// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Putting in force: the snapshots of a whole switch.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/generation.h"
#include "datapath/rcu.h"
#include "datapath/snapshot.h"
#include "switch/attachment.h"
#include "switch/missing.h"
#include "switch/port.h"
#include "switch/publish.h"
#include "switch/stack.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/wait.h"
#include "switch/weir.h"

struct publication {
	struct vswitch *vswitch;
	struct stack *stack;            // NULL: the old one stays
	struct published_port *nowhere; // with the stack
	struct published_port **ports;  // by index; NULL: as it is
	struct published_snapshot *next;
};

static void port_unused(struct deferred *d)
{
	free(d); // the deferred head is the first member
}

static struct published_port *published_of(struct snapshot_port *port)
{
	return (struct published_port *)((char *)port - offsetof(struct published_port, port));
}

static void retire_port(struct weir *w, struct snapshot_port *port)
{
	if (port)
		weir_defer(w, &published_of(port)->deferred, port_unused);
}

// ---- Snapshots

static struct published_snapshot *snapshot_make(const struct vswitch *s, const struct stack *stack)
{
	struct published_snapshot *p = calloc(
		1, sizeof(*p) + s->n_indices * sizeof(p->snapshot.ports[0]));

	if (!p)
		return NULL;
	p->snapshot.n_ports = s->n_indices;
	p->snapshot.nowhere = s->nowhere_snapshot;
	p->snapshot.policers = &s->policer_table;
	p->snapshot.has_forwarding = publish_has_forwarding(stack);
	p->snapshot.strict = s->weir->options.strict;
	for (unsigned i = 0; i < s->n_indices; i++)
		p->snapshot.ports[i] = s->ports[i] ? s->ports[i]->snapshot : NULL;
	return p;
}

static void snapshot_unused(struct deferred *d)
{
	free(d);
}

static void snapshot_publish(struct vswitch *s, struct published_snapshot *p)
{
	const struct snapshot *old = s->published;

	rcu_publish(&s->published, &p->snapshot);
	if (old)
		weir_defer(s->weir,
			&((struct published_snapshot *)((char *)old -
							offsetof(struct published_snapshot,
								snapshot)))
				 ->deferred,
			snapshot_unused);
}

// Of a port that is new, who adds it says so.
static void say_blocked(const struct port *port, const struct snapshot_port *before)
{
	if (before && before->blocked != port->snapshot->blocked)
		port_tell_blocked(port);
}

int publish_port(struct port *port, struct published_port *published)
{
	struct vswitch *s = port->target.vswitch;
	struct snapshot_port *old = port->snapshot;
	struct published_snapshot *next;

	port->snapshot = &published->port;
	next = snapshot_make(s, s->stack);
	if (!next) {
		port->snapshot = old;
		free(published);
		return -ENOMEM;
	}
	snapshot_publish(s, next);
	port->dirty = false;
	generation_move(s->generation, published->port.slot);
	say_blocked(port, old);
	retire_port(s->weir, old);
	return 0;
}

void publish_port_retire(struct port *port)
{
	retire_port(port->target.vswitch->weir, port->snapshot);
	port->snapshot = NULL;
}

int publish_without(struct vswitch *s, struct port *port)
{
	struct published_snapshot *next;

	port_unlink(port);
	next = snapshot_make(s, s->stack);
	if (!next) {
		port_link(port);
		return -ENOMEM;
	}
	snapshot_publish(s, next);
	generation_move(s->generation, port->snapshot->slot);
	publish_port_retire(port);
	return 0;
}

static struct stack *stack_make(const struct vswitch *s)
{
	struct stack *stack = calloc(
		1, sizeof(*stack) + s->n_attachments * sizeof(stack->entries[0]));

	if (!stack)
		return NULL;
	for (struct attachment *a = s->attachments; a; a = a->next) {
		const struct target_state *state = target_state_of(&s->target, a);

		stack->entries[stack->n] = (struct stack_entry){
			.extension = a->descriptor,
			.instance = a->instance,
			.switch_state = state ? state->state : NULL,
			.counters = &a->counters,
			.attachment = a->id,
			.visitor = a->descriptor->visit ? a->visitor : 0,
			.number = a->number,
			.order = (uint8_t)stack->n,
			.reasons = a->reasons,
		};
		stack->n++;
	}
	return stack;
}

static void stack_unused(struct deferred *d)
{
	free(d);
}

// ---- A switch at once

static int make_ports(struct publication *p, bool all)
{
	struct vswitch *s = p->vswitch;

	p->ports = calloc(s->n_indices + 1, sizeof(*p->ports));
	for (unsigned i = 0; p->ports && i < s->n_indices; i++) {
		if (!s->ports[i] || (!all && !s->ports[i]->dirty))
			continue;
		p->ports[i] = publish_port_make(s->ports[i], p->stack ? p->stack : s->stack);
		if (!p->ports[i])
			return -ENOMEM;
	}
	return p->ports ? 0 : -ENOMEM;
}

static int make_next(struct publication *p)
{
	struct vswitch *s = p->vswitch;

	p->next = snapshot_make(s, p->stack ? p->stack : s->stack);
	if (!p->next)
		return -ENOMEM;
	if (p->nowhere)
		p->next->snapshot.nowhere = &p->nowhere->port;
	for (unsigned i = 0; i < s->n_indices; i++)
		if (p->ports[i])
			p->next->snapshot.ports[i] = &p->ports[i]->port;
	return 0;
}

struct publication *publication_make(struct vswitch *s, bool all)
{
	struct publication *p = calloc(1, sizeof(*p));
	bool made = p != NULL;

	if (made)
		p->vswitch = s;
	if (made && all) {
		p->stack = stack_make(s);
		p->nowhere = p->stack ? publish_nowhere_make(s, p->stack) : NULL;
		made = p->nowhere != NULL;
	}
	if (made && make_ports(p, all) == 0 && make_next(p) == 0)
		return p;
	publication_discard(p);
	return NULL;
}

void publication_discard(struct publication *p)
{
	if (!p)
		return;
	for (unsigned i = 0; p->ports && i < p->vswitch->n_indices; i++)
		free(p->ports[i]);
	free(p->ports);
	free(p->nowhere);
	free(p->stack);
	free(p->next);
	free(p);
}

static void exchange_stack(struct publication *p)
{
	struct vswitch *s = p->vswitch;

	generation_move(s->generation, p->nowhere->port.slot);
	retire_port(s->weir, s->nowhere_snapshot);
	s->nowhere_snapshot = &p->nowhere->port;
	if (s->stack)
		weir_defer(s->weir, &s->stack->deferred, stack_unused);
	s->stack = p->stack;
}

void publication_force(struct publication *p)
{
	struct vswitch *s = p->vswitch;

	snapshot_publish(s, p->next);
	for (unsigned i = 0; i < s->n_indices; i++) {
		struct snapshot_port *old;

		if (!p->ports[i])
			continue;
		old = s->ports[i]->snapshot;
		generation_move(s->generation, p->ports[i]->port.slot);
		s->ports[i]->snapshot = &p->ports[i]->port;
		s->ports[i]->dirty = false;
		say_blocked(s->ports[i], old);
		retire_port(s->weir, old);
	}
	if (p->stack)
		exchange_stack(p);
	free(p->ports);
	free(p);
}

int publish_all(struct vswitch *s)
{
	struct publication *p = publication_make(s, true);

	if (!p)
		return -ENOMEM;
	publication_force(p);
	return 0;
}

void publish_free(struct vswitch *s)
{
	if (s->published)
		free((char *)s->published - offsetof(struct published_snapshot, snapshot));
	if (s->nowhere_snapshot)
		free(published_of(s->nowhere_snapshot));
	free(s->stack);
}
