// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <string.h>

#include <weir/embed.h>

#include "datapath/counters.h"
#include "datapath/snapshot.h"
#include "nic/nic.h"
#include "switch/index.h"
#include "switch/missing.h"
#include "switch/port.h"
#include "switch/port_nic.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

// ---- Which ports there are

struct port *port_find(struct weir *w, const char *name, struct weir_error *error)
{
	struct index_entry *entry = name ? index_find(&w->ports, index_hash(0, name)) : NULL;

	for (; entry; entry = index_next(entry)) {
		struct port *port = index_thing(entry, struct port, by_name);

		if (strcmp(port->name, name) == 0)
			return port;
	}
	weir_refuse(error, -ENOENT, "port", "port \"%.64s\": there is none of this name",
		name ? name : "");
	return NULL;
}

void port_link(struct port *port)
{
	struct vswitch *s = port->target.vswitch;

	s->ports[port->index] = port;
	index_add(&s->weir->ports, &port->by_name, index_hash(0, port->name));
}

void port_unlink(struct port *port)
{
	struct vswitch *s = port->target.vswitch;

	if (s->ports[port->index] != port)
		return;
	s->ports[port->index] = NULL;
	index_remove(&s->weir->ports, &port->by_name);
}

// ---- Telling of them

static const char *state_name(enum weir_port_state state)
{
	static const char *const names[] = { "created", "connected", "disconnected", "nic-lost" };

	return names[state];
}

static void list_one(struct port *port, weir_port_row *row, void *context)
{
	struct totals t = { 0 };
	char details[256] = "", blocked[BLOCKED_REASON_SIZE];
	struct weir_port_info info = {
		.name = port->name,
		.switch_name = port->target.vswitch->name,
		.state = port->state,
		.state_name = state_name(port->state),
		.reason = port->reason,
		.nic = port->nic_spec,
		.nic_details = details,
		.vlan = port->vlan_text,
		.mac = port->mac,
		.mtu = port->mtu   ? port->mtu
		       : port->nic ? port->nic->mtu
				   : 0,
		.uplink = port->uplink,
	};

	info.blocked = port_is_blocked(port, blocked);
	if (info.blocked)
		info.reason = blocked;
	for (unsigned i = 0; i < port->target.vswitch->weir->n_workers; i++) {
		info.rx_bytes += counted(&port->runtime.counters[i].rx_bytes);
		info.tx_bytes += counted(&port->runtime.counters[i].tx_bytes);
	}
	port_add_totals(port->runtime.counters, port->target.vswitch->weir->n_workers, &t);
	info.rx_frames = t.received;
	info.tx_frames = t.transmitted;
	info.dropped_frames = t.dropped;
	info.rx_missed = port->missed_before + port_nic_missed(port);
	if (port->nic && port->nic->class->describe)
		port->nic->class->describe(port->nic, details, sizeof(details));
	row(context, &info);
}

int weir_port_list(struct weir *w, const char *switch_name, const char *name, weir_port_row *row,
	void *context, struct weir_error *error)
{
	if (switch_name && !vswitch_find(w, switch_name, error))
		return -ENOENT;
	if (name && !port_find(w, name, error))
		return -ENOENT;
	for (struct vswitch *s = w->switches; s; s = s->next)
		for (unsigned i = 0; i < s->n_indices; i++)
			if (s->ports[i] && (!switch_name || strcmp(s->name, switch_name) == 0) &&
				(!name || strcmp(s->ports[i]->name, name) == 0))
				list_one(s->ports[i], row, context);
	return 0;
}
