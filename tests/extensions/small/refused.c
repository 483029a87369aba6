// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Extensions that the loader must refuse: each has a hook that its class does not have. Built as
// refused-CLASS-HOOK for every such pair.
#include <weir/extension.h>

__attribute__((unused)) static void decide(
	const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	(void)flow;
	(void)d;
}

__attribute__((unused)) static void visit(const void *state, struct weir_visit *v)
{
	(void)state;
	(void)v;
}

__attribute__((unused)) static int review(
	void *instance, const struct weir_event *event, struct weir_error *error)
{
	(void)instance;
	(void)event;
	(void)error;
	return 0;
}

__attribute__((unused)) static void session_ended(
	void *instance, const struct weir_session_end *end)
{
	(void)instance;
	(void)end;
}

WEIR_EXTENSION(REFUSED_NAME, REFUSED_CLASS, .version = "1.0", .summary = "Has a hook too many",
	.REFUSED_HOOK = REFUSED_FUNCTION);
