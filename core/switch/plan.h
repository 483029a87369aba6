// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What an extension plans while it prepares for a target: the meters, policers and limits that its
// state is to have.
#ifndef SWITCH_PLAN_H
#define SWITCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/extension.h>

struct target;
struct target_state;
struct vswitch;

// What an extension's plan calls reach.
struct plan {
	struct weir_plan public; // first, with plan_ops
	struct target *target;
	struct target_state *state;
	struct weir_error refusal; // of what the extension asked for
	bool no_memory;            // the core had none for it
};

// ---- plan.c
extern const struct weir_plan_ops plan_ops;
// Gives back what the core has for a state but what it keeps of another. policy_gone: as for
// meter_put().
void plan_put_objects(struct vswitch *vswitch, struct target_state *state, bool policy_gone);
// The states of the target have changed; `state` (which may be NULL) is in force now.
void plan_apply_objects(struct target *target, const struct target_state *state);
// How many addresses may be learned at the target's port, 0: any number.
uint32_t plan_learn_max(const struct target *target);

// ---- plan_keep.c: a state that has what the one before it has, but for a few
// Of struct weir_plan_ops.
int plan_keep(struct weir_plan *p, const void *in_force, const char *const gone[/* n */], size_t n);
// Makes room for plan_inherit(), which cannot fail. -ENOMEM.
int plan_reserve(struct target_state *state, struct target_state *before);
// `old`, which the state was planned after, is in force no more: the state has of it what it keeps,
// and what was to go is given back.
void plan_inherit(struct vswitch *vswitch, struct target_state *state, struct target_state *old);

#endif
