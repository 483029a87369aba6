// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What policies are for: a port, or the switch itself. It has the policies, and a state of each
// extension that has prepared for them.
#ifndef SWITCH_TARGET_H
#define SWITCH_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/extension.h>

#include "switch/index.h"

struct attachment;
struct meter;
struct policy;
struct policy_view;
struct policing;
struct port;
struct remark;
struct retired_state;
struct touched;
struct vswitch;
struct wanted_policer;
struct weir;

// What a plan collected, and what became of it: one per attachment and target.
struct target_state {
	struct target_state *next;
	struct attachment *attachment;
	void *prepared;
	const void *state;
	uint64_t reads[WEIR_N_STAGES];
	unsigned inactive;  // set of stages
	uint32_t learn_max; // addresses of the port, 0: any number
	bool uses_ports;    // asked for ports by name: prepared again when ports come and go
	bool checked;       // policies that were unchecked have passed
	// Why the extension does not take the target's policies: then there is no state, no hook is
	// run for it, and the target's ports are blocked unless the attachment is fail_open.
	char *refusal;
	// What it asked for; in force, all that it has.
	unsigned n_meters, meters_room, n_policers, policers_room;
	struct meter **meters;
	struct wanted_policer *policers;
	// Besides, until it is in force: what the state before has, without those that are listed.
	bool keeps;
	unsigned n_gone_meters, n_gone_policers;
	struct meter **gone_meters;
	struct policing **gone_policers;
	struct remark *remarks; // until they are told
	struct retired_state
		*retired; // for its end: made with it, so that retiring needs no memory
};

struct target {
	struct vswitch *vswitch;
	struct port *port; // NULL: the switch itself
	// In the order in which extensions see them, and by id. Only policy_list.c changes them.
	struct policy *policies, **policies_end;
	struct index policy_ids;
	struct policy_view *views; // of the attachments that were shown policies
	uint64_t places;           // given out
	unsigned made_ids;         // the last id that was made
	struct target_state *states;
	struct touched *touched; // inside weir_apply(): what of it is concerned
};

// ---- policy_list.c
void target_init(struct target *target, struct vswitch *vswitch, struct port *port);

// ---- vswitch.c
// "vm1" or "switch:br0".
struct target *target_find(struct weir *w, const char *text, struct weir_error *error);
void target_name(const struct target *target, char name[/* WEIR_NAME_MAX + 8 */]);

// ---- change.c
const struct target_state *target_state_of(
	const struct target *target, const struct attachment *attachment);
// Drops every state of an attachment on a target, retiring it.
void target_drop_state(struct target *target, struct attachment *attachment);

#endif
