// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What ends later: what workers may still hold, and what somebody waits for.
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir/embed.h>

#include "datapath/datapath.h"
#include "datapath/generation.h"
#include "datapath/rcu.h"
#include "datapath/worker.h"
#include "switch/vswitch.h"
#include "switch/wait.h"
#include "switch/weir.h"

// ---- Deferred work

void control_wake(const struct weir *w)
{
	uint64_t one = 1;

	if (write(w->report_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort(); // the descriptor is ours and open: anything else is a bug
}

// On liburcu's thread: hands over to the control thread.
void weir_hand_over(struct deferred *d)
{
	struct weir *w = d->weir;

	d->next = __atomic_load_n(&w->deferred, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(
		&w->deferred, &d->next, d, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		continue;
	control_wake(w);
}

void weir_grace_period_over(struct rcu_head *head)
{
	RCU_ACQUIRE_EDGE();
	weir_hand_over((struct deferred *)head);
	RCU_RELEASE_EDGE(); // rcu_drain() waits for this
}

void weir_defer(struct weir *w, struct deferred *d, void (*function)(struct deferred *))
{
	d->weir = w;
	d->function = function;
	w->n_deferred++;
	rcu_enter();
	rcu_free_later(&d->head, weir_grace_period_over);
	rcu_leave();
}

void deferred_run(struct weir *w)
{
	struct deferred *d = __atomic_exchange_n(&w->deferred, NULL, __ATOMIC_ACQUIRE);

	while (d) {
		struct deferred *next = d->next;

		w->n_deferred--;
		d->function(d);
		d = next;
	}
}

void weir_ending_begin(struct weir *w, struct ending *ending)
{
	ending->number = ++w->n_endings;
	ending->next = w->endings;
	w->endings = ending;
}

void weir_ending_over(struct weir *w, struct ending *ending)
{
	struct ending **link = &w->endings;

	if (ending->number == 0)
		return; // it was never begun
	while (*link != ending)
		link = &(*link)->next;
	*link = ending->next;
}

// ---- Waiting for workers

void weir_wake_workers(struct weir *w)
{
	for (unsigned i = 0; i < w->n_workers; i++)
		worker_wake(w->workers[i]);
}

static void want_sweep(struct vswitch *s, uint64_t target)
{
	for (unsigned i = 0; i < s->weir->n_workers; i++)
		__atomic_store_n(&s->datapaths[i]->sweep_wanted, target, __ATOMIC_RELEASE);
}

struct wait *weir_wait_make(unsigned n_switches, weir_done *done, void *context)
{
	struct wait *wait = calloc(1, sizeof(*wait) + n_switches * sizeof(wait->targets[0]));

	if (wait) {
		wait->done = done;
		wait->context = context;
	}
	return wait;
}

void weir_wait_begin(struct weir *w, struct wait *wait, struct vswitch *vswitch)
{
	wait->vswitch = vswitch;
	for (struct vswitch *s = w->switches; s; s = s->next) {
		uint64_t now = generation_now(s->generation);

		if (vswitch && s != vswitch)
			continue;
		wait->targets[vswitch ? 0 : s->slot] = now;
		want_sweep(s, now);
	}
	*w->waits_end = wait;
	w->waits_end = &wait->next;
	weir_wake_workers(w);
	control_wake(w);
}

int weir_wait(struct weir *w, struct vswitch *vswitch, weir_done *done, void *context)
{
	struct wait *wait = weir_wait_make(vswitch ? 1 : SWITCHES_MAX, done, context);

	if (!wait)
		return -ENOMEM;
	weir_wait_begin(w, wait, vswitch);
	return 0;
}

int weir_when_done(struct weir *w, weir_done *done, void *context)
{
	struct wait *wait = weir_wait_make(SWITCHES_MAX, done, context);

	if (!wait)
		return -ENOMEM;
	wait->endings = w->n_endings;
	weir_wait_begin(w, wait, NULL);
	return 0;
}

static bool swept(const struct vswitch *s, uint64_t target)
{
	for (unsigned i = 0; i < s->weir->n_workers; i++)
		if (__atomic_load_n(&s->datapaths[i]->swept_at, __ATOMIC_ACQUIRE) < target)
			return false;
	return true;
}

// A switch that has been removed has nothing left that could be old.
static bool wait_over(const struct weir *w, const struct wait *wait)
{
	for (const struct ending *e = w->endings; e; e = e->next)
		if (e->number <= wait->endings)
			return false;
	for (unsigned i = 0; i < SWITCHES_MAX; i++) {
		const struct vswitch *s = w->switch_slots[i];
		uint64_t target = wait->vswitch ? wait->targets[0] : wait->targets[i];

		if (!s || (wait->vswitch && s != wait->vswitch) || target == 0)
			continue;
		if (!swept(s, target))
			return false;
	}
	return true;
}

void waits_run(struct weir *w)
{
	struct wait **link = &w->waits;

	while (*link) {
		struct wait *wait = *link;

		if (!wait_over(w, wait)) {
			link = &wait->next;
			continue;
		}
		*link = wait->next;
		if (!*link)
			w->waits_end = link;
		wait->done(wait->context);
		free(wait);
		link = &w->waits; // done() may have changed the list
	}
}
