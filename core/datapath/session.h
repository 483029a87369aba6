// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The sessions of a switch: flows paired with their replies (weir/extension.h has the service).
//
// One table, shared by all workers. A worker comes here when it decides about a flow that asks for
// a session, when it forgets one, once a second for each such flow in use, and with the frames of
// TCP that begin or end a connection: never with the others.
//
// Concurrency. A bucket's lock guards its chain and the TCP state of the sessions in it; it is held
// for a few loads and stores, by workers and by the control thread, and by nobody while anything
// else is waited for. Workers put sessions in; only the control thread takes them out. Who holds
// one (session.users) may use it without the lock: what is counted and when it was used are
// atomics.
//
// The end of a session has two steps. session_close() takes it out of its chain, so that nobody
// finds it, and makes the decisions void that rest on it. Its place is kept until the last flow
// that holds it has been decided anew or forgotten, and has told what it counted; then
// session_table_run() reports it, with exact counts, and frees the place.
//
// Generations. Opening a session makes void what was decided for lack of it. Moving the switch's
// clock has every flow look at its generations again, so it is done only when such a decision is
// cached somewhere: flows that were decided without finding their session are counted as watchers,
// by hash. A watcher registers first and looks again second; who opens puts the session in first
// and looks for watchers second: one of the two sees the other (session_flow.c).
#ifndef SESSION_H
#define SESSION_H

#include <weir/extension.h>

#include "datapath/generation.h"
#include "datapath/key.h"

enum {
	SESSIONS_DEFAULT = 131072,
	SESSION_WATCHERS = 1 << 20, // 4 MB a switch, of which only what is used is touched
	SESSION_PORTS = 1 << 16,
	SESSION_HANDSHAKE_S = 30,
	SESSION_CLOSED_S = 10,
};

// What a session is known by: the same for a flow and its reverse. Words:
//  0     owner << 48 | port << 32 | VLAN << 16 | L3 kind << 8 | protocol
//  1     L4 port of the lower end | of the higher end << 16
//  2, 3  address of the lower end; 4, 5 of the higher
// The lower end is the one with the lower address, or port, read as numbers of the machine.
struct session_key {
	uint64_t w[6];
};

enum session_state {
	SESSION_OPEN, // no TCP, or none whose beginning was seen
	SESSION_SYN_SENT,
	SESSION_SYN_RECEIVED, // answered; the opener has said nothing since
	SESSION_ESTABLISHED,
	SESSION_CLOSING, // one side is done
	SESSION_CLOSED,
};

struct session {
	// Constant from session_enter() on, but for next.
	_Alignas(64) struct session_key key;
	uint32_t next;       // index; in the chain: the bucket's lock; free: the free list
	uint32_t users;      // flows that hold it; atomic
	uint32_t before;     // frames of the opener before this connection; the bucket's lock
	uint16_t attachment; // that opened it, or came after that one. control: rw
	uint8_t state;       // enum session_state; the bucket's lock
	uint8_t flags;       // enum session_flag

	uint64_t cookie;
	uint64_t frames[2], bytes[2]; // by enum weir_session_direction; atomic
	uint32_t opened;              // flow_tick()
	uint32_t used; // flow_tick() of the last frame, as far as it was told; atomic
	uint32_t idle_s, absolute_s;
	weir_port_id port;
	uint8_t finished; // 1 << direction: that side has sent FIN; the bucket's lock
	uint8_t n_syns;   // of the opener, 255: or more; the bucket's lock
	uint8_t cause;    // enum weir_session_cause; control
	uint8_t end;      // enum session_end; control, but for session_enter()
};

_Static_assert(sizeof(struct session) == 128, "two cache lines");

// Constant.
enum session_flag {
	SESSION_FROM_HIGH = 1 << 0, // the higher end opened it
	SESSION_AT_EGRESS = 1 << 1, // the flow that opened it went to the port
};

// A byte apart: workers read the flags while it ends.
enum session_end {
	SESSION_ENDED = 1 << 0,
	SESSION_TOLD = 1 << 1, // its end has been reported
};

struct session_bucket {
	uint32_t lock;
	uint32_t head; // index + 1; 0: empty
};

struct session_table {
	// Constant after creation.
	struct session *sessions;
	struct session_bucket *buckets;
	uint32_t *due;      // by session: the second in which to look at it; 0: free. Atomic
	uint32_t *watchers; // flows by hash; atomic
	uint32_t *at_port;  // sessions by index of the port; atomic
	uint32_t capacity, port_max, bucket_mask;
	struct generation *generation;
	uint64_t seed[7];

	// Written when a session is opened or has ended; atomic.
	_Alignas(64) uint64_t free; // count of changes << 32 | index + 1 of the first
	uint32_t high_water;        // sessions[high_water..] have never been used
	uint32_t n;                 // places that are taken
	uint64_t n_refused;         // for lack of room, since the start
	uint32_t wanted;            // there was none since the last run
	uint32_t freed;             // some was, since that was last told
};

// capacity: sessions; port_max: of them at one port. NULL: no memory. Control thread.
struct session_table *session_table_create(
	struct generation *generation, uint32_t capacity, uint32_t port_max);
// Nobody uses it any more. Accepts NULL.
void session_table_destroy(struct session_table *table);

// The key of a flow's session. owner: number of the extension; port: index. *reverse: the flow goes
// from the higher end to the lower. False: such a flow has none.
bool session_key_make(const struct flow_key *key, uint16_t owner, uint16_t port,
	struct session_key *session, bool *reverse);
// The same for the packet that an ICMP error quotes. False: it quotes none, or not one that was
// sent by whom the error is for.
bool session_key_quoted(const struct weir_frame *frame, uint16_t vlan, uint16_t owner,
	uint16_t port, struct session_key *session, bool *reverse);
uint64_t session_hash(const struct session_table *table, const struct session_key *key);

static inline uint32_t session_watcher(uint64_t hash)
{
	return (uint32_t)(hash >> 32) & (SESSION_WATCHERS - 1);
}

static inline uint16_t session_slot(uint64_t hash)
{
	return generation_slot(GENERATION_SESSION, hash);
}

// The slot of what was decided for lack of room.
static inline uint16_t session_room_slot(void)
{
	return generation_slot(GENERATION_SESSION, 0);
}

static inline enum weir_session_direction session_direction(
	const struct session *session, bool reverse)
{
	return (session->flags & SESSION_FROM_HIGH ? 1 : 0) ^ reverse ? WEIR_SESSION_REVERSE
								      : WEIR_SESSION_FORWARD;
}

// What a decision says of the session that it opens.
struct session_spec {
	uint64_t cookie;
	uint32_t idle_s, absolute_s;
	uint32_t port_max;
	weir_port_id port;
	uint16_t attachment;
	uint16_t at_egress;   // the flow goes to the port
	uint16_t reserved[2]; // no byte is left unset
};

// ---- Workers. tick: flow_tick() of now; now_s: seconds.

// Whether there is one; what of it a decision may rest on.
bool session_look(const struct session_table *table, const struct session_key *key, uint64_t hash,
	bool reverse, struct weir_session_found *found);
// Whether there is one, of which an ICMP error may quote a packet: one that went the other way
// through the port than the error does.
bool session_look_quoted(const struct session_table *table, const struct session_key *key,
	uint64_t hash, bool reverse, bool at_egress);
// The one of this key, held; NULL: there is none. used: flow_tick() of the last frame of the flow
// that holds it.
struct session *session_hold(
	struct session_table *table, const struct session_key *key, uint64_t hash, uint32_t used);
// Whether there is room for one more at this port, without taking it. Any thread.
bool session_has_room(const struct session_table *table, uint16_t port, uint32_t port_max);
// A place for one more at this port; NULL: there is no room.
struct session *session_reserve(struct session_table *table, uint16_t port, uint32_t port_max);
void session_unreserve(struct session_table *table, struct session *reserved);
// Puts a session into the reserved place and returns it, held; or gives the place back and returns
// the one that there is by now, held. Moves its generation if somebody watches.
struct session *session_enter(struct session_table *table, struct session *reserved,
	const struct session_key *key, uint64_t hash, bool reverse, const struct session_spec *spec,
	uint32_t tick, uint32_t now_s);
// Held by one flow less. What it counted has been told.
void session_release(struct session *session);
// Frames of a flow that holds it, the last at `used`.
void session_count(struct session *session, enum weir_session_direction direction, uint64_t frames,
	uint64_t bytes, uint32_t used);
// How long a session of this idle_s stays behind the frame that opens it, with these of TCP's flags
// (0: of another protocol), if no other one comes.
uint32_t session_first_idle_s(uint32_t idle_s, uint8_t flags);
// A frame with these of TCP's flags (RFC 9293 3.1) has passed. The session may be gone.
void session_tcp(struct session_table *table, const struct session_key *key, uint64_t hash,
	bool reverse, uint8_t flags, uint32_t now_s);

// ---- The control thread

struct session_run {
	uint64_t now_ns;
	uint32_t told; // flow_tick(): what flows counted up to then has been told
	// Called for each that has ended. Borrowed during the call. False: nobody could be told;
	// it stays, and is told of again. NULL: nobody wants to know.
	bool (*ended)(void *context, const struct session *session);
	void *context;
};

// Once a second: ends what has expired, reports and frees what has ended.
void session_table_run(struct session_table *table, const struct session_run *run);
// Which sessions. Everything that is 0, NULL or WEIR_PORT_NONE: any.
struct session_filter {
	weir_port_id port;
	uint16_t attachment;
	uint64_t cookie;
	const uint64_t *cookies; // any of these n, ascending; NULL: as the others say
	size_t n;
};
// Ends these; returns how many. now_s: seconds. They are reported by session_table_run().
unsigned session_table_end(struct session_table *table, const struct session_filter *filter,
	enum weir_session_cause cause, uint32_t now_s);
// Reports what has ended of an attachment, though flows may hold it still: it is not told of again.
void session_table_report(
	struct session_table *table, uint16_t attachment, const struct session_run *run);
// Makes the sessions of an attachment those of another one; reports each that has not ended as
// WEIR_SESSION_REPLACED first, with what it has counted as of its last second. No worker opens any
// for the first one any more.
void session_table_hand_over(
	struct session_table *table, uint16_t from, uint16_t to, const struct session_run *run);
// Shows each that has not ended; what it has counted is as of its last second. A copy, borrowed
// during the call.
void session_table_list(const struct session_table *table,
	void (*row)(void *context, const struct session *session), void *context);
// How long until it ends if no frame comes, in seconds, 0 to UINT32_MAX.
uint32_t session_expires_s(const struct session *session, uint64_t now_ns);
// As session.state, but for what can only be told from its counters.
enum session_state session_state(const struct session *session);

#endif
