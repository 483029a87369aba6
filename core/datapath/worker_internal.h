// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A worker, between the files of it (worker*.c).
#ifndef WORKER_INTERNAL_H
#define WORKER_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "datapath/pressure.h"
#include "datapath/worker.h"

struct worker {
	struct worker_options options;
	struct poll_list *list;    // RCU. control: w, worker: r
	struct worker_call *calls; // control: pushes, worker: takes all
	struct frame_pool *pool;
	int epoll_fd, wake_fd;
	bool stop, started;
	struct pressure pressure;
	struct pressure_used used; // by this round so far
	pthread_t thread;
	uint64_t epoll_version;                      // of the list that epoll_fd watches
	uint64_t last_busy_ns, last_ns, last_cycles; // of the last round
	bool had_frames, had_work;                   // likewise, and not accounted for yet
	struct worker_counts counts;
};

// Until a queue of the list has frames, the worker is woken, or there is something to do by the
// clock. now_ns: of the last round. Returns at once when there is something to do already. The
// worker is outside of RCU meanwhile: what it got of the list before is not to be used any more.
void worker_sleep(struct worker *w, const struct poll_list *list, uint64_t now_ns);

#endif
