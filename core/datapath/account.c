// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/account.h"
#include "datapath/flow_use.h"
#include "datapath/fragment_frame.h"
#include "datapath/session_frame.h"

static bool is_related(struct datapath *dp, struct weir_frame *frame, const struct op *op)
{
	if (session_related(dp, frame, op))
		return true;
	datapath_drop(dp, frame, op->port, op->stage, op_related_reason(op));
	return false;
}

bool account_op(struct datapath *dp, struct weir_frame *frame, const struct op *op, uint64_t wire)
{
	switch ((enum op_code)op->code) {
	case OP_POLICE:
		return account_police(dp, frame, op, wire);
	case OP_RELATED:
		return is_related(dp, frame, op);
	case OP_FOLLOW:
		return fragment_follow(dp, frame, op, wire);
	default:
		account_meter(dp, op, wire);
		return true;
	}
}

void account_lost(
	struct datapath *dp, const struct program *program, const struct op *at, uint64_t wire)
{
	int8_t longer = 0; // than at the operation

	for (const struct op *op = at; op-- > program->ops;) {
		struct op meter = *op;

		if (op->code == OP_PUSH_VLAN)
			longer += VLAN_TAG_SIZE;
		else if (op->code == OP_POP_VLAN)
			longer -= VLAN_TAG_SIZE;
		if (op->code != OP_LOST)
			continue;
		meter.adjust -= longer;
		account_meter(dp, &meter, wire);
	}
}

void account_over_rate(
	struct datapath *dp, struct weir_frame *frame, const struct op *op, uint64_t wire)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, op->port);

	policer_dropped(&dp->policers, op->arg, wire_frames(wire), account_bytes(op, wire),
		DROP_CAUSE(op->stage, op->reason), port ? port->id : WEIR_PORT_NONE);
	datapath_drop_over_rate(dp, frame, op->port, op->stage, (uint16_t)op->reason, op->arg);
}

bool datapath_account(
	struct datapath *dp, struct weir_frame *frame, const struct op ops[], unsigned n)
{
	const uint64_t wire = n ? frame_wire(frame) : 0;

	for (unsigned i = 0; i < n; i++)
		if (!account_op(dp, frame, &ops[i], wire))
			return false;
	return true;
}
