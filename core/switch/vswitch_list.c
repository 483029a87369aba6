// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Switches as lists show them.
#include <errno.h>
#include <string.h>

#include <weir/embed.h>

#include "datapath/counters.h"
#include "datapath/datapath.h"
#include "datapath/fragment.h"
#include "datapath/session.h"
#include "forwarding/fdb.h"
#include "switch/port.h"
#include "switch/session.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

void port_add_totals(const struct port_counters *counters, unsigned n_workers, struct totals *t)
{
	for (unsigned i = 0; i < n_workers; i++) {
		const struct port_counters *c = &counters[i];

		t->received += counted(&c->rx_frames);
		t->originated += counted(&c->originated);
		t->copies += counted(&c->copies);
		t->transmitted += counted(&c->tx_frames);
		t->dropped += counted(&c->dropped);
		t->consumed += counted(&c->consumed);
	}
}

static void describe(struct vswitch *s, struct weir_switch_info *info)
{
	struct totals t = s->retired;
	struct fdb_counts fdb;

	for (unsigned i = 0; i < s->n_indices; i++)
		if (s->ports[i])
			port_add_totals(s->ports[i]->runtime.counters, s->weir->n_workers, &t);
	for (const struct port *p = s->leaving; p; p = p->next_leaving)
		port_add_totals(p->runtime.counters, s->weir->n_workers, &t);
	port_add_totals(s->nowhere.counters, s->weir->n_workers, &t);
	fdb_counts(s->fdb, &fdb);
	*info = (struct weir_switch_info){
		.name = s->name,
		.n_ports = s->n_ports,
		.n_extensions = s->n_attachments,
		.received = t.received,
		.originated = t.originated,
		.copies = t.copies,
		.transmitted = t.transmitted,
		.dropped = t.dropped,
		.consumed = t.consumed,
		.fdb_entries = (uint64_t)fdb.n_learned + fdb.n_static,
		.fdb_max = fdb.max_entries,
		.worker_flows_max = vswitch_n_flows(s),
		.sessions = __atomic_load_n(&s->sessions->n, __ATOMIC_RELAXED),
		.sessions_max = vswitch_n_sessions(s),
		.port_sessions_max = vswitch_n_port_sessions(s),
		.fragments_forgotten = fragment_n_pushed_out(s->fragments),
	};
	for (unsigned i = 0; i < s->weir->n_workers; i++) {
		info->flows += counted(&s->datapaths[i]->n_flows);
		info->decisions += counted(&s->datapaths[i]->decisions);
	}
}

int weir_switch_list(struct weir *w, const char *name, weir_switch_row *row, void *context,
	struct weir_error *error)
{
	struct weir_switch_info info;

	if (name && !vswitch_find(w, name, error))
		return -ENOENT;
	for (struct vswitch *s = w->switches; s; s = s->next) {
		if (name && strcmp(name, s->name) != 0)
			continue;
		describe(s, &info);
		row(context, &info);
	}
	return 0;
}
