// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The finding of types, and what the check of messages accepts and refuses, by table.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema_copy.h"

#include "schema_test.pb-c.h"
#include "schema_test.schema.h"

static int load(void **state)
{
	return schema_load(weir_schema, sizeof(weir_schema), state);
}

static void test_types(void **state)
{
	static const struct {
		enum schema_role role;
		const char *name, *message_name;
		bool on_port, on_switch, has_key;
	} rows[] = {
		{ SCHEMA_POLICY, "everything", "weir.test.Everything", true, true, false },
		{ SCHEMA_POLICY, "entry", "weir.test.Entry", true, false, true },
		{ SCHEMA_STATUS, "seen", "weir.test.Seen", false, false, false },
		{ SCHEMA_CALL, "start", "weir.test.Start", false, false, false },
		{ SCHEMA_REPLY, "start", "weir.test.Started", false, false, false },
		{ SCHEMA_STATUS, "empty", "weir.test.Empty", false, false, false },
	};
	const size_t n_rows = sizeof(rows) / sizeof(rows[0]);
	size_t size;

	assert_int_equal(schema_n_types(*state), n_rows);
	for (size_t i = 0; i < n_rows; i++) {
		const struct schema_type *type = schema_type_at(*state, i);

		assert_int_equal(type->role, rows[i].role);
		assert_string_equal(type->name, rows[i].name);
		assert_string_equal(type->message_name, rows[i].message_name);
		assert_int_equal(type->on_port, rows[i].on_port);
		assert_int_equal(type->on_switch, rows[i].on_switch);
		assert_int_equal(type->has_key, rows[i].has_key);
		assert_ptr_equal(schema_type_of(type->message), type);
		assert_ptr_equal(schema_find(*state, type->role, type->name, NULL), type->message);
	}
	assert_memory_equal(schema_bytes(*state, &size), weir_schema, sizeof(weir_schema));
	assert_int_equal(size, sizeof(weir_schema));
}

static void test_find(void **state)
{
	static const struct {
		enum schema_role role;
		const char *type;
		int code; // 0: found
		const char *message;
	} rows[] = {
		{ SCHEMA_CALL, NULL, 0, "" },
		{ SCHEMA_CALL, "", 0, "" },
		{ SCHEMA_POLICY, "entry", 0, "" },
		{ SCHEMA_POLICY, NULL, -EINVAL, "type: a policy must be one of everything, entry" },
		{ SCHEMA_POLICY, "seen", -ENOENT,
			"type \"seen\": a policy must be one of everything, entry" },
		{ SCHEMA_CALL, "stop", -ENOENT, "type \"stop\": a call must be one of start" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct weir_error error = { .code = 0 };
		const struct schema_message *message = schema_find(
			*state, rows[i].role, rows[i].type, &error);

		assert_int_equal(error.code, rows[i].code);
		assert_string_equal(error.message, rows[i].message);
		assert_int_equal(message != NULL, rows[i].code == 0);
	}
}

#define BYTES(text) text, sizeof(text) - 1
#define RATE        "\x08\xe8\x07" // rate_bps: 1000
#define INNER       "\x08\x01"     // an Inner with the id 1

struct check_row {
	const char *bytes;
	size_t size;
	const char *field;   // NULL: accepted
	const char *message; // as a whole
};

static const struct check_row numbers[] = {
	{ BYTES(RATE), NULL, NULL },
	{ BYTES("\x08\xe7\x07"), "rate_bps",
		"rate_bps: 999: must be 1000 to 100000000000 bits per second" },
	{ BYTES("\x08\x81\xd0\xdb\xc3\xf4\x02"), "rate_bps",
		"rate_bps: 100000000001: must be 1000 to 100000000000 bits per second" },
	{ BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "rate_bps",
		"rate_bps: 18446744073709551615: must be 1000 to 100000000000 bits per second" },
	{ BYTES(RATE "\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), NULL, NULL },
	{ BYTES(RATE "\x20\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), NULL, NULL },
	{ BYTES(RATE "\x30\xfb\xff\xff\xff\xff\xff\xff\xff\xff\x01"), NULL, NULL },
	{ BYTES(RATE "\x30\xfa\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "small",
		"small: -6: must be -5 to 5" },
	{ BYTES(RATE "\x30\x06"), "small", "small: 6: must be -5 to 5" },
	{ BYTES(RATE "\x30\xfb\xff\xff\xff\x0f"), "small", "small: 4294967291: must be -5 to 5" },
	{ BYTES(RATE "\x60\xff\xff\xff\xff\x0f"), NULL, NULL },
	{ BYTES(RATE "\x60\x80\x80\x80\x80\x10"), "number",
		"number: 4294967296: must be 0 to 4294967295" },
	{ BYTES(RATE "\x48\x01"), NULL, NULL },
	{ BYTES(RATE "\x48\x02"), "flag", "flag: 2 is not a bool, which is 0 or 1" },
	{ BYTES(RATE "\x68\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), NULL, NULL },
	{ BYTES(RATE "\x68\x07"), "color",
		"color: 7 is not one of BLACK (-1), RED (0), GREEN (1)" },
	{ BYTES(RATE "\x68\xff\xff\xff\xff\x0f"), "color",
		"color: 4294967295 is not one of BLACK (-1), RED (0), GREEN (1)" },
	{ BYTES(RATE "\x75\xf6\xff\xff\xff"), NULL, NULL },
	{ BYTES(RATE "\x75\xf5\xff\xff\xff"), "signed_small",
		"signed_small: -11: must be -10 to 2147483647" },
	{ BYTES(RATE "\x79\xff\xff\xff\xff\xff\xff\xff\xff"), NULL, NULL },
	{ BYTES(RATE "\x80\x01\xff\xff\xff\xff\x0f"), NULL, NULL },
	{ BYTES(RATE "\x80\x01\x80\x80\x80\x80\x10"), "zigzag_small",
		"zigzag_small: 2147483648: must be -2147483648 to 2147483647" },
	{ BYTES(RATE "\x80\x01\x81\x80\x80\x80\x10"), "zigzag_small",
		"zigzag_small: -2147483649: must be -2147483648 to 2147483647" },
	{ BYTES(RATE "\x88\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), NULL, NULL },
	{ BYTES(RATE "\x11\0\0\0\0\0\0\xf0\x3f"), NULL, NULL },
	{ BYTES(RATE "\x11\0\0\0\0\0\0\xf0\x7f"), "real", "real: must be a finite number" },
	{ BYTES(RATE "\x1d\0\0\xc0\x7f"), "narrow", "narrow: must be a finite number" },
	{ BYTES(RATE "\xe0\x01\xff\xff\x03"), NULL, NULL },
	{ BYTES(RATE "\xe0\x01\x80\x80\x04"), "ethertype", "ethertype: 65536: must be 0 to 65535" },
	{ BYTES(RATE "\xe8\x01\x80\x02"), "protocol", "protocol: 256: must be 0 to 255" },
};

static const struct check_row texts[] = {
	{ BYTES(RATE "\x52\x02gr"), NULL, NULL },
	{ BYTES(RATE "\x52\x08\xf0\x9f\x98\x80\xed\x9f\xbf!"), NULL, NULL },
	{ BYTES(RATE "\x52\x01g"), "name", "name: has 1 bytes, must have 2 to 8" },
	{ BYTES(RATE "\x52\x09"
		     "123456789"),
		"name", "name: has 9 bytes, must have 2 to 8" },
#define NOT_TEXT "name", "name: must be UTF-8 text without a NUL character"
	{ BYTES(RATE "\x52\x03g\0g"), NOT_TEXT },
	{ BYTES(RATE "\x52\x02\xc3("), NOT_TEXT },
	{ BYTES(RATE "\x52\x02g\xc3"), NOT_TEXT },
	{ BYTES(RATE "\x52\x02\x80g"), NOT_TEXT },
	{ BYTES(RATE "\x52\x02\xc1\xbf"), NOT_TEXT },
	{ BYTES(RATE "\x52\x03\xe0\x9f\xbf"), NOT_TEXT },
	{ BYTES(RATE "\x52\x03\xed\xa0\x80"), NOT_TEXT },
	{ BYTES(RATE "\x52\x04\xf0\x8f\xbf\xbf"), NOT_TEXT },
	{ BYTES(RATE "\x52\x04\xf4\x90\x80\x80"), NOT_TEXT },
	{ BYTES(RATE "\x52\x04\xf5\x80\x80\x80"), NOT_TEXT },
	{ BYTES(RATE "\x5a\x04\0\xff\0\xff"), NULL, NULL },
	{ BYTES(RATE "\x5a\x05\0\xff\0\xff\0"), "blob", "blob: has 5 bytes, must have 0 to 4" },
	{ BYTES(RATE "\xc2\x01\x0f"
		     "123456789012345"),
		"ipv6", "ipv6: has 15 bytes, must have 16" },
	{ BYTES(RATE "\xc2\x01\x10"
		     "1234567890123456"),
		NULL, NULL },
	{ BYTES(RATE "\xca\x01\x04"
		     "1234"),
		NULL, NULL },
	{ BYTES(RATE "\xca\x01\x06"
		     "123456"),
		"address", "address: has 6 bytes, must have 4 or 16" },
	{ BYTES(RATE "\xda\x01\x06"
		     "123456"),
		NULL, NULL },
	{ BYTES(RATE "\xda\x01\x00"), "mac", "mac: has 0 bytes, must have 6" },
#define REMOTE RATE "\xd2\x01"
	{ BYTES(REMOTE "\x0b"
		       "10.0.0.0/32"),
		NULL, NULL },
	{ BYTES(REMOTE "\x09"
		       "192.0.2.1"),
		NULL, NULL },
	{ BYTES(REMOTE "\x0d"
		       "2001:db8::/32"),
		NULL, NULL },
	{ BYTES(REMOTE "\x0b"
		       "10.0.0.0/33"),
		"remote", "remote: \"10.0.0.0/33\": prefix length must be 0 to 32" },
	{ BYTES(REMOTE "\x0b"
		       "10.0.0.0/08"),
		"remote", "remote: \"10.0.0.0/08\": prefix length must be 0 to 32" },
	{ BYTES(REMOTE "\x06"
		       "::/129"),
		"remote", "remote: \"::/129\": prefix length must be 0 to 128" },
	{ BYTES(REMOTE "\x03"
		       "::/"),
		"remote", "remote: \"::/\": prefix length must be 0 to 128" },
	{ BYTES(REMOTE "\x04"
		       "1\x1b\xc3\xa9"),
		"remote",
		"remote: \"1???\": must be an IPv4 or IPv6 address, or one with /LENGTH" },
};

static const struct check_row structures[] = {
	{ BYTES(""), "rate_bps", "rate_bps: is required and missing" },
	{ BYTES(RATE RATE), "rate_bps", "rate_bps: is given twice, may be given once" },
	{ BYTES(RATE "\x92\x01\x02" INNER "\x92\x01\x02" INNER), "inner",
		"inner: is given twice, may be given once" },
	{ BYTES("\x09\0\0\0\0\0\0\0\0"), "rate_bps",
		"rate_bps: has wire type 1, must be a uint64 (wire type 0)" },
	{ BYTES("\x0a\x01\x01"), "rate_bps",
		"rate_bps: has wire type 2, must be a uint64 (wire type 0)" },
	{ BYTES(RATE "\x50\x01"), "name", "name: has wire type 0, must be a string (wire type 2)" },
	{ BYTES(RATE "\x0b\x0c"), "", "message: has a group, which is not allowed" },
	{ BYTES(RATE "\x0e"), "", "message: has a field of a reserved wire type" },
	{ BYTES(RATE "\x00\x01"), "", "message: has a field number that is not 1 to 536870911" },
	{ BYTES(RATE "\x08"), "", "message: ends within a number" },
	{ BYTES(RATE "\x11\x01\x02"), "", "message: ends within a number" },
	{ BYTES(RATE "\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), "",
		"message: has a number of more than 64 bits" },
	{ BYTES(RATE "\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00"), "",
		"message: has a number of more than 64 bits" },
	{ BYTES(RATE "\x88\x80\x80\x80\x80\x00\x01"), "",
		"message: has a number that does not end" },
	{ BYTES(RATE "\x52\x03gr"), "", "message: has a length beyond its end" },
	{ BYTES(RATE "\x52\xff\xff\xff\xff\x0f"), "", "message: has a length beyond its end" },
	{ BYTES(RATE "\x92\x01\x02\x08\x80"), "inner", "inner: ends within a number" },
	{ BYTES(RATE "\x92\x01\x00"), "inner.id", "inner.id: is required and missing" },
	{ BYTES(RATE "\x92\x01\x04" INNER "\x20\x01"), "inner",
		"inner: field number 4 is unknown, allowed are id (1), inner (2), deltas (3)" },
	{ BYTES(RATE "\x9a\x01\x02" INNER "\x9a\x01\x02\x08\x02\x9a\x01\x00"), "inners[2].id",
		"inners[2].id: is required and missing" },
	{ BYTES(RATE "\x9a\x01\x02" INNER "\x9a\x01\x02" INNER "\x9a\x01\x02" INNER
		     "\x9a\x01\x02" INNER),
		"inners[3]", "inners[3]: at most 3 items are allowed" },
	{ BYTES(RATE "\xa0\x01\x01\xa0\x01\x02\xa2\x01\x03\x03\x04\x05"), NULL, NULL },
	{ BYTES(RATE "\xa0\x01\x01\xa0\x01\x02\xa2\x01\x04\x03\x04\x05\x06"), "vlans[5]",
		"vlans[5]: at most 5 items are allowed" },
	{ BYTES(RATE "\xa0\x01\x01\xa0\x01\x00"), "vlans[1]", "vlans[1]: 0: must be 1 to 4094" },
	{ BYTES(RATE "\xa2\x01\x03\x01\xff\x1f"), "vlans[1]", "vlans[1]: 4095: must be 1 to 4094" },
	{ BYTES(RATE "\xa2\x01\x02\x01\x80"), "vlans[0]", "vlans[0]: ends within a number" },
	{ BYTES(RATE "\xa2\x01\x00"), NULL, NULL },
	{ BYTES(RATE "\xaa\x01\x08\x01\0\0\0\x02\0\0\0\xad\x01\x03\0\0\0"), NULL, NULL },
	{ BYTES(RATE "\xaa\x01\x05\x01\0\0\0\x02"), "packed_fixed[0]",
		"packed_fixed[0]: ends within a number" },
	{ BYTES(RATE "\xb2\x01\x02\x01\x02"), "colors[1]",
		"colors[1]: 2 is not one of BLACK (-1), RED (0), GREEN (1)" },
	{ BYTES(RATE "\xba\x01\x01"
		     "a\xba\x01\x01"
		     "b\xba\x01\x01"
		     "c"),
		"names[2]", "names[2]: at most 2 items are allowed" },
	{ BYTES(RATE "\x82\x02\x02\x01\x02"), "flags[1]",
		"flags[1]: 2 is not a bool, which is 0 or 1" },
	{ BYTES(RATE "\xf0\x01\x05"), NULL, NULL },
	{ BYTES(RATE "\xf0\x01\x05\xfa\x01\x01r"), "right",
		"right: only one of choice may be given" },
	{ BYTES(RATE "\x92\x01\x07" INNER "\x1a\x03\x01\x02\x03"), NULL, NULL },
	{ BYTES(RATE "\x92\x01\x09" INNER "\x1a\x05\x01\x02\x03\x04\x05"), "inner.deltas[4]",
		"inner.deltas[4]: at most 4 items are allowed" },
};

static void run_rows(struct weir_schema *schema, const struct check_row *rows, size_t n_rows)
{
	const struct schema_message *message = schema_find(
		schema, SCHEMA_POLICY, "everything", NULL);

	for (size_t i = 0; i < n_rows; i++) {
		const struct check_row *row = &rows[i];
		struct weir_error error = { .code = 0 };
		int ret = schema_check_copy(message, row->bytes, row->size, &error);

		if (ret != (row->field ? -EINVAL : 0))
			fail_msg("row %zu returned %d (\"%s\"), wanted \"%s\"", i, ret,
				error.message, row->message ? row->message : "acceptance");
		assert_int_equal(error.code, ret);
		assert_string_equal(error.message, row->message ? row->message : "");
		assert_string_equal(error.field, row->field ? row->field : "");
		assert_int_equal(schema_check_copy(message, row->bytes, row->size, NULL), ret);
	}
}

static void test_numbers(void **state)
{
	run_rows(*state, numbers, sizeof(numbers) / sizeof(numbers[0]));
}

static void test_texts(void **state)
{
	run_rows(*state, texts, sizeof(texts) / sizeof(texts[0]));
}

static void test_structures(void **state)
{
	run_rows(*state, structures, sizeof(structures) / sizeof(structures[0]));
}

static void test_unknown_field(void **state)
{
	const struct schema_message *message = schema_find(*state, SCHEMA_STATUS, "empty", NULL);
	struct weir_error error;

	assert_int_equal(schema_check(message, "", 0, &error), 0);
	assert_int_equal(schema_check(message, NULL, 0, &error), 0);
	assert_int_equal(schema_check_copy(message, "\x08\x01", 2, &error), -EINVAL);
	assert_string_equal(error.message, "message: field number 1 is unknown, allowed are none");
}

// Everything is the first level; each Inner is one more.
static int check_depth(struct weir_schema *schema, int depth, struct weir_error *error)
{
	Weir__Test__Everything everything = WEIR__TEST__EVERYTHING__INIT;
	Weir__Test__Inner inners[64];
	uint8_t packed[1024];
	size_t size;

	everything.rate_bps = 1000;
	everything.inner = &inners[0];
	for (int i = 0; i < depth - 1; i++) {
		weir__test__inner__init(&inners[i]);
		inners[i].inner = i < depth - 2 ? &inners[i + 1] : NULL;
	}
	size = weir__test__everything__pack(&everything, packed);
	return schema_check_copy(
		schema_find(schema, SCHEMA_POLICY, "everything", NULL), packed, size, error);
}

static void test_depth(void **state)
{
	struct weir_error error = { .code = 0 };

	assert_int_equal(check_depth(*state, SCHEMA_MAX_DEPTH, &error), 0);
	assert_int_equal(check_depth(*state, SCHEMA_MAX_DEPTH + 1, &error), -EINVAL);
	assert_non_null(strstr(error.message, ": messages are nested more than 16 deep"));
	assert_int_equal(check_depth(*state, 64, &error), -EINVAL);
}

static void test_size(void **state)
{
	const struct schema_message *message = schema_find(
		*state, SCHEMA_POLICY, "everything", NULL);
	size_t size = SCHEMA_MAX_MESSAGE_SIZE + 1;
	uint8_t *bytes = calloc(1, size);
	struct weir_error error;

	assert_non_null(bytes);
	assert_int_equal(schema_check(message, bytes, size, &error), -EINVAL);
	assert_string_equal(error.message, "message: has 262145 bytes, at most 262144 are allowed");
	free(bytes);
}

static void test_same_key(void **state)
{
	static const struct {
		const char *a;
		size_t a_size;
		const char *b;
		size_t b_size;
		bool same;
	} rows[] = {
		{ BYTES("\x08\x05\x12\x01x\x18\x01"), BYTES("\x18\x02\x12\x01x\x08\x05"), true },
		{ BYTES("\x08\x05\x12\x01x"), BYTES("\x08\x06\x12\x01x"), false },
		{ BYTES("\x08\x05\x12\x01x"), BYTES("\x08\x05\x12\x01y"), false },
		{ BYTES("\x08\x05\x12\x01x"), BYTES("\x08\x05\x12\x02xx"), false },
		{ BYTES("\x08\x05"), BYTES("\x08\x05\x12\x00"), false },
		{ BYTES("\x08\x05"), BYTES("\x08\x05"), true },
		{ BYTES(""), BYTES(""), true },
	};
	const struct schema_message *entry = schema_find(*state, SCHEMA_POLICY, "entry", NULL);
	const struct schema_message *call = schema_find(*state, SCHEMA_CALL, NULL, NULL);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(schema_check_copy(entry, rows[i].a, rows[i].a_size, NULL), 0);
		assert_int_equal(schema_check_copy(entry, rows[i].b, rows[i].b_size, NULL), 0);
		assert_int_equal(schema_same_key(entry, rows[i].a, rows[i].a_size, rows[i].b,
					 rows[i].b_size),
			rows[i].same);
	}
	assert_false(schema_same_key(call, "", 0, "", 0));
}

static void test_ports_and_files(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *field, *port; // NULL: none
		size_t n_files;
	} rows[] = {
		{ BYTES(""), NULL, NULL, 0 },
		{ BYTES("\x0a\x02p9"), NULL, NULL, 0 },
		{ BYTES("\x1a\x02p1"), "port", "p1", 0 },
		{ BYTES("\x22\x02p2\x22\x02p3"), "others", "p2", 0 },
		// By the number of the field, wherever it stands.
		{ BYTES("\x22\x02p2\x1a\x02p1"), "port", "p1", 0 },
		{ BYTES("\x1a\x00\x22\x02p2"), "port", "", 0 },
		{ BYTES("\x12\x02/r"), NULL, NULL, 1 },
		{ BYTES("\x2a\x00"), NULL, NULL, 1 },
		{ BYTES("\x2a\x02/w\x1a\x02p1\x12\x02/r"), "port", "p1", 2 },
	};
	const struct schema_message *call = schema_find(*state, SCHEMA_CALL, "start", NULL);
	const struct schema_message *entry = schema_find(*state, SCHEMA_POLICY, "entry", NULL);
	struct schema_port_name found;

	assert_true(schema_type_of(call)->has_files);
	assert_false(schema_type_of(entry)->has_files);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool has = schema_port_name(call, rows[i].bytes, rows[i].size, &found);

		assert_int_equal(schema_check_copy(call, rows[i].bytes, rows[i].size, NULL), 0);
		if (has != (rows[i].port != NULL) ||
			(has && (strcmp(found.field, rows[i].field) != 0 ||
					found.size != strlen(rows[i].port) ||
					memcmp(found.text, rows[i].port, found.size) != 0)))
			fail_msg("row %zu: port %.*s", i, has ? (int)found.size : 0,
				has ? found.text : "");
		assert_int_equal(
			schema_n_files(call, rows[i].bytes, rows[i].size), rows[i].n_files);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_structures),
		cmocka_unit_test(test_unknown_field),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_same_key),
		cmocka_unit_test(test_ports_and_files),
	};

	return cmocka_run_group_tests(tests, load, schema_unload);
}
