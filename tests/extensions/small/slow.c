// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A cheat: its decisions wait, 5 ms each.
#include <time.h>

#include <weir/extension.h>

static void decide(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	const struct timespec time = { 0, 5000000 };

	(void)state;
	(void)flow;
	(void)d;
	nanosleep(&time, NULL);
}

WEIR_EXTENSION("slow", WEIR_CLASS_FILTER, .version = "1.0", .summary = "Takes its time",
	.ingress = decide);
