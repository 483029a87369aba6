// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Moves that a worker notes while somebody reads: what is read is one of those noted, whole.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "forwarding/fdb_moves.h"

enum { N_NOTED = 2000000 };

static void test_order(void **state)
{
	struct fdb_moves moves = { 0 };
	struct fdb_move move;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		fdb_moves_note(&moves, i, i + 1, i + 2);
	assert_int_equal(fdb_moves_count(&moves), 40);
	for (unsigned i = 0; i < 40; i++) {
		bool there = fdb_moves_read(&moves, i, &move);

		// The oldest place may be being written.
		assert_int_equal(there, i > 40 - FDB_MOVES);
		if (!there)
			continue;
		assert_int_equal(move.address, i);
		assert_int_equal(move.ports >> 32, i + 1);
		assert_int_equal((uint32_t)move.ports, i + 2);
	}
}

static void *note(void *argument)
{
	struct fdb_moves *moves = argument;

	for (uint64_t i = 0; i < N_NOTED; i++)
		fdb_moves_note(moves, i, (uint32_t)i, (uint32_t)(i * 3));
	return NULL;
}

static void test_threads(void **state)
{
	struct fdb_moves moves = { 0 };
	uint64_t n_read = 0, n = 0;
	struct fdb_move move;
	pthread_t writer;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, note, &moves), 0);
	while (n < N_NOTED) {
		n = fdb_moves_count(&moves);
		for (uint64_t i = n > FDB_MOVES ? n - FDB_MOVES : 0; i < n; i++) {
			if (!fdb_moves_read(&moves, i, &move))
				continue;
			n_read++;
			assert_int_equal(move.address, i);
			assert_int_equal(move.ports, i << 32 | (uint32_t)(i * 3));
		}
	}
	pthread_join(writer, NULL);
	assert_true(n_read >= FDB_MOVES - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
