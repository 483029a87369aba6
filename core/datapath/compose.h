// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Composing the decisions of the stack into a program.
//
// compose_ingress() walks a masked key through stages 1 to 4 and, when the frame has a single
// destination whose egress stages read nothing that the ingress key does not have, through stages 5
// and 6 of that destination too: the two halves are fused into one program. Otherwise the program
// says OP_DELIVER or OP_FLOOD, and the egress half is composed by compose_egress() when a frame
// gets there.
//
// The rights of the classes are enforced here: what an extension may not do is not recorded, and
// counted against it. Worker, or the control thread for a trace; touches nothing but what the
// context names.
#ifndef COMPOSE_H
#define COMPOSE_H

#include "datapath/program.h"
#include "datapath/slow.h"
#include "datapath/snapshot.h"
#include "forwarding/fdb_moves.h"

struct compose_context {
	const struct snapshot *snapshot;
	struct fdb *fdb;
	uint32_t now_s;
	bool learn; // a frame is at hand: its source address may be learned
	const struct meter_owners *meters;
	const uint16_t *redirect; // a visit chose this port: stages 1 to 3 are over; or NULL
	// What is noted for the control thread; NULL: is not.
	struct slow_decides *slow;
	struct fdb_moves *moves;
	// For a trace: called for every line that an extension explains and every step; NULL
	// otherwise.
	void (*explain)(void *context, const struct hook *hook, const char *line);
	void *explain_context;
};

struct composition {
	struct op ops[PROGRAM_OPS_MAX];
	unsigned n_ops;
	uint16_t depends[GENERATION_DEPENDS];
	unsigned n_depends;
	bool depends_on_all;
	bool learned;   // the source address is learned in `vlan` at the ingress port
	bool unlearned; // it was to be learned, but there was no room
	uint16_t vlan;
};

// Why a frame is dropped that a port's VLAN configuration does not let in.
enum core_reason compose_vlan_reason(enum vlan_refusal why);

// key: masked by the port's ingress mask, with port and start. The program is never empty.
void compose_ingress(const struct compose_context *context, const struct flow_key *key,
	struct composition *composition);
// key: an egress half: masked by the port's egress mask, with port, start and how it is forwarded.
void compose_egress(const struct compose_context *context, const struct flow_key *key,
	struct composition *composition);

// What stage 7 of a port does with frames that are dropped at run time (a full queue, say): its
// hooks alone. key: a drop half: masked by the port's ingress mask, with port.
void compose_drop(const struct compose_context *context, const struct flow_key *key,
	struct composition *composition);

#endif
