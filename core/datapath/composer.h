// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Inside compose*.c: the state of one composition.
#ifndef COMPOSER_H
#define COMPOSER_H

#include "datapath/compose.h"

struct composer {
	struct weir_decision decision; // first: what extensions are handed
	const struct compose_context *context;
	struct composition *out;
	const struct hook *hook; // whose decide is being called
	struct flow_key key;     // the flow after all rewrites so far
	uint64_t source;         // word 2 as the frame came, before any rewrite
	weir_port_id ingress, egress;
	const struct snapshot_port *port; // whose stages run
	uint64_t began;                   // cycles, when the hook before this one had returned
	// What has been decided.
	// A meter counts frames as they are on the wire of its port: without the tag that the
	// switch adds for the VLAN of an access port. In bytes, negative. So are they paid for.
	int8_t wire_adjust;
	bool again; // strict mode's second call: what offends has been counted
	bool dropped, hook_ended, flood, native, too_complex;
	uint8_t drop_stage;
	uint16_t drop_reason;
	unsigned n_destinations;
	uint16_t destinations[DESTINATIONS_MAX];
};

extern const struct weir_decision_ops composer_decision_ops;

// Calls one decide hook, twice in strict mode.
void composer_call(struct composer *c, const struct hook *hook);

// Recording. Peephole rules keep programs short; see compose_ops.c.
void composer_op(struct composer *c, struct op op);
void composer_depend(struct composer *c, uint16_t slot);
// Rewrites the key and records the operation. False: the frame has no such field.
bool composer_set(struct composer *c, uint64_t field, const void *value, size_t size);
void composer_push_vlan(struct composer *c, uint16_t tci);
void composer_pop_vlan(struct composer *c);
// Takes out what a dropped frame does not need: meters and policers, and rewrites that nobody sees.
void composer_strip_dropped(struct composer *c);
// Takes the meters and policers behind the last visit out of the program into late; returns how
// many.
unsigned composer_take_late(struct composer *c, struct op late[/* PROGRAM_OPS_MAX */]);

// Counts an offence of the hook's extension, as extension_offend().
enum offence { OFFENCE_VIOLATION, OFFENCE_INVALID, OFFENCE_IMPURE };
__attribute__((format(printf, 3, 4))) void composer_offence(
	const struct composer *c, enum offence offence, const char *format, ...);

#endif
