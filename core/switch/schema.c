// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "switch/schema_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// With AddressSanitizer every allocation is a block of its own, so that its bounds are watched.
#if defined(__SANITIZE_ADDRESS__) // gcc
#define HAS_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) // clang
#define HAS_ADDRESS_SANITIZER
#endif
#endif
#ifdef HAS_ADDRESS_SANITIZER
enum { BLOCK_SIZE = 16 };
#else
enum { BLOCK_SIZE = 16 << 10 };
#endif

struct schema_block {
	struct schema_block *next;
	size_t size;
	_Alignas(16) uint8_t bytes[];
};

static const char *const role_names[] = {
	[SCHEMA_POLICY] = "policy",
	[SCHEMA_STATUS] = "status",
	[SCHEMA_CALL] = "call",
	[SCHEMA_REPLY] = "reply",
};

void *schema_alloc(struct weir_schema *schema, size_t n, size_t size)
{
	struct schema_block *block = schema->blocks;
	size_t block_size;

	if (__builtin_mul_overflow(n, size, &size) || size > SIZE_MAX / 2)
		return NULL;
	size = size ? (size + 15) & ~(size_t)15 : 16;
	if (size > schema->block_left) {
		block_size = size > BLOCK_SIZE ? size : BLOCK_SIZE;
		block = calloc(1, sizeof(*block) + block_size);
		if (!block)
			return NULL;
		*block = (struct schema_block){ .next = schema->blocks, .size = block_size };
		schema->blocks = block;
		schema->block_left = block_size;
	}
	schema->block_left -= size;
	return block->bytes + (block->size - schema->block_left - size);
}

static int copy_set(struct weir_schema *schema, const void *set, size_t size)
{
	uint8_t *copy = schema_alloc(schema, 1, size);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, set, size);
	schema->set = copy;
	schema->set_size = size;
	return 0;
}

int schema_parse(const void *set, size_t size, struct weir_schema **out, struct weir_error *error)
{
	struct weir_schema *schema;
	int ret;

	if (!size || size > SCHEMA_MAX_SIZE)
		return weir_refuse(error, -EINVAL, "schema",
			"schema: has %zu bytes, must have 1 to %d", size, SCHEMA_MAX_SIZE);
	schema = calloc(1, sizeof(*schema));
	ret = schema ? copy_set(schema, set, size) : -ENOMEM;
	if (!ret)
		ret = schema_load(schema, error);
	if (!ret)
		ret = schema_apply_options(schema, error);
	if (ret) {
		schema_free(schema);
		if (ret == -ENOMEM)
			weir_refuse(error, ret, "schema", "schema: out of memory");
		return ret;
	}
	*out = schema;
	return 0;
}

void schema_free(struct weir_schema *schema)
{
	struct schema_block *block, *next;

	if (!schema)
		return;
	for (block = schema->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	free(schema);
}

const void *schema_bytes(const struct weir_schema *schema, size_t *size)
{
	*size = schema->set_size;
	return schema->set;
}

size_t schema_n_types(const struct weir_schema *schema)
{
	return schema->n_types;
}

const struct schema_type *schema_type_at(const struct weir_schema *schema, size_t i)
{
	return schema->types[i];
}

const struct schema_type *schema_type_of(const struct schema_message *message)
{
	return message->type;
}

// Writes the names of all types of a role, separated by commas; what does not fit ends in "...".
static void list_choices(
	const struct weir_schema *schema, enum schema_role role, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < schema->n_types; i++) {
		const struct schema_type *type = schema->types[i];

		if (type->role != role)
			continue;
		if (used + strlen(type->name) + sizeof(", ...") > size) {
			strcpy(text + used, "...");
			return;
		}
		used += (size_t)snprintf(
			text + used, size - used, "%s%s", used ? ", " : "", type->name);
	}
}

static const struct schema_message *refuse_type(const struct weir_schema *schema,
	enum schema_role role, const char *type, struct weir_error *error)
{
	char choices[300];

	list_choices(schema, role, choices, sizeof(choices));
	if (!choices[0])
		weir_refuse(error, -ENOENT, "type", "type \"%.40s\": the extension has no %s", type,
			role_names[role]);
	else if (!type[0])
		weir_refuse(error, -EINVAL, "type", "type: a %s must be one of %s",
			role_names[role], choices);
	else
		weir_refuse(error, -ENOENT, "type", "type \"%.40s\": a %s must be one of %s", type,
			role_names[role], choices);
	return NULL;
}

const struct schema_message *schema_find(const struct weir_schema *schema, enum schema_role role,
	const char *type, struct weir_error *error)
{
	const struct schema_type *found = NULL;
	size_t n_found = 0;

	if (!type)
		type = "";
	for (size_t i = 0; i < schema->n_types; i++) {
		if (schema->types[i]->role != role)
			continue;
		if (type[0] && strcmp(schema->types[i]->name, type) != 0)
			continue;
		found = schema->types[i];
		n_found++;
	}
	return n_found == 1 ? found->message : refuse_type(schema, role, type, error);
}

const struct schema_field *schema_field_find(const struct schema_message *message, uint32_t number)
{
	size_t low = 0, high = message->n_fields;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (message->fields[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == message->n_fields || message->fields[low].number != number)
		return NULL;
	return &message->fields[low];
}

const struct schema_value *schema_value_find(const struct schema_enum *enumeration, int64_t number)
{
	size_t low = 0, high = enumeration->n_values;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (enumeration->values[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == enumeration->n_values || enumeration->values[low].number != number)
		return NULL;
	return &enumeration->values[low];
}
