// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/datapath.h"
#include "datapath/fragment.h"
#include "datapath/generation.h"
#include "datapath/session.h"
#include "datapath/sized.h"
#include "datapath/snapshot.h"
#include "datapath/worker.h"
#include "forwarding/fdb.h"
#include "switch/flow_list.h"
#include "switch/host.h"
#include "switch/item.h"
#include "switch/meter.h"
#include "switch/notice.h"
#include "switch/policing.h"
#include "switch/port.h"
#include "switch/publish.h"
#include "switch/session.h"
#include "switch/stack.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/wait.h"
#include "switch/weir.h"
#include "switch/workers.h"

int name_check(const char *what, const char *name, struct weir_error *error)
{
	size_t n = name ? strlen(name) : 0;

	if (n == 0 || n >= WEIR_NAME_MAX)
		return weir_refuse(error, -EINVAL, "name",
			"%s name \"%.64s\": must have 1 to %d bytes", what, name ? name : "",
			WEIR_NAME_MAX - 1);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_-.", name[i]))
			return weir_refuse(error, -EINVAL, "name",
				"%s name \"%s\": letters, digits, \"_\", \"-\" and \".\" are "
				"allowed",
				what, name);
	return 0;
}

bool mac_parse(const char *text, uint8_t mac[6])
{
	unsigned b[6];
	int end = 0;

	if (strlen(text) != 17 ||
		sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
			&end) != 6 ||
		end != 17)
		return false;
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (uint8_t)b[i];
	return true;
}

void mac_format(const uint8_t m[6], char text[])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

struct vswitch *vswitch_find(struct weir *w, const char *name, struct weir_error *error)
{
	for (struct vswitch *s = w->switches; s; s = s->next)
		if (name && strcmp(s->name, name) == 0)
			return s;
	weir_refuse(error, -ENOENT, "switch", "switch \"%.64s\": there is none of this name",
		name ? name : "");
	return NULL;
}

struct target *target_find(struct weir *w, const char *text, struct weir_error *error)
{
	static const char prefix[] = "switch:";

	if (text && strncmp(text, prefix, sizeof(prefix) - 1) == 0) {
		struct vswitch *s = vswitch_find(w, text + sizeof(prefix) - 1, error);

		return s ? &s->target : NULL;
	}
	struct port *port = port_find(w, text, error);

	return port ? &port->target : NULL;
}

void target_name(const struct target *target, char name[])
{
	if (target->port)
		snprintf(name, WEIR_NAME_MAX + 8, "%s", target->port->name);
	else
		snprintf(name, WEIR_NAME_MAX + 8, "switch:%s", target->vswitch->name);
}

// ---- Making and ending

static void vswitch_free(struct vswitch *s)
{
	for (unsigned i = 0; i < s->weir->n_workers; i++)
		datapath_destroy(s->datapaths[i]);
	publish_free(s);
	meter_free_all(s);
	policing_fini(s);
	fdb_destroy(s->fdb);
	session_table_destroy(s->sessions);
	fragment_table_destroy(s->fragments);
	generation_destroy(s->generation);
	runtime_free(&s->nowhere);
	free(s->ports);
	free(s->port_uses);
	free(s->port_retiring);
	free(s);
}

int flows_check(unsigned n_flows, struct weir_error *error)
{
	if (n_flows && (n_flows < WEIR_FLOWS_MIN || n_flows > WEIR_FLOWS_MAX))
		return weir_refuse(error, -EINVAL, "flows", "flows %u: must be %d to %d", n_flows,
			WEIR_FLOWS_MIN, WEIR_FLOWS_MAX);
	return 0;
}

unsigned vswitch_n_flows(const struct vswitch *s)
{
	return s->n_flows ? s->n_flows : s->weir->options.n_flows;
}

static int make_datapaths(struct vswitch *s)
{
	struct weir *w = s->weir;

	for (unsigned i = 0; i < w->n_workers; i++) {
		struct datapath_options options = {
			.worker = i,
			.n_flows = vswitch_n_flows(s),
			.generation = s->generation,
			.fdb = s->fdb,
			.sessions = s->sessions,
			.fragments = s->fragments,
			.published = &s->published,
			.meter_owners = &s->meter_owners,
			.pool = worker_pool(w->workers[i]),
			.slow_limit = &w->watch.slow_limit,
			.watches = &w->drop_watches,
		};

		s->datapaths[i] = datapath_create(&options);
		if (!s->datapaths[i])
			return -ENOMEM;
	}
	return 0;
}

struct vswitch *vswitch_make(
	struct weir *w, const char *name, const struct weir_switch_config *config)
{
	struct vswitch *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->weir = w;
	s->n_flows = config->n_flows;
	s->n_sessions = config->n_sessions;
	s->n_port_sessions = config->n_port_sessions;
	target_init(&s->target, s, NULL);
	meters_init(s);
	policing_init(s);
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->generation = generation_create();
	s->nowhere = runtime_make(w->n_workers);
	if (s->generation)
		s->fdb = fdb_create(s->generation, w->options.fdb_entries, w->options.fdb_ageing_s);
	if (s->generation)
		s->sessions = session_table_create(
			s->generation, vswitch_n_sessions(s), vswitch_n_port_sessions(s));
	s->fragments = fragment_table_create();
	if (!s->fdb || !s->sessions || !s->fragments || !s->nowhere.counters ||
		make_datapaths(s) < 0 || publish_all(s) < 0) {
		vswitch_free(s);
		return NULL;
	}
	return s;
}

static int find_slot(
	const struct weir *w, const char *name, unsigned *slot, struct weir_error *error)
{
	for (*slot = 0; *slot < SWITCHES_MAX; ++*slot)
		if (!w->switch_slots[*slot])
			return 0;
	return weir_refuse(error, -ENOSPC, "name", "switch \"%s\": there are %d, the most allowed",
		name, SWITCHES_MAX);
}

int vswitch_link(struct vswitch *s, struct weir_error *error)
{
	struct weir *w = s->weir;
	struct vswitch **link = &w->switches;
	unsigned slot;
	int failed = find_slot(w, s->name, &slot, error);

	if (failed)
		return failed;
	s->slot = slot;
	while (*link)
		link = &(*link)->next;
	s->next = NULL;
	*link = s;
	w->switch_slots[slot] = s;
	return 0;
}

void vswitch_unlink(struct vswitch *s)
{
	struct vswitch **link = &s->weir->switches;

	while (*link != s)
		link = &(*link)->next;
	*link = s->next;
	s->weir->switch_slots[s->slot] = NULL;
}

int vswitch_check(const struct weir_switch_config *config, struct weir_error *error)
{
	int failed = flows_check(config->n_flows, error);

	return failed ? failed : sessions_check(config->n_sessions, config->n_port_sessions, error);
}

int weir_switch_add(struct weir *w, const char *name, unsigned flags, struct weir_error *error)
{
	return weir_switch_add_with(w, name, NULL, flags, error);
}

int weir_switch_add_with(struct weir *w, const char *name, const struct weir_switch_config *config,
	unsigned flags, struct weir_error *error)
{
	struct weir_switch_config taken = { .size = sizeof(taken) };
	int failed = name_check("switch", name, error);
	struct vswitch *s;
	unsigned slot;

	if (!failed && config)
		failed = SIZED_TAKE(weir_switch_config, n_port_sessions, &taken, config, error);
	if (!failed)
		failed = vswitch_check(&taken, error);
	if (failed)
		return failed;
	if (vswitch_find(w, name, NULL))
		return weir_refuse(
			error, -EEXIST, "name", "switch \"%s\": there is one already", name);
	failed = find_slot(w, name, &slot, error);
	if (failed || (flags & WEIR_DRY_RUN))
		return failed;
	s = vswitch_make(w, name, &taken);
	if (!s)
		return weir_refuse(error, -ENOMEM, NULL, "switch \"%s\": no memory", name);
	failed = vswitch_link(s, error);
	if (!failed && weir_publish_queues(w) < 0) {
		vswitch_unlink(s);
		failed = weir_refuse(error, -ENOMEM, NULL, "switch \"%s\": no memory", name);
	}
	if (failed) {
		vswitch_free(s);
		return failed;
	}
	note_switch(s, false);
	weir_notify(w, "switch-added", name, "", "", "switch %s added", name);
	return 0;
}

// No worker has the switch in its list any more. What hung from it has been retired before it.
static void vswitch_unused(struct deferred *d)
{
	struct vswitch *s = (struct vswitch *)((char *)d - offsetof(struct vswitch, end));

	// Its attachments and ports end by the same queue; the last of them may still be in it.
	if (s->users)
		weir_defer(s->weir, d, vswitch_unused);
	else
		vswitch_free(s);
}

void vswitch_discard(struct vswitch *s)
{
	s->removed = true;
	weir_defer(s->weir, &s->end, vswitch_unused);
}

int vswitch_end(struct vswitch *s)
{
	struct weir *w = s->weir;
	struct vswitch **link = &w->switches;

	while (*link != s)
		link = &(*link)->next;
	*link = s->next;
	if (weir_publish_queues(w) < 0) {
		*link = s;
		return -ENOMEM;
	}
	vswitch_end_now(s);
	return 0;
}

void vswitch_end_now(struct vswitch *s)
{
	struct weir *w = s->weir;

	w->switch_slots[s->slot] = NULL;
	for (struct wait *wait = w->waits; wait; wait = wait->next)
		if (!wait->vswitch)
			wait->targets[s->slot] = 0; // another switch may get the slot
	s->removed = true;
	flow_list_forget(w, s);
	for (unsigned i = 0; i < s->n_indices; i++) {
		if (!s->ports[i])
			continue;
		weir_notify(w, "port-removed", s->name, s->ports[i]->name, "",
			"port %s removed with switch %s", s->ports[i]->name, s->name);
		port_end(s->ports[i]);
	}
	stack_detach_all(s);
	note_switch(s, true);
	weir_notify(w, "switch-removed", s->name, "", "", "switch %s removed", s->name);
	weir_defer(w, &s->end, vswitch_unused);
}

int weir_switch_remove(struct weir *w, const char *name, unsigned flags, struct weir_error *error)
{
	struct vswitch *s = vswitch_find(w, name, error);

	if (!s)
		return -ENOENT;
	for (unsigned i = 0; i < s->n_indices; i++) {
		int failed = s->ports[i]
				     ? review(s, WEIR_EVENT_PORT_REMOVED, s->ports[i], NULL, error)
				     : 0;

		if (failed)
			return failed;
	}
	if (flags & WEIR_DRY_RUN)
		return 0;
	if (vswitch_end(s) < 0)
		return weir_refuse(error, -ENOMEM, NULL, "switch \"%s\": no memory", name);
	return 0;
}
