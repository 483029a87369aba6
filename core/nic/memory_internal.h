// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the two sides of a `memory` NIC share.
#ifndef MEMORY_INTERNAL_H
#define MEMORY_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "nic/memory.h"
#include "nic/memory_ring.h"

struct memory_queue {
	struct memory_ring to_switch;      // application produces, worker consumes
	struct memory_ring to_application; // worker produces, application consumes
	pthread_mutex_t transmit_lock;     // workers, when several share to_application
	_Atomic bool wants_event;          // the application asked for the descriptor
};

struct weir_memory {
	_Atomic unsigned refs; // the NIC and every handle
	_Atomic bool closed;   // control: w, application: r
	bool shared_transmit;  // there are fewer queues than workers
	unsigned n_queues;
	struct memory_queue queues[];
};

#endif
