// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A source that sends by the clock (open loop), whatever the switch does, and a sink that measures
// the time from when each frame was due until it was sent. They are NICs of the program in the
// place of the first two of the kind "null" that the switch opens, in this order; the linker wraps
// nic_open(). What is due and has not been taken waits in a ring of OPEN_LINE_RING frames, and is
// lost beyond.
//
// The worker may be kept from polling by who else uses its CPU: on a virtual machine also by other
// machines. A *stall* is so long a time between two polls as no round of a worker takes; what it
// costs, until what has come meanwhile is done with, is counted apart.
//
// The frames are UDP from OPEN_LINE_FLOWS addresses and ports, in an order that no prefetcher
// knows, from 02:00:00:00:00:01 to 02:00:00:00:00:02; and, while the line grows, of
// OPEN_LINE_NEW_PER_S new flows a second besides.
#ifndef OPEN_LINE_H
#define OPEN_LINE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	OPEN_LINE_FLOWS = 100000,
	OPEN_LINE_NEW_PER_S = 1000,
	OPEN_LINE_RING = 4096,
	OPEN_LINE_STALL_US = 500,
};

#define OPEN_LINE_SILENCE UINT64_MAX

// From now on a frame every interval_ns; 0: as many as are asked for, as they are.
// OPEN_LINE_SILENCE: none. Blocks for some milliseconds, so that the worker has seen it.
void open_line_pace(uint64_t interval_ns);
void open_line_grow(bool growing);

struct open_line_counts { // since the start
	uint64_t taken, missed, received;
	uint64_t n_stalls, stalled_ns, missed_stalled; // the last is part of missed
};
struct open_line_counts open_line_counts(void);

struct open_line_latency { // us from due to sent: percentiles, and the longest
	double p50, p99, p999, longest;
};
// Since the last call, of frames that met no stall, or (apart) of all. The line should be silent,
// or what is counted meanwhile is lost.
struct open_line_latency open_line_latency(struct open_line_latency *all);

uint64_t now_ns(void); // CLOCK_MONOTONIC

#endif
