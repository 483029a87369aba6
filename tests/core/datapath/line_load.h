// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Frames that come to line.h's ports by the clock. Time is counted in what frames cost: a known
// one, or one that is shed, 1; a flow that is decided, LOAD_DECIDE_COST, or what the load says. So
// there is a capacity that is known, and the same on every machine.
#ifndef TESTS_DATAPATH_LINE_LOAD_H
#define TESTS_DATAPATH_LINE_LOAD_H

#include "line.h"

enum { LOAD_KNOWN = 10, LOAD_DECIDE_COST = 10, LOAD_UNIT_NS = 50 };

struct load {
	unsigned known[2],
		new[2];       // frames that come in a unit of time, in hundredths, to each port
	bool endless[2];      // new ones are always there
	unsigned decide_cost; // 0: LOAD_DECIDE_COST
	unsigned n_known;     // flows that known ones are of; 0: LOAD_KNOWN
	uint64_t unit_ns;     // by the clock; 0: LOAD_UNIT_NS
};

struct load_sums {
	uint64_t known, new, units, decided; // came, came, passed, were
	uint32_t next_known[2], next_new;
	uint32_t deepest;   // frames that stood in one ring, at most
	unsigned due[2][2]; // hundredths of frames
};

// Goes on from the sums so far.
void load_run(const struct load *load, struct load_sums *sums, uint64_t units);
// Until all that has come is done with.
void load_drain(void);

#endif
