// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A cheat: says everything that a decision can hold with values that make no sense. None of it has
// an effect, each is counted.
#include <weir/extension.h>

static void decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	static const uint8_t bytes[16];

	(void)state;
	(void)flow;
	weir_drop(d, 1); // it has reason 0 alone
	weir_drop(d, ~0u);
	weir_meter(d, 0); // it has none
	weir_meter(d, ~0u);
	weir_set(d, WEIR_FIELD_IP_TOS, bytes, 3);   // one byte or two
	weir_set(d, WEIR_FIELD_IP_TTL, bytes, 1);   // cannot be set
	weir_set(d, UINT64_C(1) << 63, bytes, 1);   // no field
	weir_set(d, 0, bytes, 1);                   // none
	weir_set(d, WEIR_FIELD_ETH_DST, bytes, 16); // six bytes
	weir_set(d, WEIR_FIELD_VLAN_PCP, "\xff", 1);
	weir_visit(d, 0); // it has no visit hook
}

WEIR_EXTENSION("cheat-values", WEIR_CLASS_FILTER, .version = "1.0", .summary = "Says nonsense",
	.drop_reasons = WEIR_DROP_REASONS({ "only", "the only reason there is" }),
	.ingress = decide);
