// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// TCP and UDP frames built field by field for the tests of offload, and a check of checksums that
// shares nothing with the code under test: it follows the lengths in the headers and adds words one
// by one.
#ifndef TESTS_NIC_SAMPLES_H
#define TESTS_NIC_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <linux/virtio_net.h>

#include "nic/offload.h"

enum { SAMPLE_TCP = 6, SAMPLE_UDP = 17, SAMPLE_SCTP = 132 };

struct sample {
	const char *name;
	int version;      // of IP
	int tags;         // VLAN tags, the outer one 802.1ad when there are two
	bool extensions;  // IPv6: a hop-by-hop and a destination options header; IPv4: options
	uint8_t protocol; // SAMPLE_*
	uint32_t payload; // bytes
	uint16_t gso;     // 0 = no segmentation
	uint8_t tcp_flags;
};

static inline void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static inline uint32_t add_words(uint32_t sum, const uint8_t *at, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++) {
		sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
		while (sum > 0xffff)
			sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static inline uint32_t add_word(uint32_t sum, uint32_t word)
{
	uint8_t bytes[4] = { (uint8_t)(word >> 24), (uint8_t)(word >> 16), (uint8_t)(word >> 8),
		(uint8_t)word };

	return add_words(sum, bytes, 4);
}

// Where the parts of a frame stand.
struct layout {
	uint32_t l3, l4, payload, end; // end: as the IP header says
	int version;
	uint8_t protocol;
};

static inline bool find_layout(const uint8_t *frame, uint32_t size, struct layout *out)
{
	uint32_t at = 12;

	while (get16(frame + at) == 0x8100 || get16(frame + at) == 0x88a8)
		at += 4;
	out->l3 = at + 2;
	if (get16(frame + at) == 0x0800) {
		out->version = 4;
		out->protocol = frame[out->l3 + 9];
		out->l4 = out->l3 + (frame[out->l3] & 15) * 4u;
		out->end = out->l3 + get16(frame + out->l3 + 2);
	} else if (get16(frame + at) == 0x86dd) {
		out->version = 6;
		out->protocol = frame[out->l3 + 6];
		out->l4 = out->l3 + 40;
		out->end = out->l4 + get16(frame + out->l3 + 4);
		while (out->protocol == 0 || out->protocol == 60) {
			out->protocol = frame[out->l4];
			out->l4 += (frame[out->l4 + 1] + 1) * 8u;
		}
	} else {
		return false;
	}
	out->payload = out->l4 + (out->protocol == SAMPLE_TCP ? (frame[out->l4 + 12] >> 4) * 4u
					 : out->protocol == SAMPLE_UDP ? 8
								       : 12);
	return out->end <= size;
}

static inline uint32_t pseudo_sum(const uint8_t *frame, const struct layout *at, uint32_t length)
{
	uint32_t sum = at->version == 4 ? add_words(0, frame + at->l3 + 12, 8)
					: add_words(0, frame + at->l3 + 8, 32);

	return add_word(add_word(sum, length), at->protocol);
}

// All checksums of a finished frame are right and all lengths agree with its size.
static inline bool is_finished(const uint8_t *frame, uint32_t size)
{
	struct layout at;

	if (!find_layout(frame, size, &at) || at.end != size)
		return false;
	if (at.version == 4 && add_words(0, frame + at.l3, at.l4 - at.l3) != 0xffff)
		return false;
	if (at.protocol == SAMPLE_UDP &&
		(get16(frame + at.l4 + 4) != size - at.l4 || get16(frame + at.l4 + 6) == 0))
		return false;
	return add_words(pseudo_sum(frame, &at, size - at.l4), frame + at.l4, size - at.l4) ==
	       0xffff;
}

static inline uint8_t payload_byte(uint32_t i)
{
	return (uint8_t)(i * 7 + (i >> 8) * 13 + 3);
}

static inline uint32_t build_ip(const struct sample *sample, uint8_t *ip, uint32_t transport)
{
	uint32_t options = sample->extensions ? (sample->version == 4 ? 4 : 16) : 0;

	if (sample->version == 4) {
		ip[0] = (uint8_t)(0x45 + options / 4);
		put16(ip + 2, 20 + options + transport);
		put16(ip + 4, 0xfffe); // so that the identification wraps
		ip[6] = 0x40;
		ip[8] = 64;
		ip[9] = sample->protocol;
		memcpy(ip + 12, "\x0a\x63\x00\x01\x0a\x63\x00\x02", 8);
		memset(ip + 20, 1, options); // no operation
		put16(ip + 10, ~add_words(0, ip, 20 + options));
		return 20 + options;
	}
	ip[0] = 0x60;
	put16(ip + 4, options + transport);
	ip[6] = options ? 0 : sample->protocol;
	ip[7] = 64;
	memcpy(ip + 8, "\xfd\x63\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xfd\x63\0\0\0\0\0\0\0\0\0\0\0\0\0\2",
		32);
	if (options) {
		memcpy(ip + 40, "\x3c\0\1\4\0\0\0\0", 8); // hop-by-hop, padded; destination next
		memcpy(ip + 48, "\0\0\1\4\0\0\0\0", 8);
		ip[48] = sample->protocol;
	}
	return 40 + options;
}

// Builds the frame as a stack with offloads leaves it: the checksum field holds the sum of the
// pseudo header, and *offload says what is to be finished. Returns its size.
static inline uint32_t build_sample(
	const struct sample *sample, uint8_t *frame, struct virtio_net_hdr *offload)
{
	uint32_t l3 = 14 + 4u * (uint32_t)sample->tags, l4, header, field;
	struct layout at;

	memset(frame, 0, 256);
	memcpy(frame, "\x02\0\0\0\0\2\x02\0\0\0\0\1", 12);
	for (int i = 0; i < sample->tags; i++) {
		put16(frame + 12 + 4 * i, i == 0 && sample->tags == 2 ? 0x88a8 : 0x8100);
		put16(frame + 14 + 4 * i, 0x2064u + (uint32_t)i);
	}
	put16(frame + l3 - 2, sample->version == 4 ? 0x0800 : 0x86dd);
	header = sample->protocol == SAMPLE_TCP ? 32 : sample->protocol == SAMPLE_UDP ? 8 : 12;
	l4 = l3 + build_ip(sample, frame + l3, header + sample->payload);
	put16(frame + l4, 5000);
	put16(frame + l4 + 2, 6000);
	field = l4 + (sample->protocol == SAMPLE_TCP ? 16 : sample->protocol == SAMPLE_UDP ? 6 : 8);
	if (sample->protocol == SAMPLE_TCP) {
		put16(frame + l4 + 4, 0xffff); // so that the sequence number wraps
		put16(frame + l4 + 6, 0xff00);
		frame[l4 + 12] = 0x80;
		frame[l4 + 13] = sample->tcp_flags;
		put16(frame + l4 + 14, 512);
		memcpy(frame + l4 + 20, "\1\1\x08\x0a\0\1\2\3\4\5\6\7", 12);
	} else if (sample->protocol == SAMPLE_UDP) {
		put16(frame + l4 + 4, 8 + sample->payload);
	}
	for (uint32_t i = 0; i < sample->payload; i++)
		frame[l4 + header + i] = payload_byte(i);
	at = (struct layout){ .l3 = l3, .version = sample->version, .protocol = sample->protocol };
	if (sample->protocol != SAMPLE_SCTP)
		put16(frame + field, pseudo_sum(frame, &at, header + sample->payload));
	*offload = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = (uint16_t)l4,
		.csum_offset = (uint16_t)(field - l4),
		.hdr_len = (uint16_t)(l4 + header),
		.gso_size = sample->gso,
	};
	if (sample->gso)
		offload->gso_type = sample->protocol == SAMPLE_UDP ? VIRTIO_NET_HDR_GSO_UDP_L4
				    : sample->version == 4         ? VIRTIO_NET_HDR_GSO_TCPV4
								   : VIRTIO_NET_HDR_GSO_TCPV6;
	return l4 + header + sample->payload;
}

// The frames that segmentation is tested with, here and against the kernel.
static const struct sample segment_samples[] = {
	{ "tcp4", 4, 0, false, SAMPLE_TCP, 60000, 1448, 0x99 },
	{ "tcp4, whole segments", 4, 0, false, SAMPLE_TCP, 2896, 1448, 0x18 },
	{ "tcp4, options in ip", 4, 0, true, SAMPLE_TCP, 3001, 1000, 0x11 },
	{ "tcp4, one tag", 4, 1, false, SAMPLE_TCP, 5001, 1447, 0x18 },
	{ "tcp4, two tags", 4, 2, false, SAMPLE_TCP, 64000, 1440, 0x19 },
	{ "tcp6", 6, 0, false, SAMPLE_TCP, 60000, 1428, 0x19 },
	{ "tcp6, extension headers", 6, 0, true, SAMPLE_TCP, 9999, 1400, 0x98 },
	{ "tcp6, one tag", 6, 1, false, SAMPLE_TCP, 1429, 1428, 0x18 },
	{ "tcp6, two tags, extensions", 6, 2, true, SAMPLE_TCP, 30000, 1237, 0x10 },
	{ "udp4", 4, 0, false, SAMPLE_UDP, 30000, 1200, 0 },
	{ "udp4, one tag", 4, 1, false, SAMPLE_UDP, 3000, 1199, 0 },
	{ "udp6", 6, 0, false, SAMPLE_UDP, 30001, 1200, 0 },
	{ "udp6, two tags", 6, 2, false, SAMPLE_UDP, 2401, 1200, 0 },
};

enum { N_SEGMENT_SAMPLES = sizeof(segment_samples) / sizeof(segment_samples[0]) };

// A frame of the pool with these bytes.
static inline struct weir_frame *make_frame(struct frame_pool *pool, const void *bytes,
	uint32_t size, const struct virtio_net_hdr *offload)
{
	struct weir_frame *frame = frame_alloc(pool, size);

	if (!frame)
		return NULL;
	memcpy(frame->data, bytes, size);
	frame->size = frame->linear = size;
	if (offload)
		frame->offload = *offload;
	return frame;
}

#endif
