// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Where frames go: VLAN modes, native forwarding, forwarding extensions, the two halves and when
// they are fused, and what a decision depends on.
#include "compose_world.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "forwarding/native.h"

#define REST    "0800" IP4("001c", "0000", "11") UDP_HEADER
#define UDP4    MACS REST
#define IN(tci) MACS TAG(tci) REST
#define TO(dst) dst "020000000001" REST

// ---- VLAN

static const struct {
	const char *from, *to, *frame, *program;
} vlans[] = {
	{ "", "", UDP4, "output #2" },
	{ "", "", IN("0005"), "output #2" },
	{ "5", "5", UDP4, "output #2" }, // a tag that nobody saw is never pushed
	{ "5", "trunk:5", UDP4, "push-vlan 5, output #2" },
	{ "5", "trunk:5,native:5", UDP4, "output #2" },
	{ "5", "", UDP4, "push-vlan 5, output #2" },
	{ "5", "6", UDP4, "drop vlan" },
	{ "5", "trunk:6", UDP4, "drop vlan" },
	{ "5", "5", IN("0005"), "drop tag-on-access" },
	{ "5", "5", IN("e000"), "pop-vlan, output #2" }, // priority-tagged
	{ "5", "trunk:5", IN("e000"), "set-vlan 5, output #2" },
	{ "trunk:5", "5", IN("0005"), "pop-vlan, output #2" },
	{ "trunk:5", "trunk:5", IN("0005"), "output #2" },
	{ "trunk:5", "5", IN("0006"), "drop vlan" },
	{ "trunk:5", "5", UDP4, "drop untagged-on-trunk" },
	{ "trunk:5,native:9", "9", UDP4, "output #2" },
	{ "trunk:5,native:9", "trunk:9", UDP4, "push-vlan 9, output #2" },
	{ "", "5", IN("0005"), "pop-vlan, output #2" },
	{ "", "5", UDP4, "drop vlan" },
};

static void vlans_become_as_little_as_possible(void **state)
{
	(void)state;
	for (uint16_t vlan = 0; vlan < 10; vlan++)
		world_learn(vlan, "020000000002", 2);
	for (size_t i = 0; i < sizeof(vlans) / sizeof(vlans[0]); i++) {
		const char *program;

		world_vlan(1, vlans[i].from);
		world_vlan(2, vlans[i].to);
		program = world_ingress(1, vlans[i].frame, 0);
		if (strcmp(program, vlans[i].program) != 0)
			fail_msg("\"%s\" to \"%s\": %s, not %s", vlans[i].from, vlans[i].to,
				program, vlans[i].program);
	}
}

// A flood is one operation, however many ports there are; each port's tag is its own affair.
static void a_flood_names_its_vlan(void **state)
{
	(void)state;
	assert_string_equal(world_ingress(1, UDP4, 0), "flood");
	world_vlan(1, "5");
	assert_string_equal(world_ingress(1, UDP4, 0), "push-vlan 5, flood vlan 5");
	assert_int_equal(world.out.ops[1].forwarded, WEIR_FORWARDED_UNKNOWN_UNICAST);
	world_vlan(2, "5");
	assert_string_equal(
		world_egress(2, IN("0005"), 1, WEIR_FORWARDED_BROADCAST), "pop-vlan, output #2");
	world_vlan(2, "6");
	assert_string_equal(world_egress(2, IN("0005"), 1, WEIR_FORWARDED_BROADCAST), "drop vlan");
	assert_int_equal(world.out.ops[0].stage, WEIR_STAGE_EGRESS);
}

// ---- Native forwarding

static const struct {
	const char *frame, *program;
	enum weir_forwarded forwarded; // of a flood
} natives[] = {
	{ TO("020000000002"), "output #2", 0 },
	{ TO("020000000001"), "drop same-port", 0 }, // to itself, which was just learned
	{ TO("020000000003"), "drop same-port", 0 },
	{ TO("0200000000ff"), "flood", WEIR_FORWARDED_UNKNOWN_UNICAST },
	{ TO("01005e000001"), "flood", WEIR_FORWARDED_MULTICAST },
	{ TO("333300000001"), "flood", WEIR_FORWARDED_MULTICAST },
	{ TO("ffffffffffff"), "flood", WEIR_FORWARDED_BROADCAST },
	{ TO("0180c2000000"), "drop reserved", 0 }, // IEEE 802.1Q-2022 table 8-1
	{ TO("0180c200000f"), "drop reserved", 0 },
	{ TO("0180c2000010"), "flood", WEIR_FORWARDED_MULTICAST },
};

static void native_forwarding_is_a_bridge(void **state)
{
	(void)state;
	world_learn(0, "020000000002", 2);
	world_learn(0, "020000000003", 1);
	for (size_t i = 0; i < sizeof(natives) / sizeof(natives[0]); i++) {
		const char *program = world_ingress(1, natives[i].frame, 0);

		if (strcmp(program, natives[i].program) != 0)
			fail_msg("row %zu: %s, not %s", i, program, natives[i].program);
		if (world.out.ops[0].code == OP_FLOOD)
			assert_int_equal(world.out.ops[0].forwarded, natives[i].forwarded);
	}
}

static void sources_are_learned_when_a_frame_is_there(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	uint32_t port = 0;

	(void)state;
	world_vlan(1, "5");
	world.learn = false; // a trace, or the sweep
	world_ingress(1, UDP4, 0);
	assert_false(world.out.learned);
	assert_false(fdb_lookup(world.fdb, 5, mac, &port));
	world.learn = true;
	world_ingress(1, UDP4, 0);
	assert_true(world.out.learned);
	assert_int_equal(world.out.vlan, 5);
	assert_true(fdb_lookup(world.fdb, 5, mac, &port));
	assert_int_equal(port, world.ports[1].id);
	world.learn = false;
	world_ingress(1, UDP4, 0);
	assert_true(world.out.learned); // it is known to be here
	// Nobody learns from a frame that no port sent, nor a group address.
	world.learn = true;
	world_ingress(KEY_NO_PORT, MACS REST, 0);
	assert_false(world.out.learned);
	world_ingress(1, "020000000002 030000000001" REST, 0);
	assert_false(world.out.learned);
}

static uint16_t address_slot(uint16_t vlan, uint8_t last)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, last };

	return generation_slot(GENERATION_ADDRESS, generation_address(vlan, mac));
}

static void depend_twice(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	(void)flow;
	weir_depend(d, 77);
	weir_depend(d, 77);
}

static void depend_much(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	(void)flow;
	for (uint64_t id = 0; id < GENERATION_DEPENDS; id++)
		weir_depend(d, id);
}

static void a_decision_names_what_it_depends_on(void **state)
{
	static const struct actor once = { .name = "once",
		.class = WEIR_CLASS_CAPTURE,
		.hooks = { depend_twice, NULL, NULL, NULL, NULL } };
	static const struct actor much = { .name = "much",
		.class = WEIR_CLASS_FILTER,
		.hooks = { depend_much, NULL, NULL, NULL, NULL } };
	const struct actor *stack[] = { &once, &much };

	(void)state;
	world_ingress(1, UDP4, 0);
	assert_int_equal(world.out.n_depends, 3); // a flood is not about its destinations
	assert_true(world_depends_on(world.ports[1].slot));
	assert_true(world_depends_on(address_slot(0, 1)));
	assert_true(world_depends_on(address_slot(0, 2))); // unknown: it may become known
	world_learn(0, "020000000002", 2);
	world_stack(stack, 1);
	world_ingress(1, UDP4, 0);
	assert_int_equal(world.out.n_depends, 5);
	assert_true(world_depends_on(world.ports[2].slot)); // fused: its port too
	assert_true(world_depends_on(generation_slot(
		GENERATION_EXTENSION, 77 ^ (uint64_t)world.entries[0].number << 48)));
	assert_false(world.out.depends_on_all);
	world_stack(stack, 2);
	world_ingress(1, UDP4, 0);
	assert_true(world.out.depends_on_all);
	world_stack(NULL, 0);
	world_egress(3, UDP4, 1, WEIR_FORWARDED_UNICAST);
	assert_int_equal(world.out.n_depends, 1);
	assert_true(world_depends_on(world.ports[3].slot));
}

// ---- Halves

static void nothing(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	(void)flow;
	(void)d;
}

static void meter_first(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	(void)flow;
	weir_meter(d, WORLD_METER);
}

static const struct {
	uint64_t ingress, egress;
	bool fused;
} halves[] = {
	{ 0, 0, true },
	{ 0, NATIVE_FIELDS, true }, // what native forwarding reads anyway
	{ 0, WEIR_FIELD_INGRESS_PORT, true },
	{ 0, WEIR_FIELD_L4_DST, false },
	{ WEIR_FIELD_L4_DST, WEIR_FIELD_L4_DST, true },
	{ WEIR_FIELDS_5TUPLE, WEIR_FIELD_L4_DST | WEIR_FIELD_IP_TOS, false },
	{ WEIR_FIELDS_ALL, WEIR_FIELDS_ALL, true },
};

static void halves_are_fused_when_the_key_suffices(void **state)
{
	(void)state;
	world_learn(0, "020000000002", 2);
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		const struct actor in = { .name = "in",
			.class = WEIR_CLASS_FILTER,
			.reads = halves[i].ingress,
			.hooks = { meter_first, NULL, NULL, NULL, NULL } };
		const struct actor eg = { .name = "eg",
			.class = WEIR_CLASS_FILTER,
			.reads = halves[i].egress,
			.hooks = { NULL, NULL, NULL, nothing, NULL } };
		const struct actor *stack[] = { &in, &eg };
		const char *program;

		world_stack(stack, 2);
		program = world_ingress(1, UDP4, 0);
		// A meter counts what is delivered: it waits for the egress half.
		if (strcmp(program, halves[i].fused ? "meter #100, output #2"
						    : "deliver #2, meter #100") != 0)
			fail_msg("row %zu: %s", i, program);
		if (!halves[i].fused)
			assert_int_equal(world.out.ops[0].arg, 1);
	}
}

static void fan_out(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	const weir_port_id *ids = ((const struct actor *)state)->context;

	(void)flow;
	for (; *ids; ids++)
		weir_forward(d, *ids);
}

static void flood_all(const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	(void)flow;
	weir_flood(d);
}

static void as_the_switch_would(
	const void *state, const struct weir_flow *flow, struct weir_decision *d)
{
	(void)state;
	(void)flow;
	weir_forward_native(d);
}

static const struct {
	weir_decide *forward;
	weir_port_id ids[5];
	const char *program;
} forwards[] = {
	{ fan_out, { 0x10003 }, "output #3" },
	{ fan_out, { 0x10003, 0x10000 }, "deliver #3, deliver #0" },
	{ fan_out, { 0x10003, 0x10003 }, "output #3" },
	{ fan_out, { 0x10001 }, "drop same-port" },
	{ fan_out, { 0x10001, 0x10003 }, "output #3" },
	{ fan_out, { 0 }, "drop no-destination" },
	{ fan_out, { 0x20003 }, "drop no-destination" }, // an older port of that place
	{ fan_out, { 0x10009 }, "drop no-destination" },
	{ fan_out, { WEIR_PORT_NONE }, "drop no-destination" },
	{ flood_all, { 0 }, "flood" },
	{ as_the_switch_would, { 0 }, "output #2" },
};

static void a_forwarding_extension_chooses(void **state)
{
	(void)state;
	world_learn(0, "020000000002", 2);
	for (size_t i = 0; i < sizeof(forwards) / sizeof(forwards[0]); i++) {
		const struct actor actor = { .name = "f",
			.class = WEIR_CLASS_FORWARDING,
			.reads = NATIVE_FIELDS,
			.context = forwards[i].ids,
			.hooks = { NULL, forwards[i].forward, NULL, NULL, NULL } };
		const struct actor *stack[] = { &actor };
		const char *program;

		world_stack(stack, 1);
		program = world_ingress(1, UDP4, 0);
		if (strcmp(program, forwards[i].program) != 0)
			fail_msg("row %zu: %s, not %s", i, program, forwards[i].program);
	}
}

static void destinations_that_do_not_carry_the_vlan_are_left_out(void **state)
{
	static const weir_port_id ids[] = { 0x10002, 0x10003, 0 };
	const struct actor actor = { .name = "f",
		.class = WEIR_CLASS_FORWARDING,
		.context = ids,
		.hooks = { NULL, fan_out, NULL, NULL, NULL } };
	const struct actor *stack[] = { &actor };

	(void)state;
	world_stack(stack, 1);
	world_vlan(1, "5");
	world_vlan(2, "6");
	world_vlan(3, "5");
	assert_string_equal(world_ingress(1, UDP4, 0), "output #3");
	world_vlan(3, "7");
	assert_string_equal(world_ingress(1, UDP4, 0), "drop vlan");
}

int main(void)
{
#define WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		WORLD(vlans_become_as_little_as_possible),
		WORLD(a_flood_names_its_vlan),
		WORLD(native_forwarding_is_a_bridge),
		WORLD(sources_are_learned_when_a_frame_is_there),
		WORLD(a_decision_names_what_it_depends_on),
		WORLD(halves_are_fused_when_the_key_suffices),
		WORLD(a_forwarding_extension_chooses),
		WORLD(destinations_that_do_not_carry_the_vlan_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
