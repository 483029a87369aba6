// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Meters and policers: what a frame is counted on and paid from.
#include "datapath/datapath.h"

static void meter(struct datapath *dp, const struct op *op, uint64_t frames, uint64_t bytes)
{
	struct meter_slot *slot = meter_at(&dp->meters, op->arg);

	count(&slot->frames, frames);
	count(&slot->bytes, bytes);
}

// False: the frame is over the rate, and dropped.
static bool police(struct datapath *dp, struct weir_frame *frame, const struct op *op,
	uint64_t frames, uint64_t bytes)
{
	struct policer_slot *slot = policer_slot_at(&dp->policers, op->arg);
	int64_t cost = policer_cost(op->flags, frames, bytes);

	if (policer_pay(dp->snapshot->policers, &dp->policers, op->arg, cost, dp->now_ns)) {
		policer_passed(slot, frames, bytes);
		return true;
	}
	policer_dropped(slot, frames, bytes, DROP_CAUSE(op->stage, op->reason), op->port);
	dp->over_rate = op->arg + 1;
	datapath_drop(dp, frame, op->port, op->stage, (uint16_t)op->reason);
	dp->over_rate = 0;
	return false;
}

bool datapath_account(
	struct datapath *dp, struct weir_frame *frame, const struct op ops[], unsigned n)
{
	uint64_t frames = 0, wire = 0;

	weir_frame_wire(frame, &frames, &wire);
	for (unsigned i = 0; i < n; i++) {
		const struct op *op = &ops[i];
		uint64_t bytes = wire + (uint64_t)((int64_t)frames * op->adjust);

		if (op->code == OP_METER)
			meter(dp, op, frames, bytes);
		else if (!police(dp, frame, op, frames, bytes))
			return false;
	}
	return true;
}
