// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "probe.h"
#include "probe.schema.h"

static void say(const struct probe *probe, const char *what, const char *target)
{
	weir_log(probe->attachment, LOG_DEBUG, "%s %s", what, target);
}

// ---- From policies to a state

static void free_state(struct probe_state *state)
{
	for (size_t i = 0; state && i < state->n_acts; i++)
		probe__act__free_unpacked(state->acts[i].message, NULL);
	for (size_t i = 0; state && i < state->n_vetoes; i++)
		probe__veto__free_unpacked(state->vetoes[i], NULL);
	if (state)
		free(state->vetoes);
	free(state);
}

static int resolve(
	struct probe_act *act, const char *id, struct weir_plan *plan, struct weir_error *error)
{
	const Probe__Act *m = act->message;

	act->port = m->port ? weir_plan_port(plan, m->port) : WEIR_PORT_NONE;
	if (m->port && act->port == WEIR_PORT_NONE)
		return weir_refuse(error, -ENOENT, "port", "port \"%s\": there is none", m->port);
	if (m->what == PROBE__ACT__WHAT__METER && !m->has_value)
		return weir_plan_meter(plan, id, &act->meter);
	if (m->what == PROBE__ACT__WHAT__POLICE && m->has_rate)
		return weir_plan_policer(plan, id, m->rate, m->burst, &act->policer);
	if (m->what == PROBE__ACT__WHAT__LEARN)
		return weir_plan_learn_limit(plan, (uint32_t)m->value);
	if ((m->what == PROBE__ACT__WHAT__POLICE_FRAMES ||
		    m->what == PROBE__ACT__WHAT__POLICE_AS) &&
		m->has_rate)
		return weir_plan_frame_policer(plan, id, m->rate, m->burst, &act->policer);
	if (m->what == PROBE__ACT__WHAT__COPY && m->port)
		return weir_plan_mirror(plan, m->port, &act->sink);
	return 0;
}

static int take_policy(struct probe_state *state, const struct weir_policy *policy,
	struct weir_plan *plan, uint64_t *reads, struct weir_error *error)
{
	int refused = 0;

	if (strcmp(policy->type, "act") == 0) {
		struct probe_act *act = &state->acts[state->n_acts++];

		act->message = probe__act__unpack(NULL, policy->size, policy->bytes);
		return resolve(act, policy->id, plan, error);
	}
	if (strcmp(policy->type, "reads") == 0) {
		Probe__Reads *message = probe__reads__unpack(NULL, policy->size, policy->bytes);

		*reads |= message->fields;
		for (int stage = 0; stage < WEIR_N_STAGES; stage++)
			if (message->inactive & 1u << stage)
				weir_plan_inactive(plan, (enum weir_stage)stage);
		probe__reads__free_unpacked(message, NULL);
	} else if (strcmp(policy->type, "veto") == 0) {
		state->vetoes[state->n_vetoes++] = probe__veto__unpack(
			NULL, policy->size, policy->bytes);
	} else {
		Probe__Refuse *message = probe__refuse__unpack(NULL, policy->size, policy->bytes);

		refused = weir_refuse(error, -EPERM, "why", "%s", message->why);
		probe__refuse__free_unpacked(message, NULL);
	}
	return refused;
}

static int plan_reads(struct weir_plan *plan, const struct probe_state *state, uint64_t reads)
{
	int failed = 0;

	for (int stage = 0; !failed && stage < WEIR_N_STAGES; stage++)
		failed = weir_plan_reads(plan, (enum weir_stage)stage,
			weir_extension.reads | reads | probe_needs(state, (enum weir_stage)stage));
	return failed;
}

static bool is_refused(const char *name)
{
	return strcmp(name, "refused") == 0 ||
	       (strncmp(name, "refused-", 8) == 0 && strcmp(name + 8, weir_extension.name) == 0);
}

static int prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	struct probe *probe = instance;
	struct probe_state *state = calloc(
		1, sizeof(*state) + (target->n_policies + 1) * sizeof(state->acts[0]));
	uint64_t reads = 0;
	int failed = 0;

	state->vetoes = calloc(target->n_policies + 1, sizeof(Probe__Veto *));
	state->port = target->port;
	snprintf(state->name, sizeof(state->name), "%s", target->name);
	if (is_refused(target->name))
		failed = weir_refuse(
			error, -EPERM, "name", "port \"%s\": is not wanted", target->name);
	for (size_t i = 0; !failed && i < target->n_policies; i++)
		failed = take_policy(state, &target->policies[i], plan, &reads, error);
	if (!failed)
		failed = plan_reads(plan, state, reads);
	if (failed) {
		free_state(state);
		return failed;
	}
	say(probe, "prepared", state->name);
	*prepared = state;
	return 0;
}

static const void *commit(void *instance, void *prepared)
{
	struct probe *probe = instance;
	struct probe_state *state = prepared;

	state->next = probe->states;
	probe->states = state;
	say(probe, "committed", state->name);
	return state;
}

static void abort_state(void *instance, void *prepared)
{
	say(instance, "aborted", ((struct probe_state *)prepared)->name);
	free_state(prepared);
}

static void release(void *instance, const void *released)
{
	struct probe *probe = instance;
	struct probe_state **link = &probe->states, *state = (struct probe_state *)released;

	while (*link != state)
		link = &(*link)->next;
	*link = state->next;
	say(probe, "released", state->name);
	free_state(state);
}

// ---- Life, changes and events

static int attach(struct weir_attachment *attachment, void **instance, struct weir_error *error)
{
	struct probe *probe = calloc(1, sizeof(*probe));

	if (!probe)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	probe->attachment = attachment;
	*instance = probe;
	say(probe, "attached", attachment->switch_name);
	return 0;
}

static void detach(void *instance)
{
	struct probe *probe = instance;

	say(probe, probe->states ? "detached before its states" : "detached",
		probe->attachment->switch_name);
	probe_calls_end(probe);
	free(probe);
}

__attribute__((unused)) static int review(
	void *instance, const struct weir_event *event, struct weir_error *error)
{
	const struct probe *probe = instance;

	for (const struct probe_state *s = probe->states; s; s = s->next)
		for (size_t i = 0; i < s->n_vetoes; i++)
			if (s->vetoes[i]->kind == (uint32_t)event->kind)
				return weir_refuse(error, -EACCES, "kind", "%s", s->vetoes[i]->why);
	return 0;
}

static void control_act(struct probe *probe, const struct probe_act *act, weir_port_id port)
{
	const Probe__Act *m = act->message;
	int failed;

	switch (m->what) {
	case PROBE__ACT__WHAT__ORIGINATE:
		failed = weir_originate(probe->attachment, act->port, m->bytes.data, m->bytes.len);
		weir_log(probe->attachment, LOG_DEBUG, "originated: %s",
			failed ? strerrorname_np(-failed) : "0");
		break;
	case PROBE__ACT__WHAT__INVALIDATE:
		weir_invalidate(probe->attachment, m->value);
		break;
	case PROBE__ACT__WHAT__REFRESH:
		weir_refresh(probe->attachment, port);
		break;
	default:
		break;
	}
}

static void event(void *instance, const struct weir_event *event)
{
	struct probe *probe = instance;

	weir_log(probe->attachment, LOG_DEBUG, "event %d %s", event->kind,
		event->port_name ? event->port_name : "");
	if (event->kind != WEIR_EVENT_PORT_CHANGED)
		return;
	for (const struct probe_state *s = probe->states; s; s = s->next)
		for (size_t i = 0; s->port == event->port && i < s->n_acts; i++)
			if (s->acts[i].message->stage == PROBE__ACT__STAGE__CONTROL)
				control_act(probe, &s->acts[i], event->port);
}

#define COMMON                                                                                     \
	.version = "1.0", .summary = "Does what it is told", .schema = weir_schema,                \
	.schema_size = sizeof(weir_schema), .attach = attach, .detach = detach,                    \
	.prepare = prepare, .commit = commit, .abort = abort_state, .release = release,            \
	.event = event, .timer = probe_timer, .call = probe_call, .call_gone = probe_call_gone,    \
	.status = probe_status, .save = probe_save, .restore = probe_restore, .save_version = 3,   \
	.drop_reasons = WEIR_DROP_REASONS(                                                         \
		{ "told", "the probe was told to drop it" }, { "other", "another one" })

#if defined(PROBE_CAPTURE)
WEIR_EXTENSION("probe-capture", WEIR_CLASS_CAPTURE, COMMON, .ingress = probe_ingress,
	.egress = probe_egress, .dropped = probe_dropped, .visit = probe_visit);
#elif defined(PROBE_FILTER)
WEIR_EXTENSION("probe-filter", WEIR_CLASS_FILTER, COMMON, .ingress = probe_ingress,
	.forwarded = probe_forwarded, .egress = probe_egress, .visit = probe_visit,
	.review = review);
#elif defined(PROBE_AFTER)
WEIR_EXTENSION("probe-after", WEIR_CLASS_FILTER, COMMON, .ingress = probe_ingress,
	.forwarded = probe_forwarded, .egress = probe_egress, .visit = probe_visit,
	.review = review);
#elif defined(PROBE_FORWARDING)
// Native forwarding is a right of extensions that read what it reads.
WEIR_EXTENSION("probe-forwarding", WEIR_CLASS_FORWARDING, COMMON,
	.reads = WEIR_FIELD_ETH_DST | WEIR_FIELD_ETH_SRC | WEIR_FIELD_VLAN_ID,
	.forward = probe_forward, .visit = probe_visit, .review = review);
#else
WEIR_EXTENSION("probe-service", WEIR_CLASS_SERVICE, COMMON, .review = review);
#endif
