// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What workers do now. They only count; here the counts are read once a second, and a list says
// what has become of them since the reading before the last: over one to two seconds, whoever else
// asks.
#include <errno.h>

#include <weir/embed.h>

#include "datapath/counters.h"
#include "datapath/worker.h"
#include "switch/weir.h"
#include "switch/workers.h"

static struct worker_counts read_counts(const struct worker *worker)
{
	const struct worker_counts *c = worker_counts(worker);

	return (struct worker_counts){
		.frames = counted(&c->frames),
		.batches = counted(&c->batches),
		.busy_cycles = counted(&c->busy_cycles),
		.busy_ns = counted(&c->busy_ns),
		.cpu = __atomic_load_n(&c->cpu, __ATOMIC_RELAXED),
	};
}

void workers_read(struct weir *w)
{
	for (unsigned i = 0; i < w->n_workers; i++) {
		w->readings[i].before = w->readings[i].last;
		w->readings[i].last = (struct worker_reading){ weir_now_ns(w),
			read_counts(w->workers[i]) };
	}
}

// A round that began before the time and ended in it counts as a whole.
static double share(uint64_t part, uint64_t whole)
{
	return part >= whole ? 1.0 : (double)part / (double)whole;
}

static void show(const struct weir *w, unsigned i, weir_worker_row *row, void *context)
{
	const struct worker_reading *since = w->readings[i].before.at_ns ? &w->readings[i].before
									 : &w->readings[i].last;
	struct worker_counts now = read_counts(w->workers[i]);
	uint64_t frames = now.frames - since->counts.frames;
	uint64_t batches = now.batches - since->counts.batches;
	uint64_t busy_ns = now.busy_ns - since->counts.busy_ns;
	uint64_t passed_ns = weir_now_ns(w) - since->at_ns;
	struct weir_worker_info info = {
		.id = i,
		.cpu = now.cpu,
		.frames = now.frames,
		.n_queues = w->lists[i]->n_entries,
		.linger_us = w->linger_us,
		.slow_decides = w->slow[i].n,
		.slow_extension = w->slow[i].extension,
		.slow_switch = w->slow[i].vswitch,
		.slow_ms = w->slow[i].ms,
		.idle_share = busy_ns ? 1.0 - share(busy_ns, passed_ns) : 1.0,
	};

	if (frames)
		info.cycles_per_frame = (double)(now.busy_cycles - since->counts.busy_cycles) /
					(double)frames;
	if (batches)
		info.frames_per_batch = (double)frames / (double)batches;
	row(context, &info);
}

int weir_worker_list(struct weir *w, weir_worker_row *row, void *context)
{
	for (unsigned i = 0; i < w->n_workers; i++)
		show(w, i, row, context);
	return 0;
}

int weir_worker_set_linger(struct weir *w, unsigned linger_us, struct weir_error *error)
{
	if (linger_us > 1000000)
		return weir_refuse(error, -EINVAL, "linger_us",
			"linger_us %u: must be 0 to 1000000 microseconds", linger_us);
	__atomic_store_n(&w->linger_us, linger_us, __ATOMIC_RELAXED);
	return 0;
}
