// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The host's side of a decision: what an extension says inside a decide hook, checked against the
// rights of its class and the values that make sense.
#include <stdio.h>
#include <string.h>

#include "datapath/composer.h"

#define CLASS(class) (1u << WEIR_CLASS_##class)

static struct composer *composer(struct weir_decision *decision)
{
	return (struct composer *)decision;
}

const char *composer_stage_name(const struct composer *c)
{
	static const char *const names[WEIR_N_STAGES] = { "ingress", "forward", "forwarded",
		"egress", "drop" };

	return names[c->hook->stage];
}

__attribute__((format(printf, 3, 0))) static void offend(
	struct extension_counters *c, uint64_t *counter, const char *format, va_list arguments)
{
	uint32_t unset = 0;

	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
	if (!__atomic_compare_exchange_n(
		    &c->offence_set, &unset, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	vsnprintf(c->offence, sizeof(c->offence), format, arguments);
	__atomic_store_n(&c->offence_set, 2, __ATOMIC_RELEASE);
}

void extension_offend(struct extension_counters *c, uint64_t *counter, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	offend(c, counter, format, arguments);
	va_end(arguments);
}

void composer_offence(struct composer *c, enum offence offence, const char *format, ...)
{
	struct extension_counters *counters = c->hook->entry->counters;
	uint64_t *counter = offence == OFFENCE_VIOLATION ? &counters->violations
			    : offence == OFFENCE_INVALID ? &counters->invalid
							 : &counters->impure;
	va_list arguments;

	if (c->again || (c->context->check && offence != OFFENCE_IMPURE))
		return;
	va_start(arguments, format);
	if (c->decision.tracing)
		composer_vtell(c, c->hook->stage, COMPOSE_REFUSED, 0, format, arguments);
	else
		offend(counters, counter, format, arguments);
	va_end(arguments);
}

bool composer_may(struct composer *c, unsigned classes, const char *what)
{
	enum weir_class class = c->hook->entry->extension->class;

	if (!(classes & 1u << class)) {
		static const char *const names[] = { "", "capture", "filter", "forwarding",
			"service" };

		composer_offence(c, OFFENCE_VIOLATION, "%s at stage %s is not for the class %s",
			what, composer_stage_name(c), names[class]);
		return false;
	}
	return !c->hook_ended;
}

bool composer_has_passed(const struct composer *c)
{
	return c->hook->position < key_start(&c->key);
}

bool composer_reason_valid(struct composer *c, unsigned reason)
{
	if (reason < c->hook->entry->extension->n_drop_reasons)
		return true;
	composer_offence(c, OFFENCE_INVALID, "drop reason %u: the extension has %u", reason,
		c->hook->entry->extension->n_drop_reasons);
	return false;
}

void composer_drop(struct composer *c, uint16_t reason)
{
	c->dropped = c->hook_ended = true;
	c->drop_stage = c->hook->stage;
	c->drop_reason = reason;
}

static void end_with(struct composer *c, unsigned reason)
{
	composer_drop(c, entry_reason(c->hook->entry, reason));
}

static void decide_drop(struct weir_decision *d, unsigned reason)
{
	struct composer *c = composer(d);

	if (!composer_may(c, CLASS(FILTER) | CLASS(FORWARDING), "drop"))
		return;
	if (composer_reason_valid(c, reason))
		end_with(c, reason);
}

static void decide_exclude(struct weir_decision *d, unsigned reason)
{
	struct composer *c = composer(d);

	if (!composer_may(c, CLASS(FILTER), "exclude"))
		return;
	if (c->hook->stage != WEIR_STAGE_EGRESS) {
		composer_offence(c, OFFENCE_VIOLATION,
			"exclude at stage %s: destinations are excluded at stage egress",
			composer_stage_name(c));
		return;
	}
	if (composer_reason_valid(c, reason))
		end_with(c, reason);
}

static void decide_set(struct weir_decision *d, uint64_t field, const void *value, size_t size)
{
	struct composer *c = composer(d);

	if (!composer_may(c, CLASS(FILTER) | CLASS(FORWARDING), "rewrite") ||
		composer_has_passed(c))
		return;
	if (!composer_set(c, field, value, size))
		composer_offence(c, OFFENCE_INVALID,
			"set of field 0x%llx with %zu bytes: the frame has no such field, or the "
			"value is out of range",
			(unsigned long long)field, size);
}

static void decide_meter(struct weir_decision *d, uint32_t meter)
{
	struct composer *c = composer(d);

	if (!composer_may(c, CLASS(FILTER) | CLASS(FORWARDING), "meter") || composer_has_passed(c))
		return;
	if (meter_owner(c->context->meters, meter) != c->hook->entry->number)
		composer_offence(
			c, OFFENCE_INVALID, "meter %u: is none of this extension's", meter);
	else
		composer_op(
			c, (struct op){ .code = OP_METER, .adjust = c->wire_adjust, .arg = meter });
}

const struct policer *composer_policer(struct composer *c, uint32_t id)
{
	const struct policer *policer = policer_at(c->context->snapshot->policers, id);

	if (policer && __atomic_load_n(&policer->owner, __ATOMIC_RELAXED) == c->hook->entry->number)
		return policer;
	composer_offence(c, OFFENCE_INVALID, "policer %u: is none of this extension's", id);
	return NULL;
}

static void police(struct composer *c, uint32_t id, uint16_t reason)
{
	const struct policer *policer = composer_policer(c, id);

	if (policer)
		composer_op(c, (struct op){ .code = OP_POLICE,
				       .stage = c->hook->stage,
				       .port = c->port->index,
				       .adjust = c->wire_adjust,
				       .flags = __atomic_load_n(&policer->unit, __ATOMIC_RELAXED),
				       .arg = id,
				       .reason = reason });
}

static bool may_police(struct composer *c)
{
	return composer_may(c, CLASS(FILTER) | CLASS(FORWARDING), "police") &&
	       !composer_has_passed(c);
}

static void decide_police(struct weir_decision *d, uint32_t id)
{
	if (may_police(composer(d)))
		police(composer(d), id, reason_of(0, REASON_OVER_RATE));
}

static void decide_police_as(struct weir_decision *d, uint32_t id, unsigned reason)
{
	struct composer *c = composer(d);

	if (may_police(c) && composer_reason_valid(c, reason))
		police(c, id, entry_reason(c->hook->entry, reason));
}

static void decide_visit(struct weir_decision *d, uint8_t tcp_flags)
{
	struct composer *c = composer(d);

	if (!composer_may(c, CLASS(CAPTURE) | CLASS(FILTER) | CLASS(FORWARDING), "visit") ||
		composer_has_passed(c))
		return;
	if (!c->hook->entry->extension->visit) {
		composer_offence(c, OFFENCE_INVALID, "visit: the extension has no visit hook");
		return;
	}
	composer_op(c, (struct op){ .code = OP_VISIT,
			       .stage = c->hook->stage,
			       .port = c->port->index,
			       .hint = (uint8_t)(c->hook - c->port->hooks),
			       .flags = tcp_flags,
			       .forwarded = (uint8_t)key_bits(c->key.w[0], KEY_FORWARDED_SHIFT, 3),
			       .arg = c->hook->entry->visitor });
}

// A trace says so all the same.
static bool is_gone(const struct composer *c, weir_port_id id)
{
	return !c->decision.tracing && snapshot_port_gone(c->context->snapshot, id);
}

static void decide_copy(struct weir_decision *d, uint32_t sink, uint32_t one_in)
{
	struct composer *c = composer(d);
	const struct snapshot_port *port = snapshot_port(c->context->snapshot, (uint16_t)sink);

	if (!composer_may(c, CLASS(CAPTURE), "copy"))
		return;
	composer_depend(c, generation_slot(GENERATION_PORT, (uint16_t)sink));
	if (one_in && is_gone(c, sink))
		return;
	if (!port || port->id != sink || sink == WEIR_PORT_NONE || one_in == 0)
		composer_offence(c, OFFENCE_INVALID,
			"copy to sink 0x%08x, 1 in %u: no such sink, or 1 in 0", sink, one_in);
	else
		composer_op(c, (struct op){ .code = OP_COPY, .port = port->index, .arg = one_in });
}

static void decide_forward(struct weir_decision *d, weir_port_id id)
{
	struct composer *c = composer(d);
	const struct snapshot_port *port = snapshot_port(c->context->snapshot, (uint16_t)id);

	if (!composer_may(c, CLASS(FORWARDING), "choosing a destination"))
		return;
	if (c->hook->stage != WEIR_STAGE_FORWARD) {
		composer_offence(c, OFFENCE_VIOLATION,
			"choosing a destination at stage %s: stage forward does",
			composer_stage_name(c));
		return;
	}
	composer_depend(c, generation_slot(GENERATION_PORT, (uint16_t)id));
	if (is_gone(c, id))
		return;
	if (!port || port->id != id || id == WEIR_PORT_NONE) {
		composer_offence(
			c, OFFENCE_INVALID, "destination 0x%08x: there is no such port", id);
		return;
	}
	for (unsigned i = 0; i < c->n_destinations; i++)
		if (c->destinations[i] == port->index)
			return;
	if (c->n_destinations == DESTINATIONS_MAX)
		composer_offence(c, OFFENCE_INVALID, "more than %d destinations", DESTINATIONS_MAX);
	else
		c->destinations[c->n_destinations++] = port->index;
}

static bool may_forward(struct composer *c, const char *what)
{
	if (!composer_may(c, CLASS(FORWARDING), what))
		return false;
	if (c->hook->stage == WEIR_STAGE_FORWARD)
		return true;
	composer_offence(c, OFFENCE_VIOLATION, "%s at stage %s: stage forward does", what,
		composer_stage_name(c));
	return false;
}

static void decide_flood(struct weir_decision *d)
{
	if (may_forward(composer(d), "flooding"))
		composer(d)->flood = true;
}

static void decide_native(struct weir_decision *d)
{
	struct composer *c = composer(d);
	uint64_t needed = WEIR_FIELD_ETH_DST | WEIR_FIELD_ETH_SRC | WEIR_FIELD_VLAN_ID;

	if (!may_forward(c, "native forwarding"))
		return;
	if ((c->hook->mask.fields & needed) != needed)
		composer_offence(c, OFFENCE_INVALID,
			"native forwarding: the extension must read ETH_DST, ETH_SRC and VLAN_ID");
	else
		c->native = true;
}

static void decide_depend(struct weir_decision *d, uint64_t id)
{
	struct composer *c = composer(d);

	composer_depend(c,
		generation_slot(GENERATION_EXTENSION, id ^ (uint64_t)c->hook->entry->number << 48));
}

__attribute__((format(printf, 2, 0))) static void decide_explain(
	struct weir_decision *d, const char *format, va_list arguments)
{
	struct composer *c = composer(d);

	if (c->decision.tracing)
		composer_vtell(c, c->hook->stage, COMPOSE_EXPLAIN, 0, format, arguments);
}

const struct weir_decision_ops composer_decision_ops = {
	.size = sizeof(struct weir_decision_ops),
	.drop = decide_drop,
	.exclude = decide_exclude,
	.set = decide_set,
	.meter = decide_meter,
	.police = decide_police,
	.police_as = decide_police_as,
	.visit = decide_visit,
	.copy = decide_copy,
	.forward = decide_forward,
	.flood = decide_flood,
	.native = decide_native,
	.depend = decide_depend,
	.explain = decide_explain,
	.session = composer_session,
	.session_find = composer_session_find,
	.session_related = composer_session_related,
	.fragment_remember = composer_fragment_remember,
	.fragment_follow = composer_fragment_follow,
};
