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
#include "datapath/session.h"
#include "datapath/slow.h"
#include "datapath/snapshot.h"
#include "forwarding/fdb_moves.h"

// What is told to who traces a decision, in the order in which it is decided.
enum compose_action {
	COMPOSE_PASS,    // a hook was asked, and decided nothing
	COMPOSE_EXPLAIN, // a line of weir_explain()
	COMPOSE_DROP,    // value: reason
	COMPOSE_EXCLUDE, // the same, from one destination
	COMPOSE_SET,
	COMPOSE_METER, // value: meter
	COMPOSE_VISIT,
	COMPOSE_COPY,
	COMPOSE_POLICE,
	COMPOSE_SESSION,
	COMPOSE_FRAGMENT,
	COMPOSE_CLASS,
	COMPOSE_FORWARD,
	COMPOSE_FLOOD,
	COMPOSE_NATIVE,
	COMPOSE_REFUSED, // without effect: the class may not, or the value is none
	COMPOSE_IGNORED, // without effect: behind a drop of the same hook
	COMPOSE_VLAN,    // what the core does to the tags
	COMPOSE_LEARN,
	COMPOSE_LEAVE_OUT, // a destination that the frame cannot go to; value: reason
	COMPOSE_OUTPUT,
	N_COMPOSE_ACTIONS,
};

struct compose_step {
	const struct snapshot_port *port; // whose stages run
	enum weir_stage stage;
	const struct hook *hook; // NULL: the core itself decides
	enum compose_action action;
	uint32_t value;
	const char *text; // or ""; borrowed during the call
};

struct compose_trace {
	void (*tell)(struct compose_trace *trace, const struct compose_step *step);
	uint8_t tcp_flags; // of the frame that it is decided for; 0: it has none
	// Inside compose*.c.
	struct weir_decision_ops ops; // the composer's, each of which tells what it recorded
	unsigned n_decided;           // by the hook that is being called
	unsigned n_refused;
};

void compose_trace_init(struct compose_trace *trace,
	void (*tell)(struct compose_trace *trace, const struct compose_step *step));

struct compose_context {
	const struct snapshot *snapshot;
	struct fdb *fdb;
	uint32_t now_s;
	bool learn; // a frame is at hand: its source address may be learned
	const struct meter_owners *meters;
	// Strict mode: the key of the frame at hand as it is parsed, unmasked, and where it came
	// from; NULL: there is none.
	const struct flow_key *whole;
	weir_port_id whole_ingress;
	// Strict mode: what has been decided is only looked at once more, for another frame of the
	// flow. Nothing is learned, and nothing counted but what is not pure.
	bool check;
	const uint16_t *redirect; // a visit chose this port: stages 1 to 3 are over; or NULL
	const struct session_table *sessions;
	// Of the composition's sessions, one bit each: those that there is no room for. It has been
	// composed before, and is the same up to the first of them.
	unsigned sessions_refused;
	// What is noted for the control thread; NULL: is not.
	struct slow_decides *slow;
	struct fdb_moves *moves;
	// Every step is told, and nothing is learned or counted, not even against an extension; the
	// program is what it would be if the source address were learned. NULL: nobody traces.
	struct compose_trace *trace;
};

// What a decision says of a session, besides what its program does. Compared by its bytes: no part
// is left unset.
struct session_use {
	struct session_key key;
	uint64_t hash;
	struct session_spec spec; // SESSION_USE_OPEN
	uint64_t cookie;          // what was found
	uint8_t kind;             // enum session_use_kind
	uint8_t present;          // there was one
	uint8_t reverse;          // session_key_make()
	uint8_t direction;        // of the one that was found
	uint32_t reserved;
};

enum session_use_kind {
	SESSION_USE_WATCH, // decided with or without it, and neither counts on it nor opens it
	SESSION_USE_HOLD,  // one that was found
	SESSION_USE_OPEN,  // to be opened, unless there is one by then
	SESSION_USE_ROOM,  // there was no room for it
};

enum { SESSION_USES_MAX = 4 };

struct composition {
	struct op ops[PROGRAM_OPS_MAX];
	unsigned n_ops;
	uint16_t depends[GENERATION_DEPENDS];
	unsigned n_depends;
	bool depends_on_all;
	bool learned;   // the source address is learned in `vlan` at the ingress port
	bool unlearned; // it was to be learned, but there was no room
	uint16_t vlan;
	unsigned n_sessions;
	struct session_use sessions[SESSION_USES_MAX];
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
