// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// One transaction of prepares: everybody concerned prepares before anybody commits.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "switch/model.h"

struct prepared {
	struct prepared *next;
	struct target *target;
	struct target_state *state;
	struct target_state *old; // between commit and finish
};

// What an extension's plan calls reach.
struct plan {
	struct weir_plan public; // first
	struct target *target;
	struct target_state *state;
	struct weir_error refusal; // of what the extension asked for
};

static struct plan *plan_of(struct weir_plan *p)
{
	return (struct plan *)p;
}

static int plan_reads(struct weir_plan *p, enum weir_stage stage, uint64_t fields)
{
	if ((unsigned)stage >= WEIR_N_STAGES || (fields & ~WEIR_FIELDS_ALL))
		return -EINVAL;
	plan_of(p)->state->reads[stage] = fields;
	return 0;
}

static int plan_inactive(struct weir_plan *p, enum weir_stage stage)
{
	if ((unsigned)stage >= WEIR_N_STAGES)
		return -EINVAL;
	plan_of(p)->state->inactive |= 1u << stage;
	return 0;
}

// Room for one more behind n elements, which grow by doubling. NULL: no memory; the old ones stay.
static void *grow(void *elements, unsigned n, size_t size)
{
	if (n & (n - 1))
		return elements;
	return realloc(elements, (n ? n * 2 : 1) * size);
}

static int plan_meter(struct weir_plan *p, const char *key, uint32_t *id)
{
	struct plan *plan = plan_of(p);
	struct target_state *state = plan->state;
	char name[WEIR_NAME_MAX + 8];
	struct meter *meter, **grown;

	if (!key || !*key || strlen(key) >= sizeof(meter->key))
		return -EINVAL;
	target_name(plan->target, name);
	grown = grow(state->meters, state->n_meters, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	state->meters = grown;
	meter = meter_get(plan->target->vswitch, state->attachment, name, key);
	if (!meter)
		return -ENOMEM;
	state->meters[state->n_meters++] = meter;
	*id = meter->number.id;
	return 0;
}

static int plan_any_policer(
	struct weir_plan *p, const char *key, const struct policer_config *config, uint32_t *id)
{
	struct plan *plan = plan_of(p);
	struct vswitch *s = plan->target->vswitch;
	struct target_state *state = plan->state;
	int failed = policing_check(config, &plan->refusal);
	struct wanted_policer *grown;
	char name[WEIR_NAME_MAX + 8];
	struct policing *policing;

	if (failed)
		return failed;
	if (!key || !*key || strlen(key) >= sizeof(policing->key))
		return -EINVAL;
	target_name(plan->target, name);
	grown = grow(state->policers, state->n_policers, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	state->policers = grown;
	policing = policing_get(s, state->attachment, name, key, config);
	if (!policing)
		return -ENOMEM;
	state->policers[state->n_policers++] = (struct wanted_policer){ policing, *config };
	*id = policing->number.id;
	return 0;
}

static int plan_policer(
	struct weir_plan *p, const char *key, uint64_t rate_bps, uint64_t burst_bytes, uint32_t *id)
{
	struct policer_config config = { POLICER_BITS, rate_bps, burst_bytes };

	return plan_any_policer(p, key, &config, id);
}

static int plan_frame_policer(struct weir_plan *p, const char *key, uint64_t rate_fps,
	uint64_t burst_frames, uint32_t *id)
{
	struct policer_config config = { POLICER_FRAMES, rate_fps, burst_frames };

	return plan_any_policer(p, key, &config, id);
}

static weir_port_id plan_port(struct weir_plan *p, const char *name)
{
	struct plan *plan = plan_of(p);
	struct vswitch *s = plan->target->vswitch;
	const struct port *port = port_find(s->weir, name, NULL);

	plan->state->uses_ports = true;
	return port && port->target.vswitch == s ? port->id : WEIR_PORT_NONE;
}

static int plan_mirror(struct weir_plan *p, const char *port, uint32_t *sink)
{
	weir_port_id id = plan_port(p, port);

	if (id == WEIR_PORT_NONE)
		return -ENOENT;
	*sink = id;
	return 0;
}

static const struct weir_plan_ops plan_ops = {
	.size = sizeof(struct weir_plan_ops),
	.reads = plan_reads,
	.inactive = plan_inactive,
	.meter = plan_meter,
	.mirror = plan_mirror,
	.port = plan_port,
	.policer = plan_policer,
	.frame_policer = plan_frame_policer,
};

// ---- States

const struct target_state *target_state_of(const struct target *target, const struct attachment *a)
{
	for (const struct target_state *s = target->states; s; s = s->next)
		if (s->attachment == a)
			return s;
	return NULL;
}

static void put_policers(struct vswitch *s, struct target_state *state)
{
	for (unsigned i = 0; i < state->n_policers; i++)
		policing_put(s, state->policers[i].policing);
	free(state->policers);
	state->policers = NULL;
	state->n_policers = 0;
}

// What the core has for a state.
static void put_objects(struct vswitch *s, struct target_state *state, bool policy_gone)
{
	put_policers(s, state);
	for (unsigned i = 0; i < state->n_meters; i++)
		meter_put(s, state->meters[i], policy_gone);
	free(state->meters);
	state->meters = NULL;
	state->n_meters = 0;
}

struct retired_state {
	struct deferred deferred;
	struct target_state *state;
};

static void state_free(struct target_state *state)
{
	attachment_put(state->attachment);
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
	put_objects(s, state, policy_gone);
	weir_defer(s->weir, &state->retired->deferred, state_unused);
}

void target_drop_state(struct target *target, struct attachment *a)
{
	struct target_state *state = unlink_state(target, a);

	if (state)
		retire(target->vswitch, state, !a->detached);
}

// ---- The transaction

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
	put_objects(target->vswitch, state, false);
	free(state->retired);
	state_free(state);
}

// The extension's own view of its policies. Those that are unchecked pass the schema first. *n: how
// many. NULL: refused.
static struct weir_policy *list_policies(struct target_state *state, const struct target *target,
	const struct policy *policies, size_t *n, struct weir_error *error)
{
	struct attachment *a = state->attachment;
	const struct policy *second;
	struct weir_policy *list;
	size_t room = 1;

	for (const struct policy *p = policies; p; p = p->next) {
		room += p->attachment == a;
		state->checked |= p->attachment == a && p->unchecked;
	}
	list = calloc(room, sizeof(*list));
	if (!list)
		weir_refuse(error, -ENOMEM, NULL, "no memory for %zu policies", room - 1);
	for (const struct policy *p = policies; list && p; p = p->next) {
		const struct schema_type *type = NULL;

		if (p->attachment != a)
			continue;
		if (p->unchecked)
			type = policy_check(target, a, p->type, p->bytes, p->size, error);
		if (p->unchecked && !type)
			goto refused;
		list[(*n)++] = (struct weir_policy){ type ? type->name : p->type, p->id, p->bytes,
			p->size };
	}
	if (list && state->checked && policy_check_keys(target, a, &second, error) < 0)
		goto refused;
	return list;
refused:
	free(list);
	return NULL;
}

static int call_prepare(struct target_state *state, struct target *target,
	const struct policy *policies, struct weir_error *error)
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
	struct weir_error own = { 0 };
	struct weir_policy *list;
	int failed;

	if (!error)
		error = &own;
	*error = (struct weir_error){ 0 };
	list = list_policies(state, target, policies, &view.n_policies, error);
	if (!list)
		return error->code;
	view.policies = list;
	failed = a->descriptor->prepare(a->instance, &view, &plan.public, &state->prepared, error);
	free(list);
	if (failed >= 0)
		return 0;
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
	put_objects(target->vswitch, state, false);
	state->checked = false;
	state->refusal = strdup(sentence);
	return state->refusal ? 1 : -ENOMEM;
}

static int prepare(struct change *change, struct attachment *a, struct target *target,
	const struct policy *policies, bool keep, struct weir_error *error)
{
	struct prepared *item = calloc(1, sizeof(*item));
	struct target_state *state = item ? state_make(a) : NULL;
	int failed = 0;

	if (!state) {
		free(item);
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	}
	*item = (struct prepared){ .target = target, .state = state };
	if (a->descriptor->prepare)
		failed = call_prepare(state, target, policies, error);
	if (failed && failed != -ENOMEM && keep)
		failed = keep_refusal(target, state, error->message);
	if (failed < 0) {
		discard(target, state);
		free(item);
		return failed;
	}
	add(change, item);
	return failed;
}

int change_prepare(struct change *change, struct attachment *a, struct target *target,
	const struct policy *policies, struct weir_error *error)
{
	return prepare(change, a, target, policies, false, error);
}

int change_prepare_or_refuse(struct change *change, struct attachment *a, struct target *target,
	struct weir_error *error)
{
	return prepare(change, a, target, target->policies, true, error);
}

void change_abort(struct change *change)
{
	while (change->items) {
		struct prepared *item = change->items;
		struct target_state *state = item->state;
		const struct weir_extension *e = state->attachment->descriptor;

		change->items = item->next;
		if (state->refusal)
			; // nothing was built
		else if (e->abort)
			e->abort(state->attachment->instance, state->prepared);
		else if (e->release && state->prepared)
			e->release(state->attachment->instance, state->prepared);
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
		policing_apply(item->target->vswitch, state);
	}
}

void change_finish(struct change *change)
{
	while (change->items) {
		struct prepared *item = change->items;

		change->items = item->next;
		for (unsigned i = 0; i < item->state->n_meters; i++)
			item->state->meters[i]->committed = true;
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
			policing_apply(item->target->vswitch, item->old);
		}
		// Meters that are from before the change stay.
		retire(item->target->vswitch, item->state, false);
		free(item);
	}
}
