// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A switch's snapshot made by hand, with extensions whose decide hooks are functions of the test.
// Nothing of core/switch takes part. One world at a time.
#ifndef TESTS_DATAPATH_COMPOSE_WORLD_H
#define TESTS_DATAPATH_COMPOSE_WORLD_H

#include "frames.h"

#include "datapath/compose.h"

enum {
	WORLD_PORTS = 4,
	WORLD_EXTENSIONS = 8,
	WORLD_METER = 100, // extension n (from 0) owns meter WORLD_METER + n
};

// What an extension of the test is; the first field of its state.
struct actor {
	const char *name;
	enum weir_class class;
	uint64_t reads;
	weir_decide *hooks[WEIR_N_STAGES];
	bool visits;
	// For the hooks' own use.
	const void *context;
};

struct world {
	struct generation *generation;
	struct fdb *fdb;
	struct session_table *sessions; // 64, 8 at a port
	unsigned sessions_refused;      // of the next composition
	struct meter_owners meters;
	struct policer_table policers; // there are none
	uint16_t owners[METER_CHUNK];
	struct weir_extension extensions[WORLD_EXTENSIONS];
	struct stack_entry entries[WORLD_EXTENSIONS];
	struct extension_counters counters[WORLD_EXTENSIONS];
	unsigned n;
	struct snapshot_port ports[WORLD_PORTS], nowhere;
	struct hook hooks[WORLD_PORTS][WORLD_EXTENSIONS * WEIR_N_STAGES];
	struct snapshot *snapshot;
	struct composition out;
	bool learn;
};

extern struct world world;
// What hooks wrote, in the order of their calls; see world_log().
extern char world_said[1024];

// cmocka's setup and teardown.
int world_setup(void **state);
int world_teardown(void **state);

// Puts these extensions on the stack, in this order; hooks get their actor as state.
void world_stack(const struct actor *actors[/* n */], unsigned n);
// text: as for vlan_parse().
void world_vlan(uint16_t port, const char *text);
// The address is known at the port.
void world_learn(uint16_t vlan, const char *mac, uint16_t port);

// Composes the ingress half of a frame from a port, from a position on. Returns the program's text,
// borrowed until the next call.
const char *world_ingress(uint16_t port, const char *frame_text, uint8_t start);
// Composes the egress half.
const char *world_egress(
	uint16_t port, const char *frame_text, uint16_t from_port, enum weir_forwarded forwarded);

// Appends to world_said.
__attribute__((format(printf, 1, 2))) void world_log(const char *format, ...);
bool world_depends_on(uint16_t slot);

#endif
