// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Inside compose*.c: the state of one composition.
#ifndef COMPOSER_H
#define COMPOSER_H

#include "datapath/compose.h"
#include "datapath/sized.h"

struct composer {
	struct weir_decision decision; // first: what extensions are handed
	const struct compose_context *context;
	struct composition *out;
	const struct hook *hook; // whose decide is being called
	struct flow_key key;     // the flow after all rewrites so far
	uint64_t source;         // word 2 as the frame came, before any rewrite
	weir_port_id ingress, egress;
	const struct snapshot_port *port; // whose stages run
	uint64_t began;                   // cycles, when the hook before this one had returned
	// What has been decided.
	// A meter counts frames as they are on the wire of its port: without the tag that the
	// switch adds for the VLAN of an access port. In bytes, negative. So are they paid for.
	int8_t wire_adjust;
	bool again;                      // strict mode's later calls: what offends has been counted
	const struct composition *first; // and what the first has found; else NULL
	bool dropped, hook_ended, flood, native, too_complex;
	bool remembers; // the hook has had something remembered of fragments
	bool refused;   // and the core has dropped it there, for refused_reason
	uint16_t refused_reason;
	uint8_t drop_stage;
	uint16_t drop_reason;
	unsigned n_destinations;
	uint16_t destinations[DESTINATIONS_MAX];
};

extern const struct weir_decision_ops composer_decision_ops;
// Its parts about sessions: compose_session.c.
void composer_session(struct weir_decision *d, const struct weir_session *session);
int composer_session_find(struct weir_decision *d, struct weir_session_found *found);
void composer_session_related(struct weir_decision *d, unsigned reason);
// Those about fragments: compose_fragment.c.
void composer_fragment_remember(
	struct weir_decision *d, const struct weir_fragment_verdict *verdict);
void composer_fragment_follow(struct weir_decision *d, const struct weir_fragment_verdict *unknown);
// The core drops the flow at this hook. What the hook has remembered of a first fragment, before
// this or behind it, is that. Nothing is remembered for a hook that has nothing remembered: it
// would take the place of a datagram that somebody asks for.
void composer_fragment_refused(struct composer *c, uint16_t reason);
// What the decision says so far of the session that the flow at the hook has; NULL: nothing, or it
// has none.
const struct session_use *composer_session_of(const struct composer *c);
// A dropped frame opens no session and counts on none; its decision still rests on what was found.
void composer_sessions_dropped(struct composer *c);

// ---- compose_trace.c

// Calls the hook, and tells if it decided nothing.
void composer_trace_call(struct composer *c, const struct hook *hook,
	void (*call)(struct composer *c, const struct hook *hook));
// Tells a step of the hook being called, or of the core's own. Only while somebody traces:
// c->decision.tracing.
__attribute__((format(printf, 5, 6))) void composer_tell(struct composer *c, enum weir_stage stage,
	enum compose_action action, uint32_t value, const char *format, ...);
__attribute__((format(printf, 5, 0))) void composer_vtell(struct composer *c, enum weir_stage stage,
	enum compose_action action, uint32_t value, const char *format, va_list arguments);
// The port of this id or index, or "".
const char *composer_port_name(const struct composer *c, uint32_t id);
// What native forwarding found and chose: compose_trace_native.c.
struct native_decision;
void composer_tell_native(struct composer *c, const struct native_decision *native);

// Calls one decide hook, more than once in strict mode.
void composer_call(struct composer *c, const struct hook *hook);

// Recording. Peephole rules keep programs short; see compose_ops.c.
void composer_op(struct composer *c, struct op op);
void composer_depend(struct composer *c, uint16_t slot);
// The operation that rewrites a field other than of the tag, whose value key_set_field() takes.
struct op composer_set_op(uint64_t field, const void *value, size_t size);
// Rewrites the key and records the operation. False: the frame has no such field.
bool composer_set(struct composer *c, uint64_t field, const void *value, size_t size);
void composer_push_vlan(struct composer *c, uint16_t tci);
void composer_pop_vlan(struct composer *c);
// Takes out what a dropped frame does not need: meters, policers and what lets single frames
// through behind the last visit, what is for sessions, and rewrites that nobody sees. What it has
// remembered stays. So does what acts on the frames before a visit sees them; meters there count
// what is lost up to the visit, or to it.
void composer_strip_dropped(struct composer *c);
// Takes the meters and policers out of the program into late, and what lets single frames through
// with them, for when the egress half is known not to be dropped, so that each counts what passes
// its place; returns how many. Only meters are taken from before a visit, and from before what
// reads addresses that are rewritten behind it: in their place they go on to count what is lost up
// to there. (Not what a visit of the egress half takes before that half is dropped: of that they
// count nothing.)
unsigned composer_take_late(struct composer *c, struct op late[/* PROGRAM_OPS_MAX */]);

// True when the hook's class is among classes (1 << enum weir_class) and the hook still has a say;
// else it is counted.
bool composer_may(struct composer *c, unsigned classes, const char *what);
// The frame has been at this hook before: a visit behind it changed its flow. A forwarding hook is
// then asked again where the frame goes, and for nothing else.
bool composer_has_passed(const struct composer *c);
bool composer_reason_valid(struct composer *c, unsigned reason);
// The policer of this number, if it is of the hook's extension; NULL, and an offence: it is not.
const struct policer *composer_policer(struct composer *c, uint32_t id);
// Drops the flow at this hook. reason: reason_of().
void composer_drop(struct composer *c, uint16_t reason);

// The name of the stage whose hook is being called.
const char *composer_stage_name(const struct composer *c);
// Counts an offence of the hook's extension, as extension_offend().
enum offence { OFFENCE_VIOLATION, OFFENCE_INVALID, OFFENCE_IMPURE };
__attribute__((format(printf, 3, 4))) void composer_offence(
	struct composer *c, enum offence offence, const char *format, ...);

#endif
