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
// Deciding takes ten times as long as a hit. While a receive queue of the worker does not drain
// (worker.h says when that is), whatever waits there, known or new, is about to be lost. Then the
// worker lets few new flows be decided, and the frames of others are dropped at once, under
// REASON_NEW_FLOW_SHED. That costs about what a hit does, so that known flows get nearly all they
// would have alone, and it ends as soon as the queue has drained. Known flows are never shed:
// neither stale ones, nor those that have to be found under the masks before a change, nor those
// whose source has moved away. Where a port's egress stages read more than was read at ingress, the
// egress half is a flow of its own, new or known; one that is shed there is not counted by meters
// that stand behind it.
#ifndef DATAPATH_H
#define DATAPATH_H

#include "datapath/compose.h"
#include "datapath/flow_table.h"
#include "datapath/snapshot.h"

enum {
	WAITING_MAX = 256,
	POSITIONS_MAX = 256, // hook_position()
	ORIGINATED_MAX = 256,
	HOPS_MAX = 8,
	REDECIDE_PER_BATCH = 16, // known flows decided anew in one batch
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
	struct meter_bank meters;
	struct policer_bank policers;

	// This batch.
	const struct snapshot *snapshot;
	uint64_t now; // switch clock, read before the snapshot
	uint64_t now_ns;
	uint32_t now_s;         // seconds
	uint32_t tick;          // flow_tick()
	unsigned n_redecided;   // known flows of this batch
	unsigned n_new;         // unknown ones
	unsigned new_max;       // of them, before the rest is shed
	struct tx_queue *dirty; // queues with frames
	uint32_t samples;       // random, for OP_COPY's 1 in N
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
	uint64_t pass_target;     // the switch clock when this pass began
	uint64_t rekeyed_at;      // no flow here has the masks that a port had before this time
	uint32_t sweep_leftovers; // flows under old masks that this pass left
	uint64_t sweep_started_ns;
	unsigned sweep_passes;

	// worker: w, control: r
	uint64_t swept_at; // no flow here was decided before this time of the switch clock
	uint64_t decisions, n_flows;
	struct slow_decides slow;
	struct fdb_moves moves;
	// control: w, worker: r
	uint64_t sweep_wanted; // sweep until swept_at has reached this
};

struct datapath_options {
	unsigned worker;
	uint32_t n_flows;
	struct generation *generation;
	struct fdb *fdb;
	const struct snapshot *const *published;
	const struct meter_owners *meter_owners;
	struct frame_pool *pool;
	const uint64_t *slow_limit; // see slow.h
};

// NULL: no memory. Control thread.
struct datapath *datapath_create(const struct datapath_options *options);
// No worker may use it any more. Control thread.
void datapath_destroy(struct datapath *dp);

// Begins a batch: takes the clock and the snapshot. Nothing is shed, unless the caller sets new_max
// afterwards. Worker, online in RCU, here and below.
void datapath_begin(struct datapath *dp, uint64_t now_ns);
// Runs the frames that a port received. Takes ownership.
void datapath_receive(
	struct datapath *dp, uint16_t port, struct weir_frame *frames[/* n */], unsigned n);
// Ends it: visits, originated frames, transmission, garbage.
void datapath_end(struct datapath *dp);
// True when datapath_scan() has something to do. Any time.
bool datapath_scan_due(const struct datapath *dp, uint64_t now_ns);
// A share of the upkeep: ageing of idle flows, refresh of the FDB, sweep. True while a sweep is
// under way.
bool datapath_scan(struct datapath *dp);

// ---- Inside the datapath

// Runs a program from operation `from` on. Takes the frame.
void datapath_run(struct datapath *dp, struct weir_frame *frame, const struct program *program,
	unsigned from);
// Looks up, or decides, what happens to a frame at a port from a position on, and runs it. Takes
// the frame.
void datapath_decide_and_run(
	struct datapath *dp, struct weir_frame *frame, uint16_t port, uint8_t start);
// The same for a received frame whose flow was not in the table when its batch was looked up. The
// key is masked, of n_words; its other words are written. again: an earlier frame of the batch may
// have made the flow since. Takes the frame, and may shed it.
void datapath_miss(struct datapath *dp, struct weir_frame *frame, const struct snapshot_port *port,
	struct flow_key *key, unsigned n_words, uint32_t hash, bool again);
// Decides what happens to a frame that a visit sends to another port: stages 4 to 6 from position
// start on. Nothing is cached. Takes the frame.
void datapath_redirect(struct datapath *dp, struct weir_frame *frame, uint8_t start, uint16_t to);
// Runs the egress half of a port for the frame. Takes the frame. late: meters and policers, for
// datapath_account() unless the egress half is decided to be dropped.
void datapath_deliver(struct datapath *dp, struct weir_frame *frame, uint16_t port, uint8_t start,
	enum weir_forwarded forwarded, const struct op late[/* n */], unsigned n_late);
// Decides a flow anew from its key. False: there was no memory for the program; it keeps the old
// one.
bool datapath_redecide(struct datapath *dp, struct flow *flow, bool learn);
// True when nothing that the flow depends on has changed since; brings valid_at up to now.
bool datapath_fresh(struct datapath *dp, struct flow *flow);

// Counts the frame on meters and pays for it to policers, in the order of n operations. False: it
// was over a rate, and has been dropped.
bool datapath_account(
	struct datapath *dp, struct weir_frame *frame, const struct op ops[/* n */], unsigned n);

// Has the frame wait for this visit of its program; when the extension has left the stack since,
// the program goes on. Takes the frame.
void datapath_wait(struct datapath *dp, struct weir_frame *frame, const struct program *program,
	const struct op *visit);
static inline bool datapath_visits_wait(const struct datapath *dp)
{
	return dp->waiting_positions[0] | dp->waiting_positions[1] | dp->waiting_positions[2] |
	       dp->waiting_positions[3];
}

// Calls the visitors of all that wait, in the order of positions, until nothing does.
void datapath_visit_all(struct datapath *dp);

// The queue of frames for a port, with room for one more at least and sent by datapath_flush();
// NULL: the port is gone or down. Good until something else may flush.
struct tx_queue *datapath_tx_queue(struct datapath *dp, uint16_t port);
// Puts the frame into the port's transmit queue. Takes the frame.
void datapath_transmit(struct datapath *dp, struct weir_frame *frame, uint16_t port);
void datapath_flush(struct datapath *dp);
void datapath_flush_queue(struct datapath *dp, struct tx_queue *queue);

// Ends the frame under a reason that came up at run time, counted at the port (the frame's own, if
// that is gone). Stage 7 of the port sees it first.
void datapath_drop(struct datapath *dp, struct weir_frame *frame, uint16_t port,
	enum weir_stage stage, uint16_t reason);
// The same for a flow that was decided to be dropped: its program had stage 7 in it.
void datapath_drop_decided(struct datapath *dp, struct weir_frame *frame, uint16_t port,
	enum weir_stage stage, uint16_t reason);
// Runs stage 7 of the port for a copy of a frame that is being dropped; the frame stays the
// caller's. A copy that is dropped itself is not shown again. The copy carries why in its `hash`,
// which is the NIC's alone and of no use behind the receive queue: DROP_CAUSE(). Flows are decided
// by the port's masks whatever the cause is, so that the program, which ends in OP_END, has none.
enum { FRAME_TAPPED = 1 << 15 }; // in weir_frame.flags
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
