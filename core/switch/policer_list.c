// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Policers as users see them: what each of them passed and dropped, and over whose rate frames
// were.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "switch/model.h"

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

// On one worker; those of the same place on several are one. Whether they are all that the worker
// dropped there and nowhere else.
static bool add(struct policer_drop *drops, size_t first, size_t *n, const struct policing *p,
	const struct policer_slot *slot)
{
	uint32_t place = __atomic_load_n(&slot->drop_cause, __ATOMIC_RELAXED);
	uint32_t cause = place & ~POLICER_ELSEWHERE;
	weir_port_id port = __atomic_load_n(&slot->drop_port, __ATOMIC_RELAXED);
	uint64_t frames = counted(&slot->dropped_frames);

	if (!frames)
		return true;
	for (size_t i = first; i < *n; i++) {
		if (drops[i].cause == cause && drops[i].port == port) {
			drops[i].frames += frames;
			return place == cause;
		}
	}
	drops[(*n)++] = (struct policer_drop){ p, cause, port, frames, false };
	return place == cause;
}

// On all workers. Where one of them dropped frames at several places, how many it was at each is
// not known, nor is it of those of the others.
static void add_all(
	const struct vswitch *s, const struct policing *p, struct policer_drop *drops, size_t *n)
{
	size_t first = *n;
	bool known = true;

	for (unsigned i = 0; i < s->weir->n_workers; i++)
		known &= add(drops, first, n, p,
			policer_slot_at(&s->datapaths[i]->policers, p->number.id));
	for (size_t i = first; !known && i < *n; i++)
		drops[i].elsewhere = true;
}

struct policer_drop *policer_drops(const struct vswitch *s, size_t *n)
{
	const unsigned n_workers = s->weir->n_workers;
	size_t room = 1;
	struct policer_drop *drops;

	for (uint32_t i = 0; i < s->policer_numbers.made; i++)
		room += is_listed(s->policings[i], NULL, NULL) ? n_workers : 0;
	drops = calloc(room, sizeof(*drops));
	*n = 0;
	for (uint32_t i = 0; drops && i < s->policer_numbers.made; i++)
		if (is_listed(s->policings[i], NULL, NULL))
			add_all(s, s->policings[i], drops, n);
	if (drops)
		qsort(drops, *n, sizeof(*drops), by_frames);
	return drops;
}
