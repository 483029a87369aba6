// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A frame as people write it:
//
//     udp 10.0.0.1:5000 > 10.0.0.2:53 dst=vm2 vlan=10 dscp=46
//     tcp [2001:db8::1]:1024 > [2001:db8::2]:443 flags=syn
//     sctp ADDRESS:PORT > ADDRESS:PORT
//     icmp 10.0.0.1 > 10.0.0.2 type=8 code=0      of IPv6 addresses: ICMPv6
//     arp 10.0.0.1 > 10.0.0.2 op=reply            who asks, and for whom
//     ip 10.0.0.1 > 10.0.0.2 proto=47
//     eth type=0x88cc                             with no more than the header
//     hex 0011 22:33...                           the bytes themselves
//
// and behind it, in any order, NAME=VALUE:
//
//     src, dst    the Ethernet addresses: an address, or the name of a port, whose station is meant
//     vlan        1 to 4094, with /PRIORITY behind it if it has one; twice: the outer one first
//     size        bytes of the frame; 60, or what the headers take, when it is not given
//     dscp, ecn, ttl, fragment (first, later)             of IP
//     flags       of TCP: names separated by commas, or none; syn when it is not given
//     type, code  of ICMP: an echo request when they are not given; type: of eth as well
//     proto       of ip: a number
//     op          of ARP: request, reply
//
// Checksums are right. A multicast or broadcast IP address, or an ARP request, says what the
// Ethernet destination is.
#ifndef CTL_PACKET_H
#define CTL_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { PACKET_MAX = 65536, PACKET_NAME_SIZE = 64 };

// What the text says about an Ethernet address.
enum packet_address {
	PACKET_GIVEN,   // it is in the frame
	PACKET_OF_PORT, // that of the station at a port
	PACKET_UNKNOWN, // nothing: the frame has one that is made up
};

struct packet_station {
	enum packet_address address;
	char port[PACKET_NAME_SIZE]; // with PACKET_OF_PORT
};

struct packet {
	struct packet_station src, dst;
	size_t size;
	uint8_t bytes[PACKET_MAX];
};

// Reads the whole text. Returns 0, or CTL_REFUSED with a sentence.
int packet_parse(const char *text, struct packet *packet, struct ctl_error *error);

// Puts an Ethernet address into the frame, also where ARP repeats it.
void packet_set_source(struct packet *packet, const uint8_t mac[6]);
void packet_set_destination(struct packet *packet, const uint8_t mac[6]);

#endif
