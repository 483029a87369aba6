// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Applying a document: who has to prepare for what, once each.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "datapath/snapshot.h"
#include "switch/apply.h"
#include "switch/arena.h"
#include "switch/attachment.h"
#include "switch/change.h"
#include "switch/document.h"
#include "switch/host.h"
#include "switch/notice.h"
#include "switch/policy.h"
#include "switch/port.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/weir.h"

// ---- What is concerned

struct touched *touch_target(struct apply *x, struct target *t)
{
	struct touched *touched = t->touched;

	if (touched)
		return touched;
	touched = arena_alloc(&x->arena, sizeof(*touched));
	if (!touched) {
		no_memory(x);
		return NULL;
	}
	touched->target = t;
	t->touched = touched;
	if (t->port) {
		*x->ports_end = touched;
		x->ports_end = &touched->next;
	} else {
		*x->switches_end = touched;
		x->switches_end = &touched->next;
	}
	return touched;
}

static struct pair *find(const struct touched *touched, const struct attachment *a)
{
	struct pair *pair = touched ? touched->pairs : NULL;

	while (pair && pair->attachment != a)
		pair = pair->next;
	return pair;
}

struct pair *touch(
	struct apply *x, struct target *t, struct attachment *a, const struct document_entry *entry)
{
	struct touched *touched = touch_target(x, t);
	struct pair *pair = find(touched, a);

	if (touched && !pair) {
		pair = arena_alloc(&x->arena, sizeof(*pair));
		if (!pair) {
			no_memory(x);
			return NULL;
		}
		pair->attachment = a;
		pair->next = touched->pairs;
		touched->pairs = pair;
	}
	if (pair && entry) {
		pair->entry = pair->entry ? pair->entry : entry;
		pair->n_entries++;
	}
	return pair;
}

// Every port is new to one that arrives.
static int touch_all(struct apply *x, struct attachment *a)
{
	struct vswitch *s = a->vswitch;
	const struct pair *first = find(s->target.touched, a);
	int failed = 0;

	for (unsigned i = 0; !failed && i < s->n_indices; i++) {
		struct port *port = s->ports[i];
		struct pair *pair = port ? touch(x, &port->target, a, NULL) : NULL;

		if (port && !pair)
			failed = -ENOMEM;
		else if (pair && !pair->entry)
			pair->entry = first->entry;
	}
	return failed;
}

// Everybody on the stack is new to a port that comes.
static int touch_new(struct apply *x, struct touched *touched)
{
	struct attachment *a = touched->target->vswitch->attachments;

	for (; a; a = a->next) {
		struct pair *pair = touch(x, touched->target, a, NULL);

		if (!pair)
			return -ENOMEM;
		if (!pair->entry)
			pair->entry = touched->entry;
	}
	return 0;
}

static int touch_followers(struct apply *x, struct target *t)
{
	for (struct target_state *state = t->states; state; state = state->next) {
		struct attachment *a = state->attachment;
		struct pair *pair;

		if (!state->uses_ports || find(t->touched, a) ||
			attachment_find(t->vswitch, a->descriptor->name) != a)
			continue;
		pair = touch(x, t, a, NULL);
		if (!pair)
			return -ENOMEM;
		pair->soft = true;
	}
	return 0;
}

static int follow_ports(struct apply *x, struct vswitch *s)
{
	int failed = touch_followers(x, &s->target);

	for (unsigned i = 0; !failed && i < s->n_indices; i++)
		if (s->ports[i])
			failed = touch_followers(x, &s->ports[i]->target);
	return failed;
}

int prepare_plan(struct apply *x)
{
	int failed = 0;

	for (struct touched *touched = x->ports; !failed && touched; touched = touched->next)
		if (touched->everybody)
			failed = touch_new(x, touched);
	for (struct vswitch *s = x->weir->switches; s; s = s->next) {
		for (struct attachment *a = s->attachments; !failed && a; a = a->next)
			if (a->arriving)
				failed = touch_all(x, a);
		if (!failed && s->ports_changed)
			failed = follow_ports(x, s);
	}
	return failed;
}

// ---- Preparing

static bool changes_policies(const struct pair *pair)
{
	return pair->n_added || pair->n_replaced || pair->n_removed;
}

struct refused_step {
	struct step step;
	const struct target *target;
	const struct attachment *attachment;
};

static void refused_name(const struct step *step, char *text, size_t size)
{
	const struct refused_step *refused = (const struct refused_step *)step;
	char target[WEIR_NAME_MAX + 8];

	target_name(refused->target, target);
	snprintf(text, size, "%s %s", target, refused->attachment->descriptor->name);
}

static void refused_finish(struct apply *x, struct step *step)
{
	const struct refused_step *refused = (const struct refused_step *)step;
	const struct target *t = refused->target;

	weir_notify(x->weir, "policies-refused", t->vswitch->name, t->port ? t->port->name : "",
		refused->attachment->descriptor->name, "extension %s %s",
		refused->attachment->descriptor->name, step->text ? step->text : "");
}

static const struct step_class refused_class = { "change", "extension", refused_name, NULL,
	refused_finish };

// What is refused while restoring stays, and nothing passes.
static int prepare_somehow(struct apply *x, struct target *t, struct attachment *a)
{
	int refused = change_prepare_or_refuse(&x->change, a, t, x->error);
	struct refused_step *step;

	if (refused <= 0)
		return refused;
	step = step_add(x, &refused_class, sizeof(*step));
	if (!step)
		return -ENOMEM;
	step->target = t;
	step->attachment = a;
	step_say(x, &step->step, "refuses the configuration of %s: %s",
		t->port ? t->port->name : t->vswitch->name, x->error->message);
	*x->error = (struct weir_error){ 0 };
	return 0;
}

// A refusal is put down to the item when there is only one that it can be about.
static int blame(struct apply *x, const struct pair *pair, int failed)
{
	if (pair->n_entries > 1 || pair->n_removed) {
		x->error->field[0] = '\0';
		return failed;
	}
	return item_blame(x, pair->entry, failed);
}

static int check_keys(struct apply *x, const struct target *t, const struct pair *pair)
{
	char target[WEIR_NAME_MAX + 8];
	const struct policy *second;
	int failed = policy_check_keys(t, pair->attachment, &second, x->error);
	struct weir_item key = { .kind = WEIR_ITEM_POLICY,
		.target = target,
		.name = pair->attachment->descriptor->name };

	if (!failed || failed == -ENOMEM)
		return failed;
	target_name(t, target);
	key.policy.id = second->id;
	return item_blame(x, document_find(x->document, &key), failed);
}

static int follow(struct apply *x, struct target *t, struct attachment *a)
{
	int failed = change_prepare(&x->change, a, t, x->error);

	if (!failed || failed == -ENOMEM)
		return failed;
	weir_log_line(x->weir, LOG_WARNING, "extension %s keeps its old state for %s: %s",
		a->descriptor->name, t->port ? t->port->name : t->vswitch->name, x->error->message);
	*x->error = (struct weir_error){ 0 };
	return 0;
}

// A capture extension has no say about ports: it does without one.
static int prepare_capture(struct apply *x, struct target *t, struct attachment *a)
{
	int failed = change_prepare(&x->change, a, t, x->error);

	if (!failed || failed == -ENOMEM)
		return failed;
	extension_offend(&a->counters, &a->counters.violations,
		"refusing a port is not for the class capture: %s", x->error->message);
	*x->error = (struct weir_error){ 0 };
	return 0;
}

static int prepare_pair(struct apply *x, struct touched *touched, struct pair *pair)
{
	struct attachment *a = pair->attachment;
	struct target *t = touched->target;
	int failed = 0;

	if (changes_policies(pair))
		failed = apply_review(
			x, t->vswitch, WEIR_EVENT_POLICY_CHANGED, t->port, a->descriptor->name);
	if (failed)
		return blame(x, pair, failed);
	if (a->missing)
		return 0;
	if (t->port && !target_state_of(t, a))
		restore_saved(x, a, t);
	if (pair->soft)
		return follow(x, t, a);
	if (touched->everybody && !a->arriving && a->descriptor->class == WEIR_CLASS_CAPTURE &&
		!changes_policies(pair))
		return prepare_capture(x, t, a);
	if (restoring(x))
		return prepare_somehow(x, t, a);
	if (pair->n_added || pair->n_replaced)
		failed = check_keys(x, t, pair);
	if (failed)
		return failed;
	failed = change_prepare(&x->change, a, t, x->error);
	return failed ? blame(x, pair, failed) : 0;
}

static int prepare_target(struct apply *x, struct touched *touched)
{
	struct vswitch *s = touched->target->vswitch;
	int failed = 0;

	// In the order of the stack.
	for (struct attachment *a = s->attachments; !failed && a; a = a->next) {
		struct pair *pair = find(touched, a);

		if (pair)
			failed = prepare_pair(x, touched, pair);
	}
	s->stale = true;
	if (touched->target->port)
		touched->target->port->dirty = true;
	else
		s->restacked = true;
	return failed;
}

int prepare_all(struct apply *x)
{
	int failed = 0;

	for (struct touched *t = x->switches; !failed && t; t = t->next)
		failed = prepare_target(x, t);
	for (struct touched *t = x->ports; !failed && t; t = t->next)
		failed = prepare_target(x, t);
	return failed;
}

// ---- Telling

static void tell_pair(struct apply *x, const struct target *t, const struct pair *pair)
{
	const char *extension = pair->attachment->descriptor->name;
	char target[WEIR_NAME_MAX + 8];

	target_name(t, target);
	weir_notify(x->weir, "policy-changed", t->vswitch->name, t->port ? t->port->name : "",
		extension, "policies of %s on %s: %u added, %u replaced, %u removed", extension,
		target, pair->n_added, pair->n_replaced, pair->n_removed);
	tell(t->vswitch, WEIR_EVENT_POLICY_CHANGED, t->port, extension);
}

static void tell_list(struct apply *x, const struct touched *touched)
{
	for (; touched; touched = touched->next)
		for (const struct pair *pair = touched->pairs; pair; pair = pair->next)
			if (changes_policies(pair))
				tell_pair(x, touched->target, pair);
}

void prepare_tell(struct apply *x)
{
	tell_list(x, x->switches);
	tell_list(x, x->ports);
}
