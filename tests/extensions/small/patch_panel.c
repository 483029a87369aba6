// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A forwarding extension that looks at no frame: what one port sends goes to another, as policies
// say.
#include <errno.h>
#include <stdlib.h>

#include <weir/extension.h>

#include "patch_panel.pb-c.h"
#include "patch_panel.schema.h"

enum { NOT_PATCHED };

struct cable {
	weir_port_id to; // WEIR_PORT_NONE: nowhere
};

static void decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	const struct cable *cable = state;

	(void)flow;
	if (!cable || cable->to == WEIR_PORT_NONE)
		weir_drop(d, NOT_PATCHED);
	else
		weir_forward(d, cable->to);
}

static int prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	struct cable *cable;
	PatchPanel__Cable *message;

	(void)instance;
	if (target->n_policies > 1)
		return weir_refuse(error, -EEXIST, "to",
			"port %s: has a cable already; one is "
			"allowed",
			target->name);
	cable = malloc(sizeof(*cable));
	if (!cable)
		return weir_refuse(error, -ENOMEM, NULL, "no memory");
	cable->to = WEIR_PORT_NONE;
	if (target->n_policies) {
		message = patch_panel__cable__unpack(
			NULL, target->policies[0].size, target->policies[0].bytes);
		if (!message) {
			free(cable);
			return weir_refuse(error, -ENOMEM, NULL, "no memory");
		}
		cable->to = weir_plan_port(plan, message->to);
		patch_panel__cable__free_unpacked(message, NULL);
	}
	*prepared = cable;
	return 0;
}

static void release(void *instance, const void *state)
{
	(void)instance;
	free((void *)state);
}

WEIR_EXTENSION("patch-panel", WEIR_CLASS_FORWARDING, .version = "1.0",
	.summary = "Connects ports by cables",
	.drop_reasons = WEIR_DROP_REASONS({ "not-patched", "the port has no cable" }),
	.schema = weir_schema, .schema_size = sizeof(weir_schema), .forward = decide,
	.prepare = prepare, .release = release);
