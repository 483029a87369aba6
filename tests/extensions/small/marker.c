// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A filter that marks what ports send with DSCP 46 (RFC 3246, expedited forwarding).
#include <weir/extension.h>

enum { EXPEDITED = 46 };

static void decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	if (flow->l3 == WEIR_L3_IPV4 || flow->l3 == WEIR_L3_IPV6)
		weir_set_dscp(d, EXPEDITED);
}

WEIR_EXTENSION("marker", WEIR_CLASS_FILTER, .version = "1.0",
	.summary = "Marks frames with DSCP 46", .reads = WEIR_FIELD_IP_TOS, .ingress = decide);
