// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// How weirctl says what went wrong.
//
// Functions that can fail return 0 or the exit code that weirctl will have, not an errno: the
// caller of a command sees nothing else. The first failure fills a struct ctl_error and is passed
// up as it is.
#ifndef CTL_ERROR_H
#define CTL_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum ctl_exit {
	CTL_OK = 0,
	CTL_REFUSED = 1,   // by the daemon, or a value that cannot be sent to it
	CTL_USAGE = 2,     // no such command, or a wrong number of arguments
	CTL_NO_DAEMON = 3, // nobody listens, the connection broke, or no answer in time
};

struct ctl_error {
	char message[1024]; // one sentence without a final stop, UTF-8, always terminated
	// Of a refusal by the daemon, else 0 and "": its status code, and the offending field.
	unsigned status;
	char field[128];
};

// Fills *error and returns code, so that a failure is one statement.
__attribute__((format(printf, 3, 4))) int ctl_fail(
	struct ctl_error *error, enum ctl_exit code, const char *format, ...);

// Puts the path of the value that is to blame before the sentence.
__attribute__((format(printf, 2, 3))) void ctl_blame(
	struct ctl_error *error, const char *format, ...);

// Takes the path of the offending field off the sentence of a refusal by the daemon, where it
// begins with that, so that the caller can say what its user calls it. False: there was none.
bool ctl_take_field(struct ctl_error *error);

// The failure of an allocation.
int ctl_fail_memory(struct ctl_error *error);

// Writes text that others chose (names, sentences, values) to a terminal or file: control
// characters, which could drive a terminal, become \xNN. Returns the number of columns written.
size_t ctl_put_text(FILE *out, const char *text);

#endif
