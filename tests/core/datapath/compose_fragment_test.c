// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What decisions say about fragments, composed: who may, about which flows, with which values, and
// what becomes of it in the program.
#include "compose_world.h"

#define WHOLE MACS "0800" IP4("001c", "0000", "11") UDP_HEADER
#define FIRST MACS "0800" IP4("001c", "2000", "11") UDP_HEADER
#define LATER MACS "0800" IP4("001c", "0004", "11") UDP_HEADER

static struct weir_fragment_verdict said;

static int setup(void **state)
{
	said = (struct weir_fragment_verdict){ .size = sizeof(said) };
	if (world_setup(state))
		return -1;
	world_learn(0, "020000000002", 2);
	return 0;
}

static void say_both(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	assert_int_equal(weir_fragment_remember(d, &said), 0);
	assert_int_equal(weir_fragment_follow(d, &said), 0);
}

static void say_and_drop(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	say_both(state, flow, d);
	weir_drop(d, 1);
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
	return compose_with(WEIR_CLASS_FILTER, WEIR_FIELD_VLAN_ID, WEIR_STAGE_INGRESS, use, frame);
}

static void it_is_said_of_its_kind_alone(void **state)
{
	(void)state;
	assert_string_equal(ingress(say_both, WHOLE), "output #2");
	assert_string_equal(ingress(say_both, FIRST), "remember pass, output #2");
	assert_string_equal(ingress(say_both, LATER), "follow-first or pass, output #2");
	said.verdict = WEIR_FRAGMENT_DROP;
	said.reason = 1;
	assert_string_equal(ingress(say_both, FIRST), "remember drop actor/1, output #2");
	assert_string_equal(ingress(say_both, LATER), "follow-first or drop actor/1, output #2");
	assert_int_equal(op_owner(&world.out.ops[0]), world.entries[0].number);
	assert_int_equal(world.out.ops[0].port, 1);
	assert_int_equal(world.out.ops[0].stage, WEIR_STAGE_INGRESS);
	assert_int_equal(world.counters[0].invalid + world.counters[0].violations, 0);
}

// Another version of the extension numbered them otherwise.
static void reasons_are_told_as_those_of_the_name(void **state)
{
	static const struct actor speaker = { "speaker", WEIR_CLASS_FILTER, WEIR_FIELD_VLAN_ID,
		{ [WEIR_STAGE_INGRESS] = say_both }, false, NULL };
	static const uint8_t places[] = { 7, 5 };
	const struct actor *stack[] = { &speaker };

	(void)state;
	said.verdict = WEIR_FRAGMENT_DROP;
	said.reason = 1;
	world_stack(stack, 1);
	world.entries[0].reasons = places;
	assert_string_equal(world_ingress(1, FIRST, 0), "remember drop speaker/5, output #2");
	assert_string_equal(
		world_ingress(1, LATER, 0), "follow-first or drop speaker/5, output #2");
}

static void rights(void **state)
{
	(void)state;
	compose_with(WEIR_CLASS_CAPTURE, WEIR_FIELD_VLAN_ID, WEIR_STAGE_INGRESS, say_both, FIRST);
	assert_int_equal(world.counters[0].violations, 2);
	assert_int_equal(world.out.n_ops, 1);
	compose_with(
		WEIR_CLASS_FORWARDING, WEIR_FIELD_VLAN_ID, WEIR_STAGE_FORWARD, say_both, FIRST);
	assert_int_equal(world.counters[0].violations, 0);
	compose_with(WEIR_CLASS_FILTER, WEIR_FIELDS_ALL & ~WEIR_FIELD_VLAN_ID, WEIR_STAGE_INGRESS,
		say_both, FIRST);
	assert_int_equal(world.counters[0].invalid, 2);
	assert_int_equal(world.out.n_ops, 1);
}

static void values(void **state)
{
	static const struct {
		struct weir_fragment_verdict verdict;
		unsigned invalid;
	} rows[] = {
		{ { .verdict = WEIR_FRAGMENT_PASS, .reason = 99, .policer = 99 }, 0 },
		{ { .verdict = WEIR_FRAGMENT_DROP, .reason = 1 }, 0 },
		{ { .verdict = WEIR_FRAGMENT_DROP, .reason = 2 }, 2 },
		{ { .verdict = WEIR_FRAGMENT_POLICE, .policer = 0 }, 2 }, // there is none
		{ { .verdict = WEIR_FRAGMENT_POLICE + 1 }, 2 },
		{ { .verdict = WEIR_FRAGMENT_PASS, .reserved = 1 }, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		said = rows[i].verdict;
		said.size = sizeof(said);
		ingress(say_both, FIRST);
		if (world.counters[0].invalid != rows[i].invalid ||
			world.out.n_ops != (rows[i].invalid ? 1u : 2u))
			fail_msg("row %zu", i);
	}
}

// A first fragment that is dropped is remembered, whoever drops it.
static void dropped_ones_are_remembered(void **state)
{
	static const struct actor speaker = { "speaker", WEIR_CLASS_FILTER, WEIR_FIELD_VLAN_ID,
		{ [WEIR_STAGE_INGRESS] = say_both }, false, NULL };
	static const struct actor dropper = { "dropper", WEIR_CLASS_FILTER, 0,
		{ [WEIR_STAGE_EGRESS] = drop }, false, NULL };
	const struct actor *stack[] = { &speaker, &dropper };

	(void)state;
	said.verdict = WEIR_FRAGMENT_DROP;
	assert_string_equal(ingress(say_and_drop, FIRST), "remember drop actor/0, drop actor/1");
	assert_string_equal(ingress(say_and_drop, LATER), "drop actor/1");
	said.verdict = WEIR_FRAGMENT_PASS;
	world_stack(stack, 2);
	assert_string_equal(world_ingress(1, FIRST, 0), "remember pass, drop dropper/0");
	assert_string_equal(world_ingress(1, LATER, 0), "drop dropper/0");
}

static void strict_mode_says_the_same_twice(void **state)
{
	(void)state;
	world.snapshot->strict = true;
	assert_string_equal(ingress(say_both, FIRST), "remember pass, output #2");
	assert_string_equal(ingress(say_both, LATER), "follow-first or pass, output #2");
	assert_int_equal(world.counters[0].impure, 0);
	world.snapshot->strict = false;
}

// For lack of room for a session: that is what is remembered, where the hook has something
// remembered, and nothing else where not.
static void open_alone(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	static const struct weir_session session = { .size = sizeof(session), .idle_s = 1 };

	(void)state, (void)flow;
	assert_int_equal(weir_session(d, &session), 0);
}

static void say_and_open(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	say_both(state, flow, d);
	open_alone(state, flow, d);
}

static void open_and_say(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	open_alone(state, flow, d);
	say_both(state, flow, d);
}

static void those_without_room_are_remembered(void **state)
{
	static const struct {
		weir_decide *decide;
		const char *frame, *program;
		unsigned refused; // sessions
	} rows[] = {
		{ open_alone, FIRST, "drop session-full", 1 },
		{ open_and_say, FIRST, "remember drop session-full, drop session-full", 1 },
		{ say_and_open, FIRST,
			"remember pass, remember drop session-full, drop session-full", 1 },
		{ open_and_say, WHOLE, "drop session-full", 1 },
		{ open_and_say, FIRST, "remember pass, output #2", 0 },
		{ open_alone, FIRST, "output #2", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world.sessions_refused = rows[i].refused;
		assert_string_equal(compose_with(WEIR_CLASS_FILTER, WEIR_SESSION_FIELDS,
					    WEIR_STAGE_INGRESS, rows[i].decide, rows[i].frame),
			rows[i].program);
		assert_int_equal(world.counters[0].invalid + world.counters[0].violations, 0);
	}
	// What one hook has remembered is not another's.
	{
		static const struct actor speaker = { "speaker", WEIR_CLASS_FILTER,
			WEIR_SESSION_FIELDS, { [WEIR_STAGE_INGRESS] = say_both }, false, NULL };
		static const struct actor opener = { "opener", WEIR_CLASS_FILTER,
			WEIR_SESSION_FIELDS, { [WEIR_STAGE_INGRESS] = open_alone }, false, NULL };
		const struct actor *stack[] = { &speaker, &opener };

		world_stack(stack, 2);
		world.sessions_refused = 1;
		assert_string_equal(world_ingress(1, FIRST, 0), "remember pass, drop session-full");
	}
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(it_is_said_of_its_kind_alone),
		TEST(reasons_are_told_as_those_of_the_name),
		TEST(rights),
		TEST(values),
		TEST(dropped_ones_are_remembered),
		TEST(those_without_room_are_remembered),
		TEST(strict_mode_says_the_same_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
