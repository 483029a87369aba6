// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Pressure: how many flows each batch of a worker may decide (datapath.h), so that known flows lose
// nothing while they alone are within capacity, and what time they leave goes into new flows, and
// into deciding known ones anew after a change. It follows from which receive queues give full
// batches, and needs to know neither what a decision costs nor what a hit does.
//
// New flows. A queue that gave PRESSURE_FULL full batches, one after the other, does not drain:
// frames come faster than they are done with, and unless they wait with their sender (nic.rx_waits)
// soon some are lost, known ones among them. It presses until it gives less than a full batch. In a
// round after one in which a queue pressed no batch may decide any; then one more in each round,
// until it is all of a batch again, as it is at once when no frames have come for a millisecond.
// Where more new flows come than there is time for, this swings about as many as there is time for,
// while the queue stays near empty. Only the first rounds of a flood, which nothing is known of
// yet, decide all that comes: up to PRESSURE_FULL + 1 batches, in which a ring should not overflow.
//
// Known flows. One that is stale can wait: until it is decided anew it goes on as it was. So these
// are given up first, with one full batch, which has none either, and begin with a flow and its
// egress half: in each round one more than were decided in the last. They swing in the same way
// below what makes a batch full, and get some of the time beside a flood of new flows. Should a
// queue press in the PRESSURE_DRAIN rounds behind that, they are the likely reason, and new flows
// are not given up unless there are more than PRESSURE_DRAIN_NEW in a batch.
//
// That holds for all queues of the worker, also for those that drain: whatever is decided there
// keeps the one that presses waiting. It is the same number for each, so that a queue with few new
// flows gets them decided beside one that is flooded, and for the sweep of each switch (scan.c).
// And a queue that has decided none for PRESSURE_EVERY rounds may decide one new flow all the same,
// and one known flow with its half, which costs others little and lets thousands in every second.
//
// A queue that gave PRESSURE_ENDLESS full batches, one after the other, would have drained if it
// could: a ring of 1,024 frames does beside a load of 95 % of what the worker can do. So its source
// waits without saying so, and no decision costs a frame; or so much comes that frames are lost,
// known or not, whatever is decided. Then half of the time is for deciding new flows: the queue
// presses in every second tick (flow_tick()) only. The ticks are the same for all queues, as
// several would not get any time otherwise; and while it presses, it is seen whether it drains by
// now. Known flows lose nothing by waiting on: one change of what they are known by, near what the
// worker can do, would keep the queue full and drop frames for as long as it takes.
//
// A sweep that is late (scan.c) decides PRESSURE_REDECIDE in each batch, whatever presses.
#ifndef PRESSURE_H
#define PRESSURE_H

#include <limits.h>

#include "datapath/datapath.h"
#include "nic/nic.h"

enum {
	PRESSURE_FULL = 2, // 128 frames: short of what the queue of any NIC holds
	PRESSURE_ENDLESS = 512,
	PRESSURE_EVERY = 16,
	PRESSURE_REDECIDE = 2, // a flow and its egress half
	PRESSURE_DRAIN = 4,
	PRESSURE_DRAIN_NEW = 8,
	PRESSURE_OVER_NS = 1000000,
};

// Of one queue; zeroed memory is one that does not press. Its worker only, but the queues of a NIC
// have several: a line each.
struct queue_pressure {
	_Alignas(64) unsigned n_full; // batches that were full, one after the other
	// Rounds, this one included, since one that decided a new flow; and a known one anew.
	unsigned n_undecided, n_kept;
};

// What the batches of a worker's round may decide. Its worker only.
struct pressure {
	unsigned new_max;      // new flows; NIC_BATCH: all
	unsigned redecide_max; // known ones, anew: REDECIDE_PER_BATCH at most
	unsigned n_drain;      // rounds in which these may be why a queue presses
};

// What a round has decided: the most that a batch did, or, of known flows, a sweep since the last.
struct pressure_used {
	unsigned n_new, n_redecided;
};

#define PRESSURE_NONE ((struct pressure){ .new_max = NIC_BATCH, .redecide_max = PRESSURE_REDECIDE })

// The queue gave n frames in this round. waits: nic.rx_waits.
static inline void pressure_polled(struct queue_pressure *q, unsigned n, bool waits)
{
	q->n_full = n == NIC_BATCH && !waits ? q->n_full + 1 : 0;
	q->n_undecided++;
	q->n_kept++;
}

// What its batch has decided.
static inline void pressure_decided(struct queue_pressure *q, unsigned n_new, unsigned n_redecided)
{
	if (__builtin_expect(n_new != 0, 0))
		q->n_undecided = 0;
	if (__builtin_expect(n_redecided != 0, 0))
		q->n_kept = 0;
}

static inline bool pressure_presses(const struct queue_pressure *q, uint64_t now_ns)
{
	return __builtin_expect(q->n_full >= PRESSURE_FULL, 0) &&
	       (q->n_full < PRESSURE_ENDLESS || flow_tick(now_ns) % 2);
}

// It may come to press.
static inline bool pressure_fills(const struct queue_pressure *q)
{
	return q->n_full != 0;
}

// After a round of these limits. fills, presses: a queue did.
static inline void pressure_next(
	struct pressure *p, const struct pressure_used *used, bool fills, bool presses)
{
	unsigned n = used->n_redecided;

	if (!presses)
		p->new_max += p->new_max < NIC_BATCH;
	else if (p->n_drain == 0 || used->n_new > PRESSURE_DRAIN_NEW)
		p->new_max = 0;
	p->n_drain -= p->n_drain != 0;
	if (fills && n && p->redecide_max)
		p->n_drain = PRESSURE_DRAIN;
	n = n < PRESSURE_REDECIDE ? PRESSURE_REDECIDE : n + 1;
	p->redecide_max = fills ? 0 : n < REDECIDE_PER_BATCH ? n : REDECIDE_PER_BATCH;
}

// What the queue's batch may decide: datapath.new_max.
static inline unsigned pressure_new_max(const struct pressure *p, const struct queue_pressure *q)
{
	if (__builtin_expect(p->new_max >= NIC_BATCH, 1))
		return UINT_MAX;
	return p->new_max ? p->new_max : q->n_undecided >= PRESSURE_EVERY;
}

// And datapath.redecide_max. late: datapath_sweep_is_late().
static inline unsigned pressure_redecide_max(
	const struct pressure *p, const struct queue_pressure *q, bool late)
{
	unsigned max = pressure_fills(q) ? 0 : p->redecide_max;

	return max || !(late || q->n_kept >= PRESSURE_EVERY) ? max : PRESSURE_REDECIDE;
}

#endif
