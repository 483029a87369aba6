// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Applying a document: settings of ports that are there already.
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "forwarding/vlan.h"
#include "switch/apply.h"
#include "switch/document.h"
#include "switch/host.h"
#include "switch/item.h"
#include "switch/notice.h"
#include "switch/port.h"
#include "switch/target.h"
#include "switch/vswitch.h"

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

static const struct step_class change_class = { "change", "port", port_step_name, undo_change,
	finish_change };

// What the item says, checked. step->vlan_text is the caller's to free.
static int read_settings(struct apply *x, const struct weir_item *item, struct port_step *step)
{
	struct weir_port_config config = port_config_of(item);
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

int plan_port_change(struct apply *x, struct port *port, const struct document_entry *entry)
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
		failed = port_touch_everybody(x, port, entry);
	if (failed)
		return failed;
	change->nic = false;
	if (trial.nic)
		failed = nic_plan(x, change);
	port->dirty = s->stale = true;
	return failed;
}
