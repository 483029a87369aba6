// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The part of the object apply that has a file of its own.
#ifndef CTL_APPLY_H
#define CTL_APPLY_H

#include "command.h"

// apply --schema: the JSON Schema, with the bodies of the policies of all extensions that a daemon
// has loaded; without those when none can be reached.
int apply_schema(struct invocation *in, struct ctl_error *error);

#endif
