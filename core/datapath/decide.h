// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Inside the datapath: from a key to a program. Worker.
#ifndef DECIDE_H
#define DECIDE_H

#include "datapath/datapath.h"

struct decided {
	struct program *program; // with a reference that the caller puts; NULL: no memory
	struct flow *flow;       // NULL: there was no place
	bool alone;              // the next frame of the flow is to be decided for itself
};

// Decides the key of the frame, which is in no table, and caches it when there is room. The key is
// masked, of n_words; its other words are written.
struct decided decide_flow(struct datapath *dp, struct flow_key *key, unsigned n_words,
	uint32_t hash, const struct weir_frame *frame);
// The same for a frame that a visit sends to another port; nothing is cached. Returns the program
// with a reference that the caller puts; NULL: no memory.
struct program *decide_redirected(struct datapath *dp, struct flow_key *key, unsigned n_words,
	uint16_t to, const struct weir_frame *frame);

// A flow that had `before` has this program now.
static inline void decide_note_change(
	const struct datapath *dp, const struct program *before, struct program *program)
{
	if (program != before)
		program->changed_to = dp->tick;
}

#endif
