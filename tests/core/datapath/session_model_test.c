// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The table of sessions: what moves when they come and go, who is listed and ended, and that it is
// what a trivial model of it is.
#include "session_world.h"

// ---- Generations

static uint64_t slot_time(unsigned number)
{
	struct session_key key = key_of(0, number);

	return generation_slot_time(
		world.generation, session_slot(session_hash(world.table, &key)));
}

static uint32_t *watchers(unsigned number)
{
	struct session_key key = key_of(0, number);

	return &world.table->watchers[session_watcher(session_hash(world.table, &key))];
}

static void only_what_somebody_rests_on_moves(void **state)
{
	uint64_t clock;

	(void)state;
	session_release(open_one(0, 1));
	assert_int_equal(generation_now(world.generation), 0);
	++*watchers(2);
	session_release(open_one(0, 2));
	assert_int_equal(generation_now(world.generation), 1);
	assert_int_equal(slot_time(2), 1);
	--*watchers(2);
	// Nobody holds these: they end unnoticed.
	wait_s(IDLE_S + 1);
	assert_int_equal(world.n_ended, 2);
	assert_int_equal(generation_now(world.generation), 1);
	// Of many that are held the clock moves once.
	for (unsigned i = 10; i < 20; i++)
		open_one(0, i);
	clock = generation_now(world.generation);
	world.now_s += IDLE_S + 1;
	run_told(world.now_s);
	assert_int_equal(generation_now(world.generation), clock + 1);
	for (unsigned i = 10; i < 20; i++)
		assert_int_equal(slot_time(i), clock + 1);
}

static void room_is_told_once_there_is_some(void **state)
{
	uint64_t before;

	(void)state;
	for (unsigned i = 0; i <= PORT_MAX; i++)
		if (i < PORT_MAX)
			session_release(open_one(0, i));
	assert_null(open_one(0, PORT_MAX));
	before = generation_slot_time(world.generation, session_room_slot());
	wait_s(10);
	assert_int_equal(generation_slot_time(world.generation, session_room_slot()), before);
	wait_s(IDLE_S);
	assert_true(generation_slot_time(world.generation, session_room_slot()) > before);
}

// ---- A model

enum { KEYS = 200, STEPS = 200000 };

struct model {
	bool there;
	unsigned n_held;
	struct session *session;
	uint64_t used_s, counted;
};

static struct model model[KEYS];
static uint64_t n_counted, n_reported;

static bool add_up(void *context, const struct session *session)
{
	(void)context;
	n_reported += session->frames[0] + session->frames[1];
	return true;
}

static void model_second(void)
{
	const struct session_run run = { .now_ns = (world.now_s + 1) * 1000000000,
		.told = flow_tick((world.now_s + 1) * 1000000000),
		.ended = add_up };

	world.now_s++;
	session_table_run(world.table, &run);
	for (unsigned i = 0; i < KEYS; i++) {
		bool is_old = model[i].used_s + IDLE_S < world.now_s;

		if (model[i].there && model[i].used_s + IDLE_S == world.now_s)
			is_old = !is_there(0, i); // to the tick
		if (!model[i].there || !is_old)
			continue;
		model[i].there = false;
		while (model[i].n_held) {
			session_release(model[i].session);
			model[i].n_held--;
		}
	}
}

static void model_step(void)
{
	unsigned i = draw(KEYS);
	struct model *m = &model[i];
	struct session_key key = key_of(0, i);
	struct session *s;

	switch (draw(4)) {
	case 0:
		s = open_one(0, i);
		assert_in_range(world.table->at_port[0], 0, PORT_MAX);
		if (!s)
			assert_int_equal(world.table->at_port[0], PORT_MAX);
		if (!s)
			break;
		m->session = s;
		m->there = true;
		m->n_held++;
		m->used_s = world.now_s;
		break;
	case 1:
		s = session_hold(world.table, &key, session_hash(world.table, &key), tick());
		assert_int_equal(s != NULL, m->there);
		if (!s)
			break;
		m->n_held++;
		m->used_s = world.now_s;
		break;
	case 2:
		if (!m->n_held)
			break;
		session_count(m->session, draw(2), 1, 60, tick());
		n_counted++;
		m->used_s = world.now_s;
		break;
	default:
		if (!m->n_held)
			break;
		session_release(m->session);
		m->n_held--;
	}
}

static void as_the_model(void **state)
{
	(void)state;
	memset(model, 0, sizeof(model));
	n_counted = n_reported = 0;
	for (unsigned i = 0; i < STEPS; i++) {
		model_step();
		if (draw(40) == 0)
			model_second();
		if (i % 1000 == 0)
			for (unsigned k = 0; k < KEYS; k++)
				assert_int_equal(is_there(0, k), model[k].there);
	}
	for (unsigned i = 0; i < 2 * IDLE_S + 2; i++)
		model_second();
	assert_int_equal(n_reported, n_counted);
	assert_int_equal(world.table->n, 0);
	assert_int_equal(world.table->at_port[0], 0);
}

// ---- Ending and listing

static unsigned n_listed;

static void count_row(void *context, const struct session *session)
{
	(void)context;
	(void)session;
	n_listed++;
}

static unsigned listed(void)
{
	n_listed = 0;
	session_table_list(world.table, count_row, NULL);
	return n_listed;
}

static void some_are_ended(void **state)
{
	static const uint64_t none[] = { 4, 7, 9 }, some[] = { 0, 3, 8 };
	static const struct {
		struct session_filter filter;
		unsigned n, left;
	} rows[] = {
		{ { .port = 9 }, 0, 12 },
		{ { .port = WEIR_PORT_NONE, .cookies = none, .n = 3 }, 0, 12 },
		{ { .port = 1, .cookies = some, .n = 3 }, 1, 11 },
		{ { .port = 1, .attachment = 2 }, 2, 9 },
		{ { .port = WEIR_PORT_NONE, .cookie = 1 }, 3, 6 },
		{ { .port = 2, .cookies = some, .n = 3 }, 2, 4 },
		{ { .port = WEIR_PORT_NONE, .attachment = 1 }, 2, 2 },
		{ { .port = 0 }, 1, 1 },
		{ { .port = WEIR_PORT_NONE }, 1, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		struct session_key key = key_of(i % 3, i);
		struct session_spec spec = {
			.idle_s = 1 + i, .cookie = 1 + i / 4, .port = i % 3, .attachment = 1 + i % 2
		};

		session_release(open_with(&key, i % 3, &spec));
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (session_table_end(world.table, &rows[i].filter, WEIR_SESSION_ENDED,
			    (uint32_t)world.now_s) != rows[i].n ||
			listed() != rows[i].left)
			fail_msg("row %zu: %u are left", i, n_listed);
	}
	assert_int_equal(world.n_ended, 0);
	run_told(world.now_s);
	assert_int_equal(world.n_ended, 12);
	assert_int_equal(world.last.cause, WEIR_SESSION_ENDED);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(only_what_somebody_rests_on_moves),
		TEST(room_is_told_once_there_is_some),
		TEST(as_the_model),
		TEST(some_are_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
