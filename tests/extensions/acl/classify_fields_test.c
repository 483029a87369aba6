// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// One rule, one packet: every field, known and unknown, at its limits.
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classify_lab.h"

#define ANY   CLASSIFY_ANY
#define NO_L3 CLASSIFY_L3_ANY
#define ALL_PORTS                                                                                  \
	{                                                                                          \
		0, 65535                                                                           \
	}
#define OTHER WEIR_L3_OTHER
#define V4    WEIR_L3_IPV4
#define V6    WEIR_L3_IPV6
#define ARP   WEIR_L3_ARP
#define PROTO CLASSIFY_PROTOCOL
#define PORTS (CLASSIFY_PROTOCOL | CLASSIFY_PORTS)
#define ICMP  (CLASSIFY_PROTOCOL | CLASSIFY_ICMP)

struct row {
	const char *name;
	struct {
		uint8_t l3;
		const char *local, *remote; // prefixes; NULL: none
		uint16_t protocol;
		uint16_t local_ports[2], remote_ports[2];
		uint16_t icmp_type, icmp_code;
		uint16_t vlan;
	} rule;
	struct {
		uint8_t l3;
		const char *local, *remote;
		uint8_t known, protocol;
		uint16_t local_port, remote_port;
		uint8_t icmp_type, icmp_code;
		uint16_t vlan;
	} packet;
	bool matches;
};

#define REST ANY, ALL_PORTS, ALL_PORTS, ANY, ANY, ANY
#define LOCAL(prefix)                                                                              \
	{                                                                                          \
		V4, prefix, NULL, REST                                                             \
	}
#define REMOTE6(prefix)                                                                            \
	{                                                                                          \
		V6, NULL, prefix, REST                                                             \
	}
#define LPORTS(min, max)                                                                           \
	{                                                                                          \
		V4, NULL, NULL, ANY, { min, max }, ALL_PORTS, ANY, ANY, ANY                        \
	}
#define RPORTS(min, max)                                                                           \
	{                                                                                          \
		V4, NULL, NULL, ANY, ALL_PORTS, { min, max }, ANY, ANY, ANY                        \
	}
#define TYPE(type, code)                                                                           \
	{                                                                                          \
		V4, NULL, NULL, ANY, ALL_PORTS, ALL_PORTS, type, code, ANY                         \
	}
#define VLAN(vlan)                                                                                 \
	{                                                                                          \
		NO_L3, NULL, NULL, ANY, ALL_PORTS, ALL_PORTS, ANY, ANY, vlan                       \
	}
#define FROM(local)                                                                                \
	{                                                                                          \
		V4, local, "9.9.9.9", PORTS, 6, 80, 80, 0, 0, 0                                    \
	}
#define TO6(remote)                                                                                \
	{                                                                                          \
		V6, "::1", remote, PORTS, 6, 80, 80, 0, 0, 0                                       \
	}
#define TCP(local_port, remote_port)                                                               \
	{                                                                                          \
		V4, "1.1.1.1", "2.2.2.2", PORTS, 6, local_port, remote_port, 0, 0, 0               \
	}
#define PING(type, code)                                                                           \
	{                                                                                          \
		V4, "1.1.1.1", "2.2.2.2", ICMP, 1, 0, 0, type, code, 0                             \
	}
#define KIND(l3)                                                                                   \
	{                                                                                          \
		l3, NULL, NULL, 0, 0, 0, 0, 0, 0, 0                                                \
	}

static const struct row rows[] = {
	{ "anything", { NO_L3, NULL, NULL, REST }, KIND(OTHER), true },
	{ "any kind, IPv4", { NO_L3, NULL, NULL, REST }, KIND(V4), true },
	{ "any kind, IPv6", { NO_L3, NULL, NULL, REST }, KIND(V6), true },
	{ "IPv4 is not IPv6", { V4, NULL, NULL, REST }, KIND(V6), false },
	{ "IPv6 is not IPv4", { V6, NULL, NULL, REST }, KIND(V4), false },
	{ "ARP is not IPv4", { V4, NULL, NULL, REST }, KIND(ARP), false },
	{ "other is not ARP", { ARP, NULL, NULL, REST }, KIND(OTHER), false },
	{ "other", { OTHER, NULL, NULL, REST }, KIND(OTHER), true },
	{ "ARP's addresses", { ARP, "10.0.0.0/8", NULL, REST },
		{ ARP, "10.1.2.3", "0.0.0.0", PROTO, 1, 0, 0, 0, 0, 0 }, true },
	{ "ARP's operation", { ARP, NULL, NULL, 2, ALL_PORTS, ALL_PORTS, ANY, ANY, ANY },
		{ ARP, NULL, NULL, PROTO, 1, 0, 0, 0, 0, 0 }, false },

	{ "0 bits", LOCAL("0.0.0.0/0"), FROM("255.255.255.255"), true },
	{ "first bit", LOCAL("128.0.0.0/1"), FROM("128.0.0.1"), true },
	{ "not the first bit", LOCAL("128.0.0.0/1"), FROM("127.255.255.255"), false },
	{ "last address", LOCAL("10.0.0.0/8"), FROM("10.255.255.255"), true },
	{ "behind the last", LOCAL("10.0.0.0/8"), FROM("11.0.0.0"), false },
	{ "31 bits", LOCAL("10.0.0.2/31"), FROM("10.0.0.3"), true },
	{ "not 31 bits", LOCAL("10.0.0.2/31"), FROM("10.0.0.1"), false },
	{ "32 bits", LOCAL("10.0.0.2/32"), FROM("10.0.0.2"), true },
	{ "not 32 bits", LOCAL("10.0.0.2/32"), FROM("10.0.0.3"), false },
	{ "bits of the host are ignored", LOCAL("10.1.2.3/8"), FROM("10.9.9.9"), true },
	{ "local is not remote", LOCAL("9.9.9.9/32"), FROM("10.0.0.2"), false },

	{ "IPv6, 1 bit", REMOTE6("8000::/1"), TO6("ffff::"), true },
	{ "IPv6, 32 bits", REMOTE6("2001:db8::/32"), TO6("2001:db8:ffff::1"), true },
	{ "IPv6, not 32 bits", REMOTE6("2001:db8::/32"), TO6("2001:db9::1"), false },
	{ "IPv6, 33 bits", REMOTE6("2001:db8:8000::/33"), TO6("2001:db8:8000::1"), true },
	{ "IPv6, not 33 bits", REMOTE6("2001:db8:8000::/33"), TO6("2001:db8:7fff::1"), false },
	{ "IPv6, 63 bits", REMOTE6("2001:db8:0:2::/63"), TO6("2001:db8:0:3::1"), true },
	{ "IPv6, not 63 bits", REMOTE6("2001:db8:0:2::/63"), TO6("2001:db8:0:4::1"), false },
	{ "IPv6, 64 bits", REMOTE6("2001:db8:0:2::/64"), TO6("2001:db8:0:2:ffff::1"), true },
	{ "IPv6, not 64 bits", REMOTE6("2001:db8:0:2::/64"), TO6("2001:db8:0:3::"), false },
	{ "IPv6, 65 bits", REMOTE6("2001:db8::8000:0:0:0/65"), TO6("2001:db8::8000:0:0:1"), true },
	{ "IPv6, not 65 bits", REMOTE6("2001:db8::8000:0:0:0/65"), TO6("2001:db8::7000:0:0:1"),
		false },
	{ "IPv6, 128 bits", REMOTE6("2001:db8::1/128"), TO6("2001:db8::1"), true },
	{ "IPv6, not 128 bits", REMOTE6("2001:db8::1/128"), TO6("2001:db8::2"), false },

	{ "protocol", { V4, NULL, NULL, 6, ALL_PORTS, ALL_PORTS, ANY, ANY, ANY }, TCP(1, 2), true },
	{ "other protocol", { V4, NULL, NULL, 17, ALL_PORTS, ALL_PORTS, ANY, ANY, ANY }, TCP(1, 2),
		false },
	{ "protocol 0", { V6, NULL, NULL, 0, ALL_PORTS, ALL_PORTS, ANY, ANY, ANY },
		{ V6, NULL, NULL, PROTO, 0, 0, 0, 0, 0, 0 }, true },
	{ "protocol unknown", { V6, NULL, NULL, 0, ALL_PORTS, ALL_PORTS, ANY, ANY, ANY },
		{ V6, NULL, NULL, 0, 0, 0, 0, 0, 0, 0 }, false },

	{ "local port", LPORTS(80, 80), TCP(80, 5000), true },
	{ "not the local port", LPORTS(80, 80), TCP(5000, 80), false },
	{ "first of a range", LPORTS(1024, 2000), TCP(1024, 1), true },
	{ "last of a range", LPORTS(1024, 2000), TCP(2000, 1), true },
	{ "below a range", LPORTS(1024, 2000), TCP(1023, 1), false },
	{ "above a range", LPORTS(1024, 2000), TCP(2001, 1), false },
	{ "port 0", LPORTS(0, 0), TCP(0, 1), true },
	{ "port 65535", RPORTS(65535, 65535), TCP(1, 65535), true },
	{ "remote range", RPORTS(1, 65535), TCP(1, 65535), true },
	{ "below the remote range", RPORTS(1, 65535), TCP(1, 0), false },
	{ "ports unknown", RPORTS(0, 0), { V4, NULL, NULL, PROTO, 6, 0, 0, 0, 0, 0 }, false },
	{ "ports unknown, nearly all match", RPORTS(0, 65534),
		{ V4, NULL, NULL, PROTO, 6, 0, 0, 0, 0, 0 }, false },
	{ "ports unknown, none asked for", LPORTS(0, 65535),
		{ V4, NULL, NULL, PROTO, 6, 0, 0, 0, 0, 0 }, true },
	{ "a type is no port", LPORTS(8, 8), PING(8, 0), false },

	{ "ICMP type", TYPE(8, ANY), PING(8, 3), true },
	{ "other type", TYPE(8, ANY), PING(0, 0), false },
	{ "type and code", TYPE(3, 4), PING(3, 4), true },
	{ "other code", TYPE(3, 4), PING(3, 1), false },
	{ "type 255, code 255", TYPE(255, 255), PING(255, 255), true },
	{ "a port is no type", TYPE(8, ANY), TCP(8, 0), false },
	{ "type unknown", TYPE(0, ANY), { V4, NULL, NULL, PROTO, 1, 0, 0, 0, 0, 0 }, false },

	{ "VLAN", VLAN(100), { V4, NULL, NULL, 0, 0, 0, 0, 0, 0, 100 }, true },
	{ "other VLAN", VLAN(100), { V4, NULL, NULL, 0, 0, 0, 0, 0, 0, 101 }, false },
	{ "no VLAN", VLAN(0), { V4, NULL, NULL, 0, 0, 0, 0, 0, 0, 0 }, true },
	{ "not in no VLAN", VLAN(0), { V4, NULL, NULL, 0, 0, 0, 0, 0, 0, 1 }, false },
	{ "VLAN 4095", VLAN(4095), { V4, NULL, NULL, 0, 0, 0, 0, 0, 0, 4095 }, true },
	{ "any VLAN", VLAN(ANY), { V4, NULL, NULL, 0, 0, 0, 0, 0, 0, 4095 }, true },
};

static void address(uint8_t bytes[16], const char *text)
{
	if (text)
		assert_int_equal(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, bytes), 1);
}

static uint8_t prefix(uint8_t bytes[16], const char *text)
{
	char copy[64];
	unsigned length;

	if (!text)
		return 0;
	assert_int_equal(sscanf(text, "%63[^/]/%u", copy, &length), 2);
	address(bytes, copy);
	return (uint8_t)length;
}

static void make(struct classify_rule *rule, struct classify_packet *packet, const struct row *row)
{
	*rule = classify_rule_any(7, 1);
	rule->l3 = row->rule.l3;
	rule->local_length = prefix(rule->local, row->rule.local);
	rule->remote_length = prefix(rule->remote, row->rule.remote);
	rule->protocol = row->rule.protocol;
	rule->local_port_min = row->rule.local_ports[0];
	rule->local_port_max = row->rule.local_ports[1];
	rule->remote_port_min = row->rule.remote_ports[0];
	rule->remote_port_max = row->rule.remote_ports[1];
	rule->icmp_type = row->rule.icmp_type;
	rule->icmp_code = row->rule.icmp_code;
	rule->vlan = row->rule.vlan;
	*packet = (struct classify_packet){ .l3 = row->packet.l3,
		.known = row->packet.known,
		.protocol = row->packet.protocol,
		.local_port = row->packet.local_port,
		.remote_port = row->packet.remote_port,
		.icmp_type = row->packet.icmp_type,
		.icmp_code = row->packet.icmp_code,
		.vlan = row->packet.vlan };
	address(packet->local, row->packet.local);
	address(packet->remote, row->packet.remote);
}

static void each_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t expected = rows[i].matches ? 7 : CLASSIFY_NONE;
		struct model *model = model_create();
		struct classify_rule rule;
		struct classify_packet packet;
		struct classify *c;

		make(&rule, &packet, &rows[i]);
		model_add_rule(model, &rule);
		c = lab_build(&rule, 1);
		if (classify_match(c, &packet) != expected ||
			model_match(model, &packet) != expected)
			fail_msg("%s: classifier %d, model %d, expected %d", rows[i].name,
				(int)classify_match(c, &packet), (int)model_match(model, &packet),
				(int)expected);
		classify_destroy(c);
		model_destroy(model);
	}
}

// The same among so many others that there is a tree to go through, with the rule below all.
static void each_field_in_a_tree(void **state)
{
	enum { N = 500 };
	static struct classify_rule rules[N];
	uint64_t random = 11;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct model *model = model_create();
		struct classify_packet packet;
		struct classify *c;

		for (uint32_t k = 0; k < N; k++) {
			lab_rule(&rules[k], k + 8, &random);
			rules[k].weight += 2;
			// Never the row's packet.
			rules[k].vlan = 77;
		}
		make(&rules[0], &packet, &rows[i]);
		for (uint32_t k = 0; k < N; k++)
			model_add_rule(model, &rules[k]);
		c = lab_build(rules, N);
		if (classify_match(c, &packet) != (rows[i].matches ? 7 : CLASSIFY_NONE))
			fail_msg("%s: rule %d", rows[i].name, (int)classify_match(c, &packet));
		lab_compare(c, model, &packet);
		classify_destroy(c);
		model_destroy(model);
	}
}

static void order(void **state)
{
	struct classify_rule rules[] = { classify_rule_any(5, 10), classify_rule_any(3, 10),
		classify_rule_any(9, UINT32_MAX), classify_rule_any(0, 0) };
	struct classify_packet packet = { .l3 = WEIR_L3_IPV4 };
	struct classify *c = lab_build(rules, 4);

	(void)state;
	assert_int_equal(classify_match(c, &packet), 9);
	classify_destroy(c);
	// Of equal weights the lower id.
	c = lab_build(rules, 2);
	assert_int_equal(classify_match(c, &packet), 3);
	classify_destroy(c);
	// A specific rule of less weight does not win.
	rules[0].l3 = WEIR_L3_IPV4;
	rules[0].local_length = 32;
	rules[0].weight = 9;
	c = lab_build(rules, 2);
	assert_int_equal(classify_match(c, &packet), 3);
	classify_destroy(c);
	c = lab_build(&rules[3], 1);
	assert_int_equal(classify_match(c, &packet), 0);
	classify_destroy(c);
	c = lab_build(NULL, 0);
	assert_int_equal(classify_match(c, &packet), CLASSIFY_NONE);
	assert_int_equal(classify_count(c), 0);
	assert_int_equal(classify_worst(c), 0);
	classify_destroy(c);
	classify_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field),
		cmocka_unit_test(each_field_in_a_tree),
		cmocka_unit_test(order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
