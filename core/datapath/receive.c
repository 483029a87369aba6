// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A batch of received frames. It goes in rounds, so that what the next round loads is on its way
// while this one still works: keys and hashes, and the buckets are prefetched; candidates, and the
// flows are prefetched; hits are run; misses are decided.
//
// Neighbouring frames of one flow are a run, which is looked up and counted once: the frames of a
// connection come in bursts, and a port whose flows are told apart by Ethernet addresses alone sees
// few of them. A frame that starts another run pays one comparison for it.
#include "datapath/batch.h"

// ---- Cold parts

// Everything that is not plain. What comes from outside may claim anything about its checksums and
// segments: offsets are made true, or the claim is taken away and the frame is dropped.
uint64_t batch_parse_any(struct weir_frame *frame, struct flow_key *key)
{
	uint64_t refused = 0;

	if (offload_claimed(frame) && !offload_sanitize(frame)) {
		memset(&frame->offload, 0, sizeof(frame->offload));
		refused = KEY_REFUSED;
	}
	key_parse(frame, key);
	key->w[0] |= refused;
	return frame_wire(frame);
}

void batch_transmit_each(
	struct datapath *dp, struct weir_frame *const frames[], unsigned n, uint16_t port)
{
	for (unsigned i = 0; i < n; i++)
		datapath_transmit(dp, frames[i], port);
}

void batch_drop_refused(const struct batch *b, unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		datapath_drop(b->dp, b->frames[i], b->port->index, WEIR_STAGE_INGRESS,
			reason_of(0, REASON_BAD_OFFLOAD));
}

unsigned batch_close_gaps(struct weir_frame *frames[], unsigned n)
{
	unsigned n_left = 0;

	for (unsigned i = 0; i < n; i++)
		if (frames[i])
			frames[n_left++] = frames[i];
	return n_left;
}

// ---- Hits

// Asks for what is looked at of flows that may be stale.
static void ask_for_stale(const struct batch *b)
{
	const struct datapath *dp = b->dp;

	for (const struct run *r = b->runs; r < b->runs + b->n_runs; r++) {
		if (!r->flow || r->flow->valid_at == dp->valid_now ||
			(r->flow->valid_at & FLOW_OUTDATED))
			continue;
		__builtin_prefetch(flow_rest(dp->flows, r->flow));
		if (dp->n_session_flows)
			__builtin_prefetch(&dp->flow_sessions[r->flow - dp->flows->flows]);
	}
}

__attribute__((noinline)) static void miss(struct batch *b, unsigned i)
{
	b->missed_first |= is_fragment(&b->runs[i], WEIR_FRAGMENT_FIRST);
	b->missed[b->n_missed++] = (uint8_t)i;
}

ALWAYS_INLINE void run_hits(struct batch *b, bool l2)
{
	struct last_output last = { 0 };
	const unsigned n = b->n_runs;
	uint64_t received = 0; // wire_of()

	for (unsigned i = 0; i < n; i++) {
		struct run *r = &b->runs[i];
		struct flow *flow = flow_of(b, r, l2);

		received += r->wire;
		if (__builtin_expect(!flow || waits_for_first(b, r), 0)) {
			r->flow = flow;
			miss(b, i);
			continue;
		}
		check_flow(b->dp, flow, b->frames[r->first]);
		run_flow(b, r, flow, &last);
	}
	count_received(b, received);
}

// ---- Misses

static void run_misses(struct batch *b)
{
	uint64_t decided = 0; // one bit per hash modulo 64

	for (unsigned i = 0; i < b->n_missed; i++) {
		struct run *r = &b->runs[b->missed[i]];
		struct weir_frame **frames = b->frames + r->first;
		uint64_t bit = UINT64_C(1) << (r->hash & 63);
		unsigned n = batch_close_gaps(frames, r->n);

		if (n == 0)
			continue;
		if (r->key.w[0] & KEY_REFUSED) {
			batch_drop_refused(b, r->first, n);
			continue;
		}
		datapath_miss(b->dp, frames, n, b->port, &r->key, r->n_words, r->hash,
			(decided & bit) != 0 || is_fragment(r, WEIR_FRAGMENT_LATER));
		decided |= bit;
	}
}

// ---- The batch

// missed_before: what is missed is to be looked up under the masks before. The batch is compiled
// twice, for keys of the first words alone and for all: what is handed down as `l2` must be a
// constant in each.
ALWAYS_INLINE void run_batch(struct batch *b, bool l2, bool missed_before)
{
	make_runs(b, l2);
	find_candidates(b, l2);
	if (__builtin_expect(b->dp->met_stale, 0))
		ask_for_stale(b);
	run_hits(b, l2);
	if (__builtin_expect(b->n_missed == 0, 1))
		return;
	if (missed_before)
		run_missed_known_before(b);
	run_misses(b);
}

void datapath_receive(struct datapath *dp, uint16_t index, struct weir_frame *frames[], unsigned n)
{
	struct batch b; // not cleared: it is large
	bool changing, before_first;

	dp->met_stale = dp->n_stale != 0;
	dp->n_stale = 0;
	b.dp = dp;
	b.port = snapshot_port(dp->snapshot, index);
	b.frames = frames;
	b.n_frames = n;
	b.n_missed = 0;
	b.missed_first = false;
	if (!b.port) { // removed since the list of queues was made
		for (unsigned i = 0; i < n; i++)
			weir_frame_release(frames[i]);
		return;
	}
	b.mask = &b.port->ingress;
	b.epoch = b.port->epoch;
	changing = datapath_masks_are_changing(dp, b.port);
	before_first = __builtin_expect(changing, 0) && known_before_comes_first(dp, b.port);
	if (before_first)
		run_known_before_first(&b);
	if (b.port->ingress.words_ipv6 == KEY_WORDS_L2)
		run_batch(&b, true, changing && !before_first);
	else
		run_batch(&b, false, changing && !before_first);
}
