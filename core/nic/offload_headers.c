// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/offload_headers.h"

#include <netinet/in.h>

#include "nic/offload.h"

enum {
	ETHERNET = 14,
	TAG = 4,
	IPV4 = 20,
	IPV6 = 40,
	TCP = 20,
	UDP = 8,
	SCTP = 12,
	IPV4_FRAGMENT = 0x3fff, // more-fragments flag and offset
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_TAG = 0x8100,
	TYPE_SERVICE_TAG = 0x88a8,
};

// Returns the EtherType behind the tags and where its header starts, or 0.
static uint16_t skip_tags(const struct weir_frame *frame, uint32_t *l3)
{
	uint32_t at = ETHERNET;

	for (unsigned tags = 0; at <= frame->linear; tags++, at += TAG) {
		uint16_t type = offload_read16(frame->data + at - 2);

		if (type != TYPE_TAG && type != TYPE_SERVICE_TAG) {
			*l3 = at;
			return type;
		}
		if (tags == OFFLOAD_MAX_TAGS)
			return 0;
	}
	return 0;
}

static bool find_ipv4(const struct weir_frame *frame, struct offload_headers *headers)
{
	const uint8_t *ip = frame->data + headers->l3;
	uint32_t size;

	if (frame->linear - headers->l3 < IPV4 || ip[0] >> 4 != 4)
		return false;
	size = (ip[0] & 0xf) * 4u;
	if (size < IPV4 || offload_read16(ip + 6) & IPV4_FRAGMENT)
		return false;
	headers->version = 4;
	headers->protocol = ip[9];
	headers->l4 = headers->l3 + size;
	return headers->l4 <= frame->linear;
}

// The size of an extension header in bytes, 0 when the header is none that may stand before an
// unfragmented, unencrypted transport header.
static uint32_t extension_size(uint8_t protocol, uint8_t length)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
		return (length + 1) * 8u;
	case IPPROTO_AH:
		return (length + 2) * 4u;
	}
	return 0;
}

static bool find_ipv6(const struct weir_frame *frame, struct offload_headers *headers)
{
	const uint8_t *ip = frame->data + headers->l3;
	uint32_t at = headers->l3 + IPV6, size;
	uint8_t protocol;

	if (frame->linear - headers->l3 < IPV6 || ip[0] >> 4 != 6)
		return false;
	protocol = ip[6];
	while (frame->linear - at >= 2 &&
		(size = extension_size(protocol, frame->data[at + 1])) != 0) {
		if (frame->linear - at < size)
			return false;
		protocol = frame->data[at];
		at += size;
	}
	headers->version = 6;
	headers->protocol = protocol;
	headers->l4 = at;
	return true;
}

static uint32_t transport_size(const uint8_t *header, uint32_t linear, uint8_t protocol)
{
	uint32_t size;

	switch (protocol) {
	case IPPROTO_TCP:
		if (linear < TCP)
			return 0;
		size = (header[12] >> 4) * 4u;
		return size >= TCP && size <= linear ? size : 0;
	case IPPROTO_UDP:
		return linear >= UDP ? UDP : 0;
	case IPPROTO_SCTP:
		return linear >= SCTP ? SCTP : 0;
	}
	return 0;
}

bool offload_find_headers(const struct weir_frame *frame, struct offload_headers *headers)
{
	uint16_t type = skip_tags(frame, &headers->l3);
	uint32_t size;

	if (!(type == TYPE_IPV4 && find_ipv4(frame, headers)) &&
		!(type == TYPE_IPV6 && find_ipv6(frame, headers)))
		return false;
	size = transport_size(
		frame->data + headers->l4, frame->linear - headers->l4, headers->protocol);
	headers->payload = headers->l4 + size;
	return size != 0 && headers->payload <= OFFLOAD_MAX_HEADERS;
}

bool offload_matches_gso(
	const struct virtio_net_hdr *offload, const struct offload_headers *headers)
{
	switch (offload->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return headers->version == 4 && headers->protocol == IPPROTO_TCP;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return headers->version == 6 && headers->protocol == IPPROTO_TCP;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return headers->protocol == IPPROTO_UDP;
	}
	return false;
}
