// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Policers: token buckets that any number of flows and workers share (the conformance test of
// ITU-T I.371's virtual scheduling algorithm, that is RFC 2697 with one bucket). One counts bits,
// or one counts frames.
//
// A policer is one bucket, of a line that all workers write, and a small one per worker, of a line
// that is the worker's own. A frame is paid out of the worker's. When that has too little, or was
// filled POLICER_SLICE_NS ago or longer, what is left goes back and another slice is taken: as much
// as comes in a slice of time, less where the bucket is small. A worker that was refused does not
// ask again before there can be enough, or a slice of time is over. So a frame touches the shared
// line at most once per slice and worker, but for policers whose rate or burst is so small that a
// slice is less than a frame; of those no more frames pass than the rate says.
//
// What that costs in exactness, W being the number of workers:
// - No rate is gained or lost: tokens come into the shared bucket alone, by the clock, and are lost
//   only where it is full. In T seconds rate * T + burst pass at most, and what the workers had
//   taken before, which is W * rate * 1 ms and a quarter of the burst, whichever is less.
// - A worker that stops seeing frames of the policer keeps what it has, a slice at most; it is
//   given back when the next one comes.
// - A frame that costs more than the burst passes when the bucket is full, and the bucket owes the
//   rest: a segmentation-offload frame costs what it is on the wire, all at once.
// - The clock is the batch's. Where the burst is less than what comes at the rate between two
//   batches, the rest is lost.
//
// Tokens are 10^-9 bits or frames, so that as many come in a nanosecond as the rate says per
// second, and nothing is rounded. The shared bucket is a single word, the time at which it was
// empty: it has rate * (now - empty) tokens. Time is taken out of it in whole nanoseconds.
#ifndef POLICER_H
#define POLICER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/counters.h"
#include "datapath/policer_place.h"

enum {
	POLICER_CHUNK = 1024,
	POLICER_CHUNKS = 64,
	POLICERS_MAX = POLICER_CHUNK * POLICER_CHUNKS, // of one switch
	POLICER_SLICE_NS = 1000000,
};

enum policer_unit { POLICER_BITS, POLICER_FRAMES };

// What a policer is to hold to. Checked by policer_check().
struct policer_config {
	enum policer_unit unit;
	uint64_t rate;  // bits or frames per second
	uint64_t burst; // bytes or frames
};

// worker: rw, control: rw, but what is marked otherwise; all atomic
struct policer {
	_Alignas(64) int64_t empty_ns; // the clock of batches
	uint64_t rate;                 // tokens per nanosecond. control: w, worker: r
	int64_t depth_ns;              // until it is full. control: w, worker: r
	int64_t slice_ns;              // that a worker takes at once. control: w, worker: r
	uint16_t owner;                // the extension's number, 0: none. control: w, worker: r
	uint8_t unit;                  // enum policer_unit. control: w before use, worker: r
};

_Static_assert(sizeof(struct policer) == 64, "one line");

// A worker's own bucket, and what it counted: wire frames and wire bytes. worker: rw
struct policer_slot {
	_Alignas(64) int64_t tokens;
	uint64_t old_ns;    // from then on they are to be given back
	uint64_t denied_ns; // until then there is nothing to be had
	// From here on control: r.
	uint64_t passed_frames, passed_bytes;
	uint64_t dropped_frames, dropped_bytes;
	uint32_t drop_cause; // DROP_CAUSE() of the first that were dropped, and these:
	uint32_t drop_port;  // id of the port that they were counted at
};

#define POLICER_ELSEWHERE (UINT32_C(1) << 31) // others were at another place: policer_place.h
#define POLICER_LOST      (UINT32_C(1) << 30) // and not all of them are there

_Static_assert(sizeof(struct policer_slot) == 64, "one line");

// Of a switch. Chunks are made before anybody can name a policer of them, and stay until it goes.
struct policer_table {
	struct policer *chunks[POLICER_CHUNKS]; // control: w before use, worker: r
};

// Of a switch and a worker.
struct policer_bank {
	struct policer_slot *chunks[POLICER_CHUNKS]; // control: w before use, worker: r
	struct policer_place places[POLICER_PLACES];
};

// NULL: there is none of this number. Any thread.
static inline struct policer *policer_at(const struct policer_table *table, uint32_t id)
{
	struct policer *chunk;

	if (id >= POLICERS_MAX)
		return NULL;
	chunk = __atomic_load_n(&table->chunks[id / POLICER_CHUNK], __ATOMIC_ACQUIRE);
	return chunk ? &chunk[id % POLICER_CHUNK] : NULL;
}

static inline struct policer_slot *policer_slot_at(const struct policer_bank *bank, uint32_t id)
{
	return &__atomic_load_n(
		&bank->chunks[id / POLICER_CHUNK], __ATOMIC_ACQUIRE)[id % POLICER_CHUNK];
}

static inline int64_t policer_cost(enum policer_unit unit, uint64_t frames, uint64_t bytes)
{
	return (int64_t)(unit == POLICER_FRAMES ? frames * UINT64_C(1000000000)
						: bytes * UINT64_C(8000000000));
}

// A new, full bucket that nobody knows yet. config: checked. Control thread.
void policer_init(struct policer *policer, const struct policer_config *config, unsigned n_workers);
// Another rate and burst, of the same unit. It has as many tokens as before, as far as they fit,
// and no more than that for workers that take some meanwhile. Control thread.
void policer_change(struct policer *policer, const struct policer_config *config,
	unsigned n_workers, uint64_t now_ns);

// Fills the worker's bucket out of the shared one and pays for a frame; false: there is not enough.
// Worker only.
bool policer_borrow(
	struct policer *policer, struct policer_slot *slot, int64_t cost, uint64_t now_ns);

// Pays for a frame; false: it is over the rate. Worker only.
static inline bool policer_pay(const struct policer_table *table, const struct policer_bank *bank,
	uint32_t id, int64_t cost, uint64_t now_ns)
{
	struct policer_slot *slot = policer_slot_at(bank, id);

	if (__builtin_expect(slot->tokens >= cost && now_ns < slot->old_ns, 1)) {
		slot->tokens -= cost;
		return true;
	}
	return policer_borrow(policer_at(table, id), slot, cost, now_ns);
}

// Counts what was paid for, and what was not. Worker only.
static inline void policer_passed(struct policer_slot *slot, uint64_t frames, uint64_t bytes)
{
	count(&slot->passed_frames, frames);
	count(&slot->passed_bytes, bytes);
}

// cause: DROP_CAUSE(); port: the id of the one that they are counted at.
void policer_dropped(struct policer_bank *bank, uint32_t id, uint64_t frames, uint64_t bytes,
	uint32_t cause, uint32_t port);

#endif
