// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A batch of received frames. It goes in rounds, so that what the next round loads is on its way
// while this one still works: keys and hashes, and the buckets are prefetched; candidates, and the
// flows are prefetched; hits are run; misses are decided.
#include "datapath/flow_use.h"
#include "datapath/parse_plain.h"
#include "nic/offload.h"

// The batch is compiled twice, for keys of the first words alone and for all: what is handed down
// as `l2` must be a constant in each.
#define ALWAYS_INLINE __attribute__((always_inline)) static inline

struct lookup {
	struct flow_key key;
	struct flow *flow;
	uint32_t hash;
	uint8_t n_words;
};

struct batch {
	struct datapath *dp;
	const struct snapshot_port *port;
	struct weir_frame **frames;
	unsigned n, n_missed;
	uint64_t wire_frames, wire_bytes;
	struct lookup lookups[NIC_BATCH];
	uint8_t missed[NIC_BATCH];
};

// ---- Keys

// Everything that is not plain. What comes from outside may claim anything about its checksums and
// segments: offsets are made true, or the claim is taken away and the frame is dropped.
__attribute__((noinline)) static void parse_any(struct batch *b, unsigned i)
{
	struct weir_frame *frame = b->frames[i];
	struct flow_key *key = &b->lookups[i].key;
	uint64_t frames = 0, bytes = 0, refused = 0;

	if (offload_claimed(frame) && !offload_sanitize(frame)) {
		memset(&frame->offload, 0, sizeof(frame->offload));
		refused = KEY_REFUSED;
	}
	key_parse(frame, key);
	key->w[0] |= refused;
	weir_frame_wire(frame, &frames, &bytes);
	b->wire_frames += frames;
	b->wire_bytes += bytes;
}

// l2: the port's flows are distinguished by the first words alone, and nothing is done for others.
ALWAYS_INLINE void parse(struct batch *b, bool l2)
{
	const unsigned n = b->n;
	const uint16_t index = b->port->index;
	uint64_t n_plain = 0, bytes = 0;

	for (unsigned i = 0; i < n; i++) {
		struct weir_frame *frame = b->frames[i];

		frame->port = index;
		if (__builtin_expect(!offload_claimed(frame) &&
					     key_parse_plain(frame, &b->lookups[i].key, l2),
			    1)) {
			n_plain++;
			bytes += frame->size;
		} else {
			parse_any(b, i);
		}
	}
	b->wire_frames += n_plain;
	b->wire_bytes += bytes;
}

ALWAYS_INLINE void hash(struct batch *b, bool l2)
{
	const struct flow_table *flows = b->dp->flows;
	const struct key_mask *mask = &b->port->ingress;
	const uint64_t constant = b->port->index | (uint64_t)b->port->epoch << KEY_EPOCH_SHIFT;
	const unsigned n = b->n;

	for (unsigned i = 0; i < n; i++) {
		struct lookup *l = &b->lookups[i];

		l->n_words = l2 ? KEY_WORDS_L2 : (uint8_t)key_words(&l->key, mask);
		l->key.w[0] |= constant;
		apply_mask(&l->key, mask, l->n_words);
		l->hash = flow_hash(flows, &l->key, l->n_words);
		flow_prefetch_bucket(flows, l->hash);
	}
}

// ---- Hits

// The transmit queue of the last plain program; NULL: look it up.
struct last_output {
	struct tx_queue *queue;
	uint16_t port;
};

ALWAYS_INLINE void transmit_plain(
	struct datapath *dp, struct weir_frame *frame, uint16_t port, struct last_output *last)
{
	struct tx_queue *queue = last->queue;

	if (__builtin_expect(!queue || last->port != port || queue->n == NIC_BATCH, 0)) {
		queue = datapath_tx_queue(dp, port);
		*last = (struct last_output){ queue, port };
		if (!queue) {
			datapath_transmit(dp, frame, port); // drops it, and says why
			return;
		}
	}
	queue->frames[queue->n++] = frame;
}

ALWAYS_INLINE void run_hit(
	struct datapath *dp, struct flow *flow, struct weir_frame *frame, struct last_output *last)
{
	const struct program *program;

	check_flow(dp, flow);
	use_flow(dp, flow, frame);
	program = flow->program;
	if (__builtin_expect(program->output != PROGRAM_NOT_PLAIN, 1)) {
		transmit_plain(dp, frame, program->output, last);
		return;
	}
	datapath_run(dp, frame, program, 0);
	last->queue = NULL; // it may have sent what was waiting
}

// Word 0 says under which mask the key was made and of what kind the frame is, so flows with the
// same first words have the same number of them.
ALWAYS_INLINE void run_hits(struct batch *b, bool l2)
{
	struct last_output last = { 0 };
	struct datapath *dp = b->dp;
	const unsigned n = b->n;

	for (unsigned i = 0; i < n; i++) {
		struct lookup *l = &b->lookups[i];
		unsigned n_words = l2 ? KEY_WORDS_L2 : l->n_words;
		struct flow *flow = l->flow;

		if (__builtin_expect(!flow || !flow_match(flow, &l->key, n_words), 0))
			flow = flow_find(dp->flows, &l->key, n_words, l->hash);
		if (__builtin_expect(flow != NULL, 1))
			run_hit(dp, flow, b->frames[i], &last);
		else
			b->missed[b->n_missed++] = (uint8_t)i;
	}
}

static void run_misses(struct batch *b)
{
	for (unsigned i = 0; i < b->n_missed; i++) {
		struct weir_frame *frame = b->frames[b->missed[i]];

		if (b->lookups[b->missed[i]].key.w[0] & KEY_REFUSED)
			datapath_drop(b->dp, frame, b->port->index, WEIR_STAGE_INGRESS,
				reason_of(0, REASON_BAD_OFFLOAD));
		else
			datapath_decide_and_run(b->dp, frame, b->port->index, 0);
	}
}

// ---- The batch

ALWAYS_INLINE void run_batch(struct batch *b, bool l2)
{
	struct port_counters *counters = datapath_counters(b->dp, b->port);

	parse(b, l2);
	hash(b, l2);
	for (unsigned i = 0; i < b->n; i++)
		b->lookups[i].flow = flow_candidate(b->dp->flows, b->lookups[i].hash, !l2);
	count(&counters->rx_frames, b->wire_frames);
	count(&counters->rx_bytes, b->wire_bytes);
	run_hits(b, l2);
	if (__builtin_expect(b->n_missed != 0, 0))
		run_misses(b);
}

void datapath_receive(struct datapath *dp, uint16_t index, struct weir_frame *frames[], unsigned n)
{
	struct batch b; // not cleared: it is large

	b.dp = dp;
	b.port = snapshot_port(dp->snapshot, index);
	b.frames = frames;
	b.n = n;
	b.n_missed = 0;
	b.wire_frames = b.wire_bytes = 0;
	if (!b.port) { // removed since the list of queues was made
		for (unsigned i = 0; i < n; i++)
			weir_frame_release(frames[i]);
		return;
	}
	if (b.port->ingress.words_ipv6 == KEY_WORDS_L2)
		run_batch(&b, true);
	else
		run_batch(&b, false);
}
