// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Policers as users see them: what each of them passed and dropped, and over whose rate frames
// were.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/embed.h>

#include "datapath/counters.h"
#include "datapath/datapath.h"
#include "datapath/policer.h"
#include "datapath/sized.h"
#include "switch/extensions.h"
#include "switch/numbers.h"
#include "switch/policing.h"
#include "switch/port.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

void policer_name(const struct policing *p, const char *port, char name[/* POLICER_NAME_SIZE */])
{
	bool elsewhere = strcmp(p->target, port) != 0;

	snprintf(name, POLICER_NAME_SIZE, "%s %s%s%s", p->extension, p->key,
		elsewhere ? " of " : "", elsewhere ? p->target : "");
}

static void list_one(const struct vswitch *s, struct policing *p, bool reset, weir_policer_row *row,
	void *context)
{
	struct policing_counts counts = policing_count(s, p), base = p->base;
	struct weir_policer_info info = {
		.target = p->target,
		.extension = p->extension,
		.id = p->key,
		.counts_frames = p->config.unit == POLICER_FRAMES,
		.rate = p->config.rate,
		.burst = p->config.burst,
		.passed_frames = counts.passed_frames - base.passed_frames,
		.passed_bytes = counts.passed_bytes - base.passed_bytes,
		.dropped_frames = counts.dropped_frames - base.dropped_frames,
		.dropped_bytes = counts.dropped_bytes - base.dropped_bytes,
		.since = p->since,
	};

	if (reset) {
		// The counts given out: what comes meanwhile is in the next ones.
		p->base = counts;
		p->since = (uint64_t)time(NULL);
	}
	row(context, &info);
}

// One that waits for its number to be free is nobody's any more.
static bool is_listed(const struct policing *p, const char *target, const char *extension)
{
	return p && p->refs > 0 && (!target || strcmp(target, p->target) == 0) &&
	       (!extension || strcmp(extension, p->extension) == 0);
}

int weir_policer_list_some(struct weir *w, const struct weir_count_filter *given,
	weir_policer_row *row, void *context, struct weir_error *error)
{
	struct weir_count_filter filter;
	int failed = count_filter_take(given, &filter, error);

	if (!failed)
		failed = count_filter_check(w, &filter, false, error);
	if (failed)
		return failed;
	for (struct vswitch *s = w->switches; s; s = s->next)
		for (uint32_t i = 0; i < s->policer_numbers.made; i++)
			if (is_listed(s->policings[i], filter.target, filter.extension))
				list_one(s, s->policings[i], filter.reset, row, context);
	return 0;
}

int weir_policer_list(struct weir *w, const char *target, const char *extension,
	weir_policer_row *row, void *context, struct weir_error *error)
{
	const struct weir_count_filter filter = {
		.size = sizeof(filter), .target = target, .extension = extension
	};

	return weir_policer_list_some(w, &filter, row, context, error);
}

// ---- Which are listed, of meters too

int count_filter_take(const struct weir_count_filter *given, struct weir_count_filter *filter,
	struct weir_error *error)
{
	return SIZED_TAKE(weir_count_filter, reset, filter, given, error);
}

int count_filter_check(struct weir *w, const struct weir_count_filter *filter, bool known,
	struct weir_error *error)
{
	if (filter->target && !target_find(w, filter->target, error))
		return -ENOENT;
	return filter->extension && !known ? extension_check_known(w, filter->extension, error) : 0;
}

// ---- Whose drops they were

static int by_frames(const void *a, const void *b)
{
	const struct policer_drop *x = a, *y = b;

	if (x->frames != y->frames)
		return x->frames > y->frames ? -1 : 1;
	return (x->policing->number.id > y->policing->number.id) -
	       (x->policing->number.id < y->policing->number.id);
}

// A listing of those of one switch.
struct drops {
	struct policer_drop *drops;
	size_t first, n; // of those of the policer at hand, and of all
	bool reset;
	const struct port *only; // of which they are reset; NULL: whatever port they were at
};

// Those of the same place on several workers are one.
static void add(struct drops *d, const struct policing *p, uint32_t cause, weir_port_id port,
	uint64_t frames)
{
	for (size_t i = d->first; i < d->n; i++) {
		if (d->drops[i].cause == cause && d->drops[i].port == port) {
			d->drops[i].frames += frames;
			return;
		}
	}
	d->drops[d->n++] = (struct policer_drop){ p, cause, port, frames, false };
}

// Adds what a worker counted at a place since that was reset, and resets it if it is to be. What is
// counted as a difference may be behind its base for a moment: the next list has those frames.
static void add_place(struct drops *d, const struct policing *p, uint32_t cause, weir_port_id port,
	uint64_t frames, uint64_t *base)
{
	if (frames <= *base)
		return;
	add(d, p, cause, port, frames - *base);
	if (d->reset && (!d->only || d->only->id == port))
		*base = frames;
}

// Adds what it dropped at other places than its first on this worker; returns how many frames that
// ever were.
static uint64_t add_elsewhere(struct drops *d, const struct policing *p, struct policer_bank *bank)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < POLICER_PLACES; i++) {
		struct policer_place *place = &bank->places[i];
		uint64_t frames;

		if (__atomic_load_n(&place->policer, __ATOMIC_ACQUIRE) != p->number.id + 1)
			continue;
		frames = counted(&place->frames);
		sum += frames;
		add_place(d, p, __atomic_load_n(&place->cause, __ATOMIC_RELAXED),
			__atomic_load_n(&place->port, __ATOMIC_RELAXED), frames, &place->base);
	}
	return sum;
}

// On one worker; base: of what was dropped at the first place. False: it is not known how many were
// dropped at which place.
static bool add_worker(
	struct drops *d, const struct policing *p, struct policer_bank *bank, uint64_t *base)
{
	const struct policer_slot *slot = policer_slot_at(bank, p->number.id);
	// Before what was dropped elsewhere: that is part of it.
	uint64_t frames = __atomic_load_n(&slot->dropped_frames, __ATOMIC_ACQUIRE), elsewhere = 0;
	uint32_t cause = __atomic_load_n(&slot->drop_cause, __ATOMIC_RELAXED);

	if (!frames)
		return true;
	if (cause & POLICER_ELSEWHERE)
		elsewhere = add_elsewhere(d, p, bank);
	add_place(d, p, cause & ~(POLICER_ELSEWHERE | POLICER_LOST),
		__atomic_load_n(&slot->drop_port, __ATOMIC_RELAXED),
		frames > elsewhere ? frames - elsewhere : 0, base);
	return !(cause & POLICER_LOST);
}

// On all workers. Where one of them does not know how many frames it were at each place, the others
// do not know all.
static void add_all(struct drops *d, const struct vswitch *s, struct policing *p)
{
	bool known = true;

	d->first = d->n;
	for (unsigned i = 0; i < s->weir->n_workers; i++)
		known &= add_worker(d, p, &s->datapaths[i]->policers, &p->drop_bases[i]);
	for (size_t i = d->first; !known && i < d->n; i++)
		d->drops[i].elsewhere = true;
}

struct policer_drop *policer_drops(
	const struct vswitch *s, const struct port *only, bool reset, size_t *n)
{
	const unsigned n_workers = s->weir->n_workers;
	size_t room = 1 + (size_t)n_workers * POLICER_PLACES;
	struct drops d = { .reset = reset, .only = only };

	for (uint32_t i = 0; i < s->policer_numbers.made; i++)
		room += is_listed(s->policings[i], NULL, NULL) ? n_workers : 0;
	d.drops = calloc(room, sizeof(*d.drops));
	for (uint32_t i = 0; d.drops && i < s->policer_numbers.made; i++)
		if (is_listed(s->policings[i], NULL, NULL))
			add_all(&d, s, s->policings[i]);
	if (d.drops)
		qsort(d.drops, d.n, sizeof(*d.drops), by_frames);
	*n = d.n;
	return d.drops;
}
