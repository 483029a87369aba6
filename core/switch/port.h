// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Ports of a switch.
#ifndef SWITCH_PORT_H
#define SWITCH_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/snapshot.h"
#include "forwarding/vlan.h"
#include "switch/index.h"
#include "switch/target.h"
#include "switch/wait.h"

struct change;
struct nic;
struct retired_nic;
struct vswitch;
struct weir;

struct port {
	struct target target;
	weir_port_id id;
	uint16_t index;
	struct index_entry by_name; // in weir->ports, while it is in vswitch->ports
	char name[WEIR_NAME_MAX];
	char *vlan_text;
	struct vlan_config vlan;
	char mac[18];
	uint32_t mtu; // as configured, 0: the NIC's
	bool uplink;
	char *nic_spec; // "" when there has never been one
	bool nic_forced;
	struct nic *nic;
	enum weir_port_state state;
	char reason[160];
	bool leaving;                    // no worker is to poll the NIC any more
	struct retired_nic *nic_retired; // for the NIC's end: made with it
	uint64_t missed_before;          // rx_missed of the NICs that it had before
	unsigned first_worker;           // of its receive queues
	struct port_runtime runtime;
	struct retired_port *retired;
	struct port *next_leaving;
	struct snapshot_port *snapshot; // the published one
	bool dirty;                     // the next publication makes its snapshot anew
	uint64_t nic_after; // its NIC is to be had when the ending of this number is over; 0: none
};

struct retired_port {
	struct deferred deferred;
	struct port *port;
};

// ---- port.c
// A port that is nowhere yet. NULL: refused.
struct port *port_make(struct vswitch *vswitch, const char *name,
	const struct weir_port_config *config, struct weir_error *error);
void port_free(struct port *port);
// Gives it a free place of its switch, and an id. It is taken by port_link() and by counting
// port_uses. -ENOSPC, -ENOMEM.
int port_take_index(struct port *port);
// Keeps the place of a removed port until no decision can name it.
void port_retire_index(struct vswitch *vswitch, uint16_t index);
// Addresses can be learned at the port, and not any more. -ENOMEM.
int port_learn(const struct port *port);
void port_forget(struct vswitch *vswitch, weir_port_id id);
// The end of a port that is in no snapshot any more.
void port_end(struct port *port);
// Has everybody on the stack prepare for the port. On failure the change is aborted.
int port_prepare(struct change *change, struct port *port, struct weir_error *error);

// ---- port_set.c
void port_forget_learned(const struct port *port);
int port_republish(struct port *port);

// ---- port_config.c
// What an embedder gave, as SIZED_TAKE().
int port_config_take(const struct weir_port_config *given, struct weir_port_config *config,
	struct weir_error *error);
// Fills the settings in the set `which` into the port; on failure the caller drops the port.
int port_configure(struct port *port, const struct weir_port_config *config, unsigned which,
	struct weir_error *error);

// ---- port_list.c
struct port *port_find(struct weir *w, const char *name, struct weir_error *error);
// Into its place of vswitch->ports, and out of it; the latter also when it is not there.
void port_link(struct port *port);
void port_unlink(struct port *port);

#endif
