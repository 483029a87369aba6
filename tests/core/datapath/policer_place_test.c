// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What policers drop at several places, against a model that has room for all.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/policer.h"

enum { N_POLICERS = 8, N_CAUSES = 3, N_PORTS = 12, ROUNDS = 20000 };

static struct policer_bank *bank;

static struct policer_slot *slot_of(uint32_t policer)
{
	return policer_slot_at(bank, policer);
}

// What the bank says of a place; UINT64_MAX: it does not know.
static uint64_t counted_at(uint32_t policer, uint32_t cause, uint32_t port)
{
	const struct policer_slot *slot = slot_of(policer);
	const uint32_t flags = POLICER_ELSEWHERE | POLICER_LOST;
	uint64_t at = 0, sum = 0;
	unsigned found = 0;

	if (slot->drop_cause & POLICER_LOST)
		return UINT64_MAX;
	for (unsigned i = 0; i < POLICER_PLACES; i++) {
		const struct policer_place *place = &bank->places[i];

		if (place->policer != policer + 1)
			continue;
		assert_true(slot->drop_cause & POLICER_ELSEWHERE);
		sum += place->frames;
		if (place->cause == cause && place->port == port) {
			at += place->frames;
			found++;
		}
	}
	assert_true(found <= 1);
	if (slot->dropped_frames && (slot->drop_cause & ~flags) == cause && slot->drop_port == port)
		return slot->dropped_frames - sum;
	return at;
}

static int setup(void **state)
{
	(void)state;
	bank = calloc(1, sizeof(*bank));
	if (bank)
		bank->chunks[0] = aligned_alloc(64, POLICER_CHUNK * sizeof(struct policer_slot));
	if (!bank || !bank->chunks[0])
		return -1;
	memset(bank->chunks[0], 0, POLICER_CHUNK * sizeof(struct policer_slot));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(bank->chunks[0]);
	free(bank);
	return 0;
}

static void forget(uint32_t policer)
{
	policer_places_clear(bank->places, policer);
	memset(slot_of(policer), 0, sizeof(struct policer_slot));
}

static void as_the_model(void **state)
{
	static uint64_t model[N_POLICERS][N_CAUSES][N_PORTS];

	(void)state;
	srand(1);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint32_t policer = (uint32_t)rand() % N_POLICERS;
		uint32_t cause = (uint32_t)rand() % N_CAUSES;
		uint32_t port = (uint32_t)rand() % N_PORTS;
		uint64_t frames = (uint64_t)rand() % 3 + 1;

		if (rand() % 500 == 0) {
			forget(policer);
			memset(model[policer], 0, sizeof(model[policer]));
		}
		policer_dropped(bank, policer, frames, frames * 60, cause << 16, port << 20);
		model[policer][cause][port] += frames;
		if (round % 97)
			continue;
		for (policer = 0; policer < N_POLICERS; policer++)
			for (cause = 0; cause < N_CAUSES; cause++)
				for (port = 0; port < N_PORTS; port++)
					if (counted_at(policer, cause << 16, port << 20) !=
						model[policer][cause][port])
						fail_msg("round %u: policer %u at %u, %u", round,
							policer, cause, port);
	}
}

// One that drops at more places than there is room for says that it does not know; others, which
// have dropped at one, go on to, and it does once more when it begins anew.
static void without_room(void **state)
{
	uint64_t sum = 0;

	(void)state;
	for (uint32_t port = 0; port <= 2 * POLICER_PLACES; port++)
		policer_dropped(bank, 1, 1, 60, 5, port);
	assert_true(counted_at(1, 5, 0) == UINT64_MAX);
	assert_int_equal(slot_of(1)->dropped_frames, 2 * POLICER_PLACES + 1);
	assert_int_equal(slot_of(1)->dropped_bytes, 60 * (2 * POLICER_PLACES + 1));
	for (unsigned i = 0; i < POLICER_PLACES; i++)
		sum += bank->places[i].policer == 2;
	assert_true(sum > POLICER_PLACES / 2);
	policer_dropped(bank, 2, 3, 180, 5, 7);
	assert_int_equal(counted_at(2, 5, 7), 3);
	forget(1);
	policer_dropped(bank, 1, 1, 60, 5, 7);
	policer_dropped(bank, 1, 2, 60, 5, 8);
	assert_int_equal(counted_at(1, 5, 7), 1);
	assert_int_equal(counted_at(1, 5, 8), 2);
	assert_int_equal(counted_at(1, 5, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(as_the_model, setup, teardown),
		cmocka_unit_test_setup_teardown(without_room, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
