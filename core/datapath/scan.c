// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Upkeep of the flow table, a share at a time. Ordinarily one pass a second, which forgets unused
// flows and tells the FDB which sources are in use, and sessions what was counted. While somebody
// waits for a change to be in force, as fast as the frames leave room for: then every stale flow is
// decided anew, as many at a time as pressure.h allows.
//
// However little room frames leave, a sweep is over at some time: once it has gone on for
// SWEEP_PATIENCE_NS it takes as long as the frames while there is something to decide, and each
// batch decides PRESSURE_REDECIDE at least. So a change is in force at most that long, and twice
// what deciding all flows anew takes, or, where it takes their frames, what it takes to forward
// NIC_BATCH / PRESSURE_REDECIDE frames for each, after the sweep for it has begun, which is at once
// or at the end of one that is under way. Whatever is under old masks after twice SWEEP_PATIENCE_NS
// is forgotten.
//
// How long a flow is kept unused depends on how full the table is when the pass begins:
//
//     up to a half         10 s
//     above                10 s; one that has had a single frame, since the last pass began
//     above three quarters  1 s; the same
//
// Above a half a pass is also due whenever new flows have come for an eighth of the table. So a
// scan of ports or addresses, each flow of which has one frame, fills no more than about three
// quarters, however fast it is: a pass lets in no more new flows than a quarter of the table, and
// forgets those from before the last one, while those in use stay, and find room. What it costs is
// shared by the flows that made it due.
#include "datapath/datapath.h"

enum {
	SCAN_SHARE = 64, // flows looked at in one call, at least
	// The same in further passes of a sweep, in which those under old masks wait for frames.
	SCAN_SHARE_REPEATED = 16,
	SCAN_PER_NEW = 4,   // flows looked at for each new one while the table is crowded
	SCAN_REDECIDE = 16, // flows decided anew in one call, at most
	KEEP_TICKS = 10 * FLOW_TICKS_PER_S,
	KEEP_CROWDED_TICKS = FLOW_TICKS_PER_S,
	// How long active flows under old masks wait for a frame, and for the turn of those that
	// had one; and the same for a clock that stands still.
	SWEEP_GRACE_NS = 40000000,
	SWEEP_GRACE_PASSES = 4096,
};

static bool is_free(const struct flow *flow)
{
	return flow->program == NULL;
}

static void forget(struct datapath *dp, struct flow *flow)
{
	sessions_drop(dp, flow);
	program_put(dp->programs, flow->program);
	flow_remove(dp->flows, flow);
}

static uint16_t epoch_of(const struct flow *flow)
{
	return (uint16_t)(flow->key[0] >> KEY_EPOCH_SHIFT);
}

// The source of a flow in use keeps its place in the FDB. False: the address is elsewhere by now.
static bool refresh_source(
	struct datapath *dp, const struct flow *flow, const struct snapshot_port *port)
{
	const struct flow_rest *rest = flow_rest(dp->flows, flow);
	uint32_t from;
	uint8_t mac[6];

	memcpy(mac, &flow->key[2], 6);
	// Should there be room by now, its generation moves, and the flow is decided anew.
	if ((rest->flags & FLOW_UNLEARNED) &&
		fdb_learn(dp->fdb, rest->vlan, mac, port->id, dp->now_s, &from) == FDB_MOVED)
		fdb_moves_note(&dp->moves, generation_address(rest->vlan, mac), from, port->id);
	if (!(rest->flags & FLOW_LEARNED))
		return true;
	return fdb_refresh(dp->fdb, rest->vlan, mac, port->id, dp->now_s);
}

static bool source_is_here(
	struct datapath *dp, const struct flow *flow, const struct snapshot_port *port)
{
	const struct flow_rest *rest = flow_rest(dp->flows, flow);
	uint32_t at;
	uint8_t mac[6];

	if (!(rest->flags & FLOW_LEARNED))
		return true;
	memcpy(mac, &flow->key[2], 6);
	return fdb_lookup(dp->fdb, rest->vlan, mac, &at) && at == port->id;
}

void datapath_leave_to_frame(struct datapath *dp, struct flow *flow)
{
	sessions_drop(dp, flow);
	flow_rest(dp->flows, flow)->flags |= FLOW_DEPENDS_ON_ALL;
	datapath_make_stale(dp, flow);
	flow->valid_at |= FLOW_UNDECIDED;
}

static bool is_crowded(const struct datapath *dp)
{
	return dp->flows->n > dp->flows->capacity / 2;
}

bool datapath_sweep_can_wait(const struct datapath *dp, uint64_t now_ns)
{
	return dp->sweeping && dp->sweep_repeats && !is_crowded(dp) &&
	       !datapath_sweep_is_late(dp, now_ns);
}

// Brings one flow up to date. False: there is no time for it now, and it is the next one's turn
// when this one has had its. Forgetting cannot wait for that when it makes room: then another pass
// follows.
static bool sweep(struct datapath *dp, struct flow *flow, const struct snapshot_port *port)
{
	if (datapath_valid_at(dp, flow) >= dp->pass_target || (flow->valid_at & FLOW_UNDECIDED) ||
		datapath_fresh(dp, flow))
		return true;
	// To learn the address again takes a frame.
	if (!source_is_here(dp, flow, port)) {
		datapath_leave_to_frame(dp, flow);
		return true;
	}
	if (dp->n_redecided >= dp->redecide_max) {
		dp->sweep_leftovers += is_crowded(dp);
		return is_crowded(dp);
	}
	dp->n_redecided++;
	if (!datapath_redecide(dp, flow, NULL))
		forget(dp, flow);
	return true;
}

// Whether a flow under the masks before the last change may keep serving its frames for now. The
// sweep that the change asks for may not have begun.
static bool may_wait(
	const struct datapath *dp, const struct flow *flow, const struct snapshot_port *port)
{
	if (epoch_of(flow) != port->old_epoch || (flow->key[0] & (KEY_EGRESS_HALF | KEY_DROP_HALF)))
		return false;
	if (!dp->sweeping)
		return datapath_masks_are_changing(dp, port);
	if (dp->now_ns - dp->sweep_started_ns > 2 * SWEEP_PATIENCE_NS ||
		dp->sweep_passes >= SWEEP_GRACE_PASSES)
		return false;
	return dp->now_ns - dp->sweep_started_ns < SWEEP_GRACE_NS ||
	       dp->now_ns - dp->put_off_ns < SWEEP_GRACE_NS;
}

static bool had_one_frame(const struct datapath *dp, const struct flow *flow)
{
	return wire_frames(flow->recent) <= 1 && flow_rest(dp->flows, flow)->frames == 0;
}

static bool is_unused(const struct datapath *dp, const struct flow *flow)
{
	uint32_t idle = dp->tick - flow->used;

	return idle > dp->keep_ticks || (idle > dp->keep_single_ticks && had_one_frame(dp, flow));
}

// One whose session has ended tells what it counted, and lets go of it.
static void refresh_sessions(struct datapath *dp, struct flow *flow)
{
	if (sessions_fresh(dp, flow))
		sessions_tell_now(dp, flow);
	else
		datapath_leave_to_frame(dp, flow);
}

// False: it is to be looked at again.
static bool scan_flow(struct datapath *dp, struct flow *flow)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, (uint16_t)flow->key[0]);
	uint32_t idle = dp->tick - flow->used;

	if (dp->refreshing && flow_rest(dp->flows, flow)->has_sessions)
		refresh_sessions(dp, flow);
	if (!port || is_unused(dp, flow)) {
		forget(dp, flow);
	} else if (epoch_of(flow) != port->epoch) {
		// Its frames find a new flow; those that still run under the old mask get some time
		// for it.
		if (may_wait(dp, flow, port) && idle <= FLOW_TICKS_PER_S / 16)
			dp->sweep_leftovers++;
		else
			forget(dp, flow);
	} else if (dp->refreshing && idle <= FLOW_TICKS_PER_S && !refresh_source(dp, flow, port)) {
		datapath_leave_to_frame(dp, flow);
	} else if (dp->sweeping) {
		return sweep(dp, flow, port);
	}
	return true;
}

// Whether as much time has passed, or as many new flows have come, as are between two passes. tick:
// now.
static bool ageing_is_due(const struct datapath *dp, uint32_t tick)
{
	return tick - dp->scan_tick >= FLOW_TICKS_PER_S ||
	       (is_crowded(dp) && dp->n_new_since_pass > dp->flows->capacity / 8);
}

// Settles what the passes from here on forget.
static void begin_ageing(struct datapath *dp)
{
	bool is_full = dp->flows->n > dp->flows->capacity / 4 * 3;
	uint32_t since = dp->tick - dp->scan_tick;

	dp->keep_ticks = is_full ? KEEP_CROWDED_TICKS : KEEP_TICKS;
	dp->keep_single_ticks = is_crowded(dp) && since < dp->keep_ticks ? since : dp->keep_ticks;
	dp->scan_tick = dp->tick;
	dp->n_new_since_pass = 0;
	if (dp->tick - dp->refresh_tick >= FLOW_TICKS_PER_S) {
		dp->refreshing = true;
		dp->refresh_tick = dp->tick;
	}
}

static void begin_pass(struct datapath *dp)
{
	uint64_t wanted = __atomic_load_n(&dp->sweep_wanted, __ATOMIC_ACQUIRE);

	// The first pass settles it, too, should it be for a sweep and the clock have just begun.
	if (ageing_is_due(dp, dp->tick) || dp->keep_ticks == 0)
		begin_ageing(dp);
	dp->scan_at = 0;
	dp->n_new_at_share = dp->n_new_since_pass;
	// No later than is wanted: what is up to date then is not looked at again in every pass.
	dp->pass_now = dp->now;
	dp->pass_target = wanted > dp->swept_at && wanted < dp->now ? wanted : dp->now;
	dp->sweep_leftovers = 0;
	dp->sweep_repeats = dp->sweeping && wanted > dp->swept_at;
	if (wanted > dp->swept_at) {
		if (!dp->sweeping) {
			dp->sweep_started_ns = dp->now_ns;
			dp->sweep_passes = 0;
		}
		dp->sweep_passes += dp->now_ns == dp->sweep_started_ns;
		dp->sweeping = true;
	} else {
		dp->sweeping = false;
	}
}

static void end_pass(struct datapath *dp)
{
	if (dp->sweep_leftovers == 0)
		dp->rekeyed_at = dp->pass_now;
	if (dp->sweeping && dp->sweep_leftovers == 0) {
		__atomic_store_n(&dp->swept_at, dp->pass_target, __ATOMIC_RELEASE);
		dp->sweeping = false;
	}
	if (dp->refreshing)
		__atomic_store_n(&dp->sessions_told, dp->refresh_tick, __ATOMIC_RELEASE);
	dp->refreshing = false;
	dp->scan_at = UINT32_MAX;
}

static bool sweep_is_wanted(const struct datapath *dp)
{
	return __atomic_load_n(&dp->sweep_wanted, __ATOMIC_RELAXED) > dp->swept_at;
}

bool datapath_scan_due(const struct datapath *dp, uint64_t now_ns)
{
	return dp->scan_at != UINT32_MAX || sweep_is_wanted(dp) ||
	       ageing_is_due(dp, flow_tick(now_ns));
}

// The buckets of the flows that this share is about to forget.
static void prefetch_unused(const struct datapath *dp, uint32_t end)
{
	for (uint32_t i = dp->scan_at; i < end; i++) {
		const struct flow *flow = &dp->flows->flows[i];

		if (!is_free(flow) && is_unused(dp, flow))
			flow_prefetch_bucket(dp->flows, flow_hash_of(dp->flows, flow));
	}
}

// How many flows to look at in this call.
static uint32_t take_share(struct datapath *dp)
{
	uint32_t least = dp->sweep_repeats ? SCAN_SHARE_REPEATED : SCAN_SHARE;
	uint32_t n = dp->n_new_since_pass - dp->n_new_at_share;

	dp->n_new_at_share = dp->n_new_since_pass;
	n = is_crowded(dp) ? n * SCAN_PER_NEW : 0;
	return n > least ? n : least;
}

// What the next call is going to look at comes while frames are dealt with.
static void prefetch_share(const struct datapath *dp)
{
	const struct flow_table *flows = dp->flows;
	uint32_t end = dp->scan_at + (dp->sweep_repeats ? SCAN_SHARE_REPEATED : SCAN_SHARE);

	if (end > flows->high_water)
		end = flows->high_water;
	for (uint32_t i = dp->scan_at; i < end; i++) {
		__builtin_prefetch(&flows->flows[i]);
		if (!dp->sweep_repeats)
			__builtin_prefetch(&flows->rests[i]);
	}
}

bool datapath_scan(struct datapath *dp)
{
	uint32_t end, redecided_max = dp->n_redecided + SCAN_REDECIDE;

	if (dp->scan_at == UINT32_MAX) {
		if (!sweep_is_wanted(dp) && !ageing_is_due(dp, dp->tick))
			return false;
		begin_pass(dp);
	} else if (sweep_is_wanted(dp) && !dp->sweeping) {
		begin_pass(dp);
	}
	end = dp->scan_at + take_share(dp);
	if (end > dp->flows->high_water)
		end = dp->flows->high_water;
	prefetch_unused(dp, end);
	for (; dp->scan_at < end && dp->n_redecided < redecided_max; dp->scan_at++)
		if (!is_free(&dp->flows->flows[dp->scan_at]) &&
			!scan_flow(dp, &dp->flows->flows[dp->scan_at]))
			break;
	program_bury(dp->programs);
	if (dp->scan_at < dp->flows->high_water) {
		prefetch_share(dp);
		return true;
	}
	end_pass(dp);
	return sweep_is_wanted(dp);
}
