// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A filter that visits every frame on its way in and does nothing with it: what a visit costs is
// then all the core's.
#include <weir/extension.h>

static void decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	(void)flow;
	weir_visit(d, 0);
}

static void look(const void *state, struct weir_visit *v)
{
	(void)state;
	(void)v;
}

WEIR_EXTENSION("onlooker", WEIR_CLASS_FILTER, .version = "1.0",
	.summary = "Looks at every frame and does nothing", .ingress = decide, .visit = look);
