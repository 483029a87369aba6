// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What decisions say about sessions, composed: who may, with which values, what becomes of it in
// the program, and that composing opens nothing.
#include "compose_world.h"

#include <arpa/inet.h>

#define TCP4 MACS "0800" IP4("0028", "0000", "06") TCP_HEADER
#define UDP4 MACS "0800" IP4("001c", "0000", "11") UDP_HEADER
#define ARP4                                                                                       \
	MACS "0806 0001 0800 0604 0001 020000000001 0a000001 000000000000 0a000002"                \
	     "000000000000000000000000000000000000"

static struct weir_session wanted;

static int setup(void **state)
{
	wanted = (struct weir_session){ .size = sizeof(wanted), .idle_s = 10, .cookie = 3 };
	if (world_setup(state))
		return -1;
	world_learn(0, "020000000002", 2);
	world_learn(10, "020000000002", 2);
	return 0;
}

static void open_it(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	assert_int_equal(weir_session(d, &wanted), 0);
}

static void find_it(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	struct weir_session_found found;
	int answer = weir_session_find(d, &found);

	(void)state, (void)flow;
	world_log("%d", answer);
	if (answer == 1)
		world_log("%c%llu", found.direction == WEIR_SESSION_FORWARD ? 'f' : 'r',
			(unsigned long long)found.cookie);
	world_log(";");
}

static void find_and_open(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	find_it(state, flow, d);
	open_it(state, flow, d);
	find_it(state, flow, d);
}

static void find_and_drop(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	find_it(state, flow, d);
	weir_drop(d, 1);
}

static void relate(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	assert_int_equal(weir_session_related(d, 1), 0);
}

static void relate_badly(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_session_related(d, 2); // there are two: 0 and 1
}

static void drop(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_drop(d, 0);
}

static const char *compose_with(enum weir_class class, uint64_t reads, enum weir_stage stage,
	weir_decide *use, const char *frame)
{
	static struct actor actor;
	const struct actor *stack[] = { &actor };

	actor = (struct actor){ .name = "actor", .class = class, .reads = reads };
	actor.hooks[stage] = use;
	world_stack(stack, 1);
	return world_ingress(1, frame, 0);
}

static const char *ingress(weir_decide *use, const char *frame)
{
	return compose_with(WEIR_CLASS_FILTER, WEIR_SESSION_FIELDS, WEIR_STAGE_INGRESS, use, frame);
}

static void assert_none_open(void)
{
	assert_int_equal(world.sessions->n, 0);
	assert_int_equal(world.sessions->high_water, 0);
}

// ---- Who may

static void check_right(weir_decide *use, enum weir_class class, enum weir_stage stage)
{
	bool may = class == WEIR_CLASS_FILTER;

	compose_with(class, WEIR_SESSION_FIELDS, stage, use, TCP4);
	if (stage == WEIR_STAGE_EGRESS)
		world_egress(2, TCP4, 1, WEIR_FORWARDED_UNICAST);
	assert_int_equal(world.counters[0].violations, !may);
	assert_int_equal(world.out.n_sessions, may && use == open_it);
	assert_int_equal(world.out.n_ops, may ? 2 : 1);
}

static void rights(void **state)
{
	static weir_decide *const uses[] = { open_it, relate };

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (enum weir_class c = WEIR_CLASS_CAPTURE; c <= WEIR_CLASS_FILTER; c++)
			for (enum weir_stage s = WEIR_STAGE_INGRESS; s <= WEIR_STAGE_EGRESS; s++)
				if (s != WEIR_STAGE_FORWARD)
					check_right(uses[i], c, s);
	// A forwarding extension has a hook of its own.
	compose_with(WEIR_CLASS_FORWARDING, WEIR_SESSION_FIELDS, WEIR_STAGE_FORWARD, open_it, TCP4);
	assert_int_equal(world.counters[0].violations, 0);
	assert_none_open();
}

static void the_fields_must_be_read(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 15; bit++) {
		uint64_t field = UINT64_C(1) << bit;
		bool needed = (WEIR_SESSION_FIELDS & field) != 0;

		compose_with(WEIR_CLASS_FILTER, WEIR_FIELDS_ALL & ~field, WEIR_STAGE_INGRESS,
			open_it, UDP4);
		assert_int_equal(world.counters[0].invalid, needed);
		assert_int_equal(world.out.n_sessions, !needed);
		compose_with(WEIR_CLASS_FILTER, WEIR_FIELDS_ALL & ~field, WEIR_STAGE_INGRESS,
			find_it, UDP4);
		assert_string_equal(world_said, needed ? "-22;" : "0;");
	}
}

static void values(void **state)
{
	static const struct {
		struct weir_session session;
		unsigned invalid;
	} rows[] = {
		{ { .idle_s = 1 }, 0 },
		{ { .idle_s = 0 }, 1 },
		{ { .idle_s = WEIR_SESSION_IDLE_MAX_S }, 0 },
		{ { .idle_s = WEIR_SESSION_IDLE_MAX_S + 1 }, 1 },
		{ { .idle_s = 1, .absolute_s = WEIR_SESSION_ABSOLUTE_MAX_S }, 0 },
		{ { .idle_s = 1, .absolute_s = WEIR_SESSION_ABSOLUTE_MAX_S + 1 }, 1 },
		{ { .idle_s = 1, .full = WEIR_SESSION_FULL_PASS }, 0 },
		{ { .idle_s = 1, .full = WEIR_SESSION_FULL_PASS + 1 }, 1 },
		{ { .idle_s = 1, .full = WEIR_SESSION_FULL_REASON, .full_reason = 1 }, 0 },
		{ { .idle_s = 1, .full = WEIR_SESSION_FULL_REASON, .full_reason = 2 }, 1 },
		{ { .idle_s = 1, .reserved = 1 }, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wanted = rows[i].session;
		wanted.size = sizeof(wanted);
		assert_string_equal(ingress(open_it, UDP4), "output #2");
		if (world.counters[0].invalid != rows[i].invalid ||
			world.out.n_sessions != !rows[i].invalid)
			fail_msg("row %zu", i);
	}
	assert_string_equal(ingress(relate_badly, UDP4), "output #2");
	assert_int_equal(world.counters[0].invalid, 1);
}

// ---- Programs

static void programs(void **state)
{
	(void)state;
	assert_string_equal(ingress(open_it, TCP4), "track, output #2");
	assert_string_equal(ingress(open_it, UDP4), "output #2");
	assert_string_equal(ingress(open_it, ARP4), "output #2");
	assert_int_equal(world.out.n_sessions, 0);
	assert_string_equal(ingress(relate, UDP4), "related or drop actor/1, output #2");
	assert_none_open();
}

static void another_drops(void **state)
{
	static const struct actor opener = { "opener", WEIR_CLASS_FILTER, WEIR_SESSION_FIELDS,
		{ [WEIR_STAGE_INGRESS] = open_it }, false, NULL };
	static const struct actor dropper = { "dropper", WEIR_CLASS_FILTER, 0,
		{ [WEIR_STAGE_EGRESS] = drop }, false, NULL };
	const struct actor *stack[] = { &opener, &dropper };

	(void)state;
	world_stack(stack, 2);
	assert_string_equal(world_ingress(1, TCP4, 0), "drop dropper/0");
	assert_int_equal(world.out.n_sessions, 1);
	assert_int_equal(world.out.sessions[0].kind, SESSION_USE_WATCH);
	assert_none_open();
}

static void readdress(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	uint16_t port = htons(443);

	(void)state, (void)flow;
	weir_set(d, WEIR_FIELD_L4_DST, &port, sizeof(port));
}

static void readdress_again(
	const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	uint16_t port = htons(8443);

	(void)state, (void)flow;
	weir_set(d, WEIR_FIELD_L4_DST, &port, sizeof(port));
}

// The frame has at the session's place what its key has there.
static void rewrites_stay_on_their_side(void **state)
{
	static const struct actor first = { "first", WEIR_CLASS_FILTER, 0,
		{ [WEIR_STAGE_INGRESS] = readdress }, false, NULL };
	static const struct actor opener = { "opener", WEIR_CLASS_FILTER, WEIR_SESSION_FIELDS,
		{ [WEIR_STAGE_INGRESS] = open_it }, false, NULL };
	static const struct actor last = { "last", WEIR_CLASS_FILTER, 0,
		{ [WEIR_STAGE_INGRESS] = readdress_again }, false, NULL };
	const struct actor *stack[] = { &first, &opener, &last };

	(void)state;
	world_stack(stack, 3);
	assert_string_equal(
		world_ingress(1, TCP4, 0), "set-l4-dst 443, track, set-l4-dst 8443, output #2");
	assert_int_equal(ntohs((uint16_t)world.out.sessions[0].key.w[1]) +
				 ntohs((uint16_t)(world.out.sessions[0].key.w[1] >> 16)),
		443 + 0x1388);
}

// A tag that is never pushed does not have to be for the session's sake.
static void access_ports_push_nothing(void **state)
{
	(void)state;
	world_vlan(1, "10");
	world_vlan(2, "10");
	assert_string_equal(ingress(open_it, TCP4), "track, output #2");
	assert_int_equal(op_vlan(&world.out.ops[0]), 10);
	assert_int_equal((uint16_t)(world.out.sessions[0].key.w[0] >> 16), 10);
}

// ---- What is found

static void open_now(const struct session_use *use)
{
	struct session_spec spec = { .idle_s = 10, .cookie = 8, .port = 0x10001 };
	struct session *s = session_reserve(world.sessions, 1, 0);

	assert_non_null(s);
	session_enter(world.sessions, s, &use->key, use->hash, use->reverse, &spec, 1, 1);
}

static void what_is_there_is_found(void **state)
{
	(void)state;
	ingress(find_and_open, TCP4);
	assert_string_equal(world_said, "0;1f3;");
	assert_int_equal(world.out.sessions[0].kind, SESSION_USE_OPEN);
	open_now(&world.out.sessions[0]);
	assert_string_equal(ingress(find_and_open, TCP4), "track, output #2");
	assert_string_equal(world_said, "1f8;1f8;");
	assert_int_equal(world.out.sessions[0].kind, SESSION_USE_HOLD);
	assert_string_equal(ingress(find_it, TCP4), "track, output #2");
	assert_string_equal(ingress(find_and_drop, TCP4), "drop actor/1");
	assert_int_equal(world.out.sessions[0].kind, SESSION_USE_WATCH);
	assert_true(world.out.sessions[0].present);
}

// Strict mode decides twice; another worker has opened the session meanwhile.
static void find_and_have_opened(
	const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	find_it(state, flow, d);
	if (world.sessions->n == 0) {
		struct session_use use = { .reverse = false };
		struct composition *out = &world.out;

		use.key = out->sessions[0].key;
		use.hash = out->sessions[0].hash;
		open_now(&use);
	}
}

static void strict_mode_finds_the_same_twice(void **state)
{
	(void)state;
	world.snapshot->strict = true;
	ingress(find_and_have_opened, TCP4);
	assert_string_equal(world_said, "0;0;");
	assert_int_equal(world.counters[0].impure, 0);
	ingress(find_and_open, TCP4);
	assert_int_equal(world.counters[0].impure, 0);
	world.snapshot->strict = false;
}

// ---- Room

static void no_room(void **state)
{
	(void)state;
	world.sessions_refused = 1;
	assert_string_equal(ingress(open_it, TCP4), "drop session-full");
	assert_int_equal(world.out.sessions[0].kind, SESSION_USE_ROOM);
	wanted.full = WEIR_SESSION_FULL_REASON;
	wanted.full_reason = 1;
	assert_string_equal(ingress(open_it, TCP4), "drop actor/1");
	wanted.full = WEIR_SESSION_FULL_PASS;
	assert_string_equal(ingress(open_it, TCP4), "output #2");
	assert_int_equal(world.out.sessions[0].kind, SESSION_USE_ROOM);
	world.sessions_refused = 2; // another one's
	assert_string_equal(ingress(open_it, TCP4), "track, output #2");
}

static void four_are_followed(void **state)
{
	static struct actor openers[5];
	const struct actor *stack[5];

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		openers[i] = (struct actor){ "opener", WEIR_CLASS_FILTER, WEIR_SESSION_FIELDS,
			{ [WEIR_STAGE_INGRESS] = open_it }, false, NULL };
		stack[i] = &openers[i];
	}
	world_stack(stack, 4);
	assert_string_equal(world_ingress(1, TCP4, 0), "track, track, track, track, output #2");
	world_stack(stack, 5);
	assert_string_equal(world_ingress(1, TCP4, 0), "drop too-complex");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(rights),
		TEST(the_fields_must_be_read),
		TEST(values),
		TEST(programs),
		TEST(another_drops),
		TEST(rewrites_stay_on_their_side),
		TEST(access_ports_push_nothing),
		TEST(what_is_there_is_found),
		TEST(strict_mode_finds_the_same_twice),
		TEST(no_room),
		TEST(four_are_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
