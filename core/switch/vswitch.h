// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A switch, with all that is on it.
#ifndef SWITCH_VSWITCH_H
#define SWITCH_VSWITCH_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/embed.h>

#include "datapath/counters.h"
#include "datapath/policer.h"
#include "datapath/snapshot.h"
#include "switch/index.h"
#include "switch/numbers.h"
#include "switch/target.h"
#include "switch/wait.h"
#include "switch/workers.h"

struct attachment;
struct datapath;
struct fdb;
struct fragment_table;
struct generation;
struct meter;
struct policing;
struct port;
struct session_table;
struct stack;
struct weir;

enum { RETIRED_DROPS = 256 };

struct totals {
	uint64_t received, originated, copies, transmitted, dropped, consumed;
};

struct vswitch {
	struct vswitch *next;
	struct weir *weir;
	unsigned slot; // in weir->switch_slots
	char name[WEIR_NAME_MAX];
	struct target target;
	unsigned n_flows;                     // as configured, 0: the daemon's
	unsigned n_sessions, n_port_sessions; // as configured, 0: the core's choice
	struct generation *generation;
	struct fdb *fdb;
	struct session_table *sessions;
	struct fragment_table *fragments;
	const struct snapshot *published; // RCU. control: w, worker: r
	struct stack *stack;
	struct attachment *attachments; // in stack order
	unsigned n_attachments;
	struct port **ports; // by index; NULL where there is none. port_link(), port_unlink()
	unsigned n_ports, ports_size, n_indices;
	uint16_t *port_uses; // by index: how often it has been given out
	bool *port_retiring; // by index: not to be given out yet
	uint16_t epoch;
	struct port_runtime nowhere; // counters of frames that no port sent
	struct snapshot_port *nowhere_snapshot;
	struct datapath *datapaths[WORKERS_MAX];
	struct {
		uint64_t slow, moves;
	} told[WORKERS_MAX]; // of what the datapaths counted
	struct meter_owners meter_owners;
	struct meter *meters;            // the latest first
	struct meter **meters_by_number; // as many as were made; NULL where there is none
	struct index meter_names, meter_targets;
	struct numbers meter_numbers;
	struct policer_table policer_table;
	struct index policers; // by name
	struct numbers policer_numbers;
	struct policing **policings; // by number, as many as were made; NULL where there is none
	struct totals retired;       // of ports that are gone
	struct drop_slot
		retired_drops[RETIRED_DROPS]; // what they dropped, by reason; the last is shared
	struct port *leaving;                 // removed, and still used by a worker
	unsigned users;                       // deferred ends that still need the switch
	struct deferred end;                  // for its end
	bool stale;                           // inside weir_apply(): to be published
	uint32_t n_planned;                   // inside weir_apply(): static entries to come
	bool ports_changed;                   // inside weir_apply(): which ports there are
	bool restacked;                       // inside weir_apply(): with all its ports
	bool removed;
};

// ---- vswitch.c
struct vswitch *vswitch_find(struct weir *w, const char *name, struct weir_error *error);
// Removes the switch and all that is on it, whoever would veto it. -ENOMEM leaves it.
int vswitch_end(struct vswitch *vswitch);
// A switch that nobody knows yet, with no ports. config: checked. NULL: no memory.
struct vswitch *vswitch_make(
	struct weir *w, const char *name, const struct weir_switch_config *config);
// 0, or a refusal of what a switch is to be.
int vswitch_check(const struct weir_switch_config *config, struct weir_error *error);
// 0, or a refusal of a size of flow tables.
int flows_check(unsigned n_flows, struct weir_error *error);
// How many flows each of the switch's tables holds.
unsigned vswitch_n_flows(const struct vswitch *vswitch);
// Among the switches that there are, -ENOSPC; and out of them again.
int vswitch_link(struct vswitch *vswitch, struct weir_error *error);
void vswitch_unlink(struct vswitch *vswitch);
// The end of one that no worker has known.
void vswitch_discard(struct vswitch *vswitch);
// The end of one that is off the list of switches, and in no worker's list any more.
void vswitch_end_now(struct vswitch *vswitch);
bool mac_parse(const char *text, uint8_t mac[6]);
void mac_format(const uint8_t mac[6], char text[/* 18 */]);
int name_check(const char *what, const char *name, struct weir_error *error);

// ---- vswitch_list.c
void port_add_totals(
	const struct port_counters *counters, unsigned n_workers, struct totals *totals);

#endif
