// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Every rewriting operation on every kind of frame. After each, the checksums are those that are
// computed anew, the parser finds what the composer expected, and the opposite rewrite restores
// the frame byte by byte.
#include "checksums.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "datapath/rewrite.h"

enum { ROOM = 512, HEADROOM = 64 };

struct sample {
	const char *name, *frame;
	bool no_udp_checksum;
};

#define PAYLOAD "0102030405"
#define TCP_5   TCP_HEADER PAYLOAD
#define UDP_5   "1388 0035 000d ffff" PAYLOAD
#define ROUTE   "11 02 04 01 00000000 fd000000000000000000000000000009"
#define OPTION  "0104 00000000"

// clang-format off
static const struct sample samples[] = {
	{ "tcp4", MACS "0800" IP4("002d", "4000", "06") TCP_5, false },
	{ "tcp4, tag", MACS TAG("a064") "0800" IP4("002d", "4000", "06") TCP_5, false },
	{ "tcp4, two tags", MACS STAG("a064") TAG("6005") "0800" IP4("002d", "0000", "06") TCP_5, false },
	{ "tcp4, options", MACS "0800" "46b8 0031 0001 0000 4006 0000" IP4_ADDR "01010100" TCP_5, false },
	{ "udp4", MACS "0800" IP4("0021", "0000", "11") UDP_5, false },
	{ "udp4, no checksum", MACS "0800" IP4("0021", "0000", "11") "1388 0035 000d 0000" PAYLOAD, true },
	{ "udp4, padded", MACS "0800" IP4("0021", "0000", "11") UDP_5 "ffffffffffff", false },
	{ "udp4, later fragment", MACS "0800" IP4("0021", "2009", "11") UDP_5, false },
	{ "icmp", MACS "0800" IP4("001c", "0000", "01") "0800 f7ff 00000000", false },
	{ "tcp6", MACS "86dd" IP6("0019", "06") TCP_5, false },
	{ "udp6, tag", MACS TAG("a064") "86dd" IP6("000d", "11") UDP_5, false },
	{ "udp6, no checksum", MACS "86dd" IP6("000d", "11") "1388 0035 000d 0000" PAYLOAD, true },
	{ "udp6, options", MACS "86dd" IP6("001d", "00") "3c00" OPTION "1100" OPTION UDP_5, false },
	{ "udp6, routed", MACS "86dd" IP6("0025", "2b") ROUTE UDP_5, false },
	{ "icmpv6", MACS "86dd" IP6("000a", "3a") "8700 0000 00000000 0102", false },
	{ "icmpv6, later fragment", MACS "86dd" IP6("0010", "2c") "3a00 0008 00000001" "0102030405060708", false },
};

static const struct {
	const char *name;
	uint64_t field;
	enum op_code code;
	size_t size;
	uint8_t value[16];
} operations[] = {
	{ "eth-dst", WEIR_FIELD_ETH_DST, OP_SET_ETH_DST, 6, { 2, 0xaa, 3, 4, 5, 6 } },
	{ "eth-src", WEIR_FIELD_ETH_SRC, OP_SET_ETH_SRC, 6, { 2, 0xbb, 3, 4, 5, 6 } },
	{ "tos", WEIR_FIELD_IP_TOS, OP_SET_TOS, 1, { 0x5d } },
	{ "tos, two bits kept", WEIR_FIELD_IP_TOS, OP_SET_TOS, 2, { 0xa9, 0x03 } },
	{ "tos 0", WEIR_FIELD_IP_TOS, OP_SET_TOS, 1, { 0 } },
	{ "tos ff", WEIR_FIELD_IP_TOS, OP_SET_TOS, 1, { 0xff } },
	{ "ipv4-src", WEIR_FIELD_IP_SRC, OP_SET_IPV4_SRC, 4, { 192, 0, 2, 77 } },
	{ "ipv4-dst", WEIR_FIELD_IP_DST, OP_SET_IPV4_DST, 4, { 255, 255, 255, 255 } },
	{ "ipv4-dst 0", WEIR_FIELD_IP_DST, OP_SET_IPV4_DST, 4, { 0 } },
	{ "ipv6-src", WEIR_FIELD_IP_SRC, OP_SET_IPV6_SRC, 16, { 0x20, 1, 0xd, 0xb8, [15] = 0xfe } },
	{ "ipv6-dst", WEIR_FIELD_IP_DST, OP_SET_IPV6_DST, 16, { 0xff, 2, [11] = 1, 0xff, 1, 2, 3 } },
	{ "l4-src", WEIR_FIELD_L4_SRC, OP_SET_L4_SRC, 2, { 0xff, 0xff } },
	{ "l4-dst", WEIR_FIELD_L4_DST, OP_SET_L4_DST, 2, { 0x1f, 0x90 } },
	{ "l4-dst 0", WEIR_FIELD_L4_DST, OP_SET_L4_DST, 2, { 0, 0 } },
};
// clang-format on

enum {
	N_SAMPLES = sizeof(samples) / sizeof(samples[0]),
	N_OPERATIONS = sizeof(operations) / sizeof(operations[0]),
};

static struct op make_op(enum op_code code, const void *value, size_t size)
{
	struct op op = { .code = (uint8_t)code };

	if (size == 6)
		memcpy(op.bytes, value, 6);
	else
		memcpy(op.address, value, size);
	return op;
}

struct buffer {
	uint8_t bytes[HEADROOM + HEX_MAX];
	struct weir_frame frame;
};

static void load(struct buffer *b, const char *text)
{
	uint32_t size = hex_bytes(text, b->bytes + HEADROOM);

	b->frame = plain_frame(b->bytes + HEADROOM, size);
	b->frame.headroom = HEADROOM;
}

static void load_finished(struct buffer *b, const struct sample *sample)
{
	load(b, sample->frame);
	fill_checksums(b->frame.data);
}

static void assert_checksums(
	const struct weir_frame *frame, const char *what, const char *operation)
{
	uint8_t copy[ROOM];

	assert_true(frame->size <= sizeof(copy));
	memcpy(copy, frame->data, frame->size);
	fill_checksums(copy);
	if (memcmp(copy, frame->data, frame->size) != 0)
		fail_msg("%s: %s: a checksum is not what it should be", what, operation);
}

// The value that the field has now, to set it back.
static void old_value(const struct weir_frame *frame, uint64_t field, uint8_t value[16])
{
	struct weir_flow flow;
	struct flow_key key;

	key_parse(frame, &key);
	flow_of(&key, &flow);
	memcpy(value,
		field == WEIR_FIELD_ETH_DST   ? flow.eth_dst
		: field == WEIR_FIELD_ETH_SRC ? flow.eth_src
		: field == WEIR_FIELD_IP_TOS  ? &flow.ip_tos
		: field == WEIR_FIELD_IP_SRC  ? flow.ip_src
		: field == WEIR_FIELD_IP_DST  ? flow.ip_dst
		: field == WEIR_FIELD_L4_SRC  ? (uint8_t *)&flow.l4_src
					      : (uint8_t *)&flow.l4_dst,
		field == WEIR_FIELD_IP_TOS    ? 1
		: field >= WEIR_FIELD_L4_SRC  ? 2
		: field <= WEIR_FIELD_ETH_SRC ? 6
					      : 16);
}

static void rewrite_one(const struct sample *sample, unsigned o)
{
	struct op op = make_op(operations[o].code, operations[o].value, operations[o].size), back;
	struct flow_key before, after;
	static struct buffer b, untouched;
	uint8_t old[16] = { 0 };
	bool taken;

	load_finished(&b, sample);
	load_finished(&untouched, sample);
	old_value(&b.frame, operations[o].field, old);
	key_parse(&b.frame, &before);
	taken = key_set_field(
		&before, operations[o].field, operations[o].value, operations[o].size);
	assert_true(rewrite_frame(&b.frame, &op));
	key_parse(&b.frame, &after);
	if (memcmp(&before, &after, sizeof(after)) != 0)
		fail_msg("%s: %s: the frame is not what the key says", sample->name,
			operations[o].name);
	assert_checksums(&b.frame, sample->name, operations[o].name);
	if (!taken) // what the frame does not have stays as it is
		assert_memory_equal(b.frame.data, untouched.frame.data, b.frame.size);
	back = make_op(operations[o].code, old, operations[o].size);
	assert_true(rewrite_frame(&b.frame, &back));
	if (memcmp(b.frame.data, untouched.frame.data, b.frame.size) != 0)
		fail_msg(
			"%s: %s: there and back is not the same", sample->name, operations[o].name);
}

static void every_operation_on_every_frame(void **state)
{
	(void)state;
	for (unsigned s = 0; s < N_SAMPLES; s++)
		for (unsigned o = 0; o < N_OPERATIONS; o++)
			rewrite_one(&samples[s], o);
}

// ---- Checksums in all their values

static void check_all_ports(const char *frame_text, bool udp)
{
	unsigned n_ones = 0, n_zero = 0;
	static struct buffer b;

	load(&b, frame_text);
	fill_checksums(b.frame.data);
	for (unsigned port = 0; port < 65536; port++) {
		struct op op = { .code = OP_SET_L4_DST, .arg = htons((uint16_t)port) };
		uint32_t at = whole_packet(b.frame.data).checksum;

		assert_true(rewrite_frame(&b.frame, &op));
		assert_checksums(&b.frame, frame_text, "l4-dst");
		n_ones += be16(b.frame.data + at) == 0xffff;
		n_zero += be16(b.frame.data + at) == 0;
	}
	// Of UDP 0 would mean that there is none (RFC 768), and is sent as all ones.
	assert_int_equal(n_zero, udp ? 0 : 1);
	assert_true(!udp || n_ones >= 1);
}

static void all_values_of_a_checksum(void **state)
{
	(void)state;
	check_all_ports(samples[0].frame, false);
	check_all_ports(MACS "0800" IP4("0021", "0000", "11") UDP_5, true);
	check_all_ports(MACS "86dd" IP6("000d", "11") UDP_5, true);
}

static void no_checksum_stays_none(void **state)
{
	static struct buffer b;

	(void)state;
	for (unsigned s = 0; s < N_SAMPLES; s++) {
		for (unsigned o = 0; samples[s].no_udp_checksum && o < N_OPERATIONS; o++) {
			struct op op = make_op(
				operations[o].code, operations[o].value, operations[o].size);

			load_finished(&b, &samples[s]);
			assert_true(rewrite_frame(&b.frame, &op));
			assert_int_equal(
				be16(b.frame.data + whole_packet(b.frame.data).checksum), 0);
		}
	}
}

// ---- Unfinished frames

static void load_partial(struct buffer *b, const struct sample *sample)
{
	struct whole_packet p;

	load(b, sample->frame);
	fill_partial(b->frame.data);
	p = whole_packet(b->frame.data);
	b->frame.offload = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = (uint16_t)p.l4,
		.csum_offset = (uint16_t)(p.checksum - p.l4),
		.hdr_len = (uint16_t)(p.l4 + (p.proto == 6 ? 20 : 8)),
		.gso_size = 3,
		.gso_type = p.version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6,
	};
}

static void finish(struct buffer *b, struct whole_packet *p)
{
	*p = whole_packet(b->frame.data);
	finish_partial(
		b->frame.data, p->end, b->frame.offload.csum_start, b->frame.offload.csum_offset);
}

// The device finishes the checksum after the rewrite, and it is right.
static void partial_checksums_are_finished_right(void **state)
{
	static struct buffer b;

	(void)state;
	for (unsigned s = 0; s < N_SAMPLES; s++) {
		struct whole_packet p;

		load(&b, samples[s].frame);
		p = whole_packet(b.frame.data);
		if (samples[s].no_udp_checksum || (p.proto != 6 && p.proto != 17) || !p.l4)
			continue;
		for (unsigned o = 0; o < N_OPERATIONS; o++) {
			struct op op = make_op(
				operations[o].code, operations[o].value, operations[o].size);

			load_partial(&b, &samples[s]);
			assert_true(rewrite_frame(&b.frame, &op));
			finish(&b, &p);
			assert_checksums(&b.frame, samples[s].name, operations[o].name);
		}
	}
}

// ---- Tags

static void push(struct buffer *b, uint16_t tci)
{
	struct op op = { .code = OP_PUSH_VLAN, .arg = tci };

	assert_true(rewrite_frame(&b->frame, &op));
}

static void pop(struct buffer *b)
{
	struct op op = { .code = OP_POP_VLAN };

	assert_true(rewrite_frame(&b->frame, &op));
}

static void tags_move_what_points_behind_them(void **state)
{
	static struct buffer b, untouched;

	(void)state;
	for (unsigned s = 0; s < N_SAMPLES; s++) {
		struct virtio_net_hdr *offload = &b.frame.offload;
		struct whole_packet p;

		load_finished(&b, &samples[s]);
		p = whole_packet(b.frame.data);
		if (!p.checksum)
			continue;
		load_partial(&b, &samples[s]);
		load_partial(&untouched, &samples[s]);
		push(&b, 0x6123);
		assert_int_equal(frame_vlan(&b.frame), 0x123);
		assert_int_equal(offload->csum_start, untouched.frame.offload.csum_start + 4);
		assert_int_equal(offload->hdr_len, untouched.frame.offload.hdr_len + 4);
		assert_int_equal(b.frame.size, untouched.frame.size + 4);
		assert_int_equal(b.frame.headroom, HEADROOM - 4);
		assert_memory_equal(b.frame.data, untouched.frame.data, 12);
		// A second tag outside is a service tag (IEEE 802.1Q-2022 9.5).
		assert_int_equal(be16(b.frame.data + 12), p.l3 == 14 ? 0x8100 : 0x88a8);
		assert_int_equal(be16(b.frame.data + 14), 0x6123);
		assert_memory_equal(
			b.frame.data + 16, untouched.frame.data + 12, untouched.frame.size - 12);
		pop(&b);
		assert_memory_equal(b.frame.data, untouched.frame.data, untouched.frame.size);
		untouched.frame.data = b.frame.data;
		assert_memory_equal(&b.frame, &untouched.frame, sizeof(b.frame));
		for (uint32_t l3 = p.l3; l3 > 14; l3 -= 4)
			pop(&b);
		assert_int_equal(offload->csum_start, p.l4 - (p.l3 - 14));
		assert_int_equal(frame_vlan(&b.frame), 0);
		pop(&b); // there is none
		assert_int_equal(b.frame.size, untouched.frame.size - (p.l3 - 14));
	}
}

// A finished frame has no offsets that could follow.
static void finished_frames_have_no_offsets(void **state)
{
	static struct buffer b;
	static const struct virtio_net_hdr none;

	(void)state;
	load_finished(&b, &samples[0]);
	push(&b, 5);
	assert_memory_equal(&b.frame.offload, &none, sizeof(none));
	pop(&b);
	assert_memory_equal(&b.frame.offload, &none, sizeof(none));
}

static void parts_of_a_tag_are_set(void **state)
{
	static struct buffer b;
	struct op vid = { .code = OP_SET_TCI, .arg = 0x0005 | 0x0fffu << 16 };
	struct op pcp = { .code = OP_SET_TCI, .arg = 0x4000 | 0xe000u << 16 };

	(void)state;
	load(&b, MACS STAG("b064") TAG("6007") "0800");
	rewrite_frame(&b.frame, &vid);
	assert_int_equal(be16(b.frame.data + 14), 0xb005);
	rewrite_frame(&b.frame, &pcp);
	assert_int_equal(be16(b.frame.data + 14), 0x5005);
	assert_int_equal(be16(b.frame.data + 18), 0x6007);
	load(&b, MACS "0800 0102030405060708");
	rewrite_frame(&b.frame, &vid);
	assert_int_equal(be16(b.frame.data + 14), 0x0102);
}

static void no_headroom_changes_nothing(void **state)
{
	struct op op = { .code = OP_PUSH_VLAN, .arg = 5 };
	static struct buffer b, before;

	(void)state;
	load_partial(&b, &samples[0]);
	for (b.frame.headroom = 0; b.frame.headroom < 4; b.frame.headroom++) {
		before = b;
		assert_false(rewrite_frame(&b.frame, &op));
		assert_memory_equal(&b, &before, sizeof(b));
	}
	assert_true(rewrite_frame(&b.frame, &op));
	assert_int_equal(b.frame.headroom, 0);
}

// Runts have nothing that could be rewritten; a byte behind them would be somebody else's.
static void runts_stay_as_they_are(void **state)
{
	static struct buffer b;
	uint8_t *copy;

	(void)state;
	for (unsigned size = 0; size < 14; size++) {
		copy = malloc(size ? size : 1);
		assert_non_null(copy);
		for (unsigned code = OP_PUSH_VLAN; code < N_OP_CODES; code++) {
			struct op op = { .code = (uint8_t)code, .arg = 7 };

			load(&b, samples[0].frame);
			memcpy(copy, b.frame.data, size);
			b.frame = plain_frame(copy, size);
			b.frame.headroom = HEADROOM;
			assert_true(rewrite_frame(&b.frame, &op));
			assert_int_equal(b.frame.size, size);
			assert_ptr_equal(b.frame.data, copy);
			assert_memory_equal(copy, b.bytes + HEADROOM, size);
		}
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_on_every_frame),
		cmocka_unit_test(all_values_of_a_checksum),
		cmocka_unit_test(no_checksum_stays_none),
		cmocka_unit_test(partial_checksums_are_finished_right),
		cmocka_unit_test(tags_move_what_points_behind_them),
		cmocka_unit_test(finished_frames_have_no_offsets),
		cmocka_unit_test(parts_of_a_tag_are_set),
		cmocka_unit_test(no_headroom_changes_nothing),
		cmocka_unit_test(runts_stay_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
