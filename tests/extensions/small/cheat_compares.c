// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A cheat: compares fields that it does not declare with values of its own. They read as zero,
// which is none of these; strict mode tells when a frame has one.
#include <arpa/inet.h>

#include <weir/extension.h>

static void decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	if (flow->l4_src == htons(3001) || flow->ip_src[0] == 99 || flow->ip_tos == 0x2c ||
		flow->vlan_id == 77 || flow->eth_dst[5] == 0x42)
		weir_drop(d, 0);
}

WEIR_EXTENSION("cheat-compares", WEIR_CLASS_FILTER, .version = "1.0",
	.summary = "Compares what it did not declare", .reads = WEIR_FIELD_IP_PROTO,
	.drop_reasons = WEIR_DROP_REASONS({ "value", "it has one of the values" }),
	.ingress = decide, .egress = decide);
