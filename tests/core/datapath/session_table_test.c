// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The table of sessions by a clock of the test's own: when they end, and how many there can be.
#include "session_world.h"

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

// A worker that had nothing to tell for long does not have it stay for another time.
static void it_ends_as_soon_as_all_have_told(void **state)
{
	uint64_t began = world.now_s;

	(void)state;
	session_release(open_one(0, 1));
	world.now_s += 2 * IDLE_S;
	run_told(began - 1);
	assert_true(is_there(0, 1));
	wait_s(1);
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

// What the opener sent in the connection before does not answer in this one.
static void a_connection_begun_again_is_answered_anew(void **state)
{
	struct session *s = open_one(0, 1);

	(void)state;
	says(1, false, SYN);
	says(1, true, SYN | ACK);
	session_count(s, WEIR_SESSION_FORWARD, 9, 540, tick());
	assert_int_equal(session_state(s), SESSION_ESTABLISHED);
	says(1, false, RST);
	says(1, false, SYN);
	says(1, true, SYN | ACK);
	session_count(s, WEIR_SESSION_FORWARD, 1, 60, tick());
	assert_int_equal(session_state(s), SESSION_SYN_RECEIVED);
	session_count(s, WEIR_SESSION_FORWARD, 1, 60, tick());
	assert_int_equal(session_state(s), SESSION_ESTABLISHED);
	assert_int_equal(s->frames[WEIR_SESSION_FORWARD], 11);
	session_release(s);
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

// Two workers are about to open the same session, or one of them another that it then drops: a
// place that was reserved and given back is room for who found none meanwhile.
static void what_is_given_back_is_told(void **state)
{
	struct session_key key = key_of(0, 0);
	struct session_spec spec = spec_of(0);
	struct session *reserved;
	uint64_t before;

	(void)state;
	for (unsigned i = 0; i + 1 < PORT_MAX; i++)
		session_release(open_one(0, i));
	for (unsigned enter = 0; enter < 2; enter++) {
		reserved = session_reserve(world.table, 0, 0);
		assert_non_null(reserved);
		before = generation_slot_time(world.generation, session_room_slot());
		assert_null(session_reserve(world.table, 0, 0));
		wait_s(1);
		assert_int_equal(
			generation_slot_time(world.generation, session_room_slot()), before);
		if (enter)
			session_release(session_enter(world.table, reserved, &key,
				session_hash(world.table, &key), false, &spec, tick(),
				(uint32_t)world.now_s));
		else
			session_unreserve(world.table, reserved);
		wait_s(1);
		assert_true(generation_slot_time(world.generation, session_room_slot()) > before);
	}
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

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(idle_counts_from_the_last_frame),
		TEST(it_does_not_end_before_all_have_told),
		TEST(it_ends_as_soon_as_all_have_told),
		TEST(absolute_counts_from_the_first),
		TEST(connections_end_early),
		TEST(a_connection_begun_again_is_answered_anew),
		TEST(frames_keep_one_that_was_reset),
		TEST(room_is_bounded),
		TEST(what_is_given_back_is_told),
		TEST(one_there_is_is_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
