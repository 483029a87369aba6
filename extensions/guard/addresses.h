// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Sets of addresses: filled on the control thread, sorted once, then only read.
#ifndef GUARD_ADDRESSES_H
#define GUARD_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

struct mac {
	uint8_t bytes[6];
};

struct macs {
	struct mac *items;
	size_t n;
};

// A number whose order is that of addresses: the family, 4 or 6, and 16 bytes; those of IPv4 are
// the last four, behind zeros. So no prefix of one family, ::/0 included, has an address of the
// other.
enum { IP_KEY = 17 };

struct ip_range {
	uint8_t first[IP_KEY], last[IP_KEY];
};

struct ip_ranges {
	struct ip_range *items;
	size_t n;
};

// 0 or -ENOMEM.
int macs_add(struct macs *macs, const uint8_t mac[6]);
// To be called when all are in.
void macs_sort(struct macs *macs);
bool macs_have(const struct macs *macs, const uint8_t mac[6]);

// text: an address or a prefix; bits behind its length do not count. 0, -ENOMEM, or -EINVAL with a
// sentence that names it.
int ip_ranges_add(struct ip_ranges *ranges, const char *text, struct weir_error *error);
// To be called when all are in: joins what overlaps, so that looking up takes log n.
void ip_ranges_sort(struct ip_ranges *ranges);
bool ip_ranges_have_v4(const struct ip_ranges *ranges, const uint8_t address[4]);
bool ip_ranges_have_v6(const struct ip_ranges *ranges, const uint8_t address[16]);

#endif
