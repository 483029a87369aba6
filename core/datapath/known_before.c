// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Frames of a port whose masks have just changed: nearly all are of flows that are known under the
// masks before, and stay so until they have been decided anew, a few in each batch. Until then they
// run as they did, in rounds as for hits.
//
// They are looked up under those masks first that more of the last batch were known under, so that
// at any time of a change most frames are looked up once. A flow of which something has been
// decided anew is hidden (flow_table.h): what it has become is found first in any order. Where many
// flows become one, those that are not hidden yet run as they did if the masks before come first,
// and follow the new decision otherwise; so now and then a batch is looked up under the new masks
// first all the same, and these stay first when most is known there.
#include "datapath/batch.h"

enum { TRY_NEW_EVERY = 8 };

// Frames of a batch, looked up under the masks before the last change.
struct before {
	struct batch batch;
	struct weir_frame *frames[NIC_BATCH];
	// Flows that are decided anew: all their frames are left.
	unsigned n_left;
	const struct flow *left[NIC_BATCH];
};

static bool is_left(const struct before *o, const struct flow *flow)
{
	for (unsigned i = 0; i < o->n_left; i++)
		if (o->left[i] == flow)
			return true;
	return false;
}

// Whether the frames of a flow are left to the misses, which decide it anew, as many as the batch
// may. With all of its frames in the batch or none: those of what it becomes must not overtake each
// other.
static bool leave_to_misses(struct before *o, struct flow *flow)
{
	const struct datapath *dp = o->batch.dp;

	if (is_left(o, flow))
		return true;
	if (dp->n_redecided + o->n_left >= dp->redecide_max && !must_redecide(flow))
		return false;
	o->left[o->n_left++] = flow;
	flow_hide(dp->flows, flow); // also when they are not missed, but known under the new masks
	return true;
}

static void take(struct before *o, const struct batch *b, const uint8_t at[], unsigned n)
{
	o->batch.dp = b->dp;
	o->batch.port = b->port;
	o->batch.mask = &b->port->old_ingress;
	o->batch.epoch = b->port->old_epoch;
	o->batch.frames = o->frames;
	o->batch.n_frames = n;
	o->batch.missed_first = false;
	o->n_left = 0;
	for (unsigned i = 0; i < n; i++)
		o->frames[i] = b->frames[at[i]];
}

// Of the n frames of b that stand at these places runs those whose flow is known under the masks
// before, and need not be decided anew in this batch; in rounds as for hits, as it is nearly every
// frame when a mask has just changed. Where they stood is NULL then. Returns what they are on the
// wire.
static uint64_t run_known_before(struct batch *b, const uint8_t at[], unsigned n)
{
	struct last_output last = { 0 };
	struct datapath *dp = b->dp;
	uint64_t wire = 0;
	struct before o;

	take(&o, b, at, n);
	make_runs(&o.batch, false);
	find_candidates(&o.batch, false);
	for (unsigned i = 0; i < o.batch.n_runs; i++) {
		struct run *r = &o.batch.runs[i];
		struct flow *flow = flow_of(&o.batch, r, false);
		bool refused = (r->key.w[0] & KEY_REFUSED) != 0;

		if (!refused &&
			(!flow || waits_for_first(&o.batch, r) || leave_to_misses(&o, flow))) {
			o.batch.missed_first |= is_fragment(r, WEIR_FRAGMENT_FIRST);
			continue;
		}
		for (unsigned k = r->first; k < r->first + r->n; k++)
			b->frames[at[k]] = NULL;
		wire += r->wire;
		if (refused) {
			batch_drop_refused(&o.batch, r->first, r->n);
			continue;
		}
		dp->put_off_ns = dp->now_ns;
		datapath_note_stale(dp, flow);
		run_flow(&o.batch, r, flow, &last);
	}
	return wire;
}

static uint64_t port_bit(const struct snapshot_port *port)
{
	return UINT64_C(1) << (port->index % 64);
}

bool known_before_comes_first(struct datapath *dp, const struct snapshot_port *port)
{
	if ((dp->before_first & port_bit(port)) && ++dp->n_before_first % TRY_NEW_EVERY)
		return true;
	dp->before_first &= ~port_bit(port); // unless much of the batch is missed
	return false;
}

static void note_known_before(struct batch *b, unsigned n_before, unsigned n)
{
	if (n_before * 2 > n)
		b->dp->before_first |= port_bit(b->port);
	else
		b->dp->before_first &= ~port_bit(b->port);
}

// All frames of the batch, before they are looked up under the new masks.
void run_known_before_first(struct batch *b)
{
	uint8_t at[NIC_BATCH] = { 0 };
	unsigned n = 0;

	while (n < b->n_frames) {
		at[n] = (uint8_t)n;
		n++;
	}
	count_received(b, run_known_before(b, at, n));
	b->n_frames = batch_close_gaps(b->frames, n);
	note_known_before(b, n - b->n_frames, n);
}

// Those that were missed.
void run_missed_known_before(struct batch *b)
{
	uint8_t at[NIC_BATCH] = { 0 };
	unsigned n = 0, n_before = 0;

	for (unsigned i = 0; i < b->n_missed; i++) {
		const struct run *r = &b->runs[b->missed[i]];

		if (!r->flow && !(r->key.w[0] & KEY_REFUSED))
			for (unsigned k = r->first; k < r->first + r->n; k++)
				at[n++] = (uint8_t)k;
	}
	run_known_before(b, at, n);
	for (unsigned i = 0; i < n; i++)
		n_before += b->frames[at[i]] == NULL;
	note_known_before(b, n_before, b->n_frames);
}
