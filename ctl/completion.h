// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The part of the object completion that asks the daemon.
#ifndef CTL_COMPLETION_H
#define CTL_COMPLETION_H

#include "command.h"

// completion names KIND [WORD...]: prints words of the kind, one per line. The WORDs are what the
// kind depends on: the policy type and the word begun for `field`, target and policy type for `id`.
// Prints only words of letters, digits and ._:=[]- because a shell will expand them.
int completion_names(struct invocation *in, struct ctl_error *error);

#endif
