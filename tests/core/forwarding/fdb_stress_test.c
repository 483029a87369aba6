// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The forwarding database under four workers that learn, move, refresh and look up, while the
// control thread ages, flushes, adds static entries, lists, and adds and removes a port; then what
// must hold when all is quiet.
//
// Workers also do what a cached flow does: they note the clock of the generations, then look an
// address up. At the end, what they noted and is not stale must be what the table says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/fdb_table.h"

enum {
	N_WORKERS = 4,
	ROUNDS = 40,
	OPERATIONS = 4000, // of each worker and round, at least
	TURNS = 64,        // of the control thread in each round, at least
	N_MACS = 256,
	MAX_ENTRIES = 128, // fewer than addresses: the table is full at times
	AGEING = 3,
	N_STABLE_PORTS = 3,
	LIMITED_PORT = 2,
	PORT_LIMIT = 20,
	NO_PORT = 0xffff,
};

// A decision that depends on an address.
struct noted {
	uint64_t valid_at;
	uint32_t port;
};

struct worker {
	pthread_t thread;
	unsigned seed;
	unsigned n_wrong; // lookups that led to a port which never was
	uint64_t outcomes[FDB_INVALID + 1];
	struct noted noted[N_MACS];
};

static struct generation *generation;
static struct fdb *fdb;
static uint32_t now_s;
static uint32_t passing_port = N_STABLE_PORTS; // is removed and replaced by one with the next id
static unsigned n_running, n_turns;

static void mac_of(unsigned n, uint8_t mac[6])
{
	memset(mac, 0, 6);
	mac[0] = 2;
	mac[5] = (uint8_t)n;
}

static uint16_t slot_of(unsigned n)
{
	uint8_t mac[6];

	mac_of(n, mac);
	return generation_slot(GENERATION_ADDRESS, generation_address(1, mac));
}

static uint32_t lookup(unsigned n)
{
	uint8_t mac[6];
	uint32_t port = NO_PORT;

	mac_of(n, mac);
	fdb_lookup(fdb, 1, mac, &port);
	return port;
}

static void note(struct worker *worker, unsigned n)
{
	struct noted *noted = &worker->noted[n];

	noted->valid_at = generation_now(generation);
	noted->port = lookup(n);
	if (noted->port != NO_PORT &&
		noted->port > __atomic_load_n(&passing_port, __ATOMIC_ACQUIRE))
		worker->n_wrong++;
}

static void operate(struct worker *worker)
{
	unsigned random = (unsigned)rand_r(&worker->seed);
	unsigned n = random % N_MACS;
	uint32_t port = random / N_MACS % (N_STABLE_PORTS + 1);
	uint32_t now = __atomic_load_n(&now_s, __ATOMIC_RELAXED);
	uint8_t mac[6];

	if (port == N_STABLE_PORTS)
		port = __atomic_load_n(&passing_port, __ATOMIC_ACQUIRE);
	mac_of(n, mac);
	if (random / 1024 % 4 == 0)
		fdb_refresh(fdb, 1, mac, port, now);
	else if (random / 1024 % 4 == 1)
		note(worker, n);
	else
		worker->outcomes[fdb_learn(fdb, 1, mac, port, now, NULL)]++;
}

static void *work(void *context)
{
	struct worker *worker = context;

	rcu_register();
	for (unsigned i = 0; i < OPERATIONS || __atomic_load_n(&n_turns, __ATOMIC_RELAXED) < TURNS;
		i++) {
		operate(worker);
		if (i >= OPERATIONS)
			sched_yield(); // the control thread has had too little of the processor
		if (i % 32 == 0)
			rcu_quiescent();
	}
	rcu_unregister();
	__atomic_fetch_sub(&n_running, 1, __ATOMIC_RELEASE);
	return NULL;
}

// ---- The control thread

static void count_row(void *context, const struct fdb_row *row)
{
	unsigned *n = context;

	assert_int_equal(row->vlan, 1);
	assert_int_equal(row->mac[0], 2);
	(*n)++;
}

static void replace_passing_port(void)
{
	assert_int_equal(fdb_port_add(fdb, passing_port + 1, 0), 0);
	__atomic_fetch_add(&passing_port, 1, __ATOMIC_RELEASE);
	fdb_port_remove(fdb, passing_port - 1);
}

static void control(unsigned turn)
{
	unsigned n_rows = 0;
	uint8_t mac[6];

	mac_of(turn * 7 % N_MACS, mac);
	fdb_age(fdb, now_s, 64);
	switch (turn % 8) {
	case 0: // at times, everything is old until a worker sees it again
		__atomic_fetch_add(&now_s, turn % 64 == 0 ? AGEING : 1, __ATOMIC_RELAXED);
		fdb_age(fdb, now_s, UINT32_MAX);
		break;
	case 1:
		fdb_add_static(fdb, 1, mac, turn % N_STABLE_PORTS, NULL);
		break;
	case 2:
	case 3:
		fdb_remove(fdb, 1, mac, NULL);
		break;
	case 4:
		replace_passing_port();
		break;
	case 5:
		fdb_flush(fdb, turn % N_STABLE_PORTS, FDB_ANY);
		break;
	case 6:
		if (turn % 64 == 6)
			fdb_flush(fdb, FDB_ANY, FDB_ANY);
		break;
	default:
		fdb_list(fdb, now_s, count_row, &n_rows);
		assert_in_range(n_rows, 0, fdb_n_places(fdb));
	}
}

// ---- What must hold in the end

struct census {
	unsigned n[N_STABLE_PORTS + 2]; // entries by port; the last: of a port that is no more
	unsigned n_static, n_rows;
	bool seen[N_MACS];
};

static void take_census(void *context, const struct fdb_row *row)
{
	struct census *census = context;
	unsigned n = row->mac[5];

	assert_false(census->seen[n]); // no duplicates
	census->seen[n] = true;
	assert_int_equal(lookup(n), row->port);
	if (row->port < N_STABLE_PORTS)
		census->n[row->port]++;
	else
		census->n[N_STABLE_PORTS + (row->port != passing_port)]++;
	census->n_rows++;
	census->n_static += row->is_static;
}

static void check_entries(void)
{
	struct census census = { 0 };
	struct fdb_counts counts;
	unsigned n_found = 0;

	fdb_list(fdb, now_s, take_census, &census);
	fdb_counts(fdb, &counts);
	assert_int_equal(counts.n_static, census.n_static);
	assert_int_equal(counts.n_learned, census.n_rows - census.n_static);
	assert_in_range(counts.n_learned, 0, MAX_ENTRIES);
	assert_int_equal(census.n[N_STABLE_PORTS + 1], 0); // none leads to a removed port
	for (uint32_t i = 0; i <= N_STABLE_PORTS; i++) {
		uint32_t port = i < N_STABLE_PORTS ? i : passing_port;

		assert_int_equal(fdb_port_find(fdb, port)->refs, 1 + census.n[i]);
	}
	for (unsigned n = 0; n < N_MACS; n++)
		n_found += lookup(n) != NO_PORT;
	assert_int_equal(n_found, census.n_rows); // none is in the table only
}

// Every place is either free or holds an entry of the table.
static void check_places(void)
{
	struct fdb_counts counts;
	uint32_t n_free = 0;

	// Pairs with the releases of the callbacks that freed the places.
	for (uint32_t i = (uint32_t)__atomic_load_n(&fdb->free, __ATOMIC_ACQUIRE); i != 0;
		i = fdb->places[i - 1].next_free) {
		assert_int_equal(fdb->places[i - 1].where, FDB_FREE);
		n_free++;
		assert_in_range(n_free, 1, fdb->n_used);
	}
	fdb_counts(fdb, &counts);
	assert_int_equal(n_free + counts.n_learned + counts.n_static, fdb->n_used);
	assert_int_equal(__atomic_load_n(&fdb->refs, __ATOMIC_ACQUIRE), 1);
}

static unsigned check_notes(const struct worker *worker)
{
	unsigned n_good = 0;

	assert_int_equal(worker->n_wrong, 0);
	for (unsigned n = 0; n < N_MACS; n++) {
		const struct noted *noted = &worker->noted[n];

		if (generation_slot_time(generation, slot_of(n)) > noted->valid_at)
			continue; // stale: would be decided again
		if (lookup(n) != noted->port)
			fail_msg("address %u leads to %u, a flow that is not stale says %u", n,
				lookup(n), noted->port);
		n_good++;
	}
	return n_good;
}

static void check_outcomes(const struct worker *workers)
{
	static const enum fdb_outcome expected[] = { FDB_KNOWN, FDB_LEARNED, FDB_MOVED, FDB_FULL,
		FDB_PORT_LIMIT, FDB_STATIC_CONFLICT };
	struct fdb_counts counts;
	uint64_t sums[FDB_INVALID + 1] = { 0 };

	for (int i = 0; i < N_WORKERS; i++)
		for (int outcome = 0; outcome <= FDB_INVALID; outcome++)
			sums[outcome] += workers[i].outcomes[outcome];
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (sums[expected[i]] == 0)
			fail_msg("outcome %d never came: the test does not do its work",
				expected[i]);
	fdb_counts(fdb, &counts);
	assert_int_equal(counts.learned, sums[FDB_LEARNED]);
	assert_int_equal(counts.moved, sums[FDB_MOVED]);
	assert_int_equal(counts.refused_full, sums[FDB_FULL]);
	assert_int_equal(counts.refused_port_limit, sums[FDB_PORT_LIMIT]);
	assert_int_equal(counts.refused_static, sums[FDB_STATIC_CONFLICT]);
	assert_true(counts.aged > 0);
	assert_true(passing_port > N_STABLE_PORTS + 10);
	assert_int_equal(sums[FDB_INVALID], 0);
}

static void drain(void)
{
	rcu_leave();
	rcu_drain();
	rcu_enter();
}

static void run(struct worker *workers)
{
	n_running = N_WORKERS;
	n_turns = 0;
	for (unsigned i = 0; i < N_WORKERS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	for (unsigned turn = 0; __atomic_load_n(&n_running, __ATOMIC_ACQUIRE) > 0; turn++) {
		control(turn);
		__atomic_fetch_add(&n_turns, 1, __ATOMIC_RELAXED);
		rcu_leave();
		sched_yield(); // so that there is something to control, also on one processor
		rcu_enter();
	}
	rcu_leave();
	for (unsigned i = 0; i < N_WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	rcu_enter();
}

static void all_is_consistent_in_the_end(void **state)
{
	struct worker *workers = calloc(N_WORKERS, sizeof(*workers));
	unsigned n_good = 0;

	(void)state;
	rcu_register();
	generation = generation_create();
	fdb = fdb_create(generation, MAX_ENTRIES, AGEING);
	assert_true(workers && generation && fdb);
	for (uint32_t port = 0; port <= N_STABLE_PORTS; port++)
		assert_int_equal(fdb_port_add(fdb, port, port == LIMITED_PORT ? PORT_LIMIT : 0), 0);
	for (unsigned i = 0; i < N_WORKERS; i++) {
		workers[i].seed = i + 1;
		for (unsigned n = 0; n < N_MACS; n++) // at time 0 nothing is known
			workers[i].noted[n].port = NO_PORT;
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		run(workers);
		drain();
		check_entries();
		check_places();
		for (unsigned i = 0; i < N_WORKERS; i++)
			n_good += check_notes(&workers[i]);
	}
	check_outcomes(workers);
	assert_true(n_good > ROUNDS);
	fdb_destroy(fdb);
	drain();
	generation_destroy(generation);
	rcu_unregister();
	free(workers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_consistent_in_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
