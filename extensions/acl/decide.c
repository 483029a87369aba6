// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What becomes of a flow. In this order:
//     headers that cannot be judged as the port's policies ask: dropped;
//     a reply of a session that a rule of the other direction opened: passes;
//     the extended ACL: the rule of the greatest weight that matches decides;
//     without one the port ACL: the longest prefix decides for IP, and the MAC entries for every
//         frame; either may drop it;
//     an ICMP error about such a session passes where it would have been dropped;
//     a later fragment meets what its first one did, if that is remembered: what was decided above
//         is for the others;
//     what passes is counted by every entry that meters and matches.
#include <arpa/inet.h>
#include <string.h>

#include "acl.h"

struct subject {
	const struct acl_state *state;
	const struct side *side;
	bool sessions;  // what goes the other way opens some
	bool related;   // only what is about one of those passes
	bool remembers; // a first fragment, whose ports may decide: later ones share its fate
	bool follows;   // a later one of such, if its first one is remembered
	struct weir_fragment_verdict verdict; // of those
	const struct weir_flow *flow;
	struct weir_decision *decision;
	const uint8_t *local, *remote, *local_mac, *remote_mac;
	uint16_t local_port, remote_port; // network order
	struct metering metering;
};

static const char *verb(const struct item *item)
{
	return item->action == ACTION_DENY     ? "deny"
	       : item->action == ACTION_POLICE ? "police"
					       : "allow";
}

static void drop(struct subject *s, enum acl_drop reason)
{
	s->verdict.verdict = WEIR_FRAGMENT_DROP;
	s->verdict.reason = (uint8_t)reason;
	if (s->follows)
		return;
	if (s->remembers)
		weir_fragment_remember(s->decision, &s->verdict);
	if (s->flow->egress == WEIR_PORT_NONE)
		weir_drop(s->decision, reason);
	else
		weir_exclude(s->decision, reason);
}

// ---- Headers

// The fault that keeps the policies from being applied; N_DROPS: none does.
static enum acl_drop find_fault(const struct side *side, const struct weir_flow *flow)
{
	const struct conditions *c = &side->conditions;
	bool l4 = c->protocol || c->ports || c->icmp_type;
	bool ip = flow->l3 == WEIR_L3_IPV4 || flow->l3 == WEIR_L3_IPV6;

	switch (flow->malformed) {
	case WEIR_MALFORMED_L3:
		return (ip && c->ip_verdicts) || (!ip && side->others) ? DROP_MALFORMED : N_DROPS;
	case WEIR_MALFORMED_CHAIN:
		return l4 ? DROP_CHAIN : N_DROPS;
	case WEIR_MALFORMED_L4:
		if (!l4)
			return N_DROPS;
		return flow->fragment == WEIR_FRAGMENT_FIRST   ? DROP_TINY_FRAGMENT
		       : flow->fragment == WEIR_FRAGMENT_LATER ? DROP_OVERLAP
							       : DROP_MALFORMED;
	default:
		return N_DROPS;
	}
}

// ---- The extended ACL

static struct classify_packet packet_of(const struct subject *s)
{
	const struct weir_flow *flow = s->flow;
	struct classify_packet p = { .l3 = flow->l3, .vlan = flow->vlan_id };

	memcpy(p.local, s->local, sizeof(p.local));
	memcpy(p.remote, s->remote, sizeof(p.remote));
	if (flow->l3 == WEIR_L3_IPV4 || flow->l3 == WEIR_L3_IPV6) {
		p.known = CLASSIFY_PROTOCOL;
		p.protocol = flow->ip_proto;
	}
	switch (flow->l4) {
	case WEIR_L4_TCP:
	case WEIR_L4_UDP:
	case WEIR_L4_SCTP:
		p.known |= CLASSIFY_PORTS;
		p.local_port = ntohs(s->local_port);
		p.remote_port = ntohs(s->remote_port);
		break;
	case WEIR_L4_ICMP:
	case WEIR_L4_ICMPV6:
		p.known |= CLASSIFY_ICMP;
		p.icmp_type = (uint8_t)ntohs(flow->l4_src);
		p.icmp_code = (uint8_t)ntohs(flow->l4_dst);
		break;
	default:
		break;
	}
	return p;
}

static const struct item *match(
	const struct subject *s, const struct classify *c, const struct classify_packet *packet)
{
	uint32_t number = c ? classify_match(c, packet) : CLASSIFY_NONE;

	return number == CLASSIFY_NONE ? NULL : vector_at(&s->state->rules, number);
}

// A later fragment whose first one a rule with ports may have decided about, if it is not known
// what. True: it is dropped or passes for that.
static bool decide_fragment(struct subject *s, const struct classify_packet *packet,
	const struct item *other, bool *passes)
{
	const struct item *rule = match(s, s->side->fragments, packet);

	if (!rule || (other && other->rule.weight > rule->rule.weight))
		return false;
	*passes = state_fragments(s->state) == FRAGMENTS_PASS;
	weir_explain(s->decision, "a fragment without ports, where rule %s has the weight %u: %s",
		rule->id, rule->rule.weight, *passes ? "pass" : "drop");
	if (!*passes)
		drop(s, DROP_FRAGMENT);
	return true;
}

// What keeps a frame of these headers out, unless it is an ICMP error about a session: those are
// looked at one by one.
static bool deny(struct subject *s, enum acl_drop reason)
{
	if (!state_keeps_sessions(s->state) || !weir_session_quotes(s->flow)) {
		drop(s, reason);
		return false;
	}
	if (!s->related) {
		weir_explain(s->decision, "but it passes if what it quotes is of a session");
		weir_session_related(s->decision, DROP_UNRELATED);
	}
	s->related = true;
	return true;
}

static void open_session(const struct subject *s, const struct item *rule)
{
	const struct item *settings = s->state->settings;
	struct weir_session session = { .size = sizeof(session),
		.idle_s = rule->idle_s,
		.cookie = rule->cookie,
		.port_max = settings ? settings->sessions_max : 0,
		.full = settings && settings->sessions_pass ? WEIR_SESSION_FULL_PASS
							    : WEIR_SESSION_FULL_DROP };

	if (weir_session_fits(s->flow))
		weir_session(s->decision, &session);
}

// Whether it passes.
static bool apply(struct subject *s, const struct item *item, enum acl_drop reason)
{
	if (item->action == ACTION_DENY)
		return deny(s, reason);
	if (item->action == ACTION_POLICE) {
		s->verdict.verdict = WEIR_FRAGMENT_POLICE;
		s->verdict.policer = item->policer;
		// Before it pays: what is over the rate is remembered, too.
		if (s->remembers)
			weir_fragment_remember(s->decision, &s->verdict);
		if (!s->follows)
			weir_police(s->decision, item->policer);
	}
	if (item->stateful)
		open_session(s, item);
	return true;
}

// True: it passes as what a session brought about.
static bool is_reply(const struct subject *s)
{
	struct weir_session_found found;

	if (!s->sessions)
		return false;
	if (s->flow->fragment == WEIR_FRAGMENT_LATER) {
		// Without ports nobody can tell; the setting is for this, too.
		if (state_fragments(s->state) != FRAGMENTS_PASS)
			return false;
		weir_explain(s->decision, "a fragment without ports, perhaps of a session: pass");
		return true;
	}
	if (weir_session_find(s->decision, &found) != 1 || found.direction != WEIR_SESSION_REVERSE)
		return false;
	weir_explain(s->decision, "a reply of a session: pass");
	return true;
}

// True: a rule decided.
static bool decide_rules(struct subject *s, bool *passes)
{
	bool ip = s->flow->l3 == WEIR_L3_IPV4 || s->flow->l3 == WEIR_L3_IPV6;
	struct classify_packet packet;
	const struct item *rule;

	if (!(ip ? s->side->ip : s->side->others))
		return false;
	packet = packet_of(s);
	rule = match(s, ip ? s->side->ip : s->side->others, &packet);
	if (s->flow->fragment == WEIR_FRAGMENT_LATER && s->side->fragments &&
		decide_fragment(s, &packet, rule, passes))
		return true;
	if (!rule)
		return false;
	weir_explain(
		s->decision, "rule %s, weight %u: %s", rule->id, rule->rule.weight, verb(rule));
	*passes = apply(s, rule, DROP_RULE);
	return true;
}

// ---- The port ACL

static bool decide_entry(struct subject *s, const struct item *entry)
{
	if (!entry)
		return true; // the default
	weir_explain(s->decision, "entry %s, %u bits: %s", entry->id, entry->entry.prefix.length,
		verb(entry));
	return apply(s, entry, DROP_DENIED);
}

static void count(const struct subject *s)
{
	const struct metering *m = &s->metering;

	for (unsigned i = 0; i < m->n; i++)
		weir_meter(s->decision, m->items[i]->meter);
	if (m->n)
		weir_explain(s->decision, "counted by %u entries", m->n);
}

// Fragments whose fate depends on what the first one of them has.
static void begin_fragment(struct subject *s)
{
	const struct conditions *c = &s->side->conditions;
	const struct weir_flow *flow = s->flow;
	bool concerned = !flow->trusted && (c->ports || c->icmp_type || c->stateful || s->sessions);

	s->verdict.size = sizeof(s->verdict);
	s->remembers = concerned && flow->fragment == WEIR_FRAGMENT_FIRST;
	s->follows = concerned && flow->fragment == WEIR_FRAGMENT_LATER && !flow->malformed;
}

// What has been decided is for those whose first one is not remembered; the others may pass.
static void follow(struct subject *s)
{
	bool drops = s->verdict.verdict == WEIR_FRAGMENT_DROP;

	weir_explain(s->decision, "a later fragment: as its first one, or else %s",
		drops ? "drop" : "pass");
	if (weir_fragment_follow(s->decision, &s->verdict) == 0 || !drops)
		return;
	s->follows = false;
	drop(s, (enum acl_drop)s->verdict.reason);
}

static bool judge(struct subject *s, const struct item *by_ip)
{
	bool passes = true;

	if (s->flow->trusted || is_reply(s) || decide_rules(s, &passes))
		return passes;
	return decide_entry(s, side_look_up(s->side, FAMILY_MAC, s->local_mac, s->remote_mac, 6,
				       &s->metering)) &&
	       decide_entry(s, by_ip);
}

static void decide(struct subject *s)
{
	const struct weir_flow *flow = s->flow;
	bool ip = flow->l3 == WEIR_L3_IPV4 || flow->l3 == WEIR_L3_IPV6, passes;
	enum acl_drop fault = find_fault(s->side, flow);
	const struct item *by_ip = NULL;

	begin_fragment(s);
	// What the switch itself sends is not the business of a port's policies, but counts.
	if (fault != N_DROPS && !flow->trusted) {
		weir_explain(s->decision, "its headers cannot be judged");
		drop(s, fault);
		return;
	}
	if (ip)
		by_ip = flow->l3 == WEIR_L3_IPV4 ? side_look_up(s->side, FAMILY_4, s->local,
							   s->remote, 4, &s->metering)
						 : side_look_up(s->side, FAMILY_6, s->local,
							   s->remote, 16, &s->metering);
	passes = judge(s, by_ip);
	if (s->follows)
		follow(s);
	else if (passes && s->remembers)
		weir_fragment_remember(s->decision, &s->verdict);
	if (passes || s->follows)
		count(s);
}

void acl_ingress(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	const struct acl_state *acl = state;
	struct subject s = { .state = acl,
		.side = &acl->sides[SIDE_OUT],
		.sessions = acl->sides[SIDE_IN].conditions.stateful > 0,
		.flow = flow,
		.decision = d,
		.local = flow->ip_src,
		.remote = flow->ip_dst,
		.local_mac = flow->eth_src,
		.remote_mac = flow->eth_dst,
		.local_port = flow->l4_src,
		.remote_port = flow->l4_dst };

	decide(&s);
}

void acl_egress(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	const struct acl_state *acl = state;
	struct subject s = { .state = acl,
		.side = &acl->sides[SIDE_IN],
		.sessions = acl->sides[SIDE_OUT].conditions.stateful > 0,
		.flow = flow,
		.decision = d,
		.local = flow->ip_dst,
		.remote = flow->ip_src,
		.local_mac = flow->eth_dst,
		.remote_mac = flow->eth_src,
		.local_port = flow->l4_dst,
		.remote_port = flow->l4_src };

	decide(&s);
}
