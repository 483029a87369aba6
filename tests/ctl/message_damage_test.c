// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Messages and schemas of others: generated code reads what weirctl packs, and weirctl survives
// what is damaged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog.h"
#include "message.h"
#include "sample.pb-c.h"
#include "sample_catalog.h"

static const struct catalog_message *message_of(const struct catalog *catalog, const char *name)
{
	const struct catalog_message *message = catalog_find(catalog, name);

	assert_non_null(message);
	return message;
}

static void encode_all(const struct catalog *catalog, uint8_t **bytes, size_t *size)
{
	static const char *const words[] = { "real=-1.5", "narrow=0.25", "big=-1",
		"huge=18446744073709551615", "small=-5", "fixed_big=1", "fixed_small=2",
		"flag=true", "name=abc", "blob=0102", "level=low", "signed_small=-3",
		"signed_big=-4", "zigzag_small=-5", "zigzag_big=-6", "numbers=1,4294967295",
		"packed_numbers=-1,2", "names=x,y", "address_number=192.0.2.1",
		"mac=02:00:00:00:00:09", "id=7" };
	struct ctl_error error = { .message = "" };

	assert_int_equal(message_encode(message_of(catalog, "sample.Everything"), words,
				 sizeof(words) / sizeof(*words), bytes, size, &error),
		0);
}

static void generated_code_reads_it(void **state)
{
	Sample__Everything *m;
	uint8_t *bytes;
	size_t size;

	encode_all(*state, &bytes, &size);
	m = sample__everything__unpack(NULL, size, bytes);
	assert_non_null(m);
	assert_true(m->real == -1.5 && m->narrow == 0.25f && m->big == -1);
	assert_true(m->huge == UINT64_MAX && m->small == -5);
	assert_true(m->fixed_big == 1 && m->fixed_small == 2 && m->has_flag && m->flag == 1);
	assert_string_equal(m->name, "abc");
	assert_int_equal(m->blob.len, 2);
	assert_memory_equal(m->blob.data, "\x01\x02", 2);
	assert_int_equal(m->level, SAMPLE__EVERYTHING__LEVEL__LOW);
	assert_true(m->signed_small == -3 && m->signed_big == -4);
	assert_true(m->zigzag_small == -5 && m->zigzag_big == -6);
	assert_true(m->n_numbers == 2 && m->numbers[0] == 1 && m->numbers[1] == UINT32_MAX);
	assert_true(m->n_packed_numbers == 2 && m->packed_numbers[0] == -1);
	assert_true(m->n_names == 2);
	assert_string_equal(m->names[1], "y");
	assert_int_equal(m->address_number, 0xc0000201);
	assert_memory_equal(m->mac.data, "\x02\0\0\0\0\x09", 6);
	assert_true(m->has_id && m->id == 7 && !m->has_rate);
	sample__everything__free_unpacked(m, NULL);
	free(bytes);
}

// Both decoders must agree whether the bytes mean something.
static void decode_anything(const struct catalog *catalog, const uint8_t *bytes, size_t size)
{
	const struct catalog_message *message = message_of(catalog, "sample.Everything");
	struct ctl_error error = { .message = "" };
	char *text = NULL;
	size_t text_size;
	json_t *json = NULL;
	FILE *out = open_memstream(&text, &text_size);
	int as_json = message_to_json(message, bytes, size, MESSAGE_PLAIN, &json, &error);
	int as_text = message_put(message, bytes, size, out, &error);

	assert_int_equal(as_json, as_text);
	assert_true(as_json == 0 || strstr(error.message, "malformed"));
	fclose(out);
	free(text);
	json_decref(json);
}

static void damaged_messages_are_survived(void **state)
{
	uint8_t *bytes;
	size_t size;

	encode_all(*state, &bytes, &size);
	for (size_t i = 0; i <= size; i++) {
		// A copy of its own lets AddressSanitizer see a read past the end.
		uint8_t *cut = malloc(i + 1);

		memcpy(cut + 1, bytes, i);
		decode_anything(*state, cut + 1, i);
		free(cut);
	}
	for (size_t i = 0; i < size; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			bytes[i] ^= (uint8_t)(1 << bit);
			decode_anything(*state, bytes, size);
			bytes[i] ^= (uint8_t)(1 << bit);
		}
	}
	free(bytes);
}

static void deep_nesting_is_refused(void **state)
{
	const struct catalog_message *match = message_of(*state, "sample.Match");
	struct ctl_error error = { .message = "" };
	json_t *json = NULL;
	uint8_t bytes[64];
	size_t size = 0;

	// Match.except within Match.except: tag 0x22 and the size of the rest.
	for (size_t left = sizeof(bytes); left >= 2; left -= 2) {
		bytes[size++] = 0x22;
		bytes[size++] = (uint8_t)(left - 2);
	}
	assert_int_equal(
		message_to_json(match, bytes, size, MESSAGE_PLAIN, &json, &error), CTL_REFUSED);
	assert_string_equal(error.message, "the daemon sent a malformed sample.Match");
	assert_int_equal(message_put(match, bytes, size, stderr, &error), CTL_REFUSED);
}

static void damaged_schemas_are_survived(void **state)
{
	struct ctl_error error = { .message = "" };
	uint8_t *copy = malloc(sizeof(weir_schema));
	unsigned n_refused = 0;

	(void)state;
	memcpy(copy, weir_schema, sizeof(weir_schema));
	for (size_t i = 0; i < sizeof(weir_schema); i += 41) {
		struct catalog *catalog = NULL;

		copy[i] ^= 0xff;
		n_refused += catalog_parse(copy, sizeof(weir_schema), &catalog, &error) != 0;
		catalog_free(catalog);
		copy[i] ^= 0xff;
	}
	for (size_t size = 0; size < sizeof(weir_schema); size += 211) {
		struct catalog *catalog = NULL;
		uint8_t *cut = malloc(size + 1);

		memcpy(cut, weir_schema, size);
		n_refused += catalog_parse(cut, size, &catalog, &error) != 0;
		catalog_free(catalog);
		free(cut);
	}
	assert_true(n_refused > 100);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generated_code_reads_it),
		cmocka_unit_test(damaged_messages_are_survived),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(damaged_schemas_are_survived),
	};

	return cmocka_run_group_tests(tests, catalog_setup, catalog_teardown);
}
