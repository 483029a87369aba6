// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Policers belong to the name of an extension, a target and a key, as meters do. A change that
// keeps one keeps its bucket. What is prepared may be given up: rate and burst change when the
// change is made, for all flows at once, whatever program they run.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/extension.h>

#include "datapath/counters.h"
#include "datapath/datapath.h"
#include "datapath/policer.h"
#include "switch/attachment.h"
#include "switch/index.h"
#include "switch/numbers.h"
#include "switch/policing.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

static int make_chunk(struct vswitch *s, uint32_t chunk)
{
	size_t n = (chunk + 1) * (size_t)POLICER_CHUNK;
	struct policing **policings = realloc(s->policings, n * sizeof(struct policing *));
	struct policer *shared = policings ? aligned_alloc(64, POLICER_CHUNK * sizeof(*shared))
					   : NULL;

	if (policings)
		s->policings = policings;
	if (!shared)
		return -ENOMEM;
	memset(policings + n - POLICER_CHUNK, 0, POLICER_CHUNK * sizeof(struct policing *));
	memset(shared, 0, POLICER_CHUNK * sizeof(*shared));
	for (unsigned i = 0; i < s->weir->n_workers; i++) {
		struct policer_bank *bank = &s->datapaths[i]->policers;
		struct policer_slot *slots = aligned_alloc(64, POLICER_CHUNK * sizeof(*slots));

		if (!slots) {
			// What was made stays for the next try.
			free(shared);
			return -ENOMEM;
		}
		memset(slots, 0, POLICER_CHUNK * sizeof(*slots));
		free(bank->chunks[chunk]);
		__atomic_store_n(&bank->chunks[chunk], slots, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&s->policer_table.chunks[chunk], shared, __ATOMIC_RELEASE);
	return 0;
}

static void set_owner(struct policing *p, uint16_t owner)
{
	__atomic_store_n(&p->policer->owner, owner, __ATOMIC_RELAXED);
}

static void end(struct vswitch *s, struct numbered *thing)
{
	s->policings[thing->id] = NULL;
	set_owner((struct policing *)thing, 0);
	free(thing);
}

void policing_init(struct vswitch *s)
{
	s->policer_numbers = (struct numbers){
		.vswitch = s,
		.what = "policers",
		.chunk = POLICER_CHUNK,
		.max = POLICERS_MAX,
		.make_chunk = make_chunk,
		.end = end,
	};
}

void policing_fini(struct vswitch *s)
{
	numbers_fini(&s->policer_numbers);
	index_fini(&s->policers);
	free(s->policings);
	for (unsigned i = 0; i < POLICER_CHUNKS; i++)
		free(s->policer_table.chunks[i]);
}

int policing_check(const struct policer_config *config, struct weir_error *error)
{
	bool frames = config->unit == POLICER_FRAMES;
	uint64_t rate_min = frames ? WEIR_POLICER_RATE_MIN_FPS : WEIR_POLICER_RATE_MIN_BPS;
	uint64_t rate_max = frames ? WEIR_POLICER_RATE_MAX_FPS : WEIR_POLICER_RATE_MAX_BPS;
	uint64_t burst_max = frames ? WEIR_POLICER_BURST_MAX_FRAMES : WEIR_POLICER_BURST_MAX_BYTES;

	if (config->rate < rate_min || config->rate > rate_max)
		return weir_refuse(error, -EINVAL, "rate",
			"rate \"%llu\": must be %llu to %llu %s per second",
			(unsigned long long)config->rate, (unsigned long long)rate_min,
			(unsigned long long)rate_max, frames ? "frames" : "bits");
	if (config->burst < 1 || config->burst > burst_max)
		return weir_refuse(error, -EINVAL, "burst", "burst \"%llu\": must be 1 to %llu %s",
			(unsigned long long)config->burst, (unsigned long long)burst_max,
			frames ? "frames" : "bytes");
	return 0;
}

static uint32_t hash_name(const char *extension, const char *target, const char *key)
{
	return index_hash(index_hash(index_hash(0, target), key), extension);
}

static struct policing *find(const struct vswitch *s, const char *extension, const char *target,
	const char *key, enum policer_unit unit)
{
	struct index_entry *entry = index_find(&s->policers, hash_name(extension, target, key));

	for (; entry; entry = index_next(entry)) {
		struct policing *p = index_thing(entry, struct policing, by_name);

		if (p->config.unit == unit && strcmp(p->key, key) == 0 &&
			strcmp(p->target, target) == 0 && strcmp(p->extension, extension) == 0)
			return p;
	}
	return NULL;
}

static int make(struct vswitch *s, const char *extension, const char *target, const char *key,
	const struct policer_config *config, struct policing **made)
{
	struct policing *p = calloc(1, sizeof(*p) + s->weir->n_workers * sizeof(p->drop_bases[0]));
	int failed = p ? numbers_take(&s->policer_numbers, &p->number.id) : -ENOMEM;

	if (failed) {
		free(p);
		return failed;
	}
	snprintf(p->extension, sizeof(p->extension), "%s", extension);
	snprintf(p->target, sizeof(p->target), "%s", target);
	snprintf(p->key, sizeof(p->key), "%s", key);
	p->config = *config;
	p->policer = policer_at(&s->policer_table, p->number.id);
	// No worker uses the number since its sweep. What it may have taken for another policer
	// goes.
	for (unsigned i = 0; i < s->weir->n_workers; i++) {
		struct policer_bank *bank = &s->datapaths[i]->policers;
		struct policer_slot *slot = policer_slot_at(bank, p->number.id);

		if (slot->drop_cause & POLICER_ELSEWHERE)
			policer_places_clear(bank->places, p->number.id);
		*slot = (struct policer_slot){ 0 };
	}
	policer_init(p->policer, config, s->weir->n_workers);
	p->since_ns = weir_now_ns(s->weir);
	p->since = (uint64_t)time(NULL);
	s->policings[p->number.id] = p;
	index_add(&s->policers, &p->by_name, hash_name(extension, target, key));
	*made = p;
	return 0;
}

struct policing *policing_find(const struct vswitch *s, const struct attachment *a,
	const char *target, const char *key, enum policer_unit unit)
{
	return find(s, a->descriptor->name, target, key, unit);
}

int policing_get(struct vswitch *s, const struct attachment *a, const char *target, const char *key,
	const struct policer_config *config, struct policing **got)
{
	const char *extension = a->descriptor->name;
	struct policing *p = find(s, extension, target, key, config->unit);
	int failed = p ? 0 : make(s, extension, target, key, config, &p);

	if (failed)
		return failed;
	p->refs++;
	set_owner(p, a->number);
	*got = p;
	return 0;
}

void policing_put(struct vswitch *s, struct policing *p)
{
	if (--p->refs > 0)
		return;
	// A worker may still decide by the old state, and flows run until they are decided anew.
	index_remove(&s->policers, &p->by_name);
	numbers_return(&s->policer_numbers, &p->number);
}

void policing_apply(struct vswitch *s, const struct target_state *state)
{
	for (unsigned i = 0; i < state->n_policers; i++) {
		struct policing *p = state->policers[i].policing;
		const struct policer_config *wanted = &state->policers[i].config;

		if (wanted->rate == p->config.rate && wanted->burst == p->config.burst)
			continue;
		p->config = *wanted;
		policer_change(p->policer, wanted, s->weir->n_workers, weir_now_ns(s->weir));
	}
}

const struct policing *policing_at(const struct vswitch *s, uint32_t id)
{
	return id < s->policer_numbers.made ? s->policings[id] : NULL;
}

struct policing_counts policing_count(const struct vswitch *s, const struct policing *p)
{
	struct policing_counts c = { 0 };

	for (unsigned i = 0; i < s->weir->n_workers; i++) {
		const struct policer_slot *slot = policer_slot_at(
			&s->datapaths[i]->policers, p->number.id);

		c.passed_frames += counted(&slot->passed_frames);
		c.passed_bytes += counted(&slot->passed_bytes);
		c.dropped_frames += counted(&slot->dropped_frames);
		c.dropped_bytes += counted(&slot->dropped_bytes);
	}
	return c;
}
