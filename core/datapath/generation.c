// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <stddef.h>
#include <sys/mman.h>

#include "datapath/generation.h"

struct generation *generation_create(void)
{
	void *memory = mmap(NULL, sizeof(struct generation), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void generation_destroy(struct generation *g)
{
	if (g)
		munmap(g, sizeof(*g));
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
