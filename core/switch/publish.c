// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// From the model to what workers see.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/extension.h>

#include "datapath/counters.h"
#include "datapath/generation.h"
#include "datapath/key.h"
#include "datapath/snapshot.h"
#include "forwarding/native.h"
#include "nic/nic.h"
#include "switch/attachment.h"
#include "switch/missing.h"
#include "switch/port.h"
#include "switch/publish.h"
#include "switch/stack.h"
#include "switch/target.h"
#include "switch/vswitch.h"

struct port_runtime runtime_make(unsigned n_workers)
{
	struct port_runtime r = {
		.counters = aligned_alloc(64, n_workers * sizeof(struct port_counters)),
		.queues = aligned_alloc(64, n_workers * sizeof(struct tx_queue)),
	};

	if (!r.counters || !r.queues) {
		runtime_free(&r);
		return r;
	}
	memset(r.counters, 0, n_workers * sizeof(struct port_counters));
	memset(r.queues, 0, n_workers * sizeof(struct tx_queue));
	return r;
}

void runtime_free(struct port_runtime *r)
{
	free(r->counters);
	free(r->queues);
	*r = (struct port_runtime){ 0 };
}

// ---- Hooks

static weir_decide *hook_function(const struct weir_extension *e, enum weir_stage stage)
{
	switch (stage) {
	case WEIR_STAGE_INGRESS:
		return e->ingress;
	case WEIR_STAGE_FORWARD:
		return e->forward;
	case WEIR_STAGE_FORWARDED:
		return e->forwarded;
	case WEIR_STAGE_EGRESS:
		return e->egress;
	case WEIR_STAGE_DROP:
		return e->dropped;
	default:
		return NULL;
	}
}

struct hook_builder {
	struct published_port *published;
	const struct target *target; // NULL: the port that is nowhere
	unsigned n;
};

// An extension is not asked about what it refused.
static bool is_refused(const struct target_state *state)
{
	return state && state->refusal;
}

static bool asks(const struct target *target, const struct attachment *a)
{
	return !is_refused(target ? target_state_of(target, a) : NULL) &&
	       !is_refused(target_state_of(&a->vswitch->target, a));
}

static void add_hook(struct hook_builder *b, const struct stack_entry *entry,
	const struct attachment *a, enum weir_stage stage, unsigned n_entries)
{
	const struct target_state *state = b->target ? target_state_of(b->target, a) : NULL;
	weir_decide *decide = hook_function(entry->extension, stage);
	struct hook *hook;

	if (!decide || (state && (state->inactive & 1u << stage)) || !asks(b->target, a))
		return;
	// A frame from nowhere is trusted: policies of ports do not concern it.
	if (!b->target && entry->extension->class == WEIR_CLASS_FILTER)
		return;
	hook = &b->published->hooks[b->n++];
	*hook = (struct hook){
		.decide = decide,
		.entry = entry,
		.state = state ? state->state : NULL,
		.position = hook_position(stage, entry->order, n_entries),
		.stage = (uint8_t)stage,
	};
	key_mask_make(&hook->mask, state ? state->reads[stage] : entry->extension->reads);
}

static void add_hooks(struct hook_builder *b, const struct vswitch *s, const struct stack *stack)
{
	const struct attachment *by_order[STACK_MAX];
	unsigned n = 0;

	for (const struct attachment *a = s->attachments; a; a = a->next)
		by_order[n++] = a;
	// A forwarding extension that is not asked, and fails open.
	for (unsigned i = 0; i < n; i++)
		b->published->port.native |= by_order[i]->descriptor->class ==
						     WEIR_CLASS_FORWARDING &&
					     !asks(b->target, by_order[i]);
	for (unsigned stage = 0; stage < WEIR_N_STAGES; stage++) {
		b->published->port.first[stage] = (uint8_t)b->n;
		for (unsigned i = 0; i < stack->n; i++) {
			unsigned at = stage == WEIR_STAGE_EGRESS ? stack->n - 1 - i : i;

			add_hook(b, &stack->entries[at], by_order[at], stage, stack->n);
		}
	}
	b->published->port.first[WEIR_N_STAGES] = (uint8_t)b->n;
}

// ---- Masks

static uint64_t fields_of(const struct snapshot_port *port, enum weir_stage stage)
{
	uint64_t fields = 0;

	for (unsigned i = port->first[stage]; i < port->first[stage + 1]; i++)
		fields |= port->hooks[i].mask.fields;
	return fields;
}

bool publish_has_forwarding(const struct stack *stack)
{
	for (unsigned i = 0; i < stack->n; i++)
		if (stack->entries[i].extension->class == WEIR_CLASS_FORWARDING)
			return true;
	return false;
}

static void make_masks(struct snapshot_port *port, const struct stack *stack)
{
	uint64_t drops = fields_of(port, WEIR_STAGE_DROP);
	uint64_t ingress = fields_of(port, WEIR_STAGE_INGRESS) |
			   fields_of(port, WEIR_STAGE_FORWARD) |
			   fields_of(port, WEIR_STAGE_FORWARDED) | drops | WEIR_FIELD_VLAN_ID;

	// How a frame is forwarded follows from its destination address.
	ingress |= publish_has_forwarding(stack) && !port->native ? WEIR_FIELD_ETH_DST
								  : NATIVE_FIELDS;
	// Where it came in is in the key anyway.
	key_mask_make(&port->ingress, ingress & ~WEIR_FIELD_INGRESS_PORT);
	key_mask_make(
		&port->egress, fields_of(port, WEIR_STAGE_EGRESS) | drops | WEIR_FIELD_VLAN_ID);
}

// Flows keyed under other masks must not meet those keyed under these: a new epoch, and the old
// masks for the frames of flows that have not been decided under the new ones yet.
static void make_epoch(
	struct vswitch *s, struct snapshot_port *port, const struct snapshot_port *before)
{
	if (before && before->ingress.fields == port->ingress.fields &&
		before->egress.fields == port->egress.fields) {
		port->epoch = before->epoch;
		port->old_epoch = before->old_epoch;
		port->old_ingress = before->old_ingress;
		port->masks_changed_at = before->masks_changed_at;
		return;
	}
	port->epoch = ++s->epoch;
	if (before) {
		port->old_epoch = before->epoch;
		port->old_ingress = before->ingress;
		port->masks_changed_at = generation_now(s->generation) + 1;
	}
}

// ---- Ports

static uint32_t frame_max(const struct port *port)
{
	uint32_t mtu = port->mtu ? port->mtu : port->nic ? port->nic->mtu : 0;

	return mtu ? mtu + 14 : UINT32_MAX;
}

static struct published_port *make(struct vswitch *s, const struct target *target,
	const struct stack *stack, const struct snapshot_port *before)
{
	struct published_port *p = calloc(
		1, sizeof(*p) + WEIR_N_STAGES * stack->n * sizeof(struct hook));
	struct hook_builder builder = { .published = p, .target = target };

	if (!p)
		return NULL;
	p->port.hooks = p->hooks;
	add_hooks(&builder, s, stack);
	make_masks(&p->port, stack);
	make_epoch(s, &p->port, before);
	return p;
}

struct published_port *publish_port_make(struct port *port, const struct stack *stack)
{
	struct vswitch *s = port->target.vswitch;
	struct published_port *p = make(s, &port->target, stack, port->snapshot);

	if (!p)
		return NULL;
	p->port.id = port->id;
	p->port.blocked = port_is_blocked(port, NULL);
	p->port.index = port->index;
	p->port.slot = generation_slot(GENERATION_PORT, port->index);
	p->port.nic = port->nic;
	p->port.vlan = port->vlan;
	p->port.frame_max = frame_max(port);
	p->port.runtime = port->runtime;
	memcpy(p->port.name, port->name, sizeof(p->port.name));
	return p;
}

void publish_port_discard(struct published_port *p)
{
	free(p);
}

struct published_port *publish_nowhere_make(struct vswitch *s, const struct stack *stack)
{
	struct published_port *p = make(s, NULL, stack, s->nowhere_snapshot);

	if (!p)
		return NULL;
	p->port.id = WEIR_PORT_NONE;
	p->port.index = KEY_NO_PORT;
	p->port.slot = generation_slot(GENERATION_PORT, KEY_NO_PORT);
	p->port.frame_max = UINT32_MAX;
	p->port.runtime = s->nowhere;
	return p;
}
