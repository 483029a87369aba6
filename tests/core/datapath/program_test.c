// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Programs: one copy of each, references, the burial at the end of the batch, and their text.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/program.h"

static struct program_table *table;

static int setup(void **state)
{
	(void)state;
	table = program_table_create();
	return table ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	program_table_destroy(table);
	return 0;
}

static struct program *output_to(uint16_t port)
{
	return program_get(table, (struct op[]){ { .code = OP_OUTPUT, .port = port } }, 1);
}

static void equal_programs_are_one(void **state)
{
	const struct op long_one[] = { { .code = OP_METER, .arg = 3 },
		{ .code = OP_OUTPUT, .port = 5 } };
	const struct op other[] = { { .code = OP_METER, .arg = 4 },
		{ .code = OP_OUTPUT, .port = 5 } };
	struct program *a = output_to(5), *b = output_to(5), *c = program_get(table, long_one, 2);

	(void)state;
	assert_ptr_equal(a, b);
	assert_int_equal(a->refs, 2);
	assert_ptr_not_equal(a, c);
	assert_ptr_not_equal(program_get(table, other, 2), c);
	assert_ptr_equal(program_get(table, long_one, 2), c);
	assert_ptr_not_equal(program_get(table, long_one, 1), a); // a prefix is another program
	assert_int_equal(program_count(table), 4);
}

static void what_a_program_is_shows_in_it(void **state)
{
	const struct op drop[] = { { .code = OP_METER, .arg = 1 },
		{ .code = OP_DROP, .port = 2, .arg = 7 } };
	const struct op metered[] = { { .code = OP_METER, .arg = 1 },
		{ .code = OP_OUTPUT, .port = 2 } };
	struct program *p = output_to(PROGRAM_NOT_PLAIN - 1);

	(void)state;
	assert_int_equal(p->output, PROGRAM_NOT_PLAIN - 1);
	assert_false(p->drops);
	p = program_get(table, drop, 2);
	assert_int_equal(p->output, PROGRAM_NOT_PLAIN);
	assert_true(p->drops);
	p = program_get(table, &drop[1], 1);
	assert_int_equal(p->output, PROGRAM_NOT_PLAIN);
	p = program_get(table, metered, 2);
	assert_int_equal(p->output, PROGRAM_NOT_PLAIN);
	assert_false(p->drops);
	assert_int_equal(p->n_ops, 2);
	assert_memory_equal(p->ops, metered, sizeof(metered));
}

// Who still runs a program whose last flow went may finish with it: it is freed at the burial only.
static void the_last_reference_buries(void **state)
{
	struct program *a = output_to(1), *b = output_to(2);

	(void)state;
	output_to(1);
	program_put(table, a);
	assert_int_equal(program_count(table), 2);
	program_put(table, a);
	assert_int_equal(program_count(table), 1);
	assert_true(a->buried);
	assert_int_equal(a->ops[0].port, 1); // still there
	program_put(table, b);
	// Asked for again before the burial, it comes back to life.
	assert_ptr_equal(output_to(1), a);
	assert_false(a->buried);
	assert_int_equal(a->refs, 1);
	program_bury(table);
	assert_int_equal(program_count(table), 1);
	assert_int_equal(a->ops[0].port, 1);
	assert_ptr_equal(output_to(1), a);
	assert_false(output_to(2)->buried);
	program_bury(table);
	assert_int_equal(program_count(table), 2);
}

// More programs than chains, given back in another order than they were taken.
static void many_programs(void **state)
{
	enum { N = 5000 };
	static struct program *programs[N];

	(void)state;
	for (unsigned i = 0; i < N; i++)
		programs[i] = output_to((uint16_t)i);
	assert_int_equal(program_count(table), N);
	for (unsigned i = 0; i < N; i++)
		assert_ptr_equal(output_to((uint16_t)i), programs[i]);
	for (unsigned i = 0; i < N; i++) {
		struct program *p = programs[i * 7 % N];

		program_put(table, p);
		program_put(table, p);
		if (i % 100 == 0)
			program_bury(table);
		assert_int_equal(program_count(table), N - 1 - i);
	}
}

// Operations are compared by their bytes: an initialiser leaves none unset, whatever was in the
// memory before.
static void no_byte_of_an_operation_is_left_unset(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		struct op one, two;

		(void)state;
		memset(&one, 0x5a, sizeof(one));
		memset(&two, 0xa5, sizeof(two));
		one = (struct op){ .code = (uint8_t)(OP_OUTPUT + i), .port = (uint16_t)i };
		two = (struct op){ .code = (uint8_t)(OP_OUTPUT + i), .port = (uint16_t)i };
		assert_memory_equal(&one, &two, sizeof(one));
	}
	// The named members of the two unions fill them.
	assert_int_equal(offsetof(struct op, reserved) + 1, offsetof(struct op, forwarded));
	assert_int_equal(offsetof(struct op, address) + 16, sizeof(struct op));
	assert_int_equal(offsetof(struct op, zero) + 4, sizeof(struct op));
}

// ---- Text

static const char *port_name(void *context, uint16_t port)
{
	return port == 9 ? context : NULL;
}

static const char *reason_name(void *context, uint16_t reason)
{
	return reason == 9 ? context : NULL;
}

// Of meters and policers alike.
static const char *object_name(void *context, uint32_t number)
{
	return number == 9 ? context : NULL;
}

#define MAC                                                                                        \
	{                                                                                          \
		2, 0, 0, 0, 0x0a, 0xff                                                             \
	}
#define IPV4(last) htonl(0xc0000200u | (last))

static const struct {
	struct op op;
	const char *text;
} texts[] = {
	{ { .code = OP_OUTPUT, .port = 9 }, "output name" },
	{ { .code = OP_OUTPUT, .port = 8 }, "output #8" },
	{ { .code = OP_DELIVER, .port = 9, .arg = 2 }, "deliver name" },
	{ { .code = OP_FLOOD }, "flood" },
	{ { .code = OP_FLOOD, .arg = 10 }, "flood vlan 10" },
	{ { .code = OP_DROP, .port = 9, .arg = 9 }, "drop name" },
	{ { .code = OP_DROP, .port = 9, .arg = 65 }, "drop #65" },
	{ { .code = OP_END }, "end" },
	{ { .code = OP_METER, .arg = 9 }, "meter name" },
	{ { .code = OP_METER, .arg = 3 }, "meter #3" },
	{ { .code = OP_LOST, .arg = 9 }, "meter name if lost" },
	{ { .code = OP_LOST, .arg = 3 }, "meter #3 if lost" },
	{ { .code = OP_POLICE, .arg = 9 }, "police name" },
	{ { .code = OP_POLICE, .arg = 3 }, "police #3" },
	{ { .code = OP_VISIT, .arg = 4 }, "visit #4" },
	{ { .code = OP_VISIT, .arg = 4, .flags = 2 }, "visit #4 if tcp-flags 0x02" },
	{ { .code = OP_COPY, .port = 9, .arg = 1 }, "copy name" },
	{ { .code = OP_TRACK, .port = 9 }, "track" },
	{ { .code = OP_RELATED, .port = 9, .flags = 9 }, "related or drop name" },
	{ { .code = OP_RELATED, .port = 9, .flags = 1, .arg = 1u << 16 }, "related or drop #65" },
	{ { .code = OP_REMEMBER, .arg = 1u << 16 }, "remember pass" },
	{ { .code = OP_REMEMBER, .policer = 10 }, "remember police name" },
	{ { .code = OP_REMEMBER, .policer = 4 }, "remember police #3" },
	{ { .code = OP_REMEMBER, .flags = FRAGMENT_DROPS, .reason = 9 }, "remember drop name" },
	{ { .code = OP_FOLLOW }, "follow-first or pass" },
	{ { .code = OP_FOLLOW, .policer = 1 }, "follow-first or police #0" },
	{ { .code = OP_FOLLOW, .flags = FRAGMENT_DROPS, .reason = 65 },
		"follow-first or drop #65" },
	{ { .code = OP_PUSH_VLAN, .arg = 0xa00a }, "push-vlan 10" },
	{ { .code = OP_POP_VLAN }, "pop-vlan" },
	{ { .code = OP_SET_TCI, .arg = 10 | 0x0fffu << 16 }, "set-vlan 10" },
	{ { .code = OP_SET_TCI, .arg = 0xa000 | 0xe000u << 16 }, "set-pcp 5" },
	{ { .code = OP_SET_TCI, .arg = 0xa00a | 0xefffu << 16 }, "set-vlan 10 set-pcp 5" },
	{ { .code = OP_SET_ETH_DST, .bytes = MAC }, "set-eth-dst 02:00:00:00:0a:ff" },
	{ { .code = OP_SET_ETH_SRC, .bytes = MAC }, "set-eth-src 02:00:00:00:0a:ff" },
	{ { .code = OP_SET_TOS, .arg = 0xb9 }, "set-dscp 46 ecn 1" },
	{ { .code = OP_SET_IPV4_SRC }, "set-ip-src 192.0.2.1" },
	{ { .code = OP_SET_IPV4_DST }, "set-ip-dst 192.0.2.1" },
	{ { .code = OP_SET_IPV6_SRC, .address = { 0x20, 1, [15] = 1 } }, "set-ip-src 2001::1" },
	{ { .code = OP_SET_IPV6_DST, .address = { 0x20, 1, [15] = 1 } }, "set-ip-dst 2001::1" },
	{ { .code = OP_SET_L4_SRC }, "set-l4-src 8080" },
	{ { .code = OP_SET_L4_DST }, "set-l4-dst 8080" },
};

static struct op text_op(size_t i)
{
	struct op op = texts[i].op;

	if (op.code == OP_SET_IPV4_SRC || op.code == OP_SET_IPV4_DST)
		op.arg = IPV4(1);
	if (op.code == OP_SET_L4_SRC || op.code == OP_SET_L4_DST)
		op.arg = htons(8080);
	return op;
}

static void every_operation_has_a_text(void **state)
{
	bool seen[N_OP_CODES] = { false };
	char name[] = "name", text[128];
	const struct program_names names = { port_name, reason_name, object_name, object_name,
		name };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct op op = text_op(i);

		program_format(&op, 1, &names, text, sizeof(text));
		if (strcmp(text, texts[i].text) != 0)
			fail_msg("\"%s\", not \"%s\"", text, texts[i].text);
		seen[op.code] = true;
	}
	for (unsigned code = 0; code < N_OP_CODES; code++)
		if (!seen[code])
			fail_msg("operation %u has no row", code);
}

static void texts_are_joined_and_cut(void **state)
{
	const struct op ops[] = { { .code = OP_PUSH_VLAN, .arg = 10 },
		{ .code = OP_METER, .arg = 3 }, { .code = OP_OUTPUT, .port = 9 } };
	const char whole[] = "push-vlan 10, meter #3, output #9";
	char any[64] = "before";

	(void)state;
	program_format(ops, 3, NULL, any, sizeof(any));
	assert_string_equal(any, whole);
	program_format(ops, 0, NULL, any, sizeof(any));
	assert_string_equal(any, "");
	for (size_t size = 1; size <= sizeof(whole); size++) {
		char *text = malloc(size);

		assert_non_null(text);
		program_format(ops, 3, NULL, text, size);
		assert_int_equal(strlen(text), size - 1);
		assert_memory_equal(text, whole, size - 1);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(equal_programs_are_one, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_program_is_shows_in_it, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_reference_buries, setup, teardown),
		cmocka_unit_test_setup_teardown(many_programs, setup, teardown),
		cmocka_unit_test(no_byte_of_an_operation_is_left_unset),
		cmocka_unit_test(every_operation_has_a_text),
		cmocka_unit_test(texts_are_joined_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
