// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What was dropped, by reason, port and stage.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/counters.h"
#include "datapath/sized.h"
#include "switch/observe.h"
#include "switch/policing.h"
#include "switch/port.h"
#include "switch/reasons.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

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
	const struct port *only; // NULL: all, and what is of no port
	bool reset;
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

// Of one slot, the counts given out are the base: what comes meanwhile is in the next ones.
static uint64_t take_slot(struct port_counters *c, unsigned d, bool reset)
{
	uint64_t frames = counted(&c->drops[d].frames), base = c->drop_bases[d];

	if (reset)
		c->drop_bases[d] = frames;
	return frames - base;
}

static void collect_drops(const struct drop_listing *l, struct port_counters *counters,
	struct drop_row *rows, unsigned *n)
{
	for (unsigned i = 0; i < l->weir->n_workers; i++) {
		for (unsigned d = 0; d < DROP_SLOTS; d++) {
			uint32_t key = __atomic_load_n(&counters[i].drops[d].key, __ATOMIC_ACQUIRE);

			if (key)
				add_drop(rows, n, key, take_slot(&counters[i], d, l->reset));
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

void drops_retire(struct vswitch *s, struct port_counters *counters)
{
	struct drop_slot *drops = s->retired_drops;

	for (unsigned i = 0; i < s->weir->n_workers * DROP_SLOTS; i++) {
		struct port_counters *c = &counters[i / DROP_SLOTS];
		const struct drop_slot *slot = &c->drops[i % DROP_SLOTS];
		unsigned at = 0;

		if (slot->key == 0)
			continue;
		while (at < RETIRED_DROPS - 1 && drops[at].key && drops[at].key != slot->key)
			at++;
		drops[at].key = at == RETIRED_DROPS - 1 ? DROP_KEY_OTHERS : slot->key;
		drops[at].frames += take_slot(c, i % DROP_SLOTS, false);
	}
}

// Ports that are gone, and frames that no port sent, stand under no port's name.
static void list_portless_drops(
	const struct drop_listing *l, struct vswitch *s, struct drop_row *rows)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RETIRED_DROPS && s->retired_drops[i].key; i++) {
		add_drop(rows, &n, s->retired_drops[i].key, s->retired_drops[i].frames);
		if (l->reset)
			s->retired_drops[i].frames = 0;
	}
	collect_drops(l, s->nowhere.counters, rows, &n);
	show_drops(l, NULL, rows, n);
	for (const struct port *p = s->leaving; p; p = p->next_leaving) {
		n = 0;
		collect_drops(l, p->runtime.counters, rows, &n);
		show_drops(l, NULL, rows, n);
	}
}

// rows: room for all of a port.
static int list_drops(
	struct vswitch *s, struct drop_listing *l, struct drop_row *rows, struct weir_error *error)
{
	l->policers = policer_drops(s, l->only, l->reset, &l->n_policers);
	if (!l->policers)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for a list of drops");
	for (unsigned i = 0; i < s->n_indices; i++) {
		unsigned n = 0;

		if (!s->ports[i] || (l->only && l->only != s->ports[i]))
			continue;
		collect_drops(l, s->ports[i]->runtime.counters, rows, &n);
		show_drops(l, s->ports[i], rows, n);
	}
	if (!l->only)
		list_portless_drops(l, s, rows);
	free(l->policers);
	return 0;
}

// The port that alone is listed, if any.
static int check_filter(struct weir *w, const struct weir_drop_list_filter *f,
	const struct port **only, struct weir_error *error)
{
	struct vswitch *s = NULL;

	*only = NULL;
	if (f->switch_name && !(s = vswitch_find(w, f->switch_name, error)))
		return -ENOENT;
	if (f->port && !(*only = port_find(w, f->port, error)))
		return -ENOENT;
	if (s && *only && (*only)->target.vswitch != s)
		return weir_refuse(error, -ENOENT, "port", "port \"%s\" is on switch %s, not on %s",
			f->port, (*only)->target.vswitch->name, s->name);
	return 0;
}

int weir_drop_list_some(struct weir *w, const struct weir_drop_list_filter *given,
	weir_drop_row *row, void *context, struct weir_error *error)
{
	struct drop_listing l = { .weir = w, .row = row, .context = context };
	struct weir_drop_list_filter filter;
	int failed = SIZED_TAKE(weir_drop_list_filter, reset, &filter, given, error);
	struct drop_row *rows;
	const char *name;

	if (!failed)
		failed = check_filter(w, &filter, &l.only, error);
	if (failed)
		return failed;
	l.reset = filter.reset;
	name = l.only ? l.only->target.vswitch->name : filter.switch_name;
	rows = calloc(w->n_workers * DROP_SLOTS + RETIRED_DROPS, sizeof(*rows));
	if (!rows)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for a list of drops");
	for (struct vswitch *s = w->switches; !failed && s; s = s->next)
		if (!name || strcmp(name, s->name) == 0)
			failed = list_drops(s, &l, rows, error);
	free(rows);
	return failed;
}

int weir_drop_list(struct weir *w, const char *switch_name, weir_drop_row *row, void *context,
	struct weir_error *error)
{
	const struct weir_drop_list_filter filter = { .size = sizeof(filter),
		.switch_name = switch_name };

	return weir_drop_list_some(w, &filter, row, context, error);
}
