// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/composer.h"
#include "forwarding/native.h"

static void call_stage(struct composer *c, enum weir_stage stage, unsigned start)
{
	const struct snapshot_port *port = c->port;

	for (unsigned i = port->first[stage]; i < port->first[stage + 1] && !c->dropped; i++)
		if (port->hooks[i].position >= start)
			composer_call(c, &port->hooks[i]);
}

// ---- What the core decides

static void core_drop(struct composer *c, enum weir_stage stage, enum core_reason reason)
{
	if (c->decision.tracing)
		composer_tell(c, stage, COMPOSE_DROP, reason_of(0, reason), "%s", "");
	c->dropped = true;
	c->drop_stage = stage;
	c->drop_reason = reason_of(0, reason);
}

enum core_reason compose_vlan_reason(enum vlan_refusal why)
{
	static const enum core_reason reasons[] = {
		[VLAN_REFUSED_TAGGED] = REASON_TAG_ON_ACCESS_PORT,
		[VLAN_REFUSED_UNTAGGED] = REASON_UNTAGGED_ON_TRUNK,
		[VLAN_REFUSED_NOT_ALLOWED] = REASON_VLAN_NOT_ALLOWED,
	};

	return reasons[why];
}

// How much longer the frame is on the port's wire than inside the switch: the tag of a VLAN whose
// frames the port carries without it.
static int8_t tag_of_switch(const struct snapshot_port *port, const struct flow_key *key)
{
	enum vlan_egress_tag tag;

	return vlan_egress(&port->vlan, key_vlan(key), &tag) && tag == VLAN_EGRESS_UNTAG ? -4 : 0;
}

static void classify_vlan(struct composer *c)
{
	enum vlan_ingress_tag tag;
	enum vlan_refusal why;
	uint16_t vlan;

	if (!vlan_ingress(
		    &c->port->vlan, key_tags(&c->key), key_vlan(&c->key), &vlan, &tag, &why)) {
		core_drop(c, WEIR_STAGE_INGRESS, compose_vlan_reason(why));
		return;
	}
	if (tag == VLAN_INGRESS_PUSH) {
		composer_push_vlan(c, vlan);
		c->wire_adjust = -4;
	} else if (tag == VLAN_INGRESS_SET_VID)
		composer_set(c, WEIR_FIELD_VLAN_ID, &vlan, sizeof(vlan));
	if (c->decision.tracing && vlan)
		composer_tell(c, WEIR_STAGE_INGRESS, COMPOSE_VLAN, vlan, "in vlan %u%s", vlan,
			tag == VLAN_INGRESS_PUSH      ? ": its tag is pushed"
			: tag == VLAN_INGRESS_SET_VID ? ": its number goes into the priority tag"
						      : ", as its tag says");
}

static void set_forwarded(struct composer *c, enum weir_forwarded forwarded)
{
	c->key.w[0] = (c->key.w[0] & ~(UINT64_C(7) << KEY_FORWARDED_SHIFT)) |
		      (uint64_t)forwarded << KEY_FORWARDED_SHIFT;
}

static enum weir_forwarded forwarded(const struct composer *c)
{
	return key_bits(c->key.w[0], KEY_FORWARDED_SHIFT, 3);
}

static bool same_source(const struct composer *c)
{
	return ((c->key.w[2] ^ c->source) & KEY_MAC_MASK) == 0;
}

static uint64_t key_source(const struct flow_key *key, uint16_t vlan)
{
	uint8_t mac[6];

	memcpy(mac, &key->w[2], sizeof(mac));
	return generation_address(vlan, mac);
}

static void forward_natively(struct composer *c)
{
	struct native_decision native;

	native_decide(c->context->fdb, &c->key, c->ingress,
		c->context->trace   ? NATIVE_PRETEND
		: c->context->learn ? NATIVE_LEARN
				    : NATIVE_LOOK,
		c->context->now_s, &native);
	for (unsigned i = 0; i < native.n_depends; i++)
		composer_depend(c, native.depends[i]);
	if (native.moved && c->context->moves)
		fdb_moves_note(c->context->moves, key_source(&c->key, native.vlan),
			native.moved_from, c->ingress);
	// A rewritten source is not the one that a later refresh would find in the key.
	c->out->learned = native.learned && same_source(c);
	c->out->unlearned = native.unlearned && same_source(c);
	c->out->vlan = native.vlan;
	set_forwarded(c, native.forwarded);
	if (c->decision.tracing)
		composer_tell_native(c, &native);
	if (native.verdict == NATIVE_RESERVED)
		core_drop(c, WEIR_STAGE_FORWARD, REASON_RESERVED_ADDRESS);
	else if (native.verdict == NATIVE_SAME_PORT)
		core_drop(c, WEIR_STAGE_FORWARD, REASON_SAME_PORT);
	else if (native.verdict == NATIVE_FLOOD)
		c->flood = true;
	else
		c->destinations[c->n_destinations++] = (uint16_t)native.port;
}

static enum weir_forwarded flood_kind(const struct composer *c)
{
	if (!key_group_address(&c->key))
		return WEIR_FORWARDED_UNKNOWN_UNICAST;
	return key_broadcast(&c->key) ? WEIR_FORWARDED_BROADCAST : WEIR_FORWARDED_MULTICAST;
}

static void forward(struct composer *c)
{
	if (!c->context->snapshot->has_forwarding || c->port->native) {
		forward_natively(c);
		return;
	}
	call_stage(c, WEIR_STAGE_FORWARD, 0);
	if (c->dropped)
		return;
	if (c->native && c->n_destinations == 0 && !c->flood) {
		forward_natively(c);
		return;
	}
	if (c->flood)
		set_forwarded(c, flood_kind(c));
	else if (c->n_destinations)
		set_forwarded(
			c, key_group_address(&c->key) ? flood_kind(c) : WEIR_FORWARDED_UNICAST);
	else
		core_drop(c, WEIR_STAGE_FORWARD, REASON_NO_DESTINATION);
}

static bool can_go_to(
	const struct composer *c, const struct snapshot_port *port, enum core_reason *reason)
{
	enum vlan_egress_tag tag;

	if (!port)
		*reason = REASON_NO_PORT;
	else if (port == c->port)
		*reason = REASON_SAME_PORT;
	else if (!vlan_egress(&port->vlan, key_vlan(&c->key), &tag))
		*reason = REASON_VLAN_NOT_ALLOWED;
	else
		return true;
	return false;
}

// Leaves out destinations that the frame cannot go to; the last one's reason stands for all when
// none is left.
static void check_destinations(struct composer *c)
{
	enum core_reason reason = REASON_NO_DESTINATION;
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_destinations; i++) {
		const struct snapshot_port *port = snapshot_port(
			c->context->snapshot, c->destinations[i]);

		// What is decided here changes with that port, for better or worse.
		composer_depend(c, generation_slot(GENERATION_PORT, c->destinations[i]));
		if (can_go_to(c, port, &reason))
			c->destinations[n++] = c->destinations[i];
		else if (c->decision.tracing && c->n_destinations > 1)
			composer_tell(c, WEIR_STAGE_FORWARD, COMPOSE_LEAVE_OUT,
				reason_of(0, reason), "%s", port ? port->name : "");
	}
	c->n_destinations = n;
	if (n == 0)
		core_drop(c, WEIR_STAGE_FORWARD, reason);
}

// ---- Ending a program

static void leave(struct composer *c, const struct snapshot_port *port)
{
	enum vlan_egress_tag tag;

	if (!vlan_egress(&port->vlan, key_vlan(&c->key), &tag)) {
		core_drop(c, WEIR_STAGE_EGRESS, REASON_VLAN_NOT_ALLOWED);
		return;
	}
	if (tag == VLAN_EGRESS_UNTAG && c->decision.tracing && key_tags(&c->key))
		composer_tell(c, WEIR_STAGE_EGRESS, COMPOSE_VLAN, key_vlan(&c->key),
			"out of vlan %u: its tag is taken away", key_vlan(&c->key));
	if (tag == VLAN_EGRESS_UNTAG)
		composer_pop_vlan(c);
	composer_op(c, (struct op){ .code = OP_OUTPUT, .port = port->index });
}

static void egress_half(struct composer *c, const struct snapshot_port *port, unsigned start)
{
	composer_depend(c, port->slot);
	c->port = port;
	c->egress = port->id;
	c->wire_adjust = tag_of_switch(port, &c->key);
	call_stage(c, WEIR_STAGE_EGRESS, start);
	if (!c->dropped)
		leave(c, port);
}

// The egress stages of this port read nothing that the ingress key lacks: both halves fit one flow.
static bool fits_one_flow(const struct snapshot_port *ingress, const struct snapshot_port *egress)
{
	return port_n_hooks(egress, WEIR_STAGE_EGRESS) == 0 ||
	       (egress->egress.fields & ~WEIR_FIELD_INGRESS_PORT & ~ingress->ingress.fields) == 0;
}

static void deliver(struct composer *c)
{
	const struct snapshot_port *port = snapshot_port(c->context->snapshot, c->destinations[0]);
	struct op late[PROGRAM_OPS_MAX];
	unsigned n = 0;

	if (c->n_destinations == 1 && fits_one_flow(c->port, port)) {
		egress_half(c, port, 0);
		return;
	}
	// Meters count, and policers are paid for, what is delivered: with one destination its
	// egress half is asked first.
	if (c->n_destinations == 1)
		n = composer_take_late(c, late);
	for (unsigned i = 0; i < c->n_destinations; i++)
		composer_op(c, (struct op){ .code = OP_DELIVER,
				       .forwarded = (uint8_t)forwarded(c),
				       .port = c->destinations[i],
				       .arg = n });
	for (unsigned i = 0; i < n; i++)
		composer_op(c, late[i]);
}

static void finish(struct composer *c)
{
	const struct snapshot_port *port = c->port;

	if (c->too_complex && !c->dropped) {
		c->out->n_ops = 0; // it may end in an output
		core_drop(c, WEIR_STAGE_FORWARD, REASON_STACK_TOO_COMPLEX);
	}
	if (!c->dropped)
		return;
	// Stage 7: who captures drops sees the flow before it goes.
	composer_strip_dropped(c);
	composer_sessions_dropped(c);
	for (unsigned i = port->first[WEIR_STAGE_DROP]; i < port->first[WEIR_STAGE_DROP + 1]; i++)
		composer_call(c, &port->hooks[i]);
	c->out->n_ops = c->out->n_ops == PROGRAM_OPS_MAX ? 0 : c->out->n_ops;
	composer_op(c, (struct op){ .code = OP_DROP,
			       .stage = c->drop_stage,
			       .port = port->index,
			       .arg = c->drop_reason });
}

// Everything but the operations, whose six kilobytes are written as far as n_ops says.
static void clear(struct composition *out)
{
	out->n_ops = 0;
	out->n_depends = 0;
	memset(out->depends, 0, sizeof(out->depends));
	out->depends_on_all = out->learned = out->unlearned = false;
	out->vlan = 0;
	out->n_sessions = 0;
}

static void start(struct composer *c, const struct compose_context *context,
	const struct flow_key *key, const struct snapshot_port *port, struct composition *out)
{
	clear(out);
	*c = (struct composer){
		.decision = { .ops = context->trace ? &context->trace->ops : &composer_decision_ops,
			.tracing = context->trace != NULL },
		.context = context,
		.out = out,
		.key = *key,
		.ingress = WEIR_PORT_NONE,
		.egress = WEIR_PORT_NONE,
		.port = port,
		.began = context->slow ? cycles() : 0,
	};
	composer_depend(c, port->slot);
}

void compose_ingress(
	const struct compose_context *context, const struct flow_key *key, struct composition *out)
{
	const struct snapshot_port *port = snapshot_port(context->snapshot, key_port(key));
	unsigned from = key_start(key);
	struct composer c;

	start(&c, context, key, port, out);
	c.ingress = port->id;
	if (port->blocked)
		core_drop(&c, WEIR_STAGE_INGRESS, REASON_PORT_DOWN);
	else if (key_malformed(key) == WEIR_MALFORMED_RUNT ||
		 key_malformed(key) == WEIR_MALFORMED_TAGS)
		core_drop(&c, WEIR_STAGE_INGRESS, REASON_MALFORMED);
	else if (from == 0)
		classify_vlan(&c);
	// Egress decisions may ask where the frame came from.
	key_set_ingress(&c.key, port->index);
	c.source = key->w[2];
	if (from)
		c.wire_adjust = tag_of_switch(port, &c.key);
	if (!context->redirect) {
		call_stage(&c, WEIR_STAGE_INGRESS, from);
		if (!c.dropped)
			forward(&c);
	} else {
		c.destinations[c.n_destinations++] = *context->redirect;
		set_forwarded(&c, WEIR_FORWARDED_UNICAST);
	}
	if (!c.dropped)
		call_stage(&c, WEIR_STAGE_FORWARDED, from);
	if (!c.dropped && !c.flood)
		check_destinations(&c);
	if (!c.dropped && c.flood)
		composer_op(&c, (struct op){ .code = OP_FLOOD,
					.forwarded = (uint8_t)forwarded(&c),
					.arg = key_vlan(&c.key) });
	else if (!c.dropped)
		deliver(&c);
	finish(&c);
}

void compose_egress(
	const struct compose_context *context, const struct flow_key *key, struct composition *out)
{
	const struct snapshot_port *port = snapshot_port(context->snapshot, key_port(key));
	const struct snapshot_port *from = snapshot_port(context->snapshot, key_ingress(key));
	struct composer c;

	start(&c, context, key, port, out);
	if ((port->egress.fields & WEIR_FIELD_INGRESS_PORT) && from) {
		c.ingress = from->id;
		composer_depend(&c, from->slot);
	}
	egress_half(&c, port, key_start(key));
	finish(&c);
}

void compose_drop(
	const struct compose_context *context, const struct flow_key *key, struct composition *out)
{
	const struct snapshot_port *port = snapshot_port(context->snapshot, key_port(key));
	struct composer c;

	start(&c, context, key, port, out);
	c.ingress = port->id;
	call_stage(&c, WEIR_STAGE_DROP, 0);
	out->n_ops = out->n_ops == PROGRAM_OPS_MAX ? 0 : out->n_ops;
	composer_op(&c, (struct op){ .code = OP_END });
}
