// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The way of a single frame: from its key to a program, cached or decided now, and through it.
#include "datapath/account.h"
#include "datapath/decide.h"
#include "datapath/flow_use.h"
#include "datapath/rewrite.h"

static void make_key(const struct weir_frame *frame, const struct key_mask *mask, uint64_t constant,
	struct flow_key *key, unsigned *n_words)
{
	key_parse(frame, key);
	*n_words = key_words(key, mask);
	key->w[0] |= constant;
	apply_mask(key, mask, *n_words);
}

// The frame's flow under the masks before the last change; NULL: it is not known there either. From
// a place in the stack on there is none: another extension may have stood there.
static struct flow *flow_under_old_mask(struct datapath *dp, const struct snapshot_port *port,
	const struct weir_frame *frame, unsigned start)
{
	unsigned n_words;
	struct flow_key key;
	struct flow *flow;
	uint32_t hash;

	if (start || !datapath_masks_are_changing(dp, port))
		return NULL;
	make_key(frame, &port->old_ingress,
		port->index | (uint64_t)port->old_epoch << KEY_EPOCH_SHIFT, &key, &n_words);
	hash = flow_hash(dp->flows, &key, n_words);
	flow = flow_find(dp->flows, &key, n_words, hash);
	return flow ? flow : flow_find_hidden(dp->flows, &key, n_words, hash);
}

// Whether a flow that is not known may not be decided now.
static bool is_shed(const struct datapath *dp)
{
	return __builtin_expect(dp->n_new >= dp->new_max, 0);
}

// Stage 7 does not see the frame: looking would cost what shedding saves.
static void shed(
	struct datapath *dp, struct weir_frame *frame, uint16_t port, enum weir_stage stage)
{
	datapath_drop_decided(dp, frame, port, stage, reason_of(0, REASON_NEW_FLOW_SHED));
}

static void run_and_put(struct datapath *dp, struct weir_frame *frame, struct program *program,
	uint16_t port, enum weir_stage stage)
{
	if (!program) {
		datapath_drop(dp, frame, port, stage, reason_of(0, REASON_NO_MEMORY));
		return;
	}
	datapath_run(dp, frame, program, 0);
	program_put(dp->programs, program);
}

// Runs a frame whose key is not in the table. A flow that is known under the masks before a change
// is decided anew like a stale one, as long as the batch has not done its share, or goes on as it
// was. The order matters: what has been decided in this batch is followed by all later frames of
// its flow, and what has not once the batch has decided enough, by none. Returns the program that
// was decided, with a reference that the caller puts, for the frames behind it; NULL: none was.
static struct program *run_unknown(struct datapath *dp, struct weir_frame *frame,
	const struct snapshot_port *port, struct flow_key *key, unsigned n_words, uint32_t hash,
	bool may_shed, struct flow **flow)
{
	struct flow *old = flow_under_old_mask(dp, port, frame, key_start(key));
	struct decided d;

	if (old && dp->n_redecided >= dp->redecide_max && !must_redecide(old)) {
		dp->put_off_ns = dp->now_ns;
		datapath_note_stale(dp, old);
		use_flow(dp, old, frame_wire(frame));
		old->program->refs++;
		run_and_put(dp, frame, old->program, port->index, WEIR_STAGE_INGRESS);
		return NULL;
	}
	if (!old && may_shed && is_shed(dp)) {
		shed(dp, frame, port->index, WEIR_STAGE_INGRESS);
		return NULL;
	}
	dp->n_redecided += old != NULL;
	dp->n_new += old == NULL;
	dp->n_new_since_pass += old == NULL;
	d = decide_flow(dp, key, n_words, hash, frame);
	*flow = d.flow;
	if (d.flow && old)
		flow_hide(dp->flows, old);
	if (d.program && old)
		decide_note_change(dp, old->program, d.program);
	if (d.program && !d.alone)
		d.program->refs++; // for the caller
	frame->flags |= FRAME_ADMITTED;
	run_and_put(dp, frame, d.program, port->index, WEIR_STAGE_INGRESS);
	return d.alone ? NULL : d.program;
}

void datapath_decide_and_run(
	struct datapath *dp, struct weir_frame *frame, uint16_t index, uint8_t start)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, index);
	struct flow *flow = NULL;
	struct program *program;
	struct flow_key key;
	unsigned n_words;
	uint32_t hash;

	if (!port) {
		datapath_drop(dp, frame, index, WEIR_STAGE_INGRESS, reason_of(0, REASON_NO_PORT));
		return;
	}
	make_key(frame, &port->ingress,
		port->index | (uint64_t)start << KEY_START_SHIFT |
			(uint64_t)port->epoch << KEY_EPOCH_SHIFT,
		&key, &n_words);
	hash = flow_hash(dp->flows, &key, n_words);
	frame->flags |= FRAME_ADMITTED;
	program = cached_program(dp, &key, n_words, hash, frame);
	if (program)
		datapath_run(dp, frame, program, 0);
	else
		program = run_unknown(dp, frame, port, &key, n_words, hash, false, &flow);
	if (program)
		program_put(dp->programs, program);
}

void datapath_miss(struct datapath *dp, struct weir_frame *frames[], unsigned n,
	const struct snapshot_port *port, struct flow_key *key, unsigned n_words, uint32_t hash,
	bool again)
{
	struct flow *flow = again ? flow_find(dp->flows, key, n_words, hash) : NULL;
	struct program *program = NULL;

	if (flow) {
		check_flow(dp, flow, frames[0]);
		program = flow->program;
		program->refs++;
	}
	for (unsigned i = 0; i < n; i++) {
		if (!program) {
			program = run_unknown(dp, frames[i], port, key, n_words, hash, true, &flow);
			continue;
		}
		if (flow)
			use_flow(dp, flow, frame_wire(frames[i]));
		datapath_run(dp, frames[i], program, 0);
	}
	if (program)
		program_put(dp->programs, program);
}

void datapath_redirect(struct datapath *dp, struct weir_frame *frame, uint8_t start, uint16_t to)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, frame->port);
	struct flow_key key;
	unsigned n_words;

	if (!port) {
		datapath_drop(
			dp, frame, frame->port, WEIR_STAGE_FORWARD, reason_of(0, REASON_NO_PORT));
		return;
	}
	make_key(frame, &port->ingress,
		port->index | (uint64_t)start << KEY_START_SHIFT |
			(uint64_t)port->epoch << KEY_EPOCH_SHIFT,
		&key, &n_words);
	run_and_put(dp, frame, decide_redirected(dp, &key, n_words, to, frame), port->index,
		WEIR_STAGE_FORWARD);
}

// A port without egress hooks needs no flow: only the tag may have to go.
static void leave_plain(
	struct datapath *dp, struct weir_frame *frame, const struct snapshot_port *port)
{
	enum vlan_egress_tag tag;

	if (!vlan_egress(&port->vlan, frame_vlan(frame), &tag)) {
		datapath_drop(dp, frame, port->index, WEIR_STAGE_EGRESS,
			reason_of(0, REASON_VLAN_NOT_ALLOWED));
		return;
	}
	if (tag == VLAN_EGRESS_UNTAG) {
		frame = datapath_private(dp, frame);
		if (!frame)
			return;
		rewrite_pop_vlan(frame);
	}
	datapath_transmit(dp, frame, port->index);
}

static bool may_decide_half(
	struct datapath *dp, const struct snapshot_port *port, enum half_claim claim)
{
	if (claim == HALF_ADMITTED || datapath_masks_are_changing(dp, port) || !is_shed(dp))
		return true;
	return claim == HALF_LED_TO && dp->n_led_to++ < REDECIDE_PER_BATCH;
}

// Of what comes before an egress half that drops what it has shown to a visitor: only what has paid
// and was let through is shown, as the visitor may send it on. Nothing is counted but what is lost
// here. False: it has been dropped.
static bool account_shown(
	struct datapath *dp, struct weir_frame *frame, const struct op late[], unsigned n)
{
	const uint64_t wire = n ? frame_wire(frame) : 0;
	unsigned i = 0;

	while (i < n && (late[i].code == OP_METER || account_op(dp, frame, &late[i], wire)))
		i++;
	for (unsigned k = 0; i < n && k < i; k++)
		if (late[k].code == OP_METER)
			account_meter(dp, &late[k], wire);
	return i == n;
}

static bool account_before(struct datapath *dp, struct weir_frame *frame,
	const struct program *half, const struct op late[], unsigned n)
{
	if (!half->drops)
		return datapath_account(dp, frame, late, n);
	return !half->visits || account_shown(dp, frame, late, n);
}

void datapath_deliver(struct datapath *dp, struct weir_frame *frame, uint16_t index, uint8_t start,
	enum weir_forwarded forwarded, enum half_claim claim, const struct op late[],
	unsigned n_late)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, index);
	struct program *program;
	struct flow_key key;
	unsigned n_words;
	uint32_t hash;

	if (!port) {
		datapath_drop(dp, frame, index, WEIR_STAGE_EGRESS, reason_of(0, REASON_NO_PORT));
		return;
	}
	if (port_n_hooks(port, WEIR_STAGE_EGRESS) == 0) {
		if (datapath_account(dp, frame, late, n_late))
			leave_plain(dp, frame, port);
		return;
	}
	key_parse(frame, &key);
	n_words = key_words(&key, &port->egress);
	key.w[0] |= index | (uint64_t)start << KEY_START_SHIFT | KEY_EGRESS_HALF |
		    (uint64_t)forwarded << KEY_FORWARDED_SHIFT |
		    (uint64_t)port->epoch << KEY_EPOCH_SHIFT;
	key_set_ingress(&key, frame->port);
	apply_mask(&key, &port->egress, n_words);
	hash = flow_hash(dp->flows, &key, n_words);
	program = cached_program(dp, &key, n_words, hash, frame);
	if (!program && !may_decide_half(dp, port, claim)) {
		shed(dp, frame, index, WEIR_STAGE_EGRESS);
		return;
	}
	if (!program) {
		dp->n_new++;
		dp->n_new_since_pass++;
		program = decide_flow(dp, &key, n_words, hash, frame).program;
	}
	if (program && !account_before(dp, frame, program, late, n_late))
		program_put(dp->programs, program);
	else
		run_and_put(dp, frame, program, index, WEIR_STAGE_EGRESS);
}

void datapath_tap_drop(struct datapath *dp, struct weir_frame *frame,
	const struct snapshot_port *port, uint32_t cause)
{
	struct weir_frame *copy = datapath_clone(dp, frame);
	struct program *program;
	struct flow_key key;
	unsigned n_words;
	uint32_t hash;

	if (!copy)
		return; // there is nothing to show it with; the drop is counted all the same
	copy->flags |= FRAME_TAPPED;
	copy->hash = cause;
	make_key(copy, &port->ingress,
		port->index | KEY_DROP_HALF | (uint64_t)port->epoch << KEY_EPOCH_SHIFT, &key,
		&n_words);
	hash = flow_hash(dp->flows, &key, n_words);
	program = cached_program(dp, &key, n_words, hash, copy);
	if (!program)
		program = decide_flow(dp, &key, n_words, hash, copy).program;
	if (!program) {
		weir_frame_release(copy);
		return;
	}
	datapath_run(dp, copy, program, 0);
	program_put(dp->programs, program);
}
