// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The checksum of a frame's TCP or UDP header, left to the device that sends it. The sum of the
// pseudo header, which rte_mbuf_core.h asks for at RTE_MBUF_F_TX_L4_MASK, stands in the frame
// already: VIRTIO 1.1, 5.1.6.2, wants the same one.
#include <netinet/in.h>
#include <string.h>

#include <rte_ip.h>

#include "internal.h"
#include "nic/offload_headers.h"

enum {
	L2_MAX = (1 << RTE_MBUF_L2_LEN_BITS) - 1, // what the fields hold
	L3_MAX = (1 << RTE_MBUF_L3_LEN_BITS) - 1,
	L4_MAX = (1 << RTE_MBUF_L4_LEN_BITS) - 1,
};

// Whether it can be said to a device where the headers are. Behind IPv6's extension headers the
// drivers that make the sum of the pseudo header anew, by rte_ipv6_phdr_cksum(), make a wrong one.
static bool can_be_asked(const struct offload_headers *headers)
{
	uint32_t l3_size = headers->l4 - headers->l3;

	return headers->protocol != IPPROTO_SCTP && headers->l3 <= L2_MAX && l3_size <= L3_MAX &&
	       headers->payload - headers->l4 <= L4_MAX &&
	       (headers->version == 4 || l3_size == sizeof(struct rte_ipv6_hdr));
}

static bool finish_here(struct rte_mbuf *mbuf, const struct virtio_net_hdr *offload)
{
	uint32_t field = (uint32_t)offload->csum_start + offload->csum_offset;
	uint16_t sum;

	if (field + sizeof(sum) > mbuf->data_len ||
		rte_raw_cksum_mbuf(
			mbuf, offload->csum_start, mbuf->pkt_len - offload->csum_start, &sum))
		return false;
	sum = (uint16_t)~sum;
	if (sum == 0)
		sum = UINT16_MAX; // zero says "none" in UDP
	memcpy(rte_pktmbuf_mtod_offset(mbuf, uint8_t *, field), &sum, sizeof(sum));
	return true;
}

bool dpdk_ask_checksum(struct rte_mbuf *mbuf, struct weir_frame *frame)
{
	struct offload_headers headers;

	if (!offload_find_headers(frame, &headers) || headers.l4 != frame->offload.csum_start ||
		!can_be_asked(&headers)) {
		if (!finish_here(mbuf, &frame->offload))
			return false;
		// Should it not be sent now, it must not be summed once more.
		if (mbuf == dpdk_mbuf_of(frame))
			frame->offload.flags &= (uint8_t)~VIRTIO_NET_HDR_F_NEEDS_CSUM;
		return true;
	}
	mbuf->tx_offload = 0;
	mbuf->l2_len = headers.l3 & L2_MAX;
	mbuf->l3_len = (headers.l4 - headers.l3) & L3_MAX;
	mbuf->l4_len = (headers.payload - headers.l4) & L4_MAX;
	mbuf->ol_flags |= headers.version == 4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
	mbuf->ol_flags |= headers.protocol == IPPROTO_TCP ? RTE_MBUF_F_TX_TCP_CKSUM
							  : RTE_MBUF_F_TX_UDP_CKSUM;
	return true;
}
