// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "message.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"

enum { PATH_SIZE = 256 };

// Where a value stands: put together only for a sentence.
struct path {
	const struct path *above; // NULL: the beginning
	const char *name;         // of a field; NULL: an item
	size_t index;             // of an item
};

struct work {
	struct packer *out;
	struct ctl_error *error;
};

static int pack_fields(struct work w, const struct catalog_message *message, const json_t *json,
	const struct path *path, unsigned depth);

static void path_text(const struct path *path, char text[PATH_SIZE])
{
	size_t size;

	*text = '\0';
	if (path->above)
		path_text(path->above, text);
	size = strlen(text);
	if (path->name)
		snprintf(text + size, PATH_SIZE - size, "%s%s", size ? "." : "", path->name);
	else
		snprintf(text + size, PATH_SIZE - size, "[%zu]", path->index);
}

__attribute__((format(printf, 3, 4))) static int refuse(
	struct work w, const struct path *path, const char *format, ...)
{
	char text[PATH_SIZE], sentence[sizeof(w.error->message)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	path_text(path, text);
	return ctl_fail(w.error, CTL_REFUSED, "%s: %s", text, sentence);
}

static int refuse_unknown(
	struct work w, const struct catalog_message *message, const struct path *path)
{
	char names[512] = "";
	FILE *out = fmemopen(names, sizeof(names), "w");

	if (!out)
		return ctl_fail_memory(w.error);
	for (size_t i = 0; i < message->n_fields; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "", message->fields[i].name);
	fclose(out);
	names[sizeof(names) - 1] = '\0';
	if (message->n_fields == 0)
		return refuse(w, path, "unknown field: %s has no fields", message->name);
	return refuse(w, path, "unknown field: the fields of %s are %s", message->name, names);
}

static bool is_text(const struct catalog_field *field)
{
	return field->type == CATALOG_TYPE(STRING) || field->type == CATALOG_TYPE(BYTES) ||
	       field->type == CATALOG_TYPE(ENUM);
}

// A number as value_parse reads it. What message_to_json rounded to 2^64 was at most one less.
static void write_number(const json_t *json, char text[48])
{
	double real = json_real_value(json);

	if (json_is_integer(json))
		snprintf(text, 48, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
	else if (real == 0x1p64)
		snprintf(text, 48, "%" PRIu64, UINT64_MAX);
	else if (fabs(real) < 0x1p64 && real == floor(real) && !(real == 0 && signbit(real)))
		snprintf(text, 48, "%.0f", real);
	else
		snprintf(text, 48, "%.17g", real);
}

// The text that value_parse would get from a user, or NULL when JSON's type is wrong for the field.
static const char *text_of(const struct catalog_field *field, const json_t *json, char number[48])
{
	if (json_is_string(json))
		return json_string_value(json);
	if (is_text(field))
		return NULL;
	if (json_is_boolean(json))
		return field->type != CATALOG_TYPE(BOOL) ? NULL
		       : json_is_true(json)              ? "true"
							 : "false";
	if (!json_is_number(json) || field->type == CATALOG_TYPE(BOOL))
		return NULL;
	write_number(json, number);
	// A real's text keeps all its digits, also where it is a whole number.
	if (json_is_real(json) &&
		(field->type == CATALOG_TYPE(DOUBLE) || field->type == CATALOG_TYPE(FLOAT)))
		snprintf(number, 48, "%.17g", json_real_value(json));
	return number;
}

static int parse(struct work w, const struct catalog_field *field, const char *text,
	const struct path *path, struct value *value)
{
	char where[PATH_SIZE];

	if (value_parse(field, "", text, value, w.error) == 0)
		return 0;
	value_fini(value);
	path_text(path, where);
	return value_parse(field, where, text, value, w.error);
}

static int pack_value(struct work w, const struct catalog_field *field, const json_t *json,
	const struct path *path)
{
	char number[48];
	const char *text = text_of(field, json, number);
	struct value value;
	int result;

	if (!text)
		return refuse(w, path, "must be a %s",
			is_text(field)                      ? "string"
			: field->type == CATALOG_TYPE(BOOL) ? "boolean or string"
							    : "number or string");
	result = parse(w, field, text, path, &value);
	if (result == 0) {
		pack_tag(w.out, field->number, value_wire_type(field));
		value_pack(field, &value, w.out);
	}
	value_fini(&value);
	return result;
}

static int pack_message(struct work w, const struct catalog_field *field, const json_t *json,
	const struct path *path, unsigned depth)
{
	struct packer inner = { 0 };
	int result;

	if (!json_is_object(json))
		return refuse(w, path, "must be an object");
	if (depth + 1 >= CATALOG_MAX_DEPTH)
		return refuse(w, path, "messages are nested more than %d deep", CATALOG_MAX_DEPTH);
	result = pack_fields(
		(struct work){ &inner, w.error }, field->message, json, path, depth + 1);
	pack_tag(w.out, field->number, PACK_BYTES);
	pack_inner(w.out, &inner);
	return result;
}

static int pack_item(struct work w, const struct catalog_field *field, const json_t *json,
	const struct path *path, unsigned depth)
{
	if (field->message)
		return pack_message(w, field, json, path, depth);
	return pack_value(w, field, json, path);
}

static int pack_array(struct work w, const struct catalog_field *field, const json_t *json,
	const struct path *path, unsigned depth)
{
	int result = 0;

	if (!json_is_array(json))
		return refuse(w, path, "must be an array");
	if (json_array_size(json) > field->max_items)
		return refuse(w, path, "must have at most %" PRIu32 " values", field->max_items);
	for (size_t i = 0; result == 0 && i < json_array_size(json); i++) {
		struct path item = { .above = path, .index = i };

		result = pack_item(w, field, json_array_get(json, i), &item, depth);
	}
	return result;
}

static int pack_field(struct work w, const struct catalog_field *field, const json_t *json,
	const struct path *above, unsigned depth)
{
	struct path path = { .above = above, .name = field->name };

	if (!json)
		return field->required ? refuse(w, &path, "is missing") : 0;
	if (field->type == CATALOG_TYPE(GROUP))
		return refuse(w, &path, "is a group, which messages of extensions cannot have");
	if (field->repeated)
		return pack_array(w, field, json, &path, depth);
	return pack_item(w, field, json, &path, depth);
}

static int pack_fields(struct work w, const struct catalog_message *message, const json_t *json,
	const struct path *above, unsigned depth)
{
	size_t left = json_object_size(json); // members that have not been packed
	const char *key;
	json_t *value;
	int result = 0;

	json_object_foreach((json_t *)json, key, value)
	{
		struct path path = { .above = above, .name = key };

		if (!catalog_field(message, key, strlen(key)))
			return refuse_unknown(w, message, &path);
	}
	for (size_t i = 0; result == 0 && i < message->n_fields; i++) {
		const struct catalog_field *field = &message->fields[i];

		value = left > 0 ? json_object_get(json, field->name) : NULL;
		left -= value != NULL;
		result = pack_field(w, field, value, above, depth);
	}
	return result;
}

int message_from_json(const struct catalog_message *message, const json_t *json, const char *path,
	uint8_t **bytes, size_t *size, struct ctl_error *error)
{
	struct path beginning = { .name = path };
	struct packer out = { 0 };
	int result;

	if (!json_is_object(json))
		return ctl_fail(error, CTL_REFUSED, "%s: must be an object", path);
	result = pack_fields((struct work){ &out, error }, message, json, &beginning, 0);
	return pack_finish(&out, result, bytes, size, error);
}
