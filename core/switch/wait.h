// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What ends later: what no worker may use any more before it is freed, what takes its time to end,
// and who waits for either.
#ifndef SWITCH_WAIT_H
#define SWITCH_WAIT_H

#include <stdint.h>

#include <weir/embed.h>

#include "datapath/rcu.h"

struct vswitch;
struct weir;

// Freed or finished after a grace period, on the control thread. Embedded in what is retired.
struct deferred {
	struct rcu_head head; // first: liburcu hands it back
	struct weir *weir;
	struct deferred *next;
	void (*function)(struct deferred *deferred);
};

// Something that takes its time to end: a detach, the closing of a NIC. Who asks when a change is
// done waits for those that began before.
struct ending {
	struct ending *next;
	uint64_t number; // in the order of their beginnings
};

// Called when no worker runs a decision older than now and everything retired until now has ended,
// on the control thread.
struct wait {
	struct wait *next;
	uint64_t endings;        // and when the endings up to this number are over
	struct vswitch *vswitch; // NULL: all of them
	weir_done *done;
	void *context;
	uint64_t targets[]; // clock per switch slot, for NULL; else one
};

// Hands something to the control thread, which calls its function. Any thread.
void weir_hand_over(struct deferred *deferred);
// The same as a callback of rcu_free_later().
void weir_grace_period_over(struct rcu_head *head);
void weir_defer(struct weir *w, struct deferred *deferred, void (*function)(struct deferred *));
// Calls done when every worker has swept this switch (NULL: all) up to now. -ENOMEM.
int weir_wait(struct weir *w, struct vswitch *vswitch, weir_done *done, void *context);
// The same in two steps, for what must not fail once it has been done. Caller begins, or frees with
// free().
struct wait *weir_wait_make(unsigned n_switches, weir_done *done, void *context);
void weir_wait_begin(struct weir *w, struct wait *wait, struct vswitch *vswitch);
void weir_ending_begin(struct weir *w, struct ending *ending);
void weir_ending_over(struct weir *w, struct ending *ending);
void weir_wake_workers(struct weir *w);
// Makes weir_fd() readable. Any thread.
void control_wake(const struct weir *w);
// Ends what is due: what was deferred, and whose waiting is over.
void deferred_run(struct weir *w);
void waits_run(struct weir *w);

#endif
