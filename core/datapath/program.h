// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A program: what the core does with every frame of a flow, composed from the decisions of the
// whole stack.
//
// Programs are interned per worker and switch: flows with the same fate share one, so that a
// hundred thousand flows to one port with one meter run one hot program. A program is immutable; it
// is counted by the flows that hold it and freed between batches.
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/counters.h"

enum op_code {
	OP_OUTPUT,    // port: transmit there
	OP_DELIVER,   // port: run its egress half; arg: METER, POLICE, RELATED and FOLLOW that
		      // follow it, which are run when it is not decided to be dropped there
	OP_FLOOD,     // to every port of the VLAN arg
	OP_DROP,      // port, stage, arg: reason
	OP_END,       // the frame is let go of: somebody else accounts for it
	OP_METER,     // adjust; arg: meter
	OP_LOST,      // the same, of frames that do not come to the program's end: a visit takes
		      // them, or an operation drops them. The others are counted late, or never
	OP_POLICE,    // port, stage, adjust, flags: enum policer_unit, reason; arg: policer
	OP_VISIT,     // port, stage, hint, flags: TCP flags; arg: visitor
	OP_COPY,      // port: sink; arg: one in
	OP_TRACK,     // port, stage; arg: owner << 16 | VLAN: TCP's beginnings and ends are told to
		      // the session
	OP_RELATED,   // the same, flags: reason: lets pass what quotes a session's packet
	OP_REMEMBER,  // of a first fragment, the same, flags: FRAGMENT_DROPS, reason, policer: what
		      // becomes of the later ones of its datagram
	OP_FOLLOW,    // of a later one, the same, adjust: does what is remembered of its first one,
		      // or else what the operation says
	OP_PUSH_VLAN, // arg: TCI
	OP_POP_VLAN,
	OP_SET_TCI,      // arg: TCI
	OP_SET_ETH_DST,  // bytes
	OP_SET_ETH_SRC,  // bytes
	OP_SET_TOS,      // arg: value, and << 8 the bits that stay
	OP_SET_IPV4_SRC, // arg: network order
	OP_SET_IPV4_DST,
	OP_SET_IPV6_SRC, // address
	OP_SET_IPV6_DST,
	OP_SET_L4_SRC, // arg: network order
	OP_SET_L4_DST,
	N_OP_CODES,
};

struct op {
	uint8_t code; // enum op_code
	union {
		uint8_t bytes[6]; // SET_ETH_*
		struct {
			uint8_t stage; // enum weir_stage
			uint16_t port;
			union {
				uint8_t hint;  // VISIT: where in the port's hooks the visitor stood
				int8_t adjust; // METER, POLICE, FOLLOW: bytes that the frame is
					       // longer on its port's wire
			};
			uint8_t flags;
			uint8_t reserved; // so that no byte of the union is left unset
		} __attribute__((packed));
	};
	uint8_t forwarded; // enum weir_forwarded, for VISIT, DELIVER and FLOOD
	union {
		struct {
			uint32_t arg;
			uint32_t reason;  // POLICE: of what is over the rate; REMEMBER, FOLLOW: of
					  // what is dropped
			uint32_t policer; // REMEMBER, FOLLOW: its number + 1; 0: none
			uint32_t zero;
		};
		uint8_t address[16]; // SET_IPV6_*
	};
};

_Static_assert(sizeof(struct op) == 24, "no padding: programs are compared by their bytes");

// OP_TRACK, OP_RELATED, OP_REMEMBER, OP_FOLLOW: whose sessions or verdicts, and in which VLAN.
static inline uint16_t op_owner(const struct op *op)
{
	return (uint16_t)(op->arg >> 16);
}

static inline uint16_t op_vlan(const struct op *op)
{
	return (uint16_t)op->arg;
}

// Why OP_RELATED drops.
static inline uint16_t op_related_reason(const struct op *op)
{
	return reason_of(op_owner(op), op->flags);
}

enum {
	PROGRAM_OPS_MAX = 256,
	FRAGMENT_DROPS = 1, // in the flags of OP_REMEMBER and OP_FOLLOW
	VLAN_TAG_SIZE = 4,
};

struct program {
	uint32_t refs;
	uint32_t hash;
	uint16_t n_ops;
	uint16_t
		output; // the port, when the whole program is one OP_OUTPUT; else PROGRAM_NOT_PLAIN
	// The same for one whose other operations keep the frame, so that they are run at once for
	// all frames of a run: OP_METER, OP_TRACK, and one OP_SET_TOS at most.
	uint16_t kept_output;
	bool meters, tracks, sets_tos; // of a program with a kept_output: it has such
	uint16_t tos;                  // arg of its OP_SET_TOS
	bool drops;                    // ends in OP_DROP: nothing is delivered
	bool visits;                   // has an OP_VISIT
	bool buried;                   // waits for the end of the batch to be freed
	// flow_tick() when a known flow was last decided anew to have this program instead of
	// another; 0: never.
	uint32_t changed_to;
	struct program *next; // in its intern chain, or among the buried
	struct op ops[];
};

enum { PROGRAM_NOT_PLAIN = 0xffff };

struct program_table;

struct program_table *program_table_create(void);
void program_table_destroy(struct program_table *table);

// The program with these ops, with one more reference; NULL without memory. Owning worker only.
struct program *program_get(struct program_table *table, const struct op ops[/* n */], unsigned n);
// One reference less. The memory stays until program_bury(). Owning worker only.
void program_put(struct program_table *table, struct program *program);
// Frees what nobody refers to any more; between batches. Owning worker only.
void program_bury(struct program_table *table);
unsigned program_count(const struct program_table *table);

// What the numbers of operations are called. A function may be NULL, and may return NULL when there
// is no name: then the number is shown.
struct program_names {
	const char *(*port)(void *context, uint16_t port);
	const char *(*reason)(void *context, uint16_t reason);
	const char *(*meter)(void *context, uint32_t meter);
	const char *(*policer)(void *context, uint32_t policer);
	void *context;
};

// One line of text, "push-vlan 10, meter web, output vm2"; without a name "meter #3". names may be
// NULL.
void program_format(const struct op ops[/* n */], unsigned n, const struct program_names *names,
	char *text, size_t size);

#endif
