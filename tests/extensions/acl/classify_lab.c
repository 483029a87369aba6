// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "classify_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void some_address(uint8_t address[16], uint64_t *random)
{
	memset(address, 0, 16);
	// Differs early, late, or at the borders of words.
	for (unsigned i = 0; i < 3; i++) {
		static const uint8_t bits[] = { 0, 1, 7, 8, 23, 24, 30, 31, 32, 33, 62, 63, 64, 65,
			95, 96, 97, 126, 127 };
		unsigned bit = bits[family_below(random, sizeof(bits))];

		address[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	}
}

static uint8_t some_length(unsigned longest, uint64_t *random)
{
	static const uint8_t lengths[] = { 1, 8, 9, 24, 31, 32, 33, 63, 64, 65, 96, 97, 127, 128 };
	uint8_t length = lengths[family_below(random, sizeof(lengths))];

	if (!family_below(random, 3))
		return 0;
	return length <= longest ? length : (uint8_t)longest;
}

static void some_range(uint16_t *min, uint16_t *max, uint64_t *random)
{
	static const uint16_t ends[] = { 0, 1, 2, 79, 80, 81, 1023, 1024, 32768, 65534, 65535 };
	uint16_t a = ends[family_below(random, 11)], b = ends[family_below(random, 11)];

	*min = a < b ? a : b;
	*max = a < b ? b : a;
}

static uint8_t some_protocol(uint64_t *random)
{
	static const uint8_t protocols[] = { 0, 1, 6, 17, 58, 255 };

	return protocols[family_below(random, sizeof(protocols))];
}

static uint16_t some_vlan(uint64_t *random)
{
	static const uint16_t vlans[] = { 0, 1, 2, 100, 4095 };

	return vlans[family_below(random, 5)];
}

static uint8_t some_icmp(uint64_t *random)
{
	static const uint8_t values[] = { 0, 1, 8, 255 };

	return values[family_below(random, sizeof(values))];
}

void lab_rule(struct classify_rule *rule, uint32_t id, uint64_t *random)
{
	static const uint8_t kinds[] = { CLASSIFY_L3_ANY, WEIR_L3_OTHER, WEIR_L3_IPV4, WEIR_L3_IPV4,
		WEIR_L3_IPV6, WEIR_L3_IPV6, WEIR_L3_ARP };
	unsigned longest;

	*rule = classify_rule_any(id, family_below(random, 1000));
	rule->l3 = kinds[family_below(random, sizeof(kinds))];
	longest = rule->l3 == WEIR_L3_IPV6                              ? 128
		  : rule->l3 == WEIR_L3_IPV4 || rule->l3 == WEIR_L3_ARP ? 32
									: 0;
	// Also behind the prefix, where nobody is to look.
	some_address(rule->local, random);
	some_address(rule->remote, random);
	rule->local_length = some_length(longest, random);
	rule->remote_length = some_length(longest, random);
	if (family_below(random, 2))
		rule->protocol = some_protocol(random);
	if (!family_below(random, 4))
		rule->vlan = some_vlan(random);
	switch (family_below(random, 5)) {
	case 0:
		rule->icmp_type = some_icmp(random);
		if (family_below(random, 2))
			rule->icmp_code = some_icmp(random);
		break;
	case 1:
		some_range(&rule->local_port_min, &rule->local_port_max, random);
		break;
	case 2:
		some_range(&rule->local_port_min, &rule->local_port_max, random);
		some_range(&rule->remote_port_min, &rule->remote_port_max, random);
		break;
	default:
		break;
	}
}

void lab_packet(struct classify_packet *packet, uint64_t *random)
{
	uint16_t unused;

	memset(packet, 0, sizeof(*packet));
	packet->l3 = (uint8_t)family_below(random, 4);
	packet->known = (uint8_t)family_below(random, 6);
	some_address(packet->local, random);
	some_address(packet->remote, random);
	// What is not known may be anything.
	packet->protocol = some_protocol(random);
	packet->vlan = some_vlan(random);
	packet->icmp_type = some_icmp(random);
	packet->icmp_code = some_icmp(random);
	some_range(&packet->local_port, &unused, random);
	some_range(&unused, &packet->remote_port, random);
}

static void print_bytes(const char *name, const uint8_t bytes[16])
{
	print_error(" %s ", name);
	for (unsigned i = 0; i < 16; i++)
		print_error("%02x", bytes[i]);
}

void lab_compare(
	const struct classify *c, const struct model *model, const struct classify_packet *packet)
{
	uint32_t found = classify_match(c, packet), expected = model_match(model, packet);

	if (found == expected)
		return;
	print_error("l3 %u, known %u, protocol %u, ICMP %u/%u, VLAN %u, ports %u %u,", packet->l3,
		packet->known, packet->protocol, packet->icmp_type, packet->icmp_code, packet->vlan,
		packet->local_port, packet->remote_port);
	print_bytes("local", packet->local);
	print_bytes("remote", packet->remote);
	fail_msg(": rule %d, expected %d", (int)found, (int)expected);
}

struct classify *lab_build(const struct classify_rule rules[], size_t n)
{
	struct weir_error error = { .code = 0 };
	struct classify *c = NULL;

	if (classify_build(&c, rules, n, &error))
		fail_msg("%s", error.message);
	return c;
}
