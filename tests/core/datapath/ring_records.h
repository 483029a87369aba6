// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Rings of tests, and records of which every byte is known.
#ifndef RING_RECORDS_H
#define RING_RECORDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "datapath/ring.h"

static inline uint32_t ring_random(uint32_t *state)
{
	*state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
	return *state >> 8;
}

static inline struct weir_ring *make_ring(unsigned n_lanes, size_t lane_bytes)
{
	struct weir_ring *ring = NULL;

	assert_int_equal(ring_create(n_lanes, lane_bytes, &ring), 0);
	return ring;
}

// Every byte follows from the record's number, so that a torn or displaced one is noticed.
static inline void fill_record(uint8_t *bytes, uint32_t size, uint32_t number)
{
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(number * 31 + i);
}

static inline void check_record(const uint8_t *bytes, uint32_t size, uint32_t number)
{
	for (uint32_t i = 0; i < size; i++)
		if (bytes[i] != (uint8_t)(number * 31 + i))
			fail_msg("record %u of %u bytes: byte %u", number, size, i);
}

#endif
