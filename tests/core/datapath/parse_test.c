// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The parser against a table of frames, and against every truncation of each of them.
#include "parse_rows.h"

#include <arpa/inet.h>
#include <stdio.h>

static struct weir_frame row_frame(const struct parse_row *row)
{
	uint8_t bytes[HEX_MAX];
	uint32_t size = hex_bytes(row->frame, bytes);
	struct weir_frame frame = plain_frame(guarded_put(&memory, bytes, size), size);

	frame.offload.gso_size = row->gso_size;
	frame.offload.gso_type = row->gso_size ? VIRTIO_NET_HDR_GSO_TCPV4 : 0;
	return frame;
}

static void check_row(const struct parse_row *row)
{
	struct weir_frame frame = row_frame(row);
	struct frame_layers layers;
	struct key_mask mask;
	struct flow_key key;
	char text[256];

	memset(&key, 0x5a, sizeof(key));
	key_parse(&frame, &key);
	key_mask_make(&mask, WEIR_FIELDS_ALL & ~(WEIR_FIELD_ETH_SRC | WEIR_FIELD_ETH_DST));
	key_format(&key, &mask, text, sizeof(text));
	if (strcmp(text, row->flow) != 0)
		fail_msg("%s (%s):\n%s\nnot %s", row->name, row->source, text, row->flow);
	frame_layers(&frame, &layers);
	if (layers.l3 != row->l3 || layers.l4 != row->l4)
		fail_msg("%s (%s): layers at %u and %u, not %u and %u", row->name, row->source,
			layers.l3, layers.l4, row->l3, row->l4);
}

static void frames_parse_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_PARSE_ROWS; i++)
		check_row(&parse_rows[i]);
}

// ---- Truncation

// Where the headers of a well-formed row end, layer by layer.
static enum weir_malformed expected_fault(
	const struct parse_row *row, const struct weir_flow *whole, uint32_t linear)
{
	uint32_t l2 = 14 + 4u * whole->n_tags;
	uint32_t l3 = 0;

	switch (whole->l3) {
	case WEIR_L3_IPV4: // the header with its options; a later fragment's ends the reading
		l3 = row->l4 ? row->l4 : row->end;
		break;
	case WEIR_L3_IPV6:
		l3 = row->l3 + 40u;
		break;
	case WEIR_L3_ARP:
		l3 = row->l3 + 28u;
		break;
	}
	if (linear < 14)
		return WEIR_MALFORMED_RUNT;
	if (linear < l2)
		return WEIR_MALFORMED_TAGS;
	if (linear < l3)
		return WEIR_MALFORMED_L3;
	if (linear < (row->l4 ? row->l4 : row->end))
		return WEIR_MALFORMED_CHAIN;
	return linear < row->end ? WEIR_MALFORMED_L4 : WEIR_MALFORMED_NO;
}

static void assert_zero(
	const struct parse_row *row, uint32_t linear, const void *field, size_t size)
{
	static const uint8_t zero[16];

	if (memcmp(field, zero, size) != 0)
		fail_msg("%s (%s): cut to %u bytes, a field behind the cut is not zero", row->name,
			row->source, linear);
}

static void check_fields(const struct parse_row *row, uint32_t linear, const struct weir_flow *cut,
	const struct weir_flow *whole)
{
	enum weir_malformed fault = cut->malformed;

	if (fault == WEIR_MALFORMED_NO) {
		assert_memory_equal(cut, whole, sizeof(*cut));
		return;
	}
	if (fault == WEIR_MALFORMED_RUNT)
		assert_zero(row, linear, cut->eth_dst, 12);
	else
		assert_memory_equal(cut->eth_dst, whole->eth_dst, 12);
	if (fault <= WEIR_MALFORMED_TAGS)
		assert_zero(row, linear, &cut->eth_type, 2);
	else
		assert_int_equal(cut->eth_type, whole->eth_type);
	if (fault <= WEIR_MALFORMED_L3) {
		assert_zero(row, linear, &cut->ip_tos, 2); // and TTL
		assert_zero(row, linear, &cut->ip6_label, 4);
		assert_zero(row, linear, cut->ip_src, 16);
		assert_zero(row, linear, cut->ip_dst, 16);
	} else {
		assert_memory_equal(cut->ip_src, whole->ip_src, 32);
	}
	if (fault <= WEIR_MALFORMED_CHAIN)
		assert_zero(row, linear, &cut->ip_proto, 1);
	assert_zero(row, linear, &cut->l4_src, 4);
	assert_int_equal(cut->l4, WEIR_L4_NONE);
}

static void parse_cut(
	const struct parse_row *row, uint32_t size, uint32_t linear, struct weir_flow *flow)
{
	struct weir_frame whole = row_frame(row), frame;
	uint8_t *copy = malloc(linear ? linear : 1); // exactly so many bytes, for AddressSanitizer
	struct frame_layers layers;
	struct flow_key key, again;

	assert_non_null(copy);
	memcpy(copy, whole.data, linear);
	frame = whole;
	frame.data = copy;
	frame.size = size;
	frame.linear = linear;
	key_parse(&frame, &key);
	frame_layers(&frame, &layers);
	frame.data = guarded_put(&memory, copy, linear); // for builds without it
	key_parse(&frame, &again);
	assert_memory_equal(&key, &again, sizeof(key));
	free(copy);
	assert_true(layers.l3 <= linear && layers.l4 <= linear);
	flow_of(&key, flow);
	assert_true(!flow->malformed || layers.l4 == 0);
}

// The rest of the frame stands in segments, where the parser does not look.
static void cut_linear_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_PARSE_ROWS; i++) {
		const struct parse_row *row = &parse_rows[i];
		uint32_t size = row_frame(row).size;
		struct weir_flow whole, cut;

		if (row->end == 0)
			continue;
		parse_cut(row, size, size, &whole);
		for (uint32_t linear = 0; linear <= size; linear++) {
			enum weir_malformed fault = expected_fault(row, &whole, linear);

			parse_cut(row, size, linear, &cut);
			if (cut.malformed != fault)
				fail_msg("%s (%s): cut to %u bytes: fault %u, not %u", row->name,
					row->source, linear, cut.malformed, fault);
			check_fields(row, linear, &cut, &whole);
		}
	}
}

// The packet is longer than the frame: nothing of an IP header whose length lies is believed.
static void cut_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_PARSE_ROWS; i++) {
		const struct parse_row *row = &parse_rows[i];
		struct weir_frame frame = row_frame(row);
		struct weir_flow whole, cut;
		uint32_t packet = row->end;

		if (row->end == 0 || row->gso_size)
			continue;
		parse_cut(row, frame.size, frame.size, &whole);
		frame = row_frame(row);
		if (whole.l3 == WEIR_L3_IPV4)
			packet = row->l3 + (frame.data[row->l3 + 2] << 8 | frame.data[row->l3 + 3]);
		if (whole.l3 == WEIR_L3_IPV6)
			packet = row->l3 + 40u +
				 (frame.data[row->l3 + 4] << 8 | frame.data[row->l3 + 5]);
		for (uint32_t size = 0; size <= frame.size; size++) {
			enum weir_malformed fault = expected_fault(row, &whole, size);

			if (size < packet && fault != WEIR_MALFORMED_RUNT &&
				fault != WEIR_MALFORMED_TAGS && row->l3)
				fault = WEIR_MALFORMED_L3;
			parse_cut(row, size, size, &cut);
			if (cut.malformed != fault)
				fail_msg("%s (%s): %u bytes: fault %u, not %u", row->name,
					row->source, size, cut.malformed, fault);
			check_fields(row, size, &cut, &whole);
		}
	}
}

// ---- Single questions

static void structure_tells_offload_and_trust(void **state)
{
	struct parse_row row = { .frame = MACS "88b5" };
	struct weir_frame frame = row_frame(&row);
	struct flow_key key;

	(void)state;
	key_parse(&frame, &key);
	assert_false(key.w[0] & (KEY_OFFLOAD | KEY_TRUSTED));
	// VIRTIO 1.1 5.1.6.4.1: the checksum was validated; nothing is left to do.
	frame.offload.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	key_parse(&frame, &key);
	assert_false(key.w[0] & KEY_OFFLOAD);
	frame.offload.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	key_parse(&frame, &key);
	assert_true(key.w[0] & KEY_OFFLOAD);
	frame.flags = WEIR_FRAME_ORIGINATED;
	key_parse(&frame, &key);
	assert_false(key.w[0] & KEY_TRUSTED);
	frame.flags = WEIR_FRAME_TRUSTED;
	key_parse(&frame, &key);
	assert_true(key.w[0] & KEY_TRUSTED);
}

static void ethernet_and_tags_in_full(void **state)
{
	struct parse_row row = { .frame = "33330000 0001 02aabbccddee" STAG("b064")
					 TAG("f003") "0806" ARP("0001", "0800", "0604", "0001") };
	struct weir_frame frame = row_frame(&row);
	struct weir_flow flow;
	struct flow_key key;

	(void)state;
	key_parse(&frame, &key);
	flow_of(&key, &flow);
	assert_memory_equal(flow.eth_dst, "\x33\x33\0\0\0\1", 6);
	assert_memory_equal(flow.eth_src, "\x02\xaa\xbb\xcc\xdd\xee", 6);
	assert_int_equal(flow.eth_type, htons(0x0806));
	assert_int_equal(flow.n_tags, 2);
	assert_int_equal(flow.vlan_id, 100);
	assert_int_equal(flow.vlan_pcp, 5);
	assert_int_equal(flow.vlan_dei, 1);
	assert_int_equal(flow.inner_vlan, 0xf003);
	assert_true(key_group_address(&key));
	assert_false(key_broadcast(&key));
}

// A frame of 9,000 bytes is parsed as one of 100.
static void jumbo(void **state)
{
	struct parse_row row = { .frame = MACS "0800" IP4("2328", "4000", "06") TCP_HEADER };
	struct weir_frame small = row_frame(&row), frame;
	uint8_t bytes[HEX_MAX] = { 0 };
	struct weir_flow flow;
	struct flow_key key;

	(void)state;
	memcpy(bytes, small.data, small.size);
	frame = plain_frame(guarded_put(&memory, bytes, 9014), 9014);
	key_parse(&frame, &key);
	flow_of(&key, &flow);
	assert_int_equal(flow.malformed, WEIR_MALFORMED_NO);
	assert_int_equal(flow.l4_dst, htons(80));
	frame.size--; // one byte less than the packet says
	key_parse(&frame, &key);
	assert_int_equal(key_malformed(&key), WEIR_MALFORMED_L3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_parse_as_the_table_says),
		cmocka_unit_test(cut_linear_parts),
		cmocka_unit_test(cut_frames),
		cmocka_unit_test(structure_tells_offload_and_trust),
		cmocka_unit_test(ethernet_and_tags_in_full),
		cmocka_unit_test(jumbo),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
