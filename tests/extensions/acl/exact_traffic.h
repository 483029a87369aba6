// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Random traffic for the exactness of meters: connections and their replies, floods, segmentation
// frames, first and later fragments, ARP. A thread of its own hands a batch in while the test
// changes things; what comes out is taken by the test, which also learns of every frame that is
// dropped at run time.
//
//     p0  a trunk                        p3  never denies, and has room: what is flooded comes
//     p1  in VLAN 10, a short queue          out here, whatever the others do
//     p2  the same, without offloads     p4  the mirrors lead here, and nothing else
//
// Station n is behind the port n % 4.
#ifndef ACL_EXACT_TRAFFIC_H
#define ACL_EXACT_TRAFFIC_H

#include <pthread.h>
#include <semaphore.h>

#include "exact_ledger.h"

enum {
	TRAFFIC_PORTS = 3, // that send: p0, p1, p2
	TRAFFIC_QUEUES = 2,
	TRAFFIC_BATCH = 100, // so that no sample of a drop is lost
	TRAFFIC_WATCHES = 9,
	TRAFFIC_FRAME_MAX = 8192,
	// Destination ports that filters beside the ACL act upon.
	PORT_REWRITTEN = 5,
	PORT_DROPPED_BY_VISITOR = 7,
	PORT_VISITED = 8,
};

struct outgoing {
	struct weir_memory *to;
	uint16_t queue;
	uint32_t size;
	struct virtio_net_hdr offload;
	uint8_t bytes[TRAFFIC_FRAME_MAX];
};

struct traffic {
	struct lab *lab;
	struct ledger *ledger;
	struct weir_drop_watch *watches[TRAFFIC_WATCHES];
	uint32_t round, arrived; // of traffic_quiesce(): a bit for each port and queue
	uint64_t n_tx_full, n_port_down, n_over_rate_in, n_over_rate_out, n_later_in, n_visited,
		n_came_out, n_mirrored;
	// The thread: between `go` and `done` the batch is its own.
	pthread_t thread;
	sem_t go, done;
	bool stop;
	unsigned n;
	struct outgoing batch[TRAFFIC_BATCH];
};

// Their ports must be there.
void traffic_start(struct traffic *traffic, struct lab *lab, struct ledger *ledger);
void traffic_stop(struct traffic *traffic);
// Draws a batch and has it sent, until traffic_end_batch().
void traffic_begin_batch(struct traffic *traffic);
void traffic_end_batch(struct traffic *traffic);
// Takes what has come out, of all ports or but for the two with short queues, and what was dropped.
void traffic_take(struct traffic *traffic, bool all);
// Until all that was sent has come out or is lost.
void traffic_quiesce(struct traffic *traffic);
// The port has another end, or none (NULL); what the one before still has is taken. Not inside a
// batch.
void traffic_set_end(struct traffic *traffic, unsigned port, struct weir_memory *end);

#endif
