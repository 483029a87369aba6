// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "row.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "value.h"

static json_t *bytes_json(const ProtobufCBinaryData *data)
{
	const struct catalog_field hex = { .type = CATALOG_TYPE(BYTES) };
	struct value value = { .bytes = data->data, .size = data->len };

	return value_json(&hex, &value);
}

static json_t *enum_json(const ProtobufCFieldDescriptor *field, int number)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
		field->descriptor, number);

	return value ? json_string(value->name) : json_integer(number);
}

static json_t *real_json(double real)
{
	return isfinite(real) ? json_real(real) : json_null();
}

static json_t *item_json(const ProtobufCFieldDescriptor *field, const void *item)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return json_integer(*(const int32_t *)item);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return json_integer(*(const uint32_t *)item);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return json_integer(*(const int64_t *)item);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return value_json_unsigned(*(const uint64_t *)item);
	case PROTOBUF_C_TYPE_FLOAT:
		return real_json((double)*(const float *)item);
	case PROTOBUF_C_TYPE_DOUBLE:
		return real_json(*(const double *)item);
	case PROTOBUF_C_TYPE_BOOL:
		return json_boolean(*(const protobuf_c_boolean *)item);
	case PROTOBUF_C_TYPE_ENUM:
		return enum_json(field, *(const int *)item);
	case PROTOBUF_C_TYPE_STRING: {
		const char *text = *(const char *const *)item;

		return value_json_string(text, strlen(text));
	}
	case PROTOBUF_C_TYPE_BYTES:
		return bytes_json(item);
	case PROTOBUF_C_TYPE_MESSAGE:
		return row_json(*(const ProtobufCMessage *const *)item);
	}
	return json_null();
}

static size_t item_size(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return sizeof(uint64_t);
	case PROTOBUF_C_TYPE_DOUBLE:
		return sizeof(double);
	case PROTOBUF_C_TYPE_FLOAT:
		return sizeof(float);
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return sizeof(uint32_t);
	}
}

static bool is_present(const ProtobufCFieldDescriptor *field, const uint8_t *base)
{
	const void *item = base + field->offset;
	const void *quantifier = base + field->quantifier_offset;

	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return *(const uint32_t *)quantifier == field->id;
	if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
		return *(const void *const *)item != NULL;
	return field->label == PROTOBUF_C_LABEL_REQUIRED || *(const protobuf_c_boolean *)quantifier;
}

static json_t *array_json(const ProtobufCFieldDescriptor *field, const uint8_t *base)
{
	size_t n_items = *(const size_t *)(base + field->quantifier_offset);
	const uint8_t *items = *(const uint8_t *const *)(base + field->offset);
	json_t *array = json_array();

	for (size_t i = 0; array && i < n_items; i++) {
		if (json_array_append_new(array, item_json(field, items + i * item_size(field)))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *field_json(const ProtobufCFieldDescriptor *field, const uint8_t *base)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return array_json(field, base);
	return is_present(field, base) ? item_json(field, base + field->offset) : json_null();
}

json_t *row_json(const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	json_t *object = json_object();

	for (unsigned i = 0; object && i < descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

		if (json_object_set_new(
			    object, field->name, field_json(field, (const uint8_t *)message))) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}
