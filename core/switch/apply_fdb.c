// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Applying a document: static entries of the FDB. They are made when the ports are in force, so
// everything that could refuse one is looked at before.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <weir/embed.h>

#include "datapath/rcu.h"
#include "forwarding/fdb.h"
#include "forwarding/vlan.h"
#include "switch/apply.h"
#include "switch/document.h"
#include "switch/item.h"
#include "switch/port.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

struct fdb_step {
	struct step step;
	struct vswitch *vswitch;
	struct port *port;
	uint16_t vlan;
	uint8_t mac[6];
};

static void name(const struct step *step, char *text, size_t size)
{
	const struct fdb_step *entry = (const struct fdb_step *)step;
	char mac[18];

	mac_format(entry->mac, mac);
	snprintf(text, size, "%s %s vlan %u", entry->vswitch->name, mac, entry->vlan);
}

static void finish_adding(struct apply *x, struct step *step)
{
	struct fdb_step *entry = (struct fdb_step *)step;
	struct weir_error error;
	int failed;

	rcu_enter();
	failed = fdb_add_static(
		entry->vswitch->fdb, entry->vlan, entry->mac, entry->port->id, &error);
	rcu_leave();
	if (failed)
		weir_log_line(
			x->weir, LOG_ERR, "switch %s: %s", entry->vswitch->name, error.message);
	else
		note_fdb(entry->vswitch, entry->vlan, entry->mac, entry->port->name, false);
}

static void finish_removal(struct apply *x, struct step *step)
{
	struct fdb_step *entry = (struct fdb_step *)step;

	(void)x;
	rcu_enter();
	fdb_remove(entry->vswitch->fdb, entry->vlan, entry->mac, NULL);
	rcu_leave();
	note_fdb(entry->vswitch, entry->vlan, entry->mac, entry->port->name, true);
}

static const struct step_class adding_class = { "add", "fdb", name, NULL, finish_adding };
static const struct step_class change_class = { "change", "fdb", name, NULL, finish_adding };
static const struct step_class removal_class = { "remove", "fdb", name, NULL, finish_removal };

// ---- Removing

struct gathering {
	struct apply *apply;
	struct vswitch *vswitch;
	int failed;
};

static void remove_unnamed(void *context, const struct fdb_row *row)
{
	struct gathering *g = context;
	struct port *port = g->vswitch->ports[(uint16_t)row->port];
	struct fdb_step *removal;
	char mac[18];
	struct weir_item key = { .kind = WEIR_ITEM_FDB,
		.switch_name = g->vswitch->name,
		.fdb = { .mac = mac, .vlan = row->vlan } };

	mac_format(row->mac, mac);
	// Entries of a port that is removed go with it.
	if (!row->is_static || g->failed || !port || port->id != row->port ||
		document_find(g->apply->document, &key))
		return;
	removal = step_add(g->apply, &removal_class, sizeof(*removal));
	if (!removal) {
		g->failed = -ENOMEM;
		return;
	}
	removal->vswitch = g->vswitch;
	removal->port = port;
	removal->vlan = row->vlan;
	memcpy(removal->mac, row->mac, sizeof(removal->mac));
}

static int plan_removals(struct apply *x)
{
	struct gathering g = { .apply = x };

	for (struct vswitch *s = x->weir->switches; s; s = s->next) {
		g.vswitch = s;
		rcu_enter();
		fdb_list(s->fdb, 0, remove_unnamed, &g);
		rcu_leave();
	}
	return g.failed;
}

// ---- Adding

static int check(
	struct apply *x, const struct vswitch *s, const struct weir_item *item, uint8_t mac[6])
{
	struct fdb_counts counts;

	if (!mac_parse(item->fdb.mac, mac))
		return weir_refuse(x->error, -EINVAL, "mac",
			"mac \"%.64s\": must be six bytes like 02:00:00:00:00:01", item->fdb.mac);
	if (mac[0] & 1 || memcmp(mac, "\0\0\0\0\0\0", 6) == 0)
		return weir_refuse(x->error, -EINVAL, "mac",
			"mac \"%s\": must be a station's address", item->fdb.mac);
	if (item->fdb.vlan > VLAN_MAX)
		return weir_refuse(x->error, -EINVAL, "vlan", "vlan %u: must be 0 to %d",
			item->fdb.vlan, VLAN_MAX);
	fdb_counts(s->fdb, &counts);
	if (counts.n_static + s->n_planned >= counts.max_entries)
		return weir_refuse(x->error, -ENOSPC, "mac",
			"static entries: switch %s can hold %u", s->name, counts.max_entries);
	return 0;
}

static struct port *find_port(struct apply *x, const struct vswitch *s, const char *wanted)
{
	struct port *port = apply_find_port(x, wanted);

	if (!port || port->target.vswitch == s)
		return port;
	weir_refuse(x->error, -EINVAL, "port", "port \"%s\": is on switch %s, not on %s", wanted,
		port->target.vswitch->name, s->name);
	return NULL;
}

static int plan(struct apply *x, const struct weir_item *item)
{
	struct vswitch *s = apply_find_switch(x, item->switch_name);
	struct port *port = s ? find_port(x, s, item->fdb.port) : NULL;
	bool is_static;
	uint32_t leads_to;
	struct fdb_step *adding;
	uint8_t mac[6];
	int failed = port ? check(x, s, item, mac) : x->error->code;

	if (failed)
		return failed;
	rcu_enter();
	is_static = fdb_is_static(s->fdb, item->fdb.vlan, mac) &&
		    fdb_lookup(s->fdb, item->fdb.vlan, mac, &leads_to);
	rcu_leave();
	if (is_static && leads_to == port->id)
		return 0;
	adding = step_add(x, is_static ? &change_class : &adding_class, sizeof(*adding));
	if (!adding)
		return -ENOMEM;
	adding->vswitch = s;
	adding->port = port;
	adding->vlan = item->fdb.vlan;
	memcpy(adding->mac, mac, sizeof(adding->mac));
	s->n_planned += !is_static;
	step_say(x, &adding->step, "port %s", port->name);
	return 0;
}

int plan_fdb(struct apply *x)
{
	const struct document_entry *entry = x->document->first[WEIR_ITEM_FDB];
	int failed = x->flags & WEIR_PRUNE ? plan_removals(x) : 0;

	for (struct vswitch *s = x->weir->switches; s; s = s->next)
		s->n_planned = 0;
	for (; !failed && entry; entry = entry->next)
		failed = item_refuse(x, entry, plan(x, &entry->item));
	return failed;
}
