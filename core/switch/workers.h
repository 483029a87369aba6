// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The workers as the control thread has them: what each is to poll, what it counted, and which of
// the extensions' hooks took it too long.
#ifndef SWITCH_WORKERS_H
#define SWITCH_WORKERS_H

#include <stdint.h>
#include <time.h>

#include <weir/extension.h>

#include "datapath/worker.h"

struct attachment;
struct weir;

enum { WORKERS_MAX = 64 };

struct watch {
	uint64_t slow_limit;  // cycles that a decide hook may take. control: w, worker: r
	double cycles_per_ms; // 0: not known yet
	uint64_t cycles;      // at the start
	struct timespec time;
};

// What a worker had counted at a time.
struct worker_reading {
	uint64_t at_ns;
	struct worker_counts counts;
};

// The decide hooks of a worker that took too long: how many, and the longest that was told last.
struct slow_told {
	uint64_t n;
	char extension[WEIR_NAME_MAX], vswitch[WEIR_NAME_MAX];
	double ms;
};

// ---- worker_list.c
// Takes a reading of each worker: once as it is made, then once a second.
void workers_read(struct weir *w);

// ---- queues.c
// Rebuilds and publishes every worker's list of queues. -ENOMEM leaves the old ones.
int weir_publish_queues(struct weir *w);
// The same where it must not fail: tried again by weir_process() until there is memory.
void weir_publish_queues_later(struct weir *w);
void queues_free(struct poll_list *list);
// The worker with the fewest queues: more go there.
unsigned queues_least_loaded(const struct weir *w);

// ---- watch.c
void watch_start(struct weir *w);
// Tells what workers saw since the last call; once a second.
void watch_run(struct weir *w);
// What was counted of an attachment is counted of the one in its place, too.
void counters_hand_over(struct attachment *from, struct attachment *to);

#endif
