// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Memory that is reserved whole, for as much as there may ever be, and taken from the system page
// by page as it is used: zeros until then. What frames should not wait for can be taken ahead, by
// who has the time for it.
//
// Any thread.
#ifndef PAGES_H
#define PAGES_H

#include <stddef.h>

enum { PAGES_HUGE = 1 << 21 }; // bytes of a huge page

// NULL: not even addresses are left.
void *pages_reserve(size_t size);
// The same in huge pages where there is one to fill and the kernel has some: for what is looked at
// at random places, as the processor knows where a few MB of small pages are.
void *pages_reserve_huge(size_t size);
// size: as reserved. Accepts NULL.
void pages_release(void *memory, size_t size);

// Takes these bytes now, which begin with a page. Where that fails (before Linux 5.14, or for want
// of memory) it is left to those who use them.
void pages_touch(void *memory, size_t size);

#endif
