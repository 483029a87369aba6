// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "site.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

// Refuses a key, with its path before the sentence.
__attribute__((format(printf, 4, 5))) static int refuse(const struct site_place *place,
	const char *key, struct ctl_error *error, const char *format, ...)
{
	char path[SITE_PATH_SIZE], sentence[640];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	site_path(place, path);
	return ctl_fail(
		error, CTL_REFUSED, "%s%s%s: %s", path, *path && *key ? "." : "", key, sentence);
}

static int refuse_unknown(const struct site_place *place, const char *name, struct ctl_error *error)
{
	char names[256] = "";
	FILE *out = fmemopen(names, sizeof(names), "w");

	if (!out)
		return ctl_fail_memory(error);
	for (const struct site_key *key = place->object->keys; key->name; key++)
		fprintf(out, "%s%s", key == place->object->keys ? "" : ", ", key->name);
	fclose(out);
	names[sizeof(names) - 1] = '\0';
	return refuse(place, name, error, "unknown key: the keys of a %s are %s",
		place->object->name, names);
}

static int check_text(const struct site_place *place, const struct site_key *key,
	const json_t *value, struct ctl_error *error)
{
	size_t size = json_string_length(value);

	if (!json_is_string(value))
		return refuse(place, key->name, error, "must be a string");
	if (size < key->least || size > key->most)
		return refuse(place, key->name, error,
			"is %zu bytes long: must be %" PRIu32 " to %" PRIu32, size, key->least,
			key->most);
	return 0;
}

static int check_number(const struct site_place *place, const struct site_key *key,
	const json_t *value, struct ctl_error *error)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) && key->least == key->most)
		return refuse(place, key->name, error, "must be the number %" PRIu32, key->least);
	if (!json_is_integer(value))
		return refuse(place, key->name, error,
			"must be a whole number of %" PRIu32 " to %" PRIu32, key->least, key->most);
	if (number >= key->least && number <= key->most)
		return 0;
	if (key->least == key->most)
		return refuse(place, key->name, error, "%" JSON_INTEGER_FORMAT ": must be %" PRIu32,
			number, key->least);
	return refuse(place, key->name, error,
		"%" JSON_INTEGER_FORMAT ": must be %" PRIu32 " to %" PRIu32, number, key->least,
		key->most);
}

static int check_object(const struct site_place *place, struct ctl_error *error);

static int check_list(const struct site_place *place, const struct site_key *key,
	const json_t *value, struct ctl_error *error)
{
	int result = 0;

	if (!json_is_array(value))
		return refuse(place, key->name, error, "must be an array");
	for (size_t i = 0; result == 0 && i < json_array_size(value); i++) {
		struct site_place inner = { place, key->items, key, i, json_array_get(value, i) };

		result = check_object(&inner, error);
	}
	return result;
}

static int check_value(const struct site_place *place, const struct site_key *key,
	const json_t *value, struct ctl_error *error)
{
	switch (key->kind) {
	case SITE_TEXT:
		return check_text(place, key, value, error);
	case SITE_NUMBER:
		return check_number(place, key, value, error);
	case SITE_FLAG:
		return json_is_boolean(value)
			       ? 0
			       : refuse(place, key->name, error, "must be true or false");
	case SITE_BODY:
		return json_is_object(value) ? 0
					     : refuse(place, key->name, error, "must be an object");
	case SITE_NOTE:
	case SITE_BASE64:
		return json_is_string(value) ? 0
					     : refuse(place, key->name, error, "must be a string");
	case SITE_LIST:
		return check_list(place, key, value, error);
	}
	return 0;
}

static int check_object(const struct site_place *place, struct ctl_error *error)
{
	const char *name;
	json_t *value;
	int result = 0;

	if (!json_is_object(place->json))
		return refuse(place, "", error, "must be an object");
	json_object_foreach((json_t *)place->json, name, value)
	{
		if (!site_key(place->object, name))
			return refuse_unknown(place, name, error);
	}
	for (const struct site_key *key = place->object->keys; result == 0 && key->name; key++) {
		value = json_object_get(place->json, key->name);
		if (value)
			result = check_value(place, key, value, error);
		else if (key->required)
			result = refuse(place, key->name, error, "is missing");
	}
	return result;
}

int site_check(const json_t *document, struct ctl_error *error)
{
	struct site_place place = { .object = &site_document, .json = document };

	if (!json_is_object(document))
		return ctl_fail(
			error, CTL_REFUSED, "a document must be an object such as {\"weir\": 1}");
	if (!json_object_get(document, "weir"))
		return ctl_fail(error, CTL_REFUSED,
			"weir: is missing: a document says the version of its format, as in "
			"{\"weir\": 1, \"switches\": [{\"name\": \"br0\"}]}");
	return check_object(&place, error);
}
