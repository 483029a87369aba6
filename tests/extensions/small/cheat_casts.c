// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A cheat: a capture that writes into the frames it may only read. Strict mode tells.
#include <weir/extension.h>

static void decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	(void)flow;
	weir_visit(d, 0);
}

static void visit(const void *state, struct weir_visit *v)
{
	(void)state;
	for (unsigned i = 0; i < v->n; i++)
		v->frames[i]->data[v->frames[i]->linear - 1] ^= 0xff;
}

WEIR_EXTENSION("cheat-casts", WEIR_CLASS_CAPTURE, .version = "1.0", .summary = "Writes into frames",
	.ingress = decide, .visit = visit);
