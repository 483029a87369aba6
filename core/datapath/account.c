// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Meters and policers: what a frame is counted on and paid from; and what it is let through by.
#include "datapath/fragment_frame.h"
#include "datapath/session_frame.h"

static void meter(struct datapath *dp, const struct op *op, uint64_t frames, uint64_t bytes)
{
	struct meter_slot *slot = meter_at(&dp->meters, op->arg);

	count(&slot->frames, frames);
	count(&slot->bytes, bytes);
}

// What single frames of a flow are asked for. False: it has been dropped.
static bool lets_through(struct datapath *dp, struct weir_frame *frame, const struct op *op)
{
	if (op->code == OP_FOLLOW)
		return fragment_follow(dp, frame, op);
	if (session_related(dp, frame, op))
		return true;
	datapath_drop(dp, frame, op->port, op->stage, op_related_reason(op));
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

		if (op->code == OP_METER) {
			meter(dp, op, frames, bytes);
		} else if (op->code != OP_POLICE) {
			if (!lets_through(dp, frame, op))
				return false;
		} else if (!policer_pay(dp->snapshot->policers, &dp->policers, op->arg,
				   policer_cost(op->flags, frames, bytes), dp->now_ns)) {
			datapath_drop(dp, frame, op->port, op->stage, (uint16_t)op->reason);
			return false;
		}
	}
	return true;
}
