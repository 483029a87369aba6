// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Changing the settings of a port. Extensions are shown the address that is assigned to it: they
// prepare for another one, and may refuse it, as part of the change. So what is accepted while the
// switch runs is what a restart accepts.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/rcu.h"
#include "forwarding/fdb.h"
#include "forwarding/vlan.h"
#include "switch/change.h"
#include "switch/host.h"
#include "switch/item.h"
#include "switch/notice.h"
#include "switch/port.h"
#include "switch/publish.h"
#include "switch/target.h"
#include "switch/vswitch.h"

void port_forget_learned(const struct port *port)
{
	rcu_enter();
	fdb_flush(port->target.vswitch->fdb, port->id, FDB_ANY);
	rcu_leave();
}

int port_republish(struct port *port)
{
	struct published_port *published = publish_port_make(port, port->target.vswitch->stack);

	return published ? publish_port(port, published) : -ENOMEM;
}

struct port_settings {
	struct vlan_config vlan;
	char *vlan_text;
	char mac[sizeof(((struct port *)NULL)->mac)];
	uint32_t mtu;
};

// Gives the port the other settings, and has what it had instead.
static void exchange_settings(struct port *port, struct port_settings *other)
{
	struct port_settings had = { port->vlan, port->vlan_text, "", port->mtu };

	memcpy(had.mac, port->mac, sizeof(had.mac));
	port->vlan = other->vlan;
	port->vlan_text = other->vlan_text;
	memcpy(port->mac, other->mac, sizeof(port->mac));
	port->mtu = other->mtu;
	*other = had;
}

// The port has its new settings, and its extensions prepare for what they are shown of them. 0:
// that is in force; a dry run is not.
static int settle_settings(
	struct port *port, bool prepare, unsigned flags, struct weir_error *error)
{
	struct change change = { 0 };
	int failed = prepare ? port_prepare(&change, port, error) : 0;

	if (failed)
		return failed;
	failed = change_carry_out(&change, flags, change_publish_target, &port->target);
	return failed ? weir_refuse(error, failed, NULL, "port \"%s\": no memory", port->name) : 0;
}

// What the port is to have. vlan_text: the caller's to free, when it is one of `which`.
static int read_settings(const struct port *port, const struct weir_port_config *config,
	unsigned which, struct port_settings *settings, struct weir_error *error)
{
	struct port wanted = { .vlan = port->vlan, .vlan_text = NULL, .mtu = port->mtu };
	int failed;

	memcpy(wanted.mac, port->mac, sizeof(wanted.mac));
	failed = port_configure(&wanted, config, which, error);
	if (failed) {
		free(wanted.vlan_text);
		return failed;
	}
	*settings = (struct port_settings){ wanted.vlan,
		which & WEIR_PORT_SET_VLAN ? wanted.vlan_text : port->vlan_text, "", wanted.mtu };
	memcpy(settings->mac, wanted.mac, sizeof(settings->mac));
	return 0;
}

int weir_port_set(struct weir *w, const char *name, const struct weir_port_config *given,
	unsigned which, unsigned flags, struct weir_error *error)
{
	struct port *port = port_find(w, name, error);
	struct weir_port_config config;
	struct port_settings other; // first those to come, then those that were
	int failed;

	if (!port)
		return -ENOENT;
	failed = port_config_take(given, &config, error);
	if (!failed)
		failed = read_settings(port, &config, which, &other, error);
	if (failed)
		return failed;
	failed = review(port->target.vswitch, WEIR_EVENT_PORT_CHANGED, port, NULL, error);
	if (!failed) {
		exchange_settings(port, &other);
		failed = settle_settings(port, strcmp(port->mac, other.mac) != 0, flags, error);
		if (failed || (flags & WEIR_DRY_RUN))
			exchange_settings(port, &other);
	}
	if (which & WEIR_PORT_SET_VLAN)
		free(other.vlan_text);
	if (failed || (flags & WEIR_DRY_RUN))
		return failed;
	if (which & WEIR_PORT_SET_VLAN)
		port_forget_learned(port); // in VLANs that it may not carry any more
	note_port(port, false);
	weir_notify(w, "port-changed", port->target.vswitch->name, name, "",
		"port %s has new settings", name);
	tell(port->target.vswitch, WEIR_EVENT_PORT_CHANGED, port, NULL);
	return 0;
}
