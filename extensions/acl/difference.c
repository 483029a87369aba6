// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "difference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct known {
	uint64_t serial;
	struct item *item;
};

static int by_serial(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return x->serial < y->serial ? -1 : x->serial > y->serial;
}

static struct known *find_known(struct known *known, size_t n, uint64_t serial)
{
	struct known key = { serial, NULL };

	return n ? bsearch(&key, known, n, sizeof(*known), by_serial) : NULL;
}

// How many of the first, or of the last, serials are the same.
static size_t same_first(const uint64_t *a, const uint64_t *b, size_t n)
{
	size_t i = 0;

	while (i < n && a[i] == b[i])
		i++;
	return i;
}

static size_t same_last(const uint64_t *a_end, const uint64_t *b_end, size_t n)
{
	size_t i = 0;

	while (i < n && a_end[-1 - (ptrdiff_t)i] == b_end[-1 - (ptrdiff_t)i])
		i++;
	return i;
}

// The items of a stretch of the state before, sorted. NULL: no memory.
static struct known *list_known(const struct acl_state *before, size_t from, size_t n)
{
	struct known *known = malloc((n + 1) * sizeof(*known));

	for (size_t i = 0; known && i < n; i++)
		known[i] = (struct known){ before->serials[from + i], before->items[from + i] };
	if (known)
		qsort(known, n, sizeof(*known), by_serial);
	return known;
}

// Finds the items of a stretch of policies among those known, and makes the others.
static int take_stretch(struct acl_state *state, const struct weir_target *target, size_t from,
	size_t n, struct known *known, size_t n_known, struct difference *d,
	struct weir_error *error)
{
	for (size_t i = from; i < from + n; i++) {
		struct known *found = find_known(known, n_known, target->serials[i]);
		int failed;

		state->serials[i] = target->serials[i];
		if (found) {
			state->items[i] = found->item;
			found->item = NULL;
			continue;
		}
		failed = item_make(
			&target->policies[i], &state->port->numbers, &state->items[i], error);
		if (failed)
			return failed;
		state->items[i]->cookie = target->serials[i];
		d->added.items[d->added.n++] = state->items[i];
	}
	for (size_t i = 0; i < n_known; i++)
		if (known[i].item)
			d->removed.items[d->removed.n++] = known[i].item;
	return 0;
}

int difference_find(struct acl_state *state, const struct acl_state *before,
	const struct weir_target *target, struct difference *d, struct weir_error *error)
{
	static const struct acl_state nothing = { 0 };
	const struct acl_state *old = before ? before : &nothing;
	size_t n = target->n_policies, least = n < old->n ? n : old->n, first, last;
	struct known *known;
	int failed;

	first = same_first(old->serials, target->serials, least);
	last = same_last(old->serials + old->n, target->serials + n, least - first);
	if (first) {
		memcpy(state->serials, old->serials, first * sizeof(*state->serials));
		memcpy(state->items, old->items, first * sizeof(struct item *));
	}
	if (last) {
		memcpy(state->serials + n - last, old->serials + old->n - last,
			last * sizeof(*state->serials));
		memcpy(state->items + n - last, old->items + old->n - last,
			last * sizeof(struct item *));
	}
	known = list_known(old, first, old->n - first - last);
	d->removed.items = malloc((old->n - first - last + 1) * sizeof(struct item *));
	d->added.items = malloc((n - first - last + 1) * sizeof(struct item *));
	if (!known || !d->removed.items || !d->added.items)
		failed = weir_refuse(error, -ENOMEM, NULL, "no memory");
	else
		failed = take_stretch(state, target, first, n - first - last, known,
			old->n - first - last, d, error);
	free(known);
	return failed;
}

void difference_free(struct difference *d)
{
	for (size_t i = 0; i < d->added.n; i++)
		item_put(d->added.items[i]);
	free(d->added.items);
	free(d->removed.items);
}
