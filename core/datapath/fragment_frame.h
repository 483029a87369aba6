// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Fragments on their way: what is done with each where an extension asked for it. Worker.
#ifndef FRAGMENT_FRAME_H
#define FRAGMENT_FRAME_H

#include "datapath/datapath.h"

// Remembers what an OP_REMEMBER says of the frame's datagram.
void fragment_remember(struct datapath *dp, const struct weir_frame *frame, const struct op *op);
// Does with the frame what is remembered of its datagram, or what an OP_FOLLOW says. wire: of the
// frame. False: it has been dropped.
bool fragment_follow(
	struct datapath *dp, struct weir_frame *frame, const struct op *op, uint64_t wire);

#endif
