// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The names of what extensions drop.
//
// They belong to the name of an extension, for as long as the process lives: what was dropped is
// listed after an unload, and keeps its token when another version comes. Each token that any
// version had keeps its place, and a version's own numbers are mapped to the places.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/extension.h>

#include "datapath/counters.h"
#include "switch/reasons.h"
#include "switch/weir.h"

unsigned extension_owner_number(const struct weir *w, const char *name)
{
	for (unsigned n = 1; n < REASON_OWNERS; n++)
		if (!w->reasons[n] || strcmp(w->reasons[n]->owner, name) == 0)
			return n;
	return 0;
}

static unsigned place_of(const struct reason_names *names, const char *token)
{
	unsigned i = 0;

	while (i < names->n && strcmp(names->reasons[i].token, token) != 0)
		i++;
	return i;
}

static void free_names(struct reason_names *names)
{
	for (unsigned r = 0; names->reasons && r < names->n; r++) {
		free((char *)names->reasons[r].token);
		free((char *)names->reasons[r].text);
	}
	free(names->reasons);
	free(names);
}

void reasons_free(struct reason_names *names)
{
	while (names) {
		struct reason_names *next = names->next;

		free_names(names);
		names = next;
	}
}

static bool add_name(struct reason_names *names, const struct weir_drop_reason *reason)
{
	struct weir_drop_reason *r = &names->reasons[names->n++];

	r->token = strdup(reason->token);
	r->text = strdup(reason->text);
	return r->token && r->text;
}

static const struct weir_drop_reason *own_reason(const struct weir_extension *e, const char *token)
{
	for (unsigned i = 0; i < e->n_drop_reasons; i++)
		if (strcmp(e->drop_reasons[i].token, token) == 0)
			return &e->drop_reasons[i];
	return NULL;
}

// Those that there are in their places, with the texts of this version as far as it has them, and
// behind them those that are new.
static struct reason_names *merge(const struct reason_names *before, const struct weir_extension *e)
{
	struct reason_names *names = calloc(1, sizeof(*names));
	bool whole = names != NULL;

	if (whole) {
		snprintf(names->owner, sizeof(names->owner), "%s", e->name);
		names->reasons = calloc(
			(before ? before->n : 0) + e->n_drop_reasons + 1, sizeof(*names->reasons));
		whole = names->reasons != NULL;
	}
	for (unsigned i = 0; whole && before && i < before->n; i++) {
		const struct weir_drop_reason *own = own_reason(e, before->reasons[i].token);

		whole = add_name(names, own ? own : &before->reasons[i]);
	}
	for (unsigned i = 0; whole && i < e->n_drop_reasons; i++)
		if (place_of(names, e->drop_reasons[i].token) == names->n)
			whole = add_name(names, &e->drop_reasons[i]);
	if (whole)
		return names;
	if (names)
		free_names(names);
	return NULL;
}

static bool same_names(const struct reason_names *a, const struct reason_names *b)
{
	if (a->n != b->n || strcmp(a->owner, b->owner) != 0)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (strcmp(a->reasons[i].token, b->reasons[i].token) != 0 ||
			strcmp(a->reasons[i].text, b->reasons[i].text) != 0)
			return false;
	return true;
}

// Two versions that replace one another again and again need no more memory than two.
static struct reason_names *find_same(const struct weir *w, const struct reason_names *names)
{
	struct reason_names *one = w->reason_names;

	while (one && !same_names(one, names))
		one = one->next;
	return one;
}

int reasons_make(const struct weir *w, const struct weir_extension *e, struct reason_names **made,
	struct weir_error *error)
{
	unsigned number = extension_owner_number(w, e->name);
	struct reason_names *names, *same;

	if (number == 0)
		return weir_refuse(error, -ENOSPC, "name",
			"extension %s: too many extensions have been loaded; %d is the most",
			e->name, REASON_OWNERS - 1);
	names = merge(w->reasons[number], e);
	if (!names)
		return weir_refuse(error, -ENOMEM, NULL, "extension %s: no memory", e->name);
	if (names->n > WEIR_REASONS_MAX) {
		free_names(names);
		return weir_refuse(error, -ENOSPC, "path",
			"extension %s: with those of the versions that were loaded before it has "
			"more than %d drop reasons, the most allowed",
			e->name, WEIR_REASONS_MAX);
	}
	same = find_same(w, names);
	if (same)
		free_names(names);
	*made = same ? same : names;
	return 0;
}

static bool is_kept(const struct weir *w, const struct reason_names *names)
{
	const struct reason_names *one = w->reason_names;

	while (one && one != names)
		one = one->next;
	return one;
}

void reasons_discard(const struct weir *w, struct reason_names *made)
{
	if (made && !is_kept(w, made))
		free_names(made);
}

// Any thread may be reading those that were published before: they stay too.
void reasons_publish(struct weir *w, struct reason_names *made)
{
	unsigned number = extension_owner_number(w, made->owner);

	if (!is_kept(w, made)) {
		made->next = w->reason_names;
		w->reason_names = made;
	}
	__atomic_store_n(&w->reasons[number], made, __ATOMIC_RELEASE);
}

const uint8_t *reasons_map(
	const struct reason_names *names, const struct weir_extension *e, uint8_t map[])
{
	bool moved = false;

	for (unsigned i = 0; i < e->n_drop_reasons; i++) {
		map[i] = (uint8_t)place_of(names, e->drop_reasons[i].token);
		moved |= map[i] != i;
	}
	return moved ? map : NULL;
}
