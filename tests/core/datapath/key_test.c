// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Masks, and rewrites of keys: what a field is, which frames have it, and that a refusal changes
// nothing.
#include "frames.h"

#include <arpa/inet.h>

static struct flow_key key_of(const char *frame_text)
{
	uint8_t bytes[HEX_MAX];
	uint32_t size = hex_bytes(frame_text, bytes);
	struct weir_frame frame = plain_frame(bytes, size);
	struct flow_key key;

	key_parse(&frame, &key);
	return key;
}

#define TCP4    MACS TAG("a064") "0800" IP4("0028", "0000", "06") TCP_HEADER
#define TCP6    MACS "86dd" IP6("0014", "06") TCP_HEADER
#define UDP4    MACS "0800" IP4("001c", "0000", "11") UDP_HEADER
#define LATER4  MACS "0800" IP4("001c", "2001", "11") UDP_HEADER
#define SCTP4   MACS "0800" IP4("0020", "0000", "84") "1388 0050 00000001 00000000"
#define BROKEN4 MACS "0800" IP4("ffff", "0000", "11") UDP_HEADER
#define BROKEN6 MACS "86dd" IP6("ffff", "11") UDP_HEADER
#define ARP4    MACS "0806 0001 0800 0604 0001 020000000001 0a000001 000000000000 0a000002"
#define RUNT    "020000000002"
#define CUT     MACS STAG("0001") TAG("0002")

static const struct {
	const char *name, *frame;
	uint64_t field;
	uint8_t value[16];
	size_t size;
	bool taken;
	const char *flow; // when taken: all fields but the Ethernet addresses
} rewrites[] = {
	{ "TOS", UDP4, WEIR_FIELD_IP_TOS, { 0x29 }, 1, true,
		"ipv4/udp,ip_src=10.0.0.1,ip_dst=10.0.0.2,ip_proto=17,dscp=10,ecn=1,ttl=64,"
		"l4_src=5000,l4_dst=53" },
	{ "TOS of ARP", ARP4, WEIR_FIELD_IP_TOS, { 1 }, 1, false, NULL },
	{ "TOS, the lower two bits kept", UDP4, WEIR_FIELD_IP_TOS, { 0x29, 3 }, 2, true,
		"ipv4/udp,ip_src=10.0.0.1,ip_dst=10.0.0.2,ip_proto=17,dscp=10,ecn=0,ttl=64,"
		"l4_src=5000,l4_dst=53" },
	{ "TOS of three bytes", UDP4, WEIR_FIELD_IP_TOS, { 1 }, 3, false, NULL },
	{ "TOS of a broken header", BROKEN4, WEIR_FIELD_IP_TOS, { 1 }, 1, false, NULL },
	{ "source", UDP4, WEIR_FIELD_IP_SRC, { 192, 0, 2, 1 }, 4, true,
		"ipv4/udp,ip_src=192.0.2.1,ip_dst=10.0.0.2,ip_proto=17,dscp=46,ecn=0,ttl=64,"
		"l4_src=5000,l4_dst=53" },
	{ "destination", LATER4, WEIR_FIELD_IP_DST, { 192, 0, 2, 1 }, 4, true,
		"ipv4,fragment=later,ip_src=10.0.0.1,ip_dst=192.0.2.1,ip_proto=17,dscp=46,ecn=0,"
		"ttl=64" },
	{ "IPv6 source", TCP6, WEIR_FIELD_IP_SRC, { 0x20, 1, [15] = 9 }, 16, true,
		"ipv6/tcp,ip_src=2001::9,ip_dst=fd00::2,ip_proto=6,dscp=46,ecn=0,ttl=64,"
		"label=0x12345,l4_src=5000,l4_dst=80" },
	{ "IPv6 destination", TCP6, WEIR_FIELD_IP_DST, { 0x20, 1, [15] = 9 }, 16, true,
		"ipv6/tcp,ip_src=fd00::1,ip_dst=2001::9,ip_proto=6,dscp=46,ecn=0,ttl=64,"
		"label=0x12345,l4_src=5000,l4_dst=80" },
	{ "16 bytes for IPv4", UDP4, WEIR_FIELD_IP_SRC, { 1 }, 16, false, NULL },
	{ "4 bytes for IPv6", TCP6, WEIR_FIELD_IP_DST, { 1 }, 4, false, NULL },
	{ "address of ARP", ARP4, WEIR_FIELD_IP_SRC, { 1 }, 4, false, NULL },
	{ "address of a broken header", BROKEN4, WEIR_FIELD_IP_SRC, { 1 }, 4, false, NULL },
	{ "address of a broken header 6", BROKEN6, WEIR_FIELD_IP_DST, { 1 }, 16, false, NULL },
	{ "port", UDP4, WEIR_FIELD_L4_DST, { 0x1f, 0x90 }, 2, true,
		"ipv4/udp,ip_src=10.0.0.1,ip_dst=10.0.0.2,ip_proto=17,dscp=46,ecn=0,ttl=64,"
		"l4_src=5000,l4_dst=8080" },
	{ "source port", TCP6, WEIR_FIELD_L4_SRC, { 0x1f, 0x90 }, 2, true,
		"ipv6/tcp,ip_src=fd00::1,ip_dst=fd00::2,ip_proto=6,dscp=46,ecn=0,ttl=64,"
		"label=0x12345,l4_src=8080,l4_dst=80" },
	{ "port of a later fragment", LATER4, WEIR_FIELD_L4_DST, { 1 }, 2, false, NULL },
	{ "port of SCTP", SCTP4, WEIR_FIELD_L4_DST, { 1 }, 2, false, NULL },
	{ "port of four bytes", UDP4, WEIR_FIELD_L4_DST, { 1 }, 4, false, NULL },
	{ "MAC of four bytes", UDP4, WEIR_FIELD_ETH_DST, { 1 }, 4, false, NULL },
	{ "MAC of eight bytes", UDP4, WEIR_FIELD_ETH_SRC, { 1 }, 8, false, NULL },
	{ "MAC of a runt", RUNT, WEIR_FIELD_ETH_DST, { 1 }, 6, false, NULL },
	{ "VLAN 4095", UDP4, WEIR_FIELD_VLAN_ID, { 0xff, 0x0f }, 2, false, NULL },
	{ "VLAN of a cut tag", CUT, WEIR_FIELD_VLAN_ID, { 5 }, 2, false, NULL },
	{ "priority 8", TCP4, WEIR_FIELD_VLAN_PCP, { 8 }, 1, false, NULL },
	{ "priority of two bytes", TCP4, WEIR_FIELD_VLAN_PCP, { 1 }, 2, false, NULL },
	{ "TTL", UDP4, WEIR_FIELD_IP_TTL, { 1 }, 1, false, NULL },
	{ "type", UDP4, WEIR_FIELD_ETH_TYPE, { 8 }, 2, false, NULL },
	{ "no field", UDP4, 0, { 8 }, 2, false, NULL },
	{ "two fields", UDP4, WEIR_FIELD_L4_SRC | WEIR_FIELD_L4_DST, { 8 }, 2, false, NULL },
};

static void rewrites_are_taken_or_refused(void **state)
{
	struct key_mask mask;

	(void)state;
	key_mask_make(&mask, WEIR_FIELDS_ALL & ~(WEIR_FIELD_ETH_SRC | WEIR_FIELD_ETH_DST));
	for (size_t i = 0; i < sizeof(rewrites) / sizeof(rewrites[0]); i++) {
		struct flow_key before = key_of(rewrites[i].frame), key = before;
		char text[256];

		if (key_set_field(&key, rewrites[i].field, rewrites[i].value, rewrites[i].size) !=
			rewrites[i].taken)
			fail_msg("%s: %s", rewrites[i].name,
				rewrites[i].taken ? "refused" : "taken");
		key_format(&key, &mask, text, sizeof(text));
		if (rewrites[i].taken && strcmp(text, rewrites[i].flow) != 0)
			fail_msg("%s: %s", rewrites[i].name, text);
		if (!rewrites[i].taken && memcmp(&key, &before, sizeof(key)) != 0)
			fail_msg("%s: refused, and changed", rewrites[i].name);
	}
}

static void set_vlan(struct flow_key *key, uint16_t id)
{
	assert_true(key_set_field(key, WEIR_FIELD_VLAN_ID, &id, sizeof(id)));
}

static void tags_come_and_go(void **state)
{
	struct flow_key key = key_of(MACS STAG("b002") TAG("6003") "0800");
	uint8_t pcp = 7;
	struct weir_flow flow;

	(void)state;
	set_vlan(&key, 9); // priority and drop eligibility stay
	flow_of(&key, &flow);
	assert_int_equal(flow.vlan_id, 9);
	assert_int_equal(flow.vlan_pcp, 5);
	assert_int_equal(flow.vlan_dei, 1);
	set_vlan(&key, 0); // the inner tag becomes the outer
	flow_of(&key, &flow);
	assert_int_equal(flow.n_tags, 1);
	assert_int_equal(flow.vlan_id, 3);
	assert_int_equal(flow.vlan_pcp, 3);
	assert_int_equal(flow.inner_vlan, 0);
	set_vlan(&key, 0);
	set_vlan(&key, 0); // nothing is left to take away
	assert_true(key_set_field(&key, WEIR_FIELD_VLAN_PCP, &pcp, 1));
	flow_of(&key, &flow);
	assert_int_equal(flow.n_tags, 0);
	assert_int_equal(flow.vlan_id, 0);
	assert_int_equal(flow.vlan_pcp, 0);
	set_vlan(&key, 4094);
	flow_of(&key, &flow);
	assert_int_equal(flow.n_tags, 1);
	assert_int_equal(flow.vlan_id, 4094);
	assert_int_equal(flow.eth_type, htons(0x0800));
}

// ---- Masks

static const struct {
	uint64_t fields;
	uint8_t words, words_ipv6;
} sizes[] = {
	{ 0, 3, 3 },
	{ WEIR_FIELD_ETH_DST | WEIR_FIELD_ETH_SRC | WEIR_FIELD_VLAN_ID, 3, 3 },
	{ WEIR_FIELD_VLAN_PCP | WEIR_FIELD_ETH_TYPE, 3, 3 },
	{ WEIR_FIELD_INGRESS_PORT, 9, 9 },
	{ WEIR_FIELD_INNER_VLAN, 9, 9 },
	{ WEIR_FIELD_IP_PROTO | WEIR_FIELD_L4_DST, 5, 5 },
	{ WEIR_FIELD_IP6_LABEL, 3, 9 },
	{ WEIR_FIELD_IP6_LABEL | WEIR_FIELD_IP_TTL, 5, 9 },
	{ WEIR_FIELD_IP_SRC, 5, 9 },
	{ WEIR_FIELD_IP_DST, 5, 9 },
	{ WEIR_FIELDS_5TUPLE, 5, 9 },
	{ WEIR_FIELDS_5TUPLE | WEIR_FIELD_INGRESS_PORT, 9, 9 },
	{ WEIR_FIELDS_ALL, 9, 9 },
};

static void keys_are_as_long_as_what_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct flow_key v4 = key_of(TCP4), v6 = key_of(TCP6), arp = key_of(ARP4);
		struct key_mask mask;

		key_mask_make(&mask, sizes[i].fields);
		if (key_words(&v4, &mask) != sizes[i].words ||
			key_words(&arp, &mask) != sizes[i].words ||
			key_words(&v6, &mask) != sizes[i].words_ipv6)
			fail_msg("fields 0x%llx: %u and %u words",
				(unsigned long long)sizes[i].fields, key_words(&v4, &mask),
				key_words(&v6, &mask));
	}
}

// The bytes of a flow, behind its structure, that one field alone shows.
static void show(const char *frame, uint64_t fields, struct weir_flow *flow)
{
	struct flow_key key = key_of(frame);
	struct key_mask mask;

	key_set_ingress(&key, 77); // an ingress port's index, which is no field of the flow
	key_mask_make(&mask, fields);
	key_to_flow(&key, &mask, 5, 6, flow);
}

// Every field alone shows what all fields show, and together they show nothing else; so each part
// of a flow belongs to exactly one field, and none shows without being asked for.
static void each_field_shows_itself_alone(void **state)
{
	static const char *const frames[] = { TCP4, TCP6, UDP4, ARP4, CUT, RUNT,
		MACS STAG("b002") TAG("6003") "86dd" IP6("0014", "06") TCP_HEADER };
	const size_t from = offsetof(struct weir_flow, eth_dst);

	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		struct weir_flow all, one, none;
		uint8_t *sum = (uint8_t *)&none;

		show(frames[i], WEIR_FIELDS_ALL, &all);
		show(frames[i], 0, &none);
		assert_memory_equal(&none, &all, from);
		for (size_t b = from; b < sizeof(none); b++)
			assert_int_equal(sum[b], 0);
		for (uint64_t field = 1; field < WEIR_FIELDS_ALL; field <<= 1) {
			show(frames[i], field, &one);
			assert_memory_equal(&one, &all, from);
			for (size_t b = from; b < sizeof(one); b++) {
				assert_int_equal(sum[b] & ((uint8_t *)&one)[b], 0);
				sum[b] |= ((uint8_t *)&one)[b];
			}
		}
		assert_memory_equal(&none, &all, sizeof(all));
		assert_int_equal(all.ingress, 5);
		assert_int_equal(all.egress, 6);
	}
}

// The text ends inside any buffer.
static void text_fits_any_buffer(void **state)
{
	struct flow_key key = key_of(TCP6);
	struct key_mask mask;
	char whole[512];

	(void)state;
	all_fields(&mask);
	key_format(&key, &mask, whole, sizeof(whole));
	for (size_t size = 1; size <= strlen(whole) + 1; size++) {
		char *text = malloc(size);

		assert_non_null(text);
		key_format(&key, &mask, text, size);
		assert_int_equal(strlen(text), size - 1);
		assert_memory_equal(text, whole, size - 1);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rewrites_are_taken_or_refused),
		cmocka_unit_test(tags_come_and_go),
		cmocka_unit_test(keys_are_as_long_as_what_is_read),
		cmocka_unit_test(each_field_shows_itself_alone),
		cmocka_unit_test(text_fits_any_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
