// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A cheat: keeps from each destination what comes from port p0, and does not declare that it reads
// where frames come from. It reads as no port; strict mode tells when a frame comes from there.
#include <stdlib.h>

#include <weir/extension.h>

static int prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	weir_port_id *port = malloc(sizeof(*port));

	(void)instance, (void)target;
	if (!port)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	*port = weir_plan_port(plan, "p0");
	*prepared = port;
	return 0;
}

static void release(void *instance, const void *state)
{
	(void)instance;
	free((void *)state);
}

static void egress(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	if (flow->ingress == *(const weir_port_id *)state)
		weir_exclude(d, 0);
}

WEIR_EXTENSION("cheat-ingress", WEIR_CLASS_FILTER, .version = "1.0",
	.summary = "Compares where frames come from", .reads = WEIR_FIELD_IP_PROTO,
	.drop_reasons = WEIR_DROP_REASONS({ "source", "it comes from that port" }),
	.prepare = prepare, .release = release, .egress = egress);
