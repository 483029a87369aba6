// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <stdlib.h>
#include <sys/mman.h>

#include "datapath/datapath.h"
#include "datapath/rcu.h"
#include "datapath/rewrite.h"
#include "nic/offload.h"

struct datapath *datapath_create(const struct datapath_options *options)
{
	// The lists of parked frames are large and mostly never used: reserved, touched on use.
	struct datapath *dp = mmap(NULL, sizeof(*dp) + 256 * PARKED_MAX * sizeof(struct parked),
		PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (dp == MAP_FAILED)
		return NULL;
	for (unsigned i = 0; i < 256; i++)
		dp->parked[i] = (struct parked *)(dp + 1) + (size_t)i * PARKED_MAX;
	dp->worker = options->worker;
	dp->generation = options->generation;
	dp->fdb = options->fdb;
	dp->published = options->published;
	dp->meter_owners = options->meter_owners;
	dp->pool = options->pool;
	dp->flows = flow_table_create(options->n_flows);
	dp->programs = program_table_create();
	if (!dp->flows || !dp->programs) {
		datapath_destroy(dp);
		return NULL;
	}
	return dp;
}

void datapath_destroy(struct datapath *dp)
{
	if (!dp)
		return;
	flow_table_destroy(dp->flows);
	program_table_destroy(dp->programs);
	for (unsigned i = 0; i < METER_CHUNKS; i++)
		free(dp->meters.chunks[i]);
	munmap(dp, sizeof(*dp) + 256 * PARKED_MAX * sizeof(struct parked));
}

void datapath_begin(struct datapath *dp, uint64_t now_ns)
{
	dp->now = generation_now(dp->generation);
	dp->snapshot = rcu_get(dp->published);
	dp->now_ns = now_ns;
	dp->now_s = (uint32_t)(now_ns / 1000000000);
	dp->tick = (uint32_t)(now_ns >> 26); // 1/14.9 s
	dp->n_decided = dp->n_redecided = 0;
}

// ---- Keys

static inline void apply_mask(struct flow_key *key, const struct key_mask *mask, unsigned n_words)
{
	key->w[1] &= mask->bits.w[1];
	key->w[2] &= mask->bits.w[2];
	if (n_words > KEY_WORDS_L2) {
		key->w[3] &= mask->bits.w[3];
		key->w[4] &= mask->bits.w[4];
		key->w[5] &= n_words > KEY_WORDS_IPV4 ? mask->w5_ipv6 : mask->bits.w[5];
	}
	if (n_words > KEY_WORDS_IPV4) {
		key->w[6] &= mask->bits.w[6];
		key->w[7] &= mask->bits.w[7];
		key->w[8] &= mask->bits.w[8];
	}
}

// The words that a shorter key does not have read as zero when it is shown to extensions.
static void clear_rest(struct flow_key *key, unsigned n_words)
{
	for (unsigned i = n_words; i < KEY_WORDS; i++)
		key->w[i] = 0;
}

// ---- Deciding

static void compose(struct datapath *dp, const struct flow_key *key, bool learn,
	const uint16_t *redirect, struct composition *out)
{
	struct compose_context context = {
		.snapshot = dp->snapshot,
		.fdb = dp->fdb,
		.now_s = dp->now_s,
		.learn = learn,
		.meters = dp->meter_owners,
		.redirect = redirect,
	};

	count(&dp->decisions, 1);
	if (key->w[0] & KEY_EGRESS_HALF)
		compose_egress(&context, key, out);
	else
		compose_ingress(&context, key, out);
}

static void adopt(struct datapath *dp, struct flow *flow, const struct composition *c)
{
	flow->valid_at = dp->now;
	flow->n_depends = (uint8_t)c->n_depends;
	memcpy(flow->depends, c->depends, sizeof(flow->depends));
	flow->flags = (c->unlearned ? FLOW_UNLEARNED : 0) | (c->learned ? FLOW_LEARNED : 0) |
		      (c->depends_on_all ? FLOW_DEPENDS_ON_ALL : 0);
	flow->vlan = c->vlan;
}

bool datapath_redecide(struct datapath *dp, struct flow *flow, bool learn)
{
	struct composition composition;
	struct flow_key key;
	struct program *program;

	memcpy(key.w, flow->key, flow->n_words * sizeof(key.w[0]));
	clear_rest(&key, flow->n_words);
	compose(dp, &key, learn, NULL, &composition);
	program = program_get(dp->programs, composition.ops, composition.n_ops);
	if (!program)
		return false;
	program_put(dp->programs, flow->program);
	flow->program = program;
	// Without a frame nothing is learned; what was wanted still is.
	composition.unlearned |= !learn && (flow->flags & FLOW_UNLEARNED);
	adopt(dp, flow, &composition);
	return true;
}

bool datapath_fresh(struct datapath *dp, struct flow *flow)
{
	if (flow->flags & FLOW_DEPENDS_ON_ALL)
		return false;
	for (unsigned i = 0; i < flow->n_depends; i++)
		if (generation_slot_time(dp->generation, flow->depends[i]) > flow->valid_at)
			return false;
	flow->valid_at = dp->now;
	return true;
}

// Decides a key that is in no table, and caches it when there is room. Returns the program with a
// reference that the caller puts, NULL without memory.
static struct program *decide(struct datapath *dp, struct flow_key *key, unsigned n_words,
	uint32_t hash, struct flow **cached)
{
	struct composition composition;
	struct program *program;
	struct flow *flow;

	clear_rest(key, n_words);
	compose(dp, key, !(key->w[0] & KEY_EGRESS_HALF), NULL, &composition);
	program = program_get(dp->programs, composition.ops, composition.n_ops);
	if (!program)
		return NULL;
	flow = flow_insert(dp->flows, key, n_words, hash);
	*cached = flow;
	if (!flow) {
		count(&dp->uncached, 1);
		return program;
	}
	program->refs++;
	flow->program = program;
	adopt(dp, flow, &composition);
	return program;
}

static inline void use_flow(struct datapath *dp, struct flow *flow, const struct weir_frame *frame)
{
	flow->used = dp->tick;
	if (__builtin_expect(frame->offload.gso_size == 0, 1)) {
		flow->frames++;
		flow->bytes += frame->size;
	} else {
		weir_frame_wire(frame, &flow->frames, &flow->bytes);
	}
}

// A hit: if what it depends on has changed, it is decided anew, as long as this batch has not done
// its share. That happens with the flow's first frame of the batch or not at all: were some of its
// frames to run the old program and wait for a visit, and others the new one and not, they would
// overtake each other.
static inline void check_flow(struct datapath *dp, struct flow *flow)
{
	if (__builtin_expect(flow->valid_at == dp->now, 1) || datapath_fresh(dp, flow))
		return;
	if (dp->n_redecided < REDECIDE_PER_BATCH) {
		dp->n_redecided++;
		datapath_redecide(dp, flow, !(flow->key[0] & KEY_EGRESS_HALF));
	}
}

// The program of a cached flow, with a reference that the caller puts; NULL: there is no such flow.
static struct program *cached_program(struct datapath *dp, const struct flow_key *key,
	unsigned n_words, uint32_t hash, const struct weir_frame *frame)
{
	struct flow *flow = flow_find(dp->flows, key, n_words, hash);

	if (!flow)
		return NULL;
	check_flow(dp, flow);
	use_flow(dp, flow, frame);
	flow->program->refs++;
	return flow->program;
}

static struct program *decided_program(struct datapath *dp, struct flow_key *key, unsigned n_words,
	uint32_t hash, const struct weir_frame *frame)
{
	struct flow *flow = NULL;
	struct program *program = decide(dp, key, n_words, hash, &flow);

	if (flow)
		use_flow(dp, flow, frame);
	return program;
}

static void make_key(const struct weir_frame *frame, const struct key_mask *mask, uint64_t constant,
	struct flow_key *key, unsigned *n_words)
{
	key_parse(frame, key);
	*n_words = key_words(key, mask);
	key->w[0] |= constant;
	apply_mask(key, mask, *n_words);
}

// For the flows of a port whose masks have changed: until they are decided under the new one, they
// run under the old.
static struct program *program_under_old_mask(struct datapath *dp, const struct snapshot_port *port,
	const struct weir_frame *frame, uint8_t start)
{
	unsigned n_words;
	struct flow_key key;
	struct flow *flow;

	if (port->masks_changed_at <= dp->swept_at)
		return NULL;
	make_key(frame, &port->old_ingress,
		port->index | (uint64_t)start << KEY_START_SHIFT |
			(uint64_t)port->old_epoch << KEY_EPOCH_SHIFT,
		&key, &n_words);
	flow = flow_find(dp->flows, &key, n_words, flow_hash(dp->flows, &key, n_words));
	if (!flow)
		return NULL;
	use_flow(dp, flow, frame);
	flow->program->refs++;
	return flow->program;
}

// The order matters: what has been decided in this batch is followed by all later frames of its
// flow, and what has not once the batch has decided enough, by none.
static struct program *ingress_program(struct datapath *dp, const struct snapshot_port *port,
	const struct weir_frame *frame, uint8_t start)
{
	struct program *program;
	struct flow_key key;
	unsigned n_words;
	uint32_t hash;

	make_key(frame, &port->ingress,
		port->index | (uint64_t)start << KEY_START_SHIFT |
			(uint64_t)port->epoch << KEY_EPOCH_SHIFT,
		&key, &n_words);
	hash = flow_hash(dp->flows, &key, n_words);
	program = cached_program(dp, &key, n_words, hash, frame);
	if (!program && dp->n_decided >= REDECIDE_PER_BATCH)
		program = program_under_old_mask(dp, port, frame, start);
	if (program)
		return program;
	dp->n_decided++;
	return decided_program(dp, &key, n_words, hash, frame);
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

void datapath_decide_and_run(
	struct datapath *dp, struct weir_frame *frame, uint16_t index, uint8_t start)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, index);

	if (port)
		run_and_put(dp, frame, ingress_program(dp, port, frame, start), index,
			WEIR_STAGE_INGRESS);
	else
		datapath_drop(dp, frame, index, WEIR_STAGE_INGRESS, reason_of(0, REASON_NO_PORT));
}

void datapath_redirect(struct datapath *dp, struct weir_frame *frame, uint8_t start, uint16_t to)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, frame->port);
	struct composition composition;
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
	clear_rest(&key, n_words);
	compose(dp, &key, false, &to, &composition);
	run_and_put(dp, frame, program_get(dp->programs, composition.ops, composition.n_ops),
		port->index, WEIR_STAGE_FORWARD);
}

void datapath_meter(
	struct datapath *dp, const struct weir_frame *frame, const struct op meters[], unsigned n)
{
	uint64_t n_frames = 0, n_bytes = 0;

	weir_frame_wire(frame, &n_frames, &n_bytes);
	for (unsigned i = 0; i < n; i++) {
		struct meter_slot *slot = meter_at(&dp->meters, meters[i].arg);

		count(&slot->frames, n_frames);
		count(&slot->bytes, n_bytes + (uint64_t)((int64_t)n_frames * meters[i].adjust));
	}
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

void datapath_deliver(struct datapath *dp, struct weir_frame *frame, uint16_t index, uint8_t start,
	enum weir_forwarded forwarded, const struct op meters[], unsigned n_meters)
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
		datapath_meter(dp, frame, meters, n_meters);
		leave_plain(dp, frame, port);
		return;
	}
	key_parse(frame, &key);
	n_words = key_words(&key, &port->egress);
	key.w[0] |= index | (uint64_t)start << KEY_START_SHIFT | KEY_EGRESS_HALF |
		    (uint64_t)forwarded << KEY_FORWARDED_SHIFT |
		    (uint64_t)port->epoch << KEY_EPOCH_SHIFT;
	key.w[3] |= frame->port;
	apply_mask(&key, &port->egress, n_words);
	hash = flow_hash(dp->flows, &key, n_words);
	program = cached_program(dp, &key, n_words, hash, frame);
	if (!program)
		program = decided_program(dp, &key, n_words, hash, frame);
	if (program && !program->drops)
		datapath_meter(dp, frame, meters, n_meters);
	run_and_put(dp, frame, program, index, WEIR_STAGE_EGRESS);
}

// ---- A batch

struct lookup {
	struct flow_key key;
	struct flow *flow;
	uint32_t hash;
	uint8_t n_words;
};

// Runs a hit. The plain case, one output, does not leave this function.
static inline void run_hit(struct datapath *dp, struct flow *flow, struct weir_frame *frame)
{
	struct program *program;

	check_flow(dp, flow);
	use_flow(dp, flow, frame);
	program = flow->program;
	if (program->output != PROGRAM_NOT_PLAIN)
		datapath_transmit(dp, frame, program->output);
	else
		datapath_run(dp, frame, program, 0);
}

static void count_received(struct port_counters *c, struct weir_frame *const frames[], unsigned n)
{
	uint64_t n_frames = 0, bytes = 0;

	for (unsigned i = 0; i < n; i++)
		weir_frame_wire(frames[i], &n_frames, &bytes);
	count(&c->rx_frames, n_frames);
	count(&c->rx_bytes, bytes);
}

// What comes from outside may claim anything about its checksums and segments: offsets are made
// true, or the claim is taken away and the frame is dropped.
static bool admit(struct weir_frame *frame)
{
	if (__builtin_expect(
		    (frame->offload.flags | frame->offload.gso_type | frame->offload.gso_size) == 0,
		    1))
		return true;
	if (offload_sanitize(frame))
		return true;
	memset(&frame->offload, 0, sizeof(frame->offload));
	return false;
}

void datapath_receive(struct datapath *dp, uint16_t index, struct weir_frame *frames[], unsigned n)
{
	const struct snapshot_port *port = snapshot_port(dp->snapshot, index);
	struct lookup lookups[NIC_BATCH];
	uint8_t missed[NIC_BATCH];
	unsigned n_missed = 0;
	uint64_t refused = 0;

	if (!port) { // removed since the list of queues was made
		for (unsigned i = 0; i < n; i++)
			weir_frame_release(frames[i]);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct lookup *l = &lookups[i];

		if (i + 4 < n)
			__builtin_prefetch(frames[i + 4]->data);
		frames[i]->port = index;
		if (!admit(frames[i]))
			refused |= UINT64_C(1) << i;
		key_parse(frames[i], &l->key);
		l->n_words = (uint8_t)key_words(&l->key, &port->ingress);
		l->key.w[0] |= index | (uint64_t)port->epoch << KEY_EPOCH_SHIFT;
		apply_mask(&l->key, &port->ingress, l->n_words);
		l->hash = flow_hash(dp->flows, &l->key, l->n_words);
		flow_prefetch_bucket(dp->flows, l->hash);
	}
	for (unsigned i = 0; i < n; i++)
		lookups[i].flow = flow_candidate(
			dp->flows, lookups[i].hash, lookups[i].n_words > KEY_WORDS_L2);
	count_received(datapath_counters(dp, port), frames, n);
	for (unsigned i = 0; i < n; i++) {
		struct lookup *l = &lookups[i];
		struct flow *flow = l->flow;

		if (__builtin_expect(!flow || flow->n_words != l->n_words ||
					     !flow_match(flow, &l->key, l->n_words),
			    0))
			flow = flow_find(dp->flows, &l->key, l->n_words, l->hash);
		if (__builtin_expect(refused != 0, 0) && (refused >> i & 1))
			datapath_drop(dp, frames[i], index, WEIR_STAGE_INGRESS,
				reason_of(0, REASON_BAD_OFFLOAD));
		else if (__builtin_expect(flow != NULL, 1))
			run_hit(dp, flow, frames[i]);
		else
			missed[n_missed++] = (uint8_t)i;
	}
	for (unsigned i = 0; i < n_missed; i++)
		datapath_decide_and_run(dp, frames[missed[i]], index, 0);
}

// In the order in which they were made; what they make in turn comes behind.
static void run_originated(struct datapath *dp)
{
	for (unsigned i = 0; i < dp->n_originated; i++) {
		struct originated o = dp->originated[i];

		datapath_decide_and_run(dp, o.frame, o.port, o.start);
		datapath_visit_all(dp);
	}
	dp->n_originated = 0;
}

void datapath_end(struct datapath *dp)
{
	datapath_visit_all(dp);
	run_originated(dp);
	datapath_flush(dp);
	program_bury(dp->programs);
	__atomic_store_n(&dp->n_flows, dp->flows->n, __ATOMIC_RELAXED);
}
