// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/rcu.h"

#ifdef RCU_TSAN
char rcu_tsan_edge;
#endif

void rcu_free_later(struct rcu_head *head, void (*function)(struct rcu_head *head))
{
	RCU_RELEASE_EDGE();
	urcu_qsbr_call_rcu(head, function);
}

void rcu_drain(void)
{
	urcu_qsbr_barrier();
	RCU_ACQUIRE_EDGE();
}

// How many contexts the thread serves. Belongs to the thread, as its registration does.
static _Thread_local unsigned uses;

void rcu_thread_get(void)
{
	if (uses++ == 0) {
		rcu_register();
		rcu_leave();
	}
}

void rcu_thread_put(void)
{
	if (--uses == 0)
		rcu_unregister();
}
