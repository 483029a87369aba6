// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The host's network interfaces, as the NIC kinds that open one need them. Control thread only; the
// refusals name the interface and what would help.
#ifndef INTERFACE_H
#define INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

struct interface {
	int ifindex;
	uint32_t mtu;  // bytes
	bool up;       // IFF_UP
	bool ethernet; // frames have an Ethernet header and a MAC address
};

// Whether the kernel would take the name, plus: no comma (it ends the name in a specification), no
// '%' (the kernel would number it), nothing that does not print. 0 or -EINVAL with a sentence.
int interface_check_name(const char *name, struct weir_error *error);
// 0 = there is none of that name in this network namespace.
int interface_index(const char *name);
// -ENODEV with a sentence when there is none of that name.
int interface_query(const char *name, struct interface *interface, struct weir_error *error);
// Whether the host's kernel speaks IP there: it has an IPv4 address, or speaks IPv6, as it does by
// default, with or without an address.
bool interface_speaks_ip(const char *name);
int interface_set_up(const char *name, struct weir_error *error);
int interface_set_mtu(const char *name, uint32_t mtu, struct weir_error *error);

#endif
