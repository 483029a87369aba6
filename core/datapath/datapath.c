// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <limits.h>
#include <stdlib.h>

#include "datapath/datapath.h"
#include "datapath/pages.h"
#include "datapath/rcu.h"

static struct drop_watch *const nobody_watches = NULL;

static size_t datapath_size(void)
{
	return sizeof(struct datapath) + (POSITIONS_MAX + 1) * sizeof(struct visit_queue);
}

struct datapath *datapath_create(const struct datapath_options *options)
{
	// The queues for visitors are large and mostly never used: reserved, touched on use.
	struct datapath *dp = pages_reserve(datapath_size());

	if (!dp)
		return NULL;
	dp->spare = (struct visit_queue *)(dp + 1);
	for (unsigned i = 0; i < POSITIONS_MAX; i++)
		dp->waiting[i] = dp->spare + 1 + i;
	dp->worker = options->worker;
	dp->generation = options->generation;
	dp->fdb = options->fdb;
	dp->sessions = options->sessions;
	dp->fragments = options->fragments;
	dp->published = options->published;
	dp->meter_owners = options->meter_owners;
	dp->pool = options->pool;
	dp->watches = options->watches ? options->watches : &nobody_watches;
	dp->slow.limit = options->slow_limit;
	dp->scan_at = UINT32_MAX;
	dp->flows = flow_table_create(options->n_flows);
	dp->programs = program_table_create();
	if (dp->flows && dp->sessions)
		dp->flow_sessions = flow_sessions_create(options->n_flows);
	if (!dp->flows || !dp->programs || (dp->sessions && !dp->flow_sessions)) {
		datapath_destroy(dp);
		return NULL;
	}
	return dp;
}

void datapath_destroy(struct datapath *dp)
{
	if (!dp)
		return;
	if (dp->flow_sessions)
		flow_sessions_destroy(dp->flow_sessions, dp->flows->capacity);
	flow_table_destroy(dp->flows);
	program_table_destroy(dp->programs);
	for (unsigned i = 0; i < METER_CHUNKS; i++)
		free(dp->meters.chunks[i]);
	for (unsigned i = 0; i < POLICER_CHUNKS; i++)
		free(dp->policers.chunks[i]);
	pages_release(dp, datapath_size());
}

void datapath_begin(struct datapath *dp, uint64_t now_ns)
{
	dp->now = dp->run_valid_at = generation_now(dp->generation);
	dp->valid_now = (uint32_t)dp->now * FLOW_TIME_UNIT;
	dp->snapshot = rcu_get(dp->published);
	dp->now_ns = now_ns;
	dp->now_s = (uint32_t)(now_ns / 1000000000);
	dp->tick = flow_tick(now_ns);
	dp->n_new = dp->n_redecided = dp->n_led_to = 0;
	dp->new_max = UINT_MAX;
	dp->redecide_max = REDECIDE_PER_BATCH;
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
	// What sending dropped, stage 7 may still want to see, and answer.
	do {
		datapath_visit_all(dp);
		run_originated(dp);
		datapath_flush(dp);
	} while (datapath_visits_wait(dp) || dp->n_originated);
	program_bury(dp->programs);
	__atomic_store_n(&dp->n_flows, dp->flows->n, __ATOMIC_RELAXED);
}
