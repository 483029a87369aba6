// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Structs that extensions of older and of newer versions make in their decisions.
#include "compose_world.h"

#define PACKET MACS "0800" IP4("001c", "0000", "11") UDP_HEADER
#define FIRST  MACS "0800" IP4("001c", "2000", "11") UDP_HEADER

static struct weir_session wanted;

static int setup(void **state)
{
	wanted = (struct weir_session){ .size = sizeof(wanted), .idle_s = 10, .cookie = 3 };
	if (world_setup(state))
		return -1;
	world_learn(0, "020000000002", 2);
	return 0;
}

static void compose(weir_decide *decide, const char *frame)
{
	static struct actor actor;
	const struct actor *stack[] = { &actor };

	actor = (struct actor){
		.name = "actor", .class = WEIR_CLASS_FILTER, .reads = WEIR_SESSION_FIELDS
	};
	actor.hooks[WEIR_STAGE_INGRESS] = decide;
	world_stack(stack, 1);
	world_ingress(1, frame, 0);
}

// ---- Sessions

static void open_it(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	assert_int_equal(weir_session(d, &wanted), 0);
}

// What an extension of minor version 1 knows of a session.
static void older_sessions(void **state)
{
	(void)state;
	wanted.size = offsetof(struct weir_session, port_max);
	wanted.port_max = 1;
	wanted.full = 99;
	compose(open_it, PACKET);
	assert_int_equal(world.counters[0].invalid, 0);
	assert_int_equal(world.out.sessions[0].spec.port_max, 0);
	// Nobody knows less than this.
	wanted.size = offsetof(struct weir_session, cookie);
	compose(open_it, PACKET);
	assert_int_equal(world.counters[0].invalid, 1);
	assert_int_equal(world.out.n_sessions, 0);
}

// What an extension of a later version knows of it, and of what it gets.
static struct {
	struct weir_session known;
	uint64_t newer;
} later_session;

static void open_later(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	assert_int_equal(weir_session(d, &later_session.known), 0);
}

static void find_later(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	struct {
		struct weir_session_found known;
		uint64_t newer;
	} found;

	(void)state, (void)flow;
	memset(&found, 0x77, sizeof(found));
	found.known.size = sizeof(found);
	assert_int_equal(weir_session(d, &wanted), 0);
	// As the inline function of its header does.
	assert_int_equal(d->ops->session_find(d, &found.known), 1);
	assert_int_equal(found.known.size, sizeof(found.known));
	assert_int_equal(found.known.cookie, wanted.cookie);
	assert_int_equal(found.newer, 0);
}

static void newer_sessions(void **state)
{
	(void)state;
	later_session.known = wanted;
	later_session.known.size = sizeof(later_session);
	for (unsigned newer = 0; newer < 2; newer++) {
		later_session.newer = newer;
		compose(open_later, PACKET);
		assert_int_equal(world.counters[0].invalid, newer);
		assert_int_equal(world.out.n_sessions, !newer);
	}
	assert_string_equal(world.counters[0].offence,
		"session: size 40 of struct weir_session: this version knows 32 bytes of it; those "
		"behind must be zero, and byte 32 is not");
	compose(find_later, PACKET);
	assert_int_equal(world.counters[0].invalid, 0);
}

// ---- Fragments

// Of other versions: one that forgot its size would pass what it says is to be dropped.
static struct {
	struct weir_fragment_verdict known;
	uint32_t newer;
} later_verdict;

static void remember_later(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	assert_int_equal(weir_fragment_remember(d, &later_verdict.known), 0);
}

static void verdicts(void **state)
{
	static const struct {
		uint32_t size, newer;
		unsigned invalid;
		const char *sentence;
	} rows[] = {
		{ sizeof(later_verdict.known), 1, 0, "" }, // it does not belong to it
		{ sizeof(later_verdict), 0, 0, "" },
		{ sizeof(later_verdict), 1, 1,
			"fragment_remember: size 16 of struct weir_fragment_verdict: this version "
			"knows 12 bytes" },
		{ sizeof(later_verdict.known) - 1, 0, 1,
			"size 11 of struct weir_fragment_verdict: must be 12 to" },
		{ 0, 0, 1, "size 0 of struct weir_fragment_verdict: must be 12 to" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		later_verdict.known = (struct weir_fragment_verdict){ .size = rows[i].size,
			.verdict = WEIR_FRAGMENT_DROP };
		later_verdict.newer = rows[i].newer;
		compose(remember_later, FIRST);
		if (world.counters[0].invalid != rows[i].invalid ||
			world.out.n_ops != (rows[i].invalid ? 1u : 2u) ||
			!strstr(world.counters[0].offence, rows[i].sentence))
			fail_msg("row %zu: %s", i, world.counters[0].offence);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(older_sessions),
		TEST(newer_sessions),
		TEST(verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
