// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Changing the bytes of a frame as a program says, checksums and offload state included.
#ifndef REWRITE_H
#define REWRITE_H

#include <weir/frame.h>

#include "datapath/parse_plain.h"
#include "datapath/program.h"

// What rewrite_frame() does for OP_SET_TOS, for IPv4 without options behind at most one tag; false:
// the frame is not of that kind, and stays as it is. Worker.
static inline bool rewrite_plain_tos(struct weir_frame *frame, uint32_t arg)
{
	uint8_t *ip = frame->data + PLAIN_ETH;
	uint32_t size = frame->size - PLAIN_ETH, total, tos, sum;
	uint16_t checksum;

	if (frame->linear < PLAIN_MIN)
		return false;
	if (plain_load16(ip - 2) == htons(0x8100)) {
		ip += PLAIN_TAG;
		size -= PLAIN_TAG;
	}
	total = ntohs(plain_load16(ip + 2));
	if (plain_load16(ip - 2) != htons(0x0800) || ip[0] != 0x45 || total < PLAIN_IPV4 ||
		total > size)
		return false;
	tos = (ip[1] & arg >> 8) | (arg & ~(arg >> 8) & 0xff);
	// RFC 1624, equation 3, of the header's first word.
	sum = (uint16_t)~plain_load16(ip + 10) +
	      (uint32_t)(uint16_t)~htons((uint16_t)(ip[0] << 8 | ip[1])) +
	      htons((uint16_t)(ip[0] << 8 | tos));
	ip[1] = (uint8_t)tos;
	sum = (sum & 0xffff) + (sum >> 16);
	checksum = (uint16_t) ~(sum + (sum >> 16));
	memcpy(ip + 10, &checksum, sizeof(checksum));
	return true;
}

// Applies one of the rewriting operations (OP_PUSH_VLAN and behind) to a private frame (refs 1).
// Checksums are adjusted incrementally (RFC 1624); a partial one, which the NIC is to finish, keeps
// the sum of its pseudo header. What the frame does not have stays as it is. Returns false when a
// tag cannot be pushed for lack of headroom: clone the frame and try again. Worker.
bool rewrite_frame(struct weir_frame *frame, const struct op *op);

// Takes the outer tag away. Worker.
void rewrite_pop_vlan(struct weir_frame *frame);

// The VLAN of the frame's outer tag, 0 without one.
uint16_t frame_vlan(const struct weir_frame *frame);

#endif
