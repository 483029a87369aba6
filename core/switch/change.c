// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// One transaction of prepares: everybody concerned prepares before anybody commits.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>
#include <weir/extension.h>

#include "switch/attachment.h"
#include "switch/change.h"
#include "switch/host.h"
#include "switch/meter.h"
#include "switch/plan.h"
#include "switch/policy.h"
#include "switch/port.h"
#include "switch/remark.h"
#include "switch/schema.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/wait.h"

struct prepared {
	struct prepared *next;
	struct target *target;
	struct target_state *state;
	struct target_state *old; // between commit and finish
};

// ---- States

const struct target_state *target_state_of(const struct target *target, const struct attachment *a)
{
	for (const struct target_state *s = target->states; s; s = s->next)
		if (s->attachment == a)
			return s;
	return NULL;
}

struct retired_state {
	struct deferred deferred;
	struct target_state *state;
};

static void state_free(struct target_state *state)
{
	attachment_put(state->attachment);
	remarks_free(state);
	free(state->meters);
	free(state->refusal);
	free(state);
}

static void state_unused(struct deferred *d)
{
	struct retired_state *retired = (struct retired_state *)d;
	struct target_state *state = retired->state;
	const struct weir_extension *e = state->attachment->descriptor;

	if (e->release && state->state)
		e->release(state->attachment->instance, state->state);
	state_free(state);
	free(retired);
}

// Takes the state off the target, without memory: the record was made with the state.
static struct target_state *unlink_state(struct target *target, const struct attachment *a)
{
	struct target_state **link = &target->states;

	while (*link && (*link)->attachment != a)
		link = &(*link)->next;
	if (!*link)
		return NULL;

	struct target_state *state = *link;

	*link = state->next;
	return state;
}

static void retire(struct vswitch *s, struct target_state *state, bool policy_gone)
{
	plan_put_objects(s, state, policy_gone);
	weir_defer(s->weir, &state->retired->deferred, state_unused);
}

void target_drop_state(struct target *target, struct attachment *a)
{
	struct target_state *state = unlink_state(target, a);

	if (!state)
		return;
	plan_apply_objects(target, NULL);
	retire(target->vswitch, state, !a->detached);
}

// ---- The transaction

// The extension frees what it prepared.
static void give_up(struct target_state *state)
{
	const struct weir_extension *e = state->attachment->descriptor;

	if (e->abort)
		e->abort(state->attachment->instance, state->prepared);
	else if (e->release && state->prepared)
		e->release(state->attachment->instance, state->prepared);
}

static struct target_state *state_make(struct attachment *a)
{
	struct target_state *state = calloc(1, sizeof(*state));
	struct retired_state *retired = calloc(1, sizeof(*retired));

	if (!state || !retired) {
		free(state);
		free(retired);
		return NULL;
	}
	retired->state = state;
	state->retired = retired;
	state->attachment = a;
	a->refs++;
	for (unsigned i = 0; i < WEIR_N_STAGES; i++)
		state->reads[i] = a->descriptor->reads;
	return state;
}

static void discard(struct target *target, struct target_state *state)
{
	plan_put_objects(target->vswitch, state, false);
	free(state->retired);
	state_free(state);
}

// Policies that were kept unchecked pass the schema now, which says what their types are. NULL:
// refused.
static struct weir_policy *check_policies(const struct policy_view *view,
	const struct target *target, struct attachment *a, struct weir_error *error)
{
	const struct policy *second;
	struct weir_policy *list = calloc(view->n, sizeof(*list));
	size_t n = 0;

	if (!list)
		weir_refuse(error, -ENOMEM, NULL, "no memory for %zu policies", view->n);
	for (const struct policy *p = target->policies; list && p; p = p->next) {
		const struct schema_type *type = NULL;

		if (p->attachment != a)
			continue;
		if (p->unchecked)
			type = policy_check(target, a, p->type, p->bytes, p->size, error);
		if (p->unchecked && !type)
			goto refused;
		list[n++] = (struct weir_policy){ type ? type->name : p->type, p->id, p->bytes,
			p->size };
	}
	if (list && policy_check_keys(target, a, &second, error) < 0)
		goto refused;
	return list;
refused:
	free(list);
	return NULL;
}

// What the extension sees of its policies. *checked: NULL, or what the caller frees afterwards.
static int show_policies(struct target_state *state, struct target *target,
	struct weir_target *view, struct weir_policy **checked, struct weir_error *error)
{
	const struct policy_view *policies = policy_view(target, state->attachment);

	*checked = NULL;
	if (!policies)
		return weir_refuse(error, -ENOMEM, NULL, "no memory for policies");
	state->checked = policies->n_unchecked > 0;
	if (state->checked) {
		*checked = check_policies(policies, target, state->attachment, error);
		if (!*checked)
			return error->code;
	}
	view->policies = *checked ? *checked : policies->policies;
	view->n_policies = policies->n;
	view->serials = policies->serials;
	return 0;
}

// What an attachment was shown that has nothing in force here: it may be on its way out, and the
// next one stand where it stood.
static void let_go_of_view(struct target *target, const struct attachment *a)
{
	if (!target_state_of(target, a))
		policy_views_drop(target, a);
}

// Room for what is to be kept. Without it what was prepared is given up.
static int reserve(struct target_state *state, struct target *target, struct weir_error *error)
{
	struct target_state *before = target->states;

	while (before->attachment != state->attachment)
		before = before->next;
	if (plan_reserve(state, before) == 0)
		return 0;
	give_up(state);
	return weir_refuse(error, -ENOMEM, NULL, "no memory for meters and policers");
}

// What the extension says about its policies, *by_core left false; or what keeps it from being
// asked.
static int call_prepare(
	struct target_state *state, struct target *target, bool *by_core, struct weir_error *error)
{
	struct attachment *a = state->attachment;
	struct plan plan = {
		.public = { .ops = &plan_ops, .instance = a->instance },
		.target = target,
		.state = state,
	};
	char name[WEIR_NAME_MAX + 8];
	struct weir_target view = {
		.size = sizeof(view),
		.port = target->port ? target->port->id : WEIR_PORT_NONE,
		.name = target->port ? target->port->name : target->vswitch->name,
	};
	uint8_t mac[6];
	struct weir_error own = { 0 };
	struct weir_policy *checked;
	int failed;

	if (!error)
		error = &own;
	*error = (struct weir_error){ 0 };
	failed = show_policies(state, target, &view, &checked, error);
	*by_core = failed == -ENOMEM;
	if (failed)
		return failed;
	if (target->port && mac_parse(target->port->mac, mac))
		view.mac = mac;
	failed = refusal_tame(error,
		a->descriptor->prepare(a->instance, &view, &plan.public, &state->prepared, error));
	free(checked);
	if (!failed && state->keeps) {
		failed = reserve(state, target, error);
		plan.no_memory |= failed == -ENOMEM;
	}
	if (!failed)
		return 0;
	*by_core = failed == -ENOMEM && plan.no_memory;
	target_name(target, name);
	if (!error->message[0] && plan.refusal.message[0])
		*error = plan.refusal;
	else if (!error->message[0])
		weir_refuse(error, failed, NULL, "extension %s refuses the configuration of %s: %s",
			a->descriptor->name, name, strerror(-failed));
	return failed;
}

static void add(struct change *change, struct prepared *item)
{
	if (!change->items)
		change->end = &change->items;
	*change->end = item;
	change->end = &item->next;
}

// What a refusal leaves: nothing that the extension made, but why, and what it asked for.
static int keep_refusal(struct target *target, struct target_state *state, const char *sentence)
{
	plan_put_objects(target->vswitch, state, false);
	remarks_free(state);
	state->checked = false;
	state->refusal = strdup(sentence);
	return state->refusal ? 1 : -ENOMEM;
}

static int prepare(struct change *change, struct attachment *a, struct target *target, bool keep,
	struct weir_error *error)
{
	struct prepared *item = calloc(1, sizeof(*item));
	struct target_state *state = item ? state_make(a) : NULL;
	bool by_core = false;
	int failed = 0;

	if (!state) {
		free(item);
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	}
	*item = (struct prepared){ .target = target, .state = state };
	if (a->descriptor->prepare)
		failed = call_prepare(state, target, &by_core, error);
	if (failed && keep && !by_core)
		failed = keep_refusal(target, state, error->message);
	if (failed < 0) {
		let_go_of_view(target, a);
		discard(target, state);
		free(item);
		return failed;
	}
	add(change, item);
	return failed;
}

int change_prepare(struct change *change, struct attachment *a, struct target *target,
	struct weir_error *error)
{
	return prepare(change, a, target, false, error);
}

int change_prepare_or_refuse(struct change *change, struct attachment *a, struct target *target,
	struct weir_error *error)
{
	return prepare(change, a, target, true, error);
}

void change_abort(struct change *change)
{
	while (change->items) {
		struct prepared *item = change->items;
		struct target_state *state = item->state;

		change->items = item->next;
		remarks_tell(item->target, state, false);
		if (!state->refusal) // else nothing was built
			give_up(state);
		let_go_of_view(item->target, state->attachment);
		discard(item->target, state);
		free(item);
	}
}

void change_commit(struct change *change)
{
	for (struct prepared *item = change->items; item; item = item->next) {
		struct target_state *state = item->state;
		const struct weir_extension *e = state->attachment->descriptor;

		if (!state->refusal)
			state->state = e->commit ? e->commit(state->attachment->instance,
							   state->prepared)
						 : state->prepared;
		item->old = unlink_state(item->target, state->attachment);
		state->next = item->target->states;
		item->target->states = state;
		plan_apply_objects(item->target, state);
	}
}

void change_finish(struct change *change)
{
	while (change->items) {
		struct prepared *item = change->items;

		change->items = item->next;
		remarks_tell(item->target, item->state, true);
		for (unsigned i = 0; i < item->state->n_meters; i++)
			item->state->meters[i]->committed = true;
		if (item->state->keeps)
			plan_inherit(item->target->vswitch, item->state, item->old);
		if (item->state->checked)
			policies_settle(item->target, item->state->attachment);
		if (item->old)
			retire(item->target->vswitch, item->old, !item->old->attachment->detached);
		free(item);
	}
}

void change_revert(struct change *change)
{
	while (change->items) {
		struct prepared *item = change->items;

		change->items = item->next;
		unlink_state(item->target, item->state->attachment);
		if (item->old) {
			item->old->next = item->target->states;
			item->target->states = item->old;
		}
		plan_apply_objects(item->target, item->old);
		let_go_of_view(item->target, item->state->attachment);
		// Meters that are from before the change stay.
		retire(item->target->vswitch, item->state, false);
		free(item);
	}
}
