// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "datapath/policer_place.h"

#include <stddef.h>

#include "datapath/counters.h"

static uint32_t hash_of(uint32_t policer, uint32_t cause, uint32_t port)
{
	uint64_t mixed = ((uint64_t)policer << 32 ^ (uint64_t)cause << 16 ^ port) *
			 UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(mixed >> 32);
}

static uint32_t owner_of(const struct policer_place *place)
{
	return __atomic_load_n(&place->policer, __ATOMIC_ACQUIRE);
}

// Those that are taken away leave gaps: the whole window is looked at before a place is new.
bool policer_place_count(struct policer_place places[], uint32_t policer, uint32_t cause,
	uint32_t port, uint64_t frames)
{
	const uint32_t hash = hash_of(policer, cause, port);
	struct policer_place *room = NULL;

	for (uint32_t i = 0; i < POLICER_PLACE_WINDOW; i++) {
		struct policer_place *place = &places[(hash + i) % POLICER_PLACES];
		uint32_t owner = owner_of(place);

		if (owner == policer + 1 && place->cause == cause && place->port == port) {
			count(&place->frames, frames);
			return true;
		}
		if (!owner && !room)
			room = place;
	}
	if (!room)
		return false;
	__atomic_store_n(&room->cause, cause, __ATOMIC_RELAXED);
	__atomic_store_n(&room->port, port, __ATOMIC_RELAXED);
	__atomic_store_n(&room->frames, frames, __ATOMIC_RELAXED);
	__atomic_store_n(&room->base, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&room->policer, policer + 1, __ATOMIC_RELEASE);
	return true;
}

void policer_places_clear(struct policer_place places[], uint32_t policer)
{
	for (uint32_t i = 0; i < POLICER_PLACES; i++)
		if (owner_of(&places[i]) == policer + 1)
			__atomic_store_n(&places[i].policer, 0, __ATOMIC_RELEASE);
}
