// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a session is known by, from a flow's key or from the packet that an ICMP error quotes.
#include <arpa/inet.h>
#include <netinet/in.h>

#include "datapath/flow_table.h"
#include "datapath/session.h"

enum { IPV4_HEADER = 20, IPV6_HEADER = 40, ICMP_HEADER = 8, L4_QUOTED = 4, CHAIN_MAX = 8 };

struct end {
	uint64_t address[2];
	uint16_t port;
};

static bool is_lower(const struct end *a, const struct end *b)
{
	if (a->address[0] != b->address[0])
		return a->address[0] < b->address[0];
	if (a->address[1] != b->address[1])
		return a->address[1] < b->address[1];
	return a->port < b->port;
}

static void pair(const struct end *from, const struct end *to, uint64_t what,
	struct session_key *session, bool *reverse)
{
	const struct end *low = from, *high = to;

	*reverse = is_lower(to, from);
	if (*reverse) {
		low = to;
		high = from;
	}
	*session = (struct session_key){ { what, low->port | (uint64_t)high->port << 16,
		low->address[0], low->address[1], high->address[0], high->address[1] } };
}

// The type of the answer to an ICMP query, or of the query to an answer; -1: it is neither.
static int counterpart(bool ipv6, unsigned type)
{
	// Echo, timestamp, information (RFC 792), address mask (RFC 950); echo (RFC 4443).
	static const uint8_t v4[][2] = { { 8, 0 }, { 13, 14 }, { 15, 16 }, { 17, 18 } };

	if (ipv6)
		return type == 128 ? 129 : type == 129 ? 128 : -1;
	for (unsigned i = 0; i < sizeof(v4) / sizeof(v4[0]); i++)
		for (unsigned k = 0; k < 2; k++)
			if (v4[i][k] == type)
				return v4[i][1 - k];
	return -1;
}

// The ports of the ends: those of ICMP are the types that each sends. False: there is no session of
// this protocol's.
static bool set_ports(
	enum weir_l4 l4, uint16_t source, uint16_t destination, struct end *from, struct end *to)
{
	int answer;

	if (l4 == WEIR_L4_NONE)
		return false;
	if (l4 == WEIR_L4_OTHER)
		return true;
	if (l4 != WEIR_L4_ICMP && l4 != WEIR_L4_ICMPV6) {
		from->port = source;
		to->port = destination;
		return true;
	}
	answer = counterpart(l4 == WEIR_L4_ICMPV6, ntohs(source));
	from->port = source;
	to->port = htons((uint16_t)answer);
	return answer >= 0;
}

static uint64_t what_of(
	uint16_t owner, uint16_t port, uint16_t vlan, enum weir_l3 l3, unsigned proto)
{
	return (uint64_t)owner << 48 | (uint64_t)port << 32 | (uint64_t)vlan << 16 |
	       (uint64_t)l3 << 8 | proto;
}

bool session_key_make(const struct flow_key *key, uint16_t owner, uint16_t port,
	struct session_key *session, bool *reverse)
{
	unsigned proto = key_proto(key);
	struct end from = { 0 }, to = { 0 };
	enum weir_l3 l3 = key_l3(key);

	if (key_malformed(key) ||
		!set_ports(key_l4(key), key_l4_src(key), key_l4_dst(key), &from, &to))
		return false;
	if (l3 == WEIR_L3_IPV4) {
		from.address[0] = (uint32_t)key->w[4];
		to.address[0] = key->w[4] >> 32;
	} else if (l3 == WEIR_L3_IPV6) {
		memcpy(from.address, &key->w[4], sizeof(from.address));
		memcpy(to.address, &key->w[6], sizeof(to.address));
	} else {
		return false;
	}
	pair(&from, &to, what_of(owner, port, key_vlan(key), l3, proto), session, reverse);
	return true;
}

// ---- Quotes

static enum weir_l4 l4_kind(bool ipv6, uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return WEIR_L4_TCP;
	case IPPROTO_UDP:
		return WEIR_L4_UDP;
	case IPPROTO_SCTP:
		return WEIR_L4_SCTP;
	case IPPROTO_ICMP:
		return ipv6 ? WEIR_L4_OTHER : WEIR_L4_ICMP;
	case IPPROTO_ICMPV6:
		return ipv6 ? WEIR_L4_ICMPV6 : WEIR_L4_OTHER;
	default:
		return WEIR_L4_OTHER;
	}
}

// What follows the extension headers of a quoted packet; -1: it cannot be told, or is a fragment
// without its first bytes.
static int behind_chain(const uint8_t **at, const uint8_t *end, uint8_t next)
{
	for (int i = 0; i < CHAIN_MAX; i++) {
		unsigned size;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
			next != IPPROTO_AH && next != IPPROTO_FRAGMENT && next != 135)
			return next;
		if (end - *at < 8)
			return -1;
		size = next == IPPROTO_AH ? ((*at)[1] + 2u) * 4 : ((*at)[1] + 1u) * 8;
		if (next == IPPROTO_FRAGMENT) {
			if ((*at)[2] || ((*at)[3] & 0xf8))
				return -1;
			size = 8;
		}
		if ((ptrdiff_t)size > end - *at)
			return -1;
		next = (*at)[0];
		*at += size;
	}
	return -1;
}

// A packet cut short, as much of it as is quoted. Returns its protocol and where that begins.
static int read_quote(
	const uint8_t **at, const uint8_t *end, bool ipv6, struct end *from, struct end *to)
{
	const uint8_t *ip = *at;
	unsigned header;

	if (end - ip < (ipv6 ? IPV6_HEADER : IPV4_HEADER) || ip[0] >> 4 != (ipv6 ? 6 : 4))
		return -1;
	if (ipv6) {
		memcpy(from->address, ip + 8, 16);
		memcpy(to->address, ip + 24, 16);
		*at = ip + IPV6_HEADER;
		return behind_chain(at, end, ip[6]);
	}
	header = (ip[0] & 15) * 4;
	if (header < IPV4_HEADER || (ptrdiff_t)header > end - ip || (ip[6] & 0x1f) || ip[7])
		return -1;
	memcpy(from->address, ip + 12, 4);
	memcpy(to->address, ip + 16, 4);
	*at = ip + header;
	return ip[9];
}

bool session_key_quoted(const struct weir_frame *frame, uint16_t vlan, uint16_t owner,
	uint16_t port, struct session_key *session, bool *reverse)
{
	const uint8_t *at, *end = frame->data + frame->linear;
	struct end from = { 0 }, to = { 0 };
	struct frame_layers layers;
	uint16_t ports[2] = { 0 };
	bool ipv6;
	int proto;

	frame_layers(frame, &layers);
	ipv6 = layers.l3_kind == WEIR_L3_IPV6;
	if (layers.l4 == 0 || layers.proto != (ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return false;
	at = frame->data + layers.l4 + ICMP_HEADER;
	proto = at < end ? read_quote(&at, end, ipv6, &from, &to) : -1;
	if (proto < 0)
		return false;
	// Errors go to the sender of what they quote.
	if (memcmp(frame->data + layers.l3 + (ipv6 ? 24 : 16), from.address, ipv6 ? 16 : 4) != 0)
		return false;
	if (end - at >= L4_QUOTED)
		memcpy(ports, at, sizeof(ports));
	else if (l4_kind(ipv6, (uint8_t)proto) != WEIR_L4_OTHER)
		return false;
	if (proto == (ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		ports[0] = htons(at[0]);
	if (!set_ports(l4_kind(ipv6, (uint8_t)proto), ports[0], ports[1], &from, &to))
		return false;
	pair(&from, &to,
		what_of(owner, port, vlan, ipv6 ? WEIR_L3_IPV6 : WEIR_L3_IPV4, (unsigned)proto),
		session, reverse);
	return true;
}

uint64_t session_hash(const struct session_table *t, const struct session_key *k)
{
	uint64_t h = flow_mix(k->w[0] ^ t->seed[0], k->w[1] ^ t->seed[1]) ^
		     (flow_mix(k->w[2] ^ t->seed[2], k->w[3] ^ t->seed[3]) +
			     flow_mix(k->w[4] ^ t->seed[4], k->w[5] ^ t->seed[5]));

	return flow_mix(h, t->seed[6]);
}
