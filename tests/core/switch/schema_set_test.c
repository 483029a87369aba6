// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The reading of descriptor sets: what is refused, by table, and that no damage to a valid set
// makes the reader misbehave.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema_copy.h"

struct raw {
	const char *bytes;
	size_t size;
};

#define RAW(text)                                                                                  \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}

struct buffer {
	uint8_t bytes[4096];
	size_t size;
};

static void put(struct buffer *out, const void *bytes, size_t size)
{
	assert_true(size <= sizeof(out->bytes) - out->size);
	if (size)
		memcpy(out->bytes + out->size, bytes, size);
	out->size += size;
}

static void put_varint(struct buffer *out, size_t value)
{
	do {
		uint8_t byte = (uint8_t)(value & 0x7f) | (value > 0x7f ? 0x80 : 0);

		put(out, &byte, 1);
		value >>= 7;
	} while (value);
}

static void put_bytes(struct buffer *out, size_t number, const void *bytes, size_t size)
{
	put_varint(out, number << 3 | 2);
	put_varint(out, size);
	put(out, bytes, size);
}

// Parts of a FieldDescriptorProto: the name x, the number 1, a label, a type.
#define X        "\x0a\x01x\x18\x01"
#define OPTIONAL "\x20\x01"
#define REQUIRED "\x20\x02"
#define REPEATED "\x20\x03"
#define DOUBLE   "\x28\x01"
#define UINT64   "\x28\x04"
#define INT32    "\x28\x05"
#define BOOL     "\x28\x08"
#define STRING   "\x28\x09"
#define GROUP    "\x28\x0a"
#define MESSAGE  "\x28\x0b"
#define OCTETS   "\x28\x0c"
#define UINT32   "\x28\x0d"
#define ENUM     "\x28\x0e"
#define NAME_M   "\x32\x04.t.M"
#define SIMPLE   X OPTIONAL UINT32

// Tags of options.
#define ROLE       "\x80\xb5\x18"
#define TYPE       "\x8a\xb5\x18"
#define TARGET     "\x90\xb5\x18"
#define UNIT       "\xa0\xbb\x18"
#define FORMAT     "\xa8\xbb\x18"
#define MIN        "\xb0\xbb\x18"
#define MAX        "\xb8\xbb\x18"
#define MAX_LENGTH "\xc0\xbb\x18"
#define MIN_LENGTH "\xc8\xbb\x18"
#define MAX_ITEMS  "\xd0\xbb\x18"
#define KEY        "\xd8\xbb\x18"
#define POLICY     ROLE "\x01" TYPE "\x01p" TARGET "\x01"
#define CALL       ROLE "\x03" TYPE "\x01p"
#define MINUS_ONE  "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"

// A set of one file, package t, with the message M; what is empty is left out, except that M has
// the field SIMPLE when it is given none.
struct set_row {
	const char *wanted; // the error, NULL: accepted
	struct raw field;
	struct raw field_options;
	struct raw message_options;
	struct raw message_extra; // further parts of M
	struct raw file_extra;    // further parts of the file
};

static const struct set_row descriptors[] = {
	{ NULL, .field = RAW(SIMPLE) },
	{ NULL, .field = RAW(X REPEATED MESSAGE NAME_M) },
	{ "schema: t.M: field x is a group, which is not allowed",
		.field = RAW(X OPTIONAL GROUP NAME_M) },
	{ "schema: t.M: field x has type 19, must be 1 to 18",
		.field = RAW(X OPTIONAL "\x28\x13") },
	{ "schema: t.M: field x has type -1, must be 1 to 18",
		.field = RAW(X OPTIONAL "\x28" MINUS_ONE) },
	{ "schema: t.M: field x has type 0, must be 1 to 18", .field = RAW(X OPTIONAL) },
	{ "schema: t.M: field x must be optional, required or repeated", .field = RAW(X UINT32) },
	{ "schema: t.M: field x must be optional, required or repeated",
		.field = RAW(X UINT32 "\x20" MINUS_ONE) },
	{ "schema: t.M: has a field without a name", .field = RAW("\x18\x01" OPTIONAL UINT32) },
	{ "schema: t.M: a name must be an identifier of at most 128 bytes",
		.field = RAW("\x0a\x02x\x1b\x18\x01" OPTIONAL UINT32) },
	{ "schema: t.M: a name must be an identifier of at most 128 bytes",
		.field = RAW("\x0a\x00\x18\x01" OPTIONAL UINT32) },
	{ "schema: t.M: the number of field x must be 1 to 536870911",
		.field = RAW("\x0a\x01x\x18\x00" OPTIONAL UINT32) },
	{ "schema: t.M: the number of field x must be 1 to 536870911",
		.field = RAW("\x0a\x01x\x18\x80\x80\x80\x80\x02" OPTIONAL UINT32) },
	{ "schema: t.M: field 3 of the descriptor must be a number of 32 bits",
		.field = RAW("\x0a\x01x\x18\xff\xff\xff\xff\x0f" OPTIONAL UINT32) },
	{ "schema: t.M: field 3 of the descriptor must be a number of 32 bits",
		.field = RAW("\x0a\x01x\x1a\x00" OPTIONAL UINT32) },
	{ "schema: t.M: field x lacks the name of a type", .field = RAW(X OPTIONAL MESSAGE) },
	{ "schema: t.M: field x must not have the name of a type",
		.field = RAW(X OPTIONAL UINT32 NAME_M) },
	{ "schema: t.M: field x has the type t.N, which is not in the set",
		.field = RAW(X OPTIONAL MESSAGE "\x32\x04.t.N") },
	{ "schema: t.M: field x has the type t.M, which is not in the set",
		.field = RAW(X OPTIONAL ENUM NAME_M) },
	{ "schema: t.M: the name of a field's type must begin with a dot",
		.field = RAW(X OPTIONAL MESSAGE "\x32\x03t.M") },
	{ "schema: t.M: field x is in a oneof that there is not", .field = RAW(SIMPLE "\x48\x00") },
	{ NULL, .field = RAW(SIMPLE "\x48\x00"), .message_extra = RAW("\x42\x03\x0a\x01o") },
	{ "schema: t.M: a field's oneof must not be negative",
		.field = RAW(SIMPLE "\x48" MINUS_ONE) },
	{ "schema: t.M: field x is in a oneof and must be optional",
		.field = RAW(X REQUIRED UINT32 "\x48\x00"),
		.message_extra = RAW("\x42\x03\x0a\x01o") },
	{ "schema: t.M: has a oneof without a name", .message_extra = RAW("\x42\x00") },
	{ "schema: t.M: fields x and y have the same number 1",
		.message_extra = RAW("\x12\x09\x0a\x01y\x18\x01" OPTIONAL UINT32) },
	{ "schema: t.M: has two fields x",
		.message_extra = RAW("\x12\x09\x0a\x01x\x18\x02" OPTIONAL UINT32) },
	{ "schema: t: the descriptor has a length beyond its end",
		.message_extra = RAW("\x12\x7f") },
	{ "schema: t.M: field 2 of the descriptor must be a message",
		.message_extra = RAW("\x10\x01") },
	{ "schema: t.M: options are given twice", .message_options = RAW("\x18\x00"),
		.message_extra = RAW("\x3a\x00") },
	{ "schema: t.M: holds something without a name", .message_extra = RAW("\x1a\x00") },
	{ "schema: there are two messages t.M", .file_extra = RAW("\x22\x03\x0a\x01M") },
	{ "schema: t: holds something without a name", .file_extra = RAW("\x22\x00") },
	{ "schema: t.E: an enumeration must have a value, all together at most 65536",
		.file_extra = RAW("\x2a\x03\x0a\x01"
				  "E") },
	{ "schema: t.E: has a value without a name or number",
		.file_extra = RAW("\x2a\x08\x0a\x01"
				  "E\x12\x03\x0a\x01V") },
	{ "schema: there are two enumerations t.E",
		.file_extra = RAW("\x2a\x0a\x0a\x01"
				  "E\x12\x05\x0a\x01V\x10\x00\x2a\x0a\x0a\x01"
				  "E\x12\x05\x0a\x01V\x10\x00") },
	{ "schema: t: the syntax of a file must be proto2 or proto3",
		.file_extra = RAW("\x62\x08"
				  "editions") },
	{ NULL, .file_extra = RAW("\x62\x06proto3") },
	{ "schema: t: the descriptor has a group, which is not allowed",
		.file_extra = RAW("\x0b\x0c") },
};

static const struct set_row field_options[] = {
	{ NULL, .field_options = RAW(UNIT "\x01" FORMAT "\x06" MIN "\x01" MAX "\x09") },
	// Options of others, and a known one of descriptor.proto.
	{ NULL, .field_options = RAW("\x18\x01\xc0\xf3\x18\x01") },
	{ "schema: t.M.x: (weir.unit) must be a number", .field_options = RAW("\xa2\xbb\x18\x00") },
	{ "schema: t.M.x: option 50108 is not one that a field can have in this version",
		.field_options = RAW("\xe0\xbb\x18\x01") },
	{ "schema: t.M.x: option 50000 is not one that a field can have in this version",
		.field_options = RAW(ROLE "\x01") },
	{ "schema: t.M.x: the list of options ends within a number",
		.field_options = RAW("\xe0\xbb\x18") },
	{ "schema: t.M.x: unit 99 is not known to this switch", .field_options = RAW(UNIT "\x63") },
	{ "schema: t.M.x: unit 18446744073709551615 is not known to this switch",
		.field_options = RAW(UNIT MINUS_ONE) },
	{ "schema: t.M.x: format 99 is not known to this switch",
		.field_options = RAW(FORMAT "\x63") },
	{ NULL, .field = RAW(X OPTIONAL STRING), .field_options = RAW(FORMAT "\x0e"),
		.message_options = RAW(CALL) },
	{ NULL, .field = RAW(X REQUIRED STRING), .field_options = RAW(FORMAT "\x0f"),
		.message_options = RAW(CALL) },
	{ "schema: t.M.x: a uint32 cannot have format FILE_WRITE",
		.field_options = RAW(FORMAT "\x0e"), .message_options = RAW(CALL) },
	{ "schema: t.M.x: a bytes cannot have format FILE_READ", .field = RAW(X OPTIONAL OCTETS),
		.field_options = RAW(FORMAT "\x0f"), .message_options = RAW(CALL) },
	{ "schema: t.M.x: only a field of a call can have format FILE_WRITE",
		.field = RAW(X OPTIONAL STRING), .field_options = RAW(FORMAT "\x0e"),
		.message_options = RAW(POLICY) },
	{ "schema: t.M.x: only a field of a call can have format FILE_READ",
		.field = RAW(X OPTIONAL STRING), .field_options = RAW(FORMAT "\x0f") },
	{ "schema: t.M.x: a repeated field cannot have format FILE_READ",
		.field = RAW(X REPEATED STRING), .field_options = RAW(FORMAT "\x0f"),
		.message_options = RAW(CALL) },
	{ "schema: t.M.y: t.M names files, and can only be a call of its own",
		.field = RAW(X OPTIONAL STRING), .field_options = RAW(FORMAT "\x0e"),
		.message_options = RAW(CALL),
		.message_extra = RAW("\x12\x0f\x0a\x01y\x18\x02" OPTIONAL MESSAGE "\x32\x04.t.M") },
	{ "schema: t.M.x: a bool cannot have a unit", .field = RAW(X OPTIONAL BOOL),
		.field_options = RAW(UNIT "\x01") },
	{ "schema: t.M.x: a string cannot have format MAC", .field = RAW(X OPTIONAL STRING),
		.field_options = RAW(FORMAT "\x05") },
	{ "schema: t.M.x: a string cannot have a least or greatest value",
		.field = RAW(X OPTIONAL STRING), .field_options = RAW(MIN "\x01") },
	{ "schema: t.M.x: a double cannot have a least or greatest value",
		.field = RAW(X OPTIONAL DOUBLE), .field_options = RAW(MAX "\x01") },
	{ "schema: t.M.x: the least value -1 is not one that its type can have",
		.field_options = RAW(MIN MINUS_ONE) },
	{ NULL, .field = RAW(X OPTIONAL INT32), .field_options = RAW(MIN MINUS_ONE) },
	{ "schema: t.M.x: the least value 2147483648 is not one that its type can have",
		.field = RAW(X OPTIONAL INT32), .field_options = RAW(MIN "\x80\x80\x80\x80\x08") },
	{ "schema: t.M.x: the greatest value 4294967296 is not one that its type can have",
		.field_options = RAW(MAX "\x80\x80\x80\x80\x10") },
	{ NULL, .field = RAW(X OPTIONAL UINT64), .field_options = RAW(MAX "\x80\x80\x80\x80\x10") },
	{ "schema: t.M.x: the greatest value 256 is not one that its type can have",
		.field_options = RAW(FORMAT "\x0c" MAX "\x80\x02") },
	{ "schema: t.M.x: the least value 5 is above the greatest value 4",
		.field_options = RAW(MIN "\x05" MAX "\x04") },
	{ "schema: t.M.x: (weir.max_length) needs a string or bytes",
		.field_options = RAW(MAX_LENGTH "\x05") },
	{ "schema: t.M.x: (weir.max_length) is 0, must be 1 to 65536",
		.field = RAW(X OPTIONAL OCTETS), .field_options = RAW(MAX_LENGTH "\x00") },
	{ "schema: t.M.x: (weir.max_length) is 65537, must be 1 to 65536",
		.field = RAW(X OPTIONAL OCTETS), .field_options = RAW(MAX_LENGTH "\x81\x80\x04") },
	{ "schema: t.M.x: the least length 6 is above the greatest length 5",
		.field = RAW(X OPTIONAL STRING),
		.field_options = RAW(MAX_LENGTH "\x05" MIN_LENGTH "\x06") },
	{ "schema: t.M.x: (weir.max_items) needs a repeated field",
		.field_options = RAW(MAX_ITEMS "\x05") },
	{ NULL, .field = RAW(X REPEATED UINT32), .field_options = RAW(MAX_ITEMS "\x05") },
	{ "schema: t.M.x: (weir.key) is 2, must be 0 or 1", .field_options = RAW(KEY "\x02"),
		.message_options = RAW(POLICY) },
	{ "schema: t.M.x: only a field of a policy can be a key",
		.field_options = RAW(KEY "\x01") },
	{ NULL, .field_options = RAW(KEY "\x01"), .message_options = RAW(POLICY) },
	{ "schema: t.M.x: a field that is repeated or a message cannot be a key",
		.field = RAW(X REPEATED UINT32), .field_options = RAW(KEY "\x01"),
		.message_options = RAW(POLICY) },
};

#define BAD_TYPE                                                                                   \
	"schema: t.M: its type must be 1 to 32 lower-case letters, digits and hyphens, beginning " \
	"with a letter"

static const struct set_row message_options[] = {
	{ NULL, .message_options = RAW(POLICY) },
	{ NULL, .message_options = RAW(ROLE "\x01" TYPE "\x03p-2\x92\xb5\x18\x02\x01\x02") },
	{ "schema: t.M: its role is not known to this switch",
		.message_options = RAW(ROLE "\x05" TYPE "\x01p") },
	{ "schema: t.M: its role is not known to this switch",
		.message_options = RAW("\x82\xb5\x18\x00") },
	{ "schema: t.M: has a type or target without a role",
		.message_options = RAW(TYPE "\x01p") },
	{ "schema: t.M: has a role without a type", .message_options = RAW(ROLE "\x02") },
	{ BAD_TYPE, .message_options = RAW(ROLE "\x02" TYPE "\x00") },
	{ BAD_TYPE, .message_options = RAW(ROLE "\x02" TYPE "\x01P") },
	{ BAD_TYPE, .message_options = RAW(ROLE "\x02" TYPE "\x01-") },
	{ BAD_TYPE, .message_options = RAW(ROLE "\x02" TYPE "\x02p\x1b") },
	{ BAD_TYPE,
		.message_options = RAW(ROLE "\x02" TYPE "\x21qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq") },
	{ "schema: t.M: a policy must have a target",
		.message_options = RAW(ROLE "\x01" TYPE "\x01p") },
	{ "schema: t.M: target 3 is not known to this switch",
		.message_options = RAW(POLICY TARGET "\x03") },
	{ "schema: t.M: the list of targets ends within a number",
		.message_options = RAW(POLICY "\x92\xb5\x18\x01\x80") },
	{ "schema: t.M: option 50003 is not one that a message can have in this version",
		.message_options = RAW("\x98\xb5\x18\x01") },
	{ "schema: t.M: there is no call of type \"p\" that it answers",
		.message_options = RAW(ROLE "\x04" TYPE "\x01p") },
	{ "schema: t.N: has the same role and type \"p\" as t.M", .message_options = RAW(POLICY),
		.file_extra = RAW("\x22\x12\x0a\x01N\x3a\x0d" POLICY) },
	{ "schema: t.M.N: a message within another cannot have a role",
		.message_extra = RAW("\x1a\x12\x0a\x01N\x3a\x0d" POLICY) },
};

static void put_raw(struct buffer *out, size_t number, const struct raw *raw)
{
	if (raw->bytes)
		put_bytes(out, number, raw->bytes, raw->size);
}

static void put_set(struct buffer *set, const struct set_row *row)
{
	struct buffer field = { .size = 0 }, message = { .size = 0 }, file = { .size = 0 };

	if (row->field.bytes)
		put(&field, row->field.bytes, row->field.size);
	else
		put(&field, SIMPLE, sizeof(SIMPLE) - 1);
	put_raw(&field, 8, &row->field_options);
	put_bytes(&message, 1, "M", 1);
	put_bytes(&message, 2, field.bytes, field.size);
	put_raw(&message, 7, &row->message_options);
	put(&message, row->message_extra.bytes, row->message_extra.size);
	put_bytes(&file, 1, "t.proto", 7);
	put_bytes(&file, 2, "t", 1);
	put_bytes(&file, 4, message.bytes, message.size);
	put(&file, row->file_extra.bytes, row->file_extra.size);
	put_bytes(set, 1, file.bytes, file.size);
}

static void run_rows(const struct set_row *rows, size_t n_rows)
{
	for (size_t i = 0; i < n_rows; i++) {
		const char *wanted = rows[i].wanted ? rows[i].wanted : "";
		struct weir_error error = { .code = 0 };
		struct weir_schema *schema = NULL;
		struct buffer set = { .size = 0 };
		int ret;

		put_set(&set, &rows[i]);
		ret = schema_parse_copy(set.bytes, set.size, &schema, &error);
		if (strcmp(error.message, wanted) != 0)
			fail_msg("row %zu: \"%s\", wanted \"%s\"", i, error.message, wanted);
		assert_int_equal(ret, rows[i].wanted ? -EINVAL : 0);
		assert_int_equal(error.code, ret);
		assert_int_equal(schema != NULL, !rows[i].wanted);
		schema_free(schema);
	}
}

static void test_descriptors(void **state)
{
	(void)state;
	run_rows(descriptors, sizeof(descriptors) / sizeof(descriptors[0]));
}

static void test_field_options(void **state)
{
	(void)state;
	run_rows(field_options, sizeof(field_options) / sizeof(field_options[0]));
}

static void test_message_options(void **state)
{
	(void)state;
	run_rows(message_options, sizeof(message_options) / sizeof(message_options[0]));
}

static void assert_refused(const void *set, size_t size, const char *wanted)
{
	struct weir_error error = { .code = 0 };
	struct weir_schema *schema = NULL;

	assert_int_equal(schema_parse(set, size, &schema, &error), -EINVAL);
	assert_string_equal(error.message, wanted);
	assert_string_equal(error.field, "schema");
	assert_null(schema);
	assert_int_equal(schema_parse(set, size, &schema, NULL), -EINVAL);
}

static void test_size(void **state)
{
	uint8_t *large = calloc(1, SCHEMA_MAX_SIZE + 1);

	(void)state;
	assert_non_null(large);
	assert_refused("", 0, "schema: has 0 bytes, must have 1 to 1048576");
	assert_refused(
		large, SCHEMA_MAX_SIZE + 1, "schema: has 1048577 bytes, must have 1 to 1048576");
	free(large);
}

// Writes depth messages in each other, outermost at out.
static void put_nested(struct buffer *out, int depth)
{
	struct buffer inner = { .size = 0 };

	put_bytes(&inner, 1, "N", 1);
	if (depth > 1)
		put_nested(&inner, depth - 1);
	put_bytes(out, 3, inner.bytes, inner.size);
}

static void test_depth(void **state)
{
	struct weir_schema *schema;
	struct weir_error error;
	struct buffer set, extra;

	(void)state;
	// M is the first level.
	for (int depth = SCHEMA_MAX_DEPTH - 1; depth <= SCHEMA_MAX_DEPTH; depth++) {
		set.size = extra.size = 0;
		put_nested(&extra, depth);
		put_set(&set, &(struct set_row){
				      .message_extra = { (const char *)extra.bytes, extra.size } });
		if (depth < SCHEMA_MAX_DEPTH) {
			assert_int_equal(
				schema_parse_copy(set.bytes, set.size, &schema, &error), 0);
			schema_free(schema);
		} else {
			assert_int_equal(
				schema_parse_copy(set.bytes, set.size, &schema, &error), -EINVAL);
			assert_non_null(strstr(error.message, "more than 16 in each other"));
		}
	}
}

// A set of one file, which holds nothing but the item n times.
static void assert_count_refused(const char *item, size_t size, size_t n, const char *wanted)
{
	size_t file_size = n * size;
	struct buffer head = { .size = 0 };
	uint8_t *set = malloc(16 + file_size);
	struct weir_error error = { .code = 0 };
	struct weir_schema *schema = NULL;

	assert_non_null(set);
	put_varint(&head, 0x0a);
	put_varint(&head, file_size);
	memcpy(set, head.bytes, head.size);
	for (size_t i = 0; i < n; i++)
		memcpy(set + head.size + i * size, item, size);
	assert_int_equal(schema_parse(set, head.size + file_size, &schema, &error), -EINVAL);
	assert_string_equal(error.message, wanted);
	free(set);
}

static void test_counts(void **state)
{
	struct buffer message = { .size = 0 }, file = { .size = 0 };

	(void)state;
	assert_count_refused("\x22\x03\x0a\x01M", 5, SCHEMA_MAX_MESSAGES + 1,
		"schema: has more than 4096 messages, or more than 16 in each other");
	assert_count_refused("\x2a\x0a\x0a\x01"
			     "E\x12\x05\x0a\x01V\x10\x00",
		12, SCHEMA_MAX_MESSAGES + 1, "schema: there are more than 4096 enumerations");
	// A message with too many fields: what they are is not looked at.
	put_bytes(&message, 1, "M", 1);
	for (int i = 0; i <= SCHEMA_MAX_FIELDS; i++)
		put(&message, "\x12\x00", 2);
	put_bytes(&file, 4, message.bytes, message.size);
	assert_count_refused((const char *)file.bytes, file.size, 1,
		"schema: M: has 257 fields, at most 256 are allowed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_field_options),
		cmocka_unit_test(test_message_options),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
