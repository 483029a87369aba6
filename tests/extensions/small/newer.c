// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A filter of the next minor version (tests/abi/newer.py), twice: one needs it and one,
// NEWER_BENDS, can do with the version of this tree. It opens sessions for UDP; to port 10, with
// what only the next version knows of them.
#ifdef NEWER_BENDS
#define WEIR_NEEDS_MINOR (WEIR_ABI_MINOR - 1)
#define NAME             "newer-bends"
#else
#define NAME "newer-needs"
#endif

#include <arpa/inet.h>
#include <stdlib.h>

#include <weir/extension.h>

// Says what the host has, and has no function that the host lacks.
static int attach(struct weir_attachment *a, void **instance, struct weir_error *error)
{
	const int result = weir_newer(a);

	weir_log(a, 7, "minor version %u on a host of %u: %d", WEIR_ABI_MINOR, a->host->abi_minor,
		result);
	*instance = malloc(1);
	return *instance ? 0 : weir_refuse(error, -ENOMEM, NULL, "no memory");
}

static void ingress(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	struct weir_session session = { .size = sizeof(session), .idle_s = 10 };

	(void)state;
	session.newer = flow->l4_dst == htons(10);
	weir_session(d, &session);
}

// No host of this tree's version calls it.
static void newer(void *instance)
{
	(void)instance;
	abort();
}

WEIR_EXTENSION(NAME, WEIR_CLASS_FILTER, .version = "3.0", .summary = "Is newer than the host",
	.reads = WEIR_SESSION_FIELDS, .ingress = ingress, .attach = attach, .detach = free,
	.newer = newer);
