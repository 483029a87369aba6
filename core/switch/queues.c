// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Which worker polls which receive queue.
#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#include "datapath/worker.h"
#include "nic/nic.h"
#include "switch/port.h"
#include "switch/port_nic.h"
#include "switch/vswitch.h"
#include "switch/wait.h"
#include "switch/weir.h"
#include "switch/workers.h"

void queues_free(struct poll_list *list)
{
	if (list) {
		free(list->entries);
		free(list->datapaths);
	}
	free(list);
}

struct retired_list {
	struct deferred deferred;
	struct poll_list *list;
};

static void list_unused(struct deferred *d)
{
	struct retired_list *retired = (struct retired_list *)d;

	queues_free(retired->list);
	free(retired);
}

static bool polled_by(const struct weir *w, const struct port *p, unsigned queue, unsigned worker)
{
	return (p->first_worker + queue) % w->n_workers == worker;
}

static unsigned n_polled(const struct port *p)
{
	return p && p->nic && !p->leaving ? p->nic->n_rx_queues : 0;
}

static unsigned count_queues(const struct weir *w, unsigned worker, unsigned *n_switches)
{
	unsigned n = 0;

	*n_switches = 0;
	for (struct vswitch *s = w->switches; s; s = s->next) {
		++*n_switches;
		for (unsigned i = 0; i < s->n_indices; i++) {
			const struct port *p = s->ports[i];

			for (unsigned q = 0; q < n_polled(p); q++)
				n += polled_by(w, p, q, worker);
		}
	}
	return n;
}

static struct poll_list *make_list(struct weir *w, unsigned worker)
{
	struct poll_list *list = calloc(1, sizeof(*list));
	unsigned n_switches, n_queues = count_queues(w, worker, &n_switches);

	if (!list)
		return NULL;
	list->version = w->list_version;
	list->entries = calloc(n_queues + 1, sizeof(*list->entries));
	list->datapaths = calloc(n_switches + 1, sizeof(struct datapath *));
	if (!list->entries || !list->datapaths) {
		queues_free(list);
		return NULL;
	}
	for (struct vswitch *s = w->switches; s; s = s->next) {
		list->datapaths[list->n_datapaths++] = s->datapaths[worker];
		for (unsigned i = 0; i < s->n_indices; i++) {
			struct port *p = s->ports[i];

			for (unsigned q = 0; q < n_polled(p); q++)
				if (polled_by(w, p, q, worker))
					list->entries[list->n_entries++] = (struct poll_entry){
						.dp = s->datapaths[worker],
						.nic = p->nic,
						.nic_error = port_nic_error(p),
						.pressure = port_queue_pressure(p, q),
						.queue = q,
						.port = p->index,
					};
		}
	}
	return list;
}

unsigned queues_least_loaded(const struct weir *w)
{
	unsigned best = 0;

	for (unsigned i = 1; i < w->n_workers; i++)
		if (w->lists[i]->n_entries < w->lists[best]->n_entries)
			best = i;
	return best;
}

int weir_publish_queues(struct weir *w)
{
	struct poll_list *lists[WORKERS_MAX] = { 0 };
	struct retired_list *retired[WORKERS_MAX] = { 0 };
	unsigned made;

	w->list_version++;
	for (made = 0; made < w->n_workers; made++) {
		lists[made] = make_list(w, made);
		retired[made] = calloc(1, sizeof(*retired[made]));
		if (!lists[made] || !retired[made])
			goto no_memory;
	}
	for (unsigned i = 0; i < w->n_workers; i++) {
		retired[i]->list = w->lists[i];
		w->lists[i] = lists[i];
		worker_publish(w->workers[i], lists[i]);
		weir_defer(w, &retired[i]->deferred, list_unused);
	}
	return 0;
no_memory:
	for (unsigned i = 0; i <= made; i++) {
		queues_free(lists[i]);
		free(retired[i]);
	}
	return -ENOMEM;
}

void weir_publish_queues_later(struct weir *w)
{
	w->queues_stale = weir_publish_queues(w) < 0;
	if (w->queues_stale)
		weir_log_line(w, LOG_ERR, "no memory for the workers' queues; it is tried again");
}
