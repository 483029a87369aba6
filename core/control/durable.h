// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Keeps the desired state of a struct weir in a store: every change is noted as it is made, a
// commit ends what was noted and says when it is on disk, and what cannot be written is taken back
// from the switch, so that a refused change is neither on disk nor in force. Twice a second, meters
// that moved are written as well. Taking back touches nothing but what was changed; a meter that
// was removed and comes back has the counts that were written last.
//
// A daemon with a state directory calls, in this order:
//
// - weir_create(), uv_loop_init();
// - durable_open(), which reads the directory and locks it, or refuses;
// - durable_restore(): the switch becomes what it was; no client and no other change before this;
// - control_server_create() with options.durable; then it is ready, and runs the loop;
// - on a signal control_server_stop(); from its stopped, durable_stop(); from its stopped, the
//   daemon closes its own handles, and the loop ends;
// - weir_destroy(), control_server_destroy().
//
// When something between fails, durable_stop() and the loop run until its stopped. A daemon without
// a state directory has no struct durable: options.durable is NULL and nothing is kept.
//
// Takes over weir_on_change(). Control thread only, which is the loop's thread.
#ifndef CONTROL_DURABLE_H
#define CONTROL_DURABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#include <weir/embed.h>

struct durable;

struct durable_options {
	const char *directory;                                   // the state directory
	void (*log)(void *context, int level, const char *line); // level as syslog(3); NULL: none
	void *log_context;
};

// Opens the store and starts the handles in the loop. options: borrowed during the call. weir and
// loop stay the caller's, and must outlive it. Blocks while it reads. Returns 0 or what
// store_open() refuses with, a sentence for the operator.
int durable_open(struct weir *weir, uv_loop_t *loop, const struct durable_options *options,
	struct durable **durable, struct weir_error *error);

// Makes the switch, which has nothing yet, what the store says; from then on its changes are kept.
// What cannot be had (NICs, extensions) is put off and logged; weir_on_notice() is taken meanwhile.
// Blocks. Returns 0; -EBADMSG, -EIO or -ENOMEM with a sentence.
int durable_restore(struct durable *durable, struct weir_error *error);

// Writes what there is to write: changes that were made, the last counts of all meters, what
// extensions save. Blocks while it writes; what fails is logged. stopped: called from the loop when
// no handle is left there; the struct is gone then. NULL: stopped is called at once. Commits that
// were waiting are reported before.
void durable_stop(struct durable *durable, void (*stopped)(void *context), void *context);

// ---- For the control server

// Whether a change made now could be kept: false, with a sentence that says that nothing was
// changed, while the disk is known not to take it, or the switch is being brought back.
bool durable_ready(struct durable *durable, struct weir_error *error);

// error: NULL: all changes made before the commit are on disk. Else they are not, and the switch is
// again what it was before them (when even that fails, the sentence says so); borrowed during the
// call.
typedef void durable_done(void *context, const struct weir_error *error);

// One commit under way. Zero before, and of no use to anybody but durable.c.
struct durable_wait {
	STAILQ_ENTRY(durable_wait) link;
	uint64_t batch;
	durable_done *done;
	void *context;
};

// Adds the meters that moved, as after a reset, to the changes made so far.
void durable_note_meters(struct durable *durable);

// Ends the changes made so far. done is called once, from the loop, never before this returns. wait
// is the caller's and stays until then.
void durable_commit(
	struct durable *durable, struct durable_wait *wait, durable_done *done, void *context);

#endif
