// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors

#include "datapath/generation.h"
#include "datapath/pages.h"

struct generation *generation_create(void)
{
	return pages_reserve(sizeof(struct generation));
}

void generation_destroy(struct generation *g)
{
	pages_release(g, sizeof(*g));
}

// Raises the slot to at least `time`.
static void raise_slot(uint64_t *slot, uint64_t time)
{
	uint64_t seen = __atomic_load_n(slot, __ATOMIC_RELAXED);

	while (seen < time && !__atomic_compare_exchange_n(
				      slot, &seen, time, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		continue;
}

void generation_move(struct generation *g, uint16_t slot)
{
	generation_move_all(g, &slot, 1);
}

void generation_move_all(struct generation *g, const uint16_t slots[], unsigned n)
{
	uint64_t now = __atomic_load_n(&g->clock, __ATOMIC_RELAXED);

	if (n == 0)
		return;
	do
		for (unsigned i = 0; i < n; i++)
			raise_slot(&g->slots[slots[i]], now + 1);
	while (!__atomic_compare_exchange_n(
		&g->clock, &now, now + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}
