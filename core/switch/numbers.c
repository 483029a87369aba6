// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <stdlib.h>

#include "switch/numbers.h"
#include "switch/vswitch.h"
#include "switch/wait.h"

int numbers_take(struct numbers *n, uint32_t *id)
{
	if (n->n_free) {
		*id = n->free[--n->n_free];
		return 0;
	}
	if (n->made == n->max)
		return -ENOSPC;
	if (n->made % n->chunk == 0) {
		uint32_t *ids = realloc(n->free, (n->made + n->chunk) * sizeof(*ids));

		if (!ids)
			return -ENOMEM;
		n->free = ids;
		if (n->make_chunk(n->vswitch, n->made / n->chunk) < 0)
			return -ENOMEM;
	}
	*id = n->made++;
	return 0;
}

int numbers_refuse(const struct numbers *n, int failed, struct weir_error *error)
{
	const char *name = n->vswitch->name;

	if (failed == -ENOSPC)
		return weir_refuse(error, failed, NULL,
			"switch %s: has %u %s, the most allowed; those that went are among them "
			"for as long as flows may use them",
			name, n->max, n->what);
	return weir_refuse(error, failed, NULL, "switch %s: no memory for its %s", name, n->what);
}

static void sweep_returned(struct numbers *n);

static void swept(void *context)
{
	struct numbers *n = context;

	while (n->sweeping) {
		struct numbered *thing = n->sweeping;

		n->sweeping = thing->next;
		n->free[n->n_free++] = thing->id;
		n->end(n->vswitch, thing);
	}
	n->vswitch->users--;
	sweep_returned(n);
}

static void sweep_returned(struct numbers *n)
{
	struct vswitch *s = n->vswitch;

	if (s->removed || n->sweeping || !n->returned)
		return;
	if (weir_wait(s->weir, s, swept, n) < 0)
		return; // with the next one that is given back
	s->users++;
	n->sweeping = n->returned;
	n->returned = NULL;
}

void numbers_return(struct numbers *n, struct numbered *thing)
{
	thing->next = n->returned;
	n->returned = thing;
	sweep_returned(n);
}

static void end_list(struct numbers *n, struct numbered *thing)
{
	while (thing) {
		struct numbered *next = thing->next;

		n->end(n->vswitch, thing);
		thing = next;
	}
}

void numbers_fini(struct numbers *n)
{
	end_list(n, n->returned);
	end_list(n, n->sweeping);
	free(n->free);
}
