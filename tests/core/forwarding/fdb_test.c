// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The forwarding database on one thread: outcomes, ageing by a virtual clock, static entries,
// ports. fdb_model_test.c has random operations, fdb_steps_test.c and fdb_stress_test.c the
// threads.
#include "fdb_fixture.h"

// ---- One thing after the other

static const struct {
	const char *name;
	uint16_t vlan;
	uint8_t mac[6];
	uint32_t port;
	enum fdb_outcome expected;
	int leads_to; // afterwards
} steps[] = {
	{ "first", 0, { 2, 0, 0, 0, 0, 1 }, 0, FDB_LEARNED, 0 },
	{ "again", 0, { 2, 0, 0, 0, 0, 1 }, 0, FDB_KNOWN, 0 },
	{ "other VLAN is another address", 1, { 2, 0, 0, 0, 0, 1 }, 1, FDB_LEARNED, 1 },
	{ "which left the first alone", 0, { 2, 0, 0, 0, 0, 1 }, 0, FDB_KNOWN, 0 },
	{ "moves away", 0, { 2, 0, 0, 0, 0, 1 }, 2, FDB_MOVED, 2 },
	{ "and back", 0, { 2, 0, 0, 0, 0, 1 }, 0, FDB_MOVED, 0 },
	{ "greatest VLAN", 4095, { 2, 0, 0, 0, 0, 1 }, 0, FDB_LEARNED, 0 },
	{ "beyond the greatest VLAN", 4096, { 2, 0, 0, 0, 0, 1 }, 0, FDB_INVALID, NO_PORT },
	{ "multicast source", 0, { 1, 0, 0x5e, 0, 0, 1 }, 0, FDB_INVALID, NO_PORT },
	{ "broadcast source", 0, { 255, 255, 255, 255, 255, 255 }, 0, FDB_INVALID, NO_PORT },
	{ "zero source", 0, { 0, 0, 0, 0, 0, 0 }, 0, FDB_INVALID, NO_PORT },
	{ "no such port", 0, { 2, 0, 0, 0, 0, 2 }, 77, FDB_NO_PORT, NO_PORT },
	{ "limited port, first", 0, { 2, 0, 0, 0, 0, 3 }, LIMITED_PORT, FDB_LEARNED, LIMITED_PORT },
	{ "limited port, last", 0, { 2, 0, 0, 0, 0, 4 }, LIMITED_PORT, FDB_LEARNED, LIMITED_PORT },
	{ "at the limit", 0, { 2, 0, 0, 0, 0, 5 }, LIMITED_PORT, FDB_PORT_LIMIT, NO_PORT },
	{ "at the limit, move", 0, { 2, 0, 0, 0, 0, 1 }, LIMITED_PORT, FDB_PORT_LIMIT, 0 },
	{ "at the limit, known", 0, { 2, 0, 0, 0, 0, 4 }, LIMITED_PORT, FDB_KNOWN, LIMITED_PORT },
	{ "leaves the limited port", 0, { 2, 0, 0, 0, 0, 4 }, 1, FDB_MOVED, 1 },
	{ "room again", 0, { 2, 0, 0, 0, 0, 1 }, LIMITED_PORT, FDB_MOVED, LIMITED_PORT },
	{ "last free entry", 7, { 2, 0, 0, 0, 0, 9 }, 3, FDB_LEARNED, 3 },
	{ "full", 7, { 2, 0, 0, 0, 0, 10 }, 3, FDB_FULL, NO_PORT },
	{ "full, known", 7, { 2, 0, 0, 0, 0, 9 }, 3, FDB_KNOWN, 3 },
	{ "full, move", 7, { 2, 0, 0, 0, 0, 9 }, 2, FDB_MOVED, 2 },
};

static void outcomes_in_order(void **state)
{
	struct fdb_counts counts;

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint32_t port = 0;
		int told = fdb_would_learn(fdb, steps[i].vlan, steps[i].mac, steps[i].port, NULL);
		int got = fdb_learn(fdb, steps[i].vlan, steps[i].mac, steps[i].port, 1, NULL);
		bool known = fdb_lookup(fdb, steps[i].vlan & 4095, steps[i].mac, &port);

		if (got != (int)steps[i].expected)
			fail_msg("%s: outcome %d", steps[i].name, got);
		if (told != got)
			fail_msg("%s: told before: %d", steps[i].name, told);
		if (steps[i].vlan < 4096 && (known ? (int)port : NO_PORT) != steps[i].leads_to)
			fail_msg("%s: leads to %d", steps[i].name, known ? (int)port : NO_PORT);
	}
	fdb_counts(fdb, &counts);
	assert_int_equal(counts.n_learned, MAX_ENTRIES);
	assert_int_equal(counts.learned, MAX_ENTRIES);
	assert_int_equal(counts.moved, 5);
	assert_int_equal(counts.refused_full, 1);
	assert_int_equal(counts.refused_port_limit, 2);
}

static void changes_move_the_generation(void **state)
{
	uint64_t before = generation_now(generation);

	(void)state;
	assert_int_equal(slot_time(5, 1), 0);
#define EXPECT(moves, statement)                                                                   \
	do {                                                                                       \
		statement;                                                                         \
		assert_int_equal(slot_time(5, 1) > before, moves);                                 \
		before = generation_now(generation);                                               \
	} while (0)
	EXPECT(1, learn(5, 1, 0, 1));
	EXPECT(0, learn(5, 1, 0, 2));
	EXPECT(0, refresh(5, 1, 0, 3));
	EXPECT(1, learn(5, 1, 1, 3));
	EXPECT(0, age_all(302));
	EXPECT(1, age_all(303));
	EXPECT(1, learn(5, 1, 1, 303));
	EXPECT(0, fdb_flush(fdb, 2, FDB_ANY));
	EXPECT(1, fdb_flush(fdb, 1, FDB_ANY));
	EXPECT(1, add_static(5, 1, 2));
	EXPECT(0, learn(5, 1, 1, 303));
	EXPECT(1, add_static(5, 1, 3));
	EXPECT(1, remove_address(5, 1));
	EXPECT(1, learn(5, 1, 1, 303));
	EXPECT(0, fdb_port_remove(fdb, 3));
	EXPECT(1, fdb_port_remove(fdb, 1));
	EXPECT(0, learn(5, 1, 1, 303)); // no such port any more
#undef EXPECT
}

// ---- Ageing

static const struct {
	const char *name;
	uint32_t learned_s, refreshed_s, aged_s;
	bool stays;
} ages[] = {
	{ "one second before", 1000, 1000, 1299, true },
	{ "on the second", 1000, 1000, 1300, false },
	{ "refreshed", 1000, 1100, 1399, true },
	{ "refreshed, on the second", 1000, 1100, 1400, false },
	{ "refreshed by a clock that lags", 1000, 990, 1299, true },
	{ "aged by a clock that lags", 1000, 1000, 998, true },
	{ "the clock wraps", UINT32_MAX - 9, UINT32_MAX - 9, 289, true },
	{ "the clock wraps, on the second", UINT32_MAX - 9, UINT32_MAX - 9, 290, false },
	{ "refreshed after the wrap", UINT32_MAX - 9, 5, 304, true },
	{ "far beyond", 1000, 1000, 1000000, false },
};

static void ageing_is_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		assert_int_equal(learn(1, 1, 0, ages[i].learned_s), FDB_LEARNED);
		assert_true(refresh(1, 1, 0, ages[i].refreshed_s));
		assert_int_equal(add_static(1, 2, 0), 0);
		age_all(ages[i].aged_s);
		if ((lookup(1, 1) != NO_PORT) != ages[i].stays)
			fail_msg("%s: %s", ages[i].name, ages[i].stays ? "aged" : "stayed");
		assert_int_equal(refresh(1, 1, 0, ages[i].aged_s), ages[i].stays);
		assert_int_equal(lookup(1, 2), 0); // static
		fdb_flush(fdb, FDB_ANY, FDB_ANY);
	}
}

static void refresh_says_where_the_address_is(void **state)
{
	(void)state;
	assert_false(refresh(1, 1, 0, 1));
	learn(1, 1, 0, 1);
	assert_true(refresh(1, 1, 0, 1));
	assert_false(refresh(1, 1, 1, 1));
	assert_false(refresh(2, 1, 0, 1));
	learn(1, 1, 1, 1);
	assert_false(refresh(1, 1, 0, 1));
	assert_true(refresh(1, 1, 1, 1));
}

static void ageing_is_bounded_and_complete(void **state)
{
	uint32_t aged = 0, calls = 0;

	(void)state;
	for (unsigned n = 0; n < MAX_ENTRIES; n++)
		assert_int_equal(learn(1, n, 0, 1), FDB_LEARNED);
	assert_int_equal(fdb_n_places(fdb), MAX_ENTRIES);
	assert_int_equal(fdb_age(fdb, 1000, 0), 0);
	while (aged < MAX_ENTRIES) {
		uint32_t n = fdb_age(fdb, 1000, 2);

		assert_int_equal(n, 2);
		aged += n;
		calls++;
	}
	assert_int_equal(calls, MAX_ENTRIES / 2);
	assert_int_equal(fdb_age(fdb, 1000, UINT32_MAX), 0);
}

static void ageing_time_can_change(void **state)
{
	(void)state;
	assert_int_equal(fdb_set_ageing(fdb, FDB_AGEING_MAX + 1), -EINVAL);
	assert_int_equal(fdb_set_ageing(fdb, 10), 0);
	learn(1, 1, 0, 100);
	age_all(109);
	assert_int_equal(lookup(1, 1), 0);
	age_all(110);
	assert_int_equal(lookup(1, 1), NO_PORT);
	assert_int_equal(fdb_set_ageing(fdb, 0), 0); // the default
	learn(1, 1, 0, 100);
	age_all(100 + FDB_AGEING_DEFAULT - 1);
	assert_int_equal(lookup(1, 1), 0);
}

// ---- Control

static void static_entries_stay_put(void **state)
{
	struct fdb_counts counts;

	(void)state;
	learn(1, 1, 0, 1);
	assert_int_equal(add_static(1, 1, 2), 0);
	assert_int_equal(learn(1, 1, 0, 1), FDB_STATIC_CONFLICT);
	assert_int_equal(learn(1, 1, 2, 1), FDB_KNOWN);
	assert_int_equal(lookup(1, 1), 2);
	assert_int_equal(fdb_flush(fdb, FDB_ANY, FDB_ANY), 0);
	age_all(100000);
	assert_int_equal(lookup(1, 1), 2);
	assert_int_equal(add_static(1, 1, 3), 0); // replaces
	assert_int_equal(lookup(1, 1), 3);
	fdb_counts(fdb, &counts);
	assert_int_equal(counts.n_learned, 0);
	assert_int_equal(counts.n_static, 1);
	assert_int_equal(counts.refused_static, 1);
	assert_int_equal(remove_address(1, 1), 0);
	assert_int_equal(lookup(1, 1), NO_PORT);
	assert_int_equal(remove_address(1, 1), -ENOENT);
}

static void static_entries_have_room_of_their_own(void **state)
{
	(void)state;
	for (unsigned n = 0; n < MAX_ENTRIES; n++)
		assert_int_equal(learn(1, n, 0, 1), FDB_LEARNED);
	for (unsigned n = 0; n < MAX_ENTRIES; n++)
		assert_int_equal(add_static(1, 100 + n, 1), 0);
	assert_int_equal(add_static(1, 200, 1), -ENOSPC);
	assert_int_equal(add_static(1, 0, 1), -ENOSPC); // stays learned
	assert_int_equal(add_static(1, 100, 2), 0);     // a replacement needs no room
	assert_int_equal(learn(1, 200, 1, 1), FDB_FULL);
	assert_int_equal(lookup(1, 0), 0);
	assert_int_equal(lookup(1, 100), 2);
	assert_int_equal(remove_address(1, 101), 0);
	assert_int_equal(add_static(1, 0, 1), 0);
	assert_int_equal(learn(1, 200, 1, 1), FDB_LEARNED); // what became static made room
}

static void static_entries_count_for_the_port(void **state)
{
	(void)state;
	for (unsigned n = 0; n < PORT_LIMIT + 1; n++) // an administrator may go beyond
		assert_int_equal(add_static(1, n, LIMITED_PORT), 0);
	assert_int_equal(learn(1, 9, LIMITED_PORT, 1), FDB_PORT_LIMIT);
	assert_int_equal(fdb_port_limit(fdb, LIMITED_PORT, PORT_LIMIT + 2), 0);
	assert_int_equal(learn(1, 9, LIMITED_PORT, 1), FDB_LEARNED);
	assert_int_equal(learn(1, 8, LIMITED_PORT, 1), FDB_PORT_LIMIT);
	assert_int_equal(fdb_port_limit(fdb, LIMITED_PORT, 0), 0);
	assert_int_equal(learn(1, 8, LIMITED_PORT, 1), FDB_LEARNED);
	assert_int_equal(fdb_port_limit(fdb, 77, 1), -ENOENT);
}

static const struct {
	uint16_t vlan;
	uint8_t mac[6];
	uint32_t port;
	int expected;
	const char *sentence;
} refusals[] = {
	{ 4095, { 2, 0, 0, 0, 0, 1 }, 0, -EINVAL, "vlan \"4095\": must be 0 to 4094" },
	{ 1, { 1, 0, 0x5e, 0, 0, 0xab }, 0, -EINVAL,
		"address \"01:00:5e:00:00:ab\": must be a unicast address and not "
		"00:00:00:00:00:00" },
	{ 1, { 0, 0, 0, 0, 0, 0 }, 0, -EINVAL,
		"address \"00:00:00:00:00:00\": must be a unicast address and not "
		"00:00:00:00:00:00" },
	{ 1, { 2, 0, 0, 0, 0, 1 }, 77, -ENOENT, "port 77: no such port on the switch" },
};

static void static_refusals_say_why(void **state)
{
	const uint8_t unknown[6] = { 2, 0, 0, 0, 0, 7 };
	struct weir_error error = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		assert_int_equal(fdb_add_static(fdb, refusals[i].vlan, refusals[i].mac,
					 refusals[i].port, &error),
			refusals[i].expected);
		assert_string_equal(error.message, refusals[i].sentence);
	}
	assert_int_equal(fdb_remove(fdb, 5, unknown, &error), -ENOENT);
	assert_string_equal(error.message, "address \"02:00:00:00:00:07\": not known in VLAN 5");
}

static void flush_takes_what_it_names(void **state)
{
	(void)state;
	learn(1, 1, 0, 1);
	learn(2, 1, 0, 1);
	learn(1, 2, 1, 1);
	learn(2, 2, 1, 1);
	add_static(1, 3, 0);
	assert_int_equal(fdb_flush(fdb, 0, 2), 1);
	assert_int_equal(lookup(2, 1), NO_PORT);
	assert_int_equal(fdb_flush(fdb, FDB_ANY, 1), 2);
	assert_int_equal(lookup(2, 2), 1);
	assert_int_equal(fdb_flush(fdb, 0, FDB_ANY), 0);
	assert_int_equal(fdb_flush(fdb, 99, FDB_ANY), 0);
	assert_int_equal(fdb_flush(fdb, FDB_ANY, FDB_ANY), 1);
	assert_int_equal(lookup(1, 3), 0);
}

static void a_removed_port_takes_its_entries(void **state)
{
	struct fdb_counts counts;

	(void)state;
	learn(1, 1, 0, 1);
	learn(1, 2, 1, 1);
	add_static(1, 3, 0);
	assert_int_equal(fdb_port_add(fdb, 0, 0), -EEXIST);
	fdb_port_remove(fdb, 0);
	fdb_port_remove(fdb, 0); // is none: nothing happens
	assert_int_equal(lookup(1, 1), NO_PORT);
	assert_int_equal(lookup(1, 2), 1);
	assert_int_equal(lookup(1, 3), NO_PORT);
	assert_int_equal(learn(1, 1, 0, 1), FDB_NO_PORT);
	assert_int_equal(learn(1, 2, 0, 1), FDB_NO_PORT);
	assert_int_equal(add_static(1, 3, 0), -ENOENT);
	fdb_counts(fdb, &counts);
	assert_int_equal(counts.n_learned, 1);
	assert_int_equal(counts.n_static, 0);
	assert_int_equal(fdb_port_add(fdb, 0, 0), 0);
	assert_int_equal(learn(1, 1, 0, 1), FDB_LEARNED);
}

static void creation_checks_its_numbers(void **state)
{
	struct fdb *other;
	struct fdb_counts counts;

	(void)state;
	assert_null(fdb_create(generation, FDB_ENTRIES_MAX + 1, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(fdb_create(generation, 0, FDB_AGEING_MAX + 1));
	assert_int_equal(errno, EINVAL);
	other = fdb_create(generation, FDB_ENTRIES_MAX, FDB_AGEING_MAX);
	assert_non_null(other);
	fdb_destroy(other);
	other = fdb_create(generation, 0, 0);
	assert_non_null(other);
	fdb_counts(other, &counts);
	assert_int_equal(counts.max_entries, 65536);
	fdb_destroy(other);
	fdb_destroy(NULL);
}

// A flood of made-up addresses fills the table, and no more; another one after a flush as well.
static void a_flood_is_bounded(void **state)
{
	struct fdb *large = fdb_create(generation, 0, 0);
	struct fdb_counts counts;
	uint8_t mac[6];

	(void)state;
	assert_non_null(large);
	assert_int_equal(fdb_port_add(large, 1, 0), 0);
	for (int round = 0; round < 2; round++) {
		for (unsigned n = 0; n < 70000; n++) {
			mac_of(n + 100000 * (unsigned)round, mac);
			assert_int_equal(fdb_learn(large, 1, mac, 1, 1, NULL),
				n < 65536 ? FDB_LEARNED : FDB_FULL);
		}
		fdb_counts(large, &counts);
		assert_int_equal(counts.n_learned, 65536);
		assert_int_equal(fdb_flush(large, FDB_ANY, FDB_ANY), 65536);
	}
	mac_of(1, mac);
	assert_int_equal(fdb_learn(large, 1, mac, 1, 1, NULL), FDB_LEARNED);
	fdb_destroy(large); // with an entry, and many that wait for a grace period
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(outcomes_in_order),
		TEST(changes_move_the_generation),
		TEST(ageing_is_exact),
		TEST(refresh_says_where_the_address_is),
		TEST(ageing_is_bounded_and_complete),
		TEST(ageing_time_can_change),
		TEST(static_entries_stay_put),
		TEST(static_entries_have_room_of_their_own),
		TEST(static_entries_count_for_the_port),
		TEST(static_refusals_say_why),
		TEST(flush_takes_what_it_names),
		TEST(a_removed_port_takes_its_entries),
		TEST(creation_checks_its_numbers),
		TEST(a_flood_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
