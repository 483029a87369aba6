// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The forwarding database between the steps of another thread: each test leaves an entry or a port
// as that thread would, were it stopped there, and lets this one go on. fdb_stress_test.c meets
// these moments by chance only.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "forwarding/fdb_table.h"

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
static struct generation *generation;
static struct fdb *fdb;

static int setup(void **state)
{
	(void)state;
	rcu_register();
	generation = generation_create();
	fdb = fdb_create(generation, 4, 0);
	return generation && fdb && !fdb_port_add(fdb, 0, 0) && !fdb_port_add(fdb, 1, 0) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fdb_destroy(fdb);
	rcu_leave();
	rcu_drain();
	rcu_enter();
	rcu_unregister();
	generation_destroy(generation);
	return 0;
}

static void assert_counts(uint32_t n_learned, uint32_t n_static, uint32_t refs_0, uint32_t refs_1)
{
	assert_int_equal(fdb->n_learned, n_learned);
	assert_int_equal(fdb->n_static, n_static);
	assert_int_equal(fdb_port_find(fdb, 0)->refs, 1 + refs_0);
	assert_int_equal(fdb_port_find(fdb, 1)->refs, 1 + refs_1);
}

static void count_row(void *context, const struct fdb_row *row)
{
	(void)row;
	(*(unsigned *)context)++;
}

static void assert_unknown(void)
{
	uint32_t port;
	unsigned n_rows = 0;

	assert_false(fdb_lookup(fdb, 1, mac, &port));
	assert_false(fdb_refresh(fdb, 1, mac, 0, 1));
	fdb_list(fdb, 1, count_row, &n_rows);
	assert_int_equal(n_rows, 0);
}

static struct fdb_entry *insert_new(void)
{
	struct fdb_entry *entry;
	bool inserted = false;

	assert_true(fdb_reserve(&fdb->n_learned, fdb->max_entries));
	entry = fdb_entry_insert(fdb, generation_address(1, mac), 1, &inserted);
	assert_true(inserted);
	return entry;
}

// A learner has put its entry into the table, and not yet made it lead to its port.
static void a_new_entry_leads_nowhere(void **state)
{
	struct fdb_entry *entry = insert_new();

	(void)state;
	assert_unknown();
	assert_int_equal(fdb_age(fdb, 1000000, 100), 0);
	assert_int_equal(fdb_flush(fdb, FDB_ANY, FDB_ANY), 0);
	assert_int_equal(fdb_remove(fdb, 1, mac, NULL), -ENOENT);
	assert_int_equal(entry->where, FDB_NEW);
	assert_counts(1, 0, 0, 0);
}

static void a_new_entry_is_claimed_by_another_learner(void **state)
{
	uint32_t port;

	(void)state;
	insert_new();
	assert_int_equal(fdb_learn(fdb, 1, mac, 1, 1, NULL), FDB_LEARNED);
	assert_true(fdb_lookup(fdb, 1, mac, &port));
	assert_int_equal(port, 1);
	assert_counts(1, 0, 0, 1);
}

static void a_new_entry_turns_static(void **state)
{
	(void)state;
	insert_new();
	assert_int_equal(fdb_add_static(fdb, 1, mac, 1, NULL), 0);
	assert_counts(0, 1, 0, 1);
	assert_int_equal(fdb_learn(fdb, 1, mac, 0, 1, NULL), FDB_STATIC_CONFLICT);
}

// Between the two steps of fdb_entry_remove(): the entry is free, and still in the table.
static struct fdb_entry *half_remove(void)
{
	struct fdb_entry *entry;

	assert_int_equal(fdb_learn(fdb, 1, mac, 0, 1, NULL), FDB_LEARNED);
	entry = fdb_entry_find(fdb, generation_address(1, mac));
	assert_non_null(entry);
	entry->where = FDB_FREE;
	return entry;
}

static void finish_removal(struct fdb_entry *entry)
{
	fdb_entry_unlink(fdb, entry);
	fdb_release(&fdb->n_learned);
	fdb_port_put(fdb_port_find(fdb, 0));
}

static void a_free_entry_leads_nowhere(void **state)
{
	struct fdb_entry *entry = half_remove();

	(void)state;
	assert_unknown();
	finish_removal(entry);
	assert_counts(0, 0, 0, 0);
}

// Learning does not wait for who removes: it takes the entry out itself, and that only once.
static void a_learner_helps_to_remove(void **state)
{
	struct fdb_entry *entry = half_remove();

	(void)state;
	assert_int_equal(fdb_learn(fdb, 1, mac, 1, 1, NULL), FDB_LEARNED);
	assert_ptr_not_equal(fdb_entry_find(fdb, generation_address(1, mac)), entry);
	finish_removal(entry);
	assert_int_equal(fdb->refs, 2); // one place waits for a grace period
	assert_counts(1, 0, 0, 1);
}

static void a_static_entry_helps_to_remove(void **state)
{
	struct fdb_entry *entry = half_remove();

	(void)state;
	assert_int_equal(fdb_add_static(fdb, 1, mac, 1, NULL), 0);
	finish_removal(entry);
	assert_counts(0, 1, 0, 1);
}

// A learner found its port before fdb_port_remove() unlinked it, and learns after that has looked
// for the port's entries: it takes back what it did.
static void learning_at_a_closed_port_is_undone(void **state)
{
	struct fdb_port *port = fdb_port_find(fdb, 0);
	uint64_t before = generation_now(generation);
	uint16_t slot = generation_slot(GENERATION_ADDRESS, generation_address(1, mac));

	(void)state;
	port->closed = true;
	assert_int_equal(fdb_learn(fdb, 1, mac, 0, 1, NULL), FDB_NO_PORT);
	assert_unknown();
	assert_counts(0, 0, 0, 0);
	assert_true(generation_slot_time(generation, slot) > before);
}

static void moving_to_a_closed_port_is_undone(void **state)
{
	(void)state;
	assert_int_equal(fdb_learn(fdb, 1, mac, 1, 1, NULL), FDB_LEARNED);
	fdb_port_find(fdb, 0)->closed = true;
	assert_int_equal(fdb_learn(fdb, 1, mac, 0, 1, NULL), FDB_NO_PORT);
	assert_unknown();
	assert_counts(0, 0, 0, 0);
}

// The same, with the port's last reference gone: nobody may take one any more.
static void a_dead_port_stays_dead(void **state)
{
	struct fdb_port *port = fdb_port_find(fdb, 0);

	(void)state;
	port->closed = true;
	port->refs = 0;
	assert_int_equal(fdb_learn(fdb, 1, mac, 0, 1, NULL), FDB_NO_PORT);
	assert_int_equal(fdb_learn(fdb, 1, mac, 1, 1, NULL), FDB_LEARNED);
	assert_int_equal(fdb_learn(fdb, 1, mac, 0, 1, NULL), FDB_NO_PORT);
	assert_int_equal(port->refs, 0);
	assert_int_equal(fdb->n_learned, 1);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_new_entry_leads_nowhere),
		TEST(a_new_entry_is_claimed_by_another_learner),
		TEST(a_new_entry_turns_static),
		TEST(a_free_entry_leads_nowhere),
		TEST(a_learner_helps_to_remove),
		TEST(a_static_entry_helps_to_remove),
		TEST(learning_at_a_closed_port_is_undone),
		TEST(moving_to_a_closed_port_is_undone),
		TEST(a_dead_port_stays_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
