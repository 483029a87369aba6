// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the switch of the exactness test is to do: the ACL's policies, which change, and the filters
// beside it, which stamp, rewrite, visit, mirror and drop. It is made so as one document, so that a
// version is in force as a whole or not at all.
#ifndef ACL_EXACT_SITE_H
#define ACL_EXACT_SITE_H

#include "exact_ledger.h"

enum {
	SITE_TEXT = 128,
	SITE_NUMBERS = 40,    // of policies, by port; those that may meter come first
	SITE_PORTS_RULE = 20, // has ports read, so that there are many flows, and has later
			      // fragments follow their first ones in both directions
};

struct site {
	struct lab *lab;
	struct ledger *ledger;
	char texts[EXACT_PORTS][SITE_NUMBERS][SITE_TEXT]; // "" where there is no such policy
	bool attached;
	int order; // of the ACL
};

const char *site_port(unsigned port);
// The policy of this number, for acl_pack().
void site_random_policy(char text[SITE_TEXT], unsigned number);
// Makes all of it so, in one change. False: some entries contradict each other, and everything is
// as it was.
bool site_publish(struct site *site);

#endif
