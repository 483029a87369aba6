// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A filter that has every frame pay to a policer, whose rate nobody reaches: one for all ports.
#include <weir/extension.h>

static int prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	uint32_t policer;

	(void)instance;
	(void)error;
	*prepared = NULL;
	// The decisions have no state to find it in: it must be the first of the switch, 0.
	if (target->port != WEIR_PORT_NONE)
		return 0;
	return weir_plan_policer(
		plan, "all", WEIR_POLICER_RATE_MAX_BPS, WEIR_POLICER_BURST_MAX_BYTES, &policer);
}

static void decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	(void)flow;
	weir_police(d, 0);
}

WEIR_EXTENSION("policed", WEIR_CLASS_FILTER, .version = "1.0",
	.summary = "Has every frame pay to a policer", .prepare = prepare, .ingress = decide);
