// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// One version of an extension in the place of another, in a laboratory: by "versioned"
// (tests/extensions/small), which comes in several.
#ifndef LAB_REPLACE_H
#define LAB_REPLACE_H

#include "lab.h"

// A module of the tests by its file; the test's target says where they are.
#define MODULE(name) LAB_MODULES "/" name ".so"

int try_replace(struct lab *lab, const char *name, const char *path, unsigned flags);
void replace(struct lab *lab, const char *name, const char *path);

// Version 1 on the stack of four ports in strict mode, whose stations have spoken; at p0 port 9
// unwanted, port 1 for its own reason, 2 for version 2's.
void replace_start(struct lab *lab);
// Frames to this port are unwanted.
void replace_want(struct lab *lab, const char *target, const char *id, unsigned l4_dst);

// What the list of extensions says of one; n: rows of it.
struct found {
	const char *name;
	unsigned n;
	char version[32], path[256], state[32];
	int order; // -1: attached nowhere
	bool fail_open;
	uint64_t decisions, visits;
};
struct found replace_found(struct lab *lab, const char *name);
// Which version has seen the frame that passes from p0 to p1.
unsigned replace_seen_by(struct lab *lab);
// A frame from p0 to this port does not pass.
void replace_drop_one(struct lab *lab, uint16_t l4_dst);

#endif
