// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Frames as people write them: their bytes, and what is no frame.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "packet.h"

#define MACS                                                                                       \
	"020000000002"                                                                             \
	"020000000001"

// The checksums are those that scapy makes, too.
static const struct {
	const char *text;
	size_t size;
	const char *begins; // in hexadecimal; what follows is zero
} rows[] = {
	// RFC 791 3.1, RFC 768
	{ "udp 10.0.0.1:5000 > 10.0.0.2:53", 60,
		MACS "08004500001c00000000401166cf0a0000010a000002138800350008d81e" },
	{ "  udp\t10.0.0.1:5000>10.0.0.2:53 ", 60,
		MACS "08004500001c00000000401166cf0a0000010a000002138800350008d81e" },
	{ "udp 10.0.0.1:5000 10.0.0.2:53", 60,
		MACS "08004500001c00000000401166cf0a0000010a000002138800350008d81e" },
	{ "udp 10.0.0.1:5000 > 10.0.0.2:53 dscp=46 ecn=1 ttl=1 src=02:00:00:00:00:aa "
	  "dst=02:00:00:00:00:bb",
		60,
		"0200000000bb0200000000aa080045b9001c000000000111a5160a0000010a00"
		"0002138800350008d81e" },
	// 802.1Q-2022 9.6; 802.1ad
	{ "udp 10.0.0.1:5000 > 10.0.0.2:53 vlan=10/5", 60,
		MACS "8100a00a08004500001c00000000401166cf0a0000010a000002138800350008"
		     "d81e" },
	{ "udp 10.0.0.1:5000 > 10.0.0.2:53 vlan=5 vlan=10", 60,
		MACS "88a800058100000a08004500001c00000000401166cf0a0000010a0000021388"
		     "00350008d81e" },
	// RFC 9293 3.1
	{ "tcp 10.0.0.1:1024 > 10.0.0.2:80", 60,
		MACS "08004500002800000000400666ce0a0000010a00000204000050000000000000"
		     "00005002ffff97900000" },
	{ "tcp 10.0.0.1:1024 > 10.0.0.2:80 flags=fin,rst,psh,ack,urg,ece,cwr", 60,
		MACS "08004500002800000000400666ce0a0000010a00000204000050000000000000"
		     "000050fdffff96950000" },
	{ "tcp 10.0.0.1:1024 > 10.0.0.2:80 flags=none", 60,
		MACS "08004500002800000000400666ce0a0000010a00000204000050000000000000"
		     "00005000ffff97920000" },
	// RFC 8200 3, 8.1
	{ "tcp [2001:db8::1]:1024 > [2001:db8::2]:443 flags=syn,ack ttl=3 dscp=46", 74,
		MACS "86dd6b8000000014060320010db800000000000000000000000120010db80000"
		     "00000000000000000002040001bb00000000000000005012ffff4ea30000" },
	// RFC 792, RFC 4443 4.1
	{ "icmp 10.0.0.1 > 10.0.0.2", 60,
		MACS "08004500001c00000000400166df0a0000010a0000020800f7ff00000000" },
	{ "icmp 10.0.0.1 > 10.0.0.2 type=3 code=4", 60,
		MACS "08004500001c00000000400166df0a0000010a0000020304fcfb00000000" },
	// RFC 2464 7
	{ "icmp fe80::1 > ff02::1:ff00:2 type=135", 62,
		"3333ff00000202000000000186dd6000000000083a40fe800000000000000000"
		"000000000001ff0200000000000000000001ff00000287007c3400000000" },
	// RFC 826
	{ "arp 10.0.0.1 > 10.0.0.2", 60,
		"ffffffffffff020000000001080600010800060400010200000000010a000001"
		"0000000000000a000002" },
	{ "arp 10.0.0.1 > 10.0.0.2 op=reply vlan=7", 60,
		MACS "81000007080600010800060400020200000000010a0000010200000000020a00"
		     "0002" },
	// RFC 1112 6.4, RFC 919
	{ "ip 10.0.0.1 > 224.129.2.3 proto=103", 60,
		"01005e0102030200000000010800450000140000000040678dfe0a000001e081"
		"0203" },
	{ "udp 0.0.0.0:68 > 255.255.255.255:67", 60,
		"ffffffffffff02000000000108004500001c0000000040117ad200000000ffff"
		"ffff004400430008ff57" },
	// RFC 9260 appendix A
	{ "sctp 10.0.0.1:1 > 10.0.0.2:2", 60,
		MACS "08004500002000000000408466580a0000010a0000020001000200000000fd98"
		     "8051" },
	{ "ip 10.0.0.1 > 10.0.0.2 proto=6 fragment=first", 60,
		MACS "08004500001400002000400646e20a0000010a000002" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 fragment=later", 60,
		MACS "080045000014000000b94011661e0a0000010a000002" },
	{ "udp [fe80::1]:1 > [fe80::2]:2 fragment=later", 62,
		MACS "86dd6000000000082c40fe800000000000000000000000000001fe8000000000"
		     "00000000000000000002110005c800000000" },
	{ "eth type=0x88cc", 60, MACS "88cc" },
	{ "eth type=35020 size=14", 14, MACS "88cc" },
	{ "udp 10.0.0.1:5000 > 10.0.0.2:53 size=65536", 65536, MACS "08004500fff2" },
	{ "hex 00112233", 4, "00112233" },
	{ "hex 00:11 22 33aAbB", 6, "00112233aabb" },
};

static void put_hex(const struct packet *packet, size_t size, char *text)
{
	for (size_t i = 0; i < size; i++)
		sprintf(text + 2 * i, "%02x", packet->bytes[i]);
}

static void what_is_written_is_built(void **state)
{
	static struct packet packet;
	static char text[2 * PACKET_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t given = strlen(rows[i].begins);
		struct ctl_error error;

		memset(packet.bytes, 0xee, sizeof(packet.bytes));
		if (packet_parse(rows[i].text, &packet, &error))
			fail_msg("%s: %s", rows[i].text, error.message);
		assert_int_equal(packet.size, rows[i].size);
		put_hex(&packet, packet.size, text);
		if (strncmp(text, rows[i].begins, given) != 0)
			fail_msg("%s\n  is       %.*s\n  expected %s", rows[i].text,
				(int)given + 16, text, rows[i].begins);
		if (rows[i].size < 100 && text[given + strspn(text + given, "0")])
			fail_msg("%s: %s does not end in zeros", rows[i].text, text);
	}
}

static void stations_are_told(void **state)
{
	static const struct {
		const char *text;
		enum packet_address src, dst;
		const char *src_port, *dst_port;
	} told[] = {
		{ "udp 10.0.0.1:1 > 10.0.0.2:2", PACKET_UNKNOWN, PACKET_UNKNOWN, "", "" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 src=vm1 dst=vm-2.x", PACKET_OF_PORT, PACKET_OF_PORT,
			"vm1", "vm-2.x" },
		{ "arp 10.0.0.1 > 10.0.0.2", PACKET_UNKNOWN, PACKET_GIVEN, "", "" },
		{ "arp 10.0.0.1 > 10.0.0.2 op=reply", PACKET_UNKNOWN, PACKET_UNKNOWN, "", "" },
		{ "udp 10.0.0.1:1 > 239.0.0.1:2 dst=vm1", PACKET_UNKNOWN, PACKET_OF_PORT, "",
			"vm1" },
		{ "eth type=0x88cc dst=02:00:00:00:00:0a", PACKET_UNKNOWN, PACKET_GIVEN, "", "" },
		{ "hex 00", PACKET_GIVEN, PACKET_GIVEN, "", "" },
	};
	static struct packet packet;

	(void)state;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		struct ctl_error error;

		if (packet_parse(told[i].text, &packet, &error))
			fail_msg("%s: %s", told[i].text, error.message);
		assert_int_equal(packet.src.address, told[i].src);
		assert_int_equal(packet.dst.address, told[i].dst);
		assert_string_equal(packet.src.port, told[i].src_port);
		assert_string_equal(packet.dst.port, told[i].dst_port);
	}
}

// What the daemon knows about stations goes into the frame, also where ARP repeats it.
static void stations_are_set(void **state)
{
	static const uint8_t src[6] = { 2, 0, 0, 0, 0, 0xaa }, dst[6] = { 2, 0, 0, 0, 0, 0xbb };
	static struct packet packet;
	struct ctl_error error;

	(void)state;
	assert_int_equal(
		packet_parse("arp 10.0.0.1 > 10.0.0.2 op=reply vlan=7", &packet, &error), 0);
	packet_set_source(&packet, src);
	packet_set_destination(&packet, dst);
	assert_memory_equal(packet.bytes, dst, 6);
	assert_memory_equal(packet.bytes + 6, src, 6);
	assert_memory_equal(packet.bytes + 26, src, 6);
	assert_memory_equal(packet.bytes + 36, dst, 6);
	// Who asks does not know the address.
	assert_int_equal(packet_parse("arp 10.0.0.1 > 10.0.0.2", &packet, &error), 0);
	packet_set_destination(&packet, dst);
	assert_memory_equal(packet.bytes + 32, "\0\0\0\0\0", 6);
	// A frame that ends where ARP would begin.
	assert_int_equal(packet_parse("hex 0000000000000000000000000806", &packet, &error), 0);
	packet_set_source(&packet, src);
	assert_int_equal(packet.bytes[14], 0);
}

static void what_is_no_frame_is_refused(void **state)
{
	static const char *const wrong[][2] = {
		{ "", "\"\": a frame begins with udp, tcp" },
		{ "ipx 1 > 2", "\"ipx\": a frame begins with udp, tcp" },
		{ "udp", "\"\": must be an address and a port" },
		{ "udp 10.0.0.1 > 10.0.0.2", "\"10.0.0.1\": must be an address and a port" },
		{ "udp 10.0.0.1:65536 > 10.0.0.2:1", "\"10.0.0.1:65536\": must be" },
		{ "udp 10.0.0.1: > 10.0.0.2:1", "\"10.0.0.1:\": must be" },
		{ "udp 10.0.0.256:1 > 10.0.0.2:1", "\"10.0.0.256:1\": must be" },
		{ "udp 2001:db8::1:5 > [::2]:1",
			"\"2001:db8::1:5\": must be an address and a port" },
		{ "udp [10.0.0.1]:1 > 10.0.0.2:1", "\"[10.0.0.1]:1\": must be" },
		{ "udp [::1:1 > [::2]:1", "\"[::1:1\": must be" },
		{ "udp 10.0.0.1:1", "where the frame goes is missing: a shell takes > for itself" },
		{ "udp 10.0.0.1:1 dst=vm1", "\"dst=vm1\": must be an address and a port" },
		{ "udp 10.0.0.1:1 > [::1]:2", "both addresses must be IPv4, or both IPv6" },
		{ "arp ::1 > ::2", "arp is for IPv4 addresses" },
		{ "icmp 10.0.0.1:1 > 10.0.0.2", "\"10.0.0.1:1\": must be an address, as in" },
		{ "ip 10.0.0.1 > 10.0.0.2", "ip needs proto=" },
		{ "eth", "eth needs type=" },
		{ "eth type=0x5ff", "type \"0x5ff\": must be 1536 to 65535" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 vlan", "\"vlan\": here must stand NAME=VALUE" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 =3", "\"=3\": here must stand NAME=VALUE" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 vlan=4095", "vlan \"4095\": must be 0 to 4094" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 vlan=1/8", "vlan \"1/8\": must be 0 to 4094" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 vlan=", "vlan \"\": must be" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 vlan=1 vlan=2 vlan=3", "vlan 3: there can be two" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 dscp=64", "dscp \"64\": must be 0 to 63" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 dscp=1 dscp=2", "dscp is given twice" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 ttl=-1", "ttl \"-1\": must be 0 to 255" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 flags=syn", "flags: there is no such option" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 color=red", "color: there is no such option" },
		{ "tcp 10.0.0.1:1 > 10.0.0.2:2 flags=syn,,ack",
			"flags \"syn,,ack\": must be none" },
		{ "tcp 10.0.0.1:1 > 10.0.0.2:2 flags=sin", "flags \"sin\": must be none" },
		{ "tcp 10.0.0.1:1 > 10.0.0.2:2 flags=syn flags=ack", "flags is given twice" },
		{ "arp 10.0.0.1 > 10.0.0.2 op=ask", "op \"ask\": must be request or reply" },
		{ "arp 10.0.0.1 > 10.0.0.2 ttl=3", "ttl: there is no such option" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 fragment=x", "fragment \"x\": must be first or" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 src=02:00", "src \"02:00\": must be an address" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 src=", "src \"\": must be an address" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 src=a src=b", "src is given twice" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 size=13", "size \"13\": must be 14 to 65536" },
		{ "udp 10.0.0.1:1 > 10.0.0.2:2 size=41", "size 41: the headers take 42 bytes" },
		{ "hex", "hex: 0 digits: must be two for each byte" },
		{ "hex 012", "hex: 3 digits: must be two for each byte" },
		{ "hex 0g", "hex \"g\": must be hexadecimal digits" },
	};
	static struct packet packet;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct ctl_error error = { .message = "" };

		if (packet_parse(wrong[i][0], &packet, &error) != CTL_REFUSED)
			fail_msg("%s was taken", wrong[i][0]);
		if (strncmp(error.message, wrong[i][1], strlen(wrong[i][1])) != 0)
			fail_msg("%s: %s", wrong[i][0], error.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_built),
		cmocka_unit_test(stations_are_told),
		cmocka_unit_test(stations_are_set),
		cmocka_unit_test(what_is_no_frame_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
