// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/slow.h"

enum { UNIT_SHIFT = 10 }; // 32 bits of 1024 cycles are twenty minutes

void slow_note(struct slow_decides *slow, uint64_t taken, uint16_t attachment, uint16_t port)
{
	uint64_t units = taken >> UNIT_SHIFT > UINT32_MAX ? UINT32_MAX : taken >> UNIT_SHIFT;
	uint64_t now = units << 32 | (uint64_t)attachment << 16 | port;
	uint64_t before = __atomic_load_n(&slow->longest, __ATOMIC_RELAXED);

	count(&slow->n, 1);
	while (now > before && !__atomic_compare_exchange_n(&slow->longest, &before, now, true,
				       __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		continue;
}

bool slow_take(struct slow_decides *slow, uint64_t *taken, uint16_t *attachment, uint16_t *port)
{
	uint64_t longest = __atomic_exchange_n(&slow->longest, 0, __ATOMIC_RELAXED);

	if (longest == 0)
		return false;
	*taken = longest >> 32 << UNIT_SHIFT;
	*attachment = (uint16_t)(longest >> 16);
	*port = (uint16_t)longest;
	return true;
}
