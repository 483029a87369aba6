// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The switches that a request is about, when it may name one, a port, or none for all of them.
// Control thread only.
#ifndef CONTROL_SCOPE_H
#define CONTROL_SCOPE_H

#include <weir/embed.h>

// Calls act for the switch of that name, for the port's switch, or, when both are NULL, for every
// one; stops at the first that fails. act must not add or remove switches or ports. Returns 0, what
// act returned, or -ENOENT with a sentence for a name that is unknown or a port that is on another
// switch.
int scope_each(struct weir *weir, const char *switch_name, const char *port,
	int (*act)(void *context, const char *switch_name, struct weir_error *error), void *context,
	struct weir_error *error);

#endif
