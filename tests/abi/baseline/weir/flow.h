// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A flow as an extension sees it, and the set of fields that it can ask to read.
//
// Frames that agree in every field that somebody on their path reads are one flow; an extension
// decides once about it. An extension sees only the fields that it declared: every other one reads
// as zero. What is called structure below is never masked.
//
// struct weir_flow only ever grows at its end; `size` says how much of it the host filled.
// Multi-byte values of the frame are in network byte order, as they stand in it; ids and enums in
// the machine's own.
#ifndef WEIR_FLOW_H
#define WEIR_FLOW_H

#include <stdint.h>

// Fields to read, as a set of bits. ARP's addresses stand in the IP addresses and its operation in
// WEIR_FIELD_IP_PROTO; ICMP's type and code stand in the L4 ports.
#define WEIR_FIELD_ETH_DST    (UINT64_C(1) << 0)
#define WEIR_FIELD_ETH_SRC    (UINT64_C(1) << 1)
#define WEIR_FIELD_ETH_TYPE   (UINT64_C(1) << 2) // of the payload, behind all tags
#define WEIR_FIELD_VLAN_ID    (UINT64_C(1) << 3) // of the outer tag: the VLAN the frame is in
#define WEIR_FIELD_VLAN_PCP   (UINT64_C(1) << 4) // priority and drop-eligible bit of the outer tag
#define WEIR_FIELD_INNER_VLAN (UINT64_C(1) << 5) // the second tag, whole
#define WEIR_FIELD_IP_SRC     (UINT64_C(1) << 6)
#define WEIR_FIELD_IP_DST     (UINT64_C(1) << 7)
#define WEIR_FIELD_IP_PROTO   (UINT64_C(1) << 8)
#define WEIR_FIELD_IP_TOS     (UINT64_C(1) << 9) // DSCP and ECN; IPv6 traffic class
#define WEIR_FIELD_IP_TTL     (UINT64_C(1) << 10)
#define WEIR_FIELD_IP6_LABEL  (UINT64_C(1) << 11)
#define WEIR_FIELD_L4_SRC     (UINT64_C(1) << 12)
#define WEIR_FIELD_L4_DST     (UINT64_C(1) << 13)
#define WEIR_FIELD_INGRESS_PORT                                                                    \
	(UINT64_C(1) << 14) // for egress stages; ingress stages always see it
#define WEIR_FIELDS_5TUPLE                                                                         \
	(WEIR_FIELD_IP_SRC | WEIR_FIELD_IP_DST | WEIR_FIELD_IP_PROTO | WEIR_FIELD_L4_SRC |         \
		WEIR_FIELD_L4_DST)
// All fields of the minor version that the extension is built against.
#define WEIR_FIELDS_ALL ((UINT64_C(1) << 15) - 1)

enum weir_l3 { WEIR_L3_OTHER, WEIR_L3_IPV4, WEIR_L3_IPV6, WEIR_L3_ARP };

enum weir_l4 {
	WEIR_L4_NONE,  // not IP, or a fragment without the L4 header
	WEIR_L4_OTHER, // ip_proto says which
	WEIR_L4_TCP,
	WEIR_L4_UDP,
	WEIR_L4_SCTP,
	WEIR_L4_ICMP,
	WEIR_L4_ICMPV6,
};

enum weir_fragment {
	WEIR_FRAGMENT_NONE,
	WEIR_FRAGMENT_FIRST, // has the L4 header; more follow
	WEIR_FRAGMENT_LATER, // has none
};

// What is wrong with a frame. Fields behind the fault read as zero.
enum weir_malformed {
	WEIR_MALFORMED_NO,
	WEIR_MALFORMED_RUNT,  // shorter than an Ethernet header
	WEIR_MALFORMED_TAGS,  // ends inside a tag; a third tag is payload
	WEIR_MALFORMED_L3,    // L3 header cut short, or with an impossible length or version
	WEIR_MALFORMED_CHAIN, // IPv6 extension headers cut short, or more than the parser follows
	WEIR_MALFORMED_L4,    // L4 header cut short (RFC 1858 tiny fragments included), or a later
			      // fragment that writes into it (RFC 3128)
};

// How a frame is forwarded; known from stage 4 (forwarded filters) on.
enum weir_forwarded {
	WEIR_FORWARDED_UNKNOWN, // not decided yet
	WEIR_FORWARDED_UNICAST,
	WEIR_FORWARDED_UNKNOWN_UNICAST, // flooded because nobody knows the address
	WEIR_FORWARDED_MULTICAST,
	WEIR_FORWARDED_BROADCAST,
};

// A port as the datapath knows it. Ids are never reused for another port while an extension can
// still hold a decision about the first.
typedef uint32_t weir_port_id;
#define WEIR_PORT_NONE ((weir_port_id)0xffffffff)

struct weir_flow {
	uint32_t size; // bytes of this struct that the host filled

	// Structure: always there, part of every key.
	uint8_t l3;           // enum weir_l3
	uint8_t l4;           // enum weir_l4
	uint8_t n_tags;       // VLAN tags, 0 to 2
	uint8_t fragment;     // enum weir_fragment
	uint8_t malformed;    // enum weir_malformed
	uint8_t forwarded;    // enum weir_forwarded
	uint8_t offload;      // 1: checksum or segmentation is unfinished
	uint8_t trusted;      // 1: originated by an extension without a port's identity
	weir_port_id ingress; // at egress stages only with WEIR_FIELD_INGRESS_PORT
	weir_port_id egress;  // WEIR_PORT_NONE before stage 5

	// Fields.
	uint8_t eth_dst[6];
	uint8_t eth_src[6];
	uint16_t eth_type;   // network order; 0 for frames with a length in its place (LLC)
	uint16_t vlan_id;    // host order, 0 to 4095; 0 with n_tags 0: in no VLAN
	uint8_t vlan_pcp;    // 0 to 7
	uint8_t vlan_dei;    // 0 or 1
	uint16_t inner_vlan; // tag control information, host order
	uint8_t ip_proto;    // IPv6: of the last header; ARP: operation
	uint8_t ip_tos;      // DSCP << 2 | ECN
	uint8_t ip_ttl;
	uint8_t reserved;
	uint32_t ip6_label; // host order, 20 bits
	uint8_t ip_src[16]; // IPv4 and ARP: the first four bytes, the rest zero
	uint8_t ip_dst[16];
	uint16_t l4_src; // network order; ICMP: htons(type)
	uint16_t l4_dst; // network order; ICMP: htons(code)
};

#endif
