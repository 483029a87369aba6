// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The forwarding database of one switch: which port leads to a unicast address, per VLAN
// (IEEE 802.1Q-2022, 8.8). Workers look up and learn without locks; the control thread ages,
// flushes, adds static entries and lists.
//
// Rules
// - Every function but fdb_create(), fdb_destroy() and those that only count needs a calling thread
//   that is registered and online in RCU (rcu.h).
// - Whenever an address starts, stops or changes leading to a port, the generation slot
//   generation_slot(GENERATION_ADDRESS, generation_address(vlan, mac)) is moved *after* the table
//   changed. A flow that depends on an address, known or not, records this slot. The flow whose
//   installation learned its own source is therefore decided once more.
// - A port takes part from fdb_port_add() to fdb_port_remove(). After the latter no entry leads to
//   it, not even one that a worker was about to learn when it was called.
// - Memory is reserved once for the greatest number of entries and touched as it is used; learning
//   allocates nothing. What is removed is used again after a grace period.
//
// The clock is the caller's: seconds, uint32_t, may wrap, never set back by more than a few
// seconds.
#ifndef FDB_H
#define FDB_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/generation.h"
#include "weir/error.h"

enum {
	FDB_ENTRIES_DEFAULT = 65536,
	FDB_ENTRIES_MAX = 1 << 22,
	FDB_AGEING_DEFAULT = 300, // seconds; 802.1Q-2022, 8.8.3
	FDB_AGEING_MAX = 1000000, // seconds; the same clause
	FDB_VLANS = 4096,         // 0 for frames in no VLAN
	FDB_ANY = -1,             // any port, any VLAN
};

struct fdb;

// max_entries: learned entries, and as many static ones beside them, so that no flood of addresses
// keeps an administrator from adding one; 1 to FDB_ENTRIES_MAX; 0: FDB_ENTRIES_DEFAULT.
// ageing_s: 1 to FDB_AGEING_MAX; 0: FDB_AGEING_DEFAULT.
// generation: borrowed until fdb_destroy().
// Returns NULL with errno ENOMEM, EINVAL, or what getrandom(2) says. Any thread.
struct fdb *fdb_create(struct generation *generation, uint32_t max_entries, uint32_t ageing_s);
// No other thread may use it any more, nor be inside a batch in which it did. Callbacks of RCU that
// it left behind end on their own. Accepts NULL. Any thread.
void fdb_destroy(struct fdb *fdb);

// ---- Ports. Control thread only.

// limit: addresses are learned on the port only while it has fewer entries than this, static ones
// included; 0: no limit. Returns 0, -EEXIST or -ENOMEM.
int fdb_port_add(struct fdb *fdb, uint32_t port, uint32_t limit);
// A lower limit removes nothing. Returns 0 or -ENOENT.
int fdb_port_limit(struct fdb *fdb, uint32_t port, uint32_t limit);
// Removes the port's entries, static ones included. A port that was not added is none.
void fdb_port_remove(struct fdb *fdb, uint32_t port);

// ---- Frames. Workers, several at once.

// True, and the port in *port, when the address is known.
bool fdb_lookup(struct fdb *fdb, uint16_t vlan, const uint8_t mac[6], uint32_t *port);

enum fdb_outcome {
	FDB_KNOWN,           // led to the port already; last seen now
	FDB_LEARNED,         // was unknown
	FDB_MOVED,           // led to another port
	FDB_FULL,            // unknown, and stays it: no room
	FDB_PORT_LIMIT,      // not at the port, and not moved there: the port is at its limit
	FDB_STATIC_CONFLICT, // a static entry leads to another port
	FDB_NO_PORT,         // the port was removed
	FDB_INVALID,         // no unicast address of a station, or no VLAN
};

// A frame from mac in the VLAN came in at the port (802.1Q-2022, 8.7). Called when a flow is
// installed, not per frame. When several workers learn one address at the same moment, the entry
// leads to one of their ports, and each is told what its own call did. from: may be NULL; with
// FDB_MOVED it is the port that the address led to before.
enum fdb_outcome fdb_learn(struct fdb *fdb, uint16_t vlan, const uint8_t mac[6], uint32_t port,
	uint32_t now_s, uint32_t *from);

// What fdb_learn() would return now, and *from, which may be NULL; nothing is learned or counted.
// Any thread that is online in RCU.
enum fdb_outcome fdb_would_learn(
	struct fdb *fdb, uint16_t vlan, const uint8_t mac[6], uint32_t port, uint32_t *from);

// The source of a cached flow is still in use: keeps a learned entry from ageing, writing at most
// once a second. False when the address does not lead to the port (any more): learn again. Calling
// it once a second and flow is enough.
bool fdb_refresh(
	struct fdb *fdb, uint16_t vlan, const uint8_t mac[6], uint32_t port, uint32_t now_s);

// ---- Upkeep. Control thread only.

// Removes learned entries last seen ageing_s or longer ago among the next n_places places of the
// table, and returns how many. fdb_n_places() places are one whole pass. Work is bounded by
// n_places: a few nanoseconds each, some hundred for each entry removed.
uint32_t fdb_age(struct fdb *fdb, uint32_t now_s, uint32_t n_places);
// Places ever used; at most about twice the greatest number of entries.
uint32_t fdb_n_places(const struct fdb *fdb);
// From the next fdb_age() on. ageing_s: as for fdb_create().
int fdb_set_ageing(struct fdb *fdb, uint32_t ageing_s);

// Forgets what was learned at the port, in the VLAN; FDB_ANY: in all. Static entries stay. Returns
// how many entries it removed.
uint32_t fdb_flush(struct fdb *fdb, int64_t port, int vlan);

// A static entry is neither moved nor aged; it takes the place of what was there before, be that
// learned or static. vlan: 0 to 4094. Refuses with -EINVAL (VLAN, address), -ENOENT (port) or
// -ENOSPC.
int fdb_add_static(struct fdb *fdb, uint16_t vlan, const uint8_t mac[6], uint32_t port,
	struct weir_error *error);
bool fdb_is_static(struct fdb *fdb, uint16_t vlan, const uint8_t mac[6]);
// Removes the entry of the address, learned or static. Refuses with -ENOENT.
int fdb_remove(struct fdb *fdb, uint16_t vlan, const uint8_t mac[6], struct weir_error *error);

struct fdb_row {
	uint16_t vlan;
	uint8_t mac[6];
	uint32_t port;
	uint32_t age_s; // since it was last seen; static: 0
	bool is_static;
};
// row: borrowed during the call, which must not change the table and must not become quiescent.
// Entries that workers learn or move meanwhile may or may not be seen.
void fdb_list(struct fdb *fdb, uint32_t now_s,
	void (*each)(void *context, const struct fdb_row *row), void *context);

// ---- Counts. Any thread. Each is read by itself.

struct fdb_counts {
	uint32_t n_learned, n_static; // entries now
	uint32_t max_entries;         // of n_learned, and of n_static
	// Since creation:
	uint64_t learned, moved, aged;
	uint64_t refused_full, refused_port_limit, refused_static; // outcomes of fdb_learn()
};
void fdb_counts(const struct fdb *fdb, struct fdb_counts *counts);

#endif
