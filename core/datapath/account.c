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

bool datapath_account(
	struct datapath *dp, struct weir_frame *frame, const struct op ops[], unsigned n)
{
	uint64_t frames = 0, wire = 0;

	weir_frame_wire(frame, &frames, &wire);
	for (unsigned i = 0; i < n; i++) {
		const struct op *op = &ops[i];
		uint64_t bytes = wire + (uint64_t)((int64_t)frames * op->adjust);

		if (op->code == OP_METER) {
			meter(dp, op, frames, bytes);
		} else if (!policer_pay(dp->snapshot->policers, &dp->policers, op->arg,
				   policer_cost(op->flags, frames, bytes), dp->now_ns)) {
			datapath_drop(dp, frame, op->port, op->stage, (uint16_t)op->reason);
			return false;
		}
	}
	return true;
}
