// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The document's JSON Schema, from the table of site.c and the catalogs of extensions.
// Source: json-schema.org, draft 2020-12 (core and validation).
#include "site.h"

#include <stdlib.h>
#include <string.h>

#include "value.h"

// A place for definitions, and whose messages are being defined.
struct definitions {
	json_t *all;
	const struct types *types;
};

// Takes the reference to value, also on failure; NULL is a failure.
static bool put(json_t *object, const char *key, json_t *value)
{
	return object && json_object_set_new(object, key, value) == 0;
}

// Returns the object when ok, else releases it.
static json_t *finish(json_t *object, bool ok)
{
	if (ok)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *comment_json(const char *comment)
{
	char *text = comment ? strdup(comment) : NULL;
	char *to = text;
	json_t *json;

	// A comment's lines as one.
	for (const char *c = text; c && *c; c++) {
		if (!strchr(" \t\n", *c))
			*to++ = *c;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	if (to > text && to[-1] == ' ')
		to--;
	json = text ? json_stringn(text, (size_t)(to - text)) : NULL;
	free(text);
	return json;
}

static json_t *reference(const struct definitions *d, const struct catalog_message *message)
{
	return json_pack("{s:s+++}", "$ref", "#/$defs/", d->types->extension, ":", message->name);
}

static json_t *enum_json(const struct catalog_field *field)
{
	json_t *values = json_array();
	bool ok = values != NULL;

	for (size_t i = 0; ok && i < field->enumeration->n_value; i++) {
		struct value value = {
			.number = (uint64_t)(int64_t)field->enumeration->value[i]->number
		};

		ok = json_array_append_new(values, value_json(field, &value)) == 0;
	}
	return finish(values, ok) ? json_pack("{s:o}", "enum", values) : NULL;
}

static json_t *text_json(const struct catalog_field *field)
{
	json_t *json = json_pack("{s:s}", "type", "string");
	bool ok = json != NULL;

	// JSON Schema counts characters, of which there are at most as many as bytes.
	if (ok && field->type == CATALOG_TYPE(STRING) && field->max_length != UINT32_MAX)
		ok = put(json, "maxLength", json_integer(field->max_length));
	if (ok && field->type == CATALOG_TYPE(STRING) && field->min_length > 0)
		ok = put(json, "minLength", json_integer(1));
	return finish(json, ok);
}

// A number, or the text that people write for it.
static json_t *number_json(const struct catalog_field *field)
{
	bool is_real = field->type == CATALOG_TYPE(DOUBLE) || field->type == CATALOG_TYPE(FLOAT);
	json_t *json = json_pack("{s:[s,s]}", "type", is_real ? "number" : "integer", "string");
	bool ok = json != NULL;

	if (ok && field->has_min)
		ok = put(json, "minimum", json_integer(field->min));
	if (ok && field->has_max)
		ok = put(json, "maximum", json_integer(field->max));
	return finish(json, ok);
}

static json_t *value_schema(const struct definitions *d, const struct catalog_field *field)
{
	if (field->message)
		return reference(d, field->message);
	switch (field->type) {
	case CATALOG_TYPE(ENUM):
		return enum_json(field);
	case CATALOG_TYPE(STRING):
	case CATALOG_TYPE(BYTES):
		return text_json(field);
	case CATALOG_TYPE(BOOL):
		return json_pack("{s:[s,s]}", "type", "boolean", "string");
	default:
		if (field->format == WEIR__SCHEMA__FORMAT__IPV4)
			return text_json(field);
		return number_json(field);
	}
}

static json_t *field_schema(const struct definitions *d, const struct catalog_field *field)
{
	json_t *json = value_schema(d, field);
	bool ok = json != NULL;

	if (ok && field->repeated)
		json = json_pack("{s:s, s:o}", "type", "array", "items", json);
	if (json && field->repeated && field->max_items != UINT32_MAX)
		ok = put(json, "maxItems", json_integer(field->max_items));
	if (json && ok && field->comment)
		ok = put(json, "description", comment_json(field->comment));
	return finish(json, ok);
}

static bool define(struct definitions *d, const struct catalog_message *message);

static bool define_fields(struct definitions *d, const struct catalog_message *message,
	json_t *properties, json_t *required)
{
	bool ok = true;

	for (size_t i = 0; ok && i < message->n_fields; i++) {
		const struct catalog_field *field = &message->fields[i];

		ok = put(properties, field->name, field_schema(d, field)) &&
		     (!field->message || define(d, field->message));
		if (ok && field->required)
			ok = json_array_append_new(required, json_string(field->name)) == 0;
	}
	return ok;
}

// Defines a message and those in it, unless they are defined; ends because it is defined before
// what it holds, which may be itself.
static bool define(struct definitions *d, const struct catalog_message *message)
{
	json_t *key = json_pack("s++", d->types->extension, ":", message->name);
	json_t *properties = json_object(), *required = json_array();
	bool ok = true;

	if (!key || !properties || !required) {
		ok = false;
	} else if (!json_object_get(d->all, json_string_value(key))) {
		ok = put(d->all, json_string_value(key),
			     json_pack("{s:s, s:O, s:O, s:b}", "type", "object", "properties",
				     properties, "required", required, "additionalProperties",
				     0)) &&
		     define_fields(d, message, properties, required);
	}
	json_decref(key);
	json_decref(properties);
	json_decref(required);
	return ok;
}

static size_t count_policies(const struct types *types)
{
	size_t n = 0;

	for (size_t i = 0; i < types->n_types; i++)
		n += strcmp(types->types[i].role, "policy") == 0;
	return n;
}

// If a policy is of this type, its body is this message.
static json_t *condition(struct definitions *d, const struct message_type *type)
{
	json_t *required = json_pack("[s]", "extension");

	// An extension with one type of policy need not name it.
	if (required && count_policies(d->types) > 1)
		json_array_append_new(required, json_string("type"));
	return json_pack("{s:{s:{s:{s:s}, s:{s:s}}, s:o}, s:{s:{s:o}}}", "if", "properties",
		"extension", "const", d->types->extension, "type", "const", type->name, "required",
		required, "then", "properties", "body", reference(d, type->message));
}

// Adds the extensions' bodies to the schema of a policy.
static bool add_bodies(
	json_t *policy, json_t *all, const struct types *const *types, size_t n_types)
{
	json_t *conditions = json_array();
	bool ok = conditions != NULL;

	for (size_t i = 0; ok && i < n_types; i++) {
		struct definitions d = { all, types[i] };

		for (size_t j = 0; ok && j < types[i]->n_types; j++) {
			const struct message_type *type = &types[i]->types[j];

			if (strcmp(type->role, "policy") == 0)
				ok = json_array_append_new(conditions, condition(&d, type)) == 0 &&
				     define(&d, type->message);
		}
	}
	// An array of schemas must not be empty.
	if (ok && json_array_size(conditions) > 0)
		ok = json_object_set(policy, "allOf", conditions) == 0;
	json_decref(conditions);
	return ok;
}

static json_t *key_schema(const struct site_key *key)
{
	switch (key->kind) {
	case SITE_TEXT:
		return json_pack("{s:s, s:I, s:I}", "type", "string", "minLength",
			(json_int_t)(key->least > 0), "maxLength", (json_int_t)key->most);
	case SITE_NUMBER:
		return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
			(json_int_t)key->least, "maximum", (json_int_t)key->most);
	case SITE_FLAG:
		return json_pack("{s:s}", "type", "boolean");
	case SITE_BODY:
		return json_pack("{s:s}", "type", "object");
	case SITE_BASE64:
		return json_pack("{s:s, s:s}", "type", "string", "contentEncoding", "base64");
	case SITE_NOTE:
		return json_pack("{s:s}", "type", "string");
	case SITE_LIST:
		return json_pack("{s:s, s:{s:s+}}", "type", "array", "items", "$ref", "#/$defs/",
			key->items->name);
	}
	return NULL;
}

static bool define_object(json_t *all, const struct site_object *object);

static json_t *object_schema(json_t *all, const struct site_object *object)
{
	json_t *properties = json_object(), *required = json_array();
	bool ok = properties && required;

	for (const struct site_key *key = object->keys; ok && key->name; key++) {
		json_t *schema = key_schema(key);

		ok = schema && put(schema, "description", json_string(key->comment));
		ok = put(properties, key->name, schema) && ok &&
		     (!key->items || define_object(all, key->items));
		if (ok && key->required)
			ok = json_array_append_new(required, json_string(key->name)) == 0;
	}
	if (ok)
		return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties,
			"required", required, "additionalProperties", 0);
	json_decref(properties);
	json_decref(required);
	return NULL;
}

static bool define_object(json_t *all, const struct site_object *object)
{
	return json_object_get(all, object->name) ||
	       put(all, object->name, object_schema(all, object));
}

json_t *site_schema(const struct types *const *types, size_t n_types)
{
	json_t *all = json_object();
	json_t *schema = all ? object_schema(all, &site_document) : NULL;
	json_t *policy = json_object_get(all, "policy");
	bool ok = schema && policy &&
		  put(schema, "$schema",
			  json_string("https://json-schema.org/draft/2020-12/schema")) &&
		  put(schema, "title", json_string("Weir site")) &&
		  put(policy, "not", json_pack("{s:[s,s]}", "required", "body", "body_base64")) &&
		  add_bodies(policy, all, types, n_types) && put(schema, "$defs", json_incref(all));

	json_decref(all);
	return finish(schema, ok);
}
