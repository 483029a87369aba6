// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Going to the background. The parent stays until the child says that it is ready, so that whoever
// started the daemon can use it at once, or sees why it did not start.
//
// Call detach_start before any thread exists. Main thread only.
#ifndef SWITCHD_DETACH_H
#define SWITCHD_DETACH_H

// Forks. In the child returns a descriptor for the other functions. The parent does not return: it
// exits with 0 once the child is ready, or prints the child's reason and exits with 1. Returns a
// negative errno, in the only process, when it cannot fork.
int detach_start(void);

// Child: the reason why it will not be ready. fd as from detach_start.
void detach_fail(int fd, const char *reason);

// Child: ready. Leaves the directory and the standard streams, and closes fd.
void detach_ready(int fd);

#endif
