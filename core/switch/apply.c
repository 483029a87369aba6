// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Applying a document: the phases. apply.h says what they are.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "switch/apply.h"
#include "switch/document.h"
#include "switch/item.h"
#include "switch/port.h"
#include "switch/publish.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"
#include "switch/workers.h"

static int plan(struct apply *x)
{
	// What goes makes room, and sets names free, for what comes.
	static int (*const plans[])(struct apply *) = {
		plan_switch_removals,
		plan_stack_removals,
		plan_port_removals,
		plan_switches,
		plan_stacks,
		plan_ports,
		plan_policy_removals,
		plan_policies,
		plan_fdb,
		plan_meters,
		nics_check,
		prepare_plan,
	};
	int failed = 0;

	for (size_t i = 0; !failed && i < sizeof(plans) / sizeof(plans[0]); i++)
		failed = plans[i](x);
	return failed;
}

// ---- In force

static void discard(struct publication **list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		publication_discard(list[i]);
	free(list);
}

// All that can fail for lack of memory. NULL: nothing has been changed.
static struct publication **make_publications(struct apply *x, unsigned *n)
{
	struct publication **list = calloc(SWITCHES_MAX, sizeof(*list));

	for (struct vswitch *s = x->weir->switches; list && s; s = s->next) {
		if (!s->stale)
			continue;
		list[*n] = publication_make(s, s->restacked);
		if (!list[(*n)++]) {
			discard(list, *n);
			return NULL;
		}
	}
	if (list && x->queues && weir_publish_queues(x->weir) < 0) {
		discard(list, *n);
		return NULL;
	}
	return list;
}

// A change_publisher.
static int publish(void *context)
{
	struct apply *x = context;
	unsigned n = 0;
	struct publication **list = make_publications(x, &n);

	if (!list)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		publication_force(list[i]);
	free(list);
	nics_force(x);
	return 0;
}

static int force(struct apply *x)
{
	return change_carry_out(&x->change, x->flags, publish, x) < 0 ? no_memory(x) : 0;
}

// ---- The end

// Nobody looks at what an application noted in the model any more.
static void forget_targets(struct apply *x)
{
	for (struct touched *t = x->switches; t; t = t->next)
		t->target->touched = NULL;
	for (struct touched *t = x->ports; t; t = t->next)
		t->target->touched = NULL;
}

static void forget_switches(struct apply *x)
{
	for (struct vswitch *s = x->weir->switches; s; s = s->next)
		s->stale = s->restacked = s->ports_changed = false;
}

// Ids that were made are not made again, on what was there before too. That is no difference; but
// who keeps the items has to know.
static void raise_ids(struct apply *x)
{
	const struct document_entry *entry;

	for (entry = x->document->first[WEIR_ITEM_SWITCH]; entry; entry = entry->next) {
		struct vswitch *s = vswitch_find(x->weir, entry->item.switch_name, NULL);

		if (!s || s->target.made_ids >= entry->item.vswitch.made_ids)
			continue;
		s->target.made_ids = entry->item.vswitch.made_ids;
		note_switch(s, false);
	}
	for (entry = x->document->first[WEIR_ITEM_PORT]; entry; entry = entry->next) {
		struct port *port = port_find(x->weir, entry->item.name, NULL);

		if (!port || port->target.made_ids >= entry->item.port.made_ids)
			continue;
		port->target.made_ids = entry->item.port.made_ids;
		note_port(port, false);
	}
}

static void finish(struct apply *x)
{
	steps_show(x);
	steps_finish(x);
	raise_ids(x);
	nics_wait(x);
	prepare_tell(x);
}

static void undo(struct apply *x)
{
	change_abort(&x->change);
	for (struct touched *t = x->ports; t; t = t->next)
		t->target->port->dirty = false;
	forget_targets(x); // some of which end now
	steps_undo(x);
	forget_switches(x); // and of those that were to go
}

int weir_apply(struct weir *w, const struct weir_document *document, unsigned flags,
	weir_difference_row *row, void *context, struct weir_error *error)
{
	struct weir_error own = { 0 };
	struct apply x = { .weir = w,
		.document = document,
		.flags = flags,
		.row = row,
		.context = context,
		.error = error ? error : &own };
	int failed;

	*x.error = (struct weir_error){ 0 };
	x.switches_end = &x.switches;
	x.ports_end = &x.ports;
	x.nics_end = &x.nics;
	failed = plan(&x);
	if (!failed)
		failed = prepare_all(&x);
	if (!failed)
		failed = nics_open(&x);
	if (!failed && (flags & WEIR_DRY_RUN))
		steps_show(&x);
	else if (!failed)
		failed = force(&x);
	if (failed || (flags & WEIR_DRY_RUN)) {
		undo(&x);
	} else {
		forget_targets(&x);
		forget_switches(&x);
		finish(&x);
	}
	// A field of what no single item is to blame for would only mislead.
	if (failed && strncmp(x.error->field, "items[", 6) != 0)
		x.error->field[0] = '\0';
	arena_fini(&x.arena);
	return failed;
}
