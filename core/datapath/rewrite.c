// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "datapath/key.h"
#include "datapath/rewrite.h"

enum { MACS = 12, TAG = 4 };

static uint16_t load16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool tagged(const struct weir_frame *frame)
{
	uint16_t type;

	if (frame->linear < MACS + 2 + TAG)
		return false;
	type = load16(frame->data + MACS);
	return type == htons(0x8100) || type == htons(0x88a8);
}

uint16_t frame_vlan(const struct weir_frame *frame)
{
	return tagged(frame) ? ntohs(load16(frame->data + MACS + 2)) & 0xfff : 0;
}

// Headers grew or shrank by `by` bytes in front of everything that the offload state points at.
static void shift_offload(struct weir_frame *frame, int by)
{
	if (frame->offload.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		frame->offload.csum_start = (uint16_t)(frame->offload.csum_start + by);
	if (frame->offload.gso_type)
		frame->offload.hdr_len = (uint16_t)(frame->offload.hdr_len + by);
}

static bool push_vlan(struct weir_frame *frame, uint16_t tci)
{
	uint16_t tag[2] = { htons(0x8100), htons(tci) };

	if (frame->headroom < TAG)
		return false;
	// A frame that has a tag already gets a service tag around it (IEEE 802.1ad).
	if (tagged(frame))
		tag[0] = htons(0x88a8);
	memmove(frame->data - TAG, frame->data, MACS);
	frame->data -= TAG;
	memcpy(frame->data + MACS, tag, TAG);
	frame->headroom -= TAG;
	frame->size += TAG;
	frame->linear += TAG;
	shift_offload(frame, TAG);
	return true;
}

void rewrite_pop_vlan(struct weir_frame *frame)
{
	if (!tagged(frame))
		return;
	memmove(frame->data + TAG, frame->data, MACS);
	frame->data += TAG;
	frame->headroom += TAG;
	frame->size -= TAG;
	frame->linear -= TAG;
	shift_offload(frame, -TAG);
}

static void set_tci(struct weir_frame *frame, uint32_t arg)
{
	uint16_t tci, bits = (uint16_t)(arg >> 16);

	if (!tagged(frame))
		return;
	tci = ntohs(load16(frame->data + MACS + 2));
	tci = htons((uint16_t)((tci & ~bits) | (arg & bits)));
	memcpy(frame->data + MACS + 2, &tci, sizeof(tci));
}

// RFC 1624, equation 3, for `size` (even) bytes that change from old to new. complemented: the sum
// at `sum` is an Internet checksum; else it is the plain sum of a pseudo header.
static void adjust(
	uint8_t *sum, const uint8_t *old, const uint8_t *new, size_t size, bool complemented)
{
	uint32_t total = complemented ? (uint16_t)~load16(sum) : load16(sum);
	uint16_t result;

	for (size_t i = 0; i < size; i += 2)
		total += (uint16_t)~load16(old + i) + (uint32_t)load16(new + i);
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	result = (uint16_t)(complemented ? ~total : total);
	memcpy(sum, &result, sizeof(result));
}

// Where the L4 checksum stands, or NULL when the frame has none to adjust. Only TCP and UDP, and
// ICMPv6 when addresses change, are covered by what we change.
static uint8_t *l4_checksum(struct weir_frame *frame, const struct frame_layers *l, bool addresses)
{
	unsigned at;

	if (!l->l4)
		return NULL;
	if (l->proto == IPPROTO_TCP)
		at = 16;
	else if (l->proto == IPPROTO_UDP)
		at = 6;
	else if (l->proto == IPPROTO_ICMPV6 && l->l3_kind == WEIR_L3_IPV6 && addresses)
		at = 2;
	else
		return NULL;
	if (l->l4 + at + 2u > frame->linear)
		return NULL;
	return frame->data + l->l4 + at;
}

static void adjust_l4(struct weir_frame *frame, const struct frame_layers *l, const uint8_t *old,
	const uint8_t *new, size_t size, bool addresses)
{
	uint8_t *sum = l4_checksum(frame, l, addresses);
	bool partial = frame->offload.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	static const uint8_t all_ones[2] = { 0xff, 0xff };

	// A partial checksum covers the addresses only; the NIC adds the ports.
	if (!sum || (partial && !addresses))
		return;
	if (l->proto == IPPROTO_UDP && !partial && load16(sum) == 0)
		return; // RFC 768: none was computed
	adjust(sum, old, new, size, !partial);
	if (l->proto == IPPROTO_UDP && !partial && load16(sum) == 0)
		memcpy(sum, all_ones, 2);
}

// arg: the value, and in the second byte the bits that stay as they are.
static void set_tos(struct weir_frame *frame, uint32_t arg)
{
	uint8_t keep = (uint8_t)(arg >> 8), old[2], tos, *ip;
	struct frame_layers l;

	if (rewrite_plain_tos(frame, arg))
		return;
	frame_layers(frame, &l);
	ip = frame->data + l.l3;
	if (l.l3_kind == WEIR_L3_IPV4 && l.l3) {
		memcpy(old, ip, 2);
		ip[1] = (uint8_t)((ip[1] & keep) | (arg & 0xffu & ~keep));
		adjust(ip + 10, old, ip, 2, true);
	} else if (l.l3_kind == WEIR_L3_IPV6 && l.l3) {
		tos = (uint8_t)(ip[0] << 4 | ip[1] >> 4);
		tos = (uint8_t)((tos & keep) | (arg & 0xffu & ~keep));
		ip[0] = (uint8_t)(0x60 | tos >> 4);
		ip[1] = (uint8_t)((ip[1] & 0x0f) | tos << 4);
	}
}

static void set_ipv4(struct weir_frame *frame, unsigned at, const void *address)
{
	struct frame_layers l;
	uint8_t old[4], *ip;

	frame_layers(frame, &l);
	if (l.l3_kind != WEIR_L3_IPV4 || !l.l3)
		return;
	ip = frame->data + l.l3;
	memcpy(old, ip + at, 4);
	memcpy(ip + at, address, 4);
	adjust(ip + 10, old, ip + at, 4, true);
	adjust_l4(frame, &l, old, ip + at, 4, true);
}

static void set_ipv6(struct weir_frame *frame, unsigned at, const uint8_t address[16])
{
	struct frame_layers l;
	uint8_t old[16], *ip;

	frame_layers(frame, &l);
	if (l.l3_kind != WEIR_L3_IPV6 || !l.l3)
		return;
	ip = frame->data + l.l3;
	memcpy(old, ip + at, 16);
	memcpy(ip + at, address, 16);
	if (at == 24 && l.routed)
		return;
	adjust_l4(frame, &l, old, ip + at, 16, true);
}

static void set_port(struct weir_frame *frame, unsigned at, uint16_t port)
{
	struct frame_layers l;
	uint8_t old[2], *l4;

	frame_layers(frame, &l);
	if (!l.l4 || (l.proto != IPPROTO_TCP && l.proto != IPPROTO_UDP))
		return;
	l4 = frame->data + l.l4;
	memcpy(old, l4 + at, 2);
	memcpy(l4 + at, &port, 2);
	adjust_l4(frame, &l, old, l4 + at, 2, false);
}

bool rewrite_frame(struct weir_frame *frame, const struct op *op)
{
	if (frame->linear < MACS + 2)
		return true; // a runt has nothing that could be rewritten
	switch (op->code) {
	case OP_PUSH_VLAN:
		return push_vlan(frame, (uint16_t)op->arg);
	case OP_POP_VLAN:
		rewrite_pop_vlan(frame);
		break;
	case OP_SET_TCI:
		set_tci(frame, op->arg);
		break;
	case OP_SET_ETH_DST:
		memcpy(frame->data, op->bytes, 6);
		break;
	case OP_SET_ETH_SRC:
		memcpy(frame->data + 6, op->bytes, 6);
		break;
	case OP_SET_TOS:
		set_tos(frame, op->arg);
		break;
	case OP_SET_IPV4_SRC:
		set_ipv4(frame, 12, &op->arg);
		break;
	case OP_SET_IPV4_DST:
		set_ipv4(frame, 16, &op->arg);
		break;
	case OP_SET_IPV6_SRC:
		set_ipv6(frame, 8, op->address);
		break;
	case OP_SET_IPV6_DST:
		set_ipv6(frame, 24, op->address);
		break;
	case OP_SET_L4_SRC:
		set_port(frame, 0, (uint16_t)op->arg);
		break;
	case OP_SET_L4_DST:
		set_port(frame, 2, (uint16_t)op->arg);
		break;
	default:
		break;
	}
	return true;
}
