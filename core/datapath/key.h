// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The flow table's key: what the parser makes of a frame. Private to the core; extensions see
// struct weir_flow, which key_to_flow() fills through a mask.
//
// Nine words, of which a flow uses the first 3, 5 or 9, depending on what is read on its path and
// whether it is IPv6. Plain L2 forwarding so compares 24 bytes, an IPv4 5-tuple 40, which leave
// room in a flow's first cache line for all else that a hit needs.
//
//  word  bits 0-15        16-31       32-47              48-63
//  0     port             start|kind  structure          epoch
//  1     Ethernet destination (as in the frame) -------- outer tag's TCI
//  2     Ethernet source (as in the frame) ------------- Ethernet type (network order)
//  3     L4 source        L4 destination (network order) TTL|protocol       TOS|-
//  4     IPv4 source and destination; IPv6 source, first half
//  5     IPv6 source, second half
//  6-7   IPv6 destination
//  8     ingress port     inner TCI   IPv6 flow label (32 bits)
//
// `port` is the ingress port for an ingress half, the egress port for an egress half. `start` is
// the position in the stack from which the frame is decided (0, or behind a visit that changed it,
// or behind its originator). `epoch` is the port's count of changes of its mask: keys made under
// different masks never meet.
#ifndef KEY_H
#define KEY_H

#include <string.h>

#include <weir/flow.h>
#include <weir/frame.h>

enum {
	KEY_WORDS = 9,
	KEY_WORDS_L2 = 3,
	KEY_WORDS_IPV4 = 5,
	KEY_NO_PORT = 0xffff, // port index of frames from nowhere
};

struct flow_key {
	uint64_t w[KEY_WORDS];
};

// Word 0. Structure starts at bit 32.
#define KEY_START_SHIFT     16
#define KEY_EGRESS_HALF     (UINT64_C(1) << 24)
#define KEY_DROP_HALF       (UINT64_C(1) << 28) // the tap for run-time drops of a port
#define KEY_FORWARDED_SHIFT 25
#define KEY_L3_SHIFT        32
#define KEY_L4_SHIFT        34
#define KEY_TAGS_SHIFT      37
#define KEY_FRAGMENT_SHIFT  39
#define KEY_MALFORMED_SHIFT 41
#define KEY_OFFLOAD         (UINT64_C(1) << 44)
#define KEY_TRUSTED         (UINT64_C(1) << 45)
#define KEY_REFUSED         (UINT64_C(1) << 46) // in no flow: the frame is to be dropped
#define KEY_EPOCH_SHIFT     48

#define KEY_MAC_MASK UINT64_C(0x0000ffffffffffff)
// Word 3; TTL and protocol stand as in an IPv4 header.
#define KEY_TTL_SHIFT   32
#define KEY_PROTO_SHIFT 40
#define KEY_TOS_SHIFT   48
// Word 8.
#define KEY_INGRESS_MASK UINT64_C(0xffff)
#define KEY_INNER_SHIFT  16
#define KEY_LABEL_SHIFT  32

#define KEY_VLAN_ID_MASK UINT64_C(0x0fff)

static inline unsigned key_bits(uint64_t word, unsigned shift, unsigned width)
{
	return (unsigned)(word >> shift) & ((1u << width) - 1);
}

static inline enum weir_l3 key_l3(const struct flow_key *key)
{
	return key_bits(key->w[0], KEY_L3_SHIFT, 2);
}

static inline enum weir_l4 key_l4(const struct flow_key *key)
{
	return key_bits(key->w[0], KEY_L4_SHIFT, 3);
}

static inline unsigned key_tags(const struct flow_key *key)
{
	return key_bits(key->w[0], KEY_TAGS_SHIFT, 2);
}

static inline unsigned key_malformed(const struct flow_key *key)
{
	return key_bits(key->w[0], KEY_MALFORMED_SHIFT, 3);
}

static inline uint16_t key_port(const struct flow_key *key)
{
	return (uint16_t)key->w[0];
}

static inline unsigned key_start(const struct flow_key *key)
{
	return key_bits(key->w[0], KEY_START_SHIFT, 8);
}

static inline uint16_t key_tci(const struct flow_key *key)
{
	return (uint16_t)(key->w[1] >> 48);
}

// The VLAN the frame is in, 0 for none.
static inline uint16_t key_vlan(const struct flow_key *key)
{
	return key_tci(key) & KEY_VLAN_ID_MASK;
}

static inline void key_set_tci(struct flow_key *key, uint16_t tci)
{
	key->w[1] = (key->w[1] & KEY_MAC_MASK) | (uint64_t)tci << 48;
}

static inline void key_set_tags(struct flow_key *key, unsigned n)
{
	key->w[0] = (key->w[0] & ~(UINT64_C(3) << KEY_TAGS_SHIFT)) | (uint64_t)n << KEY_TAGS_SHIFT;
}

static inline uint16_t key_ingress(const struct flow_key *key)
{
	return (uint16_t)(key->w[8] & KEY_INGRESS_MASK);
}

static inline void key_set_ingress(struct flow_key *key, uint16_t port)
{
	key->w[8] = (key->w[8] & ~KEY_INGRESS_MASK) | port;
}

static inline uint8_t key_proto(const struct flow_key *key)
{
	return (uint8_t)(key->w[3] >> KEY_PROTO_SHIFT);
}

// Network order.
static inline uint16_t key_l4_src(const struct flow_key *key)
{
	return (uint16_t)key->w[3];
}

static inline uint16_t key_l4_dst(const struct flow_key *key)
{
	return (uint16_t)(key->w[3] >> 16);
}

// The bytes of an IP address: 4 for IPv4 and ARP, else 16.
static inline uint8_t *key_ip_src(struct flow_key *key)
{
	return (uint8_t *)&key->w[4];
}

static inline uint8_t *key_ip_dst(struct flow_key *key)
{
	return (uint8_t *)&key->w[4] + (key_l3(key) == WEIR_L3_IPV6 ? 16 : 4);
}

static inline bool key_group_address(const struct flow_key *key)
{
	return key->w[1] & 1;
}

static inline bool key_broadcast(const struct flow_key *key)
{
	return (key->w[1] & KEY_MAC_MASK) == KEY_MAC_MASK;
}

// What a port's flows are distinguished by: which bits of which words, and the first word's
// constant part.
struct key_mask {
	struct flow_key bits;
	uint64_t fields;  // WEIR_FIELD_* that are in
	uint64_t w4_ipv6; // word 4 of IPv6 keys
	uint8_t words;    // for everything but IPv6
	uint8_t words_ipv6;
};

// Makes the mask of a set of fields. Word 0 is never masked.
void key_mask_make(struct key_mask *mask, uint64_t fields);

static inline unsigned key_words(const struct flow_key *key, const struct key_mask *mask)
{
	return key_l3(key) == WEIR_L3_IPV6 ? mask->words_ipv6 : mask->words;
}

// Shows a key to an extension: only the fields in mask, and the structure.
// ingress, egress: ids that the caller knows (WEIR_PORT_NONE where it must not show one).
void key_to_flow(const struct flow_key *key, const struct key_mask *mask, weir_port_id ingress,
	weir_port_id egress, struct weir_flow *flow);

// Applies a rewrite to the key. value and size as for weir_set(). Returns false when the field
// cannot be set, the size is wrong, or the frame has no such field (an IP address of an ARP frame,
// say).
bool key_set_field(struct flow_key *key, uint64_t field, const void *value, size_t size);

// Text for `flow list` and `trace`: the fields of the mask, "eth_src=..,eth_dst=..".
void key_format(const struct flow_key *key, const struct key_mask *mask, char *text, size_t size);

// Parses the frame into key: everything but port, start, kind and epoch of word 0, which are left
// 0. Reads no byte beyond the frame's linear part. A malformed frame gives a key that says how.
void key_parse(const struct weir_frame *frame, struct flow_key *key);

// Where the headers of a frame stand, as offsets from its first byte; 0: there is none.
struct frame_layers {
	uint16_t l3, l4;
	uint8_t l3_kind; // enum weir_l3
	uint8_t proto;   // of the L4 header
	bool routed;     // IPv6: the destination is a hop, the pseudo header has the last one's
			 // (RFC 8200 8.1)
};

// What a fragment has in common with the others of its datagram, but its VLAN.
struct frame_datagram {
	uint64_t addresses[4]; // source, destination; IPv4: in the first half of each
	uint32_t id;           // as in the frame
	uint8_t l3_kind;       // enum weir_l3
	uint8_t proto;         // IPv4: distinguishes datagrams, too (RFC 791 3.2); else 0
};

// False: it is no fragment.
bool frame_datagram(const struct weir_frame *frame, struct frame_datagram *datagram);

// For rewriting. L4 is left out for fragments without the header and for malformed frames.
void frame_layers(const struct weir_frame *frame, struct frame_layers *layers);

#endif
