// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Memory that is reserved whole and taken from the system as it is used: taken ahead, by who has
// the time for it.
#ifndef TOUCH_H
#define TOUCH_H

#include <stddef.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE // before glibc 2.35
#define MADV_POPULATE_WRITE 23
#endif

// From the start of a page. Where that fails (before Linux 5.14, or for want of memory) it is left
// to those who use it.
static inline void touch(void *memory, size_t size)
{
	madvise(memory, size, MADV_POPULATE_WRITE);
}

#endif
