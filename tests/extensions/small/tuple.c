// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The least filter that reads the 5-tuple: UDP to the discard port (RFC 863) is dropped.
#include <arpa/inet.h>

#include <weir/extension.h>

static void decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	if (flow->l4 == WEIR_L4_UDP && flow->l4_dst == htons(9))
		weir_drop(d, 0);
}

WEIR_EXTENSION("tuple", WEIR_CLASS_FILTER, .version = "1.0", .summary = "Reads the 5-tuple",
	.reads = WEIR_FIELDS_5TUPLE,
	.drop_reasons = WEIR_DROP_REASONS({ "discard", "nobody wants this" }), .ingress = decide);
