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

void generation_move(struct generation *g, uint16_t slot)
{
	uint64_t now = __atomic_add_fetch(&g->clock, 1, __ATOMIC_ACQ_REL);
	uint64_t seen = __atomic_load_n(&g->slots[slot], __ATOMIC_RELAXED);

	while (seen < now && !__atomic_compare_exchange_n(&g->slots[slot], &seen, now, true,
				     __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		continue;
	__atomic_add_fetch(&g->clock, 1, __ATOMIC_ACQ_REL);
}
