// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// One transaction of prepares.
//
// It goes: check, review (vetoes), prepare (every extension concerned), and only then commit,
// publish, move generations, retire what was replaced. Nothing up to prepare leaves a trace.
#ifndef SWITCH_CHANGE_H
#define SWITCH_CHANGE_H

#include <weir/error.h>

struct attachment;
struct prepared;
struct target;
struct vswitch;

// ---- change.c
struct change {
	struct prepared *items, **end;
};

// With the policies that the target has now.
int change_prepare(struct change *change, struct attachment *attachment, struct target *target,
	struct weir_error *error);
// The same; a refusal is kept in place of a state and returned as 1,
// with its sentence. -ENOMEM.
int change_prepare_or_refuse(struct change *change, struct attachment *attachment,
	struct target *target, struct weir_error *error);
void change_abort(struct change *change);
// What change_carry_out() consists of, for those who publish several changes at once. The prepared
// states come in place of the old ones, in the model. Cannot fail. Then publish, and
void change_commit(struct change *change);
// either, once that has been done: what the targets had is released after a grace period;
void change_finish(struct change *change);
// or, when there was no memory for it: the old states stand again.
void change_revert(struct change *change);

// ---- change_carry_out.c
// Puts in force what has been prepared; a dry run gives it up. publish: shows workers the model,
// with the prepared states in place of the old ones; what fails, for lack of memory, leaves no
// trace. 0; -ENOMEM: the old states stand again. The change is over in either case.
typedef int change_publisher(void *context);
int change_carry_out(
	struct change *change, unsigned flags, change_publisher *publish, void *context);
// A publisher of what a change of one target concerns: its port, or the whole switch.
int change_publish_target(void *target);

// ---- change_ports.c
// Prepares again what depends on which ports there are.
void change_ports_changed(struct vswitch *vswitch);

#endif
