// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What can be looked at besides configuration: reasons of drops, the FDB.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/counters.h"
#include "datapath/rcu.h"
#include "datapath/snapshot.h"
#include "forwarding/fdb.h"
#include "forwarding/vlan.h"
#include "switch/item.h"
#include "switch/observe.h"
#include "switch/policing.h"
#include "switch/port.h"
#include "switch/reasons.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

const char *stage_name(unsigned stage)
{
	static const char *const names[WEIR_N_STAGES] = { "ingress", "forward", "forwarded",
		"egress", "drop" };

	return stage < WEIR_N_STAGES ? names[stage] : "";
}

// ---- FDB

struct fdb_listing {
	struct vswitch *vswitch;
	weir_fdb_row *row;
	void *context;
};

static void show_fdb(void *context, const struct fdb_row *r)
{
	struct fdb_listing *l = context;
	uint16_t index = (uint16_t)r->port;
	struct port *port = index < l->vswitch->n_indices ? l->vswitch->ports[index] : NULL;
	struct weir_fdb_info info = {
		.switch_name = l->vswitch->name,
		.port = port && port->id == r->port ? port->name : "",
		.vlan = r->vlan,
		.age_s = r->age_s,
		.is_static = r->is_static,
	};

	memcpy(info.mac, r->mac, 6);
	l->row(l->context, &info);
}

int weir_fdb_list(struct weir *w, const char *switch_name, weir_fdb_row *row, void *context,
	struct weir_error *error)
{
	uint32_t now_s = (uint32_t)(weir_now_ns(w) / 1000000000);

	if (switch_name && !vswitch_find(w, switch_name, error))
		return -ENOENT;
	for (struct vswitch *s = w->switches; s; s = s->next) {
		struct fdb_listing listing = { s, row, context };

		if (switch_name && strcmp(switch_name, s->name) != 0)
			continue;
		rcu_enter();
		fdb_list(s->fdb, now_s, show_fdb, &listing);
		rcu_leave();
	}
	return 0;
}

static int parse_mac(const char *text, uint8_t mac[6], struct weir_error *error)
{
	if (text && mac_parse(text, mac))
		return 0;
	return weir_refuse(error, -EINVAL, "mac",
		"mac \"%.64s\": must be six bytes like 02:00:00:00:00:01", text ? text : "");
}

int weir_fdb_add(struct weir *w, const char *switch_name, const char *mac_text, uint16_t vlan,
	const char *port_name, unsigned flags, struct weir_error *error)
{
	struct vswitch *s = vswitch_find(w, switch_name, error);
	struct port *port = s ? port_find(w, port_name, error) : NULL;
	uint8_t mac[6];
	int failed;

	if (!port)
		return -ENOENT;
	if (port->target.vswitch != s)
		return weir_refuse(error, -EINVAL, "port",
			"port \"%s\": is on switch %s, not on %s", port_name,
			port->target.vswitch->name, switch_name);
	failed = parse_mac(mac_text, mac, error);
	if (failed)
		return failed;
	if (mac[0] & 1 || memcmp(mac, "\0\0\0\0\0\0", 6) == 0)
		return weir_refuse(
			error, -EINVAL, "mac", "mac \"%s\": must be a station's address", mac_text);
	if (vlan > VLAN_MAX)
		return weir_refuse(
			error, -EINVAL, "vlan", "vlan %u: must be 0 to %d", vlan, VLAN_MAX);
	if (flags & WEIR_DRY_RUN)
		return 0;
	rcu_enter();
	failed = fdb_add_static(s->fdb, vlan, mac, port->id, error);
	rcu_leave();
	if (!failed)
		note_fdb(s, vlan, mac, port->name, false);
	return failed;
}

int weir_fdb_remove(struct weir *w, const char *switch_name, const char *mac_text, uint16_t vlan,
	unsigned flags, struct weir_error *error)
{
	struct vswitch *s = vswitch_find(w, switch_name, error);
	uint32_t port;
	uint8_t mac[6];
	bool was_static;
	int failed = s ? parse_mac(mac_text, mac, error) : -ENOENT;

	if (failed)
		return failed;
	rcu_enter();
	was_static = fdb_is_static(s->fdb, vlan, mac) && fdb_lookup(s->fdb, vlan, mac, &port);
	if (!(flags & WEIR_DRY_RUN))
		failed = fdb_remove(s->fdb, vlan, mac, error);
	else if (!fdb_lookup(s->fdb, vlan, mac, &port))
		failed = weir_refuse(error, -ENOENT, "mac",
			"mac \"%s\": there is no entry in vlan %u", mac_text, vlan);
	rcu_leave();
	if (was_static && !failed && !(flags & WEIR_DRY_RUN))
		note_fdb(s, vlan, mac, s->ports[(uint16_t)port]->name, true);
	return failed;
}

int weir_fdb_flush(
	struct weir *w, const char *switch_name, const char *port_name, struct weir_error *error)
{
	struct vswitch *s = vswitch_find(w, switch_name, error);
	struct port *port = s && port_name ? port_find(w, port_name, error) : NULL;

	if (!s || (port_name && !port))
		return -ENOENT;
	rcu_enter();
	fdb_flush(s->fdb, port ? (int64_t)port->id : FDB_ANY, FDB_ANY);
	rcu_leave();
	return 0;
}
