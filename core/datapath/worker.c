// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "datapath/cycles.h"
#include "datapath/rcu.h"
#include "datapath/worker.h"
#include "datapath/worker_internal.h"

enum {
	POOL_SMALL = 8192,
	POOL_LARGE = 512,
	SWEEP_MIN_NS = 10000,
	SWEEP_MAX_NS = 50000,
	SWEEP_SHARES = 64, // of one round, for a clock that stands still
};

struct worker *worker_create(const struct worker_options *options)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->options = *options;
	w->pressure = PRESSURE_NONE;
	w->epoll_fd = -1;
	w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->pool = frame_pool_create(POOL_SMALL, POOL_LARGE);
	if (w->wake_fd < 0 || !w->pool) {
		worker_destroy(w);
		return NULL;
	}
	return w;
}

void worker_destroy(struct worker *w)
{
	if (!w)
		return;
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	if (w->wake_fd >= 0)
		close(w->wake_fd);
	frame_pool_destroy(w->pool);
	free(w);
}

void worker_wake(struct worker *w)
{
	uint64_t one = 1;

	// It can only fail when the counter is full, and then the worker is being woken anyway.
	if (write(w->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}

void worker_publish(struct worker *w, struct poll_list *list)
{
	rcu_publish(&w->list, list);
	worker_wake(w);
}

void worker_call(struct worker *w, struct worker_call *call)
{
	call->next = __atomic_load_n(&w->calls, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(
		&w->calls, &call->next, call, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		continue;
	worker_wake(w);
}

const struct worker_counts *worker_counts(const struct worker *w)
{
	return &w->counts;
}

struct frame_pool *worker_pool(struct worker *w)
{
	return w->pool;
}

static void report(struct worker *w)
{
	uint64_t one = 1;

	if (write(w->options.report_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}

static void make_calls(struct worker *w, struct poll_list *list, uint64_t now_ns)
{
	struct worker_call *call, *reversed = NULL;

	if (!__atomic_load_n(&w->calls, __ATOMIC_RELAXED))
		return;
	call = __atomic_exchange_n(&w->calls, NULL, __ATOMIC_ACQUIRE);
	while (call) { // they were pushed last first
		struct worker_call *next = call->next;

		call->next = reversed;
		reversed = call;
		call = next;
	}
	while (reversed) {
		struct worker_call *next = reversed->next;

		reversed->function(reversed, list, now_ns);
		reversed = next;
	}
}

static void note_used(struct worker *w, const struct datapath *dp)
{
	if (__builtin_expect(dp->n_new > w->used.n_new, 0))
		w->used.n_new = dp->n_new;
	if (__builtin_expect(dp->n_redecided > w->used.n_redecided, 0))
		w->used.n_redecided = dp->n_redecided;
}

static unsigned poll_one(struct worker *w, struct poll_entry *e, uint64_t now_ns)
{
	struct weir_frame *frames[WORKER_BATCH];
	int n;

	if (__atomic_load_n(e->nic_error, __ATOMIC_RELAXED)) {
		e->pressure->n_full = 0; // another queue of the NIC may have failed first
		return 0;
	}
	n = e->nic->class->receive(e->nic, e->queue, w->pool, frames, WORKER_BATCH);
	pressure_polled(e->pressure, n > 0 ? (unsigned)n : 0, e->nic->rx_waits);
	if (n == 0)
		return 0;
	if (n < 0) {
		__atomic_store_n(e->nic_error, n, __ATOMIC_RELEASE);
		report(w);
		return 0;
	}
	datapath_begin(e->dp, now_ns);
	e->dp->new_max = pressure_new_max(&w->pressure, e->pressure);
	e->dp->redecide_max = pressure_redecide_max(
		&w->pressure, e->pressure, datapath_sweep_is_late(e->dp, now_ns));
	datapath_receive(e->dp, e->port, frames, (unsigned)n);
	datapath_end(e->dp); // which may decide more
	pressure_decided(e->pressure, e->dp->n_new, e->dp->n_redecided);
	note_used(w, e->dp);
	if (__builtin_expect((e->dp->n_new | e->dp->n_redecided) != 0, 0) &&
		flow_table_runs_short(e->dp->flows))
		report(w);
	count(&w->counts.batches, 1);
	return (unsigned)n;
}

// Rounds may be rare when there is little to do. A long one that had frames says nothing.
static void forget_pressure(struct worker *w, uint64_t now_ns)
{
	if (w->last_ns != w->last_busy_ns && now_ns - w->last_busy_ns > PRESSURE_OVER_NS)
		w->pressure = PRESSURE_NONE;
}

// While somebody waits for a sweep it gets a share of a round, with as many decisions as a batch;
// or, when nothing says that this is too much, as long as the last round took, within limits:
// frames keep coming. So it does when it has waited long enough, but not for looking in vain at
// what waits for frames.
static uint64_t sweep_budget_ns(const struct worker *w, uint64_t now_ns)
{
	uint64_t budget_ns = w->last_ns ? now_ns - w->last_ns : SWEEP_MIN_NS;

	if (budget_ns < SWEEP_MIN_NS)
		return SWEEP_MIN_NS;
	return budget_ns < SWEEP_MAX_NS ? budget_ns : SWEEP_MAX_NS;
}

// True while a pass through the flows is under way: the worker must not sleep.
static bool scan(struct worker *w, struct datapath *dp, uint64_t now_ns)
{
	const uint64_t swept = dp->swept_at, budget_ns = sweep_budget_ns(w, now_ns);
	const bool late = datapath_sweep_is_late(dp, now_ns);
	unsigned shares = 1, n_redecided;
	bool more = false;

	if (!datapath_scan_due(dp, now_ns))
		return false;
	if (w->pressure.redecide_max == 0 && datapath_sweep_can_wait(dp, now_ns))
		return true;
	datapath_begin(dp, now_ns);
	dp->redecide_max = w->pressure.redecide_max;
	if (dp->redecide_max == REDECIDE_PER_BATCH || late) {
		dp->redecide_max = UINT_MAX;
		shares = SWEEP_SHARES;
	}
	do {
		n_redecided = dp->n_redecided;
		more = datapath_scan(dp);
	} while (--shares && more && !(late && dp->n_redecided == n_redecided) &&
		 w->options.clock_ns(w->options.clock_context) - now_ns < budget_ns);
	datapath_end(dp);
	note_used(w, dp);
	if (dp->swept_at != swept)
		report(w);
	return more;
}

struct round {
	unsigned n_frames;
	bool sweeping;
	uint64_t now_ns;
};

// What a round took is known when the next one begins, which is at once when it had work: so both
// clocks are read once per round.
static void account(struct worker *w, uint64_t now_ns)
{
	uint64_t now = cycles();

	if (w->had_work)
		count(&w->counts.busy_ns, now_ns - w->last_ns);
	if (w->had_frames)
		count(&w->counts.busy_cycles, now - w->last_cycles);
	w->had_work = w->had_frames = false;
	w->last_cycles = now;
}

static struct round run_round(struct worker *w, struct poll_list *list)
{
	struct round r = { .now_ns = w->options.clock_ns(w->options.clock_context) };
	bool fills = false, presses = false;

	account(w, r.now_ns);
	forget_pressure(w, r.now_ns);
	for (unsigned i = 0; i < list->n_entries; i++) {
		r.n_frames += poll_one(w, &list->entries[i], r.now_ns);
		fills |= pressure_fills(list->entries[i].pressure);
		presses |= pressure_presses(list->entries[i].pressure, r.now_ns);
	}
	pressure_next(&w->pressure, &w->used, fills, presses);
	w->used = (struct pressure_used){ 0 };
	for (unsigned i = 0; i < list->n_datapaths; i++)
		r.sweeping |= scan(w, list->datapaths[i], r.now_ns);
	make_calls(w, list, r.now_ns);
	if (r.n_frames) {
		count(&w->counts.frames, r.n_frames);
		w->last_busy_ns = r.now_ns;
	}
	w->had_frames = r.n_frames != 0;
	w->had_work = w->had_frames || r.sweeping;
	w->last_ns = r.now_ns;
	return r;
}

unsigned worker_round(struct worker *w)
{
	struct poll_list *list;
	unsigned n;

	rcu_enter();
	list = rcu_get(&w->list);
	n = list ? run_round(w, list).n_frames : 0;
	// Until the next round the thread is not the worker's.
	if (w->had_work)
		account(w, w->options.clock_ns(w->options.clock_context));
	rcu_leave();
	return n;
}

// ---- The thread

static void *run(void *argument)
{
	struct worker *w = argument;

	rcu_register();
	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		struct poll_list *list = rcu_get(&w->list);
		struct round r = { 0 };

		if (list)
			r = run_round(w, list);
		rcu_quiescent();
		if (r.n_frames || r.sweeping || w->options.poll)
			continue;
		if (list && r.now_ns - w->last_busy_ns <
				    __atomic_load_n(w->options.linger_us, __ATOMIC_RELAXED) *
					    UINT64_C(1000))
			continue;
		__atomic_store_n(&w->counts.cpu, sched_getcpu(), __ATOMIC_RELAXED);
		// The list is loaded anew: a grace period may have passed.
		list = rcu_get(&w->list);
		worker_sleep(w, list, r.now_ns);
	}
	rcu_unregister();
	return NULL;
}

int worker_start(struct worker *w)
{
	char name[16];
	int error = pthread_create(&w->thread, NULL, run, w);

	if (error)
		return -error;
	w->started = true;
	snprintf(name, sizeof(name), "weir-worker-%u", w->options.id % 1000);
	pthread_setname_np(w->thread, name);
	return 0;
}

void worker_stop(struct worker *w)
{
	if (!w || !w->started)
		return;
	__atomic_store_n(&w->stop, true, __ATOMIC_RELEASE);
	worker_wake(w);
	pthread_join(w->thread, NULL);
	w->started = false;
}
