// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Documents read in one pass are what Jansson makes of them.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "text_json.h"

// RFC 8259, by its sections; and what Jansson alone decides.
static const char *const texts[] = {
	// 2: structure
	"",
	" ",
	"{}",
	"[]",
	" { } ",
	"\n[\t]\r\n",
	"{",
	"}",
	"[",
	"]",
	"{]",
	"[}",
	"[]]",
	"{}{}",
	"[],",
	"[,]",
	"[1,]",
	"[,1]",
	"[1 2]",
	"[1\n2]",
	"{,}",
	"{\"a\":1,}",
	"[1][",
	"\"a\"",
	"1",
	"null",
	"x",
	// 3: literals
	"[true,false,null]",
	"[tru]",
	"[truex]",
	"[true false]",
	"[TRUE]",
	"[nul",
	"[nan]",
	// 4: objects
	"{\"a\":1}",
	"{\"a\" : 1 , \"b\":[ {} , [] ]}",
	"{\"a\"}",
	"{\"a\":}",
	"{\"a\" 1}",
	"{a:1}",
	"{1:2}",
	"{\"a\":1 \"b\":2}",
	"{\"a\":1,\"a\":1}",
	"{\"a\":{\"a\":1,\"a\":2}}",
	"{\"\":1,\"\":2}",
	"{\"\":1}",
	// 6: numbers
	"[0]",
	"[-0]",
	"[-1]",
	"[00]",
	"[01]",
	"[-]",
	"[+1]",
	"[- 1]",
	"[1.5]",
	"[1.]",
	"[.5]",
	"[1e3]",
	"[1E3]",
	"[-1.5e-3]",
	"[1e]",
	"[999999999999999999]",
	"[-999999999999999999]",
	"[1000000000000000000]",
	"[9223372036854775807]",
	"[9223372036854775808]",
	"[-9223372036854775808]",
	"[1x]",
	"[0x10]",
	"[1",
	"1.5",
	// 7: strings
	"[\"\"]",
	"[\"a b,{}[]: c\"]",
	"[\"\\\"\"]",
	"[\"\\\\\"]",
	"[\"a\\nb\"]",
	"[\"\\u0041\"]",
	"[\"\\u0000\"]",
	"[\"\\ud800\"]",
	"[\"a\nb\"]",
	"[\"a\tb\"]",
	"[\"",
	"[\"a",
	"[\"\\",
	"[\"a\"\"b\"]",
	"{\"\\u0061\":1,\"a\":2}",
	// 8: UTF-8
	"[\"\xc3\xbc\"]",
	"[\"\xe2\x82\xac\"]",
	"[\"\xf0\x9f\x98\x80\"]",
	"[\"\xc3\"]",
	"[\"\xff\"]",
	"[\"\xc0\x80\"]",
	"[\"\xed\xa0\x80\"]",
	"{\"\xc3\xbc\":1}",
	"{\"\xc3\":1}",
	"\xef\xbb\xbf[]",
};

static const char whole[] =
	"{\n  \"weir\": 1,\n  \"switches\": [\n    {\n      \"name\": \"br0\",\n"
	"      \"ports\": [ { \"name\": \"vm1\", \"uplink\": true, \"mtu\": 9000, \"policies\": [\n"
	"        { \"extension\": \"acl\", \"id\": \"r1\", \"body\": { \"weight\": -5, \"x\": "
	"null,\n"
	"          \"also\": [ 1, 2.5, false, \"a\\\"b\", \"\xc3\xbc\" ] } } ] } ]\n    }\n  "
	"]\n}\n";

static void check(const char *text, size_t size)
{
	char *copy = malloc(size + 1);
	json_error_t fault = { .line = 0 }, expected_fault = { .line = 0 };
	json_t *json, *expected;

	memcpy(copy, text, size);
	copy[size] = '\0';
	json = text_json(copy, size, &fault);
	expected = json_loadb(text, size, JSON_REJECT_DUPLICATES, &expected_fault);
	if (!json != !expected || (json && !json_equal(json, expected)))
		fail_msg("\"%s\" is read as something else", copy);
	if (!json &&
		(strcmp(fault.text, expected_fault.text) != 0 ||
			fault.position != expected_fault.position ||
			fault.line != expected_fault.line || fault.column != expected_fault.column))
		fail_msg("\"%s\": %s", copy, fault.text);
	json_decref(json);
	json_decref(expected);
	free(copy);
}

static void texts_are_read_as_jansson_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		check(texts[i], strlen(texts[i]));
	check("[1]\0", 4);
	check("[1\0]", 4);
	check("[\"a\0b\"]", 7);
}

static void lists_are_nested_as_deep(void **state)
{
	char text[2 * 4096];

	(void)state;
	for (size_t n = 1; n <= 4096; n = n < 40 ? n + 1 : 2 * n) {
		memset(text, '[', n);
		memset(text + n, ']', n);
		check(text, 2 * n);
		check(text, 2 * n - 1);
	}
}

static uint64_t random_number(void)
{
	static uint64_t x = 88172645463325252u; // Marsaglia, "Xorshift RNGs", 2003

	x ^= x << 13;
	x ^= x >> 7;
	return x ^= x << 17;
}

// Bytes that mean something in JSON are put over others, taken out, and doubled.
static void damaged_texts_are_read_as_jansson_does(void **state)
{
	static const char bytes[] = "{}[]:,\" \n\t\\-0123456789.eEtrufalsn\x01\x7f\xc3\xbc";

	(void)state;
	for (unsigned i = 0; i < 50000; i++) {
		char text[2 * sizeof(whole)];
		size_t size = sizeof(whole) - 1;

		memcpy(text, whole, size);
		for (unsigned n = (unsigned)(random_number() % 4); n > 0; n--) {
			size_t at = random_number() % size;

			if (random_number() % 2) {
				text[at] = bytes[random_number() % (sizeof(bytes) - 1)];
			} else if (random_number() % 2) {
				memmove(text + at, text + at + 1, --size - at);
			} else {
				memmove(text + at + 1, text + at, size - at);
				size++;
			}
		}
		check(text, size);
	}
}

static void files_are_read_to_their_end(void **state)
{
	static const size_t sizes[] = { 0, 1, 65535, 65536, 65537, 131071, 131072, 300000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		FILE *file = tmpfile();
		char *text = NULL;
		size_t size;

		assert_non_null(file);
		for (size_t n = 0; n < sizes[i]; n++)
			fputc('a' + (int)(n % 26), file);
		rewind(file);
		assert_int_equal(read_text(file, sizes[i], &text, &size), 0);
		assert_int_equal(size, sizes[i]);
		assert_int_equal(strlen(text), sizes[i]);
		for (size_t n = 0; n < size; n++)
			assert_int_equal(text[n], 'a' + (int)(n % 26));
		free(text);
		fclose(file);
	}
}

static void files_without_end_are_refused(void **state)
{
	static const size_t most[] = { 0, 1, 65535, 65536, 65537, 300000 };

	(void)state;
	for (size_t i = 0; i < sizeof(most) / sizeof(*most); i++) {
		FILE *file = fopen("/dev/zero", "re");
		char *text = NULL;
		size_t size;

		assert_non_null(file);
		errno = 0;
		assert_int_equal(read_text(file, most[i], &text, &size), -1);
		assert_int_equal(errno, EFBIG);
		assert_int_equal(size, most[i] + 1);
		free(text);
		fclose(file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read_as_jansson_does),
		cmocka_unit_test(lists_are_nested_as_deep),
		cmocka_unit_test(damaged_texts_are_read_as_jansson_does),
		cmocka_unit_test(files_are_read_to_their_end),
		cmocka_unit_test(files_without_end_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
