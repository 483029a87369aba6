// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Applying a document: which ports there are.
#include <errno.h>
#include <stdlib.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/generation.h"
#include "datapath/snapshot.h"
#include "switch/apply.h"
#include "switch/document.h"
#include "switch/host.h"
#include "switch/item.h"
#include "switch/missing.h"
#include "switch/notice.h"
#include "switch/policy.h"
#include "switch/port.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

void port_step_name(const struct step *step, char *text, size_t size)
{
	snprintf(text, size, "%s", ((const struct port_step *)step)->port->name);
}

// ---- Removing

static void undo_removal(struct apply *x, struct step *step)
{
	struct port *port = ((struct port_step *)step)->port;

	(void)x;
	port->target.vswitch->port_retiring[port->index] = false;
	port->leaving = false;
	port_link(port);
}

static void finish_part(struct apply *x, struct step *step)
{
	(void)x;
	port_end(((struct port_step *)step)->port);
}

static void finish_removal(struct apply *x, struct step *step)
{
	struct port *port = ((struct port_step *)step)->port;
	struct vswitch *s = port->target.vswitch;

	generation_move(s->generation, port->snapshot->slot);
	note_port(port, true);
	weir_notify(x->weir, "port-removed", s->name, port->name, "",
		"port %s removed from switch %s", port->name, s->name);
	tell(s, WEIR_EVENT_PORT_REMOVED, port, NULL);
	port_retire_index(s, port->index);
	port_end(port);
}

static const struct step_class removal_class = { "remove", "port", port_step_name, undo_removal,
	finish_removal };
static const struct step_class part_class = { "remove", "port", NULL, undo_removal, finish_part };

// What goes with it.
static void say_gone(struct apply *x, struct port_step *removal)
{
	unsigned n = 0;

	for (const struct policy *p = removal->port->target.policies; p; p = p->next)
		n++;
	if (n)
		step_say(x, &removal->step, "policies %u", n);
}

int plan_port_removal(struct apply *x, struct port *port, bool part_of)
{
	struct vswitch *s = port->target.vswitch;
	struct port_step *removal;
	int failed = apply_review(x, s, WEIR_EVENT_PORT_REMOVED, port, NULL);

	if (failed)
		return failed;
	removal = step_add(x, part_of ? &part_class : &removal_class, sizeof(*removal));
	if (!removal)
		return -ENOMEM;
	removal->port = port;
	say_gone(x, removal);
	removal->old_retired = port->nic_retired;
	removal->next_nic = x->leaving;
	x->leaving = removal;
	port_unlink(port);
	s->port_retiring[port->index] = true; // the place is not to be given out
	s->stale |= !part_of;
	s->ports_changed = true;
	port->leaving = true;
	x->queues = true;
	return 0;
}

int plan_port_removals(struct apply *x)
{
	int failed = 0;

	if (!(x->flags & WEIR_PRUNE))
		return 0;
	for (struct vswitch *s = x->weir->switches; s; s = s->next) {
		for (unsigned i = 0; !failed && i < s->n_indices; i++) {
			struct port *port = s->ports[i];
			struct weir_item key = { .kind = WEIR_ITEM_PORT };

			if (!port)
				continue;
			key.name = port->name;
			if (!document_find(x->document, &key))
				failed = plan_port_removal(x, port, false);
		}
	}
	return failed;
}

// ---- Adding

int port_touch_everybody(struct apply *x, struct port *port, const struct document_entry *entry)
{
	struct touched *touched = touch_target(x, &port->target);

	if (!touched)
		return -ENOMEM;
	touched->everybody = true;
	touched->entry = entry;
	return 0;
}

struct weir_port_config port_config_of(const struct weir_item *item)
{
	return (struct weir_port_config){
		.size = sizeof(struct weir_port_config),
		.vlan = item->port.vlan,
		.mac = item->port.mac,
		.mtu = item->port.mtu,
		.uplink = item->port.uplink,
	};
}

static void undo_adding(struct apply *x, struct step *step)
{
	struct port_step *adding = (struct port_step *)step;
	struct port *port = adding->port;

	(void)x;
	if (adding->nic)
		nic_undo(adding);
	port_forget(port->target.vswitch, port->id);
	port_unlink(port);
	port->target.vswitch->n_ports--;
	port_free(port);
}

static void finish_adding(struct apply *x, struct step *step)
{
	struct port *port = ((struct port_step *)step)->port;
	struct vswitch *s = port->target.vswitch;

	s->port_uses[port->index]++;
	note_port(port, false);
	weir_notify(x->weir, "port-added", s->name, port->name, "",
		"port %s added to switch %s%s%s", port->name, s->name, port->nic ? " with " : "",
		port->nic ? port->nic_spec : "");
	if (port->snapshot->blocked)
		port_tell_blocked(port);
	if (port->state == WEIR_PORT_NIC_LOST)
		weir_notify(x->weir, "nic-lost", s->name, port->name, "", "port %s has no NIC: %s",
			port->name, port->reason);
	tell(s, WEIR_EVENT_PORT_ADDED, port, NULL);
}

static const struct step_class adding_class = { "add", "port", port_step_name, undo_adding,
	finish_adding };

static int check_new(struct apply *x, const struct vswitch *s, const struct weir_item *item)
{
	int failed = name_check("port", item->name, x->error);

	if (!failed && s->n_ports >= PORTS_MAX)
		failed = weir_refuse(x->error, -ENOSPC, "name",
			"port \"%s\": switch %s has %d ports, the most allowed", item->name,
			s->name, PORTS_MAX);
	return failed;
}

// In the model, with no place in a snapshot yet.
static int enter(struct apply *x, struct port *port)
{
	struct vswitch *s = port->target.vswitch;
	int failed = port_take_index(port);

	if (failed)
		return weir_refuse(x->error, failed, NULL, "port \"%s\": %s", port->name,
			failed == -ENOSPC ? "the switch has no place for it" : "no memory");
	if (port_learn(port) < 0)
		return no_memory(x);
	port_link(port);
	s->n_ports++;
	port->leaving = true; // not to be polled before it is published
	port->dirty = s->stale = s->ports_changed = true;
	return 0;
}

static void say_new(struct apply *x, struct port_step *adding, const char *spec)
{
	const struct port *port = adding->port;
	char text[STEP_TEXT_SIZE] = "";

	step_append(text, "nic", spec ? spec : "");
	if (*port->vlan_text)
		step_append(text, "vlan", port->vlan_text);
	if (*port->mac)
		step_append(text, "mac", port->mac);
	if (port->mtu) {
		char mtu[16];

		snprintf(mtu, sizeof(mtu), "%u", port->mtu);
		step_append(text, "mtu", mtu);
	}
	if (port->uplink)
		step_append(text, "uplink", "yes");
	if (adding->entry->item.port.disconnected)
		step_append(text, "disconnected", "yes");
	step_say(x, &adding->step, "%s", text);
}

static int add(struct apply *x, struct vswitch *s, const struct document_entry *entry)
{
	const struct weir_item *item = &entry->item;
	struct weir_port_config config = port_config_of(item);
	struct port_step *adding;
	struct port *port;
	int failed = check_new(x, s, item);

	if (failed)
		return failed;
	port = port_make(s, item->name, &config, x->error);
	if (!port)
		return x->error->code;
	failed = enter(x, port);
	if (failed) {
		port_free(port);
		return failed;
	}
	adding = step_add(x, &adding_class, sizeof(*adding));
	if (!adding) {
		port_forget(s, port->id);
		port_unlink(port);
		s->n_ports--;
		port_free(port);
		return -ENOMEM;
	}
	adding->port = port;
	adding->entry = entry;
	port->nic_forced = item->port.forced;
	port->target.made_ids = item->port.made_ids;
	say_new(x, adding, item->port.nic);
	failed = port_touch_everybody(x, port, entry);
	if (failed)
		return failed;
	failed = apply_review(x, s, WEIR_EVENT_PORT_ADDED, port, NULL);
	return failed ? failed : nic_plan(x, adding);
}

// A move takes the port's policies with it, and those need not be in the document. Without
// WEIR_PRUNE nothing goes away for what a document does not say, so this does not, either: also
// when the document names both switches.
static int check_move(struct apply *x, const struct port *port, const struct vswitch *to)
{
	if (x->flags & WEIR_PRUNE)
		return 0;
	return weir_refuse(x->error, -EBUSY, "name",
		"port \"%s\": is on switch %s; apply moves it to %s, and removes its policies that "
		"the document does not name, with --prune only; without, remove it there first",
		port->name, port->target.vswitch->name, to->name);
}

// A port that the document has on another switch than it is on leaves that one, with what hangs
// from it, before it comes.
static int plan(struct apply *x, const struct document_entry *entry)
{
	struct vswitch *s = apply_find_switch(x, entry->item.switch_name);
	struct port *port = s ? port_find(x->weir, entry->item.name, NULL) : NULL;
	int failed = 0;

	if (!s)
		return x->error->code;
	if (port && port->target.vswitch == s)
		return plan_port_change(x, port, entry);
	if (port)
		failed = check_move(x, port, s);
	if (port && !failed)
		failed = plan_port_removal(x, port, false);
	return failed ? failed : add(x, s, entry);
}

int plan_ports(struct apply *x)
{
	const struct document_entry *entry = x->document->first[WEIR_ITEM_PORT];
	int failed = 0;

	for (; !failed && entry; entry = entry->next)
		failed = item_refuse(x, entry, plan(x, entry));
	return failed;
}
