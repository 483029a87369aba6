// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Policers as users see them: what each of them passed and dropped, and over whose rate frames
// were.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "switch/model.h"

void policer_name(const struct policing *p, const char *port, char name[/* POLICER_NAME_SIZE */])
{
	bool elsewhere = strcmp(p->target, port) != 0;

	snprintf(name, POLICER_NAME_SIZE, "%s %s%s%s", p->extension, p->key,
		elsewhere ? " of " : "", elsewhere ? p->target : "");
}

static void list_one(
	const struct vswitch *s, const struct policing *p, weir_policer_row *row, void *context)
{
	struct policing_counts counts = policing_count(s, p);

	row(context, &(struct weir_policer_info){
			     .target = p->target,
			     .extension = p->extension,
			     .id = p->key,
			     .counts_frames = p->config.unit == POLICER_FRAMES,
			     .rate = p->config.rate,
			     .burst = p->config.burst,
			     .passed_frames = counts.passed_frames,
			     .passed_bytes = counts.passed_bytes,
			     .dropped_frames = counts.dropped_frames,
			     .dropped_bytes = counts.dropped_bytes,
		     });
}

// One that waits for its number to be free is nobody's any more.
static bool is_listed(const struct policing *p, const char *target, const char *extension)
{
	return p && p->refs > 0 && (!target || strcmp(target, p->target) == 0) &&
	       (!extension || strcmp(extension, p->extension) == 0);
}

int weir_policer_list(struct weir *w, const char *target, const char *extension,
	weir_policer_row *row, void *context, struct weir_error *error)
{
	if (target && !target_find(w, target, error))
		return -ENOENT;
	if (extension && !loader_find(w->loader, extension) &&
		!attached_anywhere(w, extension, true))
		return weir_refuse(error, -ENOENT, "extension",
			"extension \"%.64s\": is not loaded", extension);
	for (struct vswitch *s = w->switches; s; s = s->next)
		for (uint32_t i = 0; i < s->policer_numbers.made; i++)
			if (is_listed(s->policings[i], target, extension))
				list_one(s, s->policings[i], row, context);
	return 0;
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

// On one worker; those of the same place on several are one.
static void add(struct policer_drop *drops, size_t first, size_t *n, const struct policing *p,
	const struct policer_slot *slot)
{
	uint32_t cause = __atomic_load_n(&slot->drop_cause, __ATOMIC_RELAXED);
	uint16_t port = __atomic_load_n(&slot->drop_port, __ATOMIC_RELAXED);
	uint64_t frames = counted(&slot->dropped_frames);

	if (!frames)
		return;
	for (size_t i = first; i < *n; i++) {
		if (drops[i].cause == cause && drops[i].port == port) {
			drops[i].frames += frames;
			return;
		}
	}
	drops[(*n)++] = (struct policer_drop){ p, cause, port, frames };
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
	for (uint32_t i = 0; drops && i < s->policer_numbers.made; i++) {
		size_t first = *n;

		for (unsigned worker = 0;
			worker < n_workers && is_listed(s->policings[i], NULL, NULL); worker++)
			add(drops, first, n, s->policings[i],
				policer_slot_at(&s->datapaths[worker]->policers, i));
	}
	if (drops)
		qsort(drops, *n, sizeof(*drops), by_frames);
	return drops;
}
