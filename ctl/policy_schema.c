// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "policy.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "types.h"
#include "value.h"

static const struct column columns[] = {
	{ "name", COLUMN_PLAIN },
	{ "label", COLUMN_PLAIN },
	{ "type", COLUMN_PLAIN },
	{ "format", COLUMN_RARE },
	{ "unit", COLUMN_RARE },
	{ "range", COLUMN_RARE },
	{ "default", COLUMN_RARE },
	{ "key", COLUMN_RARE },
	{ "oneof", COLUMN_RARE },
	{ "comment", COLUMN_RARE },
	{ NULL, COLUMN_PLAIN },
};

// Where a field stands: messages within it are shown too, but a message within itself only once.
struct place {
	const struct place *outer;
	const struct catalog_message *message;
	const char *above; // the path of the message, with a dot behind; "" at the top
};

static bool is_inside(const struct place *place, const struct catalog_message *message)
{
	for (; place; place = place->outer) {
		if (place->message == message)
			return true;
	}
	return false;
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? value_json_string(text, strlen(text)) : json_null();
}

// A comment's lines as one.
static json_t *comment_json(const char *comment)
{
	char *text, *end;
	json_t *json;

	if (!comment)
		return json_null();
	text = malloc(strlen(comment) + 1);
	if (!text)
		return NULL;
	end = text;
	for (const char *c = comment; *c; c++) {
		if (!isspace((unsigned char)*c))
			*end++ = *c;
		else if (end > text && end[-1] != ' ')
			*end++ = ' ';
	}
	while (end > text && end[-1] == ' ')
		end--;
	*end = '\0';
	json = text_or_null(text);
	free(text);
	return json;
}

static json_t *enum_values(const struct catalog_field *field)
{
	json_t *values = field->enumeration ? json_array() : json_null();

	for (size_t i = 0; field->enumeration && i < field->enumeration->n_value; i++) {
		struct value value = {
			.number = (uint64_t)(int64_t)field->enumeration->value[i]->number
		};

		if (json_array_append_new(values, value_json(field, &value))) {
			json_decref(values);
			return NULL;
		}
	}
	return values;
}

static void put_numbers(FILE *out, const struct catalog_field *field)
{
	const struct catalog_field plain = { .format = WEIR__SCHEMA__FORMAT__PLAIN };
	struct value_range range = value_range(field);

	if (!field->has_min && !field->has_max)
		return;
	quantity_put(&plain, range.least, out);
	fputs(" to ", out);
	quantity_put(&plain, range.most, out);
}

static void put_lengths(FILE *out, const struct catalog_field *field)
{
	if (field->max_length != UINT32_MAX)
		fprintf(out, "%" PRIu32 " to %" PRIu32 " bytes", field->min_length,
			field->max_length);
	else if (field->min_length > 0)
		fprintf(out, "at least %" PRIu32 " bytes", field->min_length);
}

// What is allowed, in words: the values of an enumeration, or limits.
static json_t *range_json(const struct catalog_field *field)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	json_t *json = NULL;

	if (!out)
		return NULL;
	for (size_t i = 0; field->enumeration && i < field->enumeration->n_value; i++) {
		struct value value = {
			.number = (uint64_t)(int64_t)field->enumeration->value[i]->number
		};

		fputs(i > 0 ? ", " : "", out);
		value_put(field, &value, out);
	}
	put_numbers(out, field);
	put_lengths(out, field);
	if (field->max_items != UINT32_MAX)
		fprintf(out, "%sat most %" PRIu32 " values", ftell(out) > 0 ? "; " : "",
			field->max_items);
	if (fclose(out) == 0)
		json = text_or_null(text);
	free(text);
	return json;
}

static const char *label_of(const struct catalog_field *field)
{
	if (field->repeated)
		return "repeated";
	return field->required ? "required" : "optional";
}

// What is typed in lower case is shown so.
static json_t *default_json(const struct catalog_field *field)
{
	char text[256];
	size_t size = 0;

	if (!field->enumeration || !field->default_value)
		return text_or_null(field->default_value);
	for (const char *c = field->default_value; *c && size + 1 < sizeof(text); c++)
		text[size++] = (char)tolower((unsigned char)*c);
	text[size] = '\0';
	return text_or_null(text);
}

static json_t *limit_json(bool has_limit, int64_t limit)
{
	return has_limit ? json_integer(limit) : json_null();
}

// json_pack takes all the references, also when one of them is NULL; then it returns NULL.
static json_t *field_row(const struct catalog_field *field, const char *path)
{
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}",
		"name", text_or_null(path), "label", label_of(field), "type",
		text_or_null(catalog_type_name(field)), "format",
		text_or_null(catalog_format_name(field)), "unit",
		text_or_null(catalog_unit_name(field)), "min",
		limit_json(field->has_min, field->min), "max",
		limit_json(field->has_max, field->max), "values", enum_values(field), "range",
		range_json(field), "default", default_json(field), "oneof",
		text_or_null(field->oneof), "key", field->is_key, "comment",
		comment_json(field->comment));
}

static bool add_fields(json_t *rows, const struct place *place);

static bool add_nested(json_t *rows, const struct place *place, const struct catalog_field *field,
	const char *path)
{
	struct place inner = { place, field->message, NULL };
	char *above;
	bool ok;

	if (is_inside(place, field->message))
		return true;
	if (asprintf(&above, "%s%s.", path, field->repeated ? "[N]" : "") < 0)
		return false;
	inner.above = above;
	ok = add_fields(rows, &inner);
	free(above);
	return ok;
}

static bool add_fields(json_t *rows, const struct place *place)
{
	for (size_t i = 0; i < place->message->n_fields; i++) {
		const struct catalog_field *field = &place->message->fields[i];
		char *path;
		bool ok;

		if (asprintf(&path, "%s%s", place->above, field->name) < 0)
			return false;
		ok = json_array_append_new(rows, field_row(field, path)) == 0;
		if (ok && field->message)
			ok = add_nested(rows, place, field, path);
		free(path);
		if (!ok)
			return false;
	}
	return true;
}

static json_t *type_json(const struct types *types, const struct message_type *type)
{
	const struct place top = { NULL, type->message, "" };
	json_t *fields = json_array();
	json_t *row;

	if (!fields || !add_fields(fields, &top)) {
		json_decref(fields);
		return NULL;
	}
	row = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:o, s:o}", "extension", types->extension,
		"role", type->role, "type", type->name, "message", type->message->name, "on_port",
		type->on_port, "on_switch", type->on_switch, "comment",
		comment_json(type->message->comment), "fields", fields);
	return row;
}

static const char *place_text(const struct message_type *type)
{
	if (type->on_port && type->on_switch)
		return " of a port or switch";
	return type->on_port ? " of a port" : type->on_switch ? " of a switch" : "";
}

static int print_type(const struct types *types, const struct message_type *type, const json_t *row,
	struct ctl_error *error)
{
	const json_t *fields = json_object_get(row, "fields");
	const char *comment = json_string_value(json_object_get(row, "comment"));

	ctl_put_text(stdout, types->extension);
	putchar('.');
	ctl_put_text(stdout, type->name);
	fputs(": ", stdout);
	ctl_put_text(stdout, type->role);
	puts(place_text(type));
	if (comment) {
		ctl_put_text(stdout, comment);
		putchar('\n');
	}
	if (json_array_size(fields) == 0)
		return 0;
	return output_rows(stdout, fields, columns, false, error);
}

// name: "": all. A call and its reply have the same.
static int print(
	struct invocation *in, const struct types *types, const char *name, struct ctl_error *error)
{
	json_t *rows = json_array();
	size_t n = 0;
	int result = 0;

	for (size_t i = 0; result == 0 && i < types->n_types; i++) {
		const struct message_type *type = &types->types[i];
		json_t *row;

		if (*name && strcmp(name, type->name) != 0)
			continue;
		row = type_json(types, type);
		if (row && !in->json && n++ > 0)
			putchar('\n');
		if (row && !in->json)
			result = print_type(types, type, row, error);
		if (json_array_append_new(rows, row))
			result = ctl_fail_memory(error);
	}
	if (result == 0 && in->json)
		result = output_rows(stdout, rows, NULL, true, error);
	json_decref(rows);
	return result;
}

// A name that none of the types has.
static int refuse_name(const struct types *types, const char *name, struct ctl_error *error)
{
	char names[512] = "";
	FILE *out = fmemopen(names, sizeof(names), "w");
	size_t n = 0;

	for (size_t i = 0; out && i < types->n_types; i++) {
		bool again = false;

		for (size_t k = 0; k < i; k++)
			again |= strcmp(types->types[k].name, types->types[i].name) == 0;
		if (!again)
			fprintf(out, "%s%s.%s", n++ > 0 ? ", " : "", types->extension,
				types->types[i].name);
	}
	if (out)
		fclose(out);
	names[sizeof(names) - 1] = '\0';
	return ctl_fail(error, CTL_REFUSED, "extension %s has no type \"%s\": there are %s",
		types->extension, name, n > 0 ? names : "none");
}

static bool has_name(const struct types *types, const char *name)
{
	for (size_t i = 0; i < types->n_types; i++) {
		if (strcmp(types->types[i].name, name) == 0)
			return true;
	}
	return false;
}

int policy_schema_type(
	const struct types *types, const struct message_type *type, struct ctl_error *error)
{
	json_t *row = type_json(types, type);
	int result = row ? print_type(types, type, row, error) : ctl_fail_memory(error);

	json_decref(row);
	return result;
}

int policy_schema(struct invocation *in, struct ctl_error *error)
{
	struct type_name name;
	struct types types;
	int result = type_name_split(invocation_argument(in, 0), &name, error);

	if (result)
		return result;
	result = types_fetch(in, NULL, name.extension, &types, error);
	if (result == 0 && *name.type && !has_name(&types, name.type))
		result = refuse_name(&types, name.type, error);
	if (result == 0)
		result = print(in, &types, name.type, error);
	types_fini(&types);
	return result;
}
