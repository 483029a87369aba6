// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/datapath.h"
#include "datapath/pages.h"

struct flow_sessions *flow_sessions_create(uint32_t n)
{
	return pages_reserve(n * sizeof(struct flow_sessions));
}

void flow_sessions_destroy(struct flow_sessions *sessions, uint32_t n)
{
	pages_release(sessions, n * sizeof(*sessions));
}

static struct session *session_at(const struct datapath *dp, const struct flow_session *use)
{
	return &dp->sessions->sessions[use->at];
}

// ---- Taking

static struct flow_session held(
	const struct datapath *dp, const struct session_use *use, const struct session *s)
{
	return (struct flow_session){
		.at = (uint32_t)(s - dp->sessions->sessions),
		.slot = session_slot(use->hash),
		.kind = FLOW_SESSION_HELD,
		.direction = (uint8_t)session_direction(s, use->reverse),
	};
}

// Registers, and looks again: who opened or ended it meanwhile may not have seen the watcher.
static struct flow_session watched(
	struct datapath *dp, const struct session_use *use, struct session_hold *hold)
{
	uint32_t at = session_watcher(use->hash);
	struct weir_session_found found;
	bool present;

	__atomic_fetch_add(&dp->sessions->watchers[at], 1, __ATOMIC_RELAXED);
	present = session_look(dp->sessions, &use->key, use->hash, use->reverse, &found);
	hold->stale |= present != (bool)use->present;
	return (struct flow_session){
		.at = at,
		.slot = session_slot(use->hash),
		.kind = FLOW_SESSION_WATCHED,
	};
}

// One that was found and has ended since is not opened: whoever found it may not want to.
static struct flow_session keep(struct datapath *dp, const struct session_use *use, uint32_t used,
	struct session_hold *hold)
{
	struct session *s = session_hold(dp->sessions, &use->key, use->hash, used);

	return s ? held(dp, use, s) : watched(dp, use, hold);
}

static struct flow_session open_session(
	struct datapath *dp, const struct session_use *use, struct session *reserved)
{
	struct session *s = session_enter(dp->sessions, reserved, &use->key, use->hash,
		use->reverse, &use->spec, dp->tick, dp->now_s);

	return held(dp, use, s);
}

// A place for each session that is to be opened, before any is: a flow that is dropped because
// there is no room for one of them opens none. Returns those without.
static unsigned reserve_all(
	struct datapath *dp, const struct composition *c, struct session *reserved[])
{
	unsigned refused = 0;

	for (unsigned i = 0; i < c->n_sessions; i++) {
		const struct session_use *use = &c->sessions[i];

		reserved[i] = NULL;
		if (use->kind != SESSION_USE_OPEN)
			continue;
		reserved[i] = session_reserve(
			dp->sessions, (uint16_t)use->spec.port, use->spec.port_max);
		if (!reserved[i])
			refused |= 1u << i;
	}
	for (unsigned i = 0; refused && i < c->n_sessions; i++)
		if (reserved[i])
			session_unreserve(dp->sessions, reserved[i]);
	return refused;
}

// used: flow_tick() of the flow's last frame.
static unsigned take(
	struct datapath *dp, const struct composition *c, uint32_t used, struct session_hold *hold)
{
	struct session *reserved[SESSION_USES_MAX];
	unsigned refused;

	*hold = (struct session_hold){ 0 };
	if (c->n_sessions == 0)
		return 0;
	refused = reserve_all(dp, c, reserved);
	for (unsigned i = 0; !refused && i < c->n_sessions; i++) {
		const struct session_use *use = &c->sessions[i];

		if (use->kind == SESSION_USE_OPEN)
			hold->uses[i] = open_session(dp, use, reserved[i]);
		else if (use->kind == SESSION_USE_HOLD)
			hold->uses[i] = keep(dp, use, used, hold);
		else if (use->kind == SESSION_USE_WATCH)
			hold->uses[i] = watched(dp, use, hold);
		else
			hold->uses[i] = (struct flow_session){
				.slot = session_room_slot(),
				.kind = FLOW_SESSION_ROOM,
			};
	}
	return refused;
}

unsigned sessions_take(struct datapath *dp, const struct composition *c, struct session_hold *hold)
{
	return take(dp, c, dp->tick, hold);
}

bool sessions_take_existing(struct datapath *dp, const struct flow *flow,
	const struct composition *c, struct session_hold *hold)
{
	*hold = (struct session_hold){ 0 };
	for (unsigned i = 0; i < c->n_sessions; i++)
		if (c->sessions[i].kind == SESSION_USE_OPEN)
			return false;
	return take(dp, c, flow->used, hold) == 0;
}

// ---- Letting go

static void let_go(struct datapath *dp, const struct flow_session *use)
{
	if (use->kind == FLOW_SESSION_HELD)
		session_release(session_at(dp, use));
	else if (use->kind == FLOW_SESSION_WATCHED)
		__atomic_fetch_sub(&dp->sessions->watchers[use->at], 1, __ATOMIC_RELAXED);
}

void sessions_let_go(struct datapath *dp, const struct session_hold *hold)
{
	for (unsigned i = 0; i < SESSION_USES_MAX && hold->uses[i].kind; i++)
		let_go(dp, &hold->uses[i]);
}

void sessions_count(
	struct datapath *dp, const struct session_hold *hold, const struct weir_frame *frame)
{
	uint64_t frames = 0, bytes = 0;

	if (!hold->uses[0].kind)
		return;
	weir_frame_wire(frame, &frames, &bytes);
	for (unsigned i = 0; i < SESSION_USES_MAX; i++)
		if (hold->uses[i].kind == FLOW_SESSION_HELD)
			session_count(session_at(dp, &hold->uses[i]), hold->uses[i].direction,
				frames, bytes, dp->tick);
	sessions_let_go(dp, hold);
}

// ---- Flows

static struct flow_sessions *sessions_of(const struct datapath *dp, const struct flow *flow)
{
	return &dp->flow_sessions[flow - dp->flows->flows];
}

void sessions_adopt(struct datapath *dp, struct flow *flow, const struct session_hold *hold)
{
	struct flow_rest *rest = flow_rest(dp->flows, flow);
	struct flow_sessions *s;

	rest->has_sessions = hold->uses[0].kind != FLOW_SESSION_NONE;
	if (!rest->has_sessions)
		return;
	s = sessions_of(dp, flow);
	memcpy(s->uses, hold->uses, sizeof(s->uses));
	s->told_frames = flow_frames(dp->flows, flow);
	s->told_bytes = flow_bytes(dp->flows, flow);
	if (hold->stale) {
		rest->flags |= FLOW_DEPENDS_ON_ALL;
		datapath_make_stale(dp, flow);
	}
	__atomic_store_n(&dp->n_session_flows, dp->n_session_flows + 1, __ATOMIC_RELAXED);
}

void sessions_tell_now(struct datapath *dp, const struct flow *flow)
{
	struct flow_sessions *s = sessions_of(dp, flow);
	uint64_t frames = flow_frames(dp->flows, flow) - s->told_frames;
	uint64_t bytes = flow_bytes(dp->flows, flow) - s->told_bytes;

	if (frames == 0)
		return;
	for (unsigned i = 0; i < SESSION_USES_MAX; i++)
		if (s->uses[i].kind == FLOW_SESSION_HELD)
			session_count(session_at(dp, &s->uses[i]), s->uses[i].direction, frames,
				bytes, flow->used);
	s->told_frames += frames;
	s->told_bytes += bytes;
}

void sessions_drop_now(struct datapath *dp, struct flow *flow)
{
	struct flow_sessions *s = sessions_of(dp, flow);

	sessions_tell_now(dp, flow);
	for (unsigned i = 0; i < SESSION_USES_MAX && s->uses[i].kind; i++)
		let_go(dp, &s->uses[i]);
	flow_rest(dp->flows, flow)->has_sessions = 0;
	__atomic_store_n(&dp->n_session_flows, dp->n_session_flows - 1, __ATOMIC_RELEASE);
}

bool sessions_are_fresh(const struct datapath *dp, const struct flow *flow)
{
	const struct flow_sessions *s = sessions_of(dp, flow);
	uint64_t valid_at = datapath_valid_at(dp, flow);

	for (unsigned i = 0; i < SESSION_USES_MAX && s->uses[i].kind; i++)
		if (generation_slot_time(dp->generation, s->uses[i].slot) > valid_at)
			return false;
	return true;
}

void datapath_drop_sessions(struct datapath *dp)
{
	for (uint32_t i = 0; dp->n_session_flows && i < dp->flows->high_water; i++)
		if (dp->flows->flows[i].program)
			sessions_drop(dp, &dp->flows->flows[i]);
}
