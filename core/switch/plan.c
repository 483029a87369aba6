// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What extensions ask for while they prepare, and what the core has for their states: meters,
// policers, limits.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/extension.h>

#include "datapath/policer.h"
#include "datapath/rcu.h"
#include "forwarding/fdb.h"
#include "switch/meter.h"
#include "switch/numbers.h"
#include "switch/plan.h"
#include "switch/policing.h"
#include "switch/port.h"
#include "switch/remark.h"
#include "switch/target.h"
#include "switch/vswitch.h"
#include "switch/wire.h"

enum { KEY_SIZE = sizeof(((struct meter *)0)->key) }; // a policer's is the same

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

static int no_memory(struct plan *plan)
{
	plan->no_memory = true;
	return -ENOMEM;
}

// Room for one more behind n elements. NULL: no memory; the old ones stay.
static void *grow(void *elements, unsigned n, unsigned *room, size_t size)
{
	unsigned wanted = n ? n * 2 : 1;
	void *grown;

	if (n < *room)
		return elements;
	grown = realloc(elements, wanted * size);
	if (grown)
		*room = wanted;
	return grown;
}

// Keys are shown to people, and kept.
static int check_key(struct plan *plan, const char *key)
{
	size_t size = key ? strnlen(key, KEY_SIZE) : 0;

	if (size > 0 && size < KEY_SIZE && wire_is_text((const uint8_t *)key, size))
		return 0;
	return weir_refuse(&plan->refusal, -EINVAL, "key",
		"key of a meter or policer: must be 1 to %d bytes of UTF-8", KEY_SIZE - 1);
}

// Why there is no other meter or policer.
static int no_more(struct plan *plan, const struct numbers *numbers, int failed)
{
	return failed == -ENOMEM ? no_memory(plan)
				 : numbers_refuse(numbers, failed, &plan->refusal);
}

static int plan_meter(struct weir_plan *p, const char *key, uint32_t *id)
{
	struct plan *plan = plan_of(p);
	struct vswitch *s = plan->target->vswitch;
	struct target_state *state = plan->state;
	char name[WEIR_NAME_MAX + 8];
	struct meter *meter, **grown;
	int failed = check_key(plan, key);

	if (failed)
		return failed;
	target_name(plan->target, name);
	grown = grow(state->meters, state->n_meters, &state->meters_room, sizeof(*grown));
	if (!grown)
		return no_memory(plan);
	state->meters = grown;
	failed = meter_get(s, state->attachment, name, key, &meter);
	if (failed)
		return no_more(plan, &s->meter_numbers, failed);
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

	if (!failed)
		failed = check_key(plan, key);
	if (failed)
		return failed;
	target_name(plan->target, name);
	grown = grow(state->policers, state->n_policers, &state->policers_room, sizeof(*grown));
	if (!grown)
		return no_memory(plan);
	state->policers = grown;
	failed = policing_get(s, state->attachment, name, key, config, &policing);
	if (failed)
		return no_more(plan, &s->policer_numbers, failed);
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

static int plan_learn_limit(struct weir_plan *p, uint32_t max_addresses)
{
	struct plan *plan = plan_of(p);

	if (!plan->target->port || max_addresses == 0)
		return -EINVAL;
	plan->state->learn_max = max_addresses;
	return 0;
}

__attribute__((format(printf, 2, 0))) static int plan_remark(
	struct weir_plan *p, const char *format, va_list arguments)
{
	struct plan *plan = plan_of(p);
	int failed = remark_add(plan->state, format, arguments);

	return failed == -ENOMEM ? no_memory(plan) : failed;
}

const struct weir_plan_ops plan_ops = {
	.size = sizeof(struct weir_plan_ops),
	.reads = plan_reads,
	.inactive = plan_inactive,
	.meter = plan_meter,
	.mirror = plan_mirror,
	.port = plan_port,
	.policer = plan_policer,
	.frame_policer = plan_frame_policer,
	.learn_limit = plan_learn_limit,
	.keep = plan_keep,
	.remark = plan_remark,
};

// ---- Of states

static void put_policers(struct vswitch *s, struct target_state *state)
{
	for (unsigned i = 0; i < state->n_policers; i++)
		policing_put(s, state->policers[i].policing);
	free(state->policers);
	free(state->gone_policers);
	state->policers = NULL;
	state->gone_policers = NULL;
	state->n_policers = state->policers_room = state->n_gone_policers = 0;
}

void plan_put_objects(struct vswitch *s, struct target_state *state, bool policy_gone)
{
	put_policers(s, state);
	for (unsigned i = 0; i < state->n_meters; i++)
		meter_put(s, state->meters[i], policy_gone);
	free(state->meters);
	free(state->gone_meters);
	state->meters = NULL;
	state->gone_meters = NULL;
	state->n_meters = state->meters_room = state->n_gone_meters = 0;
	state->keeps = false;
}

uint32_t plan_learn_max(const struct target *target)
{
	uint32_t max = 0;

	for (const struct target_state *s = target->states; s; s = s->next)
		if (s->learn_max && (max == 0 || s->learn_max < max))
			max = s->learn_max;
	return max;
}

void plan_apply_objects(struct target *target, const struct target_state *state)
{
	if (state)
		policing_apply(target->vswitch, state);
	if (!target->port)
		return;
	rcu_enter();
	// One that is not in the FDB comes there with its limit, or does not come back.
	fdb_port_limit(target->vswitch->fdb, target->port->id, plan_learn_max(target));
	rcu_leave();
}
