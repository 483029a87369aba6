// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <stdlib.h>
#include <sys/mman.h>

#include "datapath/flow_use.h"
#include "datapath/rcu.h"
#include "nic/offload.h"

static size_t datapath_size(void)
{
	return sizeof(struct datapath) + (POSITIONS_MAX + 1) * sizeof(struct visit_queue);
}

struct datapath *datapath_create(const struct datapath_options *options)
{
	// The queues for visitors are large and mostly never used: reserved, touched on use.
	struct datapath *dp = mmap(NULL, datapath_size(), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (dp == MAP_FAILED)
		return NULL;
	dp->spare = (struct visit_queue *)(dp + 1);
	for (unsigned i = 0; i < POSITIONS_MAX; i++)
		dp->waiting[i] = dp->spare + 1 + i;
	dp->worker = options->worker;
	dp->generation = options->generation;
	dp->fdb = options->fdb;
	dp->published = options->published;
	dp->meter_owners = options->meter_owners;
	dp->pool = options->pool;
	dp->slow.limit = options->slow_limit;
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
	munmap(dp, datapath_size());
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
	else if (program->ops[0].code == OP_VISIT)
		datapath_wait(dp, frame, program, program->ops);
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
	// What sending dropped, stage 7 may still want to see.
	while (datapath_visits_wait(dp)) {
		datapath_visit_all(dp);
		datapath_flush(dp);
	}
	program_bury(dp->programs);
	__atomic_store_n(&dp->n_flows, dp->flows->n, __ATOMIC_RELAXED);
}
