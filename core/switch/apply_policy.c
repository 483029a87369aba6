// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Applying a document: policies, the counts of meters, and what extensions saved.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "switch/apply.h"
#include "switch/attachment.h"
#include "switch/document.h"
#include "switch/host.h"
#include "switch/item.h"
#include "switch/meter.h"
#include "switch/notice.h"
#include "switch/policy.h"
#include "switch/port.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

struct policy_step {
	struct step step;
	struct target *target;
	struct policy *policy; // added, or removed
	struct policy *old;    // that it replaces
};

static void name(const struct step *step, char *text, size_t size)
{
	const struct policy_step *s = (const struct policy_step *)step;
	const struct policy *p = s->policy;
	char target[WEIR_NAME_MAX + 8];

	target_name(s->target, target);
	snprintf(text, size, "%s %s%s%s %s", target, policy_extension(p), *p->type ? "." : "",
		p->type, p->id);
}

static void undo_adding(struct apply *x, struct step *step)
{
	struct policy_step *adding = (struct policy_step *)step;

	(void)x;
	policy_unlink(adding->target, adding->policy);
	free(adding->policy);
}

static void undo_replacing(struct apply *x, struct step *step)
{
	struct policy_step *replacing = (struct policy_step *)step;

	(void)x;
	policy_replace(replacing->target, replacing->policy, replacing->old);
	free(replacing->policy);
}

static void undo_removal(struct apply *x, struct step *step)
{
	struct policy_step *removal = (struct policy_step *)step;

	(void)x;
	policy_link(removal->target, removal->policy);
}

static void finish_adding(struct apply *x, struct step *step)
{
	struct policy_step *adding = (struct policy_step *)step;

	(void)x;
	note_policy(adding->target, adding->policy, false);
	free(adding->old);
}

static void finish_removal(struct apply *x, struct step *step)
{
	struct policy_step *removal = (struct policy_step *)step;

	(void)x;
	note_policy(removal->target, removal->policy, true);
	free(removal->policy);
}

static const struct step_class adding_class = { "add", "policy", name, undo_adding, finish_adding };
static const struct step_class change_class = { "change", "policy", name, undo_replacing,
	finish_adding };
static const struct step_class removal_class = { "remove", "policy", name, undo_removal,
	finish_removal };

// ---- Removing

static int plan_removal(struct apply *x, struct target *t, struct policy *policy)
{
	struct pair *pair = touch(x, t, policy->attachment, NULL);
	struct policy_step *removal = pair ? step_add(x, &removal_class, sizeof(*removal)) : NULL;

	if (!removal)
		return -ENOMEM;
	removal->target = t;
	removal->policy = policy;
	policy_unlink(t, policy);
	pair->n_removed++;
	return 0;
}

static int remove_unnamed(struct apply *x, struct target *t)
{
	char target[WEIR_NAME_MAX + 8];
	int failed = 0;

	target_name(t, target);
	for (struct policy *p = t->policies, *next; !failed && p; p = next) {
		const struct attachment *a = p->attachment;
		struct weir_item key = { .kind = WEIR_ITEM_POLICY,
			.target = target,
			.name = policy_extension(p),
			.policy = { .id = p->id } };

		next = p->next;
		// Those of an extension that is detached go with it.
		if (attachment_find(t->vswitch, policy_extension(p)) == a &&
			!document_find(x->document, &key))
			failed = plan_removal(x, t, p);
	}
	return failed;
}

int plan_policy_removals(struct apply *x)
{
	int failed = 0;

	if (!(x->flags & WEIR_PRUNE))
		return 0;
	for (struct vswitch *s = x->weir->switches; !failed && s; s = s->next) {
		failed = remove_unnamed(x, &s->target);
		for (unsigned i = 0; !failed && i < s->n_indices; i++)
			if (s->ports[i])
				failed = remove_unnamed(x, &s->ports[i]->target);
	}
	return failed;
}

// ---- Adding

static bool stands(const struct policy *p, const char *type, const struct weir_item *item)
{
	return (!*type || strcmp(p->type, type) == 0) && p->size == item->policy.size &&
	       (p->size == 0 || memcmp(p->bytes, item->policy.bytes, p->size) == 0);
}

static const char *text(const char *maybe)
{
	return maybe ? maybe : "";
}

// While restoring, what an extension does not take is kept: it is checked when it is prepared, with
// all others of its target.
static struct policy *make(
	struct apply *x, const struct target *t, struct attachment *a, const struct weir_item *item)
{
	const struct schema_type *type = NULL;
	struct policy *policy;

	if (!restoring(x)) {
		type = policy_check(
			t, a, item->policy.type, item->policy.bytes, item->policy.size, x->error);
		if (!type)
			return NULL;
	}
	policy = type ? policy_make(a, type, item->policy.id, item->policy.bytes, item->policy.size)
		      : policy_make_unchecked(a, text(item->policy.type), item->policy.id,
				item->policy.bytes, item->policy.size);
	if (!policy)
		no_memory(x);
	return policy;
}

static int add(struct apply *x, struct target *t, struct attachment *a, struct policy *old,
	const struct document_entry *entry)
{
	struct policy *policy = make(x, t, a, &entry->item);
	struct pair *pair = policy ? touch(x, t, a, entry) : NULL;
	struct policy_step *adding = NULL;

	if (pair)
		adding = step_add(x, old ? &change_class : &adding_class, sizeof(*adding));
	if (!adding) {
		free(policy);
		return x->error->code;
	}
	adding->target = t;
	adding->policy = policy;
	adding->old = old;
	if (old)
		policy_replace(t, old, policy);
	else
		policy_append(t, policy);
	if (old)
		pair->n_replaced++;
	else
		pair->n_added++;
	return 0;
}

static int plan(
	struct apply *x, struct target *t, struct attachment *a, const struct document_entry *entry)
{
	const struct weir_item *item = &entry->item;
	struct policy *old;
	int failed;

	if (!a && x->flags & WEIR_PRUNE)
		return weir_refuse(x->error, -ENOENT, "extension",
			"extension \"%.64s\": is not attached to switch %s in the document, which "
			"removes what it does not name",
			item->name, t->vswitch->name);
	if (!a)
		return attachment_need(t->vswitch, item->name, "extension", x->error) ? 0 : -ENOENT;
	failed = policy_check_id(item->policy.id, x->error);
	if (failed)
		return failed;
	old = policy_find(t, a, item->policy.id);
	if (old && stands(old, text(item->policy.type), item))
		return 0;
	return add(x, t, a, old, entry);
}

int plan_policies(struct apply *x)
{
	const struct document_entry *entry = x->document->first[WEIR_ITEM_POLICY];
	const char *target = NULL, *extension = NULL;
	struct attachment *a = NULL;
	struct target *t = NULL;
	int failed = 0;

	for (; !failed && entry; entry = entry->next) {
		const struct weir_item *item = &entry->item;

		// Equal neighbours share their texts.
		if (item->target != target || item->name != extension) {
			t = apply_find_target(x, item->target);
			a = t ? attachment_find(t->vswitch, item->name) : NULL;
			target = t ? item->target : NULL;
			extension = item->name;
		}
		failed = item_refuse(x, entry, t ? plan(x, t, a, entry) : x->error->code);
	}
	return failed;
}

// ---- What is only restored

struct meter_step {
	struct step step;
	struct vswitch *vswitch;
	struct meter_before before;
};

static void undo_meter(struct apply *x, struct step *step)
{
	const struct meter_step *meter = (const struct meter_step *)step;

	(void)x;
	meter_restore_undo(meter->vswitch, &meter->before);
}

// Counts are no difference.
static const struct step_class meter_class = { .undo = undo_meter };

static int plan_meter(struct apply *x, const struct weir_item *item)
{
	struct target *t = apply_find_target(x, item->target);
	struct meter_before before;
	struct meter_step *meter;
	int failed;

	if (!t)
		return x->error->code;
	failed = meter_restore(t->vswitch, item, &before);
	if (failed)
		return weir_refuse(x->error, failed, "id", "meter %.64s of %.64s on %.64s: %s",
			item->meter.id, item->name, item->target, strerror(-failed));
	meter = step_add(x, &meter_class, sizeof(*meter));
	if (!meter) {
		meter_restore_undo(t->vswitch, &before);
		return -ENOMEM;
	}
	meter->vswitch = t->vswitch;
	meter->before = before;
	return 0;
}

int plan_meters(struct apply *x)
{
	const struct document_entry *entry = x->document->first[WEIR_ITEM_METER];
	int failed = 0;

	for (; restoring(x) && !failed && entry; entry = entry->next)
		failed = item_refuse(x, entry, plan_meter(x, &entry->item));
	return failed;
}

void restore_saved(struct apply *x, struct attachment *a, const struct target *t)
{
	char target[WEIR_NAME_MAX + 8];
	struct weir_item key = {
		.kind = WEIR_ITEM_SAVED, .target = target, .name = a->descriptor->name
	};
	const struct document_entry *entry;
	struct weir_error error = { 0 };
	int failed;

	// One that stays would keep what a dry run gave it.
	if (!restoring(x) || a->missing || (x->flags & WEIR_DRY_RUN))
		return;
	target_name(t, target);
	entry = document_find(x->document, &key);
	if (!entry)
		return;
	failed = attachment_restore(a, t, entry->item.saved.version, entry->item.saved.bytes,
		entry->item.saved.size, &error);
	if (failed)
		weir_notify(x->weir, "state-not-restored", t->vswitch->name,
			t->port ? t->port->name : "", a->descriptor->name,
			"%.200s; it goes on without", error.message);
}
