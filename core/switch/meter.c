// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Meters belong to the name of an extension, a target and a key. They outlive the states that count
// on them: a meter goes when its policy does, or its port, not when the extension is detached or
// replaced.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "switch/model.h"

// ---- Numbers

static int make_chunk(struct vswitch *s, uint32_t chunk)
{
	unsigned n_workers = s->weir->n_workers;
	uint16_t *owners = calloc(METER_CHUNK, sizeof(*owners));

	if (!owners)
		return -ENOMEM;
	for (unsigned i = 0; i < n_workers; i++) {
		// In lines of their own: no worker writes a line that another one does.
		struct meter_slot *slots = aligned_alloc(64, METER_CHUNK * sizeof(*slots));

		if (!slots) {
			// Chunks that were made stay for the next try.
			free(owners);
			return -ENOMEM;
		}
		memset(slots, 0, METER_CHUNK * sizeof(*slots));
		free(s->datapaths[i]->meters.chunks[chunk]);
		__atomic_store_n(&s->datapaths[i]->meters.chunks[chunk], slots, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&s->meter_owners.chunks[chunk], owners, __ATOMIC_RELEASE);
	return 0;
}

static int take_number(struct vswitch *s, uint32_t *id)
{
	if (s->n_meter_ids) {
		*id = s->meter_ids[--s->n_meter_ids];
		return 0;
	}
	if (s->meters_made == METERS_MAX)
		return -ENOSPC;
	if (s->meters_made % METER_CHUNK == 0) {
		uint32_t *ids = realloc(
			s->meter_ids, (s->meters_made + METER_CHUNK) * sizeof(*s->meter_ids));

		if (!ids)
			return -ENOMEM;
		s->meter_ids = ids;
		if (make_chunk(s, s->meters_made / METER_CHUNK) < 0)
			return -ENOMEM;
	}
	*id = s->meters_made++;
	return 0;
}

static void set_owner(struct vswitch *s, uint32_t id, uint16_t owner)
{
	uint16_t *chunk = s->meter_owners.chunks[id / METER_CHUNK];

	__atomic_store_n(&chunk[id % METER_CHUNK], owner, __ATOMIC_RELAXED);
}

// Everything ever counted under a number: it only rises, whoever's the number is.
static void sum(const struct vswitch *s, uint32_t id, uint64_t *frames, uint64_t *bytes)
{
	*frames = *bytes = 0;
	for (unsigned i = 0; i < s->weir->n_workers; i++) {
		const struct meter_slot *slot = meter_at(&s->datapaths[i]->meters, id);

		*frames += counted(&slot->frames);
		*bytes += counted(&slot->bytes);
	}
}

struct number_wait {
	struct vswitch *vswitch;
	uint32_t id;
};

static void number_free(void *context)
{
	struct number_wait *wait = context;
	struct vswitch *s = wait->vswitch;

	set_owner(s, wait->id, 0);
	s->meter_ids[s->n_meter_ids++] = wait->id;
	s->users--;
	free(wait);
}

// A number is given out again once no program can count on it for its old meter.
static void give_back(struct vswitch *s, uint32_t id)
{
	struct number_wait *wait = s->removed ? NULL : malloc(sizeof(*wait));

	if (!wait)
		return; // the number stays unused
	*wait = (struct number_wait){ s, id };
	s->users++;
	if (weir_wait(s->weir, s, number_free, wait) < 0) {
		s->users--;
		free(wait);
	}
}

// ---- Meters

struct meter *meter_get(
	struct vswitch *s, const struct attachment *a, const char *target, const char *key)
{
	uint16_t owner = a->number;
	struct meter *m;

	for (m = s->meters; m; m = m->next) {
		if (strcmp(m->key, key) == 0 && strcmp(m->target, target) == 0 &&
			strcmp(m->extension, a->descriptor->name) == 0) {
			m->refs++;
			set_owner(s, m->id, owner);
			return m;
		}
	}
	m = calloc(1, sizeof(*m));
	if (!m || take_number(s, &m->id) < 0) {
		free(m);
		return NULL;
	}
	snprintf(m->extension, sizeof(m->extension), "%s", a->descriptor->name);
	snprintf(m->target, sizeof(m->target), "%s", target);
	snprintf(m->key, sizeof(m->key), "%s", key);
	sum(s, m->id, &m->base_frames, &m->base_bytes);
	m->since = (uint64_t)time(NULL);
	m->refs = 1;
	set_owner(s, m->id, owner);
	m->next = s->meters;
	s->meters = m;
	return m;
}

static void remove_meter(struct vswitch *s, struct meter *m)
{
	struct meter **link = &s->meters;

	while (*link != m)
		link = &(*link)->next;
	*link = m->next;
	give_back(s, m->id);
	free(m);
}

void meter_put(struct vswitch *s, struct meter *m, bool policy_gone)
{
	if (--m->refs == 0 && (policy_gone || m->orphaned || !m->committed))
		remove_meter(s, m);
}

void meter_remove_target(struct vswitch *s, const char *target)
{
	for (struct meter *m = s->meters, *next; m; m = next) {
		next = m->next;
		if (strcmp(m->target, target) != 0)
			continue;
		if (m->refs == 0)
			remove_meter(s, m);
		else
			m->orphaned = true;
	}
}

void meter_free_all(struct vswitch *s)
{
	while (s->meters) {
		struct meter *m = s->meters;

		s->meters = m->next;
		free(m);
	}
	for (unsigned i = 0; i < METER_CHUNKS; i++)
		free(s->meter_owners.chunks[i]);
	free(s->meter_ids);
}

static void list_one(
	struct vswitch *s, struct meter *m, bool reset, weir_meter_row *row, void *context)
{
	struct weir_meter_info info = {
		.target = m->target,
		.extension = m->extension,
		.id = m->key,
		.since = m->since,
	};
	uint64_t frames, bytes;

	sum(s, m->id, &frames, &bytes);
	info.frames = frames - m->base_frames;
	info.bytes = bytes - m->base_bytes;
	if (reset) {
		// The counts given out are the baseline: what comes meanwhile is in the next ones.
		m->base_frames = frames;
		m->base_bytes = bytes;
		m->since = (uint64_t)time(NULL);
	}
	row(context, &info);
}

int weir_meter_list(struct weir *w, const char *target, bool reset, weir_meter_row *row,
	void *context, struct weir_error *error)
{
	if (target && !target_find(w, target, error))
		return -ENOENT;
	for (struct vswitch *s = w->switches; s; s = s->next)
		for (struct meter *m = s->meters; m; m = m->next)
			if (!target || strcmp(target, m->target) == 0)
				list_one(s, m, reset, row, context);
	return 0;
}
