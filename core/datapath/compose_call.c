// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Calling a decide hook, in strict mode twice.
#include "datapath/composer.h"

// What a hook's decision consists of, for strict mode's comparison.
struct verdict {
	struct composition composition;
	struct composer composer;
};

// Where the frame came from is a field like others at the egress stages, structure before.
static weir_port_id shown_ingress(const struct composer *c, const struct hook *hook)
{
	bool shown = hook->stage != WEIR_STAGE_EGRESS ||
		     (hook->mask.fields & WEIR_FIELD_INGRESS_PORT);

	return shown ? c->ingress : WEIR_PORT_NONE;
}

static void call_with(struct composer *c, const struct hook *hook)
{
	struct weir_flow flow;

	key_to_flow(&c->key, &hook->mask, shown_ingress(c, hook), c->egress, &flow);
	hook->decide(hook->state, &flow, &c->decision);
}

static bool same_verdict(const struct verdict *before, const struct composer *now)
{
	const struct composition *a = &before->composition, *b = now->out;

	return a->n_ops == b->n_ops && a->n_depends == b->n_depends &&
	       memcmp(a->depends, b->depends, a->n_depends * sizeof(a->depends[0])) == 0 &&
	       memcmp(a->ops, b->ops, a->n_ops * sizeof(a->ops[0])) == 0 &&
	       a->n_sessions == b->n_sessions &&
	       memcmp(a->sessions, b->sessions, a->n_sessions * sizeof(a->sessions[0])) == 0 &&
	       before->composer.dropped == now->dropped &&
	       before->composer.drop_reason == now->drop_reason &&
	       before->composer.flood == now->flood && before->composer.native == now->native &&
	       before->composer.n_destinations == now->n_destinations &&
	       memcmp(before->composer.destinations, now->destinations,
		       now->n_destinations * sizeof(now->destinations[0])) == 0 &&
	       memcmp(&before->composer.key, &now->key, sizeof(now->key)) == 0;
}

// A flow that differs in everything the hook did not declare. The hook is called without its mask's
// help: key_to_flow() shows the same fields as before, so the filler goes straight into the struct.
static void call_with_filler(struct composer *c, const struct hook *hook)
{
	struct key_mask others = hook->mask;
	struct flow_key filler = c->key;
	struct weir_flow flow, hidden;

	for (unsigned i = 1; i < KEY_WORDS; i++) {
		others.bits.w[i] = ~hook->mask.bits.w[i];
		filler.w[i] = (c->key.w[i] & hook->mask.bits.w[i]) |
			      (UINT64_C(0x5a5a5a5a5a5a5a5a) & others.bits.w[i]);
	}
	others.bits.w[0] = UINT64_MAX;
	others.fields = ~hook->mask.fields;
	key_to_flow(&c->key, &hook->mask, shown_ingress(c, hook), c->egress, &flow);
	key_to_flow(&filler, &others, c->ingress, c->egress, &hidden);
	for (size_t i = offsetof(struct weir_flow, eth_dst); i < sizeof(flow); i++)
		((uint8_t *)&flow)[i] |= ((const uint8_t *)&hidden)[i];
	hook->decide(hook->state, &flow, &c->decision);
}

// A decision must not depend on what was not declared: decides again with other values there.
static void call_strict(struct composer *c, const struct hook *hook)
{
	static const char impure[] =
		"the decision depends on fields that the extension did not declare";
	struct composition *out = c->out;
	struct verdict before = { *out, *c }, first;

	call_with(c, hook);
	first = (struct verdict){ *out, *c };
	*c = before.composer;
	*out = before.composition;
	c->again = true;
	// Another worker may open or end a session meanwhile.
	c->first = &first.composition;
	call_with_filler(c, hook);
	c->again = false;
	c->first = NULL;
	if (!same_verdict(&first, c))
		composer_offence(c, OFFENCE_IMPURE, impure);
	*c = first.composer;
	*out = first.composition;
}

void composer_call(struct composer *c, const struct hook *hook)
{
	c->hook = hook;
	c->hook_ended = false;
	c->decision.switch_state = hook->entry->switch_state;
	if (c->decision.tracing) {
		composer_trace_call(c, hook, call_with);
		return;
	}
	__atomic_fetch_add(&hook->entry->counters->decisions, 1, __ATOMIC_RELAXED);
	if (c->context->snapshot->strict)
		call_strict(c, hook);
	else
		call_with(c, hook);
	if (c->context->slow)
		c->began = slow_check(
			c->context->slow, c->began, hook->entry->attachment, c->port->index);
}
