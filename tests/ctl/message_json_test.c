// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Messages as JSON, in both directions: what is written is read, random messages come back as they
// were, and every wrong value is refused with its path.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base64.h"
#include "catalog.h"
#include "message.h"
#include "sample.pb-c.h"
#include "sample_catalog.h"
#include "value.h"

struct row {
	const char *json;
	const char *back; // what message_to_json makes of the bytes; NULL: the same
	const char *error;
};

static const struct row everything_rows[] = {
	{ "{}", NULL, NULL },
	{ "{\"real\": 2.5, \"narrow\": 0.5}", NULL, NULL },
	{ "{\"real\": 1}", "{\"real\": 1.0}", NULL },
	{ "{\"real\": -0.0}", NULL, NULL },
	{ "{\"real\": \"1e3\"}", "{\"real\": 1000.0}", NULL },
	{ "{\"big\": -9223372036854775808}", NULL, NULL },
	{ "{\"huge\": 1.8446744073709552e19}", NULL, NULL },
	{ "{\"huge\": \"18446744073709551614\"}", "{\"huge\": 1.8446744073709552e19}", NULL },
	{ "{\"huge\": 2.0}", "{\"huge\": 2}", NULL },
	{ "{\"huge\": 2.5}", NULL, "huge \"2.5\": must be a whole number" },
	{ "{\"huge\": 1e30}", NULL, "huge \"1e+30\": must be a number" },
	{ "{\"small\": 6}", NULL, "small \"6\": must be -5 to 5" },
	{ "{\"flag\": true, \"flags\": [false, true, \"yes\"]}",
		"{\"flag\": true, \"flags\": [false, true, true]}", NULL },
	{ "{\"flag\": 1}", NULL, "flag: must be a boolean or string" },
	{ "{\"huge\": true}", NULL, "huge: must be a number or string" },
	{ "{\"huge\": null}", NULL, "huge: must be a number or string" },
	{ "{\"huge\": []}", NULL, "huge: must be a number or string" },
	{ "{\"name\": \"abc\", \"blob\": \"00ff\", \"level\": \"high\"}", NULL, NULL },
	{ "{\"name\": 12}", NULL, "name: must be a string" },
	{ "{\"blob\": 12}", NULL, "blob: must be a string" },
	{ "{\"level\": 1}", NULL, "level: must be a string" },
	{ "{\"level\": \"middle\"}", NULL, "level \"middle\": must be one of low, high" },
	{ "{\"numbers\": [1, \"2\"], \"packed_numbers\": [-1]}",
		"{\"numbers\": [1, 2], \"packed_numbers\": [-1]}", NULL },
	{ "{\"numbers\": []}", "{}", NULL },
	{ "{\"numbers\": 1}", NULL, "numbers: must be an array" },
	{ "{\"numbers\": [1, -1]}", NULL, "numbers[1] \"-1\": must be 0 to 4294967295" },
	{ "{\"names\": [\"a,b\", \"c\\\\\"]}", NULL, NULL },
	{ "{\"rate\": \"10mbit\"}", "{\"rate\": 10000000}", NULL },
	{ "{\"rate\": 1}", NULL, "rate \"1\": must be 1kbit to 100gbit" },
	{ "{\"idle\": \"5m\", \"burst\": \"64K\", \"mask\": \"0xff\", \"ether_type\": \"arp\"}",
		"{\"idle\": 300000, \"burst\": 65536, \"mask\": 255, \"ether_type\": 2054}", NULL },
	{ "{\"address_number\": \"192.0.2.1\", \"ipv6\": \"2001:db8::1\", \"mac\": "
	  "\"02:00:5e:10:00:01\"}",
		NULL, NULL },
	{ "{\"address_number\": 3221225985}", NULL,
		"address_number \"3221225985\": must be an IPv4 address such as 192.0.2.1" },
	{ "{\"prefixes\": [\"10.0.0.0/33\"]}", NULL,
		"prefixes[0] \"10.0.0.0/33\": must be an IPv4 prefix with a length of 0 to 32" },
	{ "{\"id\": 7}", NULL, NULL },
	{ "{\"colour\": 7}", NULL, "colour: unknown field: the fields of sample.Everything are " },
	{ "[]", NULL, ": must be an object" },
	{ NULL, NULL, NULL },
};

static const struct row rule_rows[] = {
	{ "{\"remote\": \"::/0\", \"direction\": \"both_ways\", \"match\": {\"ports\": [80], "
	  "\"except\": {\"fragment\": true}}, \"also\": [{}, {\"protocol\": 6}], \"deny\": {}}",
		NULL, NULL },
	{ "{\"remote\": \"::/0\", \"match\": {\"protocol\": \"tcp\", \"ports\": [\"https\"]}}",
		"{\"remote\": \"::/0\", \"match\": {\"protocol\": 6, \"ports\": [443]}}", NULL },
	{ "{}", NULL, "remote: is missing" },
	{ "{\"remote\": \"::/0\", \"match\": 1}", NULL, "match: must be an object" },
	{ "{\"remote\": \"::/0\", \"match\": {\"ports\": [1, 2, 3, 4]}}", NULL,
		"match.ports: must have at most 3 values" },
	{ "{\"remote\": \"::/0\", \"also\": [{}, {\"except\": {\"protocol\": 256}}]}", NULL,
		"also[1].except.protocol \"256\": must be 0 to 255" },
	{ "{\"remote\": \"::/0\", \"also\": [{}, {}, {}]}", NULL,
		"also: must have at most 2 values" },
	{ "{\"remote\": \"::/0\", \"deny\": {\"x\": 1}}", NULL,
		"deny.x: unknown field: sample.Nothing has no fields" },
	{ NULL, NULL, NULL },
};

static const struct catalog_message *message_of(const struct catalog *catalog, const char *name)
{
	const struct catalog_message *message = catalog_find(catalog, name);

	assert_non_null(message);
	return message;
}

static char *text_of(const struct catalog_message *message, const uint8_t *bytes, size_t size,
	enum message_form form)
{
	struct ctl_error error = { .message = "" };
	json_t *json = NULL;
	char *text;

	assert_int_equal(message_to_json(message, bytes, size, form, &json, &error), 0);
	text = json_dumps(json, 0);
	json_decref(json);
	return text;
}

static void check_row(const struct catalog_message *message, const struct row *row)
{
	struct ctl_error error = { .message = "" };
	json_t *json = json_loads(row->json, 0, NULL);
	uint8_t *bytes = NULL;
	size_t size = 0;
	char *text;
	int result;

	assert_non_null(json);
	result = message_from_json(message, json, "", &bytes, &size, &error);
	json_decref(json);
	if (row->error) {
		if (result != CTL_REFUSED ||
			strncmp(error.message, row->error, strlen(row->error)) != 0)
			fail_msg("%s: \"%s\" instead of \"%s\"", row->json, error.message,
				row->error);
		return;
	}
	if (result)
		fail_msg("%s: %s", row->json, error.message);
	text = text_of(message, bytes, size, MESSAGE_PLAIN);
	if (strcmp(text, row->back ? row->back : row->json) != 0)
		fail_msg("%s became %s", row->json, text);
	free(text);
	free(bytes);
}

static void rows_of_every_form(void **state)
{
	for (const struct row *row = everything_rows; row->json; row++)
		check_row(message_of(*state, "sample.Everything"), row);
	for (const struct row *row = rule_rows; row->json; row++)
		check_row(message_of(*state, "sample.Rule"), row);
}

static void the_path_is_the_caller_s(void **state)
{
	struct ctl_error error = { .message = "" };
	json_t *json = json_loads("{\"match\": {\"protocol\": 256}, \"remote\": \"::\"}", 0, NULL);
	uint8_t *bytes;
	size_t size;

	assert_int_equal(message_from_json(message_of(*state, "sample.Rule"), json,
				 "switches[0].policies[1].body", &bytes, &size, &error),
		CTL_REFUSED);
	assert_string_equal(error.message,
		"switches[0].policies[1].body.match.protocol \"256\": must be 0 to 255");
	json_decref(json);
}

static void deep_nesting_is_refused(void **state)
{
	struct ctl_error error = { .message = "" };
	json_t *json = json_object();
	uint8_t *bytes;
	size_t size;

	for (unsigned i = 0; i < 3000; i++)
		json = json_pack("{s:o}", "except", json);
	assert_int_equal(message_from_json(message_of(*state, "sample.Match"), json, "", &bytes,
				 &size, &error),
		CTL_REFUSED);
	assert_non_null(strstr(error.message, "messages are nested more than 16 deep"));
	json_decref(json);
}

static uint64_t random_state = 1;

static uint64_t random_number(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return random_state >> 32 ^ random_state << 24;
}

// One value within what its field takes, as it stands on the wire.
static void pack_random(const struct catalog_field *field, struct packer *out, unsigned depth);

static void pack_random_bytes(const struct catalog_field *field, struct packer *out)
{
	static const char *const prefixes[] = { "10.0.0.0/8", "::1", "2001:db8::/32" };
	uint8_t bytes[16];
	size_t size = random_number() % 5;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = field->type == CATALOG_TYPE(STRING)
				   ? (uint8_t)('a' + random_number() % 26)
				   : (uint8_t)random_number();
	if (field->format == WEIR__SCHEMA__FORMAT__PREFIX) {
		const char *text = prefixes[random_number() % 3];

		pack_bytes(out, text, strlen(text));
		return;
	}
	if (field->format == WEIR__SCHEMA__FORMAT__IPV4)
		size = 4;
	else if (field->format == WEIR__SCHEMA__FORMAT__MAC)
		size = 6;
	else if (field->format == WEIR__SCHEMA__FORMAT__IPV6)
		size = 16;
	else if (field->format == WEIR__SCHEMA__FORMAT__ADDRESS)
		size = random_number() % 2 ? 4 : 16;
	else if (size < field->min_length)
		size = field->min_length;
	pack_bytes(out, bytes, size);
}

static void pack_random_fields(
	const struct catalog_message *message, struct packer *out, unsigned depth)
{
	for (size_t i = 0; i < message->n_fields; i++) {
		const struct catalog_field *field = &message->fields[i];
		unsigned n = field->required ? 1 : random_number() % 3 == 0;

		if (field->repeated)
			n *= 1 + random_number() % 2;
		if (field->message && depth > 3)
			n = 0;
		for (; n > 0; n--) {
			pack_tag(out, field->number, value_wire_type(field));
			pack_random(field, out, depth);
		}
	}
}

static void pack_random(const struct catalog_field *field, struct packer *out, unsigned depth)
{
	struct value value = { .number = random_number() >> random_number() % 64 };
	struct packer inner = { 0 };

	if (field->message) {
		pack_random_fields(field->message, &inner, depth + 1);
		pack_inner(out, &inner);
		return;
	}
	if (value_wire_type(field) == PACK_BYTES) {
		pack_random_bytes(field, out);
		return;
	}
	value.real = (double)(float)((double)(int64_t)value.number / 1024);
	if (field->type == CATALOG_TYPE(BOOL))
		value.number &= 1;
	else if (field->enumeration)
		value.number = (uint64_t)(int64_t)field->enumeration
				       ->value[value.number % field->enumeration->n_value]
				       ->number;
	else if (field->has_min || field->has_max)
		value.number = (uint64_t)(field->min + (int64_t)(value.number % 6));
	else if (field->type == CATALOG_TYPE(INT32) || field->type == CATALOG_TYPE(SINT32) ||
		 field->type == CATALOG_TYPE(SFIXED32))
		value.number = (uint64_t)(int32_t)value.number;
	else if (field->type == CATALOG_TYPE(UINT32) || field->type == CATALOG_TYPE(FIXED32))
		value.number = (uint32_t)value.number;
	value_pack(field, &value, out);
}

// In the exact form not even a number beyond 2^63 changes: the bytes are the same.
static void check_round_trip(
	const struct catalog_message *message, const uint8_t *bytes, size_t size)
{
	for (enum message_form form = MESSAGE_PLAIN; form <= MESSAGE_EXACT; form++) {
		struct ctl_error error = { .message = "" };
		char *text = text_of(message, bytes, size, form), *again;
		json_t *json = json_loads(text, 0, NULL);
		uint8_t *packed = NULL;
		size_t packed_size = 0;

		if (message_from_json(message, json, "", &packed, &packed_size, &error))
			fail_msg("%s: %s", text, error.message);
		again = text_of(message, packed, packed_size, form);
		if (strcmp(text, again) != 0)
			fail_msg("%s became %s", text, again);
		if (form == MESSAGE_EXACT &&
			(packed_size != size || (size && memcmp(packed, bytes, size))))
			fail_msg("%s was packed otherwise", text);
		json_decref(json);
		free(packed);
		free(again);
		free(text);
	}
}

static void random_messages_come_back(void **state)
{
	static const char *const names[] = { "sample.Everything", "sample.Rule" };

	for (unsigned i = 0; i < 20000; i++) {
		const struct catalog_message *message = message_of(*state, names[i % 2]);
		struct packer out = { 0 };

		pack_random_fields(message, &out, 0);
		check_round_trip(message, out.bytes, out.size);
		free(out.bytes);
	}
}

// RFC 4648 section 10, and what is no base64.
static void base64_vectors(void **state)
{
	static const char *const pairs[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" } };
	static const char *const wrong[] = { "Z", "Zg",
		"Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v=", "Zg==Zg==", "Z===", "====", "Zm 9",
		"Zm-_" };
	uint8_t bytes[32];
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		char *text = base64_text(pairs[i][0], strlen(pairs[i][0]));

		assert_string_equal(text, pairs[i][1]);
		assert_true(base64_read(text, bytes, &size));
		assert_int_equal(size, strlen(pairs[i][0]));
		assert_memory_equal(bytes, pairs[i][0], size);
		free(text);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		if (base64_read(wrong[i], bytes, &size))
			fail_msg("%s was read", wrong[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_every_form),
		cmocka_unit_test(the_path_is_the_caller_s),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(random_messages_come_back),
		cmocka_unit_test(base64_vectors),
	};

	return cmocka_run_group_tests(tests, catalog_setup, catalog_teardown);
}
