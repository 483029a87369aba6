// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/offload.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "nic/offload_checksum.h"
#include "nic/offload_headers.h"

enum {
	TCP_CHECKSUM = 16, // offsets in the transport header
	UDP_CHECKSUM = 6,
	SCTP_CHECKSUM = 8,
};

static bool needs_checksum(const struct virtio_net_hdr *offload)
{
	return offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
}

static uint8_t gso_kind(const struct virtio_net_hdr *offload)
{
	return offload->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
}

unsigned offload_needs(const struct weir_frame *frame)
{
	const struct virtio_net_hdr *offload = &frame->offload;
	unsigned needs = needs_checksum(offload) ? NIC_OFFLOAD_CSUM : 0;

	if (offload->gso_type & VIRTIO_NET_HDR_GSO_ECN)
		needs |= NIC_OFFLOAD_ECN;
	switch (gso_kind(offload)) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return needs;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return needs | NIC_OFFLOAD_TSO4;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return needs | NIC_OFFLOAD_TSO6;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return needs | NIC_OFFLOAD_USO;
	}
	return ~0u; // nothing that any NIC offers
}

int offload_finish_checksum(struct weir_frame *frame)
{
	uint32_t start = frame->offload.csum_start;
	uint32_t field = start + frame->offload.csum_offset;
	uint16_t checksum;

	if (field + 2 > frame->linear)
		return -EINVAL;
	checksum = (uint16_t)~checksum_fold(checksum_add_frame(0, frame, start));
	// Zero says "none" in UDP; in one's complement both are the same number.
	offload_write16(frame->data + field, checksum ? checksum : 0xffff);
	frame->offload.flags &= (uint8_t)~VIRTIO_NET_HDR_F_NEEDS_CSUM;
	frame->offload.csum_start = frame->offload.csum_offset = 0;
	return 0;
}

static uint32_t checksum_offset(const struct offload_headers *headers)
{
	switch (headers->protocol) {
	case IPPROTO_TCP:
		return TCP_CHECKSUM;
	case IPPROTO_UDP:
		return UDP_CHECKSUM;
	}
	return SCTP_CHECKSUM;
}

// Whether what is asked for is the checksum of the frame's own transport header.
static bool is_transport_checksum(
	const struct virtio_net_hdr *offload, const struct offload_headers *headers)
{
	return offload->csum_start == headers->l4 &&
	       offload->csum_offset == checksum_offset(headers);
}

// A frame that is finished in software here and now.
static bool finish_now(struct weir_frame *frame)
{
	if (offload_finish_checksum(frame))
		return false;
	frame->offload.hdr_len = 0;
	return true;
}

// Linux lets SCTP's CRC unfinished under the same flag, with nothing to tell it by.
static void finish_sctp(struct weir_frame *frame, const struct offload_headers *headers)
{
	uint32_t hole = headers->l4 + SCTP_CHECKSUM;
	uint32_t crc = crc32c_frame(frame, headers->l4, hole);

	for (unsigned i = 0; i < 4; i++)
		frame->data[hole + i] = (uint8_t)(crc >> 8 * i);
	frame->offload = (struct virtio_net_hdr){ 0 };
}

// A frame with an unfinished checksum only. Anything but the checksum of its own TCP or UDP header
// (an inner header of a tunnel, or a lie) is finished before anybody looks at the frame: a field
// that is written after the decision could be an address or a port that was decided on.
static bool sanitize_checksum(struct weir_frame *frame)
{
	struct virtio_net_hdr *offload = &frame->offload;
	struct offload_headers headers;

	offload->gso_type = VIRTIO_NET_HDR_GSO_NONE;
	offload->gso_size = 0;
	if (!offload_find_headers(frame, &headers) || !is_transport_checksum(offload, &headers))
		return finish_now(frame);
	if (headers.protocol == IPPROTO_SCTP)
		finish_sctp(frame, &headers);
	else
		offload->hdr_len = (uint16_t)headers.payload;
	return true;
}

bool offload_sanitize(struct weir_frame *frame)
{
	struct virtio_net_hdr *offload = &frame->offload;
	struct offload_headers headers;

	offload->flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID;
	if (gso_kind(offload) == VIRTIO_NET_HDR_GSO_NONE) {
		if (needs_checksum(offload))
			return sanitize_checksum(frame);
		*offload = (struct virtio_net_hdr){ .flags = offload->flags };
		return true;
	}
	if (offload->gso_size == 0 || !offload_find_headers(frame, &headers) ||
		!offload_matches_gso(offload, &headers))
		return false;
	if (needs_checksum(offload) && !is_transport_checksum(offload, &headers))
		return false;
	if (!needs_checksum(offload))
		offload->csum_start = offload->csum_offset = 0;
	if (headers.protocol == IPPROTO_UDP)
		offload->gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
	offload->hdr_len = (uint16_t)headers.payload;
	// What fits in one segment is an ordinary frame.
	if (frame->size - headers.payload <= offload->gso_size) {
		offload->gso_type = VIRTIO_NET_HDR_GSO_NONE;
		offload->gso_size = 0;
	}
	return true;
}
