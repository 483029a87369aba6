// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Finding the headers of a frame that a visit looks at. Trusts nothing; looks at the linear part
// alone, which has all headers of a frame that the switch did not call malformed.
#ifndef GUARD_HEADERS_H
#define GUARD_HEADERS_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/frame.h>

enum {
	TYPE_IPV4 = 0x0800,
	TYPE_ARP = 0x0806,
	TYPE_TAG = 0x8100,
	TYPE_IPV6 = 0x86dd,
	TYPE_SERVICE_TAG = 0x88a8,
	TYPE_OLD_TAG = 0x9100, // double tags before IEEE 802.1ad
	TYPE_LEAST = 0x600,    // what is less is a length
};

struct headers {
	uint16_t type;     // behind the tags; less than TYPE_LEAST: LLC
	const uint8_t *l3; // NULL: the frame ends before
	const uint8_t *l4; // IP: NULL: cut short, or a fragment without it
	const uint8_t *end;
	uint8_t proto;   // IP: of L4
	bool fragmented; // IP: it has more fragments or, for IPv6, a fragment header
};

static inline uint16_t load_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

// True where frames of this type are to be found inside: a tag.
bool type_is_tag(uint16_t type);

void headers_find(const struct weir_frame *frame, struct headers *headers);

#endif
