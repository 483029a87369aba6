// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A state among whose 100,000 meters one changed is planned as what is different. When it comes
// into force, the lists of the state before become its own, with the difference made; when it does
// not, nothing has happened to them. No step looks at what stays.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/extension.h>

#include "datapath/policer.h"
#include "switch/meter.h"
#include "switch/numbers.h"
#include "switch/plan.h"
#include "switch/policing.h"
#include "switch/target.h"

// ---- Lists: elements that begin with a pointer to what is numbered

struct list {
	void *elements;
	unsigned *n;
	size_t size; // of an element
};

static struct list meters_of(struct target_state *state)
{
	return (struct list){ state->meters, &state->n_meters, sizeof(*state->meters) };
}

static struct list policers_of(struct target_state *state)
{
	return (struct list){ state->policers, &state->n_policers, sizeof(*state->policers) };
}

static char *element(const struct list *list, unsigned i)
{
	return (char *)list->elements + i * list->size;
}

static struct numbered *thing_at(const struct list *list, unsigned i)
{
	struct numbered *thing;

	memcpy(&thing, element(list, i), sizeof(thing));
	return thing;
}

static bool stands(const struct list *list, const struct numbered *thing)
{
	return thing->place < *list->n && thing_at(list, thing->place) == thing;
}

// Whether it was in the list. Where it stood is known, unless it has been in another list since.
static bool take_out(struct list list, const struct numbered *thing)
{
	unsigned last;

	if (!stands(&list, thing))
		for (unsigned i = 0; i < *list.n; i++)
			thing_at(&list, i)->place = i;
	if (!stands(&list, thing))
		return false;
	last = --*list.n;
	if (thing->place != last) {
		memcpy(element(&list, thing->place), element(&list, last), list.size);
		thing_at(&list, thing->place)->place = thing->place;
	}
	return true;
}

static void append(struct list list, const void *added)
{
	memcpy(element(&list, *list.n), added, list.size);
	thing_at(&list, *list.n)->place = *list.n;
	++*list.n;
}

// ---- Planning

// What goes, by its key: the meter, and the policers of both units. Returns how many, or -ENOENT.
static int find_gone(struct plan *plan, const char *target, const char *key)
{
	const struct vswitch *s = plan->target->vswitch;
	struct target_state *state = plan->state;
	const struct attachment *a = state->attachment;
	unsigned before = state->n_gone_meters + state->n_gone_policers;
	struct meter *meter = meter_find(s, a, target, key);

	if (meter)
		state->gone_meters[state->n_gone_meters++] = meter;
	for (int unit = POLICER_BITS; unit <= POLICER_FRAMES; unit++) {
		struct policing *p = policing_find(s, a, target, key, (enum policer_unit)unit);

		if (p)
			state->gone_policers[state->n_gone_policers++] = p;
	}
	return state->n_gone_meters + state->n_gone_policers > before ? 0 : -ENOENT;
}

static void forget_gone(struct target_state *state)
{
	free(state->gone_meters);
	free(state->gone_policers);
	state->gone_meters = NULL;
	state->gone_policers = NULL;
	state->n_gone_meters = state->n_gone_policers = 0;
}

int plan_keep(struct weir_plan *p, const void *in_force, const char *const gone[], size_t n)
{
	struct plan *plan = (struct plan *)p;
	struct target_state *state = plan->state;
	const struct target_state *before = target_state_of(plan->target, state->attachment);
	char target[WEIR_NAME_MAX + 8];
	int failed = 0;

	if (state->keeps)
		return -EINVAL;
	if (!in_force || !before || before->refusal || before->state != in_force)
		return -ESTALE;
	target_name(plan->target, target);
	state->gone_meters = malloc((n + 1) * sizeof(*state->gone_meters));
	state->gone_policers = malloc((2 * n + 1) * sizeof(*state->gone_policers));
	if (!state->gone_meters || !state->gone_policers)
		failed = -ENOMEM;
	for (size_t i = 0; !failed && i < n; i++)
		failed = find_gone(plan, target, gone[i]);
	if (failed)
		forget_gone(state);
	state->keeps = !failed;
	return failed;
}

// ---- In force

static int make_room(void **elements, unsigned *room, unsigned wanted, size_t size)
{
	unsigned more = wanted + wanted / 8;
	void *grown;

	if (wanted <= *room)
		return 0;
	grown = realloc(*elements, more * size);
	if (!grown)
		return -ENOMEM;
	*elements = grown;
	*room = more;
	return 0;
}

int plan_reserve(struct target_state *state, struct target_state *before)
{
	void *meters = before->meters, *policers = before->policers;
	int failed = make_room(&meters, &before->meters_room, before->n_meters + state->n_meters,
		sizeof(*before->meters));

	before->meters = meters;
	if (!failed)
		failed = make_room(&policers, &before->policers_room,
			before->n_policers + state->n_policers, sizeof(*before->policers));
	before->policers = policers;
	return failed;
}

static void inherit_meters(struct vswitch *s, struct target_state *state, struct target_state *old)
{
	for (unsigned i = 0; i < state->n_gone_meters; i++)
		if (take_out(meters_of(old), &state->gone_meters[i]->number))
			meter_put(s, state->gone_meters[i], true);
	for (unsigned i = 0; i < state->n_meters; i++) {
		struct meter *m = state->meters[i];

		// One that nobody else holds is not in the list; one that was kept, and asked for
		// all the same, is held once.
		if (m->refs > 1 && take_out(meters_of(old), &m->number))
			meter_put(s, m, true);
		append(meters_of(old), &m);
	}
	free(state->meters);
	state->meters = old->meters;
	state->n_meters = old->n_meters;
	state->meters_room = old->meters_room;
	old->meters = NULL;
	old->n_meters = old->meters_room = 0;
}

static void inherit_policers(
	struct vswitch *s, struct target_state *state, struct target_state *old)
{
	for (unsigned i = 0; i < state->n_gone_policers; i++)
		if (take_out(policers_of(old), &state->gone_policers[i]->number))
			policing_put(s, state->gone_policers[i]);
	for (unsigned i = 0; i < state->n_policers; i++) {
		struct policing *p = state->policers[i].policing;

		if (p->refs > 1 && take_out(policers_of(old), &p->number))
			policing_put(s, p);
		append(policers_of(old), &state->policers[i]);
	}
	free(state->policers);
	state->policers = old->policers;
	state->n_policers = old->n_policers;
	state->policers_room = old->policers_room;
	old->policers = NULL;
	old->n_policers = old->policers_room = 0;
}

void plan_inherit(struct vswitch *s, struct target_state *state, struct target_state *old)
{
	inherit_meters(s, state, old);
	inherit_policers(s, state, old);
	forget_gone(state);
	state->keeps = false;
}
