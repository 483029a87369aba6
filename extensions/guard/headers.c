// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "headers.h"

#include <netinet/in.h>

enum { ETH_HEADER = 14, TAG = 4, TAGS_MAX = 2, IPV4_HEADER = 20, IPV6_HEADER = 40, CHAIN_MAX = 8 };

bool type_is_tag(uint16_t type)
{
	return type == TYPE_TAG || type == TYPE_SERVICE_TAG || type == TYPE_OLD_TAG;
}

static void find_ipv4(struct headers *h)
{
	const uint8_t *ip = h->l3;
	uint16_t fragment;
	unsigned size;

	if (h->end - ip < IPV4_HEADER)
		return;
	size = (ip[0] & 15) * 4u;
	fragment = load_be16(ip + 6) & 0x3fff;
	h->proto = ip[9];
	h->fragmented = fragment != 0;
	if (size >= IPV4_HEADER && (ptrdiff_t)size <= h->end - ip && (fragment & 0x1fff) == 0)
		h->l4 = ip + size;
}

// The size of an extension header (RFC 8200, 4) at `at`, of which 8 bytes are there; 0: it is none.
static unsigned extension_size(uint8_t type, const uint8_t *at)
{
	switch (type) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case 135: // mobility, RFC 6275
		return (at[1] + 1u) * 8;
	case IPPROTO_AH: // RFC 4302, 2.2
		return (at[1] + 2u) * 4;
	case IPPROTO_FRAGMENT:
		return 8;
	default:
		return 0;
	}
}

static void find_ipv6(struct headers *h)
{
	const uint8_t *at = h->l3 + IPV6_HEADER;
	uint8_t type;

	if (h->end - h->l3 < IPV6_HEADER)
		return;
	type = h->l3[6];
	for (unsigned i = 0; i <= CHAIN_MAX; i++) {
		unsigned size = h->end - at < 8 ? 0 : extension_size(type, at);

		if (size == 0) {
			h->l4 = at;
			h->proto = type;
			return;
		}
		if (type == IPPROTO_FRAGMENT) {
			h->fragmented = true;
			if (load_be16(at + 2) & 0xfff8)
				return;
		}
		if ((ptrdiff_t)size > h->end - at)
			return;
		type = at[0];
		at += size;
	}
}

void headers_find(const struct weir_frame *frame, struct headers *h)
{
	const uint8_t *at = frame->data + ETH_HEADER;

	*h = (struct headers){ .end = frame->data + frame->linear };
	if (frame->linear < ETH_HEADER)
		return;
	h->type = load_be16(at - 2);
	for (unsigned i = 0; i < TAGS_MAX && type_is_tag(h->type) && h->type != TYPE_OLD_TAG; i++) {
		if (h->end - at < TAG)
			return;
		h->type = load_be16(at + 2);
		at += TAG;
	}
	h->l3 = at;
	if (h->type == TYPE_IPV4)
		find_ipv4(h);
	else if (h->type == TYPE_IPV6)
		find_ipv6(h);
}
