// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Hot replacement: another version of an extension takes the place of the loaded one, on all
// switches at once and without a frame dropped.
//
// Up to the publication the new version is built up beside the old one: loaded, attached, given
// what the old one saves and all of its policies to prepare. Whatever fails there, the new one is
// taken apart again and the old one has not noticed. Then nothing can fail: the new stacks are
// published, and the old attachments end like detached ones, but for what belongs to the
// extension's name and stays: policies, meters, policers, drop reasons, sessions (which are handed
// over when the last flow has been decided anew), and its place.
//
// Where it is missing, or was expelled, it stays so: attaching it there tries the new version.
//
// In between flows run the programs that the old version decided. Visits that those ask for go to
// the new version, which has the old one's name in programs (stack_entry.visitor).
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "switch/attachment.h"
#include "switch/change.h"
#include "switch/extensions.h"
#include "switch/host.h"
#include "switch/item.h"
#include "switch/loader.h"
#include "switch/missing.h"
#include "switch/notice.h"
#include "switch/plan.h"
#include "switch/policy.h"
#include "switch/port.h"
#include "switch/publish.h"
#include "switch/reasons.h"
#include "switch/remark.h"
#include "switch/stack.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

// One switch that the extension is attached to.
struct succession {
	struct attachment *old, *new;
	struct change change; // what the new one has prepared
	struct publication *publication;
	struct wait *wait; // for the end of the old one
	unsigned n_given;  // targets whose policies the new one has
};

struct replacement {
	struct weir *weir;
	struct extension *old, *new;
	struct reason_names *reasons;
	struct closing *closing; // of the one that goes
	unsigned n;
	struct succession successions[];
};

// Target i of a switch: itself, then its ports by index. NULL: there is no such port.
static struct target *target_at(struct vswitch *s, unsigned i)
{
	if (i == 0)
		return &s->target;
	return s->ports[i - 1] ? &s->ports[i - 1]->target : NULL;
}

static unsigned n_targets(const struct vswitch *s)
{
	return 1 + s->n_indices;
}

// ---- The new version beside the old one

static int check_version(
	const struct weir *w, const struct replacement *r, struct weir_error *error)
{
	const struct weir_extension *old = extension_descriptor(r->old);
	const struct weir_extension *new = extension_descriptor(r->new);

	if (old->class != new->class)
		return weir_refuse(error, -EINVAL, "path",
			"extension %s: the class of the file is %s, and that of the loaded version "
			"%s; it must be the same",
			old->name, extension_class_name(new->class),
			extension_class_name(old->class));
	for (const struct vswitch *s = w->switches; s; s = s->next)
		for (const struct attachment *a = s->attachments; a; a = a->next)
			if (a->extension == r->old && a->predecessor)
				return weir_refuse(error, -EBUSY, "name",
					"extension %s: is being replaced; switch %s still runs "
					"decisions of the version before",
					old->name, s->name);
	return 0;
}

// The schema of the new version has to say every policy that there is.
static int check_policies(
	const struct target *t, const struct succession *x, struct weir_error *error)
{
	for (const struct policy *p = t->policies; p; p = p->next) {
		char name[WEIR_NAME_MAX + 8];
		struct weir_error own = { 0 };

		if (p->attachment != x->old || p->unchecked ||
			policy_check(t, x->new, p->type, p->bytes, p->size, &own))
			continue;
		target_name(t, name);
		return weir_refuse(error, own.code, "path",
			"policy %s of %s: the new version of extension %s does not take it: %.200s",
			p->id, name, x->new->descriptor->name, own.message);
	}
	return 0;
}

static int carry_state(const struct target *t, const struct succession *x, struct weir_error *error)
{
	void *bytes = NULL;
	size_t size = 0;
	int failed = attachment_save(x->old, t, &bytes, &size, error);

	if (failed)
		return failed;
	if (size)
		failed = attachment_restore(
			x->new, t, x->old->descriptor->save_version, bytes, size, error);
	free(bytes);
	return failed;
}

// A target whose policies the old version refuses may be refused by the new one, too.
static int prepare(struct target *t, struct succession *x, struct weir_error *error)
{
	const struct target_state *before = target_state_of(t, x->old);
	struct weir_error own = { 0 };
	const struct policy *second;
	char name[WEIR_NAME_MAX + 8];
	int failed;

	if (before && before->refusal) {
		failed = change_prepare_or_refuse(&x->change, x->new, t, error);
		return failed < 0 ? failed : 0;
	}
	failed = policy_check_keys(t, x->new, &second, &own);
	if (!failed)
		failed = change_prepare(&x->change, x->new, t, &own);
	if (!failed)
		return 0;
	target_name(t, name);
	return weir_refuse(error, failed, own.field,
		"extension %s: the new version refuses the policies of %s: %.300s",
		x->new->descriptor->name, name, own.message);
}

static int take_target(struct target *t, struct succession *x, struct weir_error *error)
{
	int failed = check_policies(t, x, error);

	if (failed)
		return failed;
	policies_give(t, x->old, x->new);
	failed = carry_state(t, x, error);
	if (!failed)
		failed = prepare(t, x, error);
	if (failed)
		policies_give(t, x->new, x->old);
	return failed;
}

static struct attachment *make(const struct replacement *r, struct attachment *old)
{
	struct attachment *a = attachment_make(
		old->vswitch, r->new, old->order, old->fail_open ? WEIR_FAIL_OPEN : 0);

	if (!a)
		return NULL;
	a->visitor = old->visitor;
	a->reasons = reasons_map(r->reasons, a->descriptor, a->reason_map);
	return a;
}

static int build(const struct replacement *r, struct succession *x, struct weir_error *error)
{
	struct vswitch *s = x->old->vswitch;
	int failed;

	x->wait = attachment_end_make(x->old);
	x->new = x->wait ? make(r, x->old) : NULL;
	if (!x->new)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	failed = attachment_attach(x->new, error);
	for (; !failed && x->n_given < n_targets(s); x->n_given++) {
		struct target *t = target_at(s, x->n_given);

		failed = t ? take_target(t, x, error) : 0;
		if (failed)
			break;
	}
	return failed;
}

static void take_apart(struct succession *x)
{
	struct vswitch *s = x->old->vswitch;

	change_abort(&x->change);
	for (unsigned i = 0; i < x->n_given; i++)
		if (target_at(s, i))
			policies_give(target_at(s, i), x->new, x->old);
	if (x->new)
		attachment_give_up(x->new);
	free(x->wait);
}

// ---- Into force

// The old states stay beside the new ones until those are published, and are seen by nobody.
static void step_back(struct succession *x)
{
	struct vswitch *s = x->old->vswitch;

	stack_exchange(s, x->new, x->old);
	change_revert(&x->change);
	for (unsigned i = 0; i < n_targets(s); i++)
		if (target_at(s, i))
			plan_apply_objects(
				target_at(s, i), target_state_of(target_at(s, i), x->old));
}

static int publish(struct replacement *r, struct weir_error *error)
{
	bool made = true;

	for (unsigned i = 0; i < r->n; i++) {
		struct succession *x = &r->successions[i];

		change_commit(&x->change);
		stack_exchange(x->old->vswitch, x->old, x->new);
	}
	for (unsigned i = 0; made && i < r->n; i++) {
		struct succession *x = &r->successions[i];

		x->publication = publication_make(x->old->vswitch, true);
		made = x->publication != NULL;
	}
	for (unsigned i = 0; i < r->n; i++) {
		struct succession *x = &r->successions[i];

		if (made) {
			publication_force(x->publication);
			change_finish(&x->change);
		} else {
			publication_discard(x->publication);
			step_back(x);
		}
	}
	return made ? 0 : weir_refuse(error, -ENOMEM, NULL, "no memory");
}

// ---- The end of the old version

static void leave(struct succession *x)
{
	struct vswitch *s = x->old->vswitch;

	x->new->predecessor = x->old;
	x->old->successor = x->new;
	x->new->refs++;
	attachment_end(x->old, x->wait);
	note_attachment(x->new, false);
	weir_log_line(s->weir, LOG_DEBUG, "extension %s: switch %s runs the new version",
		x->new->descriptor->name, s->name);
}

static void finish(struct replacement *r)
{
	struct weir *w = r->weir;
	const struct weir_extension *old = extension_descriptor(r->old);
	const struct weir_extension *new = extension_descriptor(r->new);
	unsigned n_missing = missing_move(w, new->name);

	reasons_publish(w, r->reasons);
	loader_exchange(w->loader, r->old, r->new);
	for (unsigned i = 0; i < r->n; i++) {
		remark_ended(r->successions[i].old, true);
		leave(&r->successions[i]);
	}
	weir_notify(w, "extension-replaced", "", "", new->name,
		"extension %s %s replaced by %s from %s, on %u switch%s%s", new->name, old->version,
		new->version, extension_path(r->new), r->n, r->n == 1 ? "" : "es",
		n_missing ? "; where it is missing or was expelled, attaching it tries this one"
			  : "");
	closing_begin(r->closing, r->old);
}

// ---- The transaction

static struct replacement *replacement_make(struct weir *w, struct extension *old)
{
	unsigned n = 0;
	struct replacement *r;

	for (struct vswitch *s = w->switches; s; s = s->next)
		for (const struct attachment *a = s->attachments; a; a = a->next)
			n += a->extension == old;
	r = calloc(1, sizeof(*r) + n * sizeof(r->successions[0]));
	if (!r)
		return NULL;
	r->weir = w;
	r->old = old;
	r->closing = closing_make(w);
	if (!r->closing) {
		free(r);
		return NULL;
	}
	for (struct vswitch *s = w->switches; s; s = s->next)
		for (struct attachment *a = s->attachments; a; a = a->next)
			if (a->extension == old)
				r->successions[r->n++].old = a;
	return r;
}

// Undoes what build() and publish() have left; the new version goes.
static void give_up(struct replacement *r)
{
	for (unsigned i = 0; i < r->n; i++)
		take_apart(&r->successions[i]);
	missing_move_discard(r->weir, extension_descriptor(r->old)->name);
	reasons_discard(r->weir, r->reasons);
	if (r->new)
		closing_begin(r->closing, r->new);
	else
		free(r->closing);
}

static int replace(
	struct replacement *r, const char *path, unsigned flags, struct weir_error *error)
{
	struct weir *w = r->weir;
	const char *name = extension_descriptor(r->old)->name;
	int failed = loader_load_beside(
		w->loader, name, path ? path : extension_named_path(r->old), &r->new, error);

	if (!failed)
		failed = check_version(w, r, error);
	if (!failed)
		failed = reasons_make(w, extension_descriptor(r->new), &r->reasons, error);
	for (unsigned i = 0; !failed && i < r->n; i++)
		failed = build(r, &r->successions[i], error);
	if (!failed && missing_move_make(w, name, extension_named_path(r->new)) < 0)
		failed = weir_refuse(error, -ENOMEM, NULL, "extension %s: no memory", name);
	for (unsigned i = 0; !failed && (flags & WEIR_DRY_RUN) && i < r->n; i++)
		remark_ended(r->successions[i].old, false);
	if (failed || (flags & WEIR_DRY_RUN))
		return failed;
	return publish(r, error);
}

int weir_extension_replace(struct weir *w, const char *name, const char *path, unsigned flags,
	struct weir_error *error)
{
	struct extension *old = extension_loaded(w, name, "name", error);
	struct replacement *r = old ? replacement_make(w, old) : NULL;
	struct weir_error own = { 0 };
	int failed;

	if (!old)
		return -ENOENT;
	if (!r)
		return weir_refuse(error, -ENOMEM, NULL, "extension %s: no memory", name);
	failed = replace(r, path, flags, &own);
	if (!failed && !(flags & WEIR_DRY_RUN))
		finish(r);
	else
		give_up(r);
	free(r);
	if (!failed) {
		missing_remark(w, name, !(flags & WEIR_DRY_RUN));
		return 0;
	}
	if (!(flags & WEIR_DRY_RUN))
		weir_notify(w, "extension-not-replaced", "", "", name,
			"extension %s stays as it is: %.300s", name, own.message);
	return weir_refuse(error, failed, own.field, "%s", own.message);
}
