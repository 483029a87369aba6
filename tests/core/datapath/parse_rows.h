// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Frames and what the parser must make of them, each with the clause that says so.
#ifndef TESTS_DATAPATH_PARSE_ROWS_H
#define TESTS_DATAPATH_PARSE_ROWS_H

#include "frames.h"

struct parse_row {
	const char *name;
	const char *source;
	const char *frame;
	const char *flow; // key_format() of all fields but the Ethernet addresses
	uint16_t l3, l4;  // offsets, 0: none
	uint16_t end;     // behind the last header that was read
	uint16_t gso_size;
};

#define A4      ",ip_src=10.0.0.1,ip_dst=10.0.0.2"
#define A6      ",ip_src=fd00::1,ip_dst=fd00::2"
#define Q4      ",dscp=46,ecn=0,ttl=64"
#define Q6      ",dscp=46,ecn=0,ttl=64,label=0x12345"
#define P5      ",l4_src=5000,l4_dst=80"
#define NO_IPV4 "ipv4,malformed=l3,ip_src=0.0.0.0,ip_dst=0.0.0.0,ip_proto=0,dscp=0,ecn=0,ttl=0"
#define NO_IPV6 "ipv6,malformed=l3,ip_src=::,ip_dst=::,ip_proto=0,dscp=0,ecn=0,ttl=0,label=0x00000"
#define U5      ",l4_src=5000,l4_dst=53"

#define ARP(hardware, protocol, lengths, op)                                                       \
	hardware protocol lengths op "020000000001 0a000001 000000000000 0a000002"
#define ARP_ADDR             ",ip_src=10.0.0.1,ip_dst=10.0.0.2"
#define OPTIONS(n)           n "00 0104 00000000" // 8 bytes, padded; n: next header
#define ROUTING(n, segments) n "0204" segments "00000000 fd000000000000000000000000000009"
#define AUTH(n)              n "040000 00000001 00000001 000102030405060708090a0b"
#define FRAGMENT(n, at)      n "00" at "00000007"
#define SCTP                 "1388 0050 00000001 00000000 00030010"
#define PADDING              "000000000000"

// clang-format off
static const struct parse_row parse_rows[] = {
	// ---- Ethernet and tags
	{ "unknown type", "IEEE 802.3-2022 3.2.6",
		MACS "88b5 00", "eth,eth_type=0x88b5", 0, 0, 14, 0 },
	{ "type only", "IEEE 802.3-2022 3.2.6", MACS "88b5", "eth,eth_type=0x88b5", 0, 0, 14, 0 },
	{ "LLC", "IEEE 802.3-2022 3.2.6: below 1536 a length", MACS "0026 4242 03 0000",
		"eth,eth_type=0x0000", 0, 0, 14, 0 },
	{ "one tag", "IEEE 802.1Q-2022 9.5", MACS TAG("a064") "88b5",
		"eth,eth_type=0x88b5,vlan=100,pcp=5", 0, 0, 18, 0 },
	{ "priority tag", "IEEE 802.1Q-2022 9.6 VID 0", MACS TAG("e000") "88b5",
		"eth,eth_type=0x88b5,vlan=0,pcp=7", 0, 0, 18, 0 },
	{ "VLAN 4095", "IEEE 802.1Q-2022 table 9-2", MACS TAG("0fff") "88b5",
		"eth,eth_type=0x88b5,vlan=4095,pcp=0", 0, 0, 18, 0 },
	{ "service tag", "IEEE 802.1Q-2022 9.5 table 9-1", MACS STAG("0002") "88b5",
		"eth,eth_type=0x88b5,vlan=2,pcp=0", 0, 0, 18, 0 },
	{ "two tags", "IEEE 802.1Q-2022 9.5", MACS STAG("2002") TAG("0003") "88b5",
		"eth,eth_type=0x88b5,vlan=2,pcp=1,inner_vlan=3", 0, 0, 22, 0 },
	{ "third tag is payload", "flow.h", MACS STAG("0002") TAG("0003") TAG("0004") "0800",
		"eth,eth_type=0x8100,vlan=2,pcp=0,inner_vlan=3", 0, 0, 22, 0 },
	{ "9100 is no tag", "not in IEEE 802.1Q-2022 table 9-1", MACS "9100 0002 0800",
		"eth,eth_type=0x9100", 0, 0, 14, 0 },
	{ "ends in tag", "IEEE 802.1Q-2022 9.3",
		MACS TAG("a064") "08", "eth,malformed=tags,eth_type=0x0000", 0, 0, 0, 0 },
	{ "ends in second tag", "IEEE 802.1Q-2022 9.3", MACS STAG("0002") TAG("0003"),
		"eth,malformed=tags,eth_type=0x0000,vlan=2,pcp=0", 0, 0, 0, 0 },
	{ "runt", "IEEE 802.3-2022 3.2",
		MACS "08", "eth,malformed=runt,eth_type=0x0000", 0, 0, 0, 0 },
	{ "empty", "IEEE 802.3-2022 3.2", "", "eth,malformed=runt,eth_type=0x0000", 0, 0, 0, 0 },

	// ---- ARP
	{ "ARP request", "RFC 826", MACS "0806" ARP("0001", "0800", "0604", "0001") PADDING,
		"arp" ARP_ADDR ",arp_op=1", 14, 0, 42, 0 },
	{ "ARP reply, tagged", "RFC 826",
		MACS TAG("0005") "0806" ARP("0001", "0800", "0604", "0002"),
		"arp,vlan=5,pcp=0" ARP_ADDR ",arp_op=2", 18, 0, 46, 0 },
	{ "ARP operation of 16 bits", "RFC 826: ar$op",
		MACS "0806" ARP("0001", "0800", "0604", "0101"),
		"arp" ARP_ADDR ",arp_op=0", 14, 0, 42, 0 },
	{ "ARP of Token Ring", "RFC 826: ar$hrd", MACS "0806" ARP("0006", "0800", "0604", "0001"),
		"arp,malformed=l3,ip_src=0.0.0.0,ip_dst=0.0.0.0,arp_op=0", 0, 0, 0, 0 },
	{ "ARP of lengths 6 and 16", "RFC 826: ar$pln",
		MACS "0806" ARP("0001", "0800", "0610", "0001"),
		"arp,malformed=l3,ip_src=0.0.0.0,ip_dst=0.0.0.0,arp_op=0", 0, 0, 0, 0 },

	// ---- IPv4
	{ "TCP", "RFC 9293 3.1", MACS "0800" IP4("0028", "4000", "06") TCP_HEADER,
		"ipv4/tcp" A4 ",ip_proto=6" Q4 P5, 14, 34, 54, 0 },
	{ "TCP with options", "RFC 9293 3.1", MACS "0800" IP4("002c", "0000", "06")
		"1388 0050 00000001 00000002 6002 ffff 0000 0000 020405b4",
		"ipv4/tcp" A4 ",ip_proto=6" Q4 P5, 14, 34, 58, 0 },
	{ "TCP, two tags", "RFC 9293 3.1", MACS STAG("0002") TAG("6003") "0800"
		IP4("0028", "0000", "06") TCP_HEADER,
		"ipv4/tcp,vlan=2,pcp=0,inner_vlan=3" A4 ",ip_proto=6" Q4 P5, 22, 42, 62, 0 },
	{ "UDP, padded", "RFC 768", MACS "0800" IP4("001c", "0000", "11") UDP_HEADER PADDING,
		"ipv4/udp" A4 ",ip_proto=17" Q4 U5, 14, 34, 42, 0 },
	{ "SCTP", "RFC 9260 3.1", MACS "0800" IP4("0024", "0000", "84") SCTP,
		"ipv4/sctp" A4 ",ip_proto=132" Q4 P5, 14, 34, 46, 0 },
	{ "ICMP", "RFC 792", MACS "0800" IP4("001c", "0000", "01") "030d 0000 00000000",
		"ipv4/icmp" A4 ",ip_proto=1" Q4 ",icmp_type=3,icmp_code=13", 14, 34, 38, 0 },
	{ "ICMPv6 in IPv4", "RFC 4443 1",
		MACS "0800" IP4("001c", "0000", "3a") "8000 0000 00000000",
		"ipv4" A4 ",ip_proto=58" Q4, 14, 34, 34, 0 },
	{ "GRE", "RFC 2784", MACS "0800" IP4("0018", "0000", "2f") "00000800",
		"ipv4" A4 ",ip_proto=47" Q4, 14, 34, 34, 0 },
	{ "AH", "RFC 4302 3.1.1", MACS "0800" IP4("0040", "0000", "33") AUTH("06") TCP_HEADER,
		"ipv4" A4 ",ip_proto=51" Q4, 14, 34, 34, 0 },
	{ "ESP", "RFC 4303 2", MACS "0800" IP4("001c", "0000", "32") "00000001 00000001",
		"ipv4" A4 ",ip_proto=50" Q4, 14, 34, 34, 0 },
	{ "no payload", "RFC 791 3.1", MACS "0800" IP4("0014", "0000", "fd"),
		"ipv4" A4 ",ip_proto=253" Q4, 14, 34, 34, 0 },
	{ "options", "RFC 791 3.1: IHL 7", MACS "0800" "47b8 0024 0001 0000 4011 0000" IP4_ADDR
		"01010101 01010100" UDP_HEADER,
		"ipv4/udp" A4 ",ip_proto=17" Q4 U5, 14, 42, 50, 0 },
	{ "first fragment", "RFC 791 3.2: MF", MACS "0800" IP4("001c", "2000", "11") UDP_HEADER,
		"ipv4/udp,fragment=first" A4 ",ip_proto=17" Q4 U5, 14, 34, 42, 0 },
	{ "later fragment", "RFC 791 3.2: offset", MACS "0800" IP4("001c", "2001", "11") UDP_HEADER,
		"ipv4,fragment=later" A4 ",ip_proto=17" Q4, 14, 0, 34, 0 },
	{ "last fragment", "RFC 791 3.2: offset", MACS "0800" IP4("001c", "1fff", "06") UDP_HEADER,
		"ipv4,fragment=later" A4 ",ip_proto=6" Q4, 14, 0, 34, 0 },
	{ "fragment over the TCP flags", "RFC 3128 3", MACS "0800" IP4("001c", "2001", "06") UDP_HEADER,
		"ipv4,fragment=later,malformed=l4" A4 ",ip_proto=6" Q4, 14, 0, 0, 0 },
	{ "fragment over the TCP checksum", "RFC 1858 3", MACS "0800"
		IP4("001c", "0002", "06") UDP_HEADER,
		"ipv4,fragment=later,malformed=l4" A4 ",ip_proto=6" Q4, 14, 0, 0, 0 },
	{ "fragment behind the TCP header", "RFC 1858 3", MACS "0800"
		IP4("001c", "0003", "06") UDP_HEADER,
		"ipv4,fragment=later" A4 ",ip_proto=6" Q4, 14, 0, 34, 0 },
	{ "reserved flag is no fragment", "RFC 791 3.1: bit 0", MACS "0800"
		IP4("001c", "8000", "11") UDP_HEADER,
		"ipv4/udp" A4 ",ip_proto=17" Q4 U5, 14, 34, 42, 0 },
	{ "tiny fragment", "RFC 1858 3", MACS "0800" IP4("001c", "2000", "06") "1388 0050 00000001",
		"ipv4,fragment=first,malformed=l4" A4 ",ip_proto=6" Q4, 14, 0, 0, 0 },
	{ "total length ends in TCP", "RFC 791 3.1",
		MACS "0800" IP4("0027", "0000", "06") TCP_HEADER,
		"ipv4,malformed=l4" A4 ",ip_proto=6" Q4, 14, 0, 0, 0 },
	{ "total length of a longer packet", "RFC 791 3.1",
		MACS "0800" IP4("0029", "0000", "06") TCP_HEADER,
		NO_IPV4, 0, 0, 0, 0 },
	{ "total length below the header", "RFC 791 3.1",
		MACS "0800" IP4("0013", "0000", "06") TCP_HEADER,
		NO_IPV4, 0, 0, 0, 0 },
	{ "total length 0", "RFC 791 3.1", MACS "0800" IP4("0000", "0000", "06") TCP_HEADER,
		NO_IPV4, 0, 0, 0, 0 },
	{ "total length 0 with segmentation", "virtio 1.1 5.1.6.2", MACS "0800"
		IP4("0000", "0000", "06") TCP_HEADER "00",
		"ipv4/tcp,offload" A4 ",ip_proto=6" Q4 P5, 14, 34, 54, 1448 },
	{ "IHL 4", "RFC 791 3.1: minimum 5",
		MACS "0800" "44b8 0028 0001 0000 4006 0000" IP4_ADDR TCP_HEADER,
		NO_IPV4, 0, 0, 0, 0 },
	{ "total length ends in the options", "RFC 791 3.1",
		MACS "0800" "47b8 001b 0001 0000 4011 0000" IP4_ADDR "01010101 01010100" UDP_HEADER,
		NO_IPV4, 0, 0, 0, 0 },
	{ "IHL beyond the packet", "RFC 791 3.1",
		MACS "0800" "4fb8 0028 0001 0000 4006 0000" IP4_ADDR TCP_HEADER,
		NO_IPV4, 0, 0, 0, 0 },
	{ "version 6 under IPv4's type", "RFC 791 3.1",
		MACS "0800" "65b8 0028 0001 0000 4006 0000" IP4_ADDR TCP_HEADER,
		NO_IPV4, 0, 0, 0, 0 },
	{ "TCP data offset 4", "RFC 9293 3.1", MACS "0800" IP4("0028", "0000", "06")
		"1388 0050 00000001 00000002 4010 ffff 0000 0000",
		"ipv4,malformed=l4" A4 ",ip_proto=6" Q4, 14, 0, 0, 0 },
	{ "TCP data offset beyond", "RFC 9293 3.1", MACS "0800" IP4("0028", "0000", "06")
		"1388 0050 00000001 00000002 6010 ffff 0000 0000 00000000",
		"ipv4,malformed=l4" A4 ",ip_proto=6" Q4, 14, 0, 0, 0 },
	{ "UDP length 7", "RFC 768: minimum 8",
		MACS "0800" IP4("001c", "0000", "11") "1388 0035 0007 0000",
		"ipv4,malformed=l4" A4 ",ip_proto=17" Q4, 14, 0, 0, 0 },
	{ "UDP length 0 with segmentation", "virtio 1.1 5.1.6.2",
		MACS "0800" IP4("001c", "0000", "11")
		"1388 0035 0000 0000", "ipv4/udp,offload" A4 ",ip_proto=17" Q4 U5, 14, 34, 42, 1400 },

	// ---- IPv6
	{ "TCP6", "RFC 8200 3", MACS "86dd" IP6("0014", "06") TCP_HEADER,
		"ipv6/tcp" A6 ",ip_proto=6" Q6 P5, 14, 54, 74, 0 },
	{ "UDP6, tagged", "RFC 8200 3", MACS TAG("0001") "86dd" IP6("0008", "11") UDP_HEADER,
		"ipv6/udp,vlan=1,pcp=0" A6 ",ip_proto=17" Q6 U5, 18, 58, 66, 0 },
	{ "SCTP6", "RFC 9260 3.1", MACS "86dd" IP6("0010", "84") SCTP,
		"ipv6/sctp" A6 ",ip_proto=132" Q6 P5, 14, 54, 66, 0 },
	{ "ICMPv6", "RFC 4443 2.1", MACS "86dd" IP6("0008", "3a") "8700 0000 00000000",
		"ipv6/icmpv6" A6 ",ip_proto=58" Q6 ",icmp_type=135,icmp_code=0", 14, 54, 58, 0 },
	{ "ICMP in IPv6", "RFC 792", MACS "86dd" IP6("0008", "01") "0800 0000 00000000",
		"ipv6" A6 ",ip_proto=1" Q6, 14, 54, 54, 0 },
	{ "no next header", "RFC 8200 4.7", MACS "86dd" IP6("0000", "3b"),
		"ipv6" A6 ",ip_proto=59" Q6, 14, 54, 54, 0 },
	{ "hop-by-hop", "RFC 8200 4.3", MACS "86dd" IP6("0010", "00") OPTIONS("11") UDP_HEADER,
		"ipv6/udp" A6 ",ip_proto=17" Q6 U5, 14, 62, 70, 0 },
	{ "destination options", "RFC 8200 4.6",
		MACS "86dd" IP6("0010", "3c") OPTIONS("11") UDP_HEADER,
		"ipv6/udp" A6 ",ip_proto=17" Q6 U5, 14, 62, 70, 0 },
	{ "routing", "RFC 8200 4.4", MACS "86dd" IP6("0020", "2b") ROUTING("11", "01") UDP_HEADER,
		"ipv6/udp" A6 ",ip_proto=17" Q6 U5, 14, 78, 86, 0 },
	{ "mobility", "RFC 6275 6.1.1",
		MACS "86dd" IP6("0010", "87") "3b000000 00000000 00000000 00000000",
		"ipv6" A6 ",ip_proto=59" Q6, 14, 62, 62, 0 },
	{ "AH6", "RFC 4302 2.2: units of 4", MACS "86dd" IP6("0020", "33") AUTH("11") UDP_HEADER,
		"ipv6/udp" A6 ",ip_proto=17" Q6 U5, 14, 78, 86, 0 },
	{ "ESP6 ends the chain", "RFC 4303 2",
		MACS "86dd" IP6("0010", "00") OPTIONS("32") "00000001 00000001",
		"ipv6" A6 ",ip_proto=50" Q6, 14, 62, 62, 0 },
	{ "HIP and Shim6 are not followed", "RFC 7401 5.1, RFC 5533 5.1",
		MACS "86dd" IP6("0010", "8b") OPTIONS("11") UDP_HEADER,
		"ipv6" A6 ",ip_proto=139" Q6, 14, 54, 54, 0 },
	{ "the whole chain", "RFC 8200 4.1",
		MACS "86dd" IP6("005c", "00") OPTIONS("3c") OPTIONS("2b")
		ROUTING("33", "00") AUTH("3c") OPTIONS("06") TCP_HEADER "00000000",
		"ipv6/tcp" A6 ",ip_proto=6" Q6 P5, 14, 126, 146, 0 },
	{ "eight headers", "key.h: followed",
		MACS "86dd" IP6("0048", "00") OPTIONS("3c") OPTIONS("3c")
		OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("11")
		UDP_HEADER, "ipv6/udp" A6 ",ip_proto=17" Q6 U5, 14, 118, 126, 0 },
	{ "nine headers", "key.h: not followed",
		MACS "86dd" IP6("0050", "00") OPTIONS("3c") OPTIONS("3c")
		OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c")
		OPTIONS("11") UDP_HEADER,
		"ipv6,malformed=chain" A6 ",ip_proto=0" Q6, 14, 0, 0, 0 },
	{ "first fragment6", "RFC 8200 4.5",
		MACS "86dd" IP6("0010", "2c") FRAGMENT("11", "0001") UDP_HEADER,
		"ipv6/udp,fragment=first" A6 ",ip_proto=17" Q6 U5, 14, 62, 70, 0 },
	{ "later fragment6", "RFC 8200 4.5",
		MACS "86dd" IP6("0010", "2c") FRAGMENT("11", "0009") UDP_HEADER,
		"ipv6,fragment=later" A6 ",ip_proto=17" Q6, 14, 0, 62, 0 },
	{ "last fragment6", "RFC 8200 4.5",
		MACS "86dd" IP6("0010", "2c") FRAGMENT("06", "fff8") UDP_HEADER,
		"ipv6,fragment=later" A6 ",ip_proto=6" Q6, 14, 0, 62, 0 },
	{ "fragment6 over the TCP header", "RFC 3128 3, RFC 5722 4",
		MACS "86dd" IP6("0010", "2c") FRAGMENT("06", "0011") UDP_HEADER,
		"ipv6,fragment=later,malformed=l4" A6 ",ip_proto=6" Q6, 14, 0, 0, 0 },
	{ "later fragment of options", "RFC 8200 4.5: what follows is no header",
		MACS "86dd" IP6("0010", "2c") FRAGMENT("3c", "0009") "ffffffff ffffffff",
		"ipv6,fragment=later" A6 ",ip_proto=60" Q6, 14, 0, 62, 0 },
	{ "atomic fragment", "RFC 6946 1",
		MACS "86dd" IP6("0010", "2c") FRAGMENT("11", "0000") UDP_HEADER,
		"ipv6/udp" A6 ",ip_proto=17" Q6 U5, 14, 62, 70, 0 },
	{ "fragment's reserved bits", "RFC 8200 4.5: Res ignored",
		MACS "86dd" IP6("0010", "2c") FRAGMENT("11", "0006") UDP_HEADER,
		"ipv6/udp" A6 ",ip_proto=17" Q6 U5, 14, 62, 70, 0 },
	{ "first fragment, chain incomplete", "RFC 7112 5", MACS "86dd" IP6("0010", "2c")
		FRAGMENT("3c", "0001") "1101 0104 00000000",
		"ipv6,fragment=first,malformed=chain" A6 ",ip_proto=0" Q6, 14, 0, 0, 0 },
	{ "first fragment, TCP incomplete", "RFC 7112 5", MACS "86dd" IP6("0010", "2c")
		FRAGMENT("06", "0001") "1388 0050 00000001",
		"ipv6,fragment=first,malformed=l4" A6 ",ip_proto=6" Q6, 14, 0, 0, 0 },
	{ "option header beyond the packet", "RFC 8200 4.2", MACS "86dd" IP6("0010", "00")
		"11ff 0104 00000000" UDP_HEADER,
		"ipv6,malformed=chain" A6 ",ip_proto=0" Q6, 14, 0, 0, 0 },
	{ "payload length ends in UDP", "RFC 8200 3", MACS "86dd" IP6("0007", "11") UDP_HEADER,
		"ipv6,malformed=l4" A6 ",ip_proto=17" Q6, 14, 0, 0, 0 },
	{ "payload length of a longer packet", "RFC 8200 3",
		MACS "86dd" IP6("0009", "11") UDP_HEADER,
		NO_IPV6, 0, 0, 0, 0 },
	{ "payload length 0", "RFC 8200 3", MACS "86dd" IP6("0000", "06") TCP_HEADER,
		"ipv6,malformed=l4" A6 ",ip_proto=6" Q6, 14, 0, 0, 0 },
	{ "payload length 0 with segmentation", "virtio 1.1 5.1.6.2",
		MACS "86dd" IP6("0000", "06") TCP_HEADER "00",
		"ipv6/tcp,offload" A6 ",ip_proto=6" Q6 P5, 14, 54, 74, 1428 },
	{ "jumbogram", "RFC 2675: not followed",
		MACS "86dd" IP6("0000", "00") OPTIONS("11") UDP_HEADER,
		"ipv6,malformed=chain" A6 ",ip_proto=0" Q6, 14, 0, 0, 0 },
	{ "version 4 under IPv6's type", "RFC 8200 3",
		MACS "86dd" "4b812345 0014 06 40" IP6_ADDR TCP_HEADER,
		NO_IPV6, 0, 0, 0, 0 },
};
// clang-format on

enum { N_PARSE_ROWS = sizeof(parse_rows) / sizeof(parse_rows[0]) };

// Where a test puts a row: the byte behind it cannot be read.
static struct guarded memory;

static int setup(void **state)
{
	(void)state;
	guarded_init(&memory, HEX_MAX);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guarded_fini(&memory);
	return 0;
}

#endif
