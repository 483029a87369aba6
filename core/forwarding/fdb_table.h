// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Inside the forwarding database: the life of an entry. Included by fdb*.c only.
//
// Entries stand in an array (a place each) and, while they are valid, in a hash table. The array
// gives ageing a cursor that survives a quiescent state, and learning memory without malloc().
//
// One word of an entry, `where`, is its whole state, and each change of it is one compare-exchange;
// who wins that does the accounting for it:
//
//     FREE -> NEW           by the thread that took the place, before the entry is in the table
//     NEW -> port           by the first thread that finds it there: it has learned the address
//     port -> other port    in place, by a learner: a host that flaps between two ports, or a loop,
//                           moves its address with every new flow and must not cost memory
//     any -> port|STATIC    by the control thread, unless FREE
//     any port -> FREE      fdb_entry_remove(): unlink, generation, grace period, the place is free
//
// Who finds a FREE entry in the table came between the removal's steps, and helps with the next.
#ifndef FDB_TABLE_H
#define FDB_TABLE_H

#include "datapath/rcu.h"
#include <urcu/rculfhash.h>

#include "forwarding/fdb.h"

enum {
	FDB_FREE = 0,
	FDB_STATIC = 1, // beside the port's address, which is a multiple of 4
	FDB_NEW = 2,
};

// Lives from fdb_port_add() until a grace period after the last reference: the table's own, and one
// for each entry that leads to it. `where` of an entry is only read between two quiescent states,
// and refers to the port when it is loaded: so the port can be read.
struct fdb_port {
	struct cds_lfht_node node;
	struct rcu_head rcu;
	uint32_t id;
	uint32_t refs;  // worker: rw, control: rw; 0: dead, nobody may take one
	uint32_t limit; // control: rw, worker: r; 0: none
	bool closed;    // control: rw, worker: r; being removed
};

struct fdb_entry {
	struct cds_lfht_node node;
	struct rcu_head rcu;
	struct fdb *fdb;
	uint64_t key;       // generation_address(); written while nobody else can read it
	uintptr_t where;    // worker: rw, control: rw
	uint32_t seen_s;    // worker: rw at most once a second, control: r
	uint32_t next_free; // as fdb.free counts; 0: last
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct fdb_entry) == 64, "an entry is one cache line");

struct fdb {
	struct cds_lfht *entries, *ports;
	struct fdb_entry *places;
	struct generation *generation;
	uint64_t seeds[2]; // of the hash: addresses are chosen by whoever sends the frames
	uint32_t max_entries, n_places_max;
	uint32_t ageing_s, cursor; // control only

	// Written when entries come and go.
	_Alignas(64) uint64_t free; // places not in use: index + 1 of the first | changes << 32
	uint32_t n_used;            // places ever used: those from here on are free as well
	uint32_t refs;              // one for the owner and for each place in a grace period
	uint32_t n_learned, n_static;
	uint64_t outcomes[FDB_INVALID + 1]; // of fdb_learn(), without FDB_KNOWN
	uint64_t aged;
};

static inline struct fdb_port *fdb_where_port(uintptr_t where)
{
	return (struct fdb_port *)(where & ~(uintptr_t)(FDB_STATIC | FDB_NEW));
}

// Adds one unless *n has reached max.
static inline bool fdb_reserve(uint32_t *n, uint32_t max)
{
	uint32_t seen = __atomic_load_n(n, __ATOMIC_RELAXED);

	do {
		if (seen >= max)
			return false;
	} while (!__atomic_compare_exchange_n(
		n, &seen, seen + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

static inline void fdb_release(uint32_t *n)
{
	__atomic_fetch_sub(n, 1, __ATOMIC_RELAXED);
}

// The port while it has not been removed, or NULL; borrowed until the next quiescent state.
struct fdb_port *fdb_port_find(struct fdb *fdb, uint32_t id);
// Takes a reference unless the port is dead or has max entries.
bool fdb_port_get(struct fdb_port *port, uint32_t max);
void fdb_port_put(struct fdb_port *port);

// The entry in the table, whatever its state, or NULL.
struct fdb_entry *fdb_entry_find(struct fdb *fdb, uint64_t key);
// Puts a NEW entry into the table and returns it, or the one that is there already (then
// *inserted is false). NULL when no place is free. A NEW entry counts in n_learned: the caller has
// reserved it, and keeps the reservation when the entry is not inserted. The caller goes on to make
// it lead to a port; one that stayed NEW would never age.
struct fdb_entry *fdb_entry_insert(struct fdb *fdb, uint64_t key, uint32_t now_s, bool *inserted);
// Removes the entry if it still is in the state `where`, which leads to a port; false if it is not.
bool fdb_entry_remove(struct fdb *fdb, struct fdb_entry *entry, uintptr_t where);
// Takes a FREE entry out of the table if it is still there.
void fdb_entry_unlink(struct fdb *fdb, struct fdb_entry *entry);

static inline uint16_t fdb_entry_slot(const struct fdb_entry *entry)
{
	return generation_slot(GENERATION_ADDRESS, entry->key);
}

// Drops a reference; the last one gives the memory back.
void fdb_put(struct fdb *fdb);

#endif
