// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What prepare() is shown of the policies of a target. The list is scattered over memory: to walk
// through a hundred thousand policies takes milliseconds, which one more policy must not cost. So
// the arrays that an extension is handed are kept from one prepare() to the next, and follow what
// is done to the list: at the end for nothing, elsewhere by moving what is behind. Many changes at
// once, or one without memory, only mark them as stale, and they are made anew when next needed.
#include <stdlib.h>
#include <string.h>

#include <weir/extension.h>

#include "switch/policy.h"
#include "switch/target.h"

enum { MOVES_MAX = 32 }; // cost about what making anew does

static struct policy_view *find(const struct target *t, const struct attachment *a)
{
	struct policy_view *view = t->views;

	while (view && view->attachment != a)
		view = view->next;
	return view;
}

static struct policy_view *fresh(const struct target *t, const struct policy *p)
{
	struct policy_view *view = find(t, p->attachment);

	return view && !view->stale ? view : NULL;
}

static bool make_room(struct policy_view *view, size_t n)
{
	size_t room = view->room ? view->room : 8;
	void *policies, *serials, *places;

	if (n <= view->room)
		return true;
	while (room < n)
		room *= 2;
	policies = realloc(view->policies, room * sizeof(*view->policies));
	view->policies = policies ? policies : view->policies;
	serials = realloc(view->serials, room * sizeof(*view->serials));
	view->serials = serials ? serials : view->serials;
	places = realloc(view->places, room * sizeof(*view->places));
	view->places = places ? places : view->places;
	if (!policies || !serials || !places)
		return false;
	view->room = room;
	return true;
}

static void put(struct policy_view *view, size_t at, const struct policy *p)
{
	view->policies[at] = (struct weir_policy){ p->type, p->id, p->bytes, p->size };
	view->serials[at] = p->serial;
	view->places[at] = p->place;
}

// Moves what stands from `from` on to `to`, and changes how many there are by as much.
static void move(struct policy_view *view, size_t to, size_t from)
{
	size_t n = view->n - from;

	memmove(view->policies + to, view->policies + from, n * sizeof(*view->policies));
	memmove(view->serials + to, view->serials + from, n * sizeof(*view->serials));
	memmove(view->places + to, view->places + from, n * sizeof(*view->places));
	view->n = view->n + to - from;
	if (n && ++view->n_moved > MOVES_MAX)
		view->stale = true;
}

// The first whose place is not before this one.
static size_t find_place(const struct policy_view *view, uint64_t place)
{
	size_t low = 0, high = view->n;

	if (view->n == 0 || view->places[view->n - 1] < place)
		return view->n;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (view->places[middle] < place)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void policy_views_add(struct target *t, const struct policy *p)
{
	struct policy_view *view = fresh(t, p);
	size_t at;

	if (!view)
		return;
	if (!make_room(view, view->n + 1)) {
		view->stale = true;
		return;
	}
	at = find_place(view, p->place);
	move(view, at + 1, at);
	put(view, at, p);
	view->n_unchecked += p->unchecked;
}

void policy_views_remove(struct target *t, const struct policy *p)
{
	struct policy_view *view = fresh(t, p);
	size_t at;

	if (!view)
		return;
	at = find_place(view, p->place);
	move(view, at, at + 1);
	view->n_unchecked -= p->unchecked;
}

void policy_views_replace(struct target *t, const struct policy *old, const struct policy *p)
{
	struct policy_view *view = fresh(t, p);

	if (!view)
		return;
	put(view, find_place(view, p->place), p);
	view->n_unchecked += p->unchecked;
	view->n_unchecked -= old->unchecked;
}

void policy_views_drop(struct target *t, const struct attachment *a)
{
	struct policy_view **link = &t->views;

	while (*link) {
		struct policy_view *view = *link;

		if (a && view->attachment != a) {
			link = &view->next;
			continue;
		}
		*link = view->next;
		free(view->policies);
		free(view->serials);
		free(view->places);
		free(view);
	}
}

static bool fill(struct policy_view *view, const struct target *t)
{
	size_t n = 0;

	view->stale = true;
	for (const struct policy *p = t->policies; p; p = p->next)
		n += p->attachment == view->attachment;
	if (!make_room(view, n))
		return false;
	view->n = view->n_unchecked = 0;
	for (const struct policy *p = t->policies; p; p = p->next) {
		if (p->attachment != view->attachment)
			continue;
		put(view, view->n++, p);
		view->n_unchecked += p->unchecked;
	}
	view->stale = false;
	return true;
}

const struct policy_view *policy_view(struct target *t, const struct attachment *a)
{
	struct policy_view *view = find(t, a);

	if (!view) {
		view = calloc(1, sizeof(*view));
		if (!view)
			return NULL;
		*view = (struct policy_view){ .next = t->views, .attachment = a, .stale = true };
		t->views = view;
	}
	view->n_moved = 0;
	return !view->stale || fill(view, t) ? view : NULL;
}
