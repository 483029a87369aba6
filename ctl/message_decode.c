// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "message.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"

// The values of one field in a message, in order, packed or not. The message is scanned once per
// field: policies are small, and the output comes in the order of declaration whatever the wire's
// is.
struct occurrences {
	const struct catalog_field *field;
	struct unpacker message;
	struct unpacker packed; // what is left of packed items
};

static struct occurrences occurrences_of(
	const struct catalog_field *field, const uint8_t *bytes, size_t size)
{
	return (struct occurrences){ .field = field, .message = { bytes, bytes + size } };
}

static int malformed(const struct catalog_message *message, struct ctl_error *error)
{
	return ctl_fail(error, CTL_REFUSED, "the daemon sent a malformed %s", message->name);
}

// Returns 1, 0 at the end, or -1 when the message is malformed.
static int next_occurrence(struct occurrences *o, struct unpacked *item)
{
	enum pack_type type = value_wire_type(o->field);
	int result;

	for (;;) {
		if (o->packed.next != o->packed.end)
			return unpack_item(&o->packed, type, item);
		result = unpack_next(&o->message, item);
		if (result <= 0)
			return result;
		if (item->number != o->field->number)
			continue;
		if (item->type == type)
			return 1;
		if (item->type != PACK_BYTES || !o->field->repeated)
			return -1;
		o->packed = (struct unpacker){ item->bytes, item->bytes + item->size };
	}
}

static int fields_to_json(const struct catalog_message *message, const uint8_t *bytes, size_t size,
	enum message_form form, unsigned depth, json_t **json, struct ctl_error *error);

static int item_to_json(const struct catalog_field *field, const struct unpacked *item,
	enum message_form form, unsigned depth, json_t **json, struct ctl_error *error)
{
	struct value value;

	if (field->message)
		return fields_to_json(
			field->message, item->bytes, item->size, form, depth + 1, json, error);
	value_unpack(field, item, &value);
	*json = form == MESSAGE_TEXT    ? value_json_text(field, &value)
		: form == MESSAGE_EXACT ? value_json_exact(field, &value)
					: value_json(field, &value);
	return *json ? 0 : ctl_fail_memory(error);
}

static int append(json_t *object, const struct catalog_field *field, json_t *item)
{
	json_t *array;

	if (!field->repeated)
		return json_object_set_new(object, field->name, item);
	array = json_object_get(object, field->name);
	if (!array) {
		array = json_array();
		if (json_object_set_new(object, field->name, array)) {
			json_decref(item);
			return -1;
		}
	}
	return json_array_append_new(array, item);
}

static int field_to_json(const struct catalog_message *message, struct occurrences *o,
	enum message_form form, unsigned depth, json_t *object, struct ctl_error *error)
{
	struct unpacked item;
	int found;

	while ((found = next_occurrence(o, &item)) > 0) {
		json_t *json = NULL;
		int result = item_to_json(o->field, &item, form, depth, &json, error);

		if (result)
			return result;
		if (append(object, o->field, json))
			return ctl_fail_memory(error);
	}
	return found < 0 ? malformed(message, error) : 0;
}

static int fields_to_json(const struct catalog_message *message, const uint8_t *bytes, size_t size,
	enum message_form form, unsigned depth, json_t **json, struct ctl_error *error)
{
	json_t *object;
	int result = 0;

	if (depth >= CATALOG_MAX_DEPTH)
		return malformed(message, error);
	object = json_object();
	if (!object)
		return ctl_fail_memory(error);
	for (size_t i = 0; result == 0 && i < message->n_fields; i++) {
		struct occurrences o = occurrences_of(&message->fields[i], bytes, size);

		result = field_to_json(message, &o, form, depth, object, error);
	}
	if (result)
		json_decref(object);
	else
		*json = object;
	return result;
}

int message_to_json(const struct catalog_message *message, const uint8_t *bytes, size_t size,
	enum message_form form, json_t **json, struct ctl_error *error)
{
	return fields_to_json(message, bytes, size, form, 0, json, error);
}

struct writer {
	FILE *out;
	bool begun; // something was written: the next word needs a space
	struct ctl_error *error;
};

static int put_fields(struct writer *w, const struct catalog_message *message, const uint8_t *bytes,
	size_t size, const char *above, unsigned depth);

static void put_quoted(FILE *out, const char *text)
{
	bool plain = true;

	for (const char *c = text; *c; c++)
		plain = plain && (isalnum((unsigned char)*c) || strchr("+,-./:=@_%", *c));
	if (plain) {
		fputs(text, out);
		return;
	}
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fputc(*text, out);
	}
	fputc('\'', out);
}

static void put_word(struct writer *w, const char *path, const char *value)
{
	fprintf(w->out, "%s%s=", w->begun ? " " : "", path);
	put_quoted(w->out, value);
	w->begun = true;
}

static void put_item(const struct catalog_field *field, const struct unpacked *item, FILE *out)
{
	struct value value;

	value_unpack(field, item, &value);
	if (!field->repeated || field->type != CATALOG_TYPE(STRING)) {
		value_put(field, &value, out);
		return;
	}
	for (size_t i = 0; i < value.size; i++) {
		if (value.bytes[i] == ',' || value.bytes[i] == '\\')
			fputc('\\', out);
		fputc(value.bytes[i], out);
	}
}

static int put_scalars(struct writer *w, const struct catalog_message *message,
	struct occurrences *o, const char *path)
{
	struct unpacked item;
	char *text = NULL;
	size_t size = 0, n_items = 0;
	FILE *out = open_memstream(&text, &size);
	int found, result = 0;

	if (!out)
		return ctl_fail_memory(w->error);
	for (; (found = next_occurrence(o, &item)) > 0; n_items++) {
		if (n_items > 0)
			fputc(',', out);
		put_item(o->field, &item, out);
	}
	if (fclose(out) != 0)
		result = ctl_fail_memory(w->error);
	else if (found < 0)
		result = malformed(message, w->error);
	else if (n_items > 0)
		put_word(w, path, text);
	free(text);
	return result;
}

static int put_message(struct writer *w, const struct catalog_message *message,
	const struct unpacked *item, const char *path, unsigned depth)
{
	char *above;
	int result;

	if (depth + 1 >= CATALOG_MAX_DEPTH) // an empty one, too
		return malformed(message, w->error);
	if (item->size == 0) {
		put_word(w, path, "");
		return 0;
	}
	if (asprintf(&above, "%s.", path) < 0)
		return ctl_fail_memory(w->error);
	result = put_fields(w, message, item->bytes, item->size, above, depth + 1);
	free(above);
	return result;
}

static int put_messages(struct writer *w, const struct catalog_message *message,
	struct occurrences *o, const char *path, unsigned depth)
{
	struct unpacked item;
	int found, result = 0;
	size_t i = 0;

	for (; result == 0 && (found = next_occurrence(o, &item)) > 0; i++) {
		char *numbered = NULL;

		if (o->field->repeated && asprintf(&numbered, "%s[%zu]", path, i) < 0)
			return ctl_fail_memory(w->error);
		result = put_message(
			w, o->field->message, &item, numbered ? numbered : path, depth);
		free(numbered);
	}
	if (result)
		return result;
	return found < 0 ? malformed(message, w->error) : 0;
}

static int put_fields(struct writer *w, const struct catalog_message *message, const uint8_t *bytes,
	size_t size, const char *above, unsigned depth)
{
	int result = 0;

	if (depth >= CATALOG_MAX_DEPTH)
		return malformed(message, w->error);
	for (size_t i = 0; result == 0 && i < message->n_fields; i++) {
		struct occurrences o = occurrences_of(&message->fields[i], bytes, size);
		char *path;

		if (asprintf(&path, "%s%s", above, o.field->name) < 0)
			return ctl_fail_memory(w->error);
		result = o.field->message ? put_messages(w, message, &o, path, depth)
					  : put_scalars(w, message, &o, path);
		free(path);
	}
	return result;
}

int message_put(const struct catalog_message *message, const uint8_t *bytes, size_t size, FILE *out,
	struct ctl_error *error)
{
	struct writer w = { .out = out, .error = error };

	return put_fields(&w, message, bytes, size, "", 0);
}
