// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What would become of one frame: its whole way through a snapshot, told step by step. Nothing is
// sent, cached, learned, opened or counted, also not against an extension.
//
// The way is that of way.c and execute.c: the ingress half is composed from the same key; its
// program is run on the frame as far as that rewrites it; then, unless both halves fit one program,
// the egress half of every destination is composed from the frame as it is then. A visit is taken
// for one that lets the frame pass as it is.
//
// Control thread, inside rcu_enter().
#ifndef TRACE_H
#define TRACE_H

#include "datapath/compose.h"

// One half: before its steps, and behind them with its program.
struct trace_half {
	const struct snapshot_port *port;
	const struct flow_key *key; // masked: what the flow is known by
	const struct key_mask *mask;
	const struct composition *composition; // NULL: not composed yet
};

struct trace {
	struct compose_trace steps; // first; see trace_init()
	// Filled by the caller.
	const struct snapshot *snapshot;
	struct fdb *fdb;
	const struct meter_owners *meters;
	const struct session_table *sessions;
	uint32_t now_s;
	void (*half)(struct trace *trace, const struct trace_half *half);
};

// The frame is private, and writable with WEIR_FRAME_HEADROOM bytes before it; it is rewritten. As
// if it had come from the port.
void trace_frame(struct trace *trace, const struct snapshot_port *port, struct weir_frame *frame);

#endif
