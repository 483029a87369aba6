// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Between the text of a frame and its bytes: included by packet*.c only.
#ifndef CTL_PACKET_INTERNAL_H
#define CTL_PACKET_INTERNAL_H

#include <stdbool.h>

#include "packet.h"

enum packet_kind {
	PACKET_UDP,
	PACKET_TCP,
	PACKET_SCTP,
	PACKET_ICMP,
	PACKET_ARP,
	PACKET_IP,
	PACKET_ETH,
	N_PACKET_KINDS,
};

enum { PACKET_TAGS = 2 };

enum packet_fragment { PACKET_WHOLE, PACKET_FIRST, PACKET_LATER };

// A number that may be left out.
struct packet_number {
	bool is_given;
	uint32_t value;
};

struct packet_text {
	enum packet_kind kind;
	bool ipv6;
	uint8_t src_ip[16], dst_ip[16];
	uint16_t src_port, dst_port;
	struct packet_station src, dst;
	uint8_t src_mac[6], dst_mac[6];
	unsigned n_tags;
	uint16_t tags[PACKET_TAGS]; // tag control information
	struct packet_number size, dscp, ecn, ttl, flags, type, code, proto, op;
	enum packet_fragment fragment;
};

static inline uint32_t packet_or(const struct packet_number *number, uint32_t otherwise)
{
	return number->is_given ? number->value : otherwise;
}

// packet_build.c: the bytes of what was read. Addresses of stations are filled in as far as they
// follow from the text.
int packet_build(const struct packet_text *text, struct packet *packet, struct ctl_error *error);

// packet_option.c: reads NAME=VALUE.
int packet_take_option(struct packet_text *text, const char *word, struct ctl_error *error);

#endif
