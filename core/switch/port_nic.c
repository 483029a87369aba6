// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A port and its NIC: connecting and disconnecting.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/counters.h"
#include "datapath/pressure.h"
#include "nic/memory.h"
#include "nic/nic.h"
#include "switch/closer.h"
#include "switch/host.h"
#include "switch/item.h"
#include "switch/notice.h"
#include "switch/port.h"
#include "switch/port_nic.h"
#include "switch/remark.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/wait.h"
#include "switch/weir.h"
#include "switch/workers.h"

// What workers keep of a NIC besides, and what its end needs.
struct retired_nic {
	struct deferred deferred;
	struct ending ending;
	struct nic *nic;
	int error;                         // worker: w once, control: r
	struct queue_pressure pressures[]; // by receive queue. its worker: rw
};

static struct retired_nic *retired_make(const struct nic *nic)
{
	size_t size = sizeof(struct retired_nic) + nic->n_rx_queues * sizeof(struct queue_pressure);
	struct retired_nic *retired = aligned_alloc(_Alignof(struct retired_nic), size);

	if (retired)
		memset(retired, 0, size);
	return retired;
}

int *port_nic_error(const struct port *port)
{
	return &port->nic_retired->error;
}

struct queue_pressure *port_queue_pressure(const struct port *port, unsigned queue)
{
	return &port->nic_retired->pressures[queue];
}

static void nic_closed(struct deferred *d)
{
	struct retired_nic *retired = (struct retired_nic *)d;
	struct weir *w = d->weir;
	uint64_t ending = retired->ending.number;

	weir_ending_over(w, &retired->ending);
	free(retired);
	port_interface_free(w, ending);
}

static void nic_unused(struct deferred *d)
{
	struct weir *w = d->weir;

	d->function = nic_closed;
	w->n_deferred++;
	closer_close(w->closer, ((struct retired_nic *)d)->nic, d);
}

uint64_t retired_nic_ending(const struct retired_nic *retired)
{
	return retired->ending.number;
}

static uint64_t missed_by(struct nic *nic)
{
	uint64_t missed = 0;

	if (nic && nic->class->count)
		nic->class->count(nic);
	for (unsigned q = 0; nic && nic->rx_missed && q < nic->n_rx_queues; q++)
		missed += counted(&nic->rx_missed[q]);
	return missed;
}

uint64_t port_nic_missed(const struct port *port)
{
	return missed_by(port->nic);
}

// Two ports on one interface would each take every frame; of a device there is one only.
int port_check_free(
	const struct port *port, const char *spec, bool lost_too, struct weir_error *error)
{
	struct weir *w = port->target.vswitch->weir;
	char mine[NIC_CLAIM_SIZE], other[NIC_CLAIM_SIZE];

	nic_claim(spec, mine);
	if (!*mine)
		return 0;
	for (struct vswitch *s = w->switches; s; s = s->next) {
		for (unsigned i = 0; i < s->n_indices; i++) {
			const struct port *p = s->ports[i];

			if (!p || p == port ||
				(!p->nic && !(lost_too && p->state == WEIR_PORT_NIC_LOST)))
				continue;
			nic_claim(p->nic_spec, other);
			if (strcmp(mine, other) != 0)
				continue;
			return weir_refuse(error, -EBUSY, "nic",
				"nic \"%s\": port %s of switch %s has the %s", spec, p->name,
				s->name, mine);
		}
	}
	return 0;
}

int port_check_nic(const struct port *port, const char *spec, struct weir_error *error)
{
	int failed = nic_check(spec, error);

	return failed ? failed : port_check_free(port, spec, true, error);
}

static struct nic_options options_of(const struct port *port, unsigned flags)
{
	return (struct nic_options){
		.n_workers = port->target.vswitch->weir->n_workers,
		.mtu = port->mtu,
		.force = flags & WEIR_FORCE,
		.host = &port->target.vswitch->weir->nic_host,
	};
}

int port_try_nic(
	const struct port *port, const char *spec, unsigned flags, struct weir_error *error)
{
	const struct nic_options options = options_of(port, flags);
	int failed = nic_try(spec, &options, error);

	if (!failed && nic_shares(spec, &options))
		port_remark_shared(port, spec, false);
	return failed;
}

int port_open_nic(struct port *port, const char *spec, unsigned flags, struct weir_error *error)
{
	struct weir *w = port->target.vswitch->weir;
	struct nic_options options = options_of(port, flags);
	char *copy = strdup(spec);
	struct retired_nic *retired;
	struct nic *nic;
	int failed = copy ? nic_open(spec, &options, &nic, error)
			  : weir_refuse(error, -ENOMEM, NULL, "no memory");

	if (failed)
		goto no_nic;
	retired = retired_make(nic);
	if (!retired) {
		failed = weir_refuse(error, -ENOMEM, NULL, "no memory");
		goto no_memory;
	}
	free(port->nic_spec);
	port->nic_spec = copy;
	port->nic = nic;
	port->nic_forced = options.force;
	port->nic_retired = retired;
	port->leaving = false;
	port->first_worker = queues_least_loaded(w);
	port->state = WEIR_PORT_CONNECTED;
	port->reason[0] = '\0';
	return 0;
no_memory:
	nic_close(nic);
no_nic:
	free(copy);
	return failed;
}

uint64_t port_end_nic(struct port *port, struct nic *nic, struct retired_nic *retired)
{
	port->missed_before += missed_by(nic);
	retired->nic = nic;
	weir_ending_begin(port->target.vswitch->weir, &retired->ending);
	weir_defer(port->target.vswitch->weir, &retired->deferred, nic_unused);
	return retired->ending.number;
}

void port_close_nic(struct port *port)
{
	if (!port->nic)
		return;
	port_end_nic(port, port->nic, port->nic_retired);
	port->nic_retired = NULL;
	port->nic = NULL;
}

int port_take_nic(struct port *port, enum weir_port_state state, const char *reason)
{
	struct weir *w = port->target.vswitch->weir;
	struct nic *nic = port->nic;

	port->leaving = true;
	if (weir_publish_queues(w) < 0) {
		port->leaving = false;
		return -ENOMEM;
	}
	port->nic = NULL;
	if (port_republish(port) < 0) {
		port->nic = nic;
		port->leaving = false;
		weir_publish_queues_later(w);
		return -ENOMEM;
	}
	port->nic = nic;
	port_close_nic(port);
	port->state = state;
	snprintf(port->reason, sizeof(port->reason), "%s", reason);
	return 0;
}

int port_give_nic(struct port *port, const char *spec, unsigned flags, struct weir_error *error)
{
	struct vswitch *s = port->target.vswitch;
	const struct port before = *port;
	int failed;

	port->nic_spec = NULL; // kept: it stands again when this fails
	failed = port_open_nic(port, spec, flags, error);
	if (failed) {
		port->nic_spec = before.nic_spec;
		return failed;
	}
	if (port_republish(port) < 0) {
		port_close_nic(port);
		free(port->nic_spec);
		port->nic_spec = before.nic_spec;
		port->nic_forced = before.nic_forced;
		port->state = before.state;
		memcpy(port->reason, before.reason, sizeof(port->reason));
		return weir_refuse(error, -ENOMEM, NULL, "port \"%s\": no memory", port->name);
	}
	free(before.nic_spec);
	weir_publish_queues_later(s->weir);
	return 0;
}

int weir_port_connect(
	struct weir *w, const char *name, const char *nic, unsigned flags, struct weir_error *error)
{
	struct port *port = port_find(w, name, error);
	int failed;

	if (!port)
		return -ENOENT;
	if (port->nic)
		return weir_refuse(error, -EBUSY, "port",
			"port \"%s\": is connected to %s; disconnect it first", name,
			port->nic_spec);
	if (!nic || !*nic)
		nic = port->nic_spec;
	if (!*nic)
		return weir_refuse(error, -EINVAL, "nic",
			"port \"%s\": has no NIC that it could be connected to again; name one",
			name);
	failed = port_check_nic(port, nic, error);
	if (!failed)
		failed = review(port->target.vswitch, WEIR_EVENT_NIC_CONNECTED, port, NULL, error);
	if (!failed && (flags & WEIR_DRY_RUN))
		return port_try_nic(port, nic, flags, error);
	if (failed)
		return failed;
	failed = port_give_nic(port, nic, flags, error);
	if (failed)
		return failed;
	note_port(port, false);
	weir_notify(w, "nic-connected", port->target.vswitch->name, name, "",
		"port %s connected to %s", name, port->nic_spec);
	port_remark_nic(port);
	tell(port->target.vswitch, WEIR_EVENT_NIC_CONNECTED, port, NULL);
	return 0;
}

int weir_port_disconnect(struct weir *w, const char *name, unsigned flags, struct weir_error *error)
{
	struct port *port = port_find(w, name, error);
	int failed;

	if (!port)
		return -ENOENT;
	if (!port->nic && port->state != WEIR_PORT_NIC_LOST)
		return weir_refuse(error, -ENOTCONN, "port", "port \"%s\": is not connected", name);
	failed = review(port->target.vswitch, WEIR_EVENT_NIC_DISCONNECTED, port, NULL, error);
	if (failed || (flags & WEIR_DRY_RUN))
		return failed;
	if (port->nic && port_take_nic(port, WEIR_PORT_DISCONNECTED, "") < 0)
		return weir_refuse(error, -ENOMEM, NULL, "port \"%s\": no memory", name);
	port->state = WEIR_PORT_DISCONNECTED;
	port->reason[0] = '\0';
	note_port(port, false);
	weir_notify(w, "nic-disconnected", port->target.vswitch->name, name, "",
		"port %s disconnected", name);
	tell(port->target.vswitch, WEIR_EVENT_NIC_DISCONNECTED, port, NULL);
	return 0;
}

struct weir_memory *weir_port_memory(struct weir *w, const char *name)
{
	struct port *port = port_find(w, name, NULL);

	return port && port->nic ? nic_memory_end(port->nic) : NULL;
}
