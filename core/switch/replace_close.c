// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The end of a version's library: when the last attachment has let go of it, one grace period
// later, from the control loop and so from within none of its hooks.
#include <stdlib.h>

#include "switch/attachment.h"
#include "switch/loader.h"
#include "switch/wait.h"
#include "switch/weir.h"

struct closing {
	struct deferred deferred; // first
	struct closing *next;     // of weir->closings, until it is deferred
	struct extension *extension;
	struct ending ending;
};

struct closing *closing_make(struct weir *w)
{
	struct closing *c = calloc(1, sizeof(*c));

	if (c)
		c->deferred.weir = w;
	return c;
}

static void close_now(struct deferred *d)
{
	struct closing *c = (struct closing *)d;

	loader_close(c->extension);
	weir_ending_over(d->weir, &c->ending);
	free(c);
}

void closing_begin(struct closing *c, struct extension *extension)
{
	struct weir *w = c->deferred.weir;

	c->extension = extension;
	weir_ending_begin(w, &c->ending);
	if (!extension_is_held(extension)) {
		weir_defer(w, &c->deferred, close_now);
		return;
	}
	c->next = w->closings;
	w->closings = c;
}

void extension_let_go(struct weir *w, struct extension *extension)
{
	struct closing **link = &w->closings;

	extension_put(extension);
	if (extension_is_held(extension))
		return;
	while (*link && (*link)->extension != extension)
		link = &(*link)->next;
	if (*link) {
		struct closing *c = *link;

		*link = c->next;
		weir_defer(w, &c->deferred, close_now);
	}
}
