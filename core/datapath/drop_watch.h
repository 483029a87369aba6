// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Watching drops: samples of dropped frames, with their reason, from workers to the control thread.
//
// Every drop looks at one pointer, which is NULL while nobody watches. Who watches has a ring of
// its own (ring.h): a lane per worker, which the control thread empties now and then. What does not
// fit in meanwhile is lost, and counted in the samples behind it. So watching costs a worker a copy
// of at most DROP_SAMPLE_BYTES per drop and watch, and as much as the lanes hold per emptying.
//
// Watches are a list published by RCU: control: w, worker: r.
#ifndef DROP_WATCH_H
#define DROP_WATCH_H

#include <weir/extension.h>

#include "datapath/ring.h"
#include "datapath/snapshot.h"

enum {
	DROP_SAMPLE_BYTES = 128,   // of a frame; its headers
	DROP_LANE_BYTES = 1 << 16, // some 300 samples
	DROP_WANTS_MAX = 64,
};

// Reasons r with (r & mask) == value.
enum { REASON_OF_EXTENSION = 0xffff << REASONS_PER_OWNER_SHIFT & 0xffff };
struct drop_want {
	uint16_t value, mask;
};

struct drop_lane {
	_Alignas(64) uint64_t n_lost; // samples, since the start. worker: rw
};

struct drop_watch {
	// Constant once published.
	const struct generation *generation; // of the only switch; NULL: all
	char port[WEIR_NAME_MAX];            // the only port, "": all
	unsigned n_wants;                    // 0: every reason
	struct drop_want wants[DROP_WANTS_MAX];
	struct weir_ring *ring;
	struct drop_watch *next; // RCU. control: w, worker: r
	struct drop_lane lanes[/* n_workers */];
};

struct drop_sample {
	uint64_t now_ns; // of the batch
	uint64_t n_lost; // in this lane before
	const struct generation *generation;
	uint32_t cause;   // DROP_CAUSE()
	uint32_t policer; // over whose rate it was, plus 1; 0: none
	uint32_t size;    // of the frame
	uint32_t n_bytes; // that are here
	char port[WEIR_NAME_MAX];
	uint8_t bytes[];
};

struct datapath;

// Gives a sample of the frame, which is being dropped, to all that want it. cause, policer: as in
// the sample. Worker.
void drop_watch_take(struct drop_watch *watches, const struct datapath *dp,
	const struct snapshot_port *port, uint32_t cause, uint32_t policer,
	const struct weir_frame *frame);

#endif
