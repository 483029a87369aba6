// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A filter whose every act METER counts all frames that come in, and every act POLICE limits them.
// It asks for what changed and keeps the rest. A policy whose id is the name of an error has
// weir_plan_keep() called so that it should be the answer, and is refused with what it was.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/extension.h>

#include "probe.pb-c.h"
#include "probe.schema.h"

struct held {
	uint64_t serial;
	char id[64];
	bool meter;
	uint32_t number;
};

struct state {
	size_t n;
	struct held held[];
};

struct thrifty {
	const struct state *current;
};

static int attach(struct weir_attachment *attachment, void **instance, struct weir_error *error)
{
	(void)attachment;
	*instance = calloc(1, sizeof(struct thrifty)); // of the port p0
	return *instance ? 0 : weir_refuse(error, -ENOMEM, NULL, "no memory");
}

static const struct held *find(const struct state *state, uint64_t serial)
{
	for (size_t i = 0; state && i < state->n; i++)
		if (state->held[i].serial == serial)
			return &state->held[i];
	return NULL;
}

// What the state before has and this one has not.
static int keep(struct weir_plan *plan, const struct state *before, const struct state *state)
{
	const char *gone[before->n + 1];
	size_t n = 0;

	for (size_t i = 0; i < before->n; i++)
		if (!find(state, before->held[i].serial))
			gone[n++] = before->held[i].id;
	return weir_plan_keep(plan, before, gone, n);
}

static int try_wrong(struct weir_plan *plan, const struct state *before, const char *how,
	struct weir_error *error)
{
	static const char *const unknown[] = { "unknown" };
	int answer = 0, expected = -EINVAL;

	if (strcmp(how, "ESTALE") == 0) {
		answer = weir_plan_keep(plan, &expected, NULL, 0);
		expected = -ESTALE;
	} else if (strcmp(how, "ENOENT") == 0) {
		answer = weir_plan_keep(plan, before, unknown, 1);
		expected = -ENOENT;
	} else {
		answer = weir_plan_keep(plan, before, NULL, 0);
		answer = answer ? answer : weir_plan_keep(plan, before, NULL, 0);
	}
	return weir_refuse(error, -EPERM, NULL, "%s", answer == expected ? "as said" : "otherwise");
}

static int ask(struct weir_plan *plan, struct held *held, const struct weir_policy *policy)
{
	Probe__Act *act = probe__act__unpack(NULL, policy->size, policy->bytes);
	int failed;

	if (!act)
		return -ENOMEM;
	held->meter = act->what == PROBE__ACT__WHAT__METER;
	failed = held->meter
			 ? weir_plan_meter(plan, held->id, &held->number)
			 : weir_plan_policer(plan, held->id, act->rate, act->burst, &held->number);
	probe__act__free_unpacked(act, NULL);
	return failed;
}

static int plan_all(struct weir_plan *plan, const struct weir_target *target,
	const struct state *before, struct state *state, struct weir_error *error)
{
	bool kept;
	int failed;

	for (size_t i = 0; i < target->n_policies; i++)
		state->held[state->n++].serial = target->serials[i];
	for (size_t i = 0; before && i < target->n_policies; i++)
		if (target->policies[i].id[0] == 'E')
			return try_wrong(plan, before, target->policies[i].id, error);
	failed = before ? keep(plan, before, state) : -ESTALE;
	if (failed && failed != -ESTALE)
		return failed;
	kept = !failed;
	for (size_t i = 0; i < state->n; i++) {
		const struct held *old = kept ? find(before, state->held[i].serial) : NULL;

		if (old) {
			state->held[i] = *old;
			continue;
		}
		if (strcmp(target->policies[i].type, "act") != 0)
			return weir_refuse(error, -EPERM, NULL, "refused");
		snprintf(
			state->held[i].id, sizeof(state->held[i].id), "%s", target->policies[i].id);
		failed = ask(plan, &state->held[i], &target->policies[i]);
		if (failed)
			return failed;
	}
	return 0;
}

static int prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	struct thrifty *thrifty = instance;
	struct state *state;
	int failed;

	*prepared = NULL;
	if (strcmp(target->name, "p0") != 0)
		return 0;
	state = calloc(1, sizeof(*state) + target->n_policies * sizeof(state->held[0]));
	if (!state)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	failed = plan_all(plan, target, thrifty->current, state, error);
	if (failed)
		free(state);
	else
		*prepared = state;
	return failed;
}

static const void *commit(void *instance, void *prepared)
{
	if (prepared)
		((struct thrifty *)instance)->current = prepared;
	return prepared;
}

static void release(void *instance, const void *released)
{
	struct thrifty *thrifty = instance;

	if (thrifty->current == released)
		thrifty->current = NULL;
	free((void *)(uintptr_t)released);
}

static void abort_state(void *instance, void *prepared)
{
	(void)instance;
	free(prepared);
}

static void decide(const void *context, const struct weir_flow *flow, struct weir_decision *d)
{
	const struct state *state = context;

	(void)flow;
	for (size_t i = 0; state && i < state->n; i++)
		if (state->held[i].meter)
			weir_meter(d, state->held[i].number);
		else
			weir_police(d, state->held[i].number);
}

WEIR_EXTENSION("thrifty", WEIR_CLASS_FILTER, .version = "1.0",
	.summary = "Asks for what changed and keeps the rest", .schema = weir_schema,
	.schema_size = sizeof(weir_schema), .attach = attach, .detach = free, .prepare = prepare,
	.commit = commit, .abort = abort_state, .release = release, .ingress = decide);
