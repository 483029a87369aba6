// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Sessions in a laboratory, by the extension "stateful" (tests/extensions/small): p0 and p2 are
// protected, p1 and p3 are not.
#ifndef LAB_SESSION_H
#define LAB_SESSION_H

#include "lab.h"

struct session_rows {
	unsigned n;
	char text[1024]; // "port key state frames/reverse;" of each
};

// A laboratory with the extension, where the stations have spoken.
void session_start(struct lab *lab, const struct lab_options *options);
// A second passes at a time, with a worker's rounds and the control thread's in each.
void session_wait_s(struct lab *lab, unsigned seconds);
// What `session list` of br0 shows.
struct session_rows session_list(struct lab *lab);

#define assert_listed(lab, expected)                                                               \
	do {                                                                                       \
		struct session_rows rows_ = session_list(lab);                                     \
		assert_string_equal(rows_.text, expected);                                         \
	} while (0)

#endif
