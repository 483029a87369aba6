// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The desired state as items: one change at a time, and all of it.
//
// An item is made of what an operator asked for, not of what became of it: a port whose NIC is lost
// still wants it. Whoever applies all that is told here to nothing gets the same switches again.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/rcu.h"
#include "datapath/snapshot.h"
#include "forwarding/fdb.h"
#include "switch/attachment.h"
#include "switch/item.h"
#include "switch/meter.h"
#include "switch/missing.h"
#include "switch/notice.h"
#include "switch/policy.h"
#include "switch/port.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

enum { TARGET_TEXT_SIZE = WEIR_NAME_MAX + 8, MAC_TEXT_SIZE = 18 };

// ---- From the model to items

static struct weir_item switch_item(const struct vswitch *s)
{
	return (struct weir_item){
		.size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_SWITCH,
		.switch_name = s->name,
		.vswitch = { .made_ids = s->target.made_ids,
			.n_flows = s->n_flows,
			.n_sessions = s->n_sessions,
			.n_port_sessions = s->n_port_sessions },
	};
}

static struct weir_item attachment_item(const struct attachment *a)
{
	return (struct weir_item){
		.size = sizeof(struct weir_item), .kind = WEIR_ITEM_EXTENSION,
		.switch_name = a->vswitch->name,
		.name = a->descriptor->name,
		.extension = {
			.order = a->order,
			.fail_open = a->fail_open,
			.path = attachment_path(a),
		},
	};
}

static struct weir_item port_item(const struct port *port)
{
	return (struct weir_item){
		.size = sizeof(struct weir_item), .kind = WEIR_ITEM_PORT,
		.switch_name = port->target.vswitch->name,
		.name = port->name,
		.port = {
			.nic = port->nic_spec,
			.vlan = port->vlan_text,
			.mac = port->mac,
			.mtu = port->mtu,
			.uplink = port->uplink,
			.disconnected = port->state == WEIR_PORT_DISCONNECTED,
			.forced = port->nic_forced,
			.made_ids = port->target.made_ids,
		},
	};
}

// target: the name of the policy's.
static struct weir_item policy_item(const char *target, const struct policy *p)
{
	return (struct weir_item){
		.size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_POLICY,
		.target = target,
		.name = policy_extension(p),
		.policy = { .type = p->type, .id = p->id, .bytes = p->bytes, .size = p->size },
	};
}

// mac: the room for its text, which the item borrows.
static struct weir_item fdb_item(const struct vswitch *s, uint16_t vlan, const uint8_t address[6],
	const char *port, char mac[/* MAC_TEXT_SIZE */])
{
	mac_format(address, mac);
	return (struct weir_item){
		.size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_FDB,
		.switch_name = s->name,
		.fdb = { .mac = mac, .port = port, .vlan = vlan },
	};
}

// ---- One change

void weir_on_change(struct weir *w, weir_change_handler *handler, void *context)
{
	w->on_change = handler;
	w->change_context = context;
}

static void note(const struct weir *w, bool removed, struct weir_item item)
{
	if (w->on_change)
		w->on_change(w->change_context, removed, &item);
}

void note_switch(const struct vswitch *s, bool removed)
{
	note(s->weir, removed, switch_item(s));
}

void note_attachment(const struct attachment *a, bool removed)
{
	note(a->weir, removed, attachment_item(a));
}

void note_port(const struct port *port, bool removed)
{
	note(port->target.vswitch->weir, removed, port_item(port));
}

void note_policy(const struct target *t, const struct policy *policy, bool removed)
{
	char target[TARGET_TEXT_SIZE];

	target_name(t, target);
	note(t->vswitch->weir, removed, policy_item(target, policy));
}

void note_fdb(const struct vswitch *s, uint16_t vlan, const uint8_t address[6], const char *port,
	bool removed)
{
	char mac[MAC_TEXT_SIZE];

	note(s->weir, removed, fdb_item(s, vlan, address, port, mac));
	weir_notify(s->weir, removed ? "fdb-removed" : "fdb-added", s->name, port, "",
		"static address %s in VLAN %u at port %s %s", mac, vlan, port,
		removed ? "removed" : "added");
}

void note_meter_gone(const struct weir *w, const struct meter *m)
{
	note(w, true,
		(struct weir_item){
			.size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_METER,
			.target = m->target,
			.name = m->extension,
			.meter = { .id = m->key, .since = m->since },
		});
}

// ---- All of it

struct export
{
	weir_item_row *row;
	void *context;
};

static void tell_item(const struct export *e, struct weir_item item)
{
	e->row(e->context, &item);
}

static void export_policies(const struct export *e, const struct target *t)
{
	char target[TARGET_TEXT_SIZE];

	target_name(t, target);
	for (const struct policy *p = t->policies; p; p = p->next)
		tell_item(e, policy_item(target, p));
}

static int by_port_name(const void *a, const void *b)
{
	return strcmp((*(struct port *const *)a)->name, (*(struct port *const *)b)->name);
}

static int export_ports(const struct export *e, const struct vswitch *s)
{
	const struct port **ports = calloc(s->n_ports + 1, sizeof(*ports));
	unsigned n = 0;

	if (!ports)
		return -ENOMEM;
	for (unsigned i = 0; i < s->n_indices; i++)
		if (s->ports[i])
			ports[n++] = s->ports[i];
	qsort(ports, n, sizeof(*ports), by_port_name);
	for (unsigned i = 0; i < n; i++) {
		tell_item(e, port_item(ports[i]));
		export_policies(e, &ports[i]->target);
	}
	free(ports);
	return 0;
}

struct fdb_rows {
	unsigned n, size;
	struct fdb_row *rows;
};

static void gather_static(void *context, const struct fdb_row *row)
{
	struct fdb_rows *list = context;

	if (row->is_static && list->n < list->size)
		list->rows[list->n++] = *row;
}

static int by_vlan_and_address(const void *a, const void *b)
{
	const struct fdb_row *x = a, *y = b;

	return x->vlan != y->vlan ? x->vlan - y->vlan : memcmp(x->mac, y->mac, sizeof(x->mac));
}

static int export_fdb(const struct export *e, const struct vswitch *s)
{
	struct fdb_rows list = { 0 };
	struct fdb_counts counts;
	char mac[MAC_TEXT_SIZE];

	fdb_counts(s->fdb, &counts);
	list.size = counts.n_static; // only this thread adds any
	list.rows = calloc(list.size + 1, sizeof(*list.rows));
	if (!list.rows)
		return -ENOMEM;
	rcu_enter();
	fdb_list(s->fdb, 0, gather_static, &list);
	rcu_leave();
	qsort(list.rows, list.n, sizeof(*list.rows), by_vlan_and_address);
	for (unsigned i = 0; i < list.n; i++) {
		const struct fdb_row *r = &list.rows[i];
		const struct port *port = s->ports[(uint16_t)r->port];

		tell_item(e, fdb_item(s, r->vlan, r->mac, port->name, mac));
	}
	free(list.rows);
	return 0;
}

static int by_order(const void *left, const void *right)
{
	const struct attachment *a = *(const struct attachment *const *)left;
	const struct attachment *b = *(const struct attachment *const *)right;

	return a->order != b->order ? (a->order > b->order ? 1 : -1)
				    : strcmp(a->descriptor->name, b->descriptor->name);
}

// Not as the stack has them: the class of a missing one is not known.
static void export_stack(const struct export *e, const struct vswitch *s)
{
	const struct attachment *attachments[STACK_MAX] = { NULL };
	unsigned n = 0;

	for (const struct attachment *a = s->attachments; a; a = a->next)
		attachments[n++] = a;
	qsort(attachments, n, sizeof(attachments[0]), by_order);
	for (unsigned i = 0; i < n; i++)
		tell_item(e, attachment_item(attachments[i]));
}

static int export_switch(const struct export *e, const struct vswitch *s)
{
	int failed;

	tell_item(e, switch_item(s));
	export_stack(e, s);
	export_policies(e, &s->target);
	failed = export_ports(e, s);
	return failed ? failed : export_fdb(e, s);
}

static int by_switch_name(const void *a, const void *b)
{
	return strcmp((*(struct vswitch *const *)a)->name, (*(struct vswitch *const *)b)->name);
}

int weir_export(struct weir *w, const char *switch_name, weir_item_row *row, void *context,
	struct weir_error *error)
{
	const struct export e = { row, context };
	const struct vswitch *switches[SWITCHES_MAX];
	unsigned n = 0;
	int failed = 0;

	if (switch_name && !vswitch_find(w, switch_name, error))
		return -ENOENT;
	for (const struct vswitch *s = w->switches; s; s = s->next)
		if (!switch_name || strcmp(switch_name, s->name) == 0)
			switches[n++] = s;
	qsort(switches, n, sizeof(switches[0]), by_switch_name);
	for (unsigned i = 0; !failed && i < n; i++)
		failed = export_switch(&e, switches[i]);
	return failed ? weir_refuse(error, failed, NULL, "no memory to list the items") : 0;
}
