// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Telling the service manager how the daemon is, as sd_notify(3) describes it: datagrams to the
// socket that NOTIFY_SOCKET names, a path or, with "@", an abstract one. Without that variable
// nothing is sent. What cannot be sent is dropped: nobody could do anything about it.
#ifndef SWITCHD_NOTIFY_H
#define SWITCHD_NOTIFY_H

#include <stdint.h>

struct notify {
	int fd;               // -1: there is nobody to tell
	uint64_t watchdog_ms; // say WATCHDOG=1 this often; 0: nobody waits for it
};

// Takes the variables of the environment, and takes them away from what is started later. 0, or a
// negative errno: NOTIFY_SOCKET names no socket that can be reached.
int notify_open(struct notify *notify);

// message: "READY=1\nSTATUS=...". Any thread.
void notify_send(const struct notify *notify, const char *message);

void notify_close(struct notify *notify);

#endif
