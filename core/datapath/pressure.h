// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Pressure: how many new flows each batch of a worker may decide (datapath.h), so that known flows
// lose nothing while they alone are within capacity, and what time they leave goes into new ones.
// It follows from which receive queues give full batches, and needs to know neither what a decision
// costs nor what a hit does.
//
// A queue that gave PRESSURE_FULL full batches, one after the other, does not drain: frames come
// faster than they are done with, and unless they wait with their sender (nic.rx_waits) soon some
// are lost, known ones among them. It presses until it gives less than a full batch. In a round
// after one in which a queue pressed no batch may decide any; then one more in each round, until it
// is all of a batch again, as it is at once when no frames have come for a millisecond. Where more
// new flows come than there is time for, this swings about as many as there is time for, while the
// queue stays near empty. Only the first rounds of a flood, which nothing is known of yet, decide
// all that comes: up to PRESSURE_FULL + 1 batches, in which a ring should not overflow.
//
// That holds for all queues of the worker, also for those that drain: whatever is decided there
// keeps the one that presses waiting. It is the same number for each, so that a queue with few new
// flows gets them decided beside one that is flooded. And a queue that has decided none for
// PRESSURE_NEW_EVERY rounds may decide one all the same, which costs others little and lets
// thousands in every second.
//
// A queue that gave PRESSURE_ENDLESS full batches, one after the other, would have drained if it
// could: a ring of 1,024 frames does beside a load of 95 % of what the worker can do. So its source
// waits without saying so, and no decision costs a frame; or so much comes that frames are lost,
// known or not, whatever is decided. Then half of the time is for deciding: the queue presses in
// every second tick (flow_tick()) only. The ticks are the same for all queues, as several would not
// get any time otherwise; and while it presses, it is seen whether it drains by now.
#ifndef PRESSURE_H
#define PRESSURE_H

#include <limits.h>

#include "datapath/flow_table.h"
#include "nic/nic.h"

enum {
	PRESSURE_FULL = 2, // 128 frames: short of what the queue of any NIC holds
	PRESSURE_ENDLESS = 512,
	PRESSURE_NEW_EVERY = 16,
	PRESSURE_OVER_NS = 1000000,
};

// Of one queue; zeroed memory is one that does not press. Its worker only, but the queues of a NIC
// have several: a line each.
struct queue_pressure {
	_Alignas(64) unsigned n_full; // batches that were full, one after the other
	unsigned n_undecided; // rounds, this one included, since one that decided a new flow
};

// The queue gave n frames in this round. waits: nic.rx_waits.
static inline void pressure_polled(struct queue_pressure *q, unsigned n, bool waits)
{
	q->n_full = n == NIC_BATCH && !waits ? q->n_full + 1 : 0;
	q->n_undecided++;
}

static inline bool pressure_presses(const struct queue_pressure *q, uint64_t now_ns)
{
	return q->n_full >= PRESSURE_FULL &&
	       (q->n_full < PRESSURE_ENDLESS || flow_tick(now_ns) % 2);
}

// What each batch may decide, NIC_BATCH for all, in the round after one that had this limit;
// pressed: and a queue that pressed.
static inline unsigned pressure_next(unsigned new_max, bool pressed)
{
	if (__builtin_expect(pressed, 0))
		return 0;
	return new_max < NIC_BATCH ? new_max + 1 : NIC_BATCH;
}

// What the queue's batch may decide: datapath.new_max.
static inline unsigned pressure_new_max(const struct queue_pressure *q, unsigned new_max)
{
	if (__builtin_expect(new_max >= NIC_BATCH, 1))
		return UINT_MAX;
	return new_max ? new_max : q->n_undecided >= PRESSURE_NEW_EVERY;
}

#endif
