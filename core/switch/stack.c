// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Putting extensions on a switch's stack, and taking them off.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/snapshot.h"
#include "switch/attachment.h"
#include "switch/extensions.h"
#include "switch/item.h"
#include "switch/loader.h"
#include "switch/missing.h"
#include "switch/notice.h"
#include "switch/publish.h"
#include "switch/remark.h"
#include "switch/stack.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

enum { ORDER_STEP = 10, ORDER_MAX = 65535 };

// ---- Places

// Stack order: by class (capture, filter, forwarding, service), then by number, then by name.
static bool stands_before(const struct attachment *a, const struct attachment *b)
{
	if (a->descriptor->class != b->descriptor->class)
		return a->descriptor->class < b->descriptor->class;
	if (a->order != b->order)
		return a->order < b->order;
	return strcmp(a->descriptor->name, b->descriptor->name) < 0;
}

void stack_insert(struct vswitch *s, struct attachment *a)
{
	struct attachment **link = &s->attachments;

	while (*link && stands_before(*link, a))
		link = &(*link)->next;
	a->next = *link;
	*link = a;
	s->n_attachments++;
}

void stack_unlink(struct vswitch *s, struct attachment *a)
{
	struct attachment **link = &s->attachments;

	while (*link != a)
		link = &(*link)->next;
	*link = a->next;
	s->n_attachments--;
}

void stack_exchange(struct vswitch *s, struct attachment *from, struct attachment *to)
{
	stack_unlink(s, from);
	stack_insert(s, to);
}

int stack_next_order(const struct vswitch *s, enum weir_class class)
{
	int last = 0;

	for (const struct attachment *a = s->attachments; a; a = a->next)
		if (a->descriptor->class == class && a->order > last)
			last = a->order;
	return last + ORDER_STEP < ORDER_MAX ? last + ORDER_STEP : ORDER_MAX;
}

int stack_check_order(int order, struct weir_error *error)
{
	if (order == WEIR_ORDER_DEFAULT || (order >= 0 && order <= ORDER_MAX))
		return 0;
	return weir_refuse(error, -EINVAL, "order", "order %d: must be 0 to %d", order, ORDER_MAX);
}

int stack_check(const struct vswitch *s, const struct weir_extension *e, int order,
	struct weir_error *error)
{
	int failed = stack_check_order(order, error);

	if (failed)
		return failed;
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

// ---- Attaching

// An extension of this name stands on the stack, but not as it should.
static int attach_again(struct attachment *a, int order, unsigned flags, struct weir_error *error)
{
	if (a->missing)
		return missing_retry(a, order, flags, error);
	if (attachment_is_refused(a))
		return refused_retry(a, flags, error);
	return weir_refuse(error, -EEXIST, "name",
		"extension \"%s\": is attached to switch %s already; another order or fail_open "
		"comes "
		"with a document that is applied, or by detaching it, which removes its policies, "
		"and attaching it again",
		a->descriptor->name, a->vswitch->name);
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
	a = attachment_find(s, name);
	if (a)
		return attach_again(a, order, flags, error);
	extension = extension_need(w, name, &loaded, error);
	if (!extension)
		return error && error->code ? error->code : -ENOENT;
	failed = stack_check(s, extension_descriptor(extension), order, error);
	a = failed ? NULL : attachment_make(s, extension, order, flags);
	if (!failed && !a)
		failed = weir_refuse(error, -ENOMEM, NULL, "extension %s: no memory", name);
	if (!failed)
		failed = attachment_enter(a, flags, error);
	if (failed || (flags & WEIR_DRY_RUN)) {
		if (a)
			attachment_give_up(a);
		if (loaded)
			extension_unneed(w, extension);
		return failed;
	}
	note_attachment(a, false);
	weir_notify(w, "extension-attached", s->name, "", name,
		"extension %s attached to switch %s with order %d", name, s->name, a->order);
	return 0;
}

// ---- Detaching

// They are gone for good, other than what is detached and can be attached again.
static void remark_policies(const struct attachment *a, unsigned n, bool made)
{
	const char *name = a->descriptor->name, *s = a->vswitch->name;

	if (n)
		weir_remark(a->weir, made,
			"extension %s on switch:%s: its %u polic%s there %s removed", name, s, n,
			n == 1 ? "y" : "ies", made ? (n == 1 ? "was" : "were") : "would be");
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
	a = attachment_need(s, name, "name", error);
	if (!a)
		return -ENOENT;
	if (flags & WEIR_DRY_RUN) {
		remark_ended(a, false);
		remark_policies(a, attachment_n_policies(a), false);
		return 0;
	}
	wait = attachment_end_make(a);
	if (!wait)
		return weir_refuse(error, -ENOMEM, NULL, "extension %s: no memory", name);
	stack_unlink(s, a);
	if (publish_all(s) < 0) {
		stack_insert(s, a);
		free(wait);
		return weir_refuse(error, -ENOMEM, NULL, "extension %s: no memory", name);
	}
	remark_ended(a, true);
	n_policies = attachment_end(a, wait);
	remark_policies(a, n_policies, true);
	note_attachment(a, true);
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
		attachment_end_with_switch(a);
	}
}
