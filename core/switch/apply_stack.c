// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Applying a document: what stands on the stacks.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/snapshot.h"
#include "switch/apply.h"
#include "switch/attachment.h"
#include "switch/document.h"
#include "switch/extensions.h"
#include "switch/item.h"
#include "switch/loader.h"
#include "switch/missing.h"
#include "switch/notice.h"
#include "switch/stack.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

struct stack_step {
	struct step step;
	struct attachment *attachment;
	struct extension *loaded; // for this alone
	struct wait *wait;        // for its end
	int order;                // before
	bool fail_open;
};

static void name(const struct step *step, char *text, size_t size)
{
	const struct attachment *a = ((const struct stack_step *)step)->attachment;

	snprintf(text, size, "%s %s", a->vswitch->name, a->descriptor->name);
}

static void restack(struct vswitch *s)
{
	s->stale = s->restacked = true;
}

// ---- Removing

static void undo_removal(struct apply *x, struct step *step)
{
	struct stack_step *removal = (struct stack_step *)step;

	(void)x;
	stack_insert(removal->attachment->vswitch, removal->attachment);
	free(removal->wait);
}

static void finish_removal(struct apply *x, struct step *step)
{
	struct stack_step *removal = (struct stack_step *)step;
	struct attachment *a = removal->attachment;
	unsigned n_policies = attachment_end(a, removal->wait);

	note_attachment(a, true);
	weir_notify(x->weir, "extension-detached", a->vswitch->name, "", a->descriptor->name,
		"extension %s detached from switch %s, with its %u policies there",
		a->descriptor->name, a->vswitch->name, n_policies);
}

static const struct step_class removal_class = { "remove", "extension", name, undo_removal,
	finish_removal };

static int plan_removal(struct apply *x, struct attachment *a)
{
	struct wait *wait = attachment_end_make(a);
	struct stack_step *removal = wait ? step_add(x, &removal_class, sizeof(*removal)) : NULL;

	if (!removal) {
		free(wait);
		return no_memory(x);
	}
	removal->attachment = a;
	removal->wait = wait;
	step_say(x, &removal->step, "with its policies");
	stack_unlink(a->vswitch, a);
	restack(a->vswitch);
	return 0;
}

int plan_stack_removals(struct apply *x)
{
	int failed = 0;

	if (!(x->flags & WEIR_PRUNE))
		return 0;
	for (struct vswitch *s = x->weir->switches; s; s = s->next) {
		for (struct attachment *a = s->attachments, *next; !failed && a; a = next) {
			struct weir_item key = { .kind = WEIR_ITEM_EXTENSION,
				.switch_name = s->name,
				.name = a->descriptor->name };

			next = a->next;
			if (!document_find(x->document, &key))
				failed = plan_removal(x, a);
		}
	}
	return failed;
}

// ---- Another place

static void undo_change(struct apply *x, struct step *step)
{
	struct stack_step *change = (struct stack_step *)step;
	struct attachment *a = change->attachment;

	(void)x;
	stack_unlink(a->vswitch, a);
	a->order = change->order;
	a->fail_open = change->fail_open;
	stack_insert(a->vswitch, a);
}

static void finish_change(struct apply *x, struct step *step)
{
	const struct attachment *a = ((struct stack_step *)step)->attachment;

	note_attachment(a, false);
	weir_notify(x->weir, "extension-changed", a->vswitch->name, "", a->descriptor->name,
		"extension %s on switch %s: %s", a->descriptor->name, a->vswitch->name,
		step->text ? step->text : "");
}

static const struct step_class change_class = { "change", "extension", name, undo_change,
	finish_change };

static int plan_change(struct apply *x, struct attachment *a, const struct weir_item *item)
{
	int order = item->extension.order == WEIR_ORDER_DEFAULT ? a->order : item->extension.order;
	const char *path = a->missing ? attachment_path(a) : extension_path(a->extension);
	struct stack_step *change;
	int failed = stack_check_order(order, x->error);

	if (!failed && item->extension.path && (!path || strcmp(path, item->extension.path) != 0))
		return weir_refuse(x->error, -EBUSY, "path",
			"extension %s: is on switch %s from %.120s, and to have it from %.120s "
			"it has to be detached first, or replaced by extension replace",
			item->name, item->switch_name, path ? path : "a directory of extensions",
			item->extension.path);
	if (failed || (order == a->order && item->extension.fail_open == a->fail_open))
		return failed;
	change = step_add(x, &change_class, sizeof(*change));
	if (!change)
		return -ENOMEM;
	change->attachment = a;
	change->order = a->order;
	change->fail_open = a->fail_open;
	if (order == a->order)
		step_say(x, &change->step, "fail_open %s", a->fail_open ? "no" : "yes");
	else
		step_say(x, &change->step, "order %d%s", order,
			item->extension.fail_open == a->fail_open ? ""
			: a->fail_open                            ? ", fail_open no"
								  : ", fail_open yes");
	stack_unlink(a->vswitch, a);
	a->order = order;
	a->fail_open = item->extension.fail_open;
	stack_insert(a->vswitch, a);
	restack(a->vswitch);
	return 0;
}

// ---- Adding

static void undo_adding(struct apply *x, struct step *step)
{
	struct stack_step *adding = (struct stack_step *)step;
	struct attachment *a = adding->attachment;

	stack_unlink(a->vswitch, a);
	attachment_give_up(a);
	if (adding->loaded)
		extension_unneed(x->weir, adding->loaded);
}

static void finish_adding(struct apply *x, struct step *step)
{
	struct attachment *a = ((struct stack_step *)step)->attachment;
	struct vswitch *s = a->vswitch;

	a->arriving = false;
	note_attachment(a, false);
	if (a->missing)
		weir_notify(x->weir, "extension-missing", s->name, "", a->descriptor->name,
			"extension %s is missing on switch %s: %s; extension attach tries it "
			"again, and from another file after extension load %s --path FILE",
			a->descriptor->name, s->name, missing_reason(a), a->descriptor->name);
	else
		weir_notify(x->weir, "extension-attached", s->name, "", a->descriptor->name,
			"extension %s attached to switch %s with order %d", a->descriptor->name,
			s->name, a->order);
}

static const struct step_class adding_class = { "add", "extension", name, undo_adding,
	finish_adding };

static struct extension *load(struct apply *x, const struct weir_item *item, bool *loaded)
{
	struct loader *loader = x->weir->loader;
	struct extension *extension = loader_find(loader, item->name);
	const char *path = item->extension.path;

	*loaded = false;
	if (extension && path && strcmp(extension_path(extension), path) != 0) {
		weir_refuse(x->error, -EBUSY, "path",
			"extension %s: is loaded from %.120s, and to have it from %.120s it has to "
			"be unloaded first, or replaced by extension replace",
			item->name, extension_path(extension), path);
		return NULL;
	}
	if (extension)
		return extension;
	if (weir_extension_load(x->weir, item->name, path, 0, x->error) < 0)
		return NULL;
	*loaded = true;
	return loader_find(loader, item->name);
}

static unsigned attach_flags(const struct weir_item *item)
{
	return item->extension.fail_open ? WEIR_FAIL_OPEN : 0;
}

// On the stack, with its attach() called. NULL: refused, and nothing is left.
static struct attachment *enter(struct apply *x, struct vswitch *s, struct extension *extension,
	const struct weir_item *item)
{
	int failed = stack_check(
		s, extension_descriptor(extension), item->extension.order, x->error);
	struct attachment *a;

	if (failed)
		return NULL;
	a = attachment_make(s, extension, item->extension.order, attach_flags(item));
	if (!a) {
		no_memory(x);
		return NULL;
	}
	a->arriving = true;
	if (attachment_attach(a, x->error) < 0) {
		attachment_give_up(a);
		return NULL;
	}
	restore_saved(x, a, &s->target);
	stack_insert(s, a);
	return a;
}

static struct attachment *enter_missing(
	struct apply *x, struct vswitch *s, const struct weir_item *item)
{
	struct attachment *a = attachment_make(s, NULL, item->extension.order, attach_flags(item));

	if (!a || missing_make(a, item->name, item->extension.path, x->error->message) < 0) {
		if (a)
			attachment_give_up(a);
		no_memory(x);
		return NULL;
	}
	a->arriving = true;
	stack_insert(s, a);
	return a;
}

// A name, an order or a stack that allow no such extension at all, whoever comes.
static int check(struct apply *x, const struct vswitch *s, const struct weir_item *item)
{
	if (!loader_is_name(item->name))
		return weir_refuse(x->error, -EINVAL, "name",
			"extension \"%.64s\": a name has 1 to %d characters a-z, 0-9 and \"-\"",
			item->name, WEIR_NAME_MAX - 1);
	if (s->n_attachments == STACK_MAX)
		return weir_refuse(x->error, -ENOSPC, "name",
			"switch %s: has %d extensions, the most allowed", s->name, STACK_MAX);
	return stack_check_order(item->extension.order, x->error);
}

static int add(struct apply *x, struct vswitch *s, const struct document_entry *entry)
{
	const struct weir_item *item = &entry->item;
	struct extension *extension;
	struct attachment *a = NULL;
	struct stack_step *adding;
	bool loaded = false;
	int failed = check(x, s, item);

	if (failed)
		return failed;
	extension = load(x, item, &loaded);
	if (extension)
		a = enter(x, s, extension, item);
	if (!a && loaded)
		extension_unneed(x->weir, extension);
	loaded &= a != NULL;
	if (!a && restoring(x) && x->error->code != -ENOMEM)
		a = enter_missing(x, s, item);
	if (!a)
		return x->error->code;
	adding = step_add(x, &adding_class, sizeof(*adding));
	if (!adding) {
		stack_unlink(s, a);
		attachment_give_up(a);
		if (loaded)
			extension_unneed(x->weir, extension);
		return -ENOMEM;
	}
	adding->attachment = a;
	adding->loaded = loaded ? extension : NULL;
	if (a->missing)
		step_say(x, &adding->step, "missing: %s", missing_reason(a));
	else
		step_say(x, &adding->step, "order %d%s", a->order,
			a->fail_open ? ", fail_open yes" : "");
	restack(s);
	*x->error = (struct weir_error){ 0 };
	return touch(x, &s->target, a, entry) ? 0 : -ENOMEM;
}

int plan_stacks(struct apply *x)
{
	const struct document_entry *entry = x->document->first[WEIR_ITEM_EXTENSION];
	int failed = 0;

	for (; !failed && entry; entry = entry->next) {
		struct vswitch *s = apply_find_switch(x, entry->item.switch_name);
		struct attachment *a = s ? attachment_find(s, entry->item.name) : NULL;

		if (!s)
			failed = x->error->code;
		else if (a)
			failed = plan_change(x, a, &entry->item);
		else
			failed = add(x, s, entry);
		failed = item_refuse(x, entry, failed);
	}
	return failed;
}
