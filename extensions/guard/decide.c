// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What is decided once per flow.
#include <arpa/inet.h>
#include <string.h>

#include "guard.h"
#include "headers.h"

static const uint8_t nowhere[16]; // 0.0.0.0 and ::

// The interface identifier of a MAC address: RFC 4291, appendix A.
static bool is_eui64_of(const uint8_t address[16], const struct macs *macs)
{
	static const uint8_t fe80[8] = { 0xfe, 0x80 };
	uint8_t mac[6] = { address[8] ^ 2, address[9], address[10], address[13], address[14],
		address[15] };

	return memcmp(address, fe80, sizeof(fe80)) == 0 && address[11] == 0xff &&
	       address[12] == 0xfe && macs_have(macs, mac);
}

bool guard_owns_v6(const struct guard *g, const uint8_t address[16])
{
	if (ip_ranges_have_v6(&g->addresses, address))
		return true;
	return is_link_local(address) &&
	       (g->any_link_local || (g->eui64 && is_eui64_of(address, &g->macs)));
}

static void drop_for_ip(struct weir_decision *d, const struct weir_flow *flow, enum reason reason)
{
	char text[INET6_ADDRSTRLEN];

	if (d->tracing)
		weir_explain(d, "%s is not an address of this port",
			inet_ntop(flow->l3 == WEIR_L3_IPV6 ? AF_INET6 : AF_INET, flow->ip_src, text,
				sizeof(text)));
	weir_drop(d, reason);
}

// What cannot be judged because of how it is built does not pass.
static enum reason judge_structure(const struct guard *g, const struct weir_flow *flow)
{
	// Nothing in IPv4 says a link-layer address.
	if (g->kinds == GUARD_MAC && flow->l3 == WEIR_L3_IPV4)
		return PASS;
	switch (flow->malformed) {
	case WEIR_MALFORMED_CHAIN:
		return DROP_HEADER_CHAIN;
	case WEIR_MALFORMED_L4:
		if (flow->fragment != WEIR_FRAGMENT_FIRST)
			return DROP_MALFORMED;
		return flow->l3 == WEIR_L3_IPV6 ? DROP_HEADER_CHAIN : DROP_TINY_FRAGMENT;
	case WEIR_MALFORMED_L3:
		return DROP_MALFORMED;
	default:
		return PASS;
	}
}

// False: dropped.
static bool judge_source(
	const struct guard *g, const struct weir_flow *flow, struct weir_decision *d, bool *look)
{
	size_t size = flow->l3 == WEIR_L3_IPV6 ? 16 : 4;
	bool own = size == 16 ? guard_owns_v6(g, flow->ip_src)
			      : ip_ranges_have_v4(&g->addresses, flow->ip_src);

	if (own)
		return true;
	if (memcmp(flow->ip_src, nowhere, size) == 0 && flow->fragment != WEIR_FRAGMENT_LATER) {
		// It has no address yet. Whether it may say that, its headers tell.
		*look = true;
		return true;
	}
	drop_for_ip(d, flow, flow->l3 == WEIR_L3_ARP ? DROP_ARP : DROP_IP);
	return false;
}

// The kinds of frames whose headers matter.
static bool must_look(const struct guard *g, const struct weir_flow *flow)
{
	if (flow->l3 == WEIR_L3_ARP)
		return g->kinds & (GUARD_MAC | GUARD_IP);
	switch (flow->l4) {
	case WEIR_L4_UDP:
		return g->kinds & GUARD_DHCP;
	case WEIR_L4_ICMP:
		return g->kinds & GUARD_ROUTER;
	case WEIR_L4_ICMPV6:
		return g->kinds & (GUARD_MAC | GUARD_IP | GUARD_ROUTER);
	case WEIR_L4_OTHER: // a header that may have another one behind it
		return flow->l3 == WEIR_L3_IPV6;
	default:
		return false;
	}
}

static void judge_other(const struct weir_flow *flow, struct weir_decision *d)
{
	uint16_t type = ntohs(flow->eth_type);

	if (type_is_tag(type)) {
		weir_explain(d, "more VLAN tags than can be looked behind");
		weir_drop(d, DROP_HIDDEN);
	} else if (type == 0) {
		weir_explain(d, "LLC: each frame is looked at for IP behind it");
		weir_visit(d, 0);
	}
}

static bool judge_mac(const struct guard *g, const struct weir_flow *flow, struct weir_decision *d)
{
	const uint8_t *m = flow->eth_src;

	if (!(g->kinds & GUARD_MAC) || macs_have(&g->macs, m))
		return true;
	weir_explain(d, "%02x:%02x:%02x:%02x:%02x:%02x is not an address of this port", m[0], m[1],
		m[2], m[3], m[4], m[5]);
	weir_drop(d, DROP_MAC);
	return false;
}

void guard_ingress(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	const struct guard *g = state;
	enum reason reason;
	bool look = false;

	if (!g || !g->kinds || !judge_mac(g, flow, d))
		return;
	if (flow->l3 == WEIR_L3_OTHER) {
		judge_other(flow, d);
		return;
	}
	reason = judge_structure(g, flow);
	if (reason != PASS) {
		weir_explain(d, "its headers cannot be judged");
		weir_drop(d, reason);
		return;
	}
	if ((g->kinds & GUARD_IP) && !judge_source(g, flow, d, &look))
		return;
	if (!look && !must_look(g, flow))
		return;
	weir_explain(d, "each frame is looked at for what its headers say");
	weir_visit(d, 0);
}

void guard_forwarded(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	static const char *const names[N_STORMS] = { "broadcast", "multicast", "unknown unicast" };
	const struct guard *g = state;
	enum storm storm;

	switch (flow->forwarded) {
	case WEIR_FORWARDED_BROADCAST:
		storm = STORM_BROADCAST;
		break;
	case WEIR_FORWARDED_MULTICAST:
		storm = STORM_MULTICAST;
		break;
	case WEIR_FORWARDED_UNKNOWN_UNICAST:
		storm = STORM_UNKNOWN;
		break;
	default:
		return;
	}
	if (!g || !(g->storms & 1u << storm))
		return;
	weir_explain(d, "%s: at most %llu frames per second", names[storm],
		(unsigned long long)g->rates[storm]);
	weir_police_as(d, g->policers[storm], DROP_STORM + storm);
}
