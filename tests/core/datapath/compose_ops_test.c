// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Recording operations: what cancels, what replaces what, and that nothing moves across a place
// where somebody sees the frame. Steps are letters, programs are their
// text.
#include "frames.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "datapath/composer.h"

static struct composition out;
static struct composer composer;

static void begin(const char *frame_text)
{
	uint8_t bytes[HEX_MAX];
	uint32_t size = hex_bytes(frame_text, bytes);
	struct weir_frame frame = plain_frame(bytes, size);

	memset(&out, 0, sizeof(out));
	composer = (struct composer){ .out = &out };
	key_parse(&frame, &composer.key);
}

static void set16(uint64_t field, uint16_t value)
{
	assert_true(composer_set(&composer, field, &value, sizeof(value)));
}

static void set8(uint64_t field, uint8_t value)
{
	assert_true(composer_set(&composer, field, &value, sizeof(value)));
}

static void set_bytes(uint64_t field, uint8_t last, size_t size)
{
	uint8_t value[16] = { 0 };

	value[size - 1] = last;
	assert_true(composer_set(&composer, field, value, size));
}

// One letter, one step. Digits follow where a value matters.
static void step(char letter, char digit)
{
	uint8_t n = (uint8_t)(digit - '0');

	switch (letter) {
	case 'V': // VLAN n; 0 takes the tag away
		set16(WEIR_FIELD_VLAN_ID, n);
		break;
	case 'P':
		set8(WEIR_FIELD_VLAN_PCP, n);
		break;
	case '+':
		composer_push_vlan(&composer, n);
		break;
	case '-':
		composer_pop_vlan(&composer);
		break;
	case 'T':
		set8(WEIR_FIELD_IP_TOS, n);
		break;
	case 'D':
		set_bytes(WEIR_FIELD_ETH_DST, n, 6);
		break;
	case 'E':
		set_bytes(WEIR_FIELD_ETH_SRC, n, 6);
		break;
	case 'S':
		set_bytes(WEIR_FIELD_IP_SRC, n, key_l3(&composer.key) == WEIR_L3_IPV6 ? 16 : 4);
		break;
	case 'R':
		set_bytes(WEIR_FIELD_IP_DST, n, key_l3(&composer.key) == WEIR_L3_IPV6 ? 16 : 4);
		break;
	case 'L':
		set16(WEIR_FIELD_L4_SRC, htons(n));
		break;
	case 'K':
		set16(WEIR_FIELD_L4_DST, htons(n));
		break;
	case 'm':
		composer_op(&composer, (struct op){ .code = OP_METER, .arg = n });
		break;
	case 'p':
		composer_op(&composer, (struct op){ .code = OP_POLICE, .arg = n });
		break;
	case 'r':
		composer_op(&composer, (struct op){ .code = OP_RELATED, .flags = n });
		break;
	case 'f':
		composer_op(&composer, (struct op){ .code = OP_FOLLOW });
		break;
	case 'b':
		composer_op(&composer, (struct op){ .code = OP_REMEMBER });
		break;
	case 'v':
		composer_op(&composer, (struct op){ .code = OP_VISIT, .arg = n });
		break;
	case 'c':
		composer_op(&composer, (struct op){ .code = OP_COPY, .port = n, .arg = 1 });
		break;
	case 'd':
		composer_op(&composer, (struct op){ .code = OP_DELIVER, .port = n });
		break;
	case 'o':
		composer_op(&composer, (struct op){ .code = OP_OUTPUT, .port = n });
		break;
	default:
		fail_msg("no step %c", letter);
	}
}

static void run_steps(const char *steps)
{
	for (; *steps; steps++) {
		if (*steps == ' ')
			continue;
		step(steps[0], steps[1]);
		if (steps[0] != '-')
			steps++;
	}
}

static const char *program_text(void)
{
	static char text[1024];

	program_format(out.ops, out.n_ops, NULL, text, sizeof(text));
	return text;
}

#define PLAIN  MACS "0800" IP4("001c", "0000", "11") UDP_HEADER
#define TAGGED MACS TAG("2007") "0800" IP4("001c", "0000", "11") UDP_HEADER
#define DOUBLE MACS STAG("2007") TAG("0008") "0800" IP4("001c", "0000", "11") UDP_HEADER
#define PLAIN6 MACS "86dd" IP6("0014", "06") TCP_HEADER

static const struct {
	const char *frame, *steps, *program;
} rows[] = {
	// A tag that nobody saw is never pushed.
	{ PLAIN, "+5 - o1", "output #1" },
	{ PLAIN, "V5 V0 o1", "output #1" },
	{ PLAIN, "+5 P3 V6 - o1", "output #1" },
	{ PLAIN, "+5 T4 - o1", "set-dscp 1 ecn 0, output #1" },
	{ PLAIN, "+5 o1", "push-vlan 5, output #1" },
	{ PLAIN, "V5 V6 o1", "push-vlan 6, output #1" },
	{ PLAIN, "- V0 P3 o1", "output #1" }, // no tag: nothing happens
	{ TAGGED, "- o1", "pop-vlan, output #1" },
	{ TAGGED, "V5 o1", "set-vlan 5, output #1" },
	{ TAGGED, "V5 V6 o1", "set-vlan 6, output #1" },
	{ TAGGED, "V5 P3 o1", "set-vlan 5 set-pcp 3, output #1" },
	{ TAGGED, "P3 P4 o1", "set-pcp 4, output #1" },
	{ TAGGED, "V5 P3 - o1", "pop-vlan, output #1" },
	{ TAGGED, "- V5 o1", "pop-vlan, push-vlan 5, output #1" },
	{ TAGGED, "P2 +5 - o1", "set-pcp 2, output #1" }, // of the tag that stays
	{ TAGGED, "P2 +5 - - o1", "pop-vlan, output #1" },
	{ DOUBLE, "- V5 o1", "pop-vlan, set-vlan 5, output #1" },
	{ DOUBLE, "V5 - V6 - o1", "pop-vlan, pop-vlan, output #1" },
	// The last of several rewrites of one field counts.
	{ PLAIN, "T1 T2 T3 o1", "set-dscp 0 ecn 3, output #1" },
	{ PLAIN, "D1 E1 D2 o1",
		"set-eth-src 00:00:00:00:00:01, set-eth-dst 00:00:00:00:00:02, output #1" },
	{ PLAIN, "S1 R1 S2 o1", "set-ip-dst 0.0.0.1, set-ip-src 0.0.0.2, output #1" },
	{ PLAIN, "L1 K1 L2 K2 o1", "set-l4-src 2, set-l4-dst 2, output #1" },
	{ PLAIN, "T1 m1 T2 o1", "meter #1, set-dscp 0 ecn 2, output #1" },
	{ PLAIN6, "S1 S2 R3 K4 o1", "set-ip-src ::2, set-ip-dst ::3, set-l4-dst 4, output #1" },
	{ PLAIN6, "T1 +5 T2 - o1", "set-dscp 0 ecn 2, output #1" },
	// Nothing moves across who sees the frame.
	{ PLAIN, "+5 v1 - o1", "push-vlan 5, visit #1, pop-vlan, output #1" },
	{ PLAIN, "+5 c1 - o1", "push-vlan 5, copy #1, pop-vlan, output #1" },
	{ PLAIN, "+5 d1 - d2", "push-vlan 5, deliver #1, pop-vlan, deliver #2" },
	{ PLAIN, "+5 v1 V6 o1", "push-vlan 5, visit #1, set-vlan 6, output #1" },
	{ PLAIN, "+5 v1 V6 - o1", "push-vlan 5, visit #1, pop-vlan, output #1" },
	{ PLAIN, "T1 v1 T2 c1 T3 o1",
		"set-dscp 0 ecn 1, visit #1, set-dscp 0 ecn 2, copy #1, set-dscp 0 ecn 3, "
		"output #1" },
	{ TAGGED, "V5 c1 V6 P3 o1", "set-vlan 5, copy #1, set-vlan 6 set-pcp 3, output #1" },
	{ PLAIN, "v1 S1 S2 o1", "visit #1, set-ip-src 0.0.0.2, output #1" },
	// Nor across what reads its addresses.
	{ PLAIN, "S1 b1 S2 o1",
		"set-ip-src 0.0.0.1, remember pass, set-ip-src 0.0.0.2, output #1" },
	{ PLAIN, "S1 f1 S2 o1",
		"set-ip-src 0.0.0.1, follow-first or pass, set-ip-src 0.0.0.2, output #1" },
	{ PLAIN, "+5 b1 - o1", "remember pass, output #1" },
};

static void operations_are_tidied_as_they_come(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(rows[i].frame);
		run_steps(rows[i].steps);
		if (strcmp(program_text(), rows[i].program) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", rows[i].steps, program_text(),
				rows[i].program);
		assert_false(composer.too_complex);
	}
}

static const struct {
	const char *steps, *program;
} dropped[] = {
	{ "m1 T1 V5 m2", "" },
	{ "m1 T1 v1 m2 T2", "meter #1 if lost, set-dscp 0 ecn 1, visit #1" },
	{ "+5 c1 - T1", "push-vlan 5, copy #1" },
	{ "v1 m1 v2 m2", "visit #1, meter #1 if lost, visit #2" },
	// What a visit sees has come past what stands before it.
	{ "p1 m1 T1 v1 p2", "police #1, meter #1 if lost, set-dscp 0 ecn 1, visit #1" },
	{ "f1 m1 v1 f2 r2", "follow-first or pass, meter #1 if lost, visit #1" },
	// What is remembered stays, with the addresses that it is remembered by.
	{ "S1 b1 S2 m1", "set-ip-src 0.0.0.1, remember pass" },
	{ "S1 f1 r1 S2", "" },
	{ "D1 c1 E1 v1 S1", "set-eth-dst 00:00:00:00:00:01, copy #1, set-eth-src "
			    "00:00:00:00:00:01, visit #1" },
};

static void a_drop_strips_meters_and_what_nobody_sees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++) {
		begin(PLAIN);
		run_steps(dropped[i].steps);
		composer_strip_dropped(&composer);
		if (strcmp(program_text(), dropped[i].program) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", dropped[i].steps, program_text(),
				dropped[i].program);
	}
}

static void accounts_are_taken_from_behind_the_last_observer(void **state)
{
	struct op late[PROGRAM_OPS_MAX];

	(void)state;
	begin(PLAIN);
	run_steps("m1 v1 m2 T1 p4 m3");
	assert_int_equal(composer_take_late(&composer, late), 4);
	assert_int_equal(late[0].arg, 1);
	assert_int_equal(late[0].code, OP_METER);
	assert_int_equal(late[1].arg, 2);
	assert_int_equal(late[2].arg, 4);
	assert_int_equal(late[2].code, OP_POLICE);
	assert_int_equal(late[3].arg, 3);
	assert_string_equal(program_text(), "meter #1 if lost, visit #1, set-dscp 0 ecn 1");
	assert_int_equal(composer_take_late(&composer, late), 0);
	// They go on to count the frame as long as it was where they stood.
	begin(PLAIN);
	run_steps("m1 +5 m2 T1 p3");
	assert_int_equal(composer_take_late(&composer, late), 3);
	assert_int_equal(late[0].adjust, -4);
	assert_int_equal(late[1].adjust, 0);
	assert_int_equal(late[2].adjust, 0);
	assert_string_equal(program_text(), "push-vlan 5, set-dscp 0 ecn 1");
}

static const struct {
	const char *steps, *program, *late;
} parted[] = {
	{ "m1 r2 m3", "", "meter #1, related or drop #2, meter #3" },
	{ "m1 f1 p3", "", "meter #1, follow-first or pass, police #3" },
	{ "m1 b1 m2", "remember pass", "meter #1, meter #2" },
	{ "r1 v1 m2 r3 T1", "related or drop #1, visit #1, set-dscp 0 ecn 1",
		"meter #2, related or drop #3" },
	// It is asked about the frame as it was there, and so is what counted before.
	{ "m1 r2 m3 S1 m4", "meter #1 if lost, related or drop #2, set-ip-src 0.0.0.1",
		"meter #1, meter #3, meter #4" },
	{ "m1 f1 R1 f2 m3", "meter #1 if lost, follow-first or pass, set-ip-dst 0.0.0.1",
		"meter #1, follow-first or pass, meter #3" },
	{ "m1 p2 v1 m3", "meter #1 if lost, police #2, visit #1", "meter #1, meter #3" },
};

// What lets single frames through is asked between the meters that it stood between.
static void accounts_stay_before_and_behind_what_lets_through(void **state)
{
	struct op late[PROGRAM_OPS_MAX];
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(parted) / sizeof(parted[0]); i++) {
		begin(PLAIN);
		run_steps(parted[i].steps);
		program_format(late, composer_take_late(&composer, late), NULL, text, sizeof(text));
		if (strcmp(text, parted[i].late) != 0 ||
			strcmp(program_text(), parted[i].program) != 0)
			fail_msg("%s: \"%s\" and late \"%s\"", parted[i].steps, program_text(),
				text);
	}
	begin(PLAIN);
	run_steps("f1 +5");
	assert_int_equal(composer_take_late(&composer, late), 1);
	assert_int_equal(late[0].adjust, -4);
}

static void programs_have_an_end(void **state)
{
	(void)state;
	begin(PLAIN);
	for (unsigned i = 0; i < PROGRAM_OPS_MAX; i++)
		run_steps("m1");
	assert_false(composer.too_complex);
	run_steps("m2");
	assert_true(composer.too_complex);
	assert_int_equal(out.n_ops, PROGRAM_OPS_MAX);
	// A third tag would hide the first from the parser.
	begin(DOUBLE);
	composer_push_vlan(&composer, 5);
	assert_true(composer.too_complex);
	assert_int_equal(out.n_ops, 0);
}

static void dependencies_are_a_set_with_a_bound(void **state)
{
	(void)state;
	begin(PLAIN);
	for (unsigned n = 0; n < 3; n++)
		for (uint16_t slot = 0; slot < GENERATION_DEPENDS - 2; slot++)
			composer_depend(&composer, slot);
	assert_int_equal(out.n_depends, GENERATION_DEPENDS - 2);
	assert_false(out.depends_on_all);
	composer_depend(&composer, 1000);
	assert_true(out.depends_on_all);
	assert_int_equal(out.n_depends, GENERATION_DEPENDS - 2);
}

static void refused_rewrites_are_not_recorded(void **state)
{
	uint8_t value[16] = { 9 };

	(void)state;
	begin(PLAIN);
	assert_false(composer_set(&composer, WEIR_FIELD_IP_SRC, value, 16));
	assert_false(composer_set(&composer, WEIR_FIELD_ETH_DST, value, 4));
	assert_false(composer_set(&composer, WEIR_FIELD_VLAN_ID, value, 4));
	assert_false(composer_set(&composer, WEIR_FIELD_VLAN_ID, "\xff\x0f", 2));
	assert_false(composer_set(&composer, WEIR_FIELD_VLAN_PCP, value, 1));
	assert_false(composer_set(&composer, WEIR_FIELD_IP_TTL, value, 1));
	assert_int_equal(out.n_ops, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_are_tidied_as_they_come),
		cmocka_unit_test(a_drop_strips_meters_and_what_nobody_sees),
		cmocka_unit_test(accounts_are_taken_from_behind_the_last_observer),
		cmocka_unit_test(accounts_stay_before_and_behind_what_lets_through),
		cmocka_unit_test(programs_have_an_end),
		cmocka_unit_test(dependencies_are_a_set_with_a_bound),
		cmocka_unit_test(refused_rewrites_are_not_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
