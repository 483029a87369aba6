// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A datapath of compose_world.h's switch with two NICs of the test's own: what stands in their
// receive rings is known to the frame, and so is what was sent. Ports 0 and 1 have them; all frames
// are UDP from the station at one of them to the station at the other, and differ in their UDP
// ports alone.
#ifndef TESTS_DATAPATH_LINE_H
#define TESTS_DATAPATH_LINE_H

#include "compose_world.h"

#include "datapath/worker.h"

enum {
	LINE_RING = 1024,   // frames that a receive ring holds; what comes then is lost, or waits
	LINE_FLOWS = 1024,  // that a flow table holds
	LINE_KNOWN = 65536, // flows below this number are the test's known ones
};

struct line_nic {
	struct nic nic;
	uint64_t head, tail;
	uint32_t ring[LINE_RING];  // numbers of flows
	uint64_t lost[2], sent[2]; // frames of known flows, of others
	uint32_t last_sent;        // the flow's number
	uint64_t n_disordered;     // frames sent behind one with a greater number
	bool full;                 // accepts nothing
};

struct line {
	struct datapath *dp;
	struct worker *worker; // polls both NICs
	struct poll_list list;
	struct poll_entry entries[2];
	struct queue_pressure pressures[2]; // of the entries
	struct datapath *datapaths[1];
	struct line_nic nics[2];
	struct port_counters counters[WORLD_PORTS + 1];
	struct tx_queue queues[WORLD_PORTS + 1];
	const struct snapshot *published;
	struct frame_pool *pool;
	uint64_t now_ns, slow_limit;
	int nic_error, report_fd;
	unsigned linger_us, new_max; // of line_batch()
};

extern struct line line;

// cmocka's setup and teardown. The flow table holds LINE_FLOWS.
int line_setup(void **state);
int line_teardown(void **state);
// Takes up a flow table of another size.
void line_resize(uint32_t n_flows);
// Another datapath as line.dp, in none of its places. The caller destroys it.
struct datapath *line_another(void);

// A frame of a flow, from the station at a port to the one at the other.
struct weir_frame *line_frame(unsigned port, uint32_t flow);
// n frames come to the NIC of a port, of flow `first` and the following ones; returns how many,
// lost ones included, that is without those that wait with their sender.
unsigned line_arrive(unsigned port, uint32_t first, unsigned n);
// A worker's round over both NICs, at line.now_ns.
unsigned line_round(void);
// Hands frames to a port as one batch and ends it. Takes them.
void line_batch(unsigned port, struct weir_frame *frames[/* n */], unsigned n);
// The same with frames of n flows for port 0; at most NIC_BATCH.
void line_pass(uint32_t first, unsigned n);
// A share of the upkeep, if it is due at line.now_ns, as a worker does after each round; and all of
// it.
bool line_share(void);
void line_scan(void);
// Frames dropped at a port as new flows.
uint64_t line_shed(unsigned port, enum weir_stage stage);
// The stack has changed, and with it what is read: new masks for all ports.
void line_remask(const struct actor *actors[/* n */], unsigned n);

#endif
