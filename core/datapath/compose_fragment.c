// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What decisions say about fragments.
#include <string.h>

#include "datapath/composer.h"

#define MAY (1u << WEIR_CLASS_FILTER | 1u << WEIR_CLASS_FORWARDING)

static bool may_say(struct composer *c, const char *what)
{
	if (!composer_may(c, MAY, what))
		return false;
	if (c->hook->mask.fields & WEIR_FIELD_VLAN_ID)
		return true;
	composer_offence(
		c, OFFENCE_INVALID, "%s: the extension must read VLAN_ID at this stage", what);
	return false;
}

static bool is_valid(struct composer *c, const struct weir_fragment_verdict *v, const char *what)
{
	if (v->reserved) {
		composer_offence(
			c, OFFENCE_INVALID, "%s: reserved %u: must be 0", what, v->reserved);
		return false;
	}
	if (v->verdict > WEIR_FRAGMENT_POLICE) {
		composer_offence(c, OFFENCE_INVALID, "%s: verdict %u: must be 0 to %d", what,
			v->verdict, WEIR_FRAGMENT_POLICE);
		return false;
	}
	if (v->verdict == WEIR_FRAGMENT_DROP)
		return composer_reason_valid(c, v->reason);
	return v->verdict != WEIR_FRAGMENT_POLICE || composer_policer(c, v->policer);
}

static void record(
	struct composer *c, enum op_code code, uint8_t flags, uint16_t reason, uint32_t policer)
{
	composer_op(c, (struct op){ .code = (uint8_t)code,
			       .stage = c->hook->stage,
			       .port = c->port->index,
			       .adjust = code == OP_FOLLOW ? c->wire_adjust : 0,
			       .flags = flags,
			       .arg = (uint32_t)c->hook->entry->number << 16 | key_vlan(&c->key),
			       .reason = reason,
			       .policer = policer });
}

static bool is_of(const struct composer *c, enum weir_fragment which)
{
	return key_bits(c->key.w[0], KEY_FRAGMENT_SHIFT, 2) == which;
}

// which: the fragments that the operation is for; about others nothing is said.
static void say(struct composer *c, enum op_code code, enum weir_fragment which,
	const struct weir_fragment_verdict *verdict, const char *what)
{
	struct weir_fragment_verdict v;
	struct weir_error why;

	if (!may_say(c, what))
		return;
	if (SIZED_TAKE(weir_fragment_verdict, policer, &v, verdict, &why) < 0) {
		composer_offence(c, OFFENCE_INVALID, "%s: %s", what, why.message);
		return;
	}
	if (!is_valid(c, &v, what) || composer_has_passed(c) || !is_of(c, which))
		return;
	c->remembers |= code == OP_REMEMBER;
	if (v.verdict == WEIR_FRAGMENT_DROP)
		record(c, code, FRAGMENT_DROPS, entry_reason(c->hook->entry, v.reason), 0);
	else
		record(c, code, 0, 0, v.verdict == WEIR_FRAGMENT_POLICE ? v.policer + 1 : 0);
}

void composer_fragment_refused(struct composer *c, uint16_t reason)
{
	if (!is_of(c, WEIR_FRAGMENT_FIRST))
		return;
	if (c->remembers)
		record(c, OP_REMEMBER, FRAGMENT_DROPS, reason, 0);
	c->refused = !c->remembers;
	c->refused_reason = reason;
}

void composer_fragment_remember(
	struct weir_decision *d, const struct weir_fragment_verdict *verdict)
{
	struct composer *c = (struct composer *)d;

	if (c->refused) {
		// The hook cannot know, and has no say any more.
		record(c, OP_REMEMBER, FRAGMENT_DROPS, c->refused_reason, 0);
		c->refused = false;
		return;
	}
	say(c, OP_REMEMBER, WEIR_FRAGMENT_FIRST, verdict, "fragment_remember");
}

void composer_fragment_follow(struct weir_decision *d, const struct weir_fragment_verdict *unknown)
{
	say((struct composer *)d, OP_FOLLOW, WEIR_FRAGMENT_LATER, unknown, "fragment_follow");
}
