// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "message.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"

enum { PATH_SIZE = 256 };

struct packer {
	FILE *out;
	struct ctl_error *error;
};

static int pack_fields(struct packer *p, const struct catalog_message *message, const json_t *json,
	const char *above, unsigned depth);

static int refuse_unknown(struct packer *p, const struct catalog_message *message, const char *path)
{
	char names[512] = "";
	FILE *out = fmemopen(names, sizeof(names), "w");

	if (!out)
		return ctl_fail_memory(p->error);
	for (size_t i = 0; i < message->n_fields; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "", message->fields[i].name);
	fclose(out);
	names[sizeof(names) - 1] = '\0';
	if (message->n_fields == 0)
		return ctl_fail(p->error, CTL_REFUSED, "%s: unknown field: %s has no fields", path,
			message->name);
	return ctl_fail(p->error, CTL_REFUSED, "%s: unknown field: the fields of %s are %s", path,
		message->name, names);
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

static int pack_value(
	struct packer *p, const struct catalog_field *field, const json_t *json, const char *path)
{
	char number[48];
	const char *text = text_of(field, json, number);
	struct value value;
	int result;

	if (!text)
		return ctl_fail(p->error, CTL_REFUSED, "%s: must be a %s", path,
			is_text(field)                      ? "string"
			: field->type == CATALOG_TYPE(BOOL) ? "boolean or string"
							    : "number or string");
	result = value_parse(field, path, text, &value, p->error);
	if (result == 0) {
		pack_tag(p->out, field->number, value_wire_type(field));
		value_pack(field, &value, p->out);
	}
	value_fini(&value);
	return result;
}

static int pack_message(struct packer *p, const struct catalog_field *field, const json_t *json,
	const char *path, unsigned depth)
{
	struct packer inner = { .error = p->error };
	char above[PATH_SIZE];
	char *bytes = NULL;
	size_t size = 0;
	int result;

	if (!json_is_object(json))
		return ctl_fail(p->error, CTL_REFUSED, "%s: must be an object", path);
	snprintf(above, sizeof(above), "%s.", path);
	inner.out = open_memstream(&bytes, &size);
	if (!inner.out)
		return ctl_fail_memory(p->error);
	result = pack_fields(&inner, field->message, json, above, depth + 1);
	if (fclose(inner.out) != 0 && result == 0)
		result = ctl_fail_memory(p->error);
	if (result == 0) {
		pack_tag(p->out, field->number, PACK_BYTES);
		pack_bytes(p->out, bytes, size);
	}
	free(bytes);
	return result;
}

static int pack_item(struct packer *p, const struct catalog_field *field, const json_t *json,
	const char *path, unsigned depth)
{
	if (field->message)
		return pack_message(p, field, json, path, depth);
	return pack_value(p, field, json, path);
}

static int pack_array(struct packer *p, const struct catalog_field *field, const json_t *json,
	const char *path, unsigned depth)
{
	int result = 0;

	if (!json_is_array(json))
		return ctl_fail(p->error, CTL_REFUSED, "%s: must be an array", path);
	if (json_array_size(json) > field->max_items)
		return ctl_fail(p->error, CTL_REFUSED, "%s: must have at most %" PRIu32 " values",
			path, field->max_items);
	for (size_t i = 0; result == 0 && i < json_array_size(json); i++) {
		char item[PATH_SIZE + 24];

		snprintf(item, sizeof(item), "%s[%zu]", path, i);
		result = pack_item(p, field, json_array_get(json, i), item, depth);
	}
	return result;
}

static int pack_field(struct packer *p, const struct catalog_field *field, const json_t *json,
	const char *above, unsigned depth)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s%s", above, field->name);
	if (!json)
		return field->required ? ctl_fail(p->error, CTL_REFUSED, "%s: is missing", path)
				       : 0;
	if (field->type == CATALOG_TYPE(GROUP))
		return ctl_fail(p->error, CTL_REFUSED,
			"%s: is a group, which messages of extensions cannot have", path);
	if (field->repeated)
		return pack_array(p, field, json, path, depth);
	return pack_item(p, field, json, path, depth);
}

static int pack_fields(struct packer *p, const struct catalog_message *message, const json_t *json,
	const char *above, unsigned depth)
{
	const char *key;
	json_t *value;
	int result = 0;

	if (depth >= CATALOG_MAX_DEPTH)
		return ctl_fail(p->error, CTL_REFUSED, "%s: messages are nested more than %d deep",
			above, CATALOG_MAX_DEPTH);
	json_object_foreach((json_t *)json, key, value)
	{
		char path[PATH_SIZE];

		if (catalog_field(message, key, strlen(key)))
			continue;
		snprintf(path, sizeof(path), "%s%s", above, key);
		return refuse_unknown(p, message, path);
	}
	for (size_t i = 0; result == 0 && i < message->n_fields; i++) {
		const struct catalog_field *field = &message->fields[i];

		result = pack_field(p, field, json_object_get(json, field->name), above, depth);
	}
	return result;
}

int message_from_json(const struct catalog_message *message, const json_t *json, const char *path,
	uint8_t **bytes, size_t *size, struct ctl_error *error)
{
	struct packer p = { .error = error };
	char above[PATH_SIZE];
	char *packed = NULL;
	int result;

	if (!json_is_object(json))
		return ctl_fail(error, CTL_REFUSED, "%s: must be an object", path);
	snprintf(above, sizeof(above), "%s%s", path, *path ? "." : "");
	p.out = open_memstream(&packed, size);
	if (!p.out)
		return ctl_fail_memory(error);
	result = pack_fields(&p, message, json, above, 0);
	if (fclose(p.out) != 0 && result == 0)
		result = ctl_fail_memory(error);
	if (result)
		free(packed);
	else
		*bytes = (uint8_t *)packed;
	return result;
}
