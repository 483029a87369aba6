// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Meters and policers: what frames are counted on and paid from. Inline: it is done per run or per
// frame of all that is metered.
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include "datapath/datapath.h"

// wire: wire_of() the frames, however many: what they are on the wire of the op's port.
static inline uint64_t account_bytes(const struct op *op, uint64_t wire)
{
	return wire_bytes(wire) + (uint64_t)((int64_t)wire_frames(wire) * op->adjust);
}

static inline void account_meter(struct datapath *dp, const struct op *op, uint64_t wire)
{
	struct meter_slot *slot = meter_at(&dp->meters, op->arg);

	count(&slot->frames, wire_frames(wire));
	count(&slot->bytes, account_bytes(op, wire));
}

// Counts frames that leave the program at an operation of it on the meters before that wait for
// this: OP_LOST. wire: wire_of() them, as they come to the operation, or as its visitor left them.
void account_lost(
	struct datapath *dp, const struct program *program, const struct op *at, uint64_t wire);

// Drops a frame that a policer has refused.
void account_over_rate(
	struct datapath *dp, struct weir_frame *frame, const struct op *op, uint64_t wire);

// False: the frame was over the rate, and has been dropped.
static inline bool account_police(
	struct datapath *dp, struct weir_frame *frame, const struct op *op, uint64_t wire)
{
	uint64_t frames = wire_frames(wire), bytes = account_bytes(op, wire);
	int64_t cost = policer_cost(op->flags, frames, bytes);

	if (!policer_pay(dp->snapshot->policers, &dp->policers, op->arg, cost, dp->now_ns)) {
		account_over_rate(dp, frame, op, wire);
		return false;
	}
	policer_passed(policer_slot_at(&dp->policers, op->arg), frames, bytes);
	return true;
}

// Does one of the operations of datapath_account(). wire: of the frame. False: it has been dropped.
bool account_op(struct datapath *dp, struct weir_frame *frame, const struct op *op, uint64_t wire);

#endif
