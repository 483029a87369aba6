// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "completion.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "policy.h"
#include "types.h"
#include "value.h"

// Whether a shell would take it as it is.
static bool is_plain(const char *text)
{
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && !strchr("._:=,[]-", *text))
			return false;
	}
	return true;
}

// Prints a word made of up to three parts, unless a shell would make something of it.
static void put_word(const char *first, const char *second, const char *third)
{
	if (is_plain(first) && is_plain(second) && is_plain(third))
		printf("%s%s%s\n", first, second, third);
}

static void put_column(const json_t *rows, const char *key, const char *before)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *word = json_string_value(json_object_get(row, key));

		if (word)
			put_word(before, word, "");
	}
}

static int list_switches(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	Weir__Control__SwitchList message = WEIR__CONTROL__SWITCH_LIST__INIT;
	Weir__Control__Request request = REQUEST(SWITCH_LIST, switch_list, &message);

	return ask_rows(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_SWITCHES, rows, error);
}

static int list_ports(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	Weir__Control__PortList message = WEIR__CONTROL__PORT_LIST__INIT;
	Weir__Control__Request request = REQUEST(PORT_LIST, port_list, &message);

	return ask_rows(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_PORTS, rows, error);
}

static int list_extensions(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	Weir__Control__ExtensionList message = WEIR__CONTROL__EXTENSION_LIST__INIT;
	Weir__Control__Request request = REQUEST(EXTENSION_LIST, extension_list, &message);

	return ask_rows(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_EXTENSIONS, rows, error);
}

static int list_policies(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	Weir__Control__PolicyList message = WEIR__CONTROL__POLICY_LIST__INIT;
	Weir__Control__Request request = REQUEST(POLICY_LIST, policy_list, &message);
	struct type_name name;
	int result = type_name_split(in->arguments[2], &name, error);

	if (result == 0)
		result = policy_name_type(in, &name, error);
	if (result)
		return result;
	message.target = ask_text(in->arguments[1]);
	message.extension = name.extension;
	message.type = *name.type ? name.type : NULL;
	return ask_rows(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_POLICIES, rows, error);
}

// EXTENSION when that means a type of the role, and EXTENSION.TYPE for each when there are several.
static void put_types(const struct types *types, const char *role)
{
	struct ctl_error ignored;
	unsigned n = 0;

	if (types_find(types, role, NULL, &ignored))
		put_word(types->extension, "", "");
	for (size_t i = 0; i < types->n_types; i++)
		n += strcmp(types->types[i].role, role) == 0;
	for (size_t i = 0; n > 1 && i < types->n_types; i++) {
		if (strcmp(types->types[i].role, role) == 0)
			put_word(types->extension, ".", types->types[i].name);
	}
}

// EXTENSION, when it has calls.
static void put_callable(const struct types *types, const char *role)
{
	for (size_t i = 0; i < types->n_types; i++) {
		if (strcmp(types->types[i].role, role) == 0) {
			put_word(types->extension, "", "");
			return;
		}
	}
}

// Of every extension but those that are missing.
static int put_of_all(struct invocation *in, json_t *rows,
	void (*put)(const struct types *, const char *), const char *role, struct ctl_error *error)
{
	int result = list_extensions(in, rows, error);

	for (size_t i = 0; result == 0 && i < json_array_size(rows); i++) {
		const char *name = json_string_value(
			json_object_get(json_array_get(rows, i), "name"));
		struct types types;

		result = types_fetch(in, name ? name : "", &types, error);
		if (result == 0)
			put(&types, role);
		else if (result == CTL_REFUSED)
			result = 0;
		types_fini(&types);
	}
	return result;
}

static int put_calls(struct invocation *in, const char *extension, struct ctl_error *error)
{
	struct types types;
	int result = types_fetch(in, extension, &types, error);

	for (size_t i = 0; result == 0 && i < types.n_types; i++) {
		if (strcmp(types.types[i].role, "call") == 0)
			put_word(types.types[i].name, "", "");
	}
	types_fini(&types);
	return result;
}

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
	put_word(before, text, "");
}

// before: what each value comes behind.
static int put_values(const struct assignments *a, const char *before,
	const struct catalog_field *field, struct ctl_error *error)
{
	json_t *rows;
	int result;

	for (size_t i = 0; field->enumeration && i < field->enumeration->n_value; i++)
		put_value(before, field, (uint64_t)(int64_t)field->enumeration->value[i]->number);
	for (size_t i = 0; quantity_name(field, i); i++)
		put_word(before, quantity_name(field, i), "");
	for (uint64_t i = 0; field->type == CATALOG_TYPE(BOOL) && i < 2; i++)
		put_value(before, field, i);
	// Which files there are, the shell knows.
	if ((field->format == WEIR__SCHEMA__FORMAT__FILE_WRITE ||
		    field->format == WEIR__SCHEMA__FORMAT__FILE_READ) &&
		is_plain(before))
		printf("%s<file>\n", before);
	if (field->format != WEIR__SCHEMA__FORMAT__PORT_NAME)
		return 0;
	rows = json_array();
	result = rows ? list_ports(a->in, rows, error) : ctl_fail_memory(error);
	put_column(rows, "name", before);
	json_decref(rows);
	return result;
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
		put_word(path, "=", "");
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

static int put_fields_of(struct invocation *in, const char *role, const char *extension,
	const char *type_name, const char *begun, struct ctl_error *error)
{
	const struct assignments assignments = { in, begun ? begun : "" };
	const struct message_type *type = NULL;
	struct types types;
	int result = types_fetch(in, extension, &types, error);

	if (result == 0) {
		type = types_find(&types, role, type_name, error);
		result = type ? put_fields(&assignments, type->message, "", 0, error) : CTL_REFUSED;
	}
	types_fini(&types);
	return result;
}

static int put_policy_fields(struct invocation *in, struct ctl_error *error)
{
	struct type_name name;
	int result = type_name_split(in->arguments[1], &name, error);

	if (result)
		return result;
	return put_fields_of(in, "policy", name.extension, *name.type ? name.type : NULL,
		invocation_argument(in, 2), error);
}

static int put_targets(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	int result = list_ports(in, rows, error);

	if (result)
		return result;
	put_column(rows, "name", "");
	json_array_clear(rows);
	result = list_switches(in, rows, error);
	if (result == 0)
		put_column(rows, "name", "switch:");
	return result;
}

static int put_kind(struct invocation *in, json_t *rows, struct ctl_error *error)
{
	const char *kind = invocation_argument(in, 0);
	int result;

	if (strcmp(kind, "target") == 0)
		return put_targets(in, rows, error);
	if (strcmp(kind, "policy") == 0 || strcmp(kind, "status") == 0)
		return put_of_all(in, rows, put_types, kind, error);
	if (strcmp(kind, "status-target") == 0) {
		result = put_targets(in, rows, error);
		json_array_clear(rows);
		return result ? result : put_of_all(in, rows, put_types, "status", error);
	}
	if (strcmp(kind, "callable") == 0)
		return put_of_all(in, rows, put_callable, "call", error);
	if (strcmp(kind, "call") == 0 && in->n_arguments >= 2)
		return put_calls(in, in->arguments[1], error);
	if (strcmp(kind, "call-field") == 0 && in->n_arguments >= 3)
		return put_fields_of(in, "call", in->arguments[1], in->arguments[2],
			invocation_argument(in, 3), error);
	if (strcmp(kind, "field") == 0 && in->n_arguments >= 2)
		return put_policy_fields(in, error);
	if (strcmp(kind, "id") == 0 && in->n_arguments >= 3) {
		result = list_policies(in, rows, error);
		put_column(rows, "id", "");
		return result;
	}
	if (strcmp(kind, "switch") == 0)
		result = list_switches(in, rows, error);
	else if (strcmp(kind, "port") == 0)
		result = list_ports(in, rows, error);
	else if (strcmp(kind, "extension") == 0)
		result = list_extensions(in, rows, error);
	else
		return ctl_fail(error, CTL_USAGE,
			"kind \"%s\": must be switch, port, extension, target, policy, status, "
			"status-target, callable, field EXTENSION[.TYPE], id TARGET EXTENSION, "
			"call EXTENSION or call-field EXTENSION TYPE",
			kind);
	put_column(rows, "name", "");
	return result;
}

int completion_names(struct invocation *in, struct ctl_error *error)
{
	json_t *rows = json_array();
	int result = rows ? put_kind(in, rows, error) : ctl_fail_memory(error);

	json_decref(rows);
	return result;
}
