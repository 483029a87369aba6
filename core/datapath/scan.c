// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Upkeep of the flow table, a share at a time. Ordinarily one pass a second, which forgets idle
// flows and tells the FDB which sources are in use. While somebody waits for a change to be in
// force, as fast as the frames leave room for: then every stale flow is decided anew.
#include "datapath/datapath.h"

enum {
	SCAN_SHARE = 64,           // flows looked at in one call
	SWEEP_GRACE_NS = 40000000, // how long active flows under old masks wait for a frame
	SWEEP_GRACE_PASSES = 4096, // the same for a clock that stands still
};

static bool is_free(const struct flow *flow)
{
	return flow->program == NULL;
}

static void forget(struct datapath *dp, struct flow *flow)
{
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
	uint32_t from;
	uint8_t mac[6];

	memcpy(mac, &flow->key[2], 6);
	// Should there be room by now, its generation moves, and the flow is decided anew.
	if ((flow->flags & FLOW_UNLEARNED) &&
		fdb_learn(dp->fdb, flow->vlan, mac, port->id, dp->now_s, &from) == FDB_MOVED)
		fdb_moves_note(&dp->moves, generation_address(flow->vlan, mac), from, port->id);
	if (!(flow->flags & FLOW_LEARNED))
		return true;
	return fdb_refresh(dp->fdb, flow->vlan, mac, port->id, dp->now_s);
}

static bool source_is_here(
	struct datapath *dp, const struct flow *flow, const struct snapshot_port *port)
{
	uint32_t at;
	uint8_t mac[6];

	if (!(flow->flags & FLOW_LEARNED))
		return true;
	memcpy(mac, &flow->key[2], 6);
	return fdb_lookup(dp->fdb, flow->vlan, mac, &at) && at == port->id;
}

// Brings one flow up to date. A flow whose source would have to be learned again, or whose key
// lacks what is read by now, cannot be decided without a frame: it is forgotten, and its next frame
// decides.
static void sweep(struct datapath *dp, struct flow *flow, const struct snapshot_port *port)
{
	if (flow->valid_at >= dp->sweep_target || datapath_fresh(dp, flow))
		return;
	if (!source_is_here(dp, flow, port) || !datapath_redecide(dp, flow, false))
		forget(dp, flow);
}

// Whether a flow under the masks before the last change may keep serving its frames for now.
static bool may_wait(
	const struct datapath *dp, const struct flow *flow, const struct snapshot_port *port)
{
	return dp->sweeping && epoch_of(flow) == port->old_epoch &&
	       !(flow->key[0] & (KEY_EGRESS_HALF | KEY_DROP_HALF)) &&
	       dp->now_ns - dp->sweep_started_ns < SWEEP_GRACE_NS &&
	       dp->sweep_passes < SWEEP_GRACE_PASSES;
}

static void scan_flow(struct datapath *dp, struct flow *flow)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, (uint16_t)flow->key[0]);
	uint32_t idle = dp->tick - flow->used;

	if (!port || idle > FLOW_IDLE_TICKS) {
		forget(dp, flow);
	} else if (epoch_of(flow) != port->epoch) {
		// Its frames find a new flow; those that still run under the old mask get some time
		// for it.
		if (may_wait(dp, flow, port) && idle <= 1)
			dp->sweep_leftovers++;
		else
			forget(dp, flow);
	} else if (idle <= 16 && !refresh_source(dp, flow, port)) {
		forget(dp, flow);
	} else if (dp->sweeping) {
		sweep(dp, flow, port);
	}
}

static void begin_pass(struct datapath *dp)
{
	uint64_t wanted = __atomic_load_n(&dp->sweep_wanted, __ATOMIC_ACQUIRE);

	dp->scan_at = 0;
	dp->sweep_leftovers = 0;
	if (wanted > dp->swept_at) {
		if (!dp->sweeping) {
			dp->sweep_started_ns = dp->now_ns;
			dp->sweep_passes = 0;
		}
		dp->sweep_passes++;
		dp->sweeping = true;
		dp->sweep_target = dp->now;
	} else {
		dp->sweeping = false;
	}
}

static void end_pass(struct datapath *dp)
{
	if (dp->sweeping && dp->sweep_leftovers == 0) {
		__atomic_store_n(&dp->swept_at, dp->sweep_target, __ATOMIC_RELEASE);
		dp->sweeping = false;
	}
	dp->scan_tick = dp->tick;
	dp->scan_at = UINT32_MAX;
}

static bool sweep_is_wanted(const struct datapath *dp)
{
	return __atomic_load_n(&dp->sweep_wanted, __ATOMIC_RELAXED) > dp->swept_at;
}

bool datapath_scan_due(const struct datapath *dp, uint64_t now_ns)
{
	return dp->scan_at != UINT32_MAX || (uint32_t)(now_ns >> 26) - dp->scan_tick >= 16 ||
	       sweep_is_wanted(dp);
}

bool datapath_scan(struct datapath *dp)
{
	bool wanted = sweep_is_wanted(dp);
	uint32_t end;

	if (dp->scan_at == UINT32_MAX) {
		if (!wanted && dp->tick - dp->scan_tick < 16)
			return false;
		begin_pass(dp);
	} else if (wanted && !dp->sweeping) {
		begin_pass(dp);
	}
	end = dp->scan_at + SCAN_SHARE;
	if (end > dp->flows->high_water)
		end = dp->flows->high_water;
	for (; dp->scan_at < end; dp->scan_at++)
		if (!is_free(&dp->flows->flows[dp->scan_at]))
			scan_flow(dp, &dp->flows->flows[dp->scan_at]);
	program_bury(dp->programs);
	if (dp->scan_at < dp->flows->high_water)
		return true;
	end_pass(dp);
	return sweep_is_wanted(dp);
}
