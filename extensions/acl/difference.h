// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What of a port's policies is new since a state was made, and what is gone: told by the serials of
// the policies, without looking into those that stayed.
#ifndef ACL_DIFFERENCE_H
#define ACL_DIFFERENCE_H

#include "acl.h"

struct difference {
	struct items removed; // of the state before, by their serials
	struct items added;   // made for this, with a reference each
};

// Fills the state's lists of policies. before: NULL: there was nothing. Also on failure the caller
// calls difference_free().
int difference_find(struct acl_state *state, const struct acl_state *before,
	const struct weir_target *target, struct difference *d, struct weir_error *error);
void difference_free(struct difference *d);

#endif
