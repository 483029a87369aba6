// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A filter that reads the 5-tuple and decides nothing: with it every connection is a flow of its
// own.
#include <weir/extension.h>

static void decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	(void)flow;
	(void)d;
}

WEIR_EXTENSION("reader", WEIR_CLASS_FILTER, .version = "1.0", .summary = "Reads the 5-tuple",
	.reads = WEIR_FIELDS_5TUPLE, .ingress = decide);
