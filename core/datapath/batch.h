// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Inside receive.c and known_before.c: a batch of received frames, of one port and under one mask,
// as runs of neighbouring frames of one flow. Inline because it is done per frame.
#ifndef BATCH_H
#define BATCH_H

#include "datapath/account.h"
#include "datapath/flow_use.h"
#include "datapath/parse_plain.h"
#include "datapath/rewrite.h"
#include "datapath/session_frame.h"
#include "nic/offload.h"

#define ALWAYS_INLINE __attribute__((always_inline)) static inline

struct run {
	struct flow_key key;
	uint64_t wire;     // wire_of() its frames
	struct flow *flow; // or what may be it
	uint32_t hash;
	uint8_t n_words;
	uint8_t first, n; // of the batch's frames
};

struct batch {
	struct datapath *dp;
	const struct snapshot_port *port;
	const struct key_mask *mask; // that of its keys
	uint16_t epoch;              // likewise
	struct weir_frame **frames;
	unsigned n_frames, n_runs, n_missed;
	bool missed_first; // a first fragment is among them
	struct run runs[NIC_BATCH];
	uint8_t missed[NIC_BATCH]; // runs
};

// ---- Keys

// Parses what is not plain: receive.c. Returns wire_of() the frame.
uint64_t batch_parse_any(struct weir_frame *frame, struct flow_key *key);

// The words that differ most often come first.
ALWAYS_INLINE bool same_flow(const struct run *r, const struct run *before, bool l2)
{
	const uint64_t *a = r->key.w, *b = before->key.w;

	if (!l2 && r->n_words > KEY_WORDS_L2 && ((a[4] ^ b[4]) | (a[3] ^ b[3])) != 0)
		return false;
	if (((a[2] ^ b[2]) | (a[1] ^ b[1]) | (a[0] ^ b[0])) != 0)
		return false;
	return l2 || r->n_words <= KEY_WORDS_IPV4 ||
	       ((a[5] ^ b[5]) | (a[6] ^ b[6]) | (a[7] ^ b[7]) | (a[8] ^ b[8])) == 0;
}

// Makes the runs, and asks for their buckets.
ALWAYS_INLINE void make_runs(struct batch *b, bool l2)
{
	const struct key_mask *mask = b->mask;
	const uint16_t index = b->port->index;
	const uint64_t constant = index | (uint64_t)b->epoch << KEY_EPOCH_SHIFT;
	const struct flow_table *flows = b->dp->flows;
	const unsigned n_frames = b->n_frames;
	struct weir_frame **frames = b->frames;
	struct run *r = b->runs, *before = NULL;

	for (unsigned i = 0; i < n_frames; i++) {
		struct weir_frame *frame = frames[i];
		uint64_t wire = wire_of(1, frame->size);

		frame->port = index;
		if (__builtin_expect(
			    offload_claimed(frame) || !key_parse_plain(frame, &r->key, l2), 0))
			wire = batch_parse_any(frame, &r->key);
		r->n_words = l2 ? KEY_WORDS_L2 : (uint8_t)key_words(&r->key, mask);
		r->key.w[0] |= constant;
		apply_mask(&r->key, mask, r->n_words);
		if (before && same_flow(r, before, l2)) {
			before->wire += wire;
			before->n++;
			continue;
		}
		r->wire = wire;
		r->first = (uint8_t)i;
		r->n = 1;
		r->hash = flow_hash(flows, &r->key, r->n_words);
		flow_prefetch_bucket(flows, r->hash);
		before = r++;
	}
	b->n_runs = (unsigned)(r - b->runs);
}

// Who may be the flows of the runs.
ALWAYS_INLINE void find_candidates(struct batch *b, bool l2)
{
	for (struct run *r = b->runs; r < b->runs + b->n_runs; r++)
		r->flow = flow_candidate(b->dp->flows, r->hash, l2 ? KEY_WORDS_L2 : r->n_words);
}

// The run's flow; NULL: it is not known. Word 0 says under which mask the key was made and of what
// kind the frame is, so flows with the same first words have the same number of them.
ALWAYS_INLINE struct flow *flow_of(const struct batch *b, const struct run *r, bool l2)
{
	unsigned n_words = l2 ? KEY_WORDS_L2 : r->n_words;

	if (__builtin_expect(r->flow && flow_match(b->dp->flows, r->flow, &r->key, n_words), 1))
		return r->flow;
	return flow_find(b->dp->flows, &r->key, n_words, r->hash);
}

// ---- Hits

// The transmit queue of the last plain program; NULL: look it up.
struct last_output {
	struct tx_queue *queue;
	uint16_t port;
};

// Where there is no queue, or not room enough in it.
void batch_transmit_each(
	struct datapath *dp, struct weir_frame *const frames[], unsigned n, uint16_t port);

ALWAYS_INLINE void transmit_run(struct datapath *dp, struct weir_frame *const frames[], unsigned n,
	uint16_t port, struct last_output *last)
{
	struct tx_queue *queue;
	unsigned at;

	if (__builtin_expect(last->port != port || !last->queue, 0))
		*last = (struct last_output){ datapath_tx_queue(dp, port), port };
	queue = last->queue;
	at = queue ? queue->n : NIC_BATCH;
	if (__builtin_expect(at + n > NIC_BATCH, 0)) {
		batch_transmit_each(dp, frames, n, port);
		last->queue = NULL; // what was waiting may have been sent
		return;
	}
	for (unsigned i = 0; i < n; i++)
		queue->frames[at + i] = frames[i];
	queue->n = at + n;
}

// datapath_run_all() would do for what begins with a visit, too, but takes 30 instructions a frame
// more where runs are short.
ALWAYS_INLINE void run_program(struct datapath *dp, struct weir_frame *frames[], unsigned n,
	uint64_t wire, const struct program *program)
{
	if (program->ops[0].code == OP_VISIT)
		datapath_wait_all(dp, frames, n, program, program->ops);
	else
		datapath_run_all(dp, frames, n, wire, program, 0);
}

// All that a program with a kept_output does before. False: there is a frame that
// rewrite_plain_tos() does not know; nothing was done that may not be done again.
ALWAYS_INLINE bool run_kept(struct datapath *dp, struct weir_frame *const frames[], unsigned n,
	uint64_t wire, const struct program *program)
{
	if (program->sets_tos)
		for (unsigned i = 0; i < n; i++)
			if (frames[i]->refs != 1 || !rewrite_plain_tos(frames[i], program->tos))
				return false;
	if (program->meters)
		for (const struct op *op = program->ops; op->code != OP_OUTPUT; op++)
			if (op->code == OP_METER)
				account_meter(dp, op, wire);
	if (program->tracks)
		session_track_run(dp, frames, n, program);
	return true;
}

ALWAYS_INLINE void run_flow(
	struct batch *b, const struct run *r, struct flow *flow, struct last_output *last)
{
	struct weir_frame **frames = b->frames + r->first;
	const struct program *program;
	struct datapath *dp = b->dp;
	uint16_t output;

	use_flow(dp, flow, r->wire);
	program = flow->program;
	output = program->output;
	if (__builtin_expect(output == PROGRAM_NOT_PLAIN, 0)) {
		output = program->kept_output;
		if (output == PROGRAM_NOT_PLAIN || !run_kept(dp, frames, r->n, r->wire, program)) {
			run_program(dp, frames, r->n, r->wire, program);
			last->queue = NULL; // what was waiting may have been sent
			return;
		}
	}
	transmit_run(dp, frames, r->n, output, last);
}

ALWAYS_INLINE bool is_fragment(const struct run *r, enum weir_fragment which)
{
	return key_bits(r->key.w[0], KEY_FRAGMENT_SHIFT, 2) == which;
}

// A later fragment does not overtake a first one that is to be decided: any, as the key need not
// have what tells datagrams apart.
ALWAYS_INLINE bool waits_for_first(const struct batch *b, const struct run *r)
{
	return __builtin_expect(b->missed_first, 0) && is_fragment(r, WEIR_FRAGMENT_LATER);
}

ALWAYS_INLINE void count_received(struct batch *b, uint64_t wire)
{
	struct port_counters *counters = datapath_counters(b->dp, b->port);

	count(&counters->rx_frames, wire_frames(wire));
	count(&counters->rx_bytes, wire_bytes(wire));
}

// ---- Left over

// Drops n frames of a run whose claims were refused.
void batch_drop_refused(const struct batch *b, unsigned first, unsigned n);

// Closes the gaps that known_before.c leaves. Returns the number of frames.
unsigned batch_close_gaps(struct weir_frame *frames[/* n */], unsigned n);

// ---- known_before.c

// While a port's masks are changing: whether the next batch's frames are to be looked up under the
// masks before first.
bool known_before_comes_first(struct datapath *dp, const struct snapshot_port *port);
// Of all frames of the batch, before they are looked up under the new masks, runs those whose flow
// is known under the masks before; the others remain.
void run_known_before_first(struct batch *b);
// Likewise of those that were missed under the new masks; where they stood is NULL then.
void run_missed_known_before(struct batch *b);

#endif
