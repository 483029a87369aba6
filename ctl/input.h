// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Files that people name for weirctl to read. All of them are opened here: whatever is at the path,
// nothing is waited for that may never come.
#ifndef CTL_INPUT_H
#define CTL_INPUT_H

#include <stdio.h>

#include "error.h"

// Opens a file with its user's rights: a regular file, or a pipe that somebody writes to, as a
// shell makes one for <(COMMAND). Anything else is refused: a directory, a device, a socket, a pipe
// that is empty and has no writer. *fd blocks, and is the caller's to close. Returns 0, or
// CTL_REFUSED with a sentence before which the caller puts what he calls the file.
int input_open(const char *path, int *fd, struct ctl_error *error);

// The same as a stream, with the path before the sentence; caller closes it with fclose().
int input_stream(const char *path, FILE **stream, struct ctl_error *error);

#endif
