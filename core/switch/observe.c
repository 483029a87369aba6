// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What can be looked at besides configuration: drops, the FDB.
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

// ---- Drops

struct drop_row {
	uint32_t key;
	uint64_t frames;
};

static void add_drop(struct drop_row *rows, unsigned *n, uint32_t key, uint64_t frames)
{
	for (unsigned i = 0; i < *n; i++) {
		if (rows[i].key == key) {
			rows[i].frames += frames;
			return;
		}
	}
	rows[(*n)++] = (struct drop_row){ key, frames };
}

// Of one switch.
struct drop_listing {
	const struct weir *weir;
	struct policer_drop *policers; // most frames first
	size_t n_policers;
	weir_drop_row *row;
	void *context;
};

// Whose drops of a row were.
struct named_policers {
	unsigned n;
	char names[WEIR_DROP_POLICERS_MAX][POLICER_NAME_SIZE];
	const char *list[WEIR_DROP_POLICERS_MAX]; // of names
	uint64_t frames[WEIR_DROP_POLICERS_MAX];
};

// As far as they were over a rate.
static void name_policers(const struct drop_listing *l, const struct port *port, uint32_t key,
	struct named_policers *named)
{
	named->n = 0;
	for (size_t i = 0; port && i < l->n_policers && named->n < WEIR_DROP_POLICERS_MAX; i++) {
		const struct policer_drop *drop = &l->policers[i];
		unsigned n = named->n;

		if (drop->port != port->id || (DROP_KEY(0, 0) | drop->cause) != key)
			continue;
		policer_name(drop->policing, port->name, named->names[n]);
		named->list[n] = named->names[n];
		named->frames[n] = drop->elsewhere ? 0 : drop->frames;
		named->n++;
	}
}

// port: NULL: one that is gone, or none.
static void show_drop(
	const struct drop_listing *l, const struct port *port, const struct drop_row *r)
{
	struct named_policers named;
	struct weir_drop_info info = {
		.port = port ? port->name : "",
		.frames = r->frames,
		.policers = named.list,
		.policer_frames = named.frames,
	};
	unsigned stage = r->key >> 16 & 0xff;

	if (r->key == DROP_KEY_OTHERS) {
		info.reason = "others";
		info.text = "more different reasons than are told apart";
		info.extension = "";
		info.stage = "";
	} else {
		info.reason = reason_describe(
			l->weir, (uint16_t)r->key, &info.text, &info.extension);
		info.stage = stage_name(stage);
		name_policers(l, port, r->key, &named);
		info.n_policers = named.n;
	}
	l->row(l->context, &info);
}

static void collect_drops(const struct weir *w, const struct port_counters *counters,
	struct drop_row *rows, unsigned *n)
{
	for (unsigned i = 0; i < w->n_workers; i++) {
		for (unsigned d = 0; d < DROP_SLOTS; d++) {
			const struct drop_slot *slot = &counters[i].drops[d];
			uint32_t key = __atomic_load_n(&slot->key, __ATOMIC_ACQUIRE);

			if (key)
				add_drop(rows, n, key, counted(&slot->frames));
		}
	}
}

static void show_drops(const struct drop_listing *l, const struct port *port,
	const struct drop_row *rows, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (rows[i].frames)
			show_drop(l, port, &rows[i]);
}

void drops_retire(struct vswitch *s, const struct port_counters *counters)
{
	struct drop_slot *drops = s->retired_drops;

	for (unsigned i = 0; i < s->weir->n_workers * DROP_SLOTS; i++) {
		const struct drop_slot *slot = &counters[i / DROP_SLOTS].drops[i % DROP_SLOTS];
		unsigned at = 0;

		if (slot->key == 0)
			continue;
		while (at < RETIRED_DROPS - 1 && drops[at].key && drops[at].key != slot->key)
			at++;
		drops[at].key = at == RETIRED_DROPS - 1 ? DROP_KEY_OTHERS : slot->key;
		drops[at].frames += slot->frames;
	}
}

// Ports that are gone, and frames that no port sent, stand under no port's name.
static void list_portless_drops(
	const struct drop_listing *l, const struct vswitch *s, struct drop_row *rows)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RETIRED_DROPS && s->retired_drops[i].key; i++)
		add_drop(rows, &n, s->retired_drops[i].key, s->retired_drops[i].frames);
	collect_drops(s->weir, s->nowhere.counters, rows, &n);
	show_drops(l, NULL, rows, n);
	for (const struct port *p = s->leaving; p; p = p->next_leaving) {
		n = 0;
		collect_drops(s->weir, p->runtime.counters, rows, &n);
		show_drops(l, NULL, rows, n);
	}
}

// rows: room for all of a port.
static int list_drops(const struct vswitch *s, struct drop_row *rows, weir_drop_row *row,
	void *context, struct weir_error *error)
{
	struct drop_listing l = { .weir = s->weir, .row = row, .context = context };

	l.policers = policer_drops(s, &l.n_policers);
	if (!l.policers)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for a list of drops");
	for (unsigned i = 0; i < s->n_indices; i++) {
		unsigned n = 0;

		if (!s->ports[i])
			continue;
		collect_drops(s->weir, s->ports[i]->runtime.counters, rows, &n);
		show_drops(&l, s->ports[i], rows, n);
	}
	list_portless_drops(&l, s, rows);
	free(l.policers);
	return 0;
}

int weir_drop_list(struct weir *w, const char *switch_name, weir_drop_row *row, void *context,
	struct weir_error *error)
{
	struct drop_row *rows;
	int failed = 0;

	if (switch_name && !vswitch_find(w, switch_name, error))
		return -ENOENT;
	rows = calloc(w->n_workers * DROP_SLOTS + RETIRED_DROPS, sizeof(*rows));
	if (!rows)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for a list of drops");
	for (struct vswitch *s = w->switches; !failed && s; s = s->next)
		if (!switch_name || strcmp(switch_name, s->name) == 0)
			failed = list_drops(s, rows, row, context, error);
	free(rows);
	return failed;
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
