// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/pages.h"

#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE // before glibc 2.35
#define MADV_POPULATE_WRITE 23
#endif

void *pages_reserve(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void *pages_reserve_huge(size_t size)
{
	void *memory = pages_reserve(size);

	if (memory && size >= PAGES_HUGE)
		madvise(memory, size, MADV_HUGEPAGE);
	return memory;
}

void pages_release(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

void pages_touch(void *memory, size_t size)
{
	madvise(memory, size, MADV_POPULATE_WRITE);
}
