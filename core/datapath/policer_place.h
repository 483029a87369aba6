// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Where frames were over a policer's rate: at which port and stage, and under which reason. Most
// policers drop at a single place, which their slot holds. What one drops at further places is
// counted here, in a table of the switch and the worker; so what it dropped at the first is the
// rest. Where the table has no room, none of its numbers are known from then on (POLICER_LOST).
#ifndef POLICER_PLACE_H
#define POLICER_PLACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	POLICER_PLACES = 1024, // 32 KB, of which only what is used is touched
	POLICER_PLACE_WINDOW = 16,
};

// worker: rw, control: r, but that it takes away what nobody counts on any more. All atomic, but
// for the base.
struct policer_place {
	uint32_t policer; // its number and 1; 0: free
	uint32_t cause;   // DROP_CAUSE()
	uint32_t port;    // id
	uint32_t reserved;
	uint64_t frames;
	uint64_t base; // of frames, those that a list was reset with. control: rw, once it is taken
};

// Counts frames that this policer dropped there. False: there is no room. Worker only.
bool policer_place_count(struct policer_place places[/* POLICER_PLACES */], uint32_t policer,
	uint32_t cause, uint32_t port, uint64_t frames);
// Forgets what this policer dropped; no worker uses its number. Control thread.
void policer_places_clear(struct policer_place places[/* POLICER_PLACES */], uint32_t policer);

#endif
