// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The table of sessions by a clock of the test's own: when they end, what moves, and that it is
// what a trivial model of it is.
#include "frames.h"

#include "datapath/flow_table.h"
#include "datapath/session.h"

enum { CAPACITY = 64, PORT_MAX = 32, IDLE_S = 100 };

static struct {
	struct generation *generation;
	struct session_table *table;
	uint64_t now_s;
	unsigned n_ended;
	struct session last;
} world;

static int setup(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.now_s = 1000;
	world.generation = generation_create();
	world.table = session_table_create(world.generation, CAPACITY, PORT_MAX);
	return world.generation && world.table ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	session_table_destroy(world.table);
	generation_destroy(world.generation);
	return 0;
}

static uint32_t tick(void)
{
	return flow_tick(world.now_s * 1000000000);
}

static void ended(void *context, const struct session *session)
{
	(void)context;
	world.n_ended++;
	world.last = *session;
}

// told_s: what workers have told is from then.
static void run_told(uint64_t told_s)
{
	const struct session_run run = { .now_ns = world.now_s * 1000000000,
		.told = flow_tick(told_s * 1000000000),
		.ended = ended };

	session_table_run(world.table, &run);
}

static void wait_s(unsigned seconds)
{
	while (seconds--) {
		world.now_s++;
		run_told(world.now_s);
	}
}

static struct session_key key_of(uint16_t port, unsigned number)
{
	return (struct session_key){ { (uint64_t)port << 32 | 6, number, 1, 0, 2, 0 } };
}

static struct session_spec spec_of(uint16_t port)
{
	return (struct session_spec){ .cookie = 5, .idle_s = IDLE_S, .port = port };
}

static struct session *open_with(
	const struct session_key *key, uint16_t port, const struct session_spec *spec)
{
	struct session *reserved = session_reserve(world.table, port, spec->port_max);

	return reserved ? session_enter(world.table, reserved, key, session_hash(world.table, key),
				  false, spec, tick(), (uint32_t)world.now_s)
			: NULL;
}

// Held.
static struct session *open_one(uint16_t port, unsigned number)
{
	struct session_key key = key_of(port, number);
	struct session_spec spec = spec_of(port);

	return open_with(&key, port, &spec);
}

static bool is_there(uint16_t port, unsigned number)
{
	struct session_key key = key_of(port, number);
	struct weir_session_found found;

	return session_look(world.table, &key, session_hash(world.table, &key), false, &found);
}

static void says(unsigned number, bool back, uint8_t flags)
{
	struct session_key key = key_of(0, number);

	session_tcp(world.table, &key, session_hash(world.table, &key), back, flags,
		(uint32_t)world.now_s);
}

// ---- Times

static void idle_counts_from_the_last_frame(void **state)
{
	struct session *s = open_one(0, 1);

	(void)state;
	session_release(s);
	wait_s(90);
	session_count(s, WEIR_SESSION_REVERSE, 3, 180, tick());
	wait_s(99);
	assert_true(is_there(0, 1));
	assert_int_equal(session_expires_s(s, world.now_s * 1000000000), 1);
	wait_s(2);
	assert_false(is_there(0, 1));
	assert_int_equal(world.n_ended, 1);
	assert_int_equal(world.last.cause, WEIR_SESSION_IDLE);
	assert_int_equal(world.last.cookie, 5);
	assert_int_equal(world.last.frames[WEIR_SESSION_FORWARD], 0);
	assert_int_equal(world.last.frames[WEIR_SESSION_REVERSE], 3);
	assert_int_equal(world.last.bytes[WEIR_SESSION_REVERSE], 180);
	assert_int_equal(world.table->n, 0);
}

// What was told last is from before the session would have ended: a frame may have kept it.
static void it_does_not_end_before_all_have_told(void **state)
{
	uint64_t began = world.now_s;

	(void)state;
	session_release(open_one(0, 1));
	world.now_s += 2 * IDLE_S;
	run_told(began + IDLE_S - 1);
	assert_true(is_there(0, 1));
	world.now_s++;
	run_told(began + IDLE_S + 1);
	assert_false(is_there(0, 1));
}

static void absolute_counts_from_the_first(void **state)
{
	struct session_key key = key_of(0, 1);
	struct session_spec spec = spec_of(0);
	struct session *s;

	(void)state;
	spec.absolute_s = 150;
	s = open_with(&key, 0, &spec);
	for (unsigned i = 0; i < 149; i++) {
		wait_s(1);
		session_count(s, WEIR_SESSION_FORWARD, 1, 60, tick());
	}
	assert_true(is_there(0, 1));
	wait_s(2);
	assert_false(is_there(0, 1));
	// Somebody holds it, and has not told all.
	assert_int_equal(world.n_ended, 0);
	assert_int_equal(world.table->n, 1);
	session_count(s, WEIR_SESSION_FORWARD, 1, 60, tick());
	session_release(s);
	wait_s(1);
	assert_int_equal(world.n_ended, 1);
	assert_int_equal(world.last.cause, WEIR_SESSION_EXPIRED);
	assert_int_equal(world.last.frames[WEIR_SESSION_FORWARD], 150);
	assert_int_equal(world.table->n, 0);
}

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

// Flags of the opener, of the other behind 0x100; then frames that the opener sent; RFC 9293 3.3.2.
static const struct {
	const char *name;
	unsigned said[8];
	unsigned n_frames;
	enum session_state state;
	unsigned stays_s;
} connections[] = {
	{ "nothing", { 0 }, 1, SESSION_OPEN, IDLE_S },
	{ "not answered", { SYN }, 1, SESSION_SYN_SENT, 30 },
	{ "answered", { SYN, 0x100 | SYN | ACK }, 1, SESSION_SYN_RECEIVED, 30 },
	{ "asked twice", { SYN, SYN, 0x100 | SYN | ACK }, 2, SESSION_SYN_RECEIVED, 30 },
	{ "begun", { SYN, 0x100 | SYN | ACK }, 2, SESSION_ESTABLISHED, IDLE_S },
	{ "begun by both", { SYN, 0x100 | SYN, 0x100 | SYN | ACK }, 2, SESSION_ESTABLISHED,
		IDLE_S },
	{ "begun late", { 0x100 | SYN | ACK }, 2, SESSION_ESTABLISHED, IDLE_S },
	{ "half closed", { SYN, 0x100 | SYN | ACK, FIN | ACK }, 9, SESSION_CLOSING, IDLE_S },
	{ "closed", { SYN, 0x100 | SYN | ACK, FIN | ACK, 0x100 | FIN | ACK }, 9, SESSION_CLOSED,
		10 },
	{ "refused", { SYN, 0x100 | RST | ACK }, 1, SESSION_CLOSED, 10 },
	{ "reset", { SYN, 0x100 | SYN | ACK, RST }, 9, SESSION_CLOSED, 10 },
	{ "begun again", { SYN, 0x100 | RST | ACK, SYN, 0x100 | SYN | ACK }, 2, SESSION_ESTABLISHED,
		IDLE_S },
};

static void connections_end_early(void **state)
{
	for (unsigned i = 0; i < sizeof(connections) / sizeof(connections[0]); i++) {
		struct session *s;

		teardown(state);
		setup(state);
		s = open_one(0, i);
		session_release(s);
		for (unsigned k = 0; connections[i].said[k]; k++)
			says(i, connections[i].said[k] & 0x100, (uint8_t)connections[i].said[k]);
		session_count(s, WEIR_SESSION_FORWARD, connections[i].n_frames, 60, tick());
		if (session_state(s) != connections[i].state)
			fail_msg("%s: %d", connections[i].name, session_state(s));
		wait_s(connections[i].stays_s - 1);
		if (!is_there(0, i))
			fail_msg("%s: has ended too early", connections[i].name);
		wait_s(2);
		if (is_there(0, i))
			fail_msg("%s: has not ended", connections[i].name);
		assert_int_equal(world.last.cause, connections[i].state == SESSION_CLOSED
							   ? WEIR_SESSION_CLOSED
							   : WEIR_SESSION_IDLE);
	}
}

// A forged reset does not end a connection that goes on.
static void frames_keep_one_that_was_reset(void **state)
{
	struct session *s = open_one(0, 1);

	(void)state;
	says(1, true, RST);
	for (unsigned i = 0; i < 20; i++) {
		wait_s(5);
		session_count(s, WEIR_SESSION_FORWARD, 1, 60, tick());
	}
	assert_true(is_there(0, 1));
	session_release(s);
}

// ---- Room

static void room_is_bounded(void **state)
{
	struct session_spec spec = spec_of(2);
	struct session_key key = key_of(2, 0);

	(void)state;
	for (unsigned i = 0; i < PORT_MAX; i++)
		session_release(open_one(0, i));
	assert_null(open_one(0, PORT_MAX));
	for (unsigned i = 0; i < PORT_MAX; i++)
		session_release(open_one(1, i));
	assert_null(open_one(2, 0));
	assert_int_equal(world.table->n_refused, 2);
	// One place, whoever asks for it.
	wait_s(IDLE_S + 1);
	assert_int_equal(world.n_ended, 2 * PORT_MAX);
	spec.port_max = 1;
	session_release(open_with(&key, 2, &spec));
	key = key_of(2, 1);
	assert_null(open_with(&key, 2, &spec));
	spec.port_max = PORT_MAX + 1; // not more than the switch allows
	for (unsigned i = 1; i < PORT_MAX; i++)
		session_release(open_one(2, i));
	assert_null(open_with(&key, 2, &spec));
}

static void one_there_is_is_no_other(void **state)
{
	struct session *s = open_one(0, 1), *again;
	struct session_key key = key_of(0, 1);
	struct session_spec spec = spec_of(0);

	(void)state;
	spec.cookie = 6;
	again = open_with(&key, 0, &spec);
	assert_ptr_equal(s, again);
	assert_int_equal(s->cookie, 5);
	assert_int_equal(s->users, 2);
	assert_int_equal(world.table->n, 1);
	assert_int_equal(world.table->at_port[0], 1);
}

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

static void add_up(void *context, const struct session *session)
{
	(void)context;
	n_reported += session->frames[0] + session->frames[1];
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
	static const struct {
		struct session_filter filter;
		unsigned n, left;
	} rows[] = {
		{ { .port = 9 }, 0, 12 },
		{ { .port = 1, .attachment = 2 }, 2, 10 },
		{ { .port = WEIR_PORT_NONE, .cookie = 1 }, 3, 7 },
		{ { .port = WEIR_PORT_NONE, .attachment = 1 }, 4, 3 },
		{ { .port = 0 }, 1, 2 },
		{ { .port = WEIR_PORT_NONE }, 2, 0 },
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
		TEST(idle_counts_from_the_last_frame),
		TEST(it_does_not_end_before_all_have_told),
		TEST(absolute_counts_from_the_first),
		TEST(connections_end_early),
		TEST(frames_keep_one_that_was_reset),
		TEST(room_is_bounded),
		TEST(one_there_is_is_no_other),
		TEST(only_what_somebody_rests_on_moves),
		TEST(room_is_told_once_there_is_some),
		TEST(as_the_model),
		TEST(some_are_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
