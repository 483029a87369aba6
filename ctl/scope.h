// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The words [TARGET] [EXTENSION] of a list: either alone is understood.
#ifndef CTL_SCOPE_H
#define CTL_SCOPE_H

#include <stdbool.h>

#include "command.h"

// Borrowed from the invocation; NULL means all.
struct scope {
	const char *target, *extension;
	bool is_guess; // there was one word, and no port has that name
};

// Reads the first two arguments. A word that stands alone is a target when it begins with "switch:"
// or a port has that name, which the daemon is asked for, and an extension otherwise.
int scope_take(struct invocation *in, struct scope *scope, struct ctl_error *error);

// Whether result and *error say that the extension of a guess is not there: then they say that the
// word is nothing. Returns result.
int scope_explain(const struct scope *scope, int result, struct ctl_error *error);

#endif
