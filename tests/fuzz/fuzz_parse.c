// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The parser: any bytes as a frame. The first byte says how much of the frame is linear, whether
// it is a segmentation frame, and which fields are shown; the rest is the frame.
#include <stdlib.h>
#include <string.h>

#include "datapath/parse_plain.h"
#include "datapath/session_frame.h"
#include "nic/offload.h"
#include "fuzz.h"

enum control {
	LINEAR_SHORT = 1 << 0, // only the first half is linear, as far as that is allowed
	SEGMENTATION = 1 << 1,
	NEEDS_CHECKSUM = 1 << 2,
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

// What a key says about itself must hold whatever the bytes are.
static void check_flow(const struct flow_key *key, const struct weir_flow *flow)
{
	static const uint8_t zero[16];

	require(flow->n_tags <= 2 && flow->malformed <= WEIR_MALFORMED_L4);
	require(flow->fragment <= WEIR_FRAGMENT_LATER && flow->l4 <= WEIR_L4_ICMPV6);
	if (flow->malformed || flow->fragment == WEIR_FRAGMENT_LATER)
		require(flow->l4 == WEIR_L4_NONE && flow->l4_src == 0 && flow->l4_dst == 0);
	if (flow->l3 == WEIR_L3_OTHER || flow->malformed == WEIR_MALFORMED_L3)
		require(memcmp(flow->ip_src, zero, 16) == 0 && flow->ip_proto == 0);
	if (flow->l3 != WEIR_L3_IPV6)
		require(flow->ip6_label == 0 && memcmp(flow->ip_src + 4, zero, 12) == 0);
	if (flow->n_tags < 2)
		require(flow->inner_vlan == 0);
	if (flow->n_tags == 0)
		require(flow->vlan_id == 0 && flow->vlan_pcp == 0 && flow->vlan_dei == 0);
	// What the table fills in is left out.
	require((key->w[0] & 0xffff0000ffffffff) == 0);
	require(key_ingress(key) == 0);
}

static void check_layers(const struct weir_frame *frame, const struct weir_flow *flow)
{
	struct frame_layers layers;

	frame_layers(frame, &layers);
	require(layers.l3 <= frame->linear && layers.l4 <= frame->linear);
	require(layers.l3_kind == flow->l3);
	require(layers.l4 == 0 || (layers.l3 && layers.l4 >= layers.l3 + 20));
	require(layers.l4 == 0 || (!flow->malformed && layers.proto == flow->ip_proto));
	if (flow->l4 == WEIR_L4_TCP)
		require(layers.l4 && layers.l4 + 20u <= frame->linear);
	if (flow->l4 == WEIR_L4_UDP)
		require(layers.l4 && layers.l4 + 8u <= frame->linear);
	if (flow->l4 == WEIR_L4_TCP || flow->l4 == WEIR_L4_UDP)
		require(memcmp(frame->data + layers.l4, &flow->l4_src, 4) == 0);
}

static void check_text(const struct flow_key *key, const struct key_mask *mask)
{
	char *text = malloc(40), whole[512];

	require(text != NULL);
	key_format(key, mask, whole, sizeof(whole));
	require(strlen(whole) < sizeof(whole) - 1);
	key_format(key, mask, text, 40); // cut, and not beyond
	require(strlen(text) < 40 && strncmp(text, whole, strlen(text)) == 0);
	free(text);
}

// The inline parser gives up, or gives the same key.
static void check_plain(const struct weir_frame *frame, const struct flow_key *key)
{
	struct flow_key plain = { .w = { 0 } };

	if (offload_claimed(frame))
		return;
	if (key_parse_plain(frame, &plain, false))
		require(memcmp(&plain, key, sizeof(plain)) == 0);
	if (key_parse_plain(frame, &plain, true))
		require(memcmp(&plain, key, KEY_WORDS_L2 * sizeof(key->w[0])) == 0);
}

// What an ICMP error quotes is somebody else's bytes as well; a session that it names is one that
// such a frame could have.
static void check_quote(const struct weir_frame *frame)
{
	struct session_key session;
	bool reverse;

	session_tcp_flags(frame);
	if (session_key_quoted(frame, 0, 1, 2, &session, &reverse)) {
		unsigned l3 = (unsigned)(session.w[0] >> 8) & 0xff;

		require(session.w[0] >> 16 == (UINT64_C(1) << 32 | 2 << 16));
		require(l3 == WEIR_L3_IPV4 || l3 == WEIR_L3_IPV6);
	}
}

static void check_datagram(const struct weir_frame *frame, const struct weir_flow *flow)
{
	struct frame_datagram d;

	require(frame_datagram(frame, &d) == (flow->fragment != WEIR_FRAGMENT_NONE));
	if (flow->fragment != WEIR_FRAGMENT_NONE)
		require(d.l3_kind == flow->l3 && memcmp(d.addresses, flow->ip_src, 4) == 0);
}

static void check_frame(const struct weir_frame *frame, uint64_t fields)
{
	struct weir_flow flow, some;
	struct key_mask all, mask;
	struct flow_key key;

	key_mask_make(&all, WEIR_FIELDS_ALL);
	key_mask_make(&mask, fields);
	key_parse(frame, &key);
	key_to_flow(&key, &all, 1, 2, &flow);
	key_to_flow(&key, &mask, 1, 2, &some);
	check_plain(frame, &key);
	check_flow(&key, &flow);
	check_layers(frame, &flow);
	check_quote(frame);
	check_datagram(frame, &flow);
	check_text(&key, &all);
	check_text(&key, &mask);
	// A mask shows what is there, or nothing.
	for (size_t i = 0; i < sizeof(flow); i++)
		require((((uint8_t *)&some)[i] & ~((uint8_t *)&flow)[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weir_frame frame = { .refs = 1 };
	uint8_t control = size ? data[0] : 0;
	uint8_t *linear;

	if (size == 0 || size - 1 > WEIR_FRAME_MAX)
		return 0;
	frame.size = frame.linear = (uint32_t)(size - 1);
	if (control & LINEAR_SHORT && frame.size > WEIR_FRAME_LINEAR)
		frame.linear = WEIR_FRAME_LINEAR;
	if (control & SEGMENTATION) {
		frame.offload.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		frame.offload.gso_size = 1448;
	}
	if (control & NEEDS_CHECKSUM)
		frame.offload.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	// As many bytes as are linear, and not one more.
	linear = malloc(frame.linear);
	require(linear != NULL || frame.linear == 0);
	if (frame.linear)
		memcpy(linear, data + 1, frame.linear);
	frame.data = linear;
	check_frame(&frame, (uint64_t)control * UINT64_C(0x0101) & WEIR_FIELDS_ALL);
	free(linear);
	return 0;
}
