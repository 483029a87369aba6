// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A filter that counts every frame on a meter: one for all ports.
#include <weir/extension.h>

static int prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	uint32_t meter;

	(void)instance;
	(void)error;
	*prepared = NULL;
	// The decisions have no state to find it in: it must be the first of the switch, 0.
	if (target->port != WEIR_PORT_NONE)
		return 0;
	return weir_plan_meter(plan, "all", &meter);
}

static void decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	(void)flow;
	weir_meter(d, 0);
}

WEIR_EXTENSION("counted", WEIR_CLASS_FILTER, .version = "1.0", .summary = "Counts every frame",
	.prepare = prepare, .ingress = decide);
