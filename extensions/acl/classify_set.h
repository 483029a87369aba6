// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a struct classify is: a tree for each kind of packet, and one for rules that do not say.
#ifndef ACL_CLASSIFY_SET_H
#define ACL_CLASSIFY_SET_H

#include "classify_tree.h"

enum {
	SET_ANY = WEIR_L3_ARP + 1, // behind one for each enum weir_l3
	SET_N_TREES,
};

struct classify {
	size_t n; // rules
	struct tree_ref trees[SET_N_TREES];
};

#endif
