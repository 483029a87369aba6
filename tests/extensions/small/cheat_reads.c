// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A cheat: decides by a field that it does not declare. It reads as zero; strict mode tells.
#include <arpa/inet.h>

#include <weir/extension.h>

static void decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	if (flow->l4_dst != htons(0))
		weir_drop(d, 0);
}

WEIR_EXTENSION("cheat-reads", WEIR_CLASS_FILTER, .version = "1.0",
	.summary = "Reads what it did not declare", .reads = WEIR_FIELD_IP_PROTO,
	.drop_reasons = WEIR_DROP_REASONS({ "port", "it has a destination port" }),
	.ingress = decide);
