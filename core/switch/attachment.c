// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// An extension on a switch's stack: from attach() to detach().
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/text.h"
#include "switch/attachment.h"
#include "switch/change.h"
#include "switch/host.h"
#include "switch/loader.h"
#include "switch/missing.h"
#include "switch/policy.h"
#include "switch/port.h"
#include "switch/publish.h"
#include "switch/reasons.h"
#include "switch/session.h"
#include "switch/stack.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/wait.h"
#include "switch/weir.h"
#include "switch/workers.h"

struct attachment *attachment_find(struct vswitch *s, const char *extension)
{
	for (struct attachment *a = s->attachments; a; a = a->next)
		if (extension && strcmp(a->descriptor->name, extension) == 0)
			return a;
	return NULL;
}

struct attachment *attachment_need(
	struct vswitch *s, const char *extension, const char *field, struct weir_error *error)
{
	struct attachment *found = attachment_find(s, extension);
	char buffer[256] = "";
	struct text names = { buffer, sizeof(buffer), 0 };

	if (found)
		return found;
	for (const struct attachment *a = s->attachments; a; a = a->next)
		text_put(&names, "%s%s", names.used ? ", " : "", a->descriptor->name);
	weir_refuse(error, -ENOENT, field,
		"extension \"%.64s\": is not attached to switch %s, which has %s",
		extension ? extension : "", s->name, names.used ? buffer : "none");
	return NULL;
}

// The last that could call into it is gone.
void attachment_put(struct attachment *a)
{
	if (--a->refs > 0)
		return;
	sessions_leave(a);
	if (a->descriptor->detach && a->attached)
		a->descriptor->detach(a->instance);
	host_timers_free(a);
	if (a->extension)
		extension_let_go(a->weir, a->extension);
	missing_free(a->missing);
	weir_ending_over(a->weir, &a->ending);
	a->vswitch->users--;
	free(a);
}

// ---- The beginning

// Until missing.c gives it the name.
static const struct weir_extension no_descriptor = { .name = "" };

bool attachment_stands_for(const struct attachment *a, uint16_t id)
{
	return a->id == id || (a->predecessor && a->predecessor->id == id);
}

// One that no flow and no session of any switch names. They come around again, but not while one
// that was detached is on its way out.
static uint16_t take_id(struct weir *w)
{
	bool taken;

	do {
		taken = ++w->attachment_ids == 0;
		for (struct vswitch *s = w->switches; s; s = s->next)
			for (const struct attachment *a = s->attachments; a; a = a->next)
				taken |= attachment_stands_for(a, w->attachment_ids) ||
					 a->visitor == w->attachment_ids;
	} while (taken);
	return w->attachment_ids;
}

struct attachment *attachment_make(
	struct vswitch *s, struct extension *extension, int order, unsigned flags)
{
	struct attachment *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->weir = s->weir;
	a->vswitch = s;
	a->extension = extension;
	a->descriptor = extension ? extension_descriptor(extension) : &no_descriptor;
	a->public.host = &s->weir->host;
	a->public.switch_name = s->name;
	a->fail_open = flags & WEIR_FAIL_OPEN;
	a->order = order == WEIR_ORDER_DEFAULT ? stack_next_order(s, a->descriptor->class) : order;
	a->id = a->visitor = take_id(s->weir);
	a->number = extension ? (uint16_t)extension_owner_number(s->weir, a->descriptor->name) : 0;
	if (extension)
		a->reasons = reasons_map(s->weir->reasons[a->number], a->descriptor, a->reason_map);
	a->refs = 1;
	s->users++;
	if (extension)
		extension_get(extension);
	return a;
}

// Prepares the switch and every port for a new extension. On failure nothing is left.
static int prepare_everywhere(struct change *change, struct attachment *a, struct weir_error *error)
{
	struct vswitch *s = a->vswitch;
	int failed = change_prepare(change, a, &s->target, error);

	for (unsigned i = 0; !failed && i < s->n_indices; i++)
		if (s->ports[i])
			failed = change_prepare(change, a, &s->ports[i]->target, error);
	if (failed)
		change_abort(change);
	return failed;
}

int attachment_attach(struct attachment *a, struct weir_error *error)
{
	struct weir_error own = { 0 };
	int failed = 0;

	if (a->descriptor->attach)
		failed = refusal_tame(&own, a->descriptor->attach(&a->public, &a->instance, &own));
	if (!failed) {
		a->attached = true;
		return 0;
	}
	return weir_refuse(error, failed, own.field, "extension %s: %s", a->descriptor->name,
		own.message[0] ? own.message : strerror(-failed));
}

// A change_publisher.
static int enter(void *context)
{
	struct attachment *a = context;

	stack_insert(a->vswitch, a);
	if (publish_all(a->vswitch) == 0)
		return 0;
	stack_unlink(a->vswitch, a);
	a->detached = true;
	return -ENOMEM;
}

int attachment_enter(struct attachment *a, unsigned flags, struct weir_error *error)
{
	struct change change = { 0 };
	int failed = attachment_attach(a, error);

	if (!failed)
		failed = prepare_everywhere(&change, a, error);
	if (failed)
		return failed;
	failed = change_carry_out(&change, flags, enter, a);
	if (failed)
		return weir_refuse(
			error, failed, NULL, "extension %s: no memory", a->descriptor->name);
	return 0;
}

void attachment_give_up(struct attachment *a)
{
	a->detached = true;
	attachment_put(a);
}

// ---- The end

static unsigned drop_target(struct target *target, struct attachment *a)
{
	unsigned n = policies_free(target, a);

	target_drop_state(target, a);
	return n;
}

static unsigned n_policies_of(const struct target *target, const struct attachment *a)
{
	unsigned n = 0;

	for (const struct policy *p = target->policies; p; p = p->next)
		n += p->attachment == a;
	return n;
}

unsigned attachment_n_policies(const struct attachment *a)
{
	const struct vswitch *s = a->vswitch;
	unsigned n = n_policies_of(&s->target, a);

	for (unsigned i = 0; i < s->n_indices; i++)
		if (s->ports[i])
			n += n_policies_of(&s->ports[i]->target, a);
	return n;
}

// Returns how many policies there were.
static unsigned drop_everywhere(struct attachment *a)
{
	struct vswitch *s = a->vswitch;
	unsigned n = drop_target(&s->target, a);

	for (unsigned i = 0; i < s->n_indices; i++)
		if (s->ports[i])
			n += drop_target(&s->ports[i]->target, a);
	return n;
}

// It is in no published stack any more. Nothing that it began outlives this; what workers may still
// run ends later.
static void detaching(struct attachment *a)
{
	a->detached = true;
	host_calls_end(a);
	weir_ending_begin(a->weir, &a->ending);
}

// What the version before leaves to the one in its place, once no flow rests on its decisions.
static void succeed(struct attachment *old)
{
	struct attachment *new = old->successor;

	if (!new)
		return;
	if (!old->vswitch->removed) {
		sessions_hand_over(old, new);
		counters_hand_over(old, new);
	}
	old->successor = new->predecessor = NULL;
	attachment_put(new);
}

// No worker has the switch in its list any more.
static void switch_left(struct deferred *d)
{
	attachment_put((struct attachment *)((char *)d - offsetof(struct attachment, end)));
}

static void sweep_over(void *context)
{
	struct attachment *a = context;

	succeed(a);
	// The end of its switch ends the waiting for a sweep, too.
	if (a->vswitch->removed)
		weir_defer(a->weir, &a->end, switch_left);
	else
		attachment_put(a);
}

struct wait *attachment_end_make(struct attachment *a)
{
	return weir_wait_make(1, sweep_over, a);
}

unsigned attachment_end(struct attachment *a, struct wait *wait)
{
	unsigned n_policies;

	// The attachment's own reference ends with the sweep, after which no flow holds a decision
	// of its; the states' end with their grace periods.
	detaching(a);
	n_policies = drop_everywhere(a);
	weir_wait_begin(a->weir, wait, a->vswitch);
	return n_policies;
}

void attachment_end_with_switch(struct attachment *a)
{
	detaching(a);
	drop_everywhere(a);
	weir_defer(a->weir, &a->end, switch_left);
}
