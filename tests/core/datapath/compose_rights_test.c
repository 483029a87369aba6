// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The rights of the classes at decide hooks: right x class x stage, each cell with its effect, or
// with none and the count. And what values a right may be used with.
#include "compose_world.h"

#include <arpa/inet.h>
#include <stdio.h>

#define UDP4 MACS "0800" IP4("001c", "0000", "11") UDP_HEADER

enum {
	PORT_2 = 0x10002,
	PORT_3 = 0x10003,
};

#define CLASS(c)   (1u << WEIR_CLASS_##c)
#define STAGE(s)   (1u << WEIR_STAGE_##s)
#define ALL_STAGES (STAGE(INGRESS) | STAGE(FORWARD) | STAGE(FORWARDED) | STAGE(EGRESS))

static void drop(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_drop(d, 1);
}

static void exclude(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_exclude(d, 1);
}

static void rewrite(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_set_dscp(d, 12);
}

static void meter(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_meter(d, WORLD_METER);
}

static void visit(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_visit(d, 2);
}

static void copy(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_copy(d, PORT_3, 10);
}

static void add_destination(
	const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_forward(d, PORT_3);
}

static void flood(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_flood(d);
}

static void native(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_forward_native(d);
}

static const struct right {
	const char *name;
	weir_decide *use;
	unsigned classes, stages;
	const char *effect; // the program, when it is allowed
} rights[] = {
	{ "drop", drop, CLASS(FILTER) | CLASS(FORWARDING), ALL_STAGES, "drop actor/1" },
	{ "exclude", exclude, CLASS(FILTER), STAGE(EGRESS), "drop actor/1" },
	{ "rewrite", rewrite, CLASS(FILTER) | CLASS(FORWARDING), ALL_STAGES,
		"set-dscp 12, output #2" },
	{ "meter", meter, CLASS(FILTER) | CLASS(FORWARDING), ALL_STAGES, "meter #100, output #2" },
	{ "visit", visit, CLASS(CAPTURE) | CLASS(FILTER) | CLASS(FORWARDING), ALL_STAGES,
		"visit #1 if tcp-flags 0x02, output #2" },
	{ "copy", copy, CLASS(CAPTURE), ALL_STAGES, "copy #3, output #2" },
	{ "destination", add_destination, CLASS(FORWARDING), STAGE(FORWARD),
		"deliver #3, deliver #2" },
	{ "flood", flood, CLASS(FORWARDING), STAGE(FORWARD), "flood" },
	// Its effect without other destinations is in compose_paths_test.c.
	{ "native", native, CLASS(FORWARDING), STAGE(FORWARD), "output #2" },
};

static void to_port_2(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_forward(d, PORT_2);
}

static const struct actor base = { .name = "base",
	.class = WEIR_CLASS_FORWARDING,
	.reads = WEIR_FIELDS_ALL,
	.hooks = { NULL, to_port_2, NULL, NULL, NULL } };

static const char *use_right(weir_decide *use, enum weir_class class, enum weir_stage stage)
{
	static struct actor actor;
	const struct actor *stack[] = { &actor, &base };

	actor = (struct actor){
		.name = "actor", .class = class, .reads = WEIR_FIELDS_ALL, .visits = true
	};
	actor.hooks[stage] = use;
	world_stack(stack, 2);
	return world_ingress(1, UDP4, 0);
}

static void check_cell(const struct right *r, enum weir_class class, enum weir_stage stage)
{
	bool allowed = r->classes & 1u << class && r->stages & 1u << stage;
	const char *program = use_right(r->use, class, stage);
	const char *expected = allowed ? r->effect : "output #2";

	if (strcmp(program, expected) != 0)
		fail_msg("%s, class %u, stage %u: \"%s\", not \"%s\"", r->name, class, stage,
			program, expected);
	if (world.counters[0].violations != !allowed || world.counters[0].invalid)
		fail_msg("%s, class %u, stage %u: %llu violations", r->name, class, stage,
			(unsigned long long)world.counters[0].violations);
	if (!allowed && (world.counters[0].offence_set != 2 || !strlen(world.counters[0].offence)))
		fail_msg("%s, class %u, stage %u: no sentence", r->name, class, stage);
}

static void rights_are_those_of_the_class_and_stage(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
		for (enum weir_class c = WEIR_CLASS_CAPTURE; c <= WEIR_CLASS_SERVICE; c++)
			for (enum weir_stage s = WEIR_STAGE_INGRESS; s <= WEIR_STAGE_EGRESS; s++)
				check_cell(&rights[i], c, s);
}

// ---- Values

static const uint8_t zeros[8];

static void bad_reason(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_drop(d, 2); // there are two: 0 and 1
}

static void bad_exclusion(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_exclude(d, 64);
}

static void foreign_meter(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_meter(d, WORLD_METER + 1);
}

static void no_meter(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_meter(d, UINT32_MAX);
}

static void bad_field(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_set(d, WEIR_FIELD_IP_TTL, zeros, 1);
}

static void bad_size(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_set(d, WEIR_FIELD_ETH_DST, zeros, 4);
}

static void no_sink(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_copy(d, WORLD_PORTS, 1);
}

static void one_in_none(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_copy(d, PORT_3, 0);
}

static void no_port(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state, (void)flow;
	weir_forward(d, 0x30003);
}

static const struct {
	const char *name;
	weir_decide *use;
	enum weir_class class;
	enum weir_stage stage;
} bad_values[] = {
	{ "reason", bad_reason, WEIR_CLASS_FILTER, WEIR_STAGE_INGRESS },
	{ "exclusion", bad_exclusion, WEIR_CLASS_FILTER, WEIR_STAGE_EGRESS },
	{ "meter of another", foreign_meter, WEIR_CLASS_FILTER, WEIR_STAGE_INGRESS },
	{ "no meter", no_meter, WEIR_CLASS_FILTER, WEIR_STAGE_INGRESS },
	{ "field", bad_field, WEIR_CLASS_FILTER, WEIR_STAGE_INGRESS },
	{ "size", bad_size, WEIR_CLASS_FILTER, WEIR_STAGE_INGRESS },
	{ "sink", no_sink, WEIR_CLASS_CAPTURE, WEIR_STAGE_INGRESS },
	{ "one in none", one_in_none, WEIR_CLASS_CAPTURE, WEIR_STAGE_INGRESS },
	{ "port", no_port, WEIR_CLASS_FORWARDING, WEIR_STAGE_FORWARD },
};

static void bad_values_have_no_effect_and_are_counted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++) {
		const char *program = use_right(
			bad_values[i].use, bad_values[i].class, bad_values[i].stage);

		if (strcmp(program, "output #2") != 0)
			fail_msg("%s: %s", bad_values[i].name, program);
		if (world.counters[0].invalid != 1 || world.counters[0].violations)
			fail_msg("%s: not counted", bad_values[i].name);
	}
}

static void visit_needs_a_hook(void **state)
{
	struct actor blind = { .name = "blind",
		.class = WEIR_CLASS_FILTER,
		.hooks = { visit, NULL, NULL, NULL, NULL } };
	const struct actor *stack[] = { &blind, &base };

	(void)state;
	world_stack(stack, 2);
	assert_string_equal(world_ingress(1, UDP4, 0), "output #2");
	assert_int_equal(world.counters[0].invalid, 1);
}

static void native_needs_what_it_reads(void **state)
{
	struct actor blind = { .name = "blind",
		.class = WEIR_CLASS_FORWARDING,
		.reads = WEIR_FIELD_ETH_DST,
		.hooks = { NULL, native, NULL, NULL, NULL } };
	const struct actor *stack[] = { &blind };

	(void)state;
	world_stack(stack, 1);
	assert_string_equal(world_ingress(1, UDP4, 0), "drop no-destination");
	assert_int_equal(world.counters[0].invalid, 1);
}

// ---- After the end

static void much_after_a_drop(
	const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	meter(state, flow, d);
	drop(state, flow, d);
	weir_drop(d, 0);
	rewrite(state, flow, d);
	meter(state, flow, d);
	visit(state, flow, d);
}

// Meters do not count what is dropped later; a visit before the drop still happens.
static void a_drop_ends_the_hook_and_strips_meters(void **state)
{
	static const struct actor visits = { .name = "visits",
		.class = WEIR_CLASS_FILTER,
		.visits = true,
		.hooks = { visit, NULL, NULL, NULL, NULL } };
	static const struct actor meters = { .name = "meters",
		.class = WEIR_CLASS_FILTER,
		.hooks = { much_after_a_drop, NULL, NULL, NULL, NULL } };
	static const struct actor watch = { .name = "watch",
		.class = WEIR_CLASS_CAPTURE,
		.hooks = { NULL, NULL, NULL, NULL, copy } };
	const struct actor *stack[] = { &visits, &meters, &watch, &base };

	(void)state;
	world_stack(stack, 4);
	world.owners[WORLD_METER] = world.entries[1].number;
	assert_string_equal(
		world_ingress(1, UDP4, 0), "visit #1 if tcp-flags 0x02, copy #3, drop meters/1");
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(world.counters[i].violations + world.counters[i].invalid, 0);
	assert_int_equal(world.out.ops[2].port, 1);
}

static void meter_for_ever(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	for (unsigned i = 0; i < PROGRAM_OPS_MAX + 10; i++)
		meter(state, flow, d);
}

static void a_program_too_long_is_a_drop(void **state)
{
	(void)state;
	for (enum weir_stage s = WEIR_STAGE_INGRESS; s <= WEIR_STAGE_EGRESS; s++) {
		assert_string_equal(
			use_right(meter_for_ever, WEIR_CLASS_FILTER, s), "drop too-complex");
		assert_int_equal(world.out.n_ops, 1);
	}
}

int main(void)
{
#define WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		WORLD(rights_are_those_of_the_class_and_stage),
		WORLD(bad_values_have_no_effect_and_are_counted),
		WORLD(visit_needs_a_hook),
		WORLD(native_needs_what_it_reads),
		WORLD(a_drop_ends_the_hook_and_strips_meters),
		WORLD(a_program_too_long_is_a_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
