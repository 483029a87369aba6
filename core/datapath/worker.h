// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A worker: a thread that polls receive queues and runs their frames through the datapath of their
// switch. With no thread, worker_round() is called by whoever drives it.
//
// While frames come it polls; after linger_us without any it sleeps in epoll until a queue or the
// control thread wakes it.
//
// A round takes one batch off every queue; pressure.h says how many flows it may decide.
#ifndef WORKER_H
#define WORKER_H

#include "datapath/datapath.h"
#include "datapath/pressure.h"

enum {
	// Frames of one receive: what a batch costs is shared by as many.
	WORKER_BATCH = NIC_BATCH,
};

// One receive queue that a worker polls.
struct poll_entry {
	struct datapath *dp;
	struct nic *nic;
	int *nic_error; // worker: w once, control: r; what receive() said when it failed
	unsigned queue;
	uint16_t port;
	struct queue_pressure *pressure; // worker: rw; the queue's, whichever list it is in
};

// What a worker works on; immutable, published by RCU. What becomes of a queue in time is kept with
// its NIC: another list takes it over.
struct poll_list {
	uint64_t version; // unlike the address, never used twice
	unsigned n_entries, n_datapaths;
	struct poll_entry *entries;
	struct datapath **datapaths;
};

// Something to be done on the worker's thread between two batches.
struct worker_call {
	void (*function)(struct worker_call *call, struct poll_list *list, uint64_t now_ns);
	struct worker_call *next;
};

struct worker_counts { // worker: w, control: r
	uint64_t frames, batches;
	// Of rounds that are over: the cycles of those that had frames, and the time of those that
	// had frames or swept. In the rest of the time the worker slept or polled in vain.
	uint64_t busy_cycles, busy_ns;
	int cpu;
};

struct worker;

struct worker_options {
	unsigned id;
	bool poll;
	const unsigned *linger_us; // control: w, worker: r
	uint64_t (*clock_ns)(void *context);
	void *clock_context;
	int report_fd; // eventfd: written when the control thread should look (a NIC failed, a
		       // sweep is done)
};

// Control thread. NULL: no memory or descriptors.
struct worker *worker_create(const struct worker_options *options);
int worker_start(struct worker *worker);
// Ends the thread, if any. Blocks.
void worker_stop(struct worker *worker);
void worker_destroy(struct worker *worker);

// Makes the worker work on this list from its next round on; it is woken. The caller frees the old
// one after a grace period. Control thread.
void worker_publish(struct worker *worker, struct poll_list *list);
// Runs call->function on the worker, soon. The call is the callee's. Control thread.
void worker_call(struct worker *worker, struct worker_call *call);
void worker_wake(struct worker *worker);
const struct worker_counts *worker_counts(const struct worker *worker);
struct frame_pool *worker_pool(struct worker *worker);

// One round over all queues; returns the frames received. The thread that drives a worker without
// thread.
unsigned worker_round(struct worker *worker);

#endif
