// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/rcu.h"
#include "datapath/snapshot.h"
#include "forwarding/fdb.h"
#include "nic/nic.h"
#include "switch/attachment.h"
#include "switch/change.h"
#include "switch/host.h"
#include "switch/item.h"
#include "switch/meter.h"
#include "switch/missing.h"
#include "switch/notice.h"
#include "switch/observe.h"
#include "switch/plan.h"
#include "switch/policy.h"
#include "switch/port.h"
#include "switch/port_nic.h"
#include "switch/publish.h"
#include "switch/remark.h"
#include "switch/session.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/wait.h"
#include "switch/weir.h"
#include "switch/workers.h"

// ---- Indices and memory

// A place for one more port. Places of removed ports are used again once no worker can mean the old
// port.
int port_take_index(struct port *port)
{
	struct vswitch *s = port->target.vswitch;
	unsigned i = 0;

	while (i < s->n_indices && (s->ports[i] || s->port_retiring[i]))
		i++;
	if (i == PORTS_MAX)
		return -ENOSPC;
	if (i == s->ports_size) {
		unsigned size = s->ports_size ? s->ports_size * 2 : 16;
		struct port **ports = realloc(s->ports, size * sizeof(*ports));
		uint16_t *uses = ports ? realloc(s->port_uses, size * sizeof(*uses)) : NULL;
		bool *retiring = uses ? realloc(s->port_retiring, size * sizeof(*retiring)) : NULL;

		s->ports = ports ? ports : s->ports;
		s->port_uses = uses ? uses : s->port_uses;
		if (!retiring)
			return -ENOMEM;
		s->port_retiring = retiring;
		s->ports_size = size;
	}
	if (i == s->n_indices) {
		s->ports[i] = NULL;
		s->port_uses[i] = 0;
		s->port_retiring[i] = false;
		s->n_indices++;
	}
	port->index = (uint16_t)i;
	port->id = (uint32_t)s->port_uses[i] << 16 | port->index;
	if (port->id == WEIR_PORT_NONE)
		port->id = port->index;
	return 0;
}

void port_free(struct port *port)
{
	if (!port)
		return;
	policies_free(&port->target, NULL);
	runtime_free(&port->runtime);
	free(port->vlan_text);
	free(port->nic_spec);
	free(port->retired);
	free(port->nic_retired);
	free(port);
}

struct port *port_make(struct vswitch *s, const char *name, const struct weir_port_config *config,
	struct weir_error *error)
{
	struct port *port = calloc(1, sizeof(*port));

	if (!port) {
		weir_refuse(error, -ENOMEM, NULL, "port \"%s\": no memory", name);
		return NULL;
	}
	target_init(&port->target, s, port);
	port->uplink = config->uplink;
	snprintf(port->name, sizeof(port->name), "%s", name);
	port->runtime = runtime_make(s->weir->n_workers);
	port->retired = calloc(1, sizeof(*port->retired));
	port->nic_spec = strdup("");
	if (!port->runtime.counters || !port->retired || !port->nic_spec) {
		port_free(port);
		weir_refuse(error, -ENOMEM, NULL, "port \"%s\": no memory", name);
		return NULL;
	}
	if (port_configure(port, config, ~0u, error) < 0) {
		port_free(port);
		return NULL;
	}
	return port;
}

// ---- Adding

int port_learn(const struct port *port)
{
	int failed;

	rcu_enter();
	failed = fdb_port_add(port->target.vswitch->fdb, port->id, plan_learn_max(&port->target));
	rcu_leave();
	return failed;
}

void port_forget(struct vswitch *s, weir_port_id id)
{
	rcu_enter();
	fdb_port_remove(s->fdb, id);
	rcu_leave();
}

// With a refusal that stands as it is: what the extension says of the port is known afterwards.
static int prepare_one(
	struct change *change, struct attachment *a, struct target *t, struct weir_error *error)
{
	const struct target_state *before = target_state_of(t, a);
	int refused;

	if (!before || !before->refusal)
		return change_prepare(change, a, t, error);
	refused = change_prepare_or_refuse(change, a, t, error);
	return refused < 0 ? refused : 0;
}

int port_prepare(struct change *change, struct port *port, struct weir_error *error)
{
	struct vswitch *s = port->target.vswitch;

	for (struct attachment *a = s->attachments; a; a = a->next) {
		struct weir_error own;
		int failed = prepare_one(change, a, &port->target, &own);

		if (!failed)
			continue;
		// A capture extension has no say about ports: it does without this one.
		if (a->descriptor->class == WEIR_CLASS_CAPTURE) {
			extension_offend(&a->counters, &a->counters.violations,
				"refusing a port is not for the class capture: %s", own.message);
			continue;
		}
		change_abort(change);
		return weir_refuse(error, failed, own.field, "%s", own.message);
	}
	return 0;
}

// Puts the port into the model and in force. A change_publisher.
static int enter(void *context)
{
	struct port *port = context;
	struct vswitch *s = port->target.vswitch;
	struct published_port *published;

	if (port_learn(port) < 0)
		return -ENOMEM;
	port_link(port);
	published = publish_port_make(port, s->stack);
	if (!published || publish_port(port, published) < 0) {
		port_unlink(port);
		port_forget(s, port->id);
		return -ENOMEM;
	}
	s->port_uses[port->index]++;
	s->n_ports++;
	return 0;
}

static int add_checked(struct port *port, const char *nic, unsigned flags, struct weir_error *error)
{
	struct vswitch *s = port->target.vswitch;
	struct change change = { 0 };
	int failed = port_take_index(port);

	if (failed)
		return weir_refuse(error, failed, NULL, "port \"%s\": %s", port->name,
			failed == -ENOSPC ? "the switch has 65535 ports" : "no memory");
	failed = review(s, WEIR_EVENT_PORT_ADDED, port, NULL, error);
	if (!failed && nic)
		failed = port_check_nic(port, nic, error);
	if (!failed)
		failed = port_prepare(&change, port, error);
	if (failed)
		return failed;
	if (flags & WEIR_DRY_RUN) {
		change_abort(&change);
		return nic ? port_try_nic(port, nic, flags, error) : 0;
	}
	if (nic)
		failed = port_open_nic(port, nic, flags, error);
	if (failed) {
		change_abort(&change);
		return failed;
	}
	failed = change_carry_out(&change, flags, enter, port);
	if (failed) {
		nic_close(port->nic);
		port->nic = NULL;
		return weir_refuse(error, failed, NULL, "port \"%s\": no memory", port->name);
	}
	return 0;
}

int weir_port_add(struct weir *w, const char *switch_name, const char *name,
	const struct weir_port_config *given, unsigned flags, struct weir_error *error)
{
	struct vswitch *s = vswitch_find(w, switch_name, error);
	struct weir_port_config config;
	struct port *port;
	int failed;

	if (!s)
		return -ENOENT;
	failed = port_config_take(given, &config, error);
	if (!failed)
		failed = name_check("port", name, error);
	if (failed)
		return failed;
	port = port_find(w, name, NULL);
	if (port)
		return weir_refuse(error, -EEXIST, "name",
			"port \"%s\": switch %s has one of this name", name,
			port->target.vswitch->name);
	port = port_make(s, name, &config, error);
	if (!port)
		return error && error->code ? error->code : -EINVAL;
	failed = add_checked(port, config.nic && *config.nic ? config.nic : NULL, flags, error);
	if (failed || (flags & WEIR_DRY_RUN)) {
		port_free(port);
		return failed;
	}
	weir_publish_queues_later(w);
	note_port(port, false);
	weir_notify(w, "port-added", s->name, name, "", "port %s added to switch %s%s%s", name,
		s->name, port->nic ? " with " : "", port->nic ? port->nic_spec : "");
	port_remark_nic(port);
	if (port->snapshot->blocked)
		port_tell_blocked(port);
	tell(s, WEIR_EVENT_PORT_ADDED, port, NULL);
	change_ports_changed(s);
	return 0;
}

// ---- Removing

// No worker uses the port any more: what it counted goes to its switch.
static void port_unused(struct deferred *d)
{
	struct retired_port *retired = (struct retired_port *)d;
	struct port *port = retired->port;
	struct vswitch *s = port->target.vswitch;

	struct port **link = &s->leaving;

	while (*link != port)
		link = &(*link)->next_leaving;
	*link = port->next_leaving;
	port_add_totals(port->runtime.counters, s->weir->n_workers, &s->retired);
	drops_retire(s, port->runtime.counters);
	sessions_end_port(s, port->id);
	s->users--;
	port_free(port);
}

struct index_wait {
	struct vswitch *vswitch;
	uint16_t index;
};

static void index_free(void *context)
{
	struct index_wait *wait = context;

	wait->vswitch->port_retiring[wait->index] = false;
	wait->vswitch->users--;
	free(wait);
}

// Takes the place of the port out of use until every decision that could name it is gone.
void port_retire_index(struct vswitch *s, uint16_t index)
{
	struct index_wait *wait = calloc(1, sizeof(*wait));

	s->port_retiring[index] = true;
	if (!wait)
		return; // the place is lost, nothing else
	*wait = (struct index_wait){ s, index };
	s->users++;
	if (weir_wait(s->weir, s, index_free, wait) < 0) {
		s->users--;
		free(wait);
	}
}

void port_end(struct port *port)
{
	struct vswitch *s = port->target.vswitch;
	char name[WEIR_NAME_MAX + 8];

	target_name(&port->target, name);
	port_unlink(port);
	s->n_ports--;
	meter_remove_target(s, name);
	while (port->target.states)
		target_drop_state(&port->target, port->target.states->attachment);
	port_forget(s, port->id);
	port_close_nic(port);
	s->users++;
	port->next_leaving = s->leaving;
	s->leaving = port;
	port->retired->port = port;
	if (port->snapshot)
		publish_port_retire(port);
	weir_defer(s->weir, &port->retired->deferred, port_unused);
}

int weir_port_remove(struct weir *w, const char *name, unsigned flags, struct weir_error *error)
{
	struct port *port = port_find(w, name, error);
	struct vswitch *s;
	int failed;

	if (!port)
		return -ENOENT;
	s = port->target.vswitch;
	failed = review(s, WEIR_EVENT_PORT_REMOVED, port, NULL, error);
	if (failed || (flags & WEIR_DRY_RUN))
		return failed;
	port->leaving = true;
	if (weir_publish_queues(w) < 0 || publish_without(s, port) < 0) {
		port->leaving = false;
		weir_publish_queues_later(w);
		return weir_refuse(error, -ENOMEM, NULL, "port \"%s\": no memory", name);
	}
	note_port(port, true);
	weir_notify(w, "port-removed", s->name, name, "", "port %s removed from switch %s", name,
		s->name);
	tell(s, WEIR_EVENT_PORT_REMOVED, port, NULL);
	port_retire_index(s, port->index);
	port_end(port);
	change_ports_changed(s);
	return 0;
}
