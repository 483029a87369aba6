// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A laboratory in which what was wanted is restored, and what is seen then.
#ifndef LAB_RESTORE_H
#define LAB_RESTORE_H

#include "lab_document.h"

enum { RESTORE_NOTICES_MAX = 4096 };

struct restore_notices {
	char text[RESTORE_NOTICES_MAX]; // "kind switch port extension\n" each
};

// A laboratory without a switch, whose notices are kept.
void restore_start(struct lab *lab, struct restore_notices *notices);
// The document, and the test's ends of its ports p0 and p1. differences: NULL: whatever they are.
void restore_document(struct lab *lab, const char *document, const char *differences);

// What lists say of an extension of br0, n: rows of it; or of a port, n: its state.
struct restore_seen {
	const char *name;
	bool missing, fail_open, blocked;
	char reason[256], path[256];
	unsigned n;
	int order;
};

struct restore_seen restore_extension(struct lab *lab, const char *name);
struct restore_seen restore_port(struct lab *lab, const char *name);

#endif
