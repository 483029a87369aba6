// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What is remembered of first fragments, so that later ones, which have no ports, share their fate
// (weir/extension.h has the service).
//
// One table of a fixed size for a switch, shared by all workers. A worker comes here with frames
// that are fragments, and only where an extension has asked: with first ones to write, with later
// ones to read. That takes a lock and a line which workers share, for each such frame: the one
// exception to what the per-frame path does without, as the fragments of a datagram may arrive at
// any worker. Frames that are whole cost nothing.
//
// A datagram has four places where it can be remembered, by a hash that nobody outside knows. Where
// all are taken the oldest goes, and is counted: a flood of first fragments can have others
// forgotten, which are then treated as the extension says of unknown ones, but as fragments of a
// datagram mostly come one after the other, not before they have served. Nothing is allocated.
//
// What is remembered is good for FRAGMENT_S from the first fragment on: hosts wait for the rest of
// a datagram 15 s (RFC 791 3.2), 30 s (Linux) or 60 s (RFC 8200 4.5) and mostly get it within
// milliseconds. It is void as soon as the port at whose stage it was decided changes, its policies
// included.
#ifndef FRAGMENT_H
#define FRAGMENT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	FRAGMENT_WAYS = 4,
	FRAGMENT_BUCKETS = 2048,
	FRAGMENTS_MAX = FRAGMENT_BUCKETS * FRAGMENT_WAYS, // 512 KB, touched as used
	FRAGMENT_S = 30,
};

// What the fragments of a datagram have in common, and who decides about them where. Words:
//  0     owner << 48 | port << 32 | VLAN << 16 | stage << 8 | L3 kind
//  1     identification | hash of the Ethernet source << 40 | IPv4: protocol << 32; in IPv6 it is
//        the first one's alone (RFC 8200 4.5)
//  2, 3  source; 4, 5 destination
struct fragment_key {
	uint64_t w[6];
};

struct fragment_verdict {
	uint32_t policer; // what passes pays there: its number + 1; 0: nowhere
	uint16_t reason;  // of what is dropped
	bool drops;
};

struct fragment_table;

// NULL: no memory. Control thread.
struct fragment_table *fragment_table_create(void);
// Nobody uses it any more. Accepts NULL.
void fragment_table_destroy(struct fragment_table *table);

// Remembers what was decided about a first fragment; of the same datagram, instead of what was
// before. now_s: seconds; now: the switch clock, read before anything was decided. Any worker.
void fragment_put(struct fragment_table *table, const struct fragment_key *key,
	const struct fragment_verdict *verdict, uint32_t now_s, uint32_t now);
// Whether it is remembered; *at: `now` of then. Any worker.
bool fragment_look(struct fragment_table *table, const struct fragment_key *key, uint32_t now_s,
	struct fragment_verdict *verdict, uint32_t *at);
// How many have been forgotten before their time, for lack of room. Any thread.
uint64_t fragment_n_pushed_out(const struct fragment_table *table);

#endif
