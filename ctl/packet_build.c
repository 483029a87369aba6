// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The bytes of a frame: IEEE 802.3 and 802.1Q, RFC 791, 826, 8200, 768, 9293, 9260, 792, 4443.
#include "packet_internal.h"

#include <string.h>

enum {
	FRAME_MIN = 60, // IEEE 802.3 3.2.8, without FCS
	TYPE_AT = 12,
	ARP_SIZE = 28,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_FRAGMENT = 44,
	PROTO_SCTP = 132,
};

// A station that nobody named: locally administered (IEEE 802, 8.4).
static const uint8_t made_up_src[6] = { 2, 0, 0, 0, 0, 1 }, made_up_dst[6] = { 2, 0, 0, 0, 0, 2 };

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

// RFC 1071, of what was summed before and these bytes.
static uint32_t sum(uint32_t before, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		before += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (before >> 16)
		before = (before & 0xffff) + (before >> 16);
	return before;
}

// RFC 9260 appendix A: CRC32c, least significant bit first.
static uint32_t crc32c(const uint8_t *bytes, size_t size)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
	}
	return ~crc;
}

// ---- Layer 4

static uint8_t protocol(const struct packet_text *text)
{
	static const uint8_t protocols[N_PACKET_KINDS] = {
		[PACKET_UDP] = PROTO_UDP, [PACKET_TCP] = PROTO_TCP, [PACKET_SCTP] = PROTO_SCTP
	};

	if (text->kind == PACKET_ICMP)
		return text->ipv6 ? 58 : 1;
	return text->kind == PACKET_IP ? (uint8_t)text->proto.value : protocols[text->kind];
}

static size_t header_size(const struct packet_text *text)
{
	static const size_t sizes[N_PACKET_KINDS] = {
		[PACKET_UDP] = 8, [PACKET_TCP] = 20, [PACKET_SCTP] = 12, [PACKET_ICMP] = 8
	};

	// What is behind the first fragment is data.
	return text->fragment == PACKET_LATER ? 0 : sizes[text->kind];
}

// The sum of the pseudo header (RFC 768, RFC 9293 3.1, RFC 8200 8.1).
static uint32_t pseudo_sum(const struct packet_text *text, size_t size)
{
	size_t address = text->ipv6 ? 16 : 4;
	uint32_t before = sum(0, text->src_ip, address);

	return sum(before, text->dst_ip, address) + protocol(text) + (uint32_t)size;
}

static void put_header(const struct packet_text *text, uint8_t *at, size_t size)
{
	uint32_t crc;

	if (text->kind <= PACKET_SCTP) {
		put16(at, text->src_port);
		put16(at + 2, text->dst_port);
	}
	switch (text->kind) {
	case PACKET_UDP:
		put16(at + 4, (uint32_t)size);
		crc = ~sum(pseudo_sum(text, size), at, size) & 0xffff;
		put16(at + 6, crc ? crc : 0xffff); // 0 says that there is none
		break;
	case PACKET_TCP:
		at[12] = 5 << 4;
		at[13] = (uint8_t)packet_or(&text->flags, 2);
		put16(at + 14, 65535);
		put16(at + 16, ~sum(pseudo_sum(text, size), at, size));
		break;
	case PACKET_SCTP:
		crc = crc32c(at, size);
		for (unsigned i = 0; i < 4; i++)
			at[8 + i] = (uint8_t)(crc >> 8 * i);
		break;
	case PACKET_ICMP:
		at[0] = (uint8_t)packet_or(&text->type, text->ipv6 ? 128 : 8);
		at[1] = (uint8_t)packet_or(&text->code, 0);
		put16(at + 2, ~sum(text->ipv6 ? pseudo_sum(text, size) : 0, at, size));
		break;
	default:
		break;
	}
}

// ---- Layer 3. `at` is zeroed; size: bytes behind the Ethernet header and tags.

static uint8_t tos(const struct packet_text *text)
{
	return (uint8_t)(packet_or(&text->dscp, 0) << 2 | packet_or(&text->ecn, 0));
}

static size_t ip_size(const struct packet_text *text)
{
	if (!text->ipv6)
		return 20;
	return text->fragment == PACKET_WHOLE ? 40 : 48;
}

static void put_ipv4(const struct packet_text *text, uint8_t *at, size_t size)
{
	at[0] = 0x45;
	at[1] = tos(text);
	put16(at + 2, (uint32_t)size);
	if (text->fragment == PACKET_FIRST)
		put16(at + 6, 0x2000);
	if (text->fragment == PACKET_LATER)
		put16(at + 6, 185); // behind 1480 bytes
	at[8] = (uint8_t)packet_or(&text->ttl, 64);
	at[9] = protocol(text);
	memcpy(at + 12, text->src_ip, 4);
	memcpy(at + 16, text->dst_ip, 4);
	put16(at + 10, ~sum(0, at, 20));
}

static void put_ipv6(const struct packet_text *text, uint8_t *at, size_t size)
{
	bool whole = text->fragment == PACKET_WHOLE;

	at[0] = (uint8_t)(0x60 | tos(text) >> 4);
	at[1] = (uint8_t)(tos(text) << 4);
	put16(at + 4, (uint32_t)size - 40);
	at[6] = whole ? protocol(text) : PROTO_FRAGMENT;
	at[7] = (uint8_t)packet_or(&text->ttl, 64);
	memcpy(at + 8, text->src_ip, 16);
	memcpy(at + 24, text->dst_ip, 16);
	if (whole)
		return;
	at[40] = protocol(text);
	put16(at + 42, text->fragment == PACKET_FIRST ? 1 : 185 << 3);
}

static void put_arp(const struct packet_text *text, uint8_t *at)
{
	static const uint8_t ethernet_ipv4[] = { 0, 1, 8, 0, 6, 4 };

	memcpy(at, ethernet_ipv4, sizeof(ethernet_ipv4));
	put16(at + 6, packet_or(&text->op, 1));
	memcpy(at + 14, text->src_ip, 4);
	memcpy(at + 24, text->dst_ip, 4);
}

static void put_l3(const struct packet_text *text, uint8_t *at, size_t size)
{
	size_t ip = ip_size(text);

	if (text->kind == PACKET_ARP) {
		put_arp(text, at);
		return;
	}
	if (text->kind == PACKET_ETH)
		return;
	if (text->ipv6)
		put_ipv6(text, at, size);
	else
		put_ipv4(text, at, size);
	if (header_size(text))
		put_header(text, at + ip, size - ip);
}

// ---- The frame

static uint32_t ether_type(const struct packet_text *text)
{
	if (text->kind == PACKET_ETH)
		return text->type.value;
	if (text->kind == PACKET_ARP)
		return 0x0806;
	return text->ipv6 ? 0x86dd : 0x0800;
}

static size_t layer_3_size(const struct packet_text *text)
{
	if (text->kind == PACKET_ETH)
		return 0;
	return text->kind == PACKET_ARP ? ARP_SIZE : ip_size(text) + header_size(text);
}

// What the IP destination says of the Ethernet one: RFC 919, RFC 1112 6.4, RFC 2464 7.
static bool group_address(const struct packet_text *text, uint8_t mac[6])
{
	const uint8_t *ip = text->dst_ip;
	bool all = text->kind == PACKET_ARP ? packet_or(&text->op, 1) == 1
					    : !text->ipv6 && memcmp(ip, "\xff\xff\xff\xff", 4) == 0;

	if (all) {
		memset(mac, 0xff, 6);
	} else if (text->ipv6 && ip[0] == 0xff) {
		memcpy(mac, "\x33\x33", 2);
		memcpy(mac + 2, ip + 12, 4);
	} else if (!text->ipv6 && text->kind != PACKET_ARP && ip[0] >> 4 == 14) {
		memcpy(mac, "\x01\x00\x5e", 3);
		memcpy(mac + 3, ip + 1, 3);
		mac[3] &= 0x7f;
	} else {
		return false;
	}
	return text->kind != PACKET_ETH;
}

static void put_stations(const struct packet_text *text, struct packet *packet)
{
	uint8_t mac[6];

	packet->src = text->src;
	packet->dst = text->dst;
	packet_set_source(packet, text->src.address == PACKET_GIVEN ? text->src_mac : made_up_src);
	if (text->dst.address == PACKET_UNKNOWN && group_address(text, mac)) {
		packet->dst.address = PACKET_GIVEN;
		packet_set_destination(packet, mac);
	} else {
		packet_set_destination(
			packet, text->dst.address == PACKET_GIVEN ? text->dst_mac : made_up_dst);
	}
}

int packet_build(const struct packet_text *text, struct packet *packet, struct ctl_error *error)
{
	size_t l3 = 14 + 4 * text->n_tags, least = l3 + layer_3_size(text);
	size_t size = packet_or(&text->size, (uint32_t)least);

	if (size < least)
		return ctl_fail(
			error, CTL_REFUSED, "size %zu: the headers take %zu bytes", size, least);
	// What IP cannot say the length of; its frame is padded when it is short.
	if (size - l3 > 65535)
		return ctl_fail(
			error, CTL_REFUSED, "size %zu: must be at most %zu", size, l3 + 65535);
	packet->size = !text->size.is_given && size < FRAME_MIN ? FRAME_MIN : size;
	memset(packet->bytes, 0, packet->size);
	for (unsigned i = 0; i < text->n_tags; i++) {
		// The outer of two tags is a service tag (IEEE 802.1ad).
		put16(packet->bytes + TYPE_AT + 4 * i, i + 1 < text->n_tags ? 0x88a8 : 0x8100);
		put16(packet->bytes + TYPE_AT + 4 * i + 2, text->tags[i]);
	}
	put16(packet->bytes + l3 - 2, ether_type(text));
	put_l3(text, packet->bytes + l3, size - l3);
	put_stations(text, packet);
	return 0;
}

// ---- Ethernet addresses

// The ARP message behind the tags, or NULL.
static uint8_t *arp_of(struct packet *packet)
{
	size_t at = TYPE_AT;

	while (at + 6 <= packet->size &&
		(get16(packet->bytes + at) == 0x8100 || get16(packet->bytes + at) == 0x88a8))
		at += 4;
	if (at + 2 + ARP_SIZE > packet->size || get16(packet->bytes + at) != 0x0806)
		return NULL;
	return packet->bytes + at + 2;
}

void packet_set_source(struct packet *packet, const uint8_t mac[6])
{
	uint8_t *arp = arp_of(packet);

	memcpy(packet->bytes + 6, mac, 6);
	if (arp)
		memcpy(arp + 8, mac, 6);
}

// Who asks does not know it.
void packet_set_destination(struct packet *packet, const uint8_t mac[6])
{
	uint8_t *arp = arp_of(packet);

	memcpy(packet->bytes, mac, 6);
	if (arp && get16(arp + 6) == 2)
		memcpy(arp + 18, mac, 6);
}
