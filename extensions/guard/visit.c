// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What is looked at frame by frame: ARP (RFC 826, 5227), neighbour discovery (RFC 4861), DHCP (RFC
// 2131, 8415; filtered as RFC 7610 has it), router advertisements and redirects (RFC 6105, 7113,
// 6980), and IP behind LLC (CVE-2021-27853 and following).
#include <netinet/in.h>
#include <string.h>

#include "guard.h"
#include "headers.h"

enum {
	ARP_SIZE = 28,
	ARP_REQUEST = 1,
	DHCP_SERVER = 67,
	DHCP_CLIENT = 68,
	DHCPV6_CLIENT = 546,
	DHCPV6_SERVER = 547,
	ICMP_REDIRECT_TYPE = 5,
	ICMP_ADVERTISEMENT = 9, // RFC 1256
	MLD_REPORT = 131,
	MLD_DONE = 132,
	MLD2_REPORT = 143,
	ND_SOLICIT_ROUTER = 133,
	ND_ADVERTISE_ROUTER = 134,
	ND_SOLICIT = 135,
	ND_ADVERTISE = 136,
	ND_REDIRECT_TYPE = 137,
	ND_TARGET = 8, // where the target of 135 and 136 stands
	OPTION_SOURCE = 1,
	OPTION_TARGET = 2,
};

// ---- LLC

// A SNAP header (IEEE 802, 9.2) of what belongs into an Ethernet header: some stations take it.
static enum reason look_at_llc(const struct headers *h)
{
	static const uint8_t snap[] = { 0xaa, 0xaa, 0x03, 0, 0 };
	uint16_t type;

	if (h->end - h->l3 < 8 || memcmp(h->l3, snap, sizeof(snap)) != 0 ||
		(h->l3[5] != 0 && h->l3[5] != 0xf8))
		return PASS;
	type = load_be16(h->l3 + 6);
	return type == TYPE_IPV4 || type == TYPE_IPV6 || type == TYPE_ARP || type_is_tag(type)
		       ? DROP_HIDDEN
		       : PASS;
}

// ---- ARP. The sender's IP address was judged with the flow, unless it is 0.

static enum reason look_at_arp(const struct guard *g, const struct headers *h)
{
	const uint8_t *arp = h->l3, *sender = arp + 14;
	static const uint8_t zero[4];

	if (h->end - arp < ARP_SIZE)
		return DROP_MALFORMED;
	if ((g->kinds & GUARD_MAC) && !macs_have(&g->macs, arp + 8))
		return DROP_ARP;
	// A probe (RFC 5227, 2.1.1) asks, and announces nothing.
	if ((g->kinds & GUARD_IP) && memcmp(sender, zero, 4) == 0 &&
		load_be16(arp + 6) != ARP_REQUEST)
		return DROP_ARP;
	return PASS;
}

// ---- UDP

static enum reason look_at_udp(const struct guard *g, const struct headers *h)
{
	unsigned from, to;

	if (h->end - h->l4 < 4)
		return DROP_MALFORMED;
	from = load_be16(h->l4);
	to = load_be16(h->l4 + 2);
	if (!(g->kinds & GUARD_DHCP))
		return PASS;
	if (h->type == TYPE_IPV4)
		return from == DHCP_SERVER || to == DHCP_CLIENT ? DROP_DHCP : PASS;
	return from == DHCPV6_SERVER || to == DHCPV6_CLIENT ? DROP_DHCP : PASS;
}

// ---- IPv4

// From 0.0.0.0: a DHCP client, or a membership report (RFC 3376, 4.2.13).
static bool may_have_no_address(const struct headers *h)
{
	if (h->proto == IPPROTO_IGMP)
		return true;
	return h->proto == IPPROTO_UDP && h->end - h->l4 >= 4 && load_be16(h->l4) == DHCP_CLIENT &&
	       load_be16(h->l4 + 2) == DHCP_SERVER;
}

static enum reason look_at_ipv4(const struct guard *g, const struct headers *h)
{
	static const uint8_t zero[4];

	if (!h->l4)
		return DROP_MALFORMED;
	if ((g->kinds & GUARD_IP) && memcmp(h->l3 + 12, zero, 4) == 0 && !may_have_no_address(h))
		return DROP_IP;
	if (h->proto == IPPROTO_UDP)
		return look_at_udp(g, h);
	if (h->proto == IPPROTO_ICMP && (g->kinds & GUARD_ROUTER) && h->end > h->l4) {
		if (h->l4[0] == ICMP_REDIRECT_TYPE)
			return DROP_REDIRECT;
		if (h->l4[0] == ICMP_ADVERTISEMENT)
			return DROP_ADVERTISEMENT;
	}
	return PASS;
}

// ---- IPv6

static bool is_nowhere(const uint8_t address[16])
{
	static const uint8_t zero[16];

	return memcmp(address, zero, 16) == 0;
}

// From ::, what a station without an address says: RFC 4861 4.1, 4.3; RFC 3590; RFC 3810 5.2.13.
static bool may_be_nowhere(const struct headers *h)
{
	if (h->proto != IPPROTO_ICMPV6 || h->end == h->l4)
		return false;
	switch (h->l4[0]) {
	case ND_SOLICIT_ROUTER:
	case ND_SOLICIT:
	case MLD_REPORT:
	case MLD_DONE:
	case MLD2_REPORT:
		return true;
	default:
		return false;
	}
}

// The link-layer addresses that the options of a message announce must be the port's.
static enum reason look_at_options(const struct guard *g, const uint8_t *at, const uint8_t *end)
{
	while (end - at >= 8) {
		ptrdiff_t size = at[1] * 8;

		// RFC 4861, 4.6: nobody takes a message with an option of no length.
		if (size == 0 || size > end - at)
			return DROP_ND;
		if ((at[0] == OPTION_SOURCE || at[0] == OPTION_TARGET) &&
			!macs_have(&g->macs, at + 2))
			return DROP_ND;
		at += size;
	}
	return PASS;
}

// Bytes of a message before its options.
static unsigned nd_size(uint8_t type)
{
	switch (type) {
	case ND_SOLICIT_ROUTER:
		return 8;
	case ND_ADVERTISE_ROUTER:
		return 16;
	case ND_SOLICIT:
	case ND_ADVERTISE:
		return 24;
	default:
		return 40;
	}
}

static enum reason look_at_nd(const struct guard *g, const struct headers *h)
{
	const uint8_t *nd = h->l4, *ip = h->l3;
	const uint8_t *end = ip + 40 + load_be16(ip + 4); // of the packet; padding is behind it
	uint8_t type = nd[0];

	if (type == ND_ADVERTISE_ROUTER && (g->kinds & GUARD_ROUTER))
		return DROP_ADVERTISEMENT;
	if (type == ND_REDIRECT_TYPE && (g->kinds & GUARD_ROUTER))
		return DROP_REDIRECT;
	if (h->fragmented)
		return DROP_ND_FRAGMENT;
	if (end > h->end || end - nd < (ptrdiff_t)nd_size(type))
		return DROP_ND;
	// What it claims to have (NA), or asks whether somebody has before it takes it (NS from
	// ::).
	if ((g->kinds & GUARD_IP) &&
		(type == ND_ADVERTISE || (type == ND_SOLICIT && is_nowhere(ip + 8))) &&
		!guard_owns_v6(g, nd + ND_TARGET))
		return DROP_ND;
	// A redirect's target option is another station's.
	if ((g->kinds & GUARD_MAC) && type != ND_REDIRECT_TYPE)
		return look_at_options(g, nd + nd_size(type), end);
	return PASS;
}

// The extension headers that are not followed: HIP, Shim6, and what is for experiments (IANA, "IPv6
// Extension Header Types"). What they hide cannot be told: RFC 7610, section 5.
static bool hides_more(uint8_t type)
{
	return type == 139 || type == 140 || type == 253 || type == 254;
}

static enum reason look_at_ipv6(const struct guard *g, const struct headers *h)
{
	if (!h->l4 || hides_more(h->proto))
		return DROP_HEADER_CHAIN;
	if ((g->kinds & GUARD_IP) && is_nowhere(h->l3 + 8) && !may_be_nowhere(h))
		return DROP_IP;
	if (h->proto == IPPROTO_UDP)
		return look_at_udp(g, h);
	if (h->proto == IPPROTO_ICMPV6 && h->end > h->l4 && h->l4[0] >= ND_SOLICIT_ROUTER &&
		h->l4[0] <= ND_REDIRECT_TYPE)
		return look_at_nd(g, h);
	return PASS;
}

// ---- All

static enum reason look(const struct guard *g, const struct weir_frame *frame)
{
	struct headers h;

	headers_find(frame, &h);
	if (!h.l3)
		return DROP_MALFORMED;
	switch (h.type) {
	case TYPE_ARP:
		return look_at_arp(g, &h);
	case TYPE_IPV4:
		return look_at_ipv4(g, &h);
	case TYPE_IPV6:
		return look_at_ipv6(g, &h);
	default:
		return h.type < TYPE_LEAST ? look_at_llc(&h) : PASS;
	}
}

void guard_visit(const void *state, struct weir_visit *v)
{
	const struct guard *g = state;

	for (unsigned i = 0; g && i < v->n; i++) {
		enum reason reason = look(g, v->frames[i]);

		if (reason != PASS)
			weir_visit_drop(v, i, reason);
	}
}
