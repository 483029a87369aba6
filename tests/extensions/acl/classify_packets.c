// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Packets for the rules of a family.
#include <netinet/in.h>
#include <string.h>

#include "classify_families.h"

const char *const family_packet_names[FAMILY_N_PACKETS] = { "hit", "near", "cross", "uniform" };

static void draw_address(
	uint8_t address[16], const uint8_t prefix[16], unsigned length, uint64_t *random)
{
	family_address(address, random);
	for (unsigned i = 0; i < length; i++)
		address[i / 8] = (uint8_t)((address[i / 8] & ~(0x80 >> i % 8)) |
					   (prefix[i / 8] & 0x80 >> i % 8));
}

static uint16_t draw_port(unsigned min, unsigned max, uint64_t *random)
{
	return (uint16_t)(min + family_below(random, max - min + 1));
}

static void draw_inside(struct classify_packet *packet, const struct classify_rule *l,
	const struct classify_rule *r, uint64_t *random)
{
	packet->l3 = l->l3 == CLASSIFY_L3_ANY ? WEIR_L3_IPV4 : l->l3;
	packet->known = CLASSIFY_PROTOCOL;
	packet->protocol = l->protocol != CLASSIFY_ANY ? (uint8_t)l->protocol
			   : family_below(random, 2)   ? IPPROTO_TCP
						       : IPPROTO_UDP;
	packet->vlan = l->vlan == CLASSIFY_ANY ? 0 : l->vlan;
	draw_address(packet->local, l->local, l->local_length, random);
	draw_address(packet->remote, r->remote, r->remote_length, random);
	if (l->icmp_type != CLASSIFY_ANY || packet->protocol == IPPROTO_ICMP) {
		packet->known |= CLASSIFY_ICMP;
		packet->icmp_type = l->icmp_type == CLASSIFY_ANY ? 8 : (uint8_t)l->icmp_type;
		packet->icmp_code = l->icmp_code == CLASSIFY_ANY ? 0 : (uint8_t)l->icmp_code;
		return;
	}
	packet->known |= CLASSIFY_PORTS;
	packet->local_port = draw_port(l->local_port_min, l->local_port_max, random);
	packet->remote_port = draw_port(r->remote_port_min, r->remote_port_max, random);
}

static void draw_beside(struct classify_packet *packet, uint64_t *random)
{
	switch (family_below(random, 5)) {
	case 0:
		packet->local[family_below(random, 4)] ^= (uint8_t)(1 + family_below(random, 255));
		break;
	case 1:
		packet->remote[family_below(random, 4)] ^= (uint8_t)(1 + family_below(random, 255));
		break;
	case 2:
		packet->local_port ^= (uint16_t)(1 + family_below(random, 65535));
		break;
	case 3:
		packet->remote_port ^= (uint16_t)(1 + family_below(random, 65535));
		break;
	default:
		packet->protocol = packet->protocol == IPPROTO_TCP ? IPPROTO_UDP : IPPROTO_TCP;
	}
}

void family_packet(struct classify_packet *packet, enum family_packets kind,
	const struct classify_rule *rules, size_t n, uint64_t *random)
{
	const struct classify_rule *rule = &rules[family_below(random, (uint32_t)n)];
	const struct classify_rule any = classify_rule_any(0, 0);

	memset(packet, 0, sizeof(*packet));
	switch (kind) {
	case FAMILY_CROSS:
		draw_inside(packet, rule, &rules[family_below(random, (uint32_t)n)], random);
		return;
	case FAMILY_UNIFORM:
		draw_inside(packet, &any, &any, random);
		packet->l3 = rule->l3 == CLASSIFY_L3_ANY ? WEIR_L3_IPV4 : rule->l3;
		return;
	default:
		draw_inside(packet, rule, rule, random);
		if (kind == FAMILY_NEAR)
			draw_beside(packet, random);
	}
}
