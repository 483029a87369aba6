// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The headers of a frame as far as offload needs them: where the network and transport headers
// are. Looks at the linear part only. Worker only.
#ifndef OFFLOAD_HEADERS_H
#define OFFLOAD_HEADERS_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/frame.h>

enum {
	OFFLOAD_MAX_TAGS = 4,       // VLAN tags that are looked behind
	OFFLOAD_MAX_HEADERS = 1024, // bytes of all headers together
};

struct offload_headers {
	uint32_t l3;      // offset of the IP header
	uint32_t l4;      // offset of the transport header
	uint32_t payload; // offset behind the transport header
	uint8_t version;  // of IP: 4 or 6
	uint8_t protocol; // of the transport header: IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP
};

// Finds the headers of an unfragmented TCP, UDP or SCTP frame, all of them linear and
// at most OFFLOAD_MAX_HEADERS. False when it is
// another kind of frame or its headers are cut off or contradict themselves (RFC 791, RFC 8200 with
// extension headers, RFC 9293, RFC 768).
bool offload_find_headers(const struct weir_frame *frame, struct offload_headers *headers);

// Whether the kind of segmentation asked for is known and is that of the frame's headers.
bool offload_matches_gso(
	const struct virtio_net_hdr *offload, const struct offload_headers *headers);

static inline uint16_t offload_read16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline void offload_write16(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

#endif
