// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The parser for what traffic mostly consists of, inline in the batch: IPv4 without options and
// IPv6 without extension headers, untagged or with one tag, not fragmented, with UDP or TCP and
// nothing unfinished. Everything else is left to key_parse(), which gives the same key for these
// frames too and is the reference that the tests compare with.
//
// What decides here are comparisons that come out the same for every plain frame, so that they
// cost no mispredicted branch.
#ifndef PARSE_PLAIN_H
#define PARSE_PLAIN_H

#include <arpa/inet.h>
#include <netinet/in.h>

#include "datapath/key.h"

enum {
	PLAIN_ETH = 14,
	PLAIN_TAG = 4,
	PLAIN_IPV4 = 20,
	PLAIN_IPV6 = 40,
	PLAIN_UDP = 8,
	PLAIN_TCP = 20,
	// The least length that is looked at, so that no load has to be checked for itself: a tag,
	// an IPv4 header and a UDP header.
	PLAIN_MIN = PLAIN_ETH + PLAIN_TAG + PLAIN_IPV4 + PLAIN_UDP,
};

// Part of the loop of a batch, with l2 as a constant.
#define PLAIN_INLINE __attribute__((always_inline)) static inline

static inline uint16_t plain_load16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t plain_load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t plain_load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

// Eight bytes as they are loaded from a frame, for comparing several fields at a time.
static inline uint64_t plain_bytes(uint8_t b0, uint8_t b1, uint8_t b2, uint8_t b3)
{
	const uint8_t bytes[8] = { b0, b1, b2, b3 };

	return plain_load64(bytes);
}

// The upper half of word 0: constants of 32 bits stand in the instructions.
static inline uint32_t plain_kind(enum weir_l3 l3, enum weir_l4 l4)
{
	return (uint32_t)l3 << (KEY_L3_SHIFT - 32) | (uint32_t)l4 << (KEY_L4_SHIFT - 32);
}

// left: bytes from l4 on that belong to the packet and are linear.
static inline bool plain_udp(const uint8_t *l4, uint32_t left)
{
	return left >= PLAIN_UDP && (plain_load16(l4 + 4) & htons(0xfff8));
}

static inline bool plain_tcp(const uint8_t *l4, uint32_t left)
{
	uint32_t header;

	if (left < PLAIN_TCP)
		return false;
	header = (uint32_t)(l4[12] >> 4) * 4;
	return header >= PLAIN_TCP && header <= left;
}

// Of the eight bytes of an IPv4 header from its fragment offset on, as word 3 has them.
static inline uint64_t plain_ttl_and_proto(uint64_t middle)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return middle << (KEY_TTL_SHIFT - 16) & UINT64_C(0xffff) << KEY_TTL_SHIFT;
#else
	return (middle >> 40 & 0xff) << KEY_TTL_SHIFT | (middle >> 32 & 0xff) << KEY_PROTO_SHIFT;
#endif
}

// size, linear: of the frame from the header on. Returns plain_kind(), 0 when not plain.
PLAIN_INLINE uint32_t plain_ipv4(
	const uint8_t *ip, uint32_t size, uint32_t linear, struct flow_key *key, bool l2)
{
	uint64_t middle = plain_load64(ip + 6);
	// Fragment offset and "more fragments", and the protocol.
	uint64_t what = middle & plain_bytes(0x3f, 0xff, 0, 0xff);
	uint32_t total = ntohs(plain_load16(ip + 2));
	uint32_t left = (total < linear ? total : linear) - PLAIN_IPV4;

	if (total < PLAIN_IPV4 || total > size)
		return 0;
	if (!l2) {
		key->w[3] = plain_ttl_and_proto(middle) | (uint64_t)ip[1] << KEY_TOS_SHIFT |
			    plain_load32(ip + PLAIN_IPV4);
		key->w[4] = plain_load64(ip + 12);
		memset(&key->w[5], 0, 4 * sizeof(key->w[0]));
	}
	if (what == plain_bytes(0, 0, 0, IPPROTO_UDP) && plain_udp(ip + PLAIN_IPV4, left))
		return plain_kind(WEIR_L3_IPV4, WEIR_L4_UDP);
	if (what == plain_bytes(0, 0, 0, IPPROTO_TCP) && plain_tcp(ip + PLAIN_IPV4, left))
		return plain_kind(WEIR_L3_IPV4, WEIR_L4_TCP);
	return 0;
}

PLAIN_INLINE uint32_t plain_ipv6(
	const uint8_t *ip, uint32_t size, uint32_t linear, struct flow_key *key, bool l2)
{
	uint32_t total = ntohs(plain_load16(ip + 4)) + (uint32_t)PLAIN_IPV6, first;
	uint32_t left = (total < linear ? total : linear) - PLAIN_IPV6;

	if (linear < PLAIN_IPV6 + PLAIN_UDP || total > size)
		return 0;
	if (!l2) {
		first = ntohl(plain_load32(ip));
		key->w[3] = (uint64_t)ip[6] << KEY_PROTO_SHIFT |
			    (uint64_t)(first >> 20 & 0xff) << KEY_TOS_SHIFT |
			    (uint64_t)ip[7] << KEY_TTL_SHIFT | plain_load32(ip + PLAIN_IPV6);
		key->w[4] = plain_load64(ip + 8);
		memcpy(&key->w[5], ip + 16, 24);
		key->w[8] = (uint64_t)(first & 0xfffff) << KEY_LABEL_SHIFT;
	}
	if (ip[6] == IPPROTO_UDP && plain_udp(ip + PLAIN_IPV6, left))
		return plain_kind(WEIR_L3_IPV6, WEIR_L4_UDP);
	if (ip[6] == IPPROTO_TCP && plain_tcp(ip + PLAIN_IPV6, left))
		return plain_kind(WEIR_L3_IPV6, WEIR_L4_TCP);
	return 0;
}

// offset, tags: constants, so that everything stands at a fixed place of the frame.
PLAIN_INLINE bool plain_behind(const struct weir_frame *frame, struct flow_key *key,
	uint32_t offset, uint32_t tags, uint64_t tci, bool l2)
{
	const uint8_t *data = frame->data;
	uint32_t size = frame->size - offset, linear = frame->linear - offset, kind;
	uint64_t head = plain_load64(
		data + offset - 2); // the type, and what the header begins with

	if ((head & plain_bytes(0xff, 0xff, 0xff, 0)) == plain_bytes(0x08, 0x00, 0x45, 0))
		kind = plain_ipv4(data + offset, size, linear, key, l2);
	else if ((head & plain_bytes(0xff, 0xff, 0xf0, 0)) == plain_bytes(0x86, 0xdd, 0x60, 0))
		kind = plain_ipv6(data + offset, size, linear, key, l2);
	else
		return false;
	key->w[0] = (uint64_t)(kind | tags << (KEY_TAGS_SHIFT - 32)) << 32;
	key->w[1] = (plain_load64(data) & KEY_MAC_MASK) | tci;
	// Untagged, the type follows the source.
	key->w[2] = tags ? (plain_load64(data + 6) & KEY_MAC_MASK) |
				    (uint64_t)plain_load16(data + offset - 2) << 48
			 : plain_load64(data + 6);
	return kind != 0;
}

// Fills the key as key_parse() does, or returns false. With l2 (a constant) words 3 to 8 are left
// as they are. The frame must have nothing unfinished.
PLAIN_INLINE bool key_parse_plain(const struct weir_frame *frame, struct flow_key *key, bool l2)
{
	const uint8_t *data = frame->data;

	if (frame->linear < PLAIN_MIN || (frame->flags & WEIR_FRAME_TRUSTED))
		return false;
	if (plain_load16(data + 12) == htons(0x8100))
		return plain_behind(frame, key, PLAIN_ETH + PLAIN_TAG, 1,
			(uint64_t)ntohs(plain_load16(data + 14)) << 48, l2);
	return plain_behind(frame, key, PLAIN_ETH, 0, 0, l2);
}

#undef PLAIN_INLINE
#endif
