// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/decide.h"
#include "datapath/flow_use.h"

// The words that a shorter key does not have read as zero when it is shown to extensions.
static void clear_rest(struct flow_key *key, unsigned n_words)
{
	for (unsigned i = n_words; i < KEY_WORDS; i++)
		key->w[i] = 0;
}

static weir_port_id port_id(const struct datapath *dp, uint16_t index)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, index);

	return port ? port->id : WEIR_PORT_NONE;
}

// frame: whose key it is; NULL: there is none. whole: room for what strict mode wants of it.
static void compose_in(struct compose_context *context, const struct datapath *dp,
	const struct flow_key *key, const struct weir_frame *frame, struct flow_key *whole,
	struct composition *out)
{
	if (frame && dp->snapshot->strict) {
		key_parse(frame, whole);
		context->whole = whole;
		context->whole_ingress = port_id(dp, frame->port);
	}
	if (key->w[0] & KEY_DROP_HALF)
		compose_drop(context, key, out);
	else if (key->w[0] & KEY_EGRESS_HALF)
		compose_egress(context, key, out);
	else
		compose_ingress(context, key, out);
}

static void compose(struct datapath *dp, const struct flow_key *key, const struct weir_frame *frame,
	const uint16_t *redirect, unsigned sessions_refused, struct composition *out)
{
	bool learn = frame && !redirect && !(key->w[0] & (KEY_EGRESS_HALF | KEY_DROP_HALF));
	struct flow_key whole;
	struct compose_context context = {
		.snapshot = dp->snapshot,
		.fdb = dp->fdb,
		.now_s = dp->now_s,
		.learn = learn,
		.meters = dp->meter_owners,
		.redirect = redirect,
		.sessions = dp->sessions,
		.sessions_refused = sessions_refused,
		.slow = &dp->slow,
		.moves = &dp->moves,
	};

	count(&dp->decisions, 1);
	compose_in(&context, dp, key, frame, &whole, out);
}

// Strict mode: the flow's decision was made for another frame. Whether it depends on what this one
// has in the fields that it is not to depend on, the composer finds; what comes of it is not used.
static void check_for_frame(
	struct datapath *dp, const struct flow *flow, const struct weir_frame *frame)
{
	struct compose_context context = {
		.snapshot = dp->snapshot,
		.fdb = dp->fdb,
		.now_s = dp->now_s,
		.meters = dp->meter_owners,
		.sessions = dp->sessions,
		.check = true,
	};
	struct composition unused;
	struct flow_key key, whole;

	flow_key(dp->flows, flow, &key);
	compose_in(&context, dp, &key, frame, &whole, &unused);
}

// Composes for a frame that is at hand, and opens the sessions that are asked for. What there is no
// room for is composed once more without.
static void compose_for_frame(struct datapath *dp, const struct flow_key *key,
	const struct weir_frame *frame, const uint16_t *redirect, struct composition *out,
	struct session_hold *hold)
{
	unsigned refused = 0, more = 0;

	do {
		refused |= more;
		compose(dp, key, frame, redirect, refused, out);
		more = sessions_take(dp, out, hold);
	} while (more);
}

static void adopt(struct datapath *dp, struct flow *flow, const struct composition *c,
	const struct session_hold *hold)
{
	struct flow_rest *rest = flow_rest(dp->flows, flow);

	flow->valid_at = dp->valid_now;
	// The flow's first frame of the next batch is looked at, whatever changes or does not.
	if (dp->snapshot->strict)
		generation_tick(dp->generation);
	rest->n_depends = (uint8_t)c->n_depends;
	memcpy(rest->depends, c->depends, sizeof(rest->depends));
	rest->flags = (c->unlearned ? FLOW_UNLEARNED : 0) | (c->learned ? FLOW_LEARNED : 0) |
		      (c->depends_on_all ? FLOW_DEPENDS_ON_ALL : 0);
	rest->vlan = c->vlan;
	sessions_adopt(dp, flow, hold);
}

bool datapath_redecide(struct datapath *dp, struct flow *flow, const struct weir_frame *frame)
{
	bool learn = frame && !(flow->key[0] & (KEY_EGRESS_HALF | KEY_DROP_HALF));
	struct session_hold hold = { 0 };
	struct composition composition;
	struct flow_key key;
	struct program *program;

	flow_key(dp->flows, flow, &key);
	if (frame) {
		compose_for_frame(dp, &key, frame, NULL, &composition, &hold);
	} else {
		compose(dp, &key, NULL, NULL, 0, &composition);
		if (!sessions_take_existing(dp, flow, &composition, &hold)) {
			datapath_leave_to_frame(dp, flow);
			return true;
		}
	}
	program = program_get(dp->programs, composition.ops, composition.n_ops);
	if (!program) {
		sessions_let_go(dp, &hold);
		return false;
	}
	decide_note_change(dp, flow->program, program);
	program_put(dp->programs, flow->program);
	flow->program = program;
	// Without a frame nothing is learned; what was wanted still is.
	composition.unlearned |= !learn && (flow_rest(dp->flows, flow)->flags & FLOW_UNLEARNED);
	sessions_drop(dp, flow);
	adopt(dp, flow, &composition, &hold);
	return true;
}

static bool still_holds(const struct datapath *dp, const struct flow *flow)
{
	const struct flow_rest *rest = flow_rest(dp->flows, flow);
	uint64_t valid_at = datapath_valid_at(dp, flow);

	if (rest->flags & FLOW_DEPENDS_ON_ALL)
		return false;
	for (unsigned i = 0; i < rest->n_depends; i++)
		if (generation_slot_time(dp->generation, rest->depends[i]) > valid_at)
			return false;
	return sessions_fresh(dp, flow); // last, as it is in memory of its own
}

bool datapath_fresh(struct datapath *dp, struct flow *flow)
{
	if (flow->valid_at & FLOW_OUTDATED)
		return false;
	if (!still_holds(dp, flow)) {
		flow->valid_at |= FLOW_OUTDATED;
		return false;
	}
	flow->valid_at = dp->valid_now;
	return true;
}

void datapath_refresh(struct datapath *dp, struct flow *flow, const struct weir_frame *frame)
{
	dp->n_stale++;
	if (datapath_fresh(dp, flow)) {
		if (dp->snapshot->strict) {
			check_for_frame(dp, flow, frame);
			generation_tick(dp->generation);
		}
		return;
	}
	if (dp->n_redecided < dp->redecide_max || must_redecide(flow)) {
		dp->n_redecided++;
		if (datapath_redecide(dp, flow, frame))
			return;
	}
	datapath_note_stale(dp, flow);
}

struct decided decide_flow(struct datapath *dp, struct flow_key *key, unsigned n_words,
	uint32_t hash, const struct weir_frame *frame)
{
	struct composition composition;
	struct session_hold hold;
	struct decided d = { 0 };

	clear_rest(key, n_words);
	compose_for_frame(dp, key, frame, NULL, &composition, &hold);
	d.program = program_get(dp->programs, composition.ops, composition.n_ops);
	d.flow = d.program ? flow_insert(dp->flows, key, n_words, hash) : NULL;
	if (!d.flow) {
		d.alone = hold.uses[0].kind != FLOW_SESSION_NONE; // it has counted this frame
		sessions_count(dp, &hold, frame);
		return d;
	}
	d.program->refs++;
	d.flow->program = d.program;
	adopt(dp, d.flow, &composition, &hold);
	use_flow(dp, d.flow, frame_wire(frame));
	return d;
}

struct program *decide_redirected(struct datapath *dp, struct flow_key *key, unsigned n_words,
	uint16_t to, const struct weir_frame *frame)
{
	struct composition composition;
	struct session_hold hold;

	clear_rest(key, n_words);
	compose_for_frame(dp, key, frame, &to, &composition, &hold);
	sessions_count(dp, &hold, frame);
	return program_get(dp->programs, composition.ops, composition.n_ops);
}
