// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The processor's counter of time: cheap enough to be read per batch and per decision. Its rate is
// constant, but unknown; on a processor without one it stands still. Any thread.
#ifndef CYCLES_H
#define CYCLES_H

#include <stdint.h>

static inline uint64_t cycles(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t v;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
	return v;
#else
	return 0;
#endif
}

#endif
