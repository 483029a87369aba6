// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Finds what the fields' type names stand for, once everything is read.
#include "switch/schema_load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Both kinds of named things are sorted and searched through their full names.
static int compare_messages(const void *a, const void *b)
{
	const struct schema_message *const *x = a, *const *y = b;

	return strcmp((*x)->full_name, (*y)->full_name);
}

static int compare_enums(const void *a, const void *b)
{
	const struct schema_enum *const *x = a, *const *y = b;

	return strcmp((*x)->full_name, (*y)->full_name);
}

static int compare_message_name(const void *name, const void *item)
{
	const struct schema_message *const *message = item;

	return strcmp(name, (*message)->full_name);
}

static int compare_enum_name(const void *name, const void *item)
{
	const struct schema_enum *const *enumeration = item;

	return strcmp(name, (*enumeration)->full_name);
}

static int sort_messages(struct loader *l)
{
	struct weir_schema *schema = l->schema;
	struct schema_message **sorted = schema_alloc(
		schema, schema->n_messages, sizeof(struct schema_message *));
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (struct schema_message *message = schema->messages; message; message = message->next)
		sorted[n++] = message;
	qsort(sorted, n, sizeof(*sorted), compare_messages);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(sorted[i - 1]->full_name, sorted[i]->full_name))
			return loader_refuse(l, "there are two messages %s", sorted[i]->full_name);
	schema->sorted_messages = sorted;
	return 0;
}

static int sort_enums(struct loader *l)
{
	struct weir_schema *schema = l->schema;
	struct schema_enum **sorted = schema_alloc(
		schema, schema->n_enums, sizeof(struct schema_enum *));
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (struct schema_enum *enumeration = schema->enums; enumeration;
		enumeration = enumeration->next)
		sorted[n++] = enumeration;
	qsort(sorted, n, sizeof(*sorted), compare_enums);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(sorted[i - 1]->full_name, sorted[i]->full_name))
			return loader_refuse(
				l, "there are two enumerations %s", sorted[i]->full_name);
	schema->sorted_enums = sorted;
	return 0;
}

static int resolve_field(const struct loader *l, struct schema_field *field)
{
	const struct weir_schema *schema = l->schema;

	if (field->type == FIELD_MESSAGE) {
		struct schema_message **found = bsearch(field->type_name, schema->sorted_messages,
			schema->n_messages, sizeof(*found), compare_message_name);

		field->message = found ? *found : NULL;
	} else if (field->type == FIELD_ENUM) {
		struct schema_enum **found = bsearch(field->type_name, schema->sorted_enums,
			schema->n_enums, sizeof(*found), compare_enum_name);

		field->enumeration = found ? *found : NULL;
	}
	if (field->type_name && !field->message && !field->enumeration)
		return loader_refuse(l, "field %s has the type %s, which is not in the set",
			field->name, field->type_name);
	return 0;
}

int schema_resolve(struct loader *l)
{
	int ret = sort_messages(l);

	if (!ret)
		ret = sort_enums(l);
	if (ret)
		return ret;
	for (struct schema_message *message = l->schema->messages; message;
		message = message->next) {
		l->scope = message->full_name;
		for (size_t i = 0; i < message->n_fields; i++) {
			ret = resolve_field(l, &message->fields[i]);
			if (ret)
				return ret;
		}
	}
	return 0;
}
