// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The parser: Ethernet (IEEE 802.3), 802.1Q and 802.1ad tags, IPv4 (RFC 791), IPv6 (RFC 8200) with
// its extension headers, ARP (RFC 826), TCP, UDP, SCTP, ICMP. It trusts nothing: every length is
// checked against the bytes that are there.
#include <arpa/inet.h>
#include <netinet/in.h>

#include "datapath/key.h"

enum {
	ETH_HEADER = 14,
	TAG_SIZE = 4,
	ETH_TYPE_MIN = 0x600, // IEEE 802.3 3.2.6: what is below is a length
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	ARP_HEADER = 28,
	TCP_HEADER = 20,
	UDP_HEADER = 8,
	SCTP_HEADER = 12,
	ICMP_HEADER = 4,
	CHAIN_MAX = 8, // IPv6 extension headers that are followed
};

struct cursor {
	const uint8_t *at;
	const uint8_t *end; // of what the layer may read
	const struct weir_frame *frame;
	bool routed;     // a routing header with segments left was passed
	uint16_t offset; // of a fragment, in bytes
	uint32_t id;     // of an IPv6 fragment, as in the frame
};

static uint16_t load16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t malformed(enum weir_malformed how)
{
	return (uint64_t)how << KEY_MALFORMED_SHIFT;
}

static bool is_tag(uint16_t type)
{
	return type == htons(0x8100) || type == htons(0x88a8);
}

static uint64_t parse_l4(struct flow_key *key, const struct cursor *c, uint8_t proto)
{
	ptrdiff_t left = c->end - c->at;
	enum weir_l4 kind = WEIR_L4_OTHER;
	ptrdiff_t need = 0;

	switch (proto) {
	case IPPROTO_TCP:
		kind = WEIR_L4_TCP;
		need = TCP_HEADER;
		break;
	case IPPROTO_UDP:
		kind = WEIR_L4_UDP;
		need = UDP_HEADER;
		break;
	case IPPROTO_SCTP:
		kind = WEIR_L4_SCTP;
		need = SCTP_HEADER;
		break;
	case IPPROTO_ICMP:
		kind = key_l3(key) == WEIR_L3_IPV4 ? WEIR_L4_ICMP : WEIR_L4_OTHER;
		need = kind == WEIR_L4_ICMP ? ICMP_HEADER : 0;
		break;
	case IPPROTO_ICMPV6:
		kind = key_l3(key) == WEIR_L3_IPV6 ? WEIR_L4_ICMPV6 : WEIR_L4_OTHER;
		need = kind == WEIR_L4_ICMPV6 ? ICMP_HEADER : 0;
		break;
	default:
		break;
	}
	if (left < need)
		return malformed(WEIR_MALFORMED_L4);
	if (kind == WEIR_L4_TCP && ((c->at[12] >> 4) < 5 || (c->at[12] >> 4) * 4 > left))
		return malformed(WEIR_MALFORMED_L4);
	if (kind == WEIR_L4_UDP && ntohs(load16(c->at + 4)) < UDP_HEADER &&
		c->frame->offload.gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return malformed(WEIR_MALFORMED_L4);
	if (kind == WEIR_L4_ICMP || kind == WEIR_L4_ICMPV6)
		key->w[3] |= (uint64_t)htons(c->at[0]) | (uint64_t)htons(c->at[1]) << 16;
	else if (need)
		key->w[3] |= load32(c->at);
	return (uint64_t)kind << KEY_L4_SHIFT;
}

// A later fragment that writes into the L4 header that the first one had to have whole: RFC 1858
// section 3, RFC 3128. IPv6 receivers drop it (RFC 5722), not all IPv4 ones do.
static uint64_t later_fragment(unsigned offset, int proto)
{
	unsigned header = proto == IPPROTO_TCP    ? TCP_HEADER
			  : proto == IPPROTO_SCTP ? SCTP_HEADER
						  : 0;

	return (uint64_t)WEIR_FRAGMENT_LATER << KEY_FRAGMENT_SHIFT |
	       (offset < header ? malformed(WEIR_MALFORMED_L4) : 0);
}

static uint64_t parse_ipv4(struct flow_key *key, struct cursor *c)
{
	ptrdiff_t left = c->end - c->at;
	const uint8_t *ip = c->at;
	uint64_t structure = (uint64_t)WEIR_L3_IPV4 << KEY_L3_SHIFT;
	uint16_t fragment;
	unsigned header, total;

	if (left < IPV4_HEADER || ip[0] >> 4 != 4)
		return structure | malformed(WEIR_MALFORMED_L3);
	header = (ip[0] & 15) * 4;
	total = ntohs(load16(ip + 2));
	// A segmentation-offload frame may be longer than its 16-bit length can say (length 0).
	if (total == 0 && c->frame->offload.gso_size)
		total = c->frame->size - (uint32_t)(ip - c->frame->data);
	if (header < IPV4_HEADER || header > left || total < header ||
		total > c->frame->size - (uint32_t)(ip - c->frame->data))
		return structure | malformed(WEIR_MALFORMED_L3);
	key->w[3] |= (uint64_t)ip[9] << KEY_PROTO_SHIFT | (uint64_t)ip[1] << KEY_TOS_SHIFT |
		     (uint64_t)ip[8] << KEY_TTL_SHIFT;
	key->w[4] = load64(ip + 12);
	key->w[0] |= structure;
	fragment = load16(ip + 6) & htons(0x3fff);
	if (fragment & htons(0x1fff))
		return later_fragment((ntohs(fragment) & 0x1fffu) * 8, ip[9]);
	if (fragment)
		structure = (uint64_t)WEIR_FRAGMENT_FIRST << KEY_FRAGMENT_SHIFT;
	else
		structure = 0;
	if ((ptrdiff_t)total < left)
		c->end = ip + total;
	c->at = ip + header;
	return structure | parse_l4(key, c, ip[9]);
}

// Follows the extension headers (RFC 8200 section 4). Returns the last header's protocol, or -1.
static int parse_chain(struct cursor *c, uint8_t next, enum weir_fragment *fragment)
{
	for (int i = 0;; i++) {
		ptrdiff_t left = c->end - c->at;
		unsigned size;

		switch (next) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case 135: // mobility, RFC 6275
			if (left < 8)
				return -1;
			size = (c->at[1] + 1u) * 8;
			c->routed |= next == IPPROTO_ROUTING && c->at[3];
			break;
		case IPPROTO_AH: // RFC 4302 2.2: in units of 4, minus 2
			if (left < 8)
				return -1;
			size = (c->at[1] + 2u) * 4;
			break;
		case IPPROTO_FRAGMENT:
			if (left < 8)
				return -1;
			size = 8;
			c->offset = ntohs(load16(c->at + 2)) & 0xfff8;
			c->id = load32(c->at + 4);
			if (c->offset)
				*fragment = WEIR_FRAGMENT_LATER;
			else if (*fragment == WEIR_FRAGMENT_NONE && (c->at[3] & 1))
				*fragment = WEIR_FRAGMENT_FIRST;
			break;
		default:
			return next;
		}
		if (i == CHAIN_MAX || (ptrdiff_t)size > left)
			return -1;
		next = c->at[0];
		c->at += size;
		if (*fragment == WEIR_FRAGMENT_LATER)
			return next;
	}
}

static uint64_t parse_ipv6(struct flow_key *key, struct cursor *c)
{
	ptrdiff_t left = c->end - c->at;
	const uint8_t *ip = c->at;
	uint64_t structure = (uint64_t)WEIR_L3_IPV6 << KEY_L3_SHIFT;
	enum weir_fragment fragment = WEIR_FRAGMENT_NONE;
	uint32_t first;
	unsigned payload;
	int proto;

	if (left < IPV6_HEADER || ip[0] >> 4 != 6)
		return structure | malformed(WEIR_MALFORMED_L3);
	payload = ntohs(load16(ip + 4));
	if (payload == 0 && c->frame->offload.gso_size)
		payload = c->frame->size - (uint32_t)(ip - c->frame->data) - IPV6_HEADER;
	if (payload > c->frame->size - (uint32_t)(ip - c->frame->data) - IPV6_HEADER)
		return structure | malformed(WEIR_MALFORMED_L3);
	first = ntohl(load32(ip));
	key->w[3] |= (uint64_t)(first >> 20 & 0xff) << KEY_TOS_SHIFT | (uint64_t)ip[7]
									       << KEY_TTL_SHIFT;
	key->w[4] = load64(ip + 8);
	memcpy(&key->w[5], ip + 16, 24);
	key->w[8] |= (uint64_t)(first & 0xfffff) << KEY_LABEL_SHIFT;
	key->w[0] |= structure;
	if ((ptrdiff_t)(payload + IPV6_HEADER) < left)
		c->end = ip + IPV6_HEADER + payload;
	c->at = ip + IPV6_HEADER;
	proto = parse_chain(c, ip[6], &fragment);
	if (proto < 0)
		return (uint64_t)fragment << KEY_FRAGMENT_SHIFT | malformed(WEIR_MALFORMED_CHAIN);
	key->w[3] |= (uint64_t)proto << KEY_PROTO_SHIFT;
	if (fragment == WEIR_FRAGMENT_LATER)
		return later_fragment(c->offset, proto);
	structure = (uint64_t)fragment << KEY_FRAGMENT_SHIFT;
	return structure | parse_l4(key, c, (uint8_t)proto);
}

static uint64_t parse_arp(struct flow_key *key, const struct cursor *c)
{
	const uint8_t *arp = c->at;
	uint64_t structure = (uint64_t)WEIR_L3_ARP << KEY_L3_SHIFT;

	// Ethernet and IPv4 only: hardware type 1, protocol 0x0800, lengths 6 and 4.
	if (c->end - arp < ARP_HEADER || load32(arp) != htonl(0x00010800) ||
		load16(arp + 4) != htons(0x0604))
		return structure | malformed(WEIR_MALFORMED_L3);
	// An operation that does not fit the field must not pass for another one.
	if (arp[6] == 0)
		key->w[3] |= (uint64_t)arp[7] << KEY_PROTO_SHIFT;
	key->w[4] = load32(arp + 14) | (uint64_t)load32(arp + 24) << 32;
	return structure;
}

static uint64_t parse_l3(struct flow_key *key, struct cursor *c, uint16_t type)
{
	if (type == htons(0x0800))
		return parse_ipv4(key, c);
	if (type == htons(0x86dd))
		return parse_ipv6(key, c);
	if (type == htons(0x0806))
		return parse_arp(key, c);
	return 0;
}

// Reads up to two tags, a third is payload; *type becomes the payload's. Returns false when the
// frame ends inside one.
static bool parse_tags(struct flow_key *key, struct cursor *c, uint16_t *type)
{
	unsigned n = 0;

	while (n < 2 && is_tag(*type)) {
		uint16_t tci;

		if (c->end - c->at < TAG_SIZE)
			return false;
		tci = ntohs(load16(c->at));
		if (n == 0)
			key->w[1] |= (uint64_t)tci << 48;
		else
			key->w[8] |= (uint64_t)tci << KEY_INNER_SHIFT;
		*type = load16(c->at + 2);
		c->at += TAG_SIZE;
		key_set_tags(key, ++n);
	}
	return true;
}

void key_parse(const struct weir_frame *frame, struct flow_key *key)
{
	struct cursor c = { frame->data, frame->data + frame->linear, frame, false, 0, 0 };
	uint16_t type;

	for (unsigned i = 3; i < KEY_WORDS; i++)
		key->w[i] = 0;
	key->w[0] = 0;
	if (__builtin_expect(frame->linear < ETH_HEADER, 0)) {
		key->w[0] = malformed(WEIR_MALFORMED_RUNT);
		key->w[1] = key->w[2] = 0;
		return;
	}
	// A checksum that is known to be right (DATA_VALID) is nothing unfinished.
	if ((frame->offload.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) | frame->offload.gso_type)
		key->w[0] |= KEY_OFFLOAD;
	if (frame->flags & WEIR_FRAME_TRUSTED)
		key->w[0] |= KEY_TRUSTED;
	key->w[1] = load64(c.at) & KEY_MAC_MASK;
	key->w[2] = load64(c.at + 6); // the type behind the source: right for an untagged frame
	type = load16(c.at + 12);
	c.at += ETH_HEADER;
	if (__builtin_expect(is_tag(type), 0)) {
		key->w[2] &= KEY_MAC_MASK;
		if (!parse_tags(key, &c, &type)) {
			key->w[0] |= malformed(WEIR_MALFORMED_TAGS);
			return;
		}
		key->w[2] |= (uint64_t)type << 48;
	}
	if (__builtin_expect(ntohs(type) < ETH_TYPE_MIN, 0)) {
		key->w[2] &= KEY_MAC_MASK; // LLC: a length, not a type
		return;
	}
	key->w[0] |= parse_l3(key, &c, type);
}

void frame_layers(const struct weir_frame *frame, struct frame_layers *layers)
{
	struct cursor c = { frame->data, frame->data + frame->linear, frame, false, 0, 0 };
	enum weir_fragment fragment;
	struct flow_key key;

	*layers = (struct frame_layers){ 0 };
	key_parse(frame, &key);
	fragment = key_bits(key.w[0], KEY_FRAGMENT_SHIFT, 2);
	layers->l3_kind = key_l3(&key);
	if (layers->l3_kind == WEIR_L3_OTHER || key_malformed(&key) == WEIR_MALFORMED_L3)
		return;
	layers->l3 = (uint16_t)(ETH_HEADER + TAG_SIZE * key_tags(&key));
	layers->proto = (uint8_t)(key.w[3] >> KEY_PROTO_SHIFT);
	if (layers->l3_kind == WEIR_L3_ARP || fragment == WEIR_FRAGMENT_LATER ||
		key_malformed(&key))
		return;
	c.at += layers->l3;
	if (layers->l3_kind == WEIR_L3_IPV4) {
		layers->l4 = (uint16_t)(layers->l3 + (c.at[0] & 15) * 4);
		return;
	}
	c.at += IPV6_HEADER;
	if (parse_chain(&c, c.at[-IPV6_HEADER + 6], &fragment) >= 0)
		layers->l4 = (uint16_t)(c.at - frame->data);
	layers->routed = c.routed;
}

bool frame_datagram(const struct weir_frame *frame, struct frame_datagram *datagram)
{
	struct cursor c = { frame->data, frame->data + frame->linear, frame, false, 0, 0 };
	enum weir_fragment fragment = WEIR_FRAGMENT_NONE;
	struct flow_key key;

	key_parse(frame, &key);
	if (key_bits(key.w[0], KEY_FRAGMENT_SHIFT, 2) == WEIR_FRAGMENT_NONE)
		return false;
	*datagram = (struct frame_datagram){ .l3_kind = key_l3(&key) };
	c.at += ETH_HEADER + TAG_SIZE * key_tags(&key);
	if (key_l3(&key) == WEIR_L3_IPV4) {
		datagram->id = load16(c.at + 4);
		datagram->proto = key_proto(&key);
		datagram->addresses[0] = (uint32_t)key.w[4];
		datagram->addresses[2] = key.w[4] >> 32;
		return true;
	}
	memcpy(datagram->addresses, &key.w[4], sizeof(datagram->addresses));
	c.at += IPV6_HEADER;
	// One whose chain cannot be followed to its end may still have the fragment header.
	parse_chain(&c, c.at[-IPV6_HEADER + 6], &fragment);
	datagram->id = c.id;
	return true;
}
