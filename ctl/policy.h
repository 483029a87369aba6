// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The parts of the object policy that have files of their own.
#ifndef CTL_POLICY_H
#define CTL_POLICY_H

#include "command.h"
#include "types.h"

// policy list [TARGET] [EXTENSION[.TYPE]]
int policy_list(struct invocation *in, struct ctl_error *error);

// policy status [TARGET] EXTENSION[.TYPE]
int policy_status(struct invocation *in, struct ctl_error *error);

// policy schema EXTENSION[.TYPE]
int policy_schema(struct invocation *in, struct ctl_error *error);

// Fills in the type that is meant by EXTENSION alone, as policy add TARGET takes it: refused when
// it has to be said which. Of an extension that is missing nobody knows the types: it stays ""
// then.
int policy_name_type(
	struct invocation *in, const char *target, struct type_name *name, struct ctl_error *error);

// Shows one type of an extension as policy schema does, for people.
int policy_schema_type(
	const struct types *types, const struct message_type *type, struct ctl_error *error);

#endif
