// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Changing the bytes of a frame as a program says, checksums and offload state included.
#ifndef REWRITE_H
#define REWRITE_H

#include <weir/frame.h>

#include "datapath/program.h"

// Applies one of the rewriting operations (OP_PUSH_VLAN and behind) to a private frame (refs 1).
// Checksums are adjusted incrementally (RFC 1624); a partial one, which the NIC is to finish, keeps
// the sum of its pseudo header. What the frame does not have stays as it is. Returns false when a
// tag cannot be pushed for lack of headroom: clone the frame and try again. Worker.
bool rewrite_frame(struct weir_frame *frame, const struct op *op);

// Takes the outer tag away. Worker.
void rewrite_pop_vlan(struct weir_frame *frame);

// The VLAN of the frame's outer tag, 0 without one.
uint16_t frame_vlan(const struct weir_frame *frame);

#endif
