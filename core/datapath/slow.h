// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Decide hooks that take too long: everything behind such a flow in its worker waits meanwhile. The
// worker reads the cycle counter between the hooks of a decision, which cached frames never come
// to; the control thread tells the operator (core/switch/watch.c).
//
// What is measured is time that passed: also that in which the system had the worker's CPU do
// something else.
#ifndef SLOW_H
#define SLOW_H

#include "datapath/counters.h"
#include "datapath/cycles.h"

struct slow_decides {          // one per worker and switch
	const uint64_t *limit; // cycles; what takes longer is noted. control: w, worker: r
	uint64_t n;            // of them, since the start. worker: w, control: r
	// The longest since the control thread took it: its length in units of 1024 cycles << 32 |
	// attachment << 16 | index of the port. worker: rw, control: rw
	uint64_t longest;
};

// attachment: its id in the snapshot. port: the index of the port whose stage the hook is at.
// Worker.
void slow_note(struct slow_decides *slow, uint64_t taken, uint16_t attachment, uint16_t port);

// A hook that was called at `began` is back; returns the time, at which the next one begins.
// Worker.
static inline uint64_t slow_check(
	struct slow_decides *slow, uint64_t began, uint16_t attachment, uint16_t port)
{
	uint64_t now = cycles();

	if (__builtin_expect(now - began > __atomic_load_n(slow->limit, __ATOMIC_RELAXED), 0))
		slow_note(slow, now - began, attachment, port);
	return now;
}

// The longest since this was last asked; taken: cycles. False: there was none. Control thread.
bool slow_take(struct slow_decides *slow, uint64_t *taken, uint16_t *attachment, uint16_t *port);

#endif
