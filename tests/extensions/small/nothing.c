// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A filter at every stage that reads nothing and decides nothing; built several times as nothing-1,
// nothing-2 and so on.
#include <weir/extension.h>

static void decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	(void)flow;
	(void)d;
}

WEIR_EXTENSION(NOTHING_NAME, WEIR_CLASS_FILTER, .version = "1.0", .summary = "Decides nothing",
	.ingress = decide, .forwarded = decide, .egress = decide);
