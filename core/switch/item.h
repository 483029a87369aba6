// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What is told to the weir_change_handler, after the change was made.
#ifndef SWITCH_ITEM_H
#define SWITCH_ITEM_H

#include <stdbool.h>
#include <stdint.h>

struct attachment;
struct meter;
struct policy;
struct port;
struct target;
struct vswitch;
struct weir;

void note_switch(const struct vswitch *vswitch, bool removed);
void note_attachment(const struct attachment *attachment, bool removed);
void note_port(const struct port *port, bool removed);
void note_policy(const struct target *target, const struct policy *policy, bool removed);
void note_fdb(const struct vswitch *vswitch, uint16_t vlan, const uint8_t mac[6], const char *port,
	bool removed);
// A meter that is kept, and ends before its target does.
void note_meter_gone(const struct weir *w, const struct meter *meter);

#endif
