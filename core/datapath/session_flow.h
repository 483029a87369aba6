// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Which sessions each flow of a worker has: it holds those that it counts on, and watches those
// that it was decided without. Beside the flow table, in lines of their own that are touched when a
// flow with sessions is decided, once a second, and when it is forgotten.
#ifndef SESSION_FLOW_H
#define SESSION_FLOW_H

#include "datapath/compose.h"
#include "datapath/flow_table.h"

struct datapath;

struct flow_session {
	uint32_t at;       // held: index of the session; watched: session_watcher()
	uint16_t slot;     // what moves when it opens or ends
	uint8_t kind;      // enum flow_session_kind
	uint8_t direction; // enum weir_session_direction
};

enum flow_session_kind {
	FLOW_SESSION_NONE, // and none behind it
	FLOW_SESSION_HELD,
	FLOW_SESSION_WATCHED,
	FLOW_SESSION_ROOM, // waits for room
};

struct flow_sessions {
	_Alignas(64) struct flow_session uses[SESSION_USES_MAX];
	uint64_t told_frames, told_bytes; // of the flow's counters
};

_Static_assert(sizeof(struct flow_sessions) == 64, "one cache line");

// What a composition has taken, before a flow has it.
struct session_hold {
	struct flow_session uses[SESSION_USES_MAX];
	bool stale; // something was opened or has ended since it was composed
};

// For n flows; touched as used. NULL: no memory. Control thread.
struct flow_sessions *flow_sessions_create(uint32_t n);
void flow_sessions_destroy(struct flow_sessions *sessions, uint32_t n);

// ---- The datapath's worker

// Holds and opens what the composition asks for, and says whom it watches. Where there is no room:
// returns those sessions, one bit each, and nothing has been taken.
unsigned sessions_take(
	struct datapath *dp, const struct composition *composition, struct session_hold *hold);
// The same without a frame: opens nothing, and keeps no session from being idle. False: something
// would have to be opened, and nothing has been taken.
bool sessions_take_existing(struct datapath *dp, const struct flow *flow,
	const struct composition *composition, struct session_hold *hold);
void sessions_let_go(struct datapath *dp, const struct session_hold *hold);
// Counts a frame that no flow does, and lets go.
void sessions_count(
	struct datapath *dp, const struct session_hold *hold, const struct weir_frame *frame);
// The flow, which has none, has these from here on, with what it counts from here on.
void sessions_adopt(struct datapath *dp, struct flow *flow, const struct session_hold *hold);

// Drops those of all flows. No worker uses the datapath any more. Control thread.
void datapath_drop_sessions(struct datapath *dp);

void sessions_drop_now(struct datapath *dp, struct flow *flow);
void sessions_tell_now(struct datapath *dp, const struct flow *flow);
bool sessions_are_fresh(const struct datapath *dp, const struct flow *flow);

#endif
