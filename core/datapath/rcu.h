// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The project's use of liburcu (QSBR), in one place and visible to ThreadSanitizer.
//
// Rules
// - A worker is online while it processes a batch, says rcu_quiescent() between batches, and goes
//   offline around every call that blocks. Nothing RCU-protected is held across either.
// - The control thread is offline except between rcu_enter() and rcu_leave(). It never waits for a
//   grace period: it publishes, and gives what it replaced to rcu_free_later().
//
// liburcu is not compiled with ThreadSanitizer, which therefore does not see that a grace period
// orders the readers' last accesses before the writer's free. Under it, quiescent states and
// deferred calls carry that edge explicitly.
#ifndef RCU_H
#define RCU_H

#define _LGPL_SOURCE
#include <urcu/urcu-qsbr.h>
#undef _LGPL_SOURCE

#if defined(__SANITIZE_THREAD__)
#define RCU_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RCU_TSAN 1
#endif
#endif

#ifdef RCU_TSAN
void __tsan_acquire(void *);
void __tsan_release(void *);
extern char rcu_tsan_edge;
#define RCU_RELEASE_EDGE() __tsan_release(&rcu_tsan_edge)
#define RCU_ACQUIRE_EDGE() __tsan_acquire(&rcu_tsan_edge)
#else
#define RCU_RELEASE_EDGE() ((void)0)
#define RCU_ACQUIRE_EDGE() ((void)0)
#endif

// Publishes p in *pointer, which readers load with rcu_get(). The single writer's side.
#define rcu_publish(pointer, p) __atomic_store_n((pointer), (p), __ATOMIC_RELEASE)
// Loads a published pointer; valid until the caller's next quiescent state.
#define rcu_get(pointer) __atomic_load_n((pointer), __ATOMIC_ACQUIRE)

// The calling thread takes part: online from here on. Before any other call here.
static inline void rcu_register(void)
{
	urcu_qsbr_register_thread();
}

static inline void rcu_unregister(void)
{
	RCU_RELEASE_EDGE();
	urcu_qsbr_unregister_thread();
}

static inline void rcu_quiescent(void)
{
	RCU_RELEASE_EDGE();
	urcu_qsbr_quiescent_state();
}

// Before blocking; rcu_enter() afterwards.
static inline void rcu_leave(void)
{
	RCU_RELEASE_EDGE();
	urcu_qsbr_thread_offline();
}

static inline void rcu_enter(void)
{
	urcu_qsbr_thread_online();
}

// Registers the calling thread, which may serve several contexts, once, and leaves it offline.
void rcu_thread_get(void);
void rcu_thread_put(void);

// Calls function(head) after a grace period, on liburcu's own thread. Registered threads only.
void rcu_free_later(struct rcu_head *head, void (*function)(struct rcu_head *head));

// Returns when every call of rcu_free_later() made so far has been run. Blocks: at shutdown and in
// tests only; the caller must be offline.
void rcu_drain(void);

#endif
