// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Guards of ports. Frames are judged where they come in, by what their flow shows: the source
// addresses and the structure. What is in their headers beyond that (ports, ICMP types, what ARP
// and neighbour discovery say) is looked at in visits of the few kinds of frames that have it, so
// that a guarded port has no more flows than it has pairs of addresses, whatever the guest does.
#ifndef GUARD_H
#define GUARD_H

#include <weir/extension.h>

#include "addresses.h"

enum {
	GUARD_MAC = 1 << 0,
	GUARD_IP = 1 << 1,
	GUARD_DHCP = 1 << 2,
	GUARD_ROUTER = 1 << 3,
};

enum storm { STORM_BROADCAST, STORM_MULTICAST, STORM_UNKNOWN, N_STORMS };

// Indices of the descriptor's drop_reasons.
enum reason {
	DROP_MAC,
	DROP_IP,
	DROP_ARP,
	DROP_ND,
	DROP_DHCP,
	DROP_ADVERTISEMENT,
	DROP_REDIRECT,
	DROP_ND_FRAGMENT,
	DROP_TINY_FRAGMENT,
	DROP_HEADER_CHAIN,
	DROP_MALFORMED,
	DROP_HIDDEN,
	DROP_STORM, // and one per enum storm
	N_REASONS = DROP_STORM + N_STORMS,
	PASS = N_REASONS,
};

// Of one port, immutable once prepared.
struct guard {
	unsigned kinds; // set of GUARD_*
	bool any_link_local, eui64;
	struct macs macs; // the port's own
	struct ip_ranges addresses;
	unsigned storms; // set of 1 << enum storm that are limited
	uint32_t policers[N_STORMS];
	uint64_t rates[N_STORMS]; // frames per second, for people
};

static inline bool is_link_local(const uint8_t address[16])
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

// Whether the port may use the IPv6 address.
bool guard_owns_v6(const struct guard *guard, const uint8_t address[16]);

// decide.c, visit.c: hooks of workers.
void guard_ingress(const void *state, const struct weir_flow *flow, struct weir_decision *d);
void guard_forwarded(const void *state, const struct weir_flow *flow, struct weir_decision *d);
void guard_visit(const void *state, struct weir_visit *visit);

// prepare.c: hooks of the control thread.
int guard_prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error);
void guard_release(void *instance, const void *state);

#endif
