// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Which cached decisions are still good: one clock per switch, and a table of slots, each holding
// the time at which the things that hash to it last changed.
//
// A thing is anything a decision can depend on: a port, an address in a VLAN, an id that an
// extension named. It maps to a slot (several may share one; a shared slot only costs a needless
// re-decision, and fragments that are forgotten). A flow keeps the slots that it depends on and
// `valid_at`, a reading of the clock taken *before* it looked at anything. It is stale when a slot
// holds a later time.
//
// Order. A writer changes the thing first, then calls generation_move(): the slot gets the time
// that the clock is about to show, and only then does the clock show it; if another writer was
// faster, once more with a later time. So no reading of the clock from before the slot was raised
// reaches the slot's time, and every reading from it on sees the change. A reader reads the clock
// (acquire) before the thing: a decision made from the old thing always has valid_at < slot. Any
// number of writers, any thread, no locks.
#ifndef GENERATION_H
#define GENERATION_H

#include <stdbool.h>
#include <stdint.h>

enum {
	GENERATION_SLOTS = 1 << 16, // 512 KB a switch, of which only what is used is touched
	GENERATION_DEPENDS = 8,     // slots that one flow can depend on
};

struct generation {
	_Alignas(64) uint64_t clock; // worker: r; whoever changes something: rw
	_Alignas(64) uint64_t slots[GENERATION_SLOTS];
};

// Zeroed memory is a valid generation table. NULL when there is no memory.
struct generation *generation_create(void);
void generation_destroy(struct generation *g);

static inline uint64_t generation_now(const struct generation *g)
{
	return __atomic_load_n(&g->clock, __ATOMIC_ACQUIRE);
}

// Says that the thing with this slot has changed. Any thread.
void generation_move(struct generation *g, uint16_t slot);
// The same for n things at once: the clock moves once, not at all for none.
void generation_move_all(struct generation *g, const uint16_t slots[/* n */], unsigned n);

// Has nothing changed: everybody looks once more whether what he decided is good. Any thread.
static inline void generation_tick(struct generation *g)
{
	__atomic_fetch_add(&g->clock, 1, __ATOMIC_ACQ_REL);
}

static inline uint64_t generation_slot_time(const struct generation *g, uint16_t slot)
{
	return __atomic_load_n(&g->slots[slot], __ATOMIC_RELAXED);
}

// Slots of the things of the core. Different kinds never coincide by construction of the mix, only
// by chance.
enum generation_kind {
	GENERATION_PORT = 1,      // id: port index
	GENERATION_FLOOD = 2,     // id: 0; who is a member of the switch
	GENERATION_ADDRESS = 3,   // id: generation_address()
	GENERATION_EXTENSION = 4, // id: the extension's own, mixed with its number
	GENERATION_SWITCH = 5,    // id: 0; everything
	GENERATION_SESSION = 6,   // id: session_hash(); 0: whether there is room for more
};

static inline uint16_t generation_slot(enum generation_kind kind, uint64_t id)
{
	uint64_t mixed = (id ^ (uint64_t)kind << 60) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint16_t)(mixed >> 48);
}

// vlan: 0 to 4095; address: six bytes.
static inline uint64_t generation_address(uint16_t vlan, const uint8_t address[6])
{
	uint64_t id = vlan;

	for (int i = 0; i < 6; i++)
		id = id << 8 | address[i];
	return id;
}

#endif
