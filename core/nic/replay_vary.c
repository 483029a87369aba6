// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "nic/replay_vary.h"

#include <netinet/in.h>
#include <string.h>

#include "nic/offload_checksum.h"
#include "nic/offload_headers.h"

enum { PORTS_SIZE = 4, UDP_CHECKSUM = 6, TCP_CHECKSUM = 16 };

// Multiplications by odd numbers and folds of the upper half into the lower one: each can be
// undone, so that no two numbers give the same pair. The constants are those of MurmurHash3.
static uint32_t mix(uint32_t n)
{
	n = (n ^ n >> 16) * UINT32_C(0x85ebca6b);
	n = (n ^ n >> 13) * UINT32_C(0xc2b2ae35);
	return n ^ n >> 16;
}

void replay_vary(struct weir_frame *frame, uint32_t n)
{
	struct offload_headers headers;
	uint8_t *ports, *checksum;
	uint32_t pair = mix(n);
	uint64_t sum;

	if (!offload_find_headers(frame, &headers) || headers.protocol == IPPROTO_SCTP)
		return;
	ports = frame->data + headers.l4;
	checksum = ports + (headers.protocol == IPPROTO_TCP ? TCP_CHECKSUM : UDP_CHECKSUM);
	sum = (uint16_t)~offload_read16(checksum);
	// Taking a word away is adding its complement.
	for (unsigned i = 0; i < PORTS_SIZE; i += 2)
		sum += (uint16_t)~offload_read16(ports + i);
	memcpy(ports, &pair, PORTS_SIZE);
	if (headers.protocol == IPPROTO_UDP && offload_read16(checksum) == 0)
		return; // RFC 768: the sender made none
	sum = (uint16_t)~checksum_fold(checksum_add(sum, ports, PORTS_SIZE));
	if (headers.protocol == IPPROTO_UDP && sum == 0)
		sum = 0xffff;
	offload_write16(checksum, (uint32_t)sum);
}
