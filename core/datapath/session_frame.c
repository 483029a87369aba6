// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/session_frame.h"

uint8_t session_tcp_flags(const struct weir_frame *frame)
{
	struct frame_layers layers;

	frame_layers(frame, &layers);
	return layers.l4 && layers.proto == IPPROTO_TCP
		       ? frame->data[layers.l4 + SESSION_TCP_FLAGS_AT]
		       : 0;
}

void session_track(struct datapath *dp, const struct weir_frame *frame, const struct op *op)
{
	uint8_t flags = session_tcp_flags(frame);
	struct session_key key;
	struct flow_key parsed;
	bool reverse;

	if (!(flags & SESSION_TCP_FLAGS))
		return;
	key_parse(frame, &parsed);
	// The tag of its VLAN may be put on behind this, or never.
	key_set_tci(&parsed, op_vlan(op));
	if (session_key_make(&parsed, op_owner(op), op->port, &key, &reverse))
		session_tcp(dp->sessions, &key, session_hash(dp->sessions, &key), reverse, flags,
			dp->now_s);
}

void session_track_all(struct datapath *dp, struct weir_frame *const frames[], unsigned n,
	const struct program *program)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k + 1 < program->n_ops; k++)
			if (program->ops[k].code == OP_TRACK)
				session_track(dp, frames[i], &program->ops[k]);
}

bool session_related(struct datapath *dp, const struct weir_frame *frame, const struct op *op)
{
	struct session_key key;
	bool reverse;

	return dp->sessions &&
	       session_key_quoted(frame, op_vlan(op), op_owner(op), op->port, &key, &reverse) &&
	       session_look_quoted(dp->sessions, &key, session_hash(dp->sessions, &key), reverse,
		       op->stage == WEIR_STAGE_EGRESS);
}
