// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Putting extensions on a switch's stack, and taking them off.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "switch/model.h"

enum { ORDER_STEP = 10, ORDER_MAX = 65535 };

// ---- Attachments

struct attachment *attachment_find(struct vswitch *s, const char *extension)
{
	for (struct attachment *a = s->attachments; a; a = a->next)
		if (extension && strcmp(a->descriptor->name, extension) == 0)
			return a;
	return NULL;
}

// The last that could call into it is gone.
void attachment_put(struct attachment *a)
{
	if (--a->refs > 0)
		return;
	if (a->descriptor->detach && a->attached)
		a->descriptor->detach(a->instance);
	host_timers_free(a);
	extension_put(a->extension);
	weir_ending_over(a->weir, &a->ending);
	a->vswitch->users--;
	free(a);
}

// Stack order: by class (capture, filter, forwarding, service), then by number, then by name.
static bool stands_before(const struct attachment *a, const struct attachment *b)
{
	if (a->descriptor->class != b->descriptor->class)
		return a->descriptor->class < b->descriptor->class;
	if (a->order != b->order)
		return a->order < b->order;
	return strcmp(a->descriptor->name, b->descriptor->name) < 0;
}

static void stack_insert(struct vswitch *s, struct attachment *a)
{
	struct attachment **link = &s->attachments;

	while (*link && stands_before(*link, a))
		link = &(*link)->next;
	a->next = *link;
	*link = a;
	s->n_attachments++;
}

static void stack_unlink(struct vswitch *s, struct attachment *a)
{
	struct attachment **link = &s->attachments;

	while (*link != a)
		link = &(*link)->next;
	*link = a->next;
	s->n_attachments--;
}

static int last_order(const struct vswitch *s, enum weir_class class)
{
	int last = 0;

	for (const struct attachment *a = s->attachments; a; a = a->next)
		if (a->descriptor->class == class && a->order > last)
			last = a->order;
	return last;
}

static int check_place(const struct vswitch *s, const struct weir_extension *e, int order,
	struct weir_error *error)
{
	if (order != WEIR_ORDER_DEFAULT && (order < 0 || order > ORDER_MAX))
		return weir_refuse(
			error, -EINVAL, "order", "order %d: must be 0 to %d", order, ORDER_MAX);
	if (s->n_attachments == STACK_MAX)
		return weir_refuse(error, -ENOSPC, "name",
			"switch %s: has %d extensions, the most allowed", s->name, STACK_MAX);
	for (const struct attachment *a = s->attachments; a && e->class == WEIR_CLASS_FORWARDING;
		a = a->next)
		if (a->descriptor->class == WEIR_CLASS_FORWARDING)
			return weir_refuse(error, -EBUSY, "name",
				"extension %s: switch %s has the forwarding extension %s, and one "
				"is the most",
				e->name, s->name, a->descriptor->name);
	return 0;
}

static struct attachment *attachment_make(struct vswitch *s, struct extension *extension, int order)
{
	struct attachment *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->weir = s->weir;
	a->vswitch = s;
	a->extension = extension;
	a->descriptor = extension_descriptor(extension);
	a->public.host = &s->weir->host;
	a->public.switch_name = s->name;
	a->order = order;
	if (order == WEIR_ORDER_DEFAULT) {
		a->order = last_order(s, a->descriptor->class) + ORDER_STEP;
		if (a->order > ORDER_MAX)
			a->order = ORDER_MAX;
	}
	a->id = ++s->weir->attachment_ids;
	a->number = (uint16_t)extension_owner_number(s->weir, a->descriptor->name);
	a->refs = 1;
	s->users++;
	extension_get(extension);
	return a;
}

// Prepares the switch and every port for a new extension. On failure nothing is left.
static int prepare_everywhere(struct change *change, struct attachment *a, struct weir_error *error)
{
	struct vswitch *s = a->vswitch;
	int failed = change_prepare(change, a, &s->target, NULL, error);

	for (unsigned i = 0; !failed && i < s->n_indices; i++)
		if (s->ports[i])
			failed = change_prepare(change, a, &s->ports[i]->target, NULL, error);
	if (failed)
		change_abort(change);
	return failed;
}

static int call_attach(struct attachment *a, struct weir_error *error)
{
	struct weir_error own = { 0 };
	int failed = 0;

	if (a->descriptor->attach)
		failed = a->descriptor->attach(&a->public, &a->instance, &own);
	if (failed >= 0) {
		a->attached = true;
		return 0;
	}
	return weir_refuse(error, failed, own.field, "extension %s: %s", a->descriptor->name,
		own.message[0] ? own.message : strerror(-failed));
}

static int attach(struct attachment *a, unsigned flags, struct weir_error *error)
{
	struct vswitch *s = a->vswitch;
	struct change change = { 0 };
	int failed = call_attach(a, error);

	if (!failed)
		failed = prepare_everywhere(&change, a, error);
	if (failed)
		return failed;
	if (flags & WEIR_DRY_RUN) {
		change_abort(&change);
		return 0;
	}
	change_commit(&change);
	stack_insert(s, a);
	if (publish_all(s) < 0) {
		stack_unlink(s, a);
		a->detached = true;
		change_revert(&change);
		return weir_refuse(
			error, -ENOMEM, NULL, "extension %s: no memory", a->descriptor->name);
	}
	change_finish(&change);
	return 0;
}

int weir_extension_attach(struct weir *w, const char *switch_name, const char *name, int order,
	unsigned flags, struct weir_error *error)
{
	struct vswitch *s = vswitch_find(w, switch_name, error);
	struct extension *extension;
	struct attachment *a;
	bool loaded;
	int failed;

	if (!s)
		return -ENOENT;
	if (attachment_find(s, name))
		return weir_refuse(error, -EEXIST, "name",
			"extension \"%s\": is attached to switch %s already", name, s->name);
	extension = extension_need(w, name, &loaded, error);
	if (!extension)
		return error && error->code ? error->code : -ENOENT;
	failed = check_place(s, extension_descriptor(extension), order, error);
	a = failed ? NULL : attachment_make(s, extension, order);
	if (!failed && !a)
		failed = weir_refuse(error, -ENOMEM, NULL, "extension %s: no memory", name);
	if (!failed)
		failed = attach(a, flags, error);
	if (failed || (flags & WEIR_DRY_RUN)) {
		if (a) {
			a->detached = true;
			attachment_put(a);
		}
		// What was loaded for this alone goes; a state that is still being retired keeps
		// it.
		if (loaded)
			loader_unload(w->loader, extension, NULL);
		return failed;
	}
	weir_notify(w, "extension-attached", s->name, "", name,
		"extension %s attached to switch %s with order %d", name, s->name, a->order);
	return 0;
}

// ---- Detaching

static unsigned drop_policies(struct target *target, const struct attachment *a)
{
	unsigned n = 0;

	struct policy **link = &target->policies;

	while (*link) {
		struct policy *policy = *link;

		if (policy->attachment != a) {
			link = &policy->next;
			continue;
		}
		*link = policy->next;
		free(policy);
		n++;
	}
	return n;
}

static unsigned drop_target(struct target *target, struct attachment *a)
{
	unsigned n = drop_policies(target, a);

	target_drop_state(target, a);
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

static void sweep_over(void *context)
{
	attachment_put(context);
}

int weir_extension_detach(struct weir *w, const char *switch_name, const char *name, unsigned flags,
	struct weir_error *error)
{
	struct vswitch *s = vswitch_find(w, switch_name, error);
	struct attachment *a;
	struct wait *wait;
	unsigned n_policies;

	if (!s)
		return -ENOENT;
	a = attachment_find(s, name);
	if (!a)
		return weir_refuse(error, -ENOENT, "name",
			"extension \"%.64s\": is not attached to switch %s", name ? name : "",
			s->name);
	if (flags & WEIR_DRY_RUN)
		return 0;
	wait = weir_wait_make(1, sweep_over, a);
	if (!wait)
		return weir_refuse(error, -ENOMEM, NULL, "extension %s: no memory", name);
	stack_unlink(s, a);
	if (publish_all(s) < 0) {
		stack_insert(s, a);
		free(wait);
		return weir_refuse(error, -ENOMEM, NULL, "extension %s: no memory", name);
	}
	// The published stack is without it. The attachment's own reference ends with the sweep,
	// after which no flow holds a decision of its; the states' end with their grace periods.
	detaching(a);
	n_policies = drop_everywhere(a);
	weir_wait_begin(w, wait, s);
	weir_notify(w, "extension-detached", s->name, "", name,
		"extension %s detached from switch %s, with its %u policies there", name, s->name,
		n_policies);
	return 0;
}

void stack_detach_all(struct vswitch *s)
{
	while (s->attachments) {
		struct attachment *a = s->attachments;

		stack_unlink(s, a);
		detaching(a);
		drop_everywhere(a);
		attachment_put(a);
	}
}

// ---- Listing

static void list_one(struct extension *extension, const struct attachment *a,
	weir_extension_row *row, void *context)
{
	const struct weir_extension *e = extension_descriptor(extension);
	struct weir_extension_info info = {
		.name = e->name,
		.version = e->version,
		.summary = e->summary,
		.class_name = extension_class_name(e->class),
		.path = extension_path(extension),
		.abi_major = e->abi_major,
		.abi_minor = e->abi_minor,
		.last_offence = "",
	};

	if (a) {
		const struct extension_counters *c = &a->counters;

		info.switch_name = a->vswitch->name;
		info.order = a->order;
		info.decisions = counted(&c->decisions);
		info.visits = counted(&c->visits);
		info.violations = counted(&c->violations);
		info.invalid = counted(&c->invalid);
		info.impure = counted(&c->impure);
		info.modified = counted(&c->modified);
		if (__atomic_load_n(&c->offence_set, __ATOMIC_ACQUIRE) == 2)
			info.last_offence = c->offence;
	}
	row(context, &info);
}

static bool attached_anywhere(struct weir *w, const char *name)
{
	for (struct vswitch *s = w->switches; s; s = s->next)
		if (attachment_find(s, name))
			return true;
	return false;
}

int weir_extension_list(struct weir *w, const char *switch_name, weir_extension_row *row,
	void *context, struct weir_error *error)
{
	if (switch_name && !vswitch_find(w, switch_name, error))
		return -ENOENT;
	for (struct vswitch *s = w->switches; s; s = s->next) {
		if (switch_name && strcmp(switch_name, s->name) != 0)
			continue;
		for (const struct attachment *a = s->attachments; a; a = a->next)
			list_one(a->extension, a, row, context);
	}
	for (struct extension *e = extension_next(w->loader, NULL); !switch_name && e;
		e = extension_next(w->loader, e))
		if (!attached_anywhere(w, extension_descriptor(e)->name))
			list_one(e, NULL, row, context);
	return 0;
}
