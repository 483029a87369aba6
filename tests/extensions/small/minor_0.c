// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A filter of minor version 0 of the interface: drops frames to UDP port 9, and shows itself the
// others.
#include <arpa/inet.h>
#include <stdlib.h>

#include "minor_0.h"

static int attach(struct weir_attachment *a, void **instance, struct weir_error *error)
{
	*instance = malloc(1);
	weir_log(a, 7, "attached on a host of minor version %u", a->host->abi_minor);
	return *instance ? 0 : weir_refuse(error, -ENOMEM, NULL, "no memory");
}

static void ingress(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	if (flow->l4_dst == htons(9))
		weir_drop(d, 0);
	else
		weir_visit(d, 0);
}

static void visit(const void *state, struct weir_visit *v)
{
	(void)state;
	for (unsigned i = 0; i < v->n; i++)
		if (v->frames[i]->size == 0)
			weir_visit_drop(v, i, 0);
}

MINOR_0_EXTENSION("minor-0", WEIR_CLASS_FILTER, .version = "1.0", .summary = "Is old",
	.reads = WEIR_FIELD_L4_DST,
	.drop_reasons = WEIR_DROP_REASONS({ "discard", "the discard protocol" }),
	.ingress = ingress, .visit = visit, .attach = attach, .detach = free);
