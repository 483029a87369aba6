// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <arpa/inet.h>

#include "datapath/key.h"
#include "datapath/text.h"

// Where each field stands in the key. IP addresses differ between IPv4 and IPv6 and are handled
// apart.
static const struct {
	uint64_t field;
	uint8_t word;
	uint64_t bits;
} places[] = {
	{ WEIR_FIELD_ETH_DST, 1, KEY_MAC_MASK },
	{ WEIR_FIELD_VLAN_ID, 1, KEY_VLAN_ID_MASK << 48 },
	{ WEIR_FIELD_VLAN_PCP, 1, UINT64_C(0xf000) << 48 },
	{ WEIR_FIELD_ETH_SRC, 2, KEY_MAC_MASK },
	{ WEIR_FIELD_ETH_TYPE, 2, UINT64_C(0xffff) << 48 },
	{ WEIR_FIELD_IP_PROTO, 3, UINT64_C(0xff) << KEY_PROTO_SHIFT },
	{ WEIR_FIELD_IP_TOS, 3, UINT64_C(0xff) << KEY_TOS_SHIFT },
	{ WEIR_FIELD_IP_TTL, 3, UINT64_C(0xff) << KEY_TTL_SHIFT },
	{ WEIR_FIELD_L4_SRC, 3, 0xffff },
	{ WEIR_FIELD_L4_DST, 3, UINT64_C(0xffff) << 16 },
	// Word 4 as IPv4 uses it: source in the low half, destination in the high half. For IPv6,
	// whose source takes words 4 and 5, the mask has another word 4.
	{ WEIR_FIELD_IP_SRC, 4, UINT64_C(0xffffffff) },
	{ WEIR_FIELD_IP_DST, 4, UINT64_C(0xffffffff) << 32 },
	{ WEIR_FIELD_IP_SRC, 5, UINT64_C(0xffffffffffffffff) },
	{ WEIR_FIELD_IP_DST, 6, UINT64_C(0xffffffffffffffff) },
	{ WEIR_FIELD_IP_DST, 7, UINT64_C(0xffffffffffffffff) },
	{ WEIR_FIELD_INGRESS_PORT, 8, KEY_INGRESS_MASK },
	{ WEIR_FIELD_INNER_VLAN, 8, UINT64_C(0xffff) << KEY_INNER_SHIFT },
	{ WEIR_FIELD_IP6_LABEL, 8, UINT64_C(0xffffffff) << KEY_LABEL_SHIFT },
};

// The length of the shortest keys that have this word.
static uint8_t words_up_to(unsigned word)
{
	return word < KEY_WORDS_L2     ? KEY_WORDS_L2
	       : word < KEY_WORDS_IPV4 ? KEY_WORDS_IPV4
				       : KEY_WORDS;
}

void key_mask_make(struct key_mask *mask, uint64_t fields)
{
	unsigned last = 0;

	*mask = (struct key_mask){ .fields = fields, .bits.w[0] = UINT64_MAX };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (fields & places[i].field)
			mask->bits.w[places[i].word] |= places[i].bits;
	mask->w4_ipv6 = fields & WEIR_FIELD_IP_SRC ? UINT64_MAX : 0;
	for (unsigned i = 0; i < KEY_WORDS; i++)
		if (mask->bits.w[i])
			last = i;
	mask->words_ipv6 = words_up_to(last);
	// What stands behind the addresses and is not for IPv6 alone.
	if (!(fields & (WEIR_FIELD_INGRESS_PORT | WEIR_FIELD_INNER_VLAN)) && last >= KEY_WORDS_IPV4)
		last = mask->bits.w[3] | mask->bits.w[4] ? KEY_WORDS_IPV4 - 1 : 0;
	mask->words = words_up_to(last);
}

static void show_addresses(const struct flow_key *key, uint64_t fields, struct weir_flow *flow)
{
	if (key_l3(key) == WEIR_L3_IPV6) {
		if (fields & WEIR_FIELD_IP_SRC)
			memcpy(flow->ip_src, &key->w[4], 16);
		if (fields & WEIR_FIELD_IP_DST)
			memcpy(flow->ip_dst, &key->w[6], 16);
		return;
	}
	if (fields & WEIR_FIELD_IP_SRC)
		memcpy(flow->ip_src, &key->w[4], 4);
	if (fields & WEIR_FIELD_IP_DST)
		memcpy(flow->ip_dst, (const char *)&key->w[4] + 4, 4);
}

void key_to_flow(const struct flow_key *key, const struct key_mask *mask, weir_port_id ingress,
	weir_port_id egress, struct weir_flow *flow)
{
	uint64_t w1 = key->w[1] & mask->bits.w[1], w2 = key->w[2] & mask->bits.w[2];
	uint64_t w3 = key->w[3] & mask->bits.w[3], w8 = key->w[8] & mask->bits.w[8];
	uint16_t tci = (uint16_t)(w1 >> 48);

	memset(flow, 0, sizeof(*flow));
	flow->size = sizeof(*flow);
	flow->l3 = key_l3(key);
	flow->l4 = key_l4(key);
	flow->n_tags = key_tags(key);
	flow->fragment = key_bits(key->w[0], KEY_FRAGMENT_SHIFT, 2);
	flow->malformed = key_malformed(key);
	flow->forwarded = key_bits(key->w[0], KEY_FORWARDED_SHIFT, 3);
	flow->offload = (key->w[0] & KEY_OFFLOAD) != 0;
	flow->trusted = (key->w[0] & KEY_TRUSTED) != 0;
	flow->ingress = ingress;
	flow->egress = egress;
	memcpy(flow->eth_dst, &w1, 6);
	memcpy(flow->eth_src, &w2, 6);
	flow->eth_type = (uint16_t)(w2 >> 48);
	flow->vlan_id = tci & KEY_VLAN_ID_MASK;
	flow->vlan_pcp = tci >> 13;
	flow->vlan_dei = tci >> 12 & 1;
	flow->inner_vlan = (uint16_t)(w8 >> KEY_INNER_SHIFT);
	flow->ip_proto = (uint8_t)(w3 >> KEY_PROTO_SHIFT);
	flow->ip_tos = (uint8_t)(w3 >> KEY_TOS_SHIFT);
	flow->ip_ttl = (uint8_t)(w3 >> KEY_TTL_SHIFT);
	flow->ip6_label = (uint32_t)(w8 >> KEY_LABEL_SHIFT);
	flow->l4_src = (uint16_t)w3;
	flow->l4_dst = (uint16_t)(w3 >> 16);
	show_addresses(key, mask->fields, flow);
}

static bool set_vlan_id(struct flow_key *key, uint16_t id)
{
	if (id > 4094 || key_malformed(key) == WEIR_MALFORMED_TAGS)
		return false;
	if (id == 0) {
		if (key_tags(key) == 0)
			return true;
		// The inner tag, if any, becomes the outer.
		key_set_tci(key, key_tags(key) == 2 ? (uint16_t)(key->w[8] >> KEY_INNER_SHIFT) : 0);
		key->w[8] &= ~(UINT64_C(0xffff) << KEY_INNER_SHIFT);
		key_set_tags(key, key_tags(key) - 1);
		return true;
	}
	key_set_tci(key, (key_tci(key) & 0xf000) | id);
	if (key_tags(key) == 0)
		key_set_tags(key, 1);
	return true;
}

static bool set_address(struct flow_key *key, uint64_t field, const void *value, size_t size)
{
	bool source = field == WEIR_FIELD_IP_SRC;

	// Addresses count in the L4 checksum, which cannot be found behind a damaged header.
	if (key_malformed(key))
		return false;
	if (key_l3(key) == WEIR_L3_IPV4 && size == 4)
		memcpy(source ? key_ip_src(key) : key_ip_dst(key), value, 4);
	else if (key_l3(key) == WEIR_L3_IPV6 && size == 16)
		memcpy(source ? key_ip_src(key) : key_ip_dst(key), value, 16);
	else
		return false;
	return true;
}

static bool set_port(struct flow_key *key, unsigned shift, uint16_t port)
{
	// Not SCTP: its checksum cannot be adjusted, only computed over the whole packet.
	if (key_l4(key) != WEIR_L4_TCP && key_l4(key) != WEIR_L4_UDP)
		return false;
	key->w[3] = (key->w[3] & ~(UINT64_C(0xffff) << shift)) | (uint64_t)port << shift;
	return true;
}

// A value, and perhaps the bits that stay as they are.
static void set_tos(struct flow_key *key, const uint8_t *value, size_t size)
{
	uint8_t keep = size == 2 ? value[1] : 0;
	uint8_t tos = (uint8_t)(key->w[3] >> KEY_TOS_SHIFT);

	tos = (uint8_t)((tos & keep) | (value[0] & ~keep));
	key->w[3] = (key->w[3] & ~(UINT64_C(0xff) << KEY_TOS_SHIFT)) | (uint64_t)tos
									       << KEY_TOS_SHIFT;
}

bool key_set_field(struct flow_key *key, uint64_t field, const void *value, size_t size)
{
	uint64_t mac = 0;
	uint16_t half = 0;
	uint8_t byte = size == 1 ? *(const uint8_t *)value : 0;

	if (key_malformed(key) == WEIR_MALFORMED_RUNT)
		return false;
	if (size == 6)
		memcpy(&mac, value, 6);
	if (size == 2)
		memcpy(&half, value, 2);
	switch (field) {
	case WEIR_FIELD_ETH_DST:
	case WEIR_FIELD_ETH_SRC: {
		uint64_t *word = &key->w[field == WEIR_FIELD_ETH_DST ? 1 : 2];

		if (size != 6)
			return false;
		*word = (*word & ~KEY_MAC_MASK) | mac;
		return true;
	}
	case WEIR_FIELD_VLAN_ID:
		return size == 2 && set_vlan_id(key, half);
	case WEIR_FIELD_VLAN_PCP:
		if (size != 1 || byte > 7)
			return false;
		if (key_tags(key))
			key_set_tci(key, (uint16_t)((key_tci(key) & 0x1fff) | byte << 13));
		return true;
	case WEIR_FIELD_IP_TOS:
		if (size < 1 || size > 2 ||
			(key_l3(key) != WEIR_L3_IPV4 && key_l3(key) != WEIR_L3_IPV6) ||
			key_malformed(key) == WEIR_MALFORMED_L3)
			return false;
		set_tos(key, value, size);
		return true;
	case WEIR_FIELD_IP_SRC:
	case WEIR_FIELD_IP_DST:
		return set_address(key, field, value, size);
	case WEIR_FIELD_L4_SRC:
		return size == 2 && set_port(key, 0, half);
	case WEIR_FIELD_L4_DST:
		return size == 2 && set_port(key, 16, half);
	default:
		return false;
	}
}

static void put_mac(struct text *w, const char *name, const uint8_t mac[6])
{
	text_put(w, ",%s=%02x:%02x:%02x:%02x:%02x:%02x", name, mac[0], mac[1], mac[2], mac[3],
		mac[4], mac[5]);
}

static void put_address(
	struct text *w, const char *name, const struct weir_flow *flow, const uint8_t address[16])
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(flow->l3 == WEIR_L3_IPV6 ? AF_INET6 : AF_INET, address, text, sizeof(text));
	text_put(w, ",%s=%s", name, text);
}

static void format_ip(struct text *w, uint64_t fields, const struct weir_flow *flow)
{
	if (flow->l3 == WEIR_L3_OTHER)
		return;
	if (fields & WEIR_FIELD_IP_SRC)
		put_address(w, "ip_src", flow, flow->ip_src);
	if (fields & WEIR_FIELD_IP_DST)
		put_address(w, "ip_dst", flow, flow->ip_dst);
	if (fields & WEIR_FIELD_IP_PROTO)
		text_put(
			w, flow->l3 == WEIR_L3_ARP ? ",arp_op=%u" : ",ip_proto=%u", flow->ip_proto);
	if (flow->l3 == WEIR_L3_ARP)
		return;
	if (fields & WEIR_FIELD_IP_TOS)
		text_put(w, ",dscp=%u,ecn=%u", flow->ip_tos >> 2, flow->ip_tos & 3);
	if (fields & WEIR_FIELD_IP_TTL)
		text_put(w, ",ttl=%u", flow->ip_ttl);
	if (flow->l3 == WEIR_L3_IPV6 && (fields & WEIR_FIELD_IP6_LABEL))
		text_put(w, ",label=0x%05x", flow->ip6_label);
}

void key_format(const struct flow_key *key, const struct key_mask *mask, char *text, size_t size)
{
	static const char *const l3[] = { "eth", "ipv4", "ipv6", "arp" };
	static const char *const l4[] = { "", "", "/tcp", "/udp", "/sctp", "/icmp", "/icmpv6", "" };
	static const char *const fragments[] = { "", ",fragment=first", ",fragment=later", "" };
	static const char *const faults[] = { "", ",malformed=runt", ",malformed=tags",
		",malformed=l3", ",malformed=chain", ",malformed=l4", "", "" };
	struct text w = { text, size, 0 };
	struct weir_flow flow;
	uint64_t fields = mask->fields;

	key_to_flow(key, mask, WEIR_PORT_NONE, WEIR_PORT_NONE, &flow);
	text_put(&w, "%s%s%s%s%s", l3[flow.l3], l4[flow.l4], fragments[flow.fragment],
		faults[flow.malformed], flow.offload ? ",offload" : "");
	if (fields & WEIR_FIELD_ETH_SRC)
		put_mac(&w, "eth_src", flow.eth_src);
	if (fields & WEIR_FIELD_ETH_DST)
		put_mac(&w, "eth_dst", flow.eth_dst);
	if ((fields & WEIR_FIELD_ETH_TYPE) && flow.l3 == WEIR_L3_OTHER)
		text_put(&w, ",eth_type=0x%04x", ntohs(flow.eth_type));
	if ((fields & WEIR_FIELD_VLAN_ID) && flow.n_tags)
		text_put(&w, ",vlan=%u", flow.vlan_id);
	if ((fields & WEIR_FIELD_VLAN_PCP) && flow.n_tags)
		text_put(&w, ",pcp=%u", flow.vlan_pcp);
	if ((fields & WEIR_FIELD_INNER_VLAN) && flow.n_tags == 2)
		text_put(&w, ",inner_vlan=%u", flow.inner_vlan & 0xfffu);
	format_ip(&w, fields, &flow);
	if (flow.l4 < WEIR_L4_TCP)
		return;
	if (fields & WEIR_FIELD_L4_SRC)
		text_put(&w, flow.l4 >= WEIR_L4_ICMP ? ",icmp_type=%u" : ",l4_src=%u",
			ntohs(flow.l4_src));
	if (fields & WEIR_FIELD_L4_DST)
		text_put(&w, flow.l4 >= WEIR_L4_ICMP ? ",icmp_code=%u" : ",l4_dst=%u",
			ntohs(flow.l4_dst));
}
