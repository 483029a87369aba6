// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Meters belong to the name of an extension, a target and a key. They outlive the states that count
// on them: a meter goes when its policy does, or its port, not when the extension is detached or
// replaced; then somebody may remove it by hand. Nor does it when the process ends, as far as
// somebody keeps what weir_export_meters() tells, and restores it.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/counters.h"
#include "datapath/datapath.h"
#include "switch/attachment.h"
#include "switch/index.h"
#include "switch/item.h"
#include "switch/meter.h"
#include "switch/numbers.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

// ---- Numbers

static int make_chunk(struct vswitch *s, uint32_t chunk)
{
	unsigned n_workers = s->weir->n_workers;
	size_t n = (chunk + 1) * (size_t)METER_CHUNK;
	struct meter **meters = realloc(s->meters_by_number, n * sizeof(struct meter *));
	uint16_t *owners = meters ? calloc(METER_CHUNK, sizeof(*owners)) : NULL;

	if (meters)
		s->meters_by_number = meters;
	if (!owners)
		return -ENOMEM;
	memset(meters + n - METER_CHUNK, 0, METER_CHUNK * sizeof(struct meter *));
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

static void set_owner(struct vswitch *s, uint32_t id, uint16_t owner)
{
	uint16_t *chunk = s->meter_owners.chunks[id / METER_CHUNK];

	__atomic_store_n(&chunk[id % METER_CHUNK], owner, __ATOMIC_RELAXED);
}

void meter_sum(const struct vswitch *s, uint32_t id, uint64_t *frames, uint64_t *bytes)
{
	*frames = *bytes = 0;
	for (unsigned i = 0; i < s->weir->n_workers; i++) {
		const struct meter_slot *slot = meter_at(&s->datapaths[i]->meters, id);

		*frames += counted(&slot->frames);
		*bytes += counted(&slot->bytes);
	}
}

static void end(struct vswitch *s, struct numbered *thing)
{
	s->meters_by_number[thing->id] = NULL;
	set_owner(s, thing->id, 0);
	free(thing);
}

void meters_init(struct vswitch *s)
{
	s->meter_numbers = (struct numbers){
		.vswitch = s,
		.what = "meters",
		.chunk = METER_CHUNK,
		.max = METERS_MAX,
		.make_chunk = make_chunk,
		.end = end,
	};
}

// ---- Meters

static uint32_t hash_name(const char *extension, const char *target, const char *key)
{
	return index_hash(index_hash(index_hash(0, target), key), extension);
}

static struct meter *find(
	const struct vswitch *s, const char *extension, const char *target, const char *key)
{
	struct index_entry *entry = index_find(&s->meter_names, hash_name(extension, target, key));

	for (; entry; entry = index_next(entry)) {
		struct meter *m = index_thing(entry, struct meter, by_name);

		if (strcmp(m->key, key) == 0 && strcmp(m->target, target) == 0 &&
			strcmp(m->extension, extension) == 0)
			return m;
	}
	return NULL;
}

static void add_meter(struct vswitch *s, struct meter *m)
{
	index_add(&s->meter_names, &m->by_name, hash_name(m->extension, m->target, m->key));
	index_add(&s->meter_targets, &m->by_target, index_hash(0, m->target));
	m->next = s->meters;
	m->link = &s->meters;
	if (m->next)
		m->next->link = &m->next;
	s->meters = m;
}

static void remove_meter(struct vswitch *s, struct meter *m)
{
	index_remove(&s->meter_names, &m->by_name);
	index_remove(&s->meter_targets, &m->by_target);
	*m->link = m->next;
	if (m->next)
		m->next->link = m->link;
	numbers_return(&s->meter_numbers, &m->number);
}

// Held by nobody, and with nothing counted.
static int meter_make(struct vswitch *s, const char *extension, const char *target, const char *key,
	struct meter **made)
{
	struct meter *m = calloc(1, sizeof(*m));
	int failed = m ? numbers_take(&s->meter_numbers, &m->number.id) : -ENOMEM;

	if (failed) {
		free(m);
		return failed;
	}
	snprintf(m->extension, sizeof(m->extension), "%s", extension);
	snprintf(m->target, sizeof(m->target), "%s", target);
	snprintf(m->key, sizeof(m->key), "%s", key);
	meter_sum(s, m->number.id, &m->base_frames, &m->base_bytes);
	m->since = (uint64_t)time(NULL);
	m->changed = true;
	add_meter(s, m);
	s->meters_by_number[m->number.id] = m;
	*made = m;
	return 0;
}

const struct meter *meter_numbered(const struct vswitch *s, uint32_t id)
{
	return id < s->meter_numbers.made ? s->meters_by_number[id] : NULL;
}

struct meter *meter_find(
	const struct vswitch *s, const struct attachment *a, const char *target, const char *key)
{
	return find(s, a->descriptor->name, target, key);
}

int meter_get(struct vswitch *s, const struct attachment *a, const char *target, const char *key,
	struct meter **got)
{
	struct meter *m = meter_find(s, a, target, key);
	int failed = m ? 0 : meter_make(s, a->descriptor->name, target, key, &m);

	if (failed)
		return failed;
	m->refs++;
	set_owner(s, m->number.id, a->number);
	*got = m;
	return 0;
}

void meter_put(struct vswitch *s, struct meter *m, bool policy_gone)
{
	if (--m->refs > 0 || (!policy_gone && !m->orphaned && m->committed))
		return;
	if (m->kept && !m->orphaned)
		note_meter_gone(s->weir, m);
	remove_meter(s, m);
}

void meter_remove_target(struct vswitch *s, const char *target)
{
	struct index_entry *entry = index_find(&s->meter_targets, index_hash(0, target)), *next;

	for (; entry; entry = next) {
		struct meter *m = index_thing(entry, struct meter, by_target);

		next = index_next(entry);
		if (strcmp(m->target, target) != 0)
			continue;
		if (m->refs == 0)
			remove_meter(s, m);
		else
			m->orphaned = true;
	}
}

// ---- Removed by somebody

struct unwanted {
	char target[WEIR_NAME_MAX + 8];
	const char *extension, *key; // key: NULL: all of the extension's
};

static bool is_unwanted(const struct meter *m, const struct unwanted *u)
{
	return !m->orphaned && strcmp(m->target, u->target) == 0 &&
	       strcmp(m->extension, u->extension) == 0 && (!u->key || strcmp(m->key, u->key) == 0);
}

static int check_unwanted(
	const struct vswitch *s, const struct unwanted *u, struct weir_error *error)
{
	struct index_entry *entry = index_find(&s->meter_targets, index_hash(0, u->target));
	bool found = false;

	for (; entry; entry = index_next(entry)) {
		const struct meter *m = index_thing(entry, struct meter, by_target);

		if (!is_unwanted(m, u))
			continue;
		if (m->refs > 0)
			return weir_refuse(error, -EBUSY, "id",
				"meter \"%s\" of %s on %s: is in use, and stays as long as the "
				"policy that it is of, or until %s is detached from switch %s",
				m->key, m->extension, m->target, m->extension, s->name);
		found = true;
	}
	if (found)
		return 0;
	return u->key ? weir_refuse(error, -ENOENT, "id",
				"meter \"%.63s\" of %.64s on %s: there is none", u->key,
				u->extension, u->target)
		      : weir_refuse(error, -ENOENT, "extension",
				"extension \"%.64s\": has no meters on %s", u->extension,
				u->target);
}

int weir_meter_remove(struct weir *w, const char *target, const char *extension, const char *id,
	unsigned flags, struct weir_error *error)
{
	const struct target *t = target_find(w, target, error);
	struct unwanted unwanted = { .extension = extension ? extension : "", .key = id };
	struct index_entry *entry, *next;
	int failed;

	if (!t)
		return -ENOENT;
	target_name(t, unwanted.target);
	failed = check_unwanted(t->vswitch, &unwanted, error);
	if (failed || (flags & WEIR_DRY_RUN))
		return failed;
	entry = index_find(&t->vswitch->meter_targets, index_hash(0, unwanted.target));
	for (; entry; entry = next) {
		struct meter *m = index_thing(entry, struct meter, by_target);

		next = index_next(entry);
		if (!is_unwanted(m, &unwanted))
			continue;
		if (m->kept)
			note_meter_gone(w, m);
		remove_meter(t->vswitch, m);
	}
	return 0;
}

void meter_free_all(struct vswitch *s)
{
	while (s->meters) {
		struct meter *m = s->meters;

		s->meters = m->next;
		free(m);
	}
	numbers_fini(&s->meter_numbers);
	free(s->meters_by_number);
	index_fini(&s->meter_names);
	index_fini(&s->meter_targets);
	for (unsigned i = 0; i < METER_CHUNKS; i++)
		free(s->meter_owners.chunks[i]);
}

// ---- Kept over the end of the process

int meter_restore(struct vswitch *s, const struct weir_item *item, struct meter_before *before)
{
	const char *extension = item->name, *target = item->target, *key = item->meter.id;
	uint64_t frames = item->meter.frames, now_frames, now_bytes;
	struct meter *m;

	if (strlen(extension) >= sizeof(m->extension) || strlen(target) >= sizeof(m->target) ||
		strlen(key) >= sizeof(m->key) || !*key)
		return -EINVAL;
	m = find(s, extension, target, key);
	if (!m) {
		int failed = meter_make(s, extension, target, key, &m);

		if (failed)
			return failed;
	}
	*before = (struct meter_before){ m, m->base_frames, m->base_bytes, m->since, m->committed,
		m->kept, m->changed };
	meter_sum(s, m->number.id, &now_frames, &now_bytes);
	// One that is in use has counted since; less than what is restored it has only after a
	// reset that is taken back.
	if (m->refs > 0 && now_frames - m->base_frames >= frames)
		return 0;
	if (m->refs == 0) {
		m->base_frames = now_frames;
		m->base_bytes = now_bytes;
	}
	// May wrap, and so does what is counted minus this.
	m->base_frames -= frames;
	m->base_bytes -= item->meter.bytes;
	m->since = item->meter.since;
	m->committed = true;
	m->kept = true;
	m->changed = true; // who restored it need not be who keeps it
	return 0;
}

void meter_restore_undo(struct vswitch *s, const struct meter_before *before)
{
	struct meter *m = before->meter;

	m->base_frames = before->base_frames;
	m->base_bytes = before->base_bytes;
	m->since = before->since;
	m->committed = before->committed;
	m->kept = before->kept;
	m->changed = before->changed;
	if (m->refs == 0 && !m->committed) // it was made for this
		remove_meter(s, m);
}

static void export(struct vswitch *s, struct meter *m, bool all, weir_item_row *row, void *context)
{
	uint64_t frames, bytes;

	meter_sum(s, m->number.id, &frames, &bytes);
	if (!m->committed || m->orphaned ||
		(!all && !m->changed && frames == m->told_frames && bytes == m->told_bytes))
		return;
	m->kept = true;
	m->changed = false;
	m->told_frames = frames;
	m->told_bytes = bytes;
	row(context, &(struct weir_item){
			     .size = sizeof(struct weir_item),
			     .kind = WEIR_ITEM_METER,
			     .target = m->target,
			     .name = m->extension,
			     .meter = { m->key, frames - m->base_frames, bytes - m->base_bytes,
				     m->since },
		     });
}

void weir_export_meters(struct weir *w, bool all, weir_item_row *row, void *context)
{
	for (struct vswitch *s = w->switches; s; s = s->next)
		for (struct meter *m = s->meters; m; m = m->next)
			export(s, m, all, row, context);
}
