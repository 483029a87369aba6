// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The datapath of one worker for one switch: its flow table, programs, meters and what is in flight
// during a batch. Owned by the worker; the control thread reads what is marked so.
//
// A batch goes in rounds: parse, mask, hash and prefetch the bucket; look up and prefetch the flow;
// run the hits; decide the misses and run them; call visits; send. Hits come first, so that a scan
// of new flows does not delay the frames of known ones.
//
// Deciding takes many times as long as a hit (tests/bench/setup, tests/bench/profile). While a
// receive queue of the worker does not drain (pressure.h says when that is), whatever waits there,
// known or new, is about to be lost. Then the worker limits the new flows of a batch, and the
// frames of others are dropped at once, under REASON_NEW_FLOW_SHED, which costs about what a hit
// does. Known flows are never shed: neither stale ones, nor those that have to be found under the
// masks before a change, nor those whose source has moved away. What they need is put off: until it
// is their turn stale flows go on as they were, and no longer than a sweep may take (scan.c).
//
// Where a port's egress stages read more than was read at ingress, the egress half is a flow of its
// own, known or new: behind an ingress flow of two addresses a scan of ports is as many new egress
// halves, and is shed there; meters that stand behind it do not count that. Three things are let
// through that are no new flows:
//
//     the half of the one destination (the last, of several) that a new ingress flow, once let in,
//     has for its first frame: two halves are one new flow;
//     what an extension makes or alters, which belongs to a flow that was let in;
//     for a second, halves that a program leads to which a known flow has come to have instead of
//     another: the frames of known flows meet halves there that they never needed before. In each
//     batch as many as known flows are decided anew: whoever has somebody's flow led elsewhere
//     every second must not be able to switch shedding off.
//
// All count as new flows, so that others get less. The halves of a flood are shed one by one,
// unless the last applies: each is one decision, and there may be as many as ports.
#ifndef DATAPATH_H
#define DATAPATH_H

#include "datapath/compose.h"
#include "datapath/drop_watch.h"
#include "datapath/flow_table.h"
#include "datapath/fragment.h"
#include "datapath/session_flow.h"
#include "datapath/snapshot.h"

enum {
	WAITING_MAX = 256,
	POSITIONS_MAX = 256, // hook_position()
	ORIGINATED_MAX = 256,
	HOPS_MAX = 8,
	REDECIDE_PER_BATCH = 16, // known flows decided anew in one batch, at most
	OUTPUTS = 8,             // transmit queues at hand; a power of two
	SWEEP_PATIENCE_NS = 1000000000,
};

// What waits for the visitors at one position, in the order in which it came.
struct visit_queue {
	unsigned n;
	const struct hook *hook; // the visitor of the first
	bool mixed;              // others have another visitor, or are not to be visited
	// One bit per frame: its TCP flags did not match. It waits to keep its flow in order.
	uint64_t passed_over[WAITING_MAX / 64];
	struct weir_frame *frames[WAITING_MAX];
	const struct op *visits[WAITING_MAX];        // where each frame's program stands
	const struct program *programs[WAITING_MAX]; // looked at again only within the batch
};

// A frame made by an extension, on its way into stage 1 or behind its originator.
struct originated {
	struct weir_frame *frame;
	uint16_t port;
	uint8_t start;
};

struct datapath {
	// Constant after creation.
	unsigned worker;
	struct flow_table *flows;
	struct program_table *programs;
	struct generation *generation;
	struct fdb *fdb;
	const struct snapshot *const *published; // the switch's
	const struct meter_owners *meter_owners;
	struct frame_pool *pool;
	struct drop_watch *const *watches; // who watches drops
	struct meter_bank meters;
	struct session_table *sessions;      // the switch's
	struct fragment_table *fragments;    // the switch's; NULL: none are remembered
	struct flow_sessions *flow_sessions; // by index of the flow
	struct policer_bank policers;

	// This batch.
	const struct snapshot *snapshot;
	uint64_t now;       // switch clock, read before the snapshot
	uint32_t valid_now; // the same as flow.valid_at has it
	// The same, or earlier when a stale flow had to run as it was: whatever this batch's frames
	// have run was decided, or was found to hold still, no earlier.
	uint64_t run_valid_at;
	uint64_t now_ns;
	uint32_t now_s;         // seconds
	uint32_t tick;          // flow_tick()
	bool met_stale;         // the last frames that were received met stale flows
	unsigned n_stale;       // of those since then, how often
	unsigned n_redecided;   // known flows of this batch, or of this share of a sweep
	unsigned redecide_max;  // of them, before others go on as they were
	unsigned n_led_to;      // halves that they have come to be led to
	unsigned n_new;         // unknown ones, egress halves among them
	unsigned new_max;       // of them, before the rest is shed
	struct tx_queue *dirty; // queues with frames
	// Of them, those that frames were sent to last, by the low bits of their ports; NULL: none.
	struct tx_queue *outputs[OUTPUTS];
	uint32_t samples; // random, for OP_COPY's 1 in N
	unsigned n_originated;
	struct originated originated[ORIGINATED_MAX];
	uint64_t waiting_positions[4]; // one bit per position where frames wait
	// Most frames of a batch wait for the same visitor: the visit that one came to wait for
	// last (visit_id() of visit.c, 0: none), and where it waits.
	uint64_t last_visit;
	uint32_t last_visitor;
	struct visit_queue *last_queue;
	struct visit_queue *waiting[POSITIONS_MAX];
	struct visit_queue *spare; // NULL: being visited

	// The scan through the flow table; scan.c explains it.
	uint32_t scan_at;           // UINT32_MAX: between two passes
	uint32_t scan_tick;         // when the last pass began, but for those of sweeps
	uint32_t n_new_since_pass;  // flows decided since
	uint32_t n_new_at_share;    // of them, before the last call
	uint32_t keep_ticks;        // how long a flow is kept unused
	uint32_t keep_single_ticks; // the same for one that has had a single frame
	uint32_t refresh_tick;      // when sources were last refreshed in the FDB
	bool refreshing;            // this pass does that
	bool sweeping;
	bool sweep_repeats;       // a pass of this sweep has left some
	uint64_t pass_target;     // this pass brings flows up to this time of the switch clock
	uint64_t pass_now;        // the switch clock when it began
	uint64_t before_first;    // ports whose frames are looked up under the masks before first
	unsigned n_before_first;  // batches of theirs
	uint64_t rekeyed_at;      // no flow here has the masks that a port had before this time
	uint32_t sweep_leftovers; // flows that this pass left: under old masks, or when crowded
	uint64_t sweep_started_ns;
	uint64_t put_off_ns;   // when it last was not the turn of a flow under old masks
	unsigned sweep_passes; // while the clock stood still

	// worker: w, control: r
	uint64_t swept_at; // no flow here was decided before this time of the switch clock
	uint64_t decisions, n_flows;
	struct slow_decides slow;
	struct fdb_moves moves;
	uint32_t n_session_flows; // flows that have sessions
	uint32_t sessions_told;   // flow_tick(): what flows counted up to then has been told
	// control: w, worker: r
	uint64_t sweep_wanted; // sweep until swept_at has reached this
};

struct datapath_options {
	unsigned worker;
	uint32_t n_flows;
	struct generation *generation;
	struct fdb *fdb;
	struct session_table *sessions;
	struct fragment_table *fragments; // may be NULL
	const struct snapshot *const *published;
	const struct meter_owners *meter_owners;
	struct frame_pool *pool;
	const uint64_t *slow_limit;        // see slow.h
	struct drop_watch *const *watches; // who watches drops: RCU; may be NULL
};

// NULL: no memory. Control thread.
struct datapath *datapath_create(const struct datapath_options *options);
// No worker may use it any more. Control thread.
void datapath_destroy(struct datapath *dp);

// Begins a batch: takes the clock and the snapshot. Nothing is shed, and REDECIDE_PER_BATCH known
// flows may be decided anew, unless the caller sets new_max and redecide_max afterwards. Worker,
// online in RCU, here and below.
void datapath_begin(struct datapath *dp, uint64_t now_ns);
// Runs the frames that a port received. Takes ownership.
void datapath_receive(
	struct datapath *dp, uint16_t port, struct weir_frame *frames[/* n */], unsigned n);
// Ends it: visits, originated frames, transmission, garbage.
void datapath_end(struct datapath *dp);
// True when datapath_scan() has something to do. Any time.
bool datapath_scan_due(const struct datapath *dp, uint64_t now_ns);
// A share of the upkeep: ageing of idle flows, refresh of the FDB, sweep. True while a pass is
// under way, or a sweep is wanted.
bool datapath_scan(struct datapath *dp);
// The sweep that is under way has waited long enough for time that frames leave. now_ns: not that
// of the last batch, as a switch whose ports are silent has none.
static inline bool datapath_sweep_is_late(const struct datapath *dp, uint64_t now_ns)
{
	return dp->sweeping && now_ns - dp->sweep_started_ns > SWEEP_PATIENCE_NS;
}
// All that it could do now is to look again at what waits for its turn, and it is not late.
bool datapath_sweep_can_wait(const struct datapath *dp, uint64_t now_ns);

// ---- Inside the datapath

// Runs a program from operation `from` on. Takes the frame.
void datapath_run(struct datapath *dp, struct weir_frame *frame, const struct program *program,
	unsigned from);
// The same for n frames of one flow, in their order. wire: wire_of() all. Takes the frames; the
// array is overwritten.
void datapath_run_all(struct datapath *dp, struct weir_frame *frames[/* n */], unsigned n,
	uint64_t wire, const struct program *program, unsigned from);
// Looks up, or decides, what happens to a frame at a port from a position on, and runs it. Takes
// the frame.
void datapath_decide_and_run(
	struct datapath *dp, struct weir_frame *frame, uint16_t port, uint8_t start);
// Flows of the port may still be known only under the masks before a change.
static inline bool datapath_masks_are_changing(
	const struct datapath *dp, const struct snapshot_port *port)
{
	return port->masks_changed_at > dp->rekeyed_at;
}
// The same for received frames of one flow, in their order, that was not in the table when their
// batch was looked up. It is decided once, also when there is no place for it. The key is masked,
// of n_words; its other words are written. again: an earlier frame of the batch may have made the
// flow since. Takes the frames, and may shed them.
void datapath_miss(struct datapath *dp, struct weir_frame *frames[/* n */], unsigned n,
	const struct snapshot_port *port, struct flow_key *key, unsigned n_words, uint32_t hash,
	bool again);
// Decides what happens to a frame that a visit sends to another port: stages 4 to 6 from position
// start on. Nothing is cached. Takes the frame.
void datapath_redirect(struct datapath *dp, struct weir_frame *frame, uint8_t start, uint16_t to);
// What lets an egress half be decided that is not in the table, under pressure.
enum half_claim {
	HALF_UNCLAIMED,
	HALF_LED_TO,   // known flows have come to be led to it: REDECIDE_PER_BATCH of them
	HALF_ADMITTED, // it belongs to a flow that has been let in
};
// Runs the egress half of a port for the frame. Takes the frame. late: operations for
// datapath_account(); of those only what a visitor's frames have to pass when the egress half is
// decided to be dropped.
void datapath_deliver(struct datapath *dp, struct weir_frame *frame, uint16_t port, uint8_t start,
	enum weir_forwarded forwarded, enum half_claim claim, const struct op late[/* n */],
	unsigned n_late);
// Decides a flow anew from its key. frame: one of its, that it is for; NULL: none, and what needs
// one is left to the next. False: there was no memory for the program; it keeps the old one.
bool datapath_redecide(struct datapath *dp, struct flow *flow, const struct weir_frame *frame);
// Has the flow's next frame decide it anew, before anything is done with it. It stays known, so
// that the frame is not shed as a new flow's.
void datapath_leave_to_frame(struct datapath *dp, struct flow *flow);
// The whole of the flow's valid_at. A flow in use is brought up to now within a few batches or by
// the next sweep, and one that is not is forgotten: long before the clock has moved as often as the
// half that it keeps can tell.
static inline uint64_t datapath_valid_at(const struct datapath *dp, const struct flow *flow)
{
	return dp->now -
	       (dp->valid_now - (flow->valid_at & ~(FLOW_TIME_UNIT - 1))) / FLOW_TIME_UNIT;
}
// Has it looked at before its next frame runs.
static inline void datapath_make_stale(const struct datapath *dp, struct flow *flow)
{
	flow->valid_at = dp->valid_now - FLOW_TIME_UNIT; // whatever is not now
}
// True when nothing that the flow depends on has changed since; brings valid_at up to now.
bool datapath_fresh(struct datapath *dp, struct flow *flow);
// Before this frame of the flow runs its program: if what it depends on has changed, it is decided
// anew, as long as this batch has not done its share.
void datapath_refresh(struct datapath *dp, struct flow *flow, const struct weir_frame *frame);
// A frame runs the flow's program, stale as it may be.
static inline void datapath_note_stale(struct datapath *dp, const struct flow *flow)
{
	uint64_t valid_at = datapath_valid_at(dp, flow);

	if (valid_at < dp->run_valid_at)
		dp->run_valid_at = valid_at;
}

// Tells what the flow has counted, and lets go of what it has.
static inline void sessions_drop(struct datapath *dp, struct flow *flow)
{
	if (flow_rest(dp->flows, flow)->has_sessions)
		sessions_drop_now(dp, flow);
}

// Whether none of its sessions was opened or has ended since flow->valid_at.
static inline bool sessions_fresh(const struct datapath *dp, const struct flow *flow)
{
	return !flow_rest(dp->flows, flow)->has_sessions || sessions_are_fresh(dp, flow);
}

// Counts the frame on meters, pays for it to policers, and asks what lets single frames through
// (OP_RELATED, OP_FOLLOW), in the order of n operations. False: it has been dropped.
bool datapath_account(
	struct datapath *dp, struct weir_frame *frame, const struct op ops[/* n */], unsigned n);

// All that says which hook a visit is for, but the visitor; of no visit it is 0.
static inline uint64_t visit_id(const struct op *visit)
{
	uint64_t id;

	_Static_assert(OP_VISIT != 0 && offsetof(struct op, arg) == sizeof(id), "see above");
	memcpy(&id, visit, sizeof(id));
	return id;
}

static inline void visit_queue_append(struct visit_queue *queue, struct weir_frame *frame,
	const struct program *program, const struct op *visit)
{
	queue->frames[queue->n] = frame;
	queue->visits[queue->n] = visit;
	queue->programs[queue->n] = program;
	queue->n++;
}

// For another visitor than the frame before, where there is no room left, or where not every frame
// is visited.
void datapath_wait_anywhere(struct datapath *dp, struct weir_frame *frame,
	const struct program *program, const struct op *visit);
// Has the frame wait for this visit of its program; when the extension has left the stack since,
// the program goes on. Takes the frame.
static inline void datapath_wait(struct datapath *dp, struct weir_frame *frame,
	const struct program *program, const struct op *visit)
{
	if (__builtin_expect(visit_id(visit) == dp->last_visit && visit->arg == dp->last_visitor &&
				     dp->last_queue->n < WAITING_MAX,
		    1))
		visit_queue_append(dp->last_queue, frame, program, visit);
	else
		datapath_wait_anywhere(dp, frame, program, visit);
}
static inline void datapath_wait_all(struct datapath *dp, struct weir_frame *const frames[/* n */],
	unsigned n, const struct program *program, const struct op *visit)
{
	for (unsigned i = 0; i < n; i++)
		datapath_wait(dp, frames[i], program, visit);
}
static inline bool datapath_visits_wait(const struct datapath *dp)
{
	return dp->waiting_positions[0] | dp->waiting_positions[1] | dp->waiting_positions[2] |
	       dp->waiting_positions[3];
}

// Calls the visitors of all that wait, in the order of positions, until nothing does.
void datapath_visit_all(struct datapath *dp);

// The queue of frames for a port, with room for one more at least and sent by datapath_flush();
// NULL: the port is gone or down. Good until something else may flush.
struct tx_queue *datapath_find_tx_queue(struct datapath *dp, uint16_t port);
static inline struct tx_queue *datapath_tx_queue(struct datapath *dp, uint16_t port)
{
	struct tx_queue *queue = dp->outputs[port % OUTPUTS];

	if (__builtin_expect(queue && queue->port == port && queue->n < NIC_BATCH, 1))
		return queue;
	return datapath_find_tx_queue(dp, port);
}
// Drops a frame for a port without a queue.
void datapath_drop_unsent(struct datapath *dp, struct weir_frame *frame, uint16_t port);
// Puts the frame into the port's transmit queue. Takes the frame.
static inline void datapath_transmit(struct datapath *dp, struct weir_frame *frame, uint16_t port)
{
	struct tx_queue *queue = datapath_tx_queue(dp, port);

	if (__builtin_expect(queue != NULL, 1))
		queue->frames[queue->n++] = frame;
	else
		datapath_drop_unsent(dp, frame, port);
}
// Whether the frame is no larger than the port's MTU allows.
bool datapath_fits(const struct snapshot_port *port, const struct weir_frame *frame);
void datapath_flush(struct datapath *dp);
void datapath_flush_queue(struct datapath *dp, struct tx_queue *queue);

// Ends the frame under a reason that came up at run time, counted at the port (the frame's own, if
// that is gone). Stage 7 of the port sees it first.
void datapath_drop(struct datapath *dp, struct weir_frame *frame, uint16_t port,
	enum weir_stage stage, uint16_t reason);
// The same of one that is over the rate of this policer.
void datapath_drop_over_rate(struct datapath *dp, struct weir_frame *frame, uint16_t port,
	enum weir_stage stage, uint16_t reason, uint32_t policer);
// The same for a flow that was decided to be dropped: its program had stage 7 in it.
void datapath_drop_decided(struct datapath *dp, struct weir_frame *frame, uint16_t port,
	enum weir_stage stage, uint16_t reason);
// Runs stage 7 of the port for a copy of a frame that is being dropped; the frame stays the
// caller's. A copy that is dropped itself is not shown again. The copy carries why in its `hash`,
// which is the NIC's alone and of no use behind the receive queue: DROP_CAUSE(). Flows are decided
// by the port's masks whatever the cause is, so that the program, which ends in OP_END, has none.
enum { // in weir_frame.flags
	FRAME_TAPPED = 1 << 15,
	FRAME_ADMITTED = 1 << 14, // the first of a flow let in, or an extension's: see at the top
};
void datapath_tap_drop(struct datapath *dp, struct weir_frame *frame,
	const struct snapshot_port *port, uint32_t cause);
// A private frame, cloned when others hold it too; NULL: dropped, counted.
struct weir_frame *datapath_private(struct datapath *dp, struct weir_frame *frame);
// A buffer, sending what waits when the pool is used up. NULL: there is none.
struct weir_frame *datapath_alloc(struct datapath *dp, uint32_t size);
struct weir_frame *datapath_clone(struct datapath *dp, const struct weir_frame *frame);

static inline struct port_counters *datapath_counters(
	const struct datapath *dp, const struct snapshot_port *port)
{
	return &port->runtime.counters[dp->worker];
}

#endif
