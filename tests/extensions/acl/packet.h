// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Packets as the tests of the ACL think of them, and the frames they become.
#ifndef ACL_TEST_PACKET_H
#define ACL_TEST_PACKET_H

#include "lab.h"

enum fragment { WHOLE, FIRST, LATER };

struct packet {
	uint8_t from, to;         // stations: 02:00:00:00:00:n
	int vlan;                 // -1: no tag
	uint16_t type;            // EtherType: 0x0800, 0x86dd, 0x0806 or another one
	uint8_t src[16], dst[16]; // IPv4 and ARP: the first four bytes
	uint8_t protocol;
	uint16_t src_port, dst_port; // ICMP: type and code
	uint8_t fragment;            // enum fragment
	uint8_t n_options;           // IPv6: extension headers before the rest
	uint16_t offset;             // of a later fragment, in units of 8 bytes
	uint16_t id;                 // of its datagram; 0: 1
	uint8_t cut;                 // bytes of the L4 header that are missing at its end
	const struct packet *about;  // an ICMP error: what it quotes; not for long
};

// "udp 10.0.0.1:1000 > 10.0.0.2:53", "icmp 10.0.0.1 > 10.0.0.2 type 8", "tcp [fd00::1]:1 >
// [fd00::2]:80", "arp 10.0.0.1 > 10.0.0.2", "47 10.0.0.1 > 10.0.0.2", "0x88b5", and behind it any
// of "vlan N", "first", "later OFFSET", "id N", "options N", "cut N", "from N", "to N" (stations, 0
// and 1), and at the end "about PACKET". Anything else fails the test.
struct packet packet_read(const char *text);
struct lab_frame packet_frame(const struct packet *packet);
// For messages.
void packet_format(const struct packet *packet, char *text, size_t size);

#endif
