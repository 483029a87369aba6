// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A port and its NIC: the interface that goes away and comes back.
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "nic/link_monitor.h"
#include "nic/nic.h"
#include "switch/host.h"
#include "switch/notice.h"
#include "switch/port.h"
#include "switch/port_nic.h"
#include "switch/remark.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

static void lose(struct port *port, int why)
{
	struct vswitch *s = port->target.vswitch;
	char reason[160];

	snprintf(reason, sizeof(reason), "%s: %s", port->nic_spec, strerror(-why));
	if (port_take_nic(port, WEIR_PORT_NIC_LOST, reason) < 0)
		return; // looked at again with the next report or second
	weir_notify(s->weir, "nic-lost", s->name, port->name, "", "port %s lost its NIC: %s",
		port->name, reason);
	tell(s, WEIR_EVENT_NIC_LOST, port, NULL);
}

static void find_again(struct port *port)
{
	struct vswitch *s = port->target.vswitch;
	struct weir_error error = { 0 };
	char *spec = strdup(port->nic_spec);
	int failed;

	if (!spec)
		return;
	failed = port_check_free(port, spec, false, &error);
	if (!failed)
		failed = port_give_nic(port, spec, port->nic_forced ? WEIR_FORCE : 0, &error);
	if (failed) {
		snprintf(port->reason, sizeof(port->reason), "%.150s", error.message);
	} else {
		weir_notify(s->weir, "nic-connected", s->name, port->name, "",
			"port %s has its NIC %s again", port->name, spec);
		port_remark_nic(port);
		tell(s, WEIR_EVENT_NIC_CONNECTED, port, NULL);
	}
	free(spec);
}

static bool belongs(const struct port *port, const char *interface)
{
	char name[IFNAMSIZ];

	return nic_interface(port->nic_spec, name) && strcmp(name, interface) == 0;
}

static bool interface_exists(const struct port *port)
{
	char name[IFNAMSIZ];

	return nic_interface(port->nic_spec, name) && *name && if_nametoindex(name) != 0;
}

void port_interface_free(struct weir *w, uint64_t ending)
{
	for (struct vswitch *s = w->switches; s; s = s->next) {
		for (unsigned i = 0; i < s->n_indices; i++) {
			struct port *port = s->ports[i];

			if (!port || port->nic_after != ending)
				continue;
			port->nic_after = 0;
			if (port->state == WEIR_PORT_NIC_LOST)
				find_again(port);
		}
	}
}

void port_links_changed(void *context, const struct link_change *change)
{
	struct weir *w = context;

	for (struct vswitch *s = w->switches; s; s = s->next) {
		for (unsigned i = 0; i < s->n_indices; i++) {
			struct port *port = s->ports[i];

			if (!port || !belongs(port, change->name))
				continue;
			if (port->nic && !port->nic->outlives_interface &&
				(!change->present || port->nic->ifindex != change->ifindex))
				lose(port, -ENODEV);
			if (port->state == WEIR_PORT_NIC_LOST && change->present)
				find_again(port);
		}
	}
}

// An interface may be there and still not be had, as long as who made it holds it: looked at every
// second.
void port_retry_lost(struct weir *w)
{
	for (struct vswitch *s = w->switches; s; s = s->next)
		for (unsigned i = 0; i < s->n_indices; i++)
			if (s->ports[i] && s->ports[i]->state == WEIR_PORT_NIC_LOST &&
				interface_exists(s->ports[i]))
				find_again(s->ports[i]);
}

void port_check_nics(struct weir *w)
{
	for (struct vswitch *s = w->switches; s; s = s->next) {
		for (unsigned i = 0; i < s->n_indices; i++) {
			struct port *port = s->ports[i];
			int failed = port && port->nic ? __atomic_load_n(port_nic_error(port),
								 __ATOMIC_ACQUIRE)
						       : 0;

			if (!failed)
				continue;
			lose(port, failed);
			// It may have been made anew before the loss was noticed.
			if (port->state == WEIR_PORT_NIC_LOST && interface_exists(port))
				find_again(port);
		}
	}
}
