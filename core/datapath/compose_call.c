// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Calling a decide hook, in strict mode more than once.
#include "datapath/composer.h"
#include "datapath/text.h"

// What a hook's decision consists of, for strict mode's comparison.
struct verdict {
	struct composition composition;
	struct composer composer;
};

// Where the frame came from is a field like others at the egress stages, structure before.
static bool shows_ingress(const struct hook *hook)
{
	return hook->stage != WEIR_STAGE_EGRESS || (hook->mask.fields & WEIR_FIELD_INGRESS_PORT);
}

static void call_with(struct composer *c, const struct hook *hook)
{
	struct weir_flow flow;

	key_to_flow(&c->key, &hook->mask, shows_ingress(hook) ? c->ingress : WEIR_PORT_NONE,
		c->egress, &flow);
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

typedef void call(struct composer *c, const struct hook *hook, uint64_t fields);

// Calls the hook with what it declared, and with what this key has in the fields, which it did not
// declare. The hook is called without its mask's help: key_to_flow() shows the same fields as
// before, so what it hides goes straight into the struct.
static void call_with_hidden(struct composer *c, const struct hook *hook, uint64_t fields,
	const struct flow_key *hidden_key, weir_port_id hidden_ingress)
{
	struct key_mask others;
	struct weir_flow flow, hidden;

	if (!(fields & WEIR_FIELD_INGRESS_PORT))
		hidden_ingress = WEIR_PORT_NONE;
	key_mask_make(&others, fields);
	key_to_flow(&c->key, &hook->mask, shows_ingress(hook) ? c->ingress : hidden_ingress,
		c->egress, &flow);
	key_to_flow(hidden_key, &others, c->ingress, c->egress, &hidden);
	for (size_t i = offsetof(struct weir_flow, eth_dst); i < sizeof(flow); i++)
		((uint8_t *)&flow)[i] |= ((const uint8_t *)&hidden)[i];
	hook->decide(hook->state, &flow, &c->decision);
}

// Finds who compares with zero, or with what no frame of a test has.
static void call_with_filler(struct composer *c, const struct hook *hook, uint64_t fields)
{
	struct flow_key filler = c->key;

	for (unsigned i = 1; i < KEY_WORDS; i++)
		filler.w[i] = (c->key.w[i] & hook->mask.bits.w[i]) |
			      (UINT64_C(0x5a5a5a5a5a5a5a5a) & ~hook->mask.bits.w[i]);
	call_with_hidden(c, hook, fields, &filler, 0x5a5a5a5a);
}

// Finds who compares with a value that the frame at hand has.
static void call_with_frame(struct composer *c, const struct hook *hook, uint64_t fields)
{
	struct flow_key key = *c->context->whole;

	key.w[0] = c->key.w[0];
	call_with_hidden(c, hook, fields, &key, c->context->whole_ingress);
}

// What was before the decision, and what was decided first.
struct trial {
	struct verdict before, first;
};

// Decides again from what was before, and compares with what was decided first.
static bool decides_the_same(struct composer *c, const struct hook *hook, const struct trial *trial,
	call *again, uint64_t fields)
{
	*c = trial->before.composer;
	*c->out = trial->before.composition;
	c->again = true;
	// Another worker may open or end a session meanwhile.
	c->first = &trial->first.composition;
	again(c, hook, fields);
	c->again = false;
	c->first = NULL;
	return same_verdict(&trial->first, c);
}

static bool is_pure(
	struct composer *c, const struct hook *hook, const struct trial *trial, uint64_t fields)
{
	return decides_the_same(c, hook, trial, call_with_filler, fields) &&
	       (!c->context->whole || decides_the_same(c, hook, trial, call_with_frame, fields));
}

// What its author is to look for: the fields, by the names that they are declared with, of which
// each by itself makes a difference. Or there is one although nothing does.
static void describe_impurity(struct composer *c, const struct hook *hook,
	const struct trial *trial, uint64_t hidden, char *text, size_t size)
{
	static const char *const names[] = { "ETH_DST", "ETH_SRC", "ETH_TYPE", "VLAN_ID",
		"VLAN_PCP", "INNER_VLAN", "IP_SRC", "IP_DST", "IP_PROTO", "IP_TOS", "IP_TTL",
		"IP6_LABEL", "L4_SRC", "L4_DST", "INGRESS_PORT" };
	enum { NAMED_MAX = 3 };
	struct text t = { text, size, 0 };
	unsigned n = 0;

	_Static_assert((UINT64_C(1) << sizeof(names) / sizeof(names[0])) - 1 == WEIR_FIELDS_ALL,
		"every field has a name");
	if (!is_pure(c, hook, trial, 0)) {
		text_put(&t, "something else than the flow, as a counter or a clock");
		return;
	}
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(hidden & UINT64_C(1) << i) || is_pure(c, hook, trial, UINT64_C(1) << i))
			continue;
		if (n++ < NAMED_MAX)
			text_put(&t, "%sWEIR_FIELD_%s", n > 1 ? ", " : "", names[i]);
	}
	text_put(&t, "%s, not declared to be read",
		n == 0          ? "fields"
		: n > NAMED_MAX ? " and more"
				: "");
}

// A decision must not depend on what was not declared: decides again with other values there.
static void call_strict(struct composer *c, const struct hook *hook)
{
	const uint64_t hidden = WEIR_FIELDS_ALL & ~hook->mask.fields;
	struct composition *out = c->out;
	struct trial trial = { .before = { *out, *c } };
	char why[120] = "";

	call_with(c, hook);
	trial.first = (struct verdict){ *out, *c };
	if (!is_pure(c, hook, &trial, hidden))
		describe_impurity(c, hook, &trial, hidden, why, sizeof(why));
	*c = trial.first.composer;
	*out = trial.first.composition;
	if (*why)
		composer_offence(c, OFFENCE_IMPURE, "the decision at stage %s depends on %s",
			composer_stage_name(c), why);
}

void composer_call(struct composer *c, const struct hook *hook)
{
	c->hook = hook;
	c->hook_ended = c->remembers = c->refused = false;
	c->decision.switch_state = hook->entry->switch_state;
	if (c->decision.tracing) {
		composer_trace_call(c, hook, call_with);
		return;
	}
	if (!c->context->check)
		__atomic_fetch_add(&hook->entry->counters->decisions, 1, __ATOMIC_RELAXED);
	if (c->context->snapshot->strict)
		call_strict(c, hook);
	else
		call_with(c, hook);
	if (c->context->slow)
		c->began = slow_check(
			c->context->slow, c->began, hook->entry->attachment, c->port->index);
}
