// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What was dropped, as rows show it.
#ifndef SWITCH_OBSERVE_H
#define SWITCH_OBSERVE_H

struct port_counters;
struct vswitch;

// ---- observe.c
// Of enum weir_stage, as rows show it.
const char *stage_name(unsigned stage);

// ---- drop_list.c
// Adds a leaving port's drops to those of its switch, but for those that were reset.
void drops_retire(struct vswitch *vswitch, struct port_counters *counters);

#endif
