// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Inside the datapath: what the batch and the single frame's way share, inline because it is done
// per frame.
#ifndef FLOW_USE_H
#define FLOW_USE_H

#include "datapath/datapath.h"

// Leaves of the key what the mask has. Word 0 is never masked.
static inline void apply_mask(struct flow_key *key, const struct key_mask *mask, unsigned n_words)
{
	key->w[1] &= mask->bits.w[1];
	key->w[2] &= mask->bits.w[2];
	if (n_words > KEY_WORDS_L2) {
		key->w[3] &= mask->bits.w[3];
		key->w[4] &= key_l3(key) == WEIR_L3_IPV6 ? mask->w4_ipv6 : mask->bits.w[4];
	}
	if (n_words > KEY_WORDS_IPV4) {
		key->w[5] &= mask->bits.w[5];
		key->w[6] &= mask->bits.w[6];
		key->w[7] &= mask->bits.w[7];
		key->w[8] &= mask->bits.w[8];
	}
}

static inline uint64_t frame_wire(const struct weir_frame *frame)
{
	uint64_t frames = 0, bytes = 0;

	weir_frame_wire(frame, &frames, &bytes);
	return wire_of(frames, bytes);
}

// A frame is no more frames on the wire than it has bytes. On top of all that a flow may have
// before WIRE_MANY is set, there is still room for a batch of such.
_Static_assert((WIRE_MANY / WIRE_FRAME + NIC_BATCH * WEIR_FRAME_MAX) * WEIR_FRAME_MAX < WIRE_FRAME,
	"see wire_of()");

static inline void use_flow(struct datapath *dp, struct flow *flow, uint64_t wire)
{
	flow->used = dp->tick;
	flow->recent += wire;
	if (__builtin_expect(flow->recent & WIRE_MANY, 0))
		flow_count(dp->flows, flow);
}

// What may not wait for its turn: what the flow did is not to be done any more; or it begins in the
// middle of the stack, where another extension may stand by now.
static inline bool must_redecide(const struct flow *flow)
{
	return (flow->valid_at & FLOW_UNDECIDED) || (uint8_t)(flow->key[0] >> KEY_START_SHIFT) != 0;
}

// A hit. Stale flows are decided anew with their first frame of the batch or not at all: were some
// of its frames to run the old program and wait for a visit, and others the new one and not, they
// would overtake each other.
static inline void check_flow(
	struct datapath *dp, struct flow *flow, const struct weir_frame *frame)
{
	if (__builtin_expect(flow->valid_at != dp->valid_now, 0))
		datapath_refresh(dp, flow, frame);
}

// The program of a cached flow, with a reference that the caller puts; NULL: there is no such flow.
static inline struct program *cached_program(struct datapath *dp, const struct flow_key *key,
	unsigned n_words, uint32_t hash, const struct weir_frame *frame)
{
	struct flow *flow = flow_find(dp->flows, key, n_words, hash);

	if (!flow)
		return NULL;
	check_flow(dp, flow, frame);
	use_flow(dp, flow, frame_wire(frame));
	flow->program->refs++;
	return flow->program;
}

#endif
