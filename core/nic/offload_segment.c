// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/offload.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "nic/offload_checksum.h"
#include "nic/offload_headers.h"

enum {
	TCP_SEQUENCE = 4, // offsets in headers
	TCP_FLAGS = 13,
	TCP_CHECKSUM = 16,
	UDP_LENGTH = 4,
	UDP_CHECKSUM = 6,
	IPV4_LENGTH = 2,
	IPV4_ID = 4,
	IPV4_CHECKSUM = 10,
	IPV4_ADDRESSES = 12,
	IPV6_LENGTH = 4,
	IPV6_ADDRESSES = 8,
	IPV6 = 40, // bytes
	FLAG_FIN = 0x01,
	FLAG_PSH = 0x08,
	FLAG_CWR = 0x80,
};

// What all segments of a frame share.
struct plan {
	const struct weir_frame *frame;
	struct offload_headers headers;
	uint32_t gso;  // payload bytes of each segment but the last
	uint32_t n;    // segments
	uint64_t base; // sum of the pseudo header without the length
};

// Copies bytes out of a frame, from one call to the next.
struct reader {
	struct weir_frame_iterator it;
	const uint8_t *piece;
	uint32_t left; // bytes of the piece
};

static void read_bytes(struct reader *reader, uint8_t *to, uint32_t size)
{
	while (size) {
		uint32_t n = size < reader->left ? size : reader->left;

		memcpy(to, reader->piece, n);
		to += n;
		size -= n;
		reader->piece += n;
		reader->left -= n;
		if (size)
			reader->piece = weir_frame_next(&reader->it, &reader->left);
	}
}

static uint8_t *checksum_field(uint8_t *data, const struct offload_headers *headers)
{
	return data + headers->l4 +
	       (headers->protocol == IPPROTO_TCP ? TCP_CHECKSUM : UDP_CHECKSUM);
}

// The sum of the pseudo header (RFC 9293 3.1, RFC 8200 8.1) without the length. A frame that waits
// for its checksum has the whole sum in the checksum field, which is right also behind a routing
// header, when the destination is not the one in the IP header.
static uint64_t pseudo_header(const struct weir_frame *frame, const struct offload_headers *headers)
{
	const uint8_t *ip = frame->data + headers->l3;
	uint32_t length = frame->size - headers->l4;

	if (frame->offload.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		uint16_t folded = checksum_fold(length);

		return (uint64_t)offload_read16(checksum_field(frame->data, headers)) +
		       (uint16_t)~folded;
	}
	if (headers->version == 4)
		return checksum_add(headers->protocol, ip + IPV4_ADDRESSES, 8);
	return checksum_add(headers->protocol, ip + IPV6_ADDRESSES, 32);
}

static void finish_ip(const struct plan *plan, struct weir_frame *segment, uint32_t index)
{
	const struct offload_headers *headers = &plan->headers;
	uint8_t *ip = segment->data + headers->l3;
	uint32_t length = segment->size - headers->l3;

	if (headers->version == 6) {
		offload_write16(ip + IPV6_LENGTH, length - IPV6);
		return;
	}
	offload_write16(ip + IPV4_LENGTH, length);
	offload_write16(ip + IPV4_ID, offload_read16(ip + IPV4_ID) + index);
	offload_write16(ip + IPV4_CHECKSUM, 0);
	offload_write16(ip + IPV4_CHECKSUM,
		(uint16_t)~checksum_fold(checksum_add(0, ip, headers->l4 - headers->l3)));
}

static void finish_tcp(const struct plan *plan, uint8_t *tcp, uint32_t index)
{
	uint32_t sequence = (uint32_t)offload_read16(tcp + TCP_SEQUENCE) << 16 |
			    offload_read16(tcp + TCP_SEQUENCE + 2);

	sequence += index * plan->gso;
	offload_write16(tcp + TCP_SEQUENCE, sequence >> 16);
	offload_write16(tcp + TCP_SEQUENCE + 2, sequence);
	// The window reduction is announced once (RFC 3168 6.1.2), the end of the data at its end.
	if (index > 0)
		tcp[TCP_FLAGS] &= (uint8_t)~FLAG_CWR;
	if (index + 1 < plan->n)
		tcp[TCP_FLAGS] &= (uint8_t) ~(FLAG_FIN | FLAG_PSH);
}

static void finish_transport(const struct plan *plan, struct weir_frame *segment, uint32_t index)
{
	const struct offload_headers *headers = &plan->headers;
	uint8_t *transport = segment->data + headers->l4;
	uint8_t *field = checksum_field(segment->data, headers);
	uint32_t length = segment->size - headers->l4;
	uint16_t checksum;

	if (headers->protocol == IPPROTO_TCP)
		finish_tcp(plan, transport, index);
	else
		offload_write16(transport + UDP_LENGTH, length);
	offload_write16(field, 0);
	checksum = (uint16_t)~checksum_fold(checksum_add(plan->base + length, transport, length));
	offload_write16(field, checksum ? checksum : 0xffff);
}

static int make_plan(const struct weir_frame *frame, struct plan *plan)
{
	uint32_t payload;

	*plan = (struct plan){ .frame = frame, .gso = frame->offload.gso_size };
	if (plan->gso == 0 || !offload_find_headers(frame, &plan->headers) ||
		!offload_matches_gso(&frame->offload, &plan->headers))
		return -EINVAL;
	payload = frame->size - plan->headers.payload;
	plan->n = payload ? (payload + plan->gso - 1) / plan->gso : 1;
	plan->base = pseudo_header(frame, &plan->headers);
	return 0;
}

static struct weir_frame *make_segment(
	struct frame_pool *pool, const struct plan *plan, struct reader *reader, uint32_t index)
{
	const struct weir_frame *frame = plan->frame;
	uint32_t headers = plan->headers.payload;
	uint32_t left = frame->size - headers - index * plan->gso;
	uint32_t payload = left < plan->gso ? left : plan->gso;
	struct weir_frame *segment = frame_alloc(pool, headers + payload);

	if (!segment)
		return NULL;
	memcpy(segment->data, frame->data, headers);
	read_bytes(reader, segment->data + headers, payload);
	segment->size = segment->linear = headers + payload;
	segment->port = frame->port;
	segment->flags = frame->flags;
	segment->hops = frame->hops;
	segment->hash = frame->hash;
	finish_ip(plan, segment, index);
	finish_transport(plan, segment, index);
	return segment;
}

int offload_segment(struct frame_pool *pool, const struct weir_frame *frame,
	struct weir_frame *out[/* max */], unsigned max)
{
	struct reader reader = { .it = weir_frame_iterate(frame) };
	struct plan plan;
	int ret = make_plan(frame, &plan);

	if (ret)
		return ret;
	if (plan.n > max)
		return -ENOBUFS;
	reader.piece = weir_frame_next(&reader.it, &reader.left);
	reader.piece += plan.headers.payload;
	reader.left -= plan.headers.payload;
	for (uint32_t i = 0; i < plan.n; i++) {
		out[i] = make_segment(pool, &plan, &reader, i);
		if (!out[i]) {
			while (i--)
				weir_frame_release(out[i]);
			return -ENOBUFS;
		}
	}
	return (int)plan.n;
}
