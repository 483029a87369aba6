// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A lock for a few loads and stores on what workers share: of a bucket, say. Whoever holds it waits
// for nothing else meanwhile. Zeroed memory is one that nobody holds. Any thread.
#ifndef SPIN_H
#define SPIN_H

#include <sched.h>
#include <stdint.h>

enum { SPINS = 1000 };

static inline void spin_lock(uint32_t *lock)
{
	for (unsigned i = 0; __atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE); i++) {
		if (i >= SPINS) // its holder may have lost its CPU
			sched_yield();
#ifdef __x86_64__
		__builtin_ia32_pause();
#endif
	}
}

static inline void spin_unlock(uint32_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

#endif
