// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Finishing in software what a NIC cannot: checksums and segmentation, TCP and UDP, IPv4 and IPv6,
// behind any number of VLAN tags that the parser accepts. Worker only; the frame's offload state is
// hostile (it comes from guests): offsets are checked against the frame before anything is written.
#ifndef OFFLOAD_H
#define OFFLOAD_H

#include <string.h>

#include "nic/nic.h"

// UDP segmentation is in the kernel's headers since Linux 6.2 only.
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

// The offloads (enum nic_offload) that the frame needs, 0 for a finished frame.
unsigned offload_needs(const struct weir_frame *frame);

// Completes the frame's checksum in place and clears the request. The frame must be private (refs
// 1). -EINVAL when the offsets lie outside the frame.
int offload_finish_checksum(struct weir_frame *frame);

// Makes wire frames of a segmentation-offload frame (RFC 9293 3.1: sequence numbers, FIN and PSH on
// the last, CWR on the first; IPv4 identification and lengths; complete checksums; UDP as RFC 768
// datagrams for GSO_UDP_L4). Frames come from pool; the original stays the caller's. Returns how
// many were written to out, or -EINVAL when the state does not fit the frame, -ENOBUFS when the
// pool or max (shape of out) does not suffice, with nothing left allocated.
int offload_segment(struct frame_pool *pool, const struct weir_frame *frame,
	struct weir_frame *out[/* max */], unsigned max);

// Checks and repairs the state that a frame came with, before anybody parses the frame, which must
// be private (refs 1). Afterwards one of these holds:
// - nothing is asked for (at most VIRTIO_NET_HDR_F_DATA_VALID is set);
// - the checksum of the frame's own TCP or UDP header is asked for, hdr_len is the true length of
//   all headers, and with a gso_size, which is then less than the payload, segmentation of the kind
//   that the headers are of. Segmentation may also come without the checksum request; the segments
//   get their checksums all the same.
// Every other checksum (in a tunnel, of SCTP, a lie) is finished here, so that nothing is written
// after the decision to bytes that it read. Returns false when the frame must be dropped as
// malformed: an offset outside the frame, a gso_type unknown or contradicting the outermost
// headers (a segmentation frame inside a tunnel is one), a gso_size of 0. How small a gso_size is
// acceptable is the caller's choice: max of offload_segment() bounds what comes out.
bool offload_sanitize(struct weir_frame *frame);

// Whether something is to be finished, or claimed to be: a checksum, or segments.
static inline bool offload_claimed(const struct weir_frame *frame)
{
	// One load: the compiler makes the mask a constant.
	const struct virtio_net_hdr fields = {
		.flags = UINT8_MAX, .gso_type = UINT8_MAX, .gso_size = UINT16_MAX
	};
	uint64_t claims, mask;

	memcpy(&claims, &frame->offload, sizeof(claims));
	memcpy(&mask, &fields, sizeof(mask));
	return (claims & mask) != 0;
}

#endif
