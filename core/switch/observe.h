// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What was counted and dropped, as rows show it.
#ifndef SWITCH_OBSERVE_H
#define SWITCH_OBSERVE_H

struct port_counters;
struct vswitch;

// Of enum weir_stage, as rows show it.
const char *stage_name(unsigned stage);
// Adds a leaving port's drops to those of its switch.
void drops_retire(struct vswitch *vswitch, const struct port_counters *counters);

#endif
