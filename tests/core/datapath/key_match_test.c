// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Filters of flows: what they match, and what they are not.
#include "frames.h"

#include <errno.h>
#include <stdio.h>

#include "datapath/key_match.h"

#define UDP    MACS " 0800 4528001c00000000401100000a0000010a000102 1388003500080000"
#define TAGGED MACS "8100 a00a 0800 4500001c00000000401100000a0000010a000102 1388003500080000"
#define TCP6                                                                                       \
	MACS "86dd 600abcde00140640 20010db8000000000000000000000001 "                             \
	     "20010db8000000000000000000000002 00500051000000000000000050020000 00000000"
#define ICMP  MACS "0800 4500001c00000000400100000a0000010a000102 0800f7ff00000000"
#define ARP   MACS "0806 0001080006040001 020000000001 0a000001 000000000000 0a000002"
#define LLDP  MACS "88cc 0000"
#define FIRST MACS "0800 4500001c00002000401100000a0000010a000102 1388003500080000"
#define RUNT  "0200000000"

static const struct {
	const char *text, *frame;
	bool matches;
} rows[] = {
	{ "", UDP, true },
	{ "ipv4", UDP, true },
	{ "ipv4/udp", UDP, true },
	{ "udp", UDP, true },
	{ "ipv4/tcp", UDP, false },
	{ "ipv6", UDP, false },
	{ "ip_dst=10.0.1.2", UDP, true },
	{ "ip_dst=10.0.0.1", UDP, false },
	{ "ip_dst=10.0.0.0/8", UDP, true },
	{ "ip_dst=10.0.0.0/24", UDP, false },
	{ "ip_dst=10.0.0.0/23", UDP, true },
	{ "ip_src=0.0.0.0/0", UDP, true },
	{ "ip_src=0.0.0.0/0", TCP6, false },
	{ "ip_src=::/0", UDP, false },
	{ "ip_src=::/0", TCP6, true },
	{ "ip_dst=10.0.1.2,proto=17", UDP, true },
	{ "ip_dst=10.0.1.2,proto=6", UDP, false },
	{ "ip_src=10.0.0.1,ip_dst=10.0.1.2", UDP, true },
	{ "l4_dst=53", UDP, true },
	{ "l4_src=5000,l4_dst=53", UDP, true },
	{ "l4_src=53", UDP, false },
	{ "dscp=10", UDP, true },
	{ "dscp=10,ecn=0", UDP, true },
	{ "dscp=11", UDP, false },
	{ "ttl=64", UDP, true },
	{ "eth_src=02:00:00:00:00:01,eth_dst=02:00:00:00:00:02", UDP, true },
	{ "eth_src=02:00:00:00:00:02", UDP, false },
	{ "vlan=10", TAGGED, true },
	{ "vlan=10,pcp=5", TAGGED, true },
	{ "vlan=11", TAGGED, false },
	{ "vlan=10", UDP, false },
	{ "ipv6/tcp,ip_src=2001:db8::1,ip_dst=2001:db8::2,l4_src=80,l4_dst=81", TCP6, true },
	{ "ip_dst=2001:db8::/64", TCP6, true },
	{ "ip_dst=2001:db8::/127", TCP6, false },
	{ "ip_dst=2001:db8::2/127", TCP6, true },
	{ "label=0xabcde", TCP6, true },
	{ "ipv4/icmp,icmp_type=8,icmp_code=0", ICMP, true },
	{ "icmp_type=0", ICMP, false },
	{ "arp,ip_src=10.0.0.1,ip_dst=10.0.0.2,arp_op=1", ARP, true },
	{ "ip_dst=10.0.0.2", ARP, true },
	{ "arp_op=2", ARP, false },
	{ "eth,eth_type=0x88cc", LLDP, true },
	{ "eth_type=0x88cd", LLDP, false },
	{ "fragment=first", FIRST, true },
	{ "fragment=no", FIRST, false },
	{ "malformed=runt", RUNT, true },
	{ "malformed=no", RUNT, false },
	{ "egress:udp", UDP, false },
};

static struct flow_key key_of(const char *text)
{
	uint8_t bytes[HEX_MAX];
	uint32_t size = hex_bytes(text, bytes);
	struct weir_frame frame = plain_frame(bytes, size);
	struct flow_key key;

	key_parse(&frame, &key);
	return key;
}

static void what_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow_key key = key_of(rows[i].frame);
		struct key_match match;
		struct weir_error error;

		if (key_match_parse(rows[i].text, &match, &error))
			fail_msg("%s: %s", rows[i].text, error.message);
		if (key_matches(&match, &key) != rows[i].matches)
			fail_msg("%s, %s", rows[i].text, rows[i].frame);
	}
}

// What is shown of a flow finds it again, whatever its mask is.
static void what_is_shown_is_found(void **state)
{
	static const char *const frames[] = { UDP, TAGGED, TCP6, ICMP, ARP, LLDP, FIRST, RUNT };

	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		for (unsigned field = 0; field <= 15; field++) {
			struct flow_key key = key_of(frames[i]);
			struct key_match match;
			struct key_mask mask;
			struct weir_error error;
			char text[512];

			key_mask_make(&mask, field == 15 ? WEIR_FIELDS_ALL : UINT64_C(1) << field);
			for (unsigned w = 1; w < KEY_WORDS; w++)
				key.w[w] &= w == 4 && key_l3(&key) == WEIR_L3_IPV6 ? mask.w4_ipv6
										   : mask.bits.w[w];
			key_format(&key, &mask, text, sizeof(text));
			if (key_match_parse(text, &match, &error))
				fail_msg("%s: %s", text, error.message);
			if (!key_matches(&match, &key) || match.fields & ~mask.fields)
				fail_msg("%s", text);
		}
	}
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *text, *sentence;
	} wrong[] = {
		{ "ip_dst", "\"ip_dst\": must be NAME=VALUE" },
		{ "ip4", "\"ip4\": must be NAME=VALUE" },
		{ "ipv4/", "\"ipv4/\": must be" },
		{ "ipv4,", "\"\": must be NAME=VALUE" },
		{ ",ipv4", "\"\": must be NAME=VALUE" },
		{ "ip=10.0.0.1", "\"ip\": there are eth_dst, eth_src, " },
		{ "ip_dst=10.0.0.256", "ip_dst \"10.0.0.256\": must be an address or a prefix" },
		{ "ip_dst=10.0.0.0/33",
			"ip_dst \"10.0.0.0/33\": must be an address with a length" },
		{ "ip_dst=10.0.0.0/", "ip_dst \"10.0.0.0/\": must be" },
		{ "ip_dst=::/129", "ip_dst \"::/129\": must be" },
		{ "l4_dst=65536", "l4_dst \"65536\": must be 0 to 65535" },
		{ "l4_dst=", "l4_dst \"\": must be 0 to 65535" },
		{ "l4_dst=-1", "l4_dst \"-1\": must be" },
		{ "vlan=4096", "vlan \"4096\": must be 0 to 4095" },
		{ "proto=tcp", "proto \"tcp\": must be 0 to 255" },
		{ "eth_src=02:00:00:00:00", "eth_src \"02:00:00:00:00\": must be six bytes" },
		{ "eth_src=02:00:00:00:00:011", "must be six bytes" },
		{ "eth_src= 2:00:00:00:00:01", "must be six bytes" },
		{ "fragment=middle", "fragment \"middle\": must be no, first or later" },
		{ "malformed=very", "must be no, runt, tags" },
		{ "ipv4,ipv6", "\"ipv6\": contradicts" },
		{ "ipv6,ip_dst=10.0.0.1", "\"ip_dst\": contradicts" },
		{ "l4_dst=1,l4_dst=2", "\"l4_dst\": contradicts" },
		{ "ip_src=10.0.0.1,ip_src=10.0.0.2", "\"ip_src\": contradicts" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		  "aa"
		  "aaaaaaaaaaaaaaaaaaaaaa=1",
			"is too long" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct key_match match;
		struct weir_error error = { 0 };

		if (key_match_parse(wrong[i].text, &match, &error) != -EINVAL)
			fail_msg("%s was taken", wrong[i].text);
		if (!strstr(error.message, wrong[i].sentence))
			fail_msg("%s: %s", wrong[i].text, error.message);
		assert_string_equal(error.field, "match");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_matches),
		cmocka_unit_test(what_is_shown_is_found),
		cmocka_unit_test(what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
