// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Watches the host's network interfaces over rtnetlink (libmnl), so that a port learns that its
// interface went away or came back. Control thread only.
#ifndef LINK_MONITOR_H
#define LINK_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

struct link_monitor;

struct link_change {
	const char *name; // borrowed during the call
	int ifindex;
	bool present; // false: the interface was deleted (or left this network namespace)
	bool up;      // IFF_UP and IFF_RUNNING
	uint32_t mtu; // bytes
};

typedef void link_monitor_handler(void *context, const struct link_change *change);

// Starts watching. handler is called from link_monitor_process() only.
int link_monitor_create(link_monitor_handler *handler, void *context, struct link_monitor **monitor,
	struct weir_error *error);
void link_monitor_destroy(struct link_monitor *monitor);
// Readable when there is something to process.
int link_monitor_fd(const struct link_monitor *monitor);
// Reads what has come, without blocking. After an overrun of the socket (ENOBUFS) all interfaces
// are dumped and reported again, and -ESTALE is returned: interfaces unheard of since are gone.
int link_monitor_process(struct link_monitor *monitor);
// True when the interface carries the host's default route (IPv4 or IPv6, any table of the main
// rules). Negative errno when the kernel cannot be asked.
int link_has_default_route(int ifindex);

#endif
