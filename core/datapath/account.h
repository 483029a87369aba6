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

// False: the frame was over the rate, and has been dropped.
static inline bool account_police(
	struct datapath *dp, struct weir_frame *frame, const struct op *op, uint64_t wire)
{
	int64_t cost = policer_cost(op->flags, wire_frames(wire), account_bytes(op, wire));

	if (policer_pay(dp->snapshot->policers, &dp->policers, op->arg, cost, dp->now_ns))
		return true;
	datapath_drop(dp, frame, op->port, op->stage, (uint16_t)op->reason);
	return false;
}

#endif
