// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What tests of schemas share: copies of messages and sets that end where their memory does, so
// that AddressSanitizer sees a read past them; and a schema that is the state of a test.
#ifndef SCHEMA_COPY_H
#define SCHEMA_COPY_H

#include "switch/schema.h"

static inline int schema_check_copy(const struct schema_message *message, const void *bytes,
	size_t size, struct weir_error *error)
{
	uint8_t *copy = malloc(size ? size : 1);
	int ret;

	assert_non_null(copy);
	if (size)
		memcpy(copy, bytes, size);
	ret = schema_check(message, copy, size, error);
	free(copy);
	return ret;
}

static inline int schema_parse_copy(
	const void *set, size_t size, struct weir_schema **out, struct weir_error *error)
{
	uint8_t *copy = malloc(size ? size : 1);
	int ret;

	assert_non_null(copy);
	memcpy(copy, set, size);
	ret = schema_parse(copy, size, out, error);
	free(copy);
	return ret;
}

// cmocka's setup, but for the set; and its teardown.
static inline int schema_load(const void *set, size_t size, void **state)
{
	struct weir_schema *schema = NULL;
	struct weir_error error = { .code = 0 };

	if (schema_parse(set, size, &schema, &error)) {
		print_error("%s\n", error.message);
		return -1;
	}
	*state = schema;
	return 0;
}

static inline int schema_unload(void **state)
{
	schema_free(*state);
	return 0;
}

#endif
