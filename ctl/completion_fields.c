// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// FIELD=VALUE of an extension's message, as far as they are begun.
#include "completion.h"

#include <stdlib.h>
#include <string.h>

#include "value.h"

// What is put for the word that is being completed: `begun` is what there is of it.
struct assignments {
	struct invocation *in;
	const char *begun;
};

static void put_value(const char *before, const struct catalog_field *field, uint64_t number)
{
	struct value value = { .number = number };
	char text[256] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	if (!out)
		return;
	value_put(field, &value, out);
	fclose(out);
	completion_put(before, text, "");
}

// before: what each value comes behind.
static int put_values(const struct assignments *a, const char *before,
	const struct catalog_field *field, struct ctl_error *error)
{
	for (size_t i = 0; field->enumeration && i < field->enumeration->n_value; i++)
		put_value(before, field, (uint64_t)(int64_t)field->enumeration->value[i]->number);
	for (size_t i = 0; quantity_name(field, i); i++)
		completion_put(before, quantity_name(field, i), "");
	for (uint64_t i = 0; field->type == CATALOG_TYPE(BOOL) && i < 2; i++)
		put_value(before, field, i);
	// Which files there are, the shell knows.
	if ((field->format == WEIR__SCHEMA__FORMAT__FILE_WRITE ||
		    field->format == WEIR__SCHEMA__FORMAT__FILE_READ) &&
		completion_is_plain(before))
		printf("%s<file>\n", before);
	return field->format == WEIR__SCHEMA__FORMAT__PORT_NAME
		       ? completion_put_ports(a->in, before, error)
		       : 0;
}

// path= or, once the word is that far, path=VALUE for each value that has a name; of a list behind
// its last comma.
static int put_assignments(const struct assignments *a, const char *path,
	const struct catalog_field *field, struct ctl_error *error)
{
	size_t size = strlen(path);
	const char *comma;
	char *before;
	int result;

	if (strncmp(a->begun, path, size) != 0 || a->begun[size] != '=') {
		completion_put(path, "=", "");
		return 0;
	}
	comma = field->repeated ? strrchr(a->begun, ',') : NULL;
	before = strndup(a->begun, comma ? (size_t)(comma + 1 - a->begun) : size + 1);
	result = before ? put_values(a, before, field, error) : ctl_fail_memory(error);
	free(before);
	return result;
}

// Deep enough for people; also the end of messages that hold themselves.
enum { FIELD_DEPTH = 3 };

static int put_fields(const struct assignments *a, const struct catalog_message *message,
	const char *above, unsigned depth, struct ctl_error *error)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < message->n_fields; i++) {
		const struct catalog_field *field = &message->fields[i];
		char path[256];

		snprintf(path, sizeof(path), "%s%s%s", above, field->name,
			field->message && field->repeated ? "[0]" : "");
		if (field->message && field->message->n_fields > 0) {
			strncat(path, ".", sizeof(path) - strlen(path) - 1);
			if (depth < FIELD_DEPTH)
				result = put_fields(a, field->message, path, depth + 1, error);
		} else {
			result = put_assignments(a, path, field, error);
		}
	}
	return result;
}

int completion_put_fields(struct invocation *in, const char *role, const struct type_name *name,
	const char *begun, struct ctl_error *error)
{
	const struct assignments assignments = { in, begun ? begun : "" };
	const struct message_type *type;
	struct types types;
	int result = types_look_up(in, NULL, role, name, &types, &type, error);

	if (result == 0)
		result = put_fields(&assignments, type->message, "", 0, error);
	types_fini(&types);
	return result;
}
