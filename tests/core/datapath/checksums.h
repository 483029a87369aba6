// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The checksums of a frame computed anew, from the text of the RFCs and by a walk of its own: what
// an incremental update is compared with.
#ifndef TESTS_DATAPATH_CHECKSUMS_H
#define TESTS_DATAPATH_CHECKSUMS_H

#include "frames.h"

struct whole_packet {
	uint32_t l3, l4, end; // offsets; l4 is 0 for a later fragment
	uint32_t checksum;    // offset of the L4 checksum, 0: none is known
	uint8_t version, proto;
	uint8_t src[16], dst[16]; // of the pseudo header
};

static inline uint32_t be16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static inline void put_be16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline uint32_t sum_words(uint32_t sum, const uint8_t *at, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

// IPv6's extension headers up to the transport header (RFC 8200 4, 8.1).
static inline void walk_ipv6(const uint8_t *frame, struct whole_packet *p)
{
	uint32_t at = p->l3 + 40;

	p->proto = frame[p->l3 + 6];
	memcpy(p->src, frame + p->l3 + 8, 16);
	memcpy(p->dst, frame + p->l3 + 24, 16);
	while (p->proto == 0 || p->proto == 43 || p->proto == 44 || p->proto == 51 ||
		p->proto == 60) {
		const uint8_t *header = frame + at;

		at += p->proto == 44   ? 8u
		      : p->proto == 51 ? header[1] * 4u + 8
				       : header[1] * 8u + 8;
		// The pseudo header has the final destination, the last address of the routing
		// header.
		if (p->proto == 43 && header[3])
			memcpy(p->dst, frame + at - 16, 16);
		if (p->proto == 44 && be16(header + 2) >> 3)
			return;
		p->proto = header[0];
	}
	p->l4 = at;
}

static inline struct whole_packet whole_packet(const uint8_t *frame)
{
	struct whole_packet p = { .l3 = 14 };

	while (be16(frame + p.l3 - 2) == 0x8100 || be16(frame + p.l3 - 2) == 0x88a8)
		p.l3 += 4;
	p.version = frame[p.l3] >> 4;
	if (p.version == 4) {
		p.proto = frame[p.l3 + 9];
		p.end = p.l3 + be16(frame + p.l3 + 2);
		memcpy(p.src, frame + p.l3 + 12, 4);
		memcpy(p.dst, frame + p.l3 + 16, 4);
		if (!(be16(frame + p.l3 + 6) & 0x1fff))
			p.l4 = p.l3 + (frame[p.l3] & 15) * 4u;
	} else {
		p.end = p.l3 + 40 + be16(frame + p.l3 + 4);
		walk_ipv6(frame, &p);
	}
	if (p.l4)
		p.checksum = p.proto == 6    ? p.l4 + 16
			     : p.proto == 17 ? p.l4 + 6
			     : p.proto == 58 ? p.l4 + 2
					     : 0;
	return p;
}

static inline uint32_t pseudo_header_sum(const struct whole_packet *p)
{
	uint8_t tail[4] = { 0, p->proto };
	uint32_t size = p->version == 4 ? 4 : 16, sum;

	put_be16(tail + 2, p->end - p->l4);
	sum = sum_words(0, p->src, size);
	return sum_words(sum_words(sum, p->dst, size), tail, 4);
}

// Writes the right checksums into a whole frame. A UDP checksum of 0 is left as it is.
static inline void fill_checksums(uint8_t *frame)
{
	struct whole_packet p = whole_packet(frame);
	uint32_t sum;

	if (p.version == 4) {
		uint32_t header = (frame[p.l3] & 15) * 4u;

		put_be16(frame + p.l3 + 10, 0);
		put_be16(frame + p.l3 + 10, ~sum_words(0, frame + p.l3, header));
	}
	if (!p.checksum || (p.proto == 17 && be16(frame + p.checksum) == 0))
		return;
	put_be16(frame + p.checksum, 0);
	sum = ~sum_words(pseudo_header_sum(&p), frame + p.l4, p.end - p.l4) & 0xffff;
	put_be16(frame + p.checksum, sum == 0 && p.proto == 17 ? 0xffff : sum);
}

// As a stack with checksum offload leaves the frame: the sum of the pseudo header.
static inline void fill_partial(uint8_t *frame)
{
	struct whole_packet p = whole_packet(frame);

	fill_checksums(frame);
	put_be16(frame + p.checksum, pseudo_header_sum(&p));
}

// What the device then does (VIRTIO 1.1 5.1.6.2.1).
static inline void finish_partial(uint8_t *frame, uint32_t size, uint32_t start, uint32_t offset)
{
	uint32_t sum = ~sum_words(0, frame + start, size - start) & 0xffff;

	put_be16(frame + start + offset, sum == 0 ? 0xffff : sum);
}

#endif
