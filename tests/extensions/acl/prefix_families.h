// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Sets of prefixes of named families, as entries of the port ACL have them. Each is a rule of which
// one address is set, so that what is made for rules (classify_families.h) is good for them, too.
#ifndef TESTS_PREFIX_FAMILIES_H
#define TESTS_PREFIX_FAMILIES_H

#include "classify_families.h"

struct prefix_family {
	struct family family;
	bool meter; // entries that meter, else such that allow or deny
};

// NULL: there is none of that name.
const struct prefix_family *prefix_family_find(const char *name);
// The i-th, and NULL behind the last.
const struct prefix_family *prefix_family_at(unsigned i);

#endif
