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
#include "datapath/account.h"
#include "datapath/flow_use.h"
#include "datapath/parse_plain.h"
#include "datapath/rewrite.h"
#include "datapath/session_frame.h"
#include "nic/offload.h"

// The batch is compiled twice, for keys of the first words alone and for all: what is handed down
// as `l2` must be a constant in each.
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
	struct weir_frame **frames;
	unsigned n_frames, n_runs, n_missed;
	bool missed_first; // a first fragment is among them
	struct run runs[NIC_BATCH];
	uint8_t missed[NIC_BATCH]; // runs
};

// ---- Keys

// Everything that is not plain. What comes from outside may claim anything about its checksums and
// segments: offsets are made true, or the claim is taken away and the frame is dropped.
__attribute__((noinline)) static uint64_t parse_any(struct weir_frame *frame, struct flow_key *key)
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
ALWAYS_INLINE void parse(struct batch *b, bool l2)
{
	const struct key_mask *mask = &b->port->ingress;
	const uint16_t index = b->port->index;
	const uint64_t constant = index | (uint64_t)b->port->epoch << KEY_EPOCH_SHIFT;
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
			wire = parse_any(frame, &r->key);
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

// ---- Hits

// The transmit queue of the last plain program; NULL: look it up.
struct last_output {
	struct tx_queue *queue;
	uint16_t port;
};

// Where there is no queue, or not room enough in it.
__attribute__((noinline)) static void transmit_each(
	struct datapath *dp, struct weir_frame *const frames[], unsigned n, uint16_t port)
{
	for (unsigned i = 0; i < n; i++)
		datapath_transmit(dp, frames[i], port);
}

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
		transmit_each(dp, frames, n, port);
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

ALWAYS_INLINE void run_hit(
	struct batch *b, const struct run *r, struct flow *flow, struct last_output *last)
{
	struct weir_frame **frames = b->frames + r->first;
	const struct program *program;
	struct datapath *dp = b->dp;
	uint16_t output;

	check_flow(dp, flow, frames[0]);
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

__attribute__((noinline)) static void miss(struct batch *b, unsigned i)
{
	b->missed_first |= is_fragment(&b->runs[i], WEIR_FRAGMENT_FIRST);
	b->missed[b->n_missed++] = (uint8_t)i;
}

// Word 0 says under which mask the key was made and of what kind the frame is, so flows with the
// same first words have the same number of them.
ALWAYS_INLINE void run_hits(struct batch *b, bool l2)
{
	struct port_counters *counters = datapath_counters(b->dp, b->port);
	struct last_output last = { 0 };
	const unsigned n = b->n_runs;
	uint64_t received = 0; // wire_of()

	for (unsigned i = 0; i < n; i++) {
		struct run *r = &b->runs[i];
		unsigned n_words = l2 ? KEY_WORDS_L2 : r->n_words;
		struct flow *flow = r->flow;

		received += r->wire;
		if (__builtin_expect(!flow || !flow_match(b->dp->flows, flow, &r->key, n_words), 0))
			flow = flow_find(b->dp->flows, &r->key, n_words, r->hash);
		if (__builtin_expect(flow != NULL, 1) && !waits_for_first(b, r))
			run_hit(b, r, flow, &last);
		else
			miss(b, i);
	}
	count(&counters->rx_frames, wire_frames(received));
	count(&counters->rx_bytes, wire_bytes(received));
}

// ---- Misses

static void ask_for_missed(const struct batch *b)
{
	struct weir_frame *first[NIC_BATCH];

	for (unsigned i = 0; i < b->n_missed; i++)
		first[i] = b->frames[b->runs[b->missed[i]].first];
	datapath_ask_for_missed(b->dp, b->port, first, b->n_missed);
}

static void run_misses(struct batch *b)
{
	uint64_t decided = 0; // one bit per hash modulo 64

	if (datapath_masks_are_changing(b->dp, b->port))
		ask_for_missed(b);
	for (unsigned i = 0; i < b->n_missed; i++) {
		struct run *r = &b->runs[b->missed[i]];
		struct weir_frame **frames = b->frames + r->first;
		uint64_t bit = UINT64_C(1) << (r->hash & 63);

		if (r->key.w[0] & KEY_REFUSED) {
			for (unsigned k = 0; k < r->n; k++)
				datapath_drop(b->dp, frames[k], b->port->index, WEIR_STAGE_INGRESS,
					reason_of(0, REASON_BAD_OFFLOAD));
			continue;
		}
		datapath_miss(b->dp, frames, r->n, b->port, &r->key, r->n_words, r->hash,
			(decided & bit) != 0 || is_fragment(r, WEIR_FRAGMENT_LATER));
		decided |= bit;
	}
}

// ---- The batch

ALWAYS_INLINE void run_batch(struct batch *b, bool l2)
{
	parse(b, l2);
	for (struct run *r = b->runs; r < b->runs + b->n_runs; r++)
		r->flow = flow_candidate(b->dp->flows, r->hash, l2 ? KEY_WORDS_L2 : r->n_words);
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
	b.n_frames = n;
	b.n_missed = 0;
	b.missed_first = false;
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
