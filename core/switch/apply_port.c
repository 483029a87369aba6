// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Applying a document: which ports there are, and their settings.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/generation.h"
#include "datapath/snapshot.h"
#include "forwarding/vlan.h"
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

static void name(const struct step *step, char *text, size_t size)
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

static const struct step_class removal_class = { "remove", "port", name, undo_removal,
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

// ---- Settings

static void exchange(struct port *port, struct port_step *step)
{
	struct vlan_config vlan = port->vlan;
	char *vlan_text = port->vlan_text, mac[sizeof(port->mac)];
	uint32_t mtu = port->mtu;
	bool uplink = port->uplink, forced = port->nic_forced;

	memcpy(mac, port->mac, sizeof(mac));
	port->vlan = step->vlan;
	port->vlan_text = step->vlan_text;
	memcpy(port->mac, step->mac, sizeof(mac));
	port->mtu = step->mtu;
	port->uplink = step->uplink;
	port->nic_forced = step->forced;
	step->vlan = vlan;
	step->vlan_text = vlan_text;
	memcpy(step->mac, mac, sizeof(mac));
	step->mtu = mtu;
	step->uplink = uplink;
	step->forced = forced;
}

// Says what differs between the port and the step's settings; false: nothing.
static bool compare(
	const struct port *port, const struct port_step *step, char text[/* STEP_TEXT_SIZE */])
{
	char mtu[16] = "";

	if (step->mtu)
		snprintf(mtu, sizeof(mtu), "%u", step->mtu);
	if (strcmp(port->vlan_text, step->vlan_text) != 0)
		step_append(text, "vlan", step->vlan_text);
	if (strcmp(port->mac, step->mac) != 0)
		step_append(text, "mac", step->mac);
	if (port->mtu != step->mtu)
		step_append(text, "mtu", mtu);
	if (port->uplink != step->uplink)
		step_append(text, "uplink", step->uplink ? "yes" : "no");
	if (port->nic_forced != step->forced)
		step_append(text, "force", step->forced ? "yes" : "no");
	return *text;
}

static void undo_change(struct apply *x, struct step *step)
{
	struct port_step *change = (struct port_step *)step;

	(void)x;
	if (change->nic)
		nic_undo(change);
	if (change->settings)
		exchange(change->port, change);
	free(change->vlan_text);
	change->port->dirty = false;
}

static void finish_change(struct apply *x, struct step *step)
{
	struct port_step *change = (struct port_step *)step;
	struct port *port = change->port;
	struct vswitch *s = port->target.vswitch;

	if (change->settings && strcmp(change->vlan_text, port->vlan_text) != 0)
		port_forget_learned(port); // in VLANs that it may not carry any more
	note_port(port, false);
	if (change->settings) {
		weir_notify(x->weir, "port-changed", s->name, port->name, "",
			"port %s has new settings: %s", port->name, step->text ? step->text : "");
		tell(s, WEIR_EVENT_PORT_CHANGED, port, NULL);
	}
	if (change->nic)
		nic_tell(change);
	free(change->vlan_text);
}

static const struct step_class change_class = { "change", "port", name, undo_change,
	finish_change };

static struct weir_port_config config_of(const struct weir_item *item)
{
	return (struct weir_port_config){
		.size = sizeof(struct weir_port_config),
		.vlan = item->port.vlan,
		.mac = item->port.mac,
		.mtu = item->port.mtu,
		.uplink = item->port.uplink,
	};
}

// What the item says, checked. step->vlan_text is the caller's to free.
static int read_settings(struct apply *x, const struct weir_item *item, struct port_step *step)
{
	struct weir_port_config config = config_of(item);
	struct port *wanted = calloc(1, sizeof(*wanted));
	int failed;

	if (!wanted)
		return no_memory(x);
	failed = port_configure(wanted, &config, ~0u, x->error);
	if (failed) {
		free(wanted->vlan_text);
	} else {
		step->vlan = wanted->vlan;
		step->vlan_text = wanted->vlan_text;
		memcpy(step->mac, wanted->mac, sizeof(step->mac));
		step->mtu = wanted->mtu;
		step->uplink = item->port.uplink;
		step->forced = item->port.forced;
	}
	free(wanted);
	return failed;
}

// The port is new, or shows them another address.
static int touch_everybody(struct apply *x, struct port *port, const struct document_entry *entry)
{
	struct touched *touched = touch_target(x, &port->target);

	if (!touched)
		return -ENOMEM;
	touched->everybody = true;
	touched->entry = entry;
	return 0;
}

static int plan_change(struct apply *x, struct port *port, const struct document_entry *entry)
{
	struct vswitch *s = port->target.vswitch;
	struct port_step trial = { .port = port, .entry = entry }, *change;
	char text[STEP_TEXT_SIZE] = "";
	int failed = read_settings(x, &entry->item, &trial);

	if (failed)
		return failed;
	trial.settings = compare(port, &trial, text);
	trial.nic = nic_differs(port, &entry->item, text);
	if (trial.settings)
		failed = apply_review(x, s, WEIR_EVENT_PORT_CHANGED, port, NULL);
	if (failed || (!trial.settings && !trial.nic)) {
		free(trial.vlan_text);
		return failed;
	}
	change = step_add(x, &change_class, sizeof(*change));
	if (!change) {
		free(trial.vlan_text);
		return -ENOMEM;
	}
	trial.step = change->step;
	*change = trial;
	step_say(x, &change->step, "%s", text);
	if (change->settings)
		exchange(port, change);
	if (strcmp(port->mac, change->mac) != 0)
		failed = touch_everybody(x, port, entry);
	if (failed)
		return failed;
	change->nic = false;
	if (trial.nic)
		failed = nic_plan(x, change);
	port->dirty = s->stale = true;
	return failed;
}

// ---- Adding

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

static const struct step_class adding_class = { "add", "port", name, undo_adding, finish_adding };

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
	struct weir_port_config config = config_of(item);
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
	failed = touch_everybody(x, port, entry);
	if (failed)
		return failed;
	failed = apply_review(x, s, WEIR_EVENT_PORT_ADDED, port, NULL);
	return failed ? failed : nic_plan(x, adding);
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
		return plan_change(x, port, entry);
	if (port)
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
