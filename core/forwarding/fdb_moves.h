// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Addresses that moved from a port to another, as one worker learned them: all are counted, the
// last FDB_MOVES can be read. The worker never waits for the reader, and allocates nothing.
//
// A sequence lock whose sequence is the count: move n stands in place n % FDB_MOVES and is complete
// once the count is above n. The worker may be writing move `count` at any time, so that the oldest
// place is not to be trusted, and what a reader has copied is good if it is no older than that when
// the count is read again.
#ifndef FDB_MOVES_H
#define FDB_MOVES_H

#include <stdbool.h>
#include <stdint.h>

enum { FDB_MOVES = 16 };

struct fdb_move {
	uint64_t address; // generation_address()
	uint64_t ports;   // from << 32 | to
};

struct fdb_moves { // worker: w, control: r
	uint64_t n;
	struct fdb_move last[FDB_MOVES];
};

static inline void fdb_moves_note(
	struct fdb_moves *moves, uint64_t address, uint32_t from, uint32_t to)
{
	struct fdb_move *move = &moves->last[moves->n % FDB_MOVES];

	// Released: who sees a part of it sees the count of the move before, too.
	__atomic_store_n(&move->address, address, __ATOMIC_RELEASE);
	__atomic_store_n(&move->ports, (uint64_t)from << 32 | to, __ATOMIC_RELEASE);
	__atomic_store_n(&moves->n, moves->n + 1, __ATOMIC_RELEASE);
}

static inline uint64_t fdb_moves_count(const struct fdb_moves *moves)
{
	return __atomic_load_n(&moves->n, __ATOMIC_ACQUIRE);
}

// Copies move `number`, counted from 0 and below the count. False: it has been overwritten.
static inline bool fdb_moves_read(
	const struct fdb_moves *moves, uint64_t number, struct fdb_move *move)
{
	const struct fdb_move *at = &moves->last[number % FDB_MOVES];

	move->address = __atomic_load_n(&at->address, __ATOMIC_ACQUIRE);
	move->ports = __atomic_load_n(&at->ports, __ATOMIC_ACQUIRE);
	return number + FDB_MOVES > __atomic_load_n(&moves->n, __ATOMIC_RELAXED);
}

#endif
