// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The extension contract: all that the author of an extension reads.
//
// An extension is a shared object with one descriptor, made by WEIR_EXTENSION(). It is loaded into
// the process once, then attached to the stack of any number of switches. Per flow, not per frame,
// the core calls its decide hooks along the path of the frame
//
//     1 ingress capture    ingress()    source port known, no destination yet
//     2 ingress filters    ingress()
//     3 forwarding         forward()    chooses destinations; at most one extension per switch
//     4 forwarded filters  forwarded()  once; how the frame is forwarded is known
//     5 egress filters     egress()     reverse order, once per destination
//     6 egress capture     egress()     reverse order, once per destination
//     7 drop capture       dropped()    for flows decided to be dropped
//
// and composes what they say into a program that it runs for every frame of the flow. A decision is
// a pure function of the flow (as far as the extension declared to read it) and of the state object
// passed to the call: no clocks, no counters, no globals. A decide hook sees the flow after all
// earlier rewrites.
//
// Threads. decide and visit hooks run on workers, several at once, and decide hooks for a trace on
// the control thread besides; they must not block, allocate or lock. All other hooks run on the
// control thread, one at a time.
//
// Rights. What the class of an extension may not do has no effect on the frame and is counted
// against it (`weirctl extension show`):
//                                        capture  filter  forwarding  service
//     copy frames to a sink                 x
//     drop; rewrite; meter; police; sessions          x        x
//     decide for later fragments                      x        x
//     exclude one destination (stage 5)               x
//     choose destinations (stage 3)                            x
//     originate frames                      x         x        x
//     visit frames                       read only    x     x, redirect
//     veto a change of the configuration              x        x          x
//     events, policies, state               x         x        x          x
//
// What stays. This header with weir/flow.h, weir/frame.h and weir/error.h is the interface, as
// source and as binary. Inside a major version (WEIR_ABI_MAJOR) it only grows, and each growth is a
// minor version (WEIR_ABI_MINOR):
//
// - What is here keeps its name, number, type, place and meaning: functions, hooks, fields,
//   constants, enumerators, bits. So do threads, order of calls, ownership and errors, as they are
//   told beside each. Sentences for people may change.
// - Structs that say their `size`, and those that the host makes and hands out singly, grow at
//   their ends; what is new there has its minor version beside it. The others never change: those
//   that stand in arrays (weir_policy, weir_drop_reason), that both sides make (weir_error,
//   weir_frame) or that lie in the file (weir_note).
// - Enumerations grow at their ends. A hook lets pass what it does not know: a kind of event, a
//   cause, a kind of forwarding or of header.
// - An extension reaches the host only through tables of functions, wrapped by the inline functions
//   below. It has no undefined symbol of the host's, and no type of any library crosses over.
//
// An older extension, of an older minor, runs on a newer host as it did: of its descriptor and of
// each struct that it makes (weir_session, weir_fragment_verdict) the host reads `size` bytes, and
// takes the rest for zero; hooks that it lacks are not called. A size that no version has had is
// refused, in a decision as a value out of range.
//
// A newer extension, of a newer minor, is refused by an older host, with both versions in the
// sentence. One that can do with less says so by WEIR_NEEDS_MINOR and is loaded: hooks that the
// host does not know are not called, and functions that it lacks answer -ENOSYS, or as is told
// beside those that return no error. Members of the host's structs that are newer than
// WEIR_NEEDS_MINOR are there only as far as `size` says, or abi_minor of weir_host where there is
// no size. What the host does not know of a struct that the extension makes in a decision has to be
// zero, and else is refused as a value out of range; and so is an option in the schema that the
// host does not know: a limit that nobody checks would be none.
//
// Another major version is refused, older or newer.
//
// A slot of a host's table is NULL where the host does not offer the service: egress schedulers and
// steering are declared at the end of this file and answer -ENOSYS on hosts that have none; so do
// policers, sessions and the memory of fragments on hosts of minor versions 0 and 1.
//
// Minor version 1 added calls, statuses, timers, posts, rings, save and restore, and what a visit
// is told about its worker, its time and its drops.
//
// Minor version 2 added policers, sessions, what is remembered of fragments, limits of learned
// addresses, the assigned address of a port, the serials of policies, remarks on changes, and
// weir_running().
#ifndef WEIR_EXTENSION_H
#define WEIR_EXTENSION_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/flow.h>
#include <weir/frame.h>

enum { WEIR_ABI_MAJOR = 1, WEIR_ABI_MINOR = 2 };

// The least minor version of the host that this extension can run on; define it before the include
// to run on older hosts than the headers you build with.
#ifndef WEIR_NEEDS_MINOR
#define WEIR_NEEDS_MINOR WEIR_ABI_MINOR
#endif

enum weir_class {
	WEIR_CLASS_CAPTURE = 1,
	WEIR_CLASS_FILTER = 2,
	WEIR_CLASS_FORWARDING = 3,
	WEIR_CLASS_SERVICE = 4,
};

enum weir_stage {
	WEIR_STAGE_INGRESS,   // 1 and 2
	WEIR_STAGE_FORWARD,   // 3
	WEIR_STAGE_FORWARDED, // 4
	WEIR_STAGE_EGRESS,    // 5 and 6
	WEIR_STAGE_DROP,      // 7
	WEIR_N_STAGES,
};

enum {
	WEIR_NAME_MAX = 32,    // bytes of an extension's or port's name with its terminating zero
	WEIR_REASONS_MAX = 64, // drop reasons of one extension
};

// Names that no extension can have, as initialisers of strings: what the switch itself drops is
// told under the name core, and all others are first words of weirctl's own commands, where the
// name of an extension that takes calls stands as well.
#define WEIR_RESERVED_NAMES                                                                        \
	"apply", "completion", "core", "daemon", "drop", "event", "export", "extension", "fdb",    \
		"flow", "help", "meter", "policer", "policy", "port", "session", "switch",         \
		"trace", "worker"

// Whether the host offers what a function below is for: its table reaches to this slot, which is
// not NULL. Any thread.
#define WEIR_OFFERS(table, slot)                                                                   \
	((table)->size > offsetof(__typeof__(*(table)), slot) && (table)->slot)

// ---- Decisions
// -------------------------------------------------------------------------------------
//
// A decision is made by calling these inside a decide hook. Calls are recorded in order. After a
// drop or exclusion nothing further of the same hook counts. Arguments are checked: a value out of
// range is ignored and counted against the extension.

struct weir_decision;
struct weir_visit;
struct weir_plan;
struct weir_attachment;
struct weir_ring;
struct weir_session;
struct weir_session_found;
struct weir_fragment_verdict;
struct weir_egress_scheduler;
struct weir_steering;

// The host's side of a decision. Not called directly.
struct weir_decision_ops {
	uint32_t size;
	void (*drop)(struct weir_decision *, unsigned reason);
	void (*exclude)(struct weir_decision *, unsigned reason);
	void (*set)(struct weir_decision *, uint64_t field, const void *value, size_t size);
	void (*meter)(struct weir_decision *, uint32_t meter);
	void (*visit)(struct weir_decision *, uint8_t tcp_flags);
	void (*copy)(struct weir_decision *, uint32_t sink, uint32_t one_in);
	void (*forward)(struct weir_decision *, weir_port_id port);
	void (*flood)(struct weir_decision *);
	void (*native)(struct weir_decision *);
	void (*depend)(struct weir_decision *, uint64_t id);
	void (*explain)(struct weir_decision *, const char *format, va_list arguments);
	void (*police)(struct weir_decision *, uint32_t policer);                    // may be NULL
	void (*session)(struct weir_decision *, const struct weir_session *session); // may be NULL
	void (*egress_class)(struct weir_decision *, uint8_t class);                 // may be NULL
	// Minor version 2.
	int (*session_find)(struct weir_decision *, struct weir_session_found *);
	void (*session_related)(struct weir_decision *, unsigned reason);
	void (*police_as)(struct weir_decision *, uint32_t policer, unsigned reason);
	void (*fragment_remember)(
		struct weir_decision *, const struct weir_fragment_verdict *verdict);
	void (*fragment_follow)(
		struct weir_decision *, const struct weir_fragment_verdict *unknown);
};

struct weir_decision {
	const struct weir_decision_ops *ops;
	const void *switch_state; // the state object prepared for the switch, or NULL
	bool tracing;             // somebody will read what weir_explain() says
};

// Drops the frames of this flow. reason: index into the descriptor's drop_reasons. Filter,
// forwarding.
static inline void weir_drop(struct weir_decision *d, unsigned reason)
{
	d->ops->drop(d, reason);
}

// Keeps the frame from this one destination, in egress(). reason as for weir_drop(). Filter.
static inline void weir_exclude(struct weir_decision *d, unsigned reason)
{
	d->ops->exclude(d, reason);
}

// Rewrites one field of the frame; checksums follow. Filter, forwarding.
// field: WEIR_FIELD_ETH_DST, ETH_SRC (6 bytes); IP_SRC, IP_DST (4 or 16 bytes, as the flow's L3
// is); L4_SRC, L4_DST (uint16_t, network order; TCP and UDP); IP_TOS (uint8_t, or a value and the
// bits to be kept, one byte each); VLAN_ID (uint16_t, 1 to 4094 puts the frame into that VLAN,
// tagging it when it had no tag; 0 takes the outer tag away); VLAN_PCP (uint8_t, 0 to 7; a frame
// without tag keeps having none and nothing happens).
static inline void weir_set(struct weir_decision *d, uint64_t field, const void *value, size_t size)
{
	d->ops->set(d, field, value, size);
}

// dscp: 0 to 63 (RFC 2474). ECN stays as it is in each frame; nothing has to be read for it.
static inline void weir_set_dscp(struct weir_decision *d, uint8_t dscp)
{
	uint8_t value_and_kept_bits[2] = { (uint8_t)(dscp << 2), 3 };

	d->ops->set(d, WEIR_FIELD_IP_TOS, value_and_kept_bits, sizeof(value_and_kept_bits));
}

// Counts the flow's frames on a meter made by weir_plan_meter(). Those of a flow that is decided to
// be dropped later in the stack do not count, also where the egress stages decide that apart. Those
// that are lost behind it at run time do: to a policer, to a full queue, or to a visit, which may
// take frames out whatever is decided about those that it lets pass (but for a visit of the egress
// stages to frames that these, decided apart, drop behind it). Filter, forwarding.
static inline void weir_meter(struct weir_decision *d, uint32_t meter)
{
	d->ops->meter(d, meter);
}

// Has the extension's visit hook see the frames of this flow: those that carry any of tcp_flags, or
// all when tcp_flags is 0. Capture (read only), filter, forwarding.
static inline void weir_visit(struct weir_decision *d, uint8_t tcp_flags)
{
	d->ops->visit(d, tcp_flags);
}

// Copies the flow's frames, as they are at this place, to a sink of weir_plan_mirror(): every one,
// or 1 in one_in on average, chosen at random. Capture.
static inline void weir_copy(struct weir_decision *d, uint32_t sink, uint32_t one_in)
{
	d->ops->copy(d, sink, one_in);
}

// Adds a destination, in forward(). At most 32; the ingress port and ports that do not carry the
// frame's VLAN are left out by the core. Forwarding.
static inline void weir_forward(struct weir_decision *d, weir_port_id port)
{
	d->ops->forward(d, port);
}

// To every port of the frame's VLAN but the one it came from, in forward(). Forwarding.
static inline void weir_flood(struct weir_decision *d)
{
	d->ops->flood(d);
}

// As the switch would without a forwarding extension: learning, VLAN. Forwarding.
static inline void weir_forward_native(struct weir_decision *d)
{
	d->ops->native(d);
}

// The decision is void as soon as somebody calls weir_invalidate() with this id. Any class.
static inline void weir_depend(struct weir_decision *d, uint64_t id)
{
	d->ops->depend(d, id);
}

// One line for `weirctl trace`: which rule matched and why. Costs a test when nobody traces. Any
// class.
__attribute__((format(printf, 2, 3))) static inline void weir_explain(
	struct weir_decision *d, const char *format, ...)
{
	va_list arguments;

	if (!d->tracing)
		return;
	va_start(arguments, format);
	d->ops->explain(d, format, arguments);
	va_end(arguments);
}

// ---- Visits
// ----------------------------------------------------------------------------------------
//
// A visit hook gets the frames of a batch whose flows asked for it, at its extension's position in
// the stack: once per batch, not per frame.

struct weir_visit_ops {
	uint32_t size;
	struct weir_frame *(*edit)(struct weir_visit *, unsigned i);
	void (*drop)(struct weir_visit *, unsigned i, unsigned reason);
	void (*redirect)(struct weir_visit *, unsigned i, weir_port_id port);
	void (*rekey)(struct weir_visit *, unsigned i);
	void (*consume)(struct weir_visit *, unsigned i);
	int (*originate)(struct weir_visit *, weir_port_id port, const void *bytes, size_t size);
};

struct weir_visit {
	const struct weir_visit_ops *ops;
	const struct weir_frame *const *frames; // n frames, borrowed during the call
	unsigned n;
	uint8_t stage;            // enum weir_stage
	const void *switch_state; // as in struct weir_decision
	void *instance;           // what attach() returned
	// Minor version 1.
	uint16_t worker;       // the caller's number, 0 to weir_n_workers() - 1: its lane of a ring
	uint64_t now_ns;       // when the batch came, by the clock of the host (CLOCK_MONOTONIC)
	const uint32_t *drops; // at stage WEIR_STAGE_DROP: why each of the n frames is dropped, for
			       // weir_drop_describe(); NULL at other stages
};

// The same frame, private and writable; NULL when there is no memory for a private copy, and for
// capture extensions, which may only read. The bytes of the linear part may change, size may not.
static inline struct weir_frame *weir_visit_edit(struct weir_visit *v, unsigned i)
{
	return v->ops->edit(v, i);
}

// Drops frame i. Filter, forwarding.
static inline void weir_visit_drop(struct weir_visit *v, unsigned i, unsigned reason)
{
	v->ops->drop(v, i, reason);
}

// Sends frame i to this port instead of where its flow goes. Forwarding, from stage 3 visits.
static inline void weir_visit_redirect(struct weir_visit *v, unsigned i, weir_port_id port)
{
	v->ops->redirect(v, i, port);
}

// Says that fields of the flow changed in frame i: it is decided anew from the next position on.
static inline void weir_visit_rekey(struct weir_visit *v, unsigned i)
{
	v->ops->rekey(v, i);
}

// Takes frame i out of the switch: the extension has answered it. Filter, forwarding.
static inline void weir_visit_consume(struct weir_visit *v, unsigned i)
{
	v->ops->consume(v, i);
}

// Sends a new frame into the switch, as if `port` had sent it but behind this extension in the
// stack; WEIR_PORT_NONE: trusted, from nowhere. bytes are copied. -ENOENT: there is no such port;
// -EMSGSIZE; -ENOBUFS; -ELOOP: the frames being visited have been originated too often. Capture,
// filter, forwarding.
static inline int weir_visit_originate(
	struct weir_visit *v, weir_port_id port, const void *bytes, size_t size)
{
	return v->ops->originate(v, port, bytes, size);
}

// ---- Policies and state
// ----------------------------------------------------------------------------
//
// Policies are messages of the extension's own schema, wanted by the operator for one port or for
// the switch. Whenever they change, once for every port when the extension is attached or a port is
// added, and when another address is assigned to a port, prepare() builds a new immutable state
// object from all of them. Everybody concerned prepares before anybody commits; then the core
// publishes the new objects, and the old ones are released when no worker can hold them.

struct weir_policy {
	const char *type; // the policy's type name in the schema
	const char *id; // given by the operator or made by the core, unique per port and extension
	const void *bytes; // the packed message, checked against the schema
	size_t size;
};

struct weir_target {
	uint32_t size;
	weir_port_id port;                  // WEIR_PORT_NONE: the switch itself
	const char *name;                   // of the port or switch
	const struct weir_policy *policies; // borrowed during the call, as all of this
	size_t n_policies;
	// Minor version 2.
	const uint8_t *mac;      // 6 bytes: the address assigned to the port; NULL: none is
	const uint64_t *serials; // of the policies: a number that is the same as long as the policy
				 // is, and never another one's: what became of many can be told
				 // without looking into them
};

struct weir_plan_ops {
	uint32_t size;
	int (*reads)(struct weir_plan *, enum weir_stage stage, uint64_t fields);
	int (*inactive)(struct weir_plan *, enum weir_stage stage);
	int (*meter)(struct weir_plan *, const char *key, uint32_t *meter);
	int (*mirror)(struct weir_plan *, const char *port, uint32_t *sink);
	weir_port_id (*port)(struct weir_plan *, const char *name);
	int (*policer)(struct weir_plan *, const char *key, uint64_t rate_bps, uint64_t burst_bytes,
		uint32_t *policer); // may be NULL
	int (*scheduler)(struct weir_plan *, const struct weir_egress_scheduler *scheduler,
		void *context); // may be NULL
	int (*steering)(struct weir_plan *, const struct weir_steering *steering,
		void *context); // may be NULL
	// Minor version 2.
	int (*frame_policer)(struct weir_plan *, const char *key, uint64_t rate_fps,
		uint64_t burst_frames, uint32_t *policer);
	int (*learn_limit)(struct weir_plan *, uint32_t max_addresses);
	int (*keep)(struct weir_plan *, const void *in_force, const char *const *gone, size_t n);
	int (*remark)(struct weir_plan *, const char *format, va_list arguments);
};

struct weir_plan {
	const struct weir_plan_ops *ops;
	void *instance;
};

// Replaces, for this port and stage, the fields that the descriptor declared. Inside prepare().
static inline int weir_plan_reads(struct weir_plan *p, enum weir_stage stage, uint64_t fields)
{
	return p->ops->reads(p, stage, fields);
}

// The extension has nothing to say for this port at this stage: its hook is not called.
static inline int weir_plan_inactive(struct weir_plan *p, enum weir_stage stage)
{
	return p->ops->inactive(p, stage);
}

// The meter with this key (1 to 63 bytes of UTF-8, usually the policy's id) of this extension and
// target: made when new, the same with its counts when it was there before. A meter that no
// prepared state asks for any more is removed. 0, or -ENOMEM, -EINVAL, -ENOSPC: a switch has
// 262,144 at most (a prepare() that fails without a sentence has the core's, with the number).
static inline int weir_plan_meter(struct weir_plan *p, const char *key, uint32_t *meter)
{
	return p->ops->meter(p, key, meter);
}

// The state being prepared has all meters and policers, with their ids, that the one in force has,
// but for those with one of these n keys: of an extension whose policies are many, only what
// changed needs to be looked at. in_force: what commit() returned last for this target. What is
// asked for besides, before or after, is had as well: a key among the gone too. 0; -ESTALE: that
// state is not in force (any more, or not yet): everything has to be asked for; -ENOENT: there is
// no meter or policer of one of the keys; -EINVAL: the second call; -ENOMEM, -ENOSYS. Only with 0
// anything is kept. Inside prepare().
static inline int weir_plan_keep(
	struct weir_plan *p, const void *in_force, const char *const gone[/* n */], size_t n)
{
	if (!WEIR_OFFERS(p->ops, keep))
		return -ENOSYS;
	return p->ops->keep(p, in_force, gone, n);
}

enum { WEIR_REMARKS_MAX = 64 }; // of one prepare()

// What whoever asks for the change should know although it is accepted, such as a value that is
// taken for another one: a sentence that names the policy. Its client is told with the answer, of a
// dry run too; once the change is made it is logged. Nobody is told of a change that is refused. 0;
// -ENOSPC: beyond WEIR_REMARKS_MAX; -ENOMEM; -ENOSYS. Inside prepare().
__attribute__((format(printf, 2, 3))) static inline int weir_plan_remark(
	struct weir_plan *p, const char *format, ...)
{
	va_list arguments;
	int result;

	if (!WEIR_OFFERS(p->ops, remark))
		return -ENOSYS;
	va_start(arguments, format);
	result = p->ops->remark(p, format, arguments);
	va_end(arguments);
	return result;
}

// A sink that sends copies out of a port of the same switch. -ENOENT: there is no such port.
static inline int weir_plan_mirror(struct weir_plan *p, const char *port, uint32_t *sink)
{
	return p->ops->mirror(p, port, sink);
}

// The id of a port of this switch, WEIR_PORT_NONE when there is none.
static inline weir_port_id weir_plan_port(struct weir_plan *p, const char *name)
{
	return p->ops->port(p, name);
}

// At most max_addresses (from 1 on) are learned at this port, static entries included; of what
// several extensions plan the least counts. Frames from others pass, and those to them are flooded.
// A lower limit than before forgets none. Native forwarding. 0; -EINVAL: 0 addresses, or the target
// is no port; -ENOSYS. Inside prepare().
static inline int weir_plan_learn_limit(struct weir_plan *p, uint32_t max_addresses)
{
	if (!WEIR_OFFERS(p->ops, learn_limit))
		return -ENOSYS;
	return p->ops->learn_limit(p, max_addresses);
}

// ---- Events
// ----------------------------------------------------------------------------------------

enum weir_event_kind {
	WEIR_EVENT_PORT_ADDED,
	WEIR_EVENT_PORT_REMOVED,
	WEIR_EVENT_PORT_CHANGED, // VLAN, MAC or MTU
	WEIR_EVENT_NIC_CONNECTED,
	WEIR_EVENT_NIC_DISCONNECTED,
	WEIR_EVENT_NIC_LOST,
	WEIR_EVENT_POLICY_CHANGED, // of any extension, on this port
};

// What happened, or for review() what is about to happen.
struct weir_event {
	uint32_t size;
	enum weir_event_kind kind;
	weir_port_id port;
	const char *port_name;      // borrowed during the call
	const char *extension_name; // POLICY_CHANGED: whose policy; else NULL
};

// Why a frame was dropped; see weir_drop_describe().
struct weir_drop_cause {
	uint32_t size;
	uint8_t stage;         // enum weir_stage
	const char *reason;    // the reason's token
	const char *extension; // whose reason it is, "core" for the switch's own
};

// ---- The host
// --------------------------------------------------------------------------------------

struct weir_host {
	uint32_t size;
	uint16_t abi_major, abi_minor;
	void (*invalidate)(struct weir_attachment *, uint64_t id);
	int (*refresh)(struct weir_attachment *, weir_port_id port);
	int (*originate)(
		struct weir_attachment *, weir_port_id port, const void *bytes, size_t size);
	void (*log)(struct weir_attachment *, int level, const char *format, va_list arguments);
	// Minor version 1.
	unsigned n_workers;
	int (*timer)(struct weir_attachment *, uint64_t cookie, uint64_t delay_ms);
	int (*post)(struct weir_attachment *, uint64_t cookie);
	void (*drop_describe)(
		struct weir_attachment *, uint32_t drop, struct weir_drop_cause *cause);
	int (*ring_create)(struct weir_attachment *, size_t lane_bytes, struct weir_ring **ring);
	void (*ring_destroy)(struct weir_ring *);
	void *(*ring_reserve)(struct weir_ring *, unsigned worker, uint32_t size);
	void (*ring_flush)(struct weir_ring *, unsigned worker);
	const void *(*ring_next)(struct weir_ring *, unsigned lane, uint32_t *size);
	void (*ring_release)(struct weir_ring *, unsigned lane);
	int (*ring_wait)(struct weir_ring *, int timeout_ms);
	void (*ring_wake)(struct weir_ring *);
	void (*ring_touch)(struct weir_ring *);
	// Minor version 2.
	int (*sessions_end)(struct weir_attachment *, weir_port_id port, uint64_t cookie);
	int (*sessions_end_some)(
		struct weir_attachment *, weir_port_id port, const uint64_t *cookies, size_t n);
	int (*running)(struct weir_attachment *, unsigned n, const char *what);
};

// One extension on the stack of one switch. Valid from attach() to the return of detach().
struct weir_attachment {
	const struct weir_host *host;
	const char *switch_name;
};

// Makes every decision that called weir_depend() with this id void. Any thread.
static inline void weir_invalidate(struct weir_attachment *a, uint64_t id)
{
	a->host->invalidate(a, id);
}

// Asks for prepare() to be called again for a port (WEIR_PORT_NONE: the switch), soon. Control
// thread.
static inline int weir_refresh(struct weir_attachment *a, weir_port_id port)
{
	return a->host->refresh(a, port);
}

// Sends a frame into the switch at stage 1, as if port had sent it; WEIR_PORT_NONE: trusted, from
// nowhere. bytes are copied. -ENOENT: there is no such port; -EMSGSIZE; -ENOBUFS; -EPERM for a
// service. Control thread.
static inline int weir_originate(
	struct weir_attachment *a, weir_port_id port, const void *bytes, size_t size)
{
	return a->host->originate(a, port, bytes, size);
}

// level as for syslog(3). Control thread.
__attribute__((format(printf, 3, 4))) static inline void weir_log(
	struct weir_attachment *a, int level, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	a->host->log(a, level, format, arguments);
	va_end(arguments);
}

enum { WEIR_RUNNING_MAX = 31 }; // bytes of weir_running()'s text

// Says what goes on for clients without a call of theirs, and ends with the attachment: n of
// `what`, a word in the plural, such as "captures". Whoever detaches or replaces the extension, or
// tries to, is told what was said last; who removes its switch is not. It is copied. 0; -EINVAL:
// NULL, or longer than WEIR_RUNNING_MAX; -ENOSYS. Control thread.
static inline int weir_running(struct weir_attachment *a, unsigned n, const char *what)
{
	return WEIR_OFFERS(a->host, running) ? a->host->running(a, n, what) : -ENOSYS;
}

// How many workers there are: visits come from workers 0 to this minus 1. 0: a host of minor
// version 0, which does not tell. Any thread.
static inline unsigned weir_n_workers(const struct weir_attachment *a)
{
	return WEIR_OFFERS(a->host, n_workers) ? a->host->n_workers : 0;
}

enum { WEIR_TIMERS_MAX = 1024 }; // that one attachment can have set at a time
#define WEIR_TIMER_OFF UINT64_MAX

// Has timer() called with this cookie once, delay_ms milliseconds from now; one that is set already
// is set anew. WEIR_TIMER_OFF: not at all. Ends with the attachment. 0, -ENOMEM, -ENOSPC, -ENOSYS.
// Control thread.
static inline int weir_timer(struct weir_attachment *a, uint64_t cookie, uint64_t delay_ms)
{
	return WEIR_OFFERS(a->host, timer) ? a->host->timer(a, cookie, delay_ms) : -ENOSYS;
}

// Has timer() called with this cookie soon, from any thread of the extension but a worker: how its
// own threads reach the control thread. Until detach() returns; what is posted during detach() is
// not delivered. 0, -ENOMEM, -ENOSYS.
static inline int weir_post(struct weir_attachment *a, uint64_t cookie)
{
	return WEIR_OFFERS(a->host, post) ? a->host->post(a, cookie) : -ENOSYS;
}

// What an entry of weir_visit.drops means. The strings live as long as the process. A host of minor
// version 0, which has no such entries, fills in nothing: cause->size is 0 then, and else says how
// much is filled in. Any thread.
static inline void weir_drop_describe(
	struct weir_attachment *a, uint32_t drop, struct weir_drop_cause *cause)
{
	cause->size = WEIR_OFFERS(a->host, drop_describe) ? sizeof(*cause) : 0;
	if (cause->size)
		a->host->drop_describe(a, drop, cause);
}

// ---- Rings: records from workers to a thread of the extension
//
// A ring has a lane per worker. In a visit hook the worker reserves a record, fills it, and so on;
// at the end of the hook it hands over all of them with weir_ring_flush(). One thread of the
// extension takes the records of every lane in turn. Nothing here blocks or locks but
// weir_ring_wait(); a full lane loses the record, never a frame.

// A ring with lanes of at least lane_bytes each (rounded up to a power of two from 4 KB on, 1 GB at
// most, touched as used). 0, -EINVAL, -ENOMEM, -ENOSYS. Whoever has a ring has a host with all
// functions of this section. Control thread.
static inline int weir_ring_create(
	struct weir_attachment *a, size_t lane_bytes, struct weir_ring **ring)
{
	if (!WEIR_OFFERS(a->host, ring_create))
		return -ENOSYS;
	return a->host->ring_create(a, lane_bytes, ring);
}

// Has the system provide the memory of all lanes now, so that workers do not pay for it in their
// first rounds; as far as there is memory. Takes milliseconds: for a thread of the extension's own,
// before visits fill the ring or while they do.
static inline void weir_ring_touch(struct weir_attachment *a, struct weir_ring *ring)
{
	a->host->ring_touch(ring);
}

// No worker and no thread uses it any more: not before release() of the last state that names it.
// Accepts NULL. Control thread.
static inline void weir_ring_destroy(struct weir_attachment *a, struct weir_ring *ring)
{
	if (ring)
		a->host->ring_destroy(ring);
}

// Room for a record of size bytes, aligned to 8, in the lane of v->worker; NULL: the lane is full,
// or size is more than half a lane less 8. Visit hooks.
static inline void *weir_ring_reserve(struct weir_attachment *a, struct weir_ring *ring,
	const struct weir_visit *v, uint32_t size)
{
	return a->host->ring_reserve(ring, v->worker, size);
}

// Hands over what was reserved since the last flush, and wakes who waits. Visit hooks.
static inline void weir_ring_flush(
	struct weir_attachment *a, struct weir_ring *ring, const struct weir_visit *v)
{
	a->host->ring_flush(ring, v->worker);
}

// The oldest record of a lane (0 to weir_n_workers() - 1) and its size, borrowed until
// weir_ring_release() gives its room back; NULL: there is none. The ring's reading thread.
static inline const void *weir_ring_next(
	struct weir_attachment *a, struct weir_ring *ring, unsigned lane, uint32_t *size)
{
	return a->host->ring_next(ring, lane, size);
}

static inline void weir_ring_release(
	struct weir_attachment *a, struct weir_ring *ring, unsigned lane)
{
	a->host->ring_release(ring, lane);
}

// Blocks until a lane has a record, weir_ring_wake() is called, or timeout_ms (negative: none) is
// over; 1: there may be a record, 0: not. The ring's reading thread.
static inline int weir_ring_wait(struct weir_attachment *a, struct weir_ring *ring, int timeout_ms)
{
	return a->host->ring_wait(ring, timeout_ms);
}

// Ends a weir_ring_wait(), now or the next. Any thread.
static inline void weir_ring_wake(struct weir_attachment *a, struct weir_ring *ring)
{
	a->host->ring_wake(ring);
}

// ---- Calls
//
// A client asks an extension to do something now: a message of role CALL of its schema, checked
// before the extension sees it. call() answers at once or later: with any number of replies
// (messages of role REPLY of the same type) and of pieces of a byte stream, and then ends the call,
// exactly once. Fields with a format of FILE_... name files that the client opened: their
// descriptors come with the call, one for each such field that is set, in the order of the field
// numbers. All of this on the control thread.

struct weir_call;

enum { WEIR_STREAM_MAX = 1 << 20 }; // bytes of one piece

struct weir_call_ops {
	uint32_t size;
	int (*reply)(struct weir_call *, const void *bytes, size_t size);
	int (*stream)(struct weir_call *, const void *bytes, size_t size);
	void (*end)(struct weir_call *, const struct weir_error *refusal);
	int (*take_file)(struct weir_call *, unsigned i);
};

struct weir_call {
	const struct weir_call_ops *ops;
	const char *type;  // the call's type name in the schema
	const void *bytes; // the packed message; borrowed until the call ends, as is type
	size_t size;
	unsigned n_files;
	bool dry_run; // to be checked only: whether it would be refused
	void *user;   // the extension's own
};

// Sends a reply, which is checked against the schema; bytes are copied. 0; -EINVAL: it is no
// message of that type, which counts against the extension; -ENOBUFS: the client does not read;
// -EPIPE: it is gone, and call_gone() comes soon; -ENOMEM.
static inline int weir_call_reply(struct weir_call *c, const void *bytes, size_t size)
{
	return c->ops->reply(c, bytes, size);
}

// Sends a piece of the byte stream, at most WEIR_STREAM_MAX; bytes are copied. -EAGAIN: the client
// has more unread than fits; try again later, by a timer. Otherwise as weir_call_reply().
static inline int weir_call_stream(struct weir_call *c, const void *bytes, size_t size)
{
	return c->ops->stream(c, bytes, size);
}

// Ends the call, which is gone then. refusal: NULL: done; else why not.
static inline void weir_call_end(struct weir_call *c, const struct weir_error *refusal)
{
	c->ops->end(c, refusal);
}

// The descriptor of file i, which is the extension's to close from then on; those not taken are
// closed with the call. -EINVAL: there is none, or it was taken.
static inline int weir_call_take_file(struct weir_call *c, unsigned i)
{
	return c->ops->take_file(c, i);
}

// ---- Statuses and saved state

struct weir_status;

struct weir_status_ops {
	uint32_t size;
	int (*add)(struct weir_status *, const char *id, const void *bytes, size_t size);
};

// What status() answers into.
struct weir_status {
	const struct weir_status_ops *ops;
	const char *type; // the status's type name in the schema
};

// Adds one row: a packed message of role STATUS, copied. id: of the policy it is about, or any
// other name; "" or NULL for none. 0, -EINVAL (no message of that type), -ENOMEM.
static inline int weir_status_add(
	struct weir_status *s, const char *id, const void *bytes, size_t size)
{
	return s->ops->add(s, id, bytes, size);
}

struct weir_save;

struct weir_save_ops {
	uint32_t size;
	int (*write)(struct weir_save *, const void *bytes, size_t size);
};

struct weir_save {
	const struct weir_save_ops *ops;
};

// Appends to what is saved, in all at most 256 MB. 0, -ENOMEM, -EFBIG.
static inline int weir_save_write(struct weir_save *s, const void *bytes, size_t size)
{
	return s->ops->write(s, bytes, size);
}

// ---- Policers
//
// A policer limits the frames of all flows that are attached to it, on all workers together: a
// token bucket (RFC 2697, with one bucket) that counts the bits of frames or the frames themselves.
// A frame for which it has not enough is dropped at its place in the stack under the core's reason
// over-rate, counted at the port whose stage attached it; meters before that place have counted it,
// those behind have not. Nothing is paid for flows that are decided to be dropped, but before a
// visit: what it sees has paid.
//
// What frames cost is what they are on the wire, without FCS, as for meters: a segmentation-offload
// frame costs what its segments will, and passes or not as a whole. A frame that costs more than
// the burst passes when the bucket is full, and is paid off before the next one.
//
// In any T seconds at most rate * T + burst pass, and a quarter of the burst more where several
// workers share: each takes a millisecond's tokens at a time. The rate is neither missed nor
// exceeded in the long run. Choose a burst of some milliseconds at the rate: a sender that is held
// back by loss (TCP) needs about a round trip's worth of it, and at least some frames of 64 KB.
//
// What each passed and dropped is in `weirctl policer list`, by its key, which drop list, drop
// watch and trace tell too.
//
// One that is planned again by its key keeps its tokens, also with another rate and burst, which
// hold for all its flows as soon as the change is made.

// The bounds of rates and bursts; a burst has at least 1.
#define WEIR_POLICER_RATE_MIN_BPS     UINT64_C(1000)
#define WEIR_POLICER_RATE_MAX_BPS     UINT64_C(1000000000000)
#define WEIR_POLICER_BURST_MAX_BYTES  UINT64_C(1000000000)
#define WEIR_POLICER_RATE_MIN_FPS     UINT64_C(1)
#define WEIR_POLICER_RATE_MAX_FPS     UINT64_C(1000000000)
#define WEIR_POLICER_BURST_MAX_FRAMES UINT64_C(1000000000)

// The policer with this key (1 to 63 bytes of UTF-8) of this extension and target: made when new,
// with a full bucket. One that no prepared state asks for any more is removed. rate_bps: bits per
// second; burst_bytes: the bucket's depth. 0; -EINVAL: out of bounds, which the host says in a
// sentence when prepare() returns this without one of its own, or no key; -ENOSPC: a switch has
// 65,536 at most, likewise; -ENOMEM; -ENOSYS. Inside prepare().
static inline int weir_plan_policer(struct weir_plan *p, const char *key, uint64_t rate_bps,
	uint64_t burst_bytes, uint32_t *policer)
{
	return WEIR_OFFERS(p->ops, policer)
		       ? p->ops->policer(p, key, rate_bps, burst_bytes, policer)
		       : -ENOSYS;
}

// The same in frames per second, and a depth in frames: another policer than one of the same key
// that counts bits.
static inline int weir_plan_frame_policer(struct weir_plan *p, const char *key, uint64_t rate_fps,
	uint64_t burst_frames, uint32_t *policer)
{
	if (!WEIR_OFFERS(p->ops, frame_policer))
		return -ENOSYS;
	return p->ops->frame_policer(p, key, rate_fps, burst_frames, policer);
}

// Limits the flow's frames, with all other flows of the policer. Of several, each is paid in turn;
// what was paid before one refuses is not given back. 0 or -ENOSYS. Filter, forwarding.
static inline int weir_police(struct weir_decision *d, uint32_t policer)
{
	if (!WEIR_OFFERS(d->ops, police))
		return -ENOSYS;
	d->ops->police(d, policer);
	return 0;
}

// The same, with a reason of the extension's own (as for weir_drop()) for what is over the rate.
static inline int weir_police_as(struct weir_decision *d, uint32_t policer, unsigned reason)
{
	if (!WEIR_OFFERS(d->ops, police_as))
		return -ENOSYS;
	d->ops->police_as(d, policer, reason);
	return 0;
}

// ---- Sessions (minor version 2)
//
// A session pairs a flow with its replies. A decision opens it; the decisions about its further
// flows, on whichever worker they are made, find it. It is opened once, when the frame that was
// decided about is on its way: not while a decision is traced, not for one that drops the frame in
// the end, and not again because strict mode decides again. (Where the stages of an egress port
// read more than those before them they are decided apart, and later: what was opened before them
// stays, also when they drop the frame.)
//
// A session belongs to the name of the extension that opened it, and to the port at whose stage it
// did: another port's stages and other extensions do not see it. It is known by VLAN, protocol,
// addresses and ports, and for ICMP queries by their type; what a frame's addresses were before
// earlier rewrites does not matter. It is the same session for frames of the other direction.
// A hook that uses sessions has to read WEIR_SESSION_FIELDS.
//
// It ends idle_s seconds after its last frame, or absolute_s after its first. For TCP the switch
// watches SYN, FIN and RST: a connection that has not been answered, or whose opener has not said
// anything since, ends after 30 s without a frame; one that both sides have closed, or either has
// reset, after 10 s; as long as idle_s is not less. (A reset does not end it at once: whoever
// forges one would end connections of others.)
//
// Opening and ending make those decisions void that asked for the session: a flow that was dropped
// because there was none is decided anew. Nothing else has to be depended on or invalidated.
//
// How many there can be is set per switch and per port (`weirctl switch add --sessions`,
// `--port-sessions`). Cached frames of a session's flow cost what others do: their flow's counters
// are added to the session's once a second.

// What a hook has to read at its stage for calling anything of this section.
#define WEIR_SESSION_FIELDS (WEIR_FIELDS_5TUPLE | WEIR_FIELD_VLAN_ID)

enum {
	WEIR_SESSION_IDLE_MAX_S = 30 * 86400,
	WEIR_SESSION_ABSOLUTE_MAX_S = 100 * 86400,
};

// What is done with frames that would open a session when there is no room for one.
enum weir_session_full {
	WEIR_SESSION_FULL_DROP,   // dropped, as "session-full" of the core
	WEIR_SESSION_FULL_REASON, // dropped for a reason of the extension's
	WEIR_SESSION_FULL_PASS,   // passed on without a session
};

struct weir_session {
	uint32_t size;
	uint32_t idle_s;     // 1 to WEIR_SESSION_IDLE_MAX_S: ends after so many without a frame
	uint32_t absolute_s; // and after so many in any case; at most WEIR_SESSION_ABSOLUTE_MAX_S;
			     // 0: never
	uint64_t cookie;     // comes back to the extension with counters and last use when it ends.
			     // `session list` names the policy of the port whose serial it is
	uint32_t port_max;   // no room when the port has so many, of all extensions, if that is
			     // less than what the switch allows; 0: what the switch allows
	uint8_t full;        // enum weir_session_full
	uint8_t full_reason; // WEIR_SESSION_FULL_REASON: as for weir_drop()
	uint16_t reserved;   // 0
};

enum weir_session_direction {
	WEIR_SESSION_FORWARD, // as the flow that opened it
	WEIR_SESSION_REVERSE,
};

struct weir_session_found {
	uint32_t size;      // the caller's sizeof; what the host fills of it
	uint32_t direction; // enum weir_session_direction: of this flow
	uint64_t cookie;
};

// Whether a flow can open a session: IP, not malformed, with its L4 header if it is a fragment; of
// ICMP queries only (RFC 792 echo, timestamp, information, RFC 950 address mask; RFC 4443 echo).
static inline bool weir_session_fits(const struct weir_flow *flow)
{
	uint8_t type = ((const uint8_t *)&flow->l4_src)[1];

	if ((flow->l3 != WEIR_L3_IPV4 && flow->l3 != WEIR_L3_IPV6) || flow->malformed ||
		flow->l4 == WEIR_L4_NONE)
		return false;
	if (flow->l4 == WEIR_L4_ICMP)
		return type == 8 || type == 13 || type == 15 || type == 17;
	return flow->l4 != WEIR_L4_ICMPV6 || type == 128;
}

// Whether the flow's frames say what became of a packet that they quote: ICMP's destination
// unreachable, source quench, time exceeded, parameter problem (RFC 792), ICMPv6's errors (RFC
// 4443). A redirect quotes one too, but says where the next ones are to be sent: it is nothing that
// a session has asked for.
static inline bool weir_session_quotes(const struct weir_flow *flow)
{
	uint8_t type = ((const uint8_t *)&flow->l4_src)[1];

	if (flow->malformed)
		return false;
	if (flow->l4 == WEIR_L4_ICMP)
		return type == 3 || type == 4 || type == 11 || type == 12;
	return flow->l4 == WEIR_L4_ICMPV6 && type >= 1 && type <= 4;
}

// Opens a session for this flow, or keeps the one that it or its reverse has, whatever its cookie
// and times. A flow that does not fit passes without. On a flow's way four sessions of all
// extensions can be opened or asked for; one with more is dropped as "stack-too-complex" of the
// core. 0, -ENOSYS. Filter, forwarding.
static inline int weir_session(struct weir_decision *d, const struct weir_session *session)
{
	if (!WEIR_OFFERS(d->ops, session))
		return -ENOSYS;
	d->ops->session(d, session);
	return 0;
}

// Whether the flow is one of a session of this extension and port: 1, and *found is filled, or 0.
// A flow that passes is counted on the session and keeps it from being idle. -EINVAL: the hook
// does not read WEIR_SESSION_FIELDS, or may not ask; -ENOSYS. Filter, forwarding.
static inline int weir_session_find(struct weir_decision *d, struct weir_session_found *found)
{
	if (!WEIR_OFFERS(d->ops, session_find))
		return -ENOSYS;
	found->size = sizeof(*found);
	return d->ops->session_find(d, found);
}

// Drops those frames of this flow that do not quote a packet of a session of this extension and
// port, and passes the others on: an ICMP error about a connection, in either direction. Each frame
// is looked at; what it quotes must have been sent by whom it is for, and have gone the other way
// through the port. For flows that weir_session_quotes(); every
// frame of others is dropped. reason as for weir_drop(). 0, -ENOSYS. Filter, forwarding.
static inline int weir_session_related(struct weir_decision *d, unsigned reason)
{
	if (!WEIR_OFFERS(d->ops, session_related))
		return -ENOSYS;
	d->ops->session_related(d, reason);
	return 0;
}

enum weir_session_cause {
	WEIR_SESSION_IDLE,         // idle_s is over
	WEIR_SESSION_EXPIRED,      // absolute_s is over
	WEIR_SESSION_CLOSED,       // both sides have closed the TCP connection, or one has reset it
	WEIR_SESSION_PORT_REMOVED, // its port is gone
	WEIR_SESSION_ENDED,        // by weir_sessions_end()
	WEIR_SESSION_DETACHED,     // the extension leaves the switch
	WEIR_SESSION_REPLACED,     // it goes on with the version that has taken this one's place
};

// A session that has ended, as session_ended() is told.
struct weir_session_end {
	uint32_t size;
	uint32_t cause;    // enum weir_session_cause
	weir_port_id port; // at whose stage it was opened
	uint8_t l3;        // enum weir_l3
	uint8_t ip_proto;
	uint16_t vlan_id;   // 0 with untagged frames
	uint8_t ip_src[16]; // of the flow that opened it; IPv4: the first four bytes
	uint8_t ip_dst[16];
	uint16_t l4_src; // network order; ICMP: htons() of the type of the queries; 0 where
	uint16_t l4_dst; // there are no ports. ICMP: of that of the answers
	uint32_t reserved;
	uint64_t cookie;
	// Wire frames and bytes that ran its flows' programs, by enum weir_session_direction.
	uint64_t frames[2], bytes[2];
	uint64_t age_ms;  // since it was opened
	uint64_t idle_ms; // since its last frame
};

// Ends the extension's sessions at a port (WEIR_PORT_NONE: at all of the switch) with this cookie
// (0: with any); session_ended() is called for each within seconds. Returns how many, or -ENOSYS.
// Control thread.
static inline int weir_sessions_end(struct weir_attachment *a, weir_port_id port, uint64_t cookie)
{
	if (!WEIR_OFFERS(a->host, sessions_end))
		return -ENOSYS;
	return a->host->sessions_end(a, port, cookie);
}

// The same for the sessions with any of these n cookies, which are in ascending order. Each call
// walks through all sessions of the switch: many cookies are better told at once. Control thread.
static inline int weir_sessions_end_some(
	struct weir_attachment *a, weir_port_id port, const uint64_t cookies[/* n */], size_t n)
{
	if (!WEIR_OFFERS(a->host, sessions_end_some))
		return -ENOSYS;
	return a->host->sessions_end_some(a, port, cookies, n);
}

// ---- Fragments (minor version 2)
//
// Of a datagram in fragments only the first one has the L4 header. Whoever decides by ports says of
// a flow of first fragments what the later ones of each datagram are to meet at this place, and of
// a flow of later ones that they meet it. Fragments are of one datagram that agree in addresses,
// identification, VLAN and, of IPv4, protocol (RFC 791 3.2, RFC 8200 4.5), as they are at this
// place in the stack.
//
// What is remembered is seen by the extension that said it alone, at the same stage of the same
// port, on whichever worker. It is forgotten after 30 s, when anything about the port changes, its
// policies for one, and earlier when too many are to be remembered: a switch remembers some
// thousands, the oldest go first, and how many did is in `weirctl switch show`. A later fragment
// that overtakes its first one finds nothing yet.
//
// Where weir_session() drops a first fragment for lack of room, what the hook has remembered of it,
// before or behind that, is this: those behind it are dropped for the same reason. What is
// remembered names one policer: where a first fragment pays several, later ones pay that one.
//
// A hook that uses it has to read WEIR_FIELD_VLAN_ID. Nothing but the frames of fragments pay for
// it.

enum weir_fragment_action {
	WEIR_FRAGMENT_PASS,
	WEIR_FRAGMENT_DROP,   // for `reason`
	WEIR_FRAGMENT_POLICE, // passes as far as the policer lets it, else drops it as over-rate
};

struct weir_fragment_verdict {
	uint32_t size;
	uint8_t verdict;   // enum weir_fragment_action
	uint8_t reason;    // DROP: as for weir_drop()
	uint16_t reserved; // 0
	uint32_t policer;  // POLICE: of weir_plan_policer() or weir_plan_frame_policer()
};

// For flows of WEIR_FRAGMENT_FIRST, of others it says nothing: what becomes of the later fragments
// at this place. Each frame that comes to it is remembered. Before weir_drop(), if that is what
// becomes of the first. 0, -ENOSYS. Filter, forwarding.
static inline int weir_fragment_remember(
	struct weir_decision *d, const struct weir_fragment_verdict *verdict)
{
	if (!WEIR_OFFERS(d->ops, fragment_remember))
		return -ENOSYS;
	d->ops->fragment_remember(d, verdict);
	return 0;
}

// For flows of WEIR_FRAGMENT_LATER, of others it says nothing: each frame meets what is remembered
// of its first one, or what `unknown` says. What the hook says behind this is for those that pass.
// 0, -ENOSYS. Filter, forwarding.
static inline int weir_fragment_follow(
	struct weir_decision *d, const struct weir_fragment_verdict *unknown)
{
	if (!WEIR_OFFERS(d->ops, fragment_follow))
		return -ENOSYS;
	d->ops->fragment_follow(d, unknown);
	return 0;
}

// The class that the egress port's scheduler gets with the flow's frames. Filter, forwarding.
static inline int weir_egress_class(struct weir_decision *d, uint8_t class)
{
	if (!WEIR_OFFERS(d->ops, egress_class))
		return -ENOSYS;
	d->ops->egress_class(d, class);
	return 0;
}

// Orders what leaves a port. On the worker that owns the port's transmission, never two at once;
// must not block, allocate or lock. Without one a frame goes straight to the NIC.
struct weir_egress_scheduler {
	uint32_t size;
	// Takes n frames with their classes; returns how many, the rest is dropped as queue-full.
	unsigned (*enqueue)(void *context, struct weir_frame *const frames[/* n */],
		const uint8_t classes[/* n */], unsigned n, uint64_t now_ns);
	// Gives up to max frames of at most budget_bytes in all, in the order to be sent.
	unsigned (*dequeue)(void *context, struct weir_frame *frames[/* max */], unsigned max,
		uint64_t budget_bytes, uint64_t now_ns);
	// When dequeue() will have a frame; UINT64_MAX: not before the next enqueue().
	uint64_t (*next_ns)(void *context);
};

static inline int weir_plan_scheduler(
	struct weir_plan *p, const struct weir_egress_scheduler *scheduler, void *context)
{
	return WEIR_OFFERS(p->ops, scheduler) ? p->ops->scheduler(p, scheduler, context) : -ENOSYS;
}

// Which worker does what. Control thread; the core moves queues and buckets without reordering a
// flow and reports their load.
struct weir_steering {
	uint32_t size;
	// load[q]: busy share of receive queue q, 0 to 1; worker_of[q]: in: now, out: wanted.
	void (*queues)(
		void *context, const double load[/* n */], unsigned worker_of[/* n */], unsigned n);
	// The same for the buckets of the flow hash's indirection table.
	void (*buckets)(
		void *context, const double load[/* n */], unsigned worker_of[/* n */], unsigned n);
};

static inline int weir_plan_steering(
	struct weir_plan *p, const struct weir_steering *steering, void *context)
{
	return WEIR_OFFERS(p->ops, steering) ? p->ops->steering(p, steering, context) : -ENOSYS;
}

// ---- The descriptor
// --------------------------------------------------------------------------------

struct weir_drop_reason {
	const char *token; // stable, a-z 0-9 and "-", unique in the extension
	const char *text;  // for people, without a final stop
};

typedef void weir_decide(const void *state, const struct weir_flow *flow, struct weir_decision *d);

struct weir_extension {
	uint32_t size;
	uint16_t abi_major, abi_minor; // what it was built against
	enum weir_class class;
	const char *name;    // a-z, 0-9 and "-", at most WEIR_NAME_MAX - 1, none of
			     // WEIR_RESERVED_NAMES
	const char *version; // free text
	const char *summary; // one line
	uint64_t
		reads; // fields that the decide hooks read, unless weir_plan_reads() says otherwise
	const struct weir_drop_reason *drop_reasons;
	uint32_t n_drop_reasons; // at most WEIR_REASONS_MAX
	const void *schema; // serialized FileDescriptorSet with the extension's messages, or NULL
	size_t schema_size;

	// Decide hooks, on workers; each may be NULL. `state` is what commit() returned for the
	// port that the stage is about (ingress port; egress port at stages 5 and 6), NULL without
	// prepare() and for trusted frames from nowhere.
	weir_decide *ingress;
	weir_decide *forward;   // forwarding class only
	weir_decide *forwarded; // filter class only
	weir_decide *egress;
	weir_decide *dropped; // capture class only
	// On workers. May be NULL when no decision asks for visits.
	void (*visit)(const void *state, struct weir_visit *v);

	// Control thread; each may be NULL, but prepare() where the schema has policies.
	// Comes onto a switch's stack. *instance is the extension's own, passed to the other hooks;
	// NULL without attach().
	int (*attach)(struct weir_attachment *a, void **instance, struct weir_error *error);
	// Leaves it, or is replaced: no hook runs any more, every state has been released.
	void (*detach)(void *instance);
	// Builds in *prepared the state for a target. A refusal fills *error and leaves nothing
	// behind; it refuses the whole change (a capture extension can refuse its own policies
	// only).
	int (*prepare)(void *instance, const struct weir_target *target, struct weir_plan *plan,
		void **prepared, struct weir_error *error);
	// The change is made: returns the immutable state. NULL: *prepared is the state. When the
	// switch has no memory to publish it, the state is released at once, unseen by any worker,
	// and the one before stays in force.
	const void *(*commit)(void *instance, void *prepared);
	// The change is not made: frees what prepare() built. NULL: release() is called for it.
	void (*abort)(void *instance, void *prepared);
	// No worker holds this state any more: frees it. NULL: there is nothing to free.
	void (*release)(void *instance, const void *state);
	// Something is about to change; a negative errno and a sentence veto it. Not for capture.
	int (*review)(void *instance, const struct weir_event *event, struct weir_error *error);
	void (*event)(void *instance, const struct weir_event *event);

	// Minor version 1. Control thread; each may be NULL.
	// A timer or post is due.
	void (*timer)(void *instance, uint64_t cookie);
	// A client calls. 0: taken, and ended now or later; a negative errno with a sentence:
	// refused, and ended by that.
	int (*call)(void *instance, struct weir_call *call, struct weir_error *error);
	// The client of a call that has not ended went away, or the extension is being detached:
	// the call ends with the return.
	void (*call_gone)(void *instance, struct weir_call *call);
	// What can be observed of a port (WEIR_PORT_NONE: of the switch) now, by weir_status_add().
	int (*status)(void *instance, weir_port_id port, struct weir_status *status,
		struct weir_error *error);
	// State of a port (WEIR_PORT_NONE: of the switch) that no policy says, to be kept over a
	// restart or a replacement, or to go with the port to another host: written by
	// weir_save_write(). Writing nothing saves nothing. 0 or a negative errno with a sentence.
	int (*save)(void *instance, weir_port_id port, struct weir_save *save,
		struct weir_error *error);
	// What save() wrote, perhaps another version of the extension, perhaps on another host:
	// hostile until checked. For the switch before any prepare(), for a port before its first.
	// A refusal is reported, and the extension goes on without; but it refuses a replacement.
	int (*restore)(void *instance, weir_port_id port, uint32_t version, const void *bytes,
		size_t size, struct weir_error *error);
	uint32_t save_version; // of what save() writes

	// Minor version 2.
	// A session has ended; its counters are final. Or it is another version's from now on,
	// which is to be told like any end of a cause that is not known: the cookie does not come
	// back to this version. Control thread; may be NULL.
	void (*session_ended)(void *instance, const struct weir_session_end *end);
};

// ---- Replacement
//
// Another version of an extension, or the same one once more, can take the place of the loaded one
// on every switch, under traffic and without a frame dropped (`weirctl extension replace`). Both
// are in the process for a while; they know nothing of one another. On each switch
//
//  1. the new one is attached, beside the old one, which goes on as before;
//  2. for the switch, and then for each port, the old one's save() is called, the new one's
//     restore() gets what it wrote, and the new one's prepare() all policies. The schema of the new
//     version must take each of them. Up to here any refusal ends it: what the new one prepared is
//     aborted, it is detached, and the old one has noticed nothing but save();
//  3. when that is done on every switch, the new one's commit() is called and its stack published:
//     flows are decided by the new one from now on. The old one gets no events, calls, timers and
//     posts any more, and its calls end (call_gone());
//  4. flows that the old one decided are decided anew, in time that frames leave, or after a second
//     at their cost (weir_when_done() in embed.h has the bound); until then they run their
//     programs. The visits that those ask for go to the new one's visit(), with its states, at the
//     stages where it has a decide hook; in a batch that had begun, to the old one's;
//  5. then the old one is told of its sessions, its states are released, it is detached, and its
//     library unloaded.
//
// What belongs to the extension's name stays: policies and their ids and serials; meters, policers
// and learning limits that the new one plans by the same keys, with all they have counted; drop
// reasons by their tokens, of which all versions together can have WEIR_REASONS_MAX; ids of
// weir_depend(); its order, and whether it fails open.
//
// Sessions stay, with their cookies. A cookie goes back to the code that made it: session_ended()
// of the old one is called for each session that has ended, and with WEIR_SESSION_REPLACED for each
// that goes on. From then on it is the new one's, which is told of its end; weir_session_find() has
// shown it to the new one from step 3 on. So a cookie has to mean the same to every version that
// may follow, as a policy's serial does; it cannot be an address.
//
// What does not stay: what was remembered of fragments, so that later ones of datagrams under way
// meet what the new one says of unknown ones, as after a change of policy; timers and posts, which
// attach() and restore() of the new one set anew as they need; threads, rings and files of the old
// one, which it ends in detach(); and what it changes of its own state after save(), which visits
// may until step 5: counts that matter belong into meters.

// What the loader reads from the file before it loads it: an ELF note of type WEIR_NOTE_TYPE, named
// "Weir".
enum { WEIR_NOTE_TYPE = 1, WEIR_NOTE_MAGIC = 0x72696557 };

struct weir_note {
	uint32_t name_size, desc_size, type; // the ELF note header
	char owner[8];
	uint32_t magic;
	uint16_t abi_major, needs_minor;
	uint32_t class;
	uint32_t descriptor_size;
	char name[WEIR_NAME_MAX];
};

#define WEIR_DROP_REASONS(...)                                                                     \
	(const struct weir_drop_reason[]){ __VA_ARGS__ },                                          \
		sizeof((const struct weir_drop_reason[]){ __VA_ARGS__ }) /                         \
			sizeof(struct weir_drop_reason)

// Makes the descriptor and the note. name: a string literal; class: enum weir_class; then
// designated initialisers of struct weir_extension. drop_reasons = WEIR_DROP_REASONS({ "token",
// "text" }, ...) sets the count too.
#define WEIR_EXTENSION(extension_name, extension_class, ...)                                       \
	__attribute__((section(".note.weir"), used,                                                \
		aligned(4))) static const struct weir_note weir_note = {                           \
		.name_size = 5,                                                                    \
		.desc_size = sizeof(struct weir_note) - offsetof(struct weir_note, magic),         \
		.type = WEIR_NOTE_TYPE,                                                            \
		.owner = "Weir",                                                                   \
		.magic = WEIR_NOTE_MAGIC,                                                          \
		.abi_major = WEIR_ABI_MAJOR,                                                       \
		.needs_minor = WEIR_NEEDS_MINOR,                                                   \
		.class = (extension_class),                                                        \
		.descriptor_size = sizeof(struct weir_extension),                                  \
		.name = extension_name,                                                            \
	};                                                                                         \
	__attribute__((visibility("default")))                                                     \
	const struct weir_extension weir_extension = { .size = sizeof(struct weir_extension),      \
		.abi_major = WEIR_ABI_MAJOR,                                                       \
		.abi_minor = WEIR_ABI_MINOR,                                                       \
		.class = (extension_class),                                                        \
		.name = (extension_name),                                                          \
		__VA_ARGS__ }

// The one symbol that an extension exports.
extern const struct weir_extension weir_extension;

#endif
