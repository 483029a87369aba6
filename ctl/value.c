// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "value.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "quantity.h"

enum pack_type value_wire_type(const struct catalog_field *field)
{
	switch (field->type) {
	case CATALOG_TYPE(DOUBLE):
	case CATALOG_TYPE(FIXED64):
	case CATALOG_TYPE(SFIXED64):
		return PACK_FIXED64;
	case CATALOG_TYPE(FLOAT):
	case CATALOG_TYPE(FIXED32):
	case CATALOG_TYPE(SFIXED32):
		return PACK_FIXED32;
	case CATALOG_TYPE(STRING):
	case CATALOG_TYPE(BYTES):
	case CATALOG_TYPE(MESSAGE):
		return PACK_BYTES;
	default:
		return PACK_VARINT;
	}
}

static bool is_zigzag(const struct catalog_field *field)
{
	return field->type == CATALOG_TYPE(SINT32) || field->type == CATALOG_TYPE(SINT64);
}

static uint64_t to_zigzag(uint64_t number)
{
	return number << 1 ^ (number >> 63 ? UINT64_MAX : 0);
}

static uint64_t from_zigzag(uint64_t number)
{
	return number >> 1 ^ (number & 1 ? UINT64_MAX : 0);
}

static uint64_t real_bits(const struct catalog_field *field, double real)
{
	float single = (float)real;
	uint64_t bits = 0;

	if (field->type == CATALOG_TYPE(FLOAT)) {
		uint32_t half;

		memcpy(&half, &single, sizeof(half));
		return half;
	}
	memcpy(&bits, &real, sizeof(bits));
	return bits;
}

static bool is_real(const struct catalog_field *field)
{
	return field->type == CATALOG_TYPE(DOUBLE) || field->type == CATALOG_TYPE(FLOAT);
}

void value_pack(const struct catalog_field *field, const struct value *value, struct packer *out)
{
	uint64_t bits = is_real(field) ? real_bits(field, value->real) : value->number;

	switch (value_wire_type(field)) {
	case PACK_VARINT:
		pack_varint(out, is_zigzag(field) ? to_zigzag(bits) : bits);
		break;
	case PACK_FIXED64:
		pack_fixed64(out, bits);
		break;
	case PACK_FIXED32:
		pack_fixed32(out, (uint32_t)bits);
		break;
	case PACK_BYTES:
		pack_bytes(out, value->bytes, value->size);
		break;
	}
}

void value_unpack(
	const struct catalog_field *field, const struct unpacked *wire, struct value *value)
{
	*value = (struct value){ .number = wire->value, .bytes = wire->bytes, .size = wire->size };
	switch (field->type) {
	case CATALOG_TYPE(SINT32):
	case CATALOG_TYPE(SINT64):
		value->number = from_zigzag(wire->value);
		break;
	case CATALOG_TYPE(SFIXED32):
	case CATALOG_TYPE(INT32):
	case CATALOG_TYPE(ENUM):
		value->number = (uint64_t)(int32_t)wire->value;
		break;
	case CATALOG_TYPE(FLOAT): {
		uint32_t half = (uint32_t)wire->value;
		float single;

		memcpy(&single, &half, sizeof(single));
		value->real = (double)single;
		break;
	}
	case CATALOG_TYPE(DOUBLE):
		memcpy(&value->real, &wire->value, sizeof(value->real));
		break;
	default:
		break;
	}
}

static bool is_signed(const struct catalog_field *field)
{
	switch (field->type) {
	case CATALOG_TYPE(INT32):
	case CATALOG_TYPE(SINT32):
	case CATALOG_TYPE(SFIXED32):
	case CATALOG_TYPE(INT64):
	case CATALOG_TYPE(SINT64):
	case CATALOG_TYPE(SFIXED64):
		return true;
	default:
		return false;
	}
}

static const char *enum_name(const struct catalog_field *field, int32_t number)
{
	const Google__Protobuf__EnumDescriptorProto *names = field->enumeration;

	for (size_t i = 0; i < names->n_value; i++) {
		if (names->value[i]->number == number)
			return names->value[i]->name;
	}
	return NULL;
}

static void put_enum(const struct catalog_field *field, int32_t number, FILE *out)
{
	const char *name = enum_name(field, number);

	if (!name)
		fprintf(out, "%" PRId32, number); // from a younger extension than the schema
	for (; name && *name; name++)
		fputc(tolower((unsigned char)*name), out);
}

static void put_bytes(const struct catalog_field *field, const struct value *value, FILE *out)
{
	switch (field->format) {
	case WEIR__SCHEMA__FORMAT__IPV4:
	case WEIR__SCHEMA__FORMAT__IPV6:
	case WEIR__SCHEMA__FORMAT__ADDRESS:
	case WEIR__SCHEMA__FORMAT__MAC:
		if (address_put(value->bytes, value->size, out))
			return;
		break;
	default:
		break;
	}
	for (size_t i = 0; i < value->size; i++)
		fprintf(out, "%02x", value->bytes[i]);
}

static void put_real(const struct catalog_field *field, double real, FILE *out)
{
	char text[40];

	// The fewest digits that read back as the same number.
	for (int digits = 6; digits <= 17; digits++) {
		double back;

		snprintf(text, sizeof(text), "%.*g", digits, real);
		back = strtod(text, NULL);
		if (real_bits(field, back) == real_bits(field, real))
			break;
	}
	fputs(text, out);
}

static bool is_address_number(const struct catalog_field *field)
{
	return field->format == WEIR__SCHEMA__FORMAT__IPV4 && value_wire_type(field) != PACK_BYTES;
}

static void put_number(const struct catalog_field *field, uint64_t number, FILE *out)
{
	if (is_address_number(field)) {
		const uint8_t bytes[] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16),
			(uint8_t)(number >> 8), (uint8_t)number };

		address_put(bytes, sizeof(bytes), out);
	} else {
		quantity_put(field, is_signed(field) ? (wide)(int64_t)number : (wide)number, out);
	}
}

void value_put(const struct catalog_field *field, const struct value *value, FILE *out)
{
	switch (field->type) {
	case CATALOG_TYPE(BOOL):
		fputs(value->number ? "true" : "false", out);
		break;
	case CATALOG_TYPE(ENUM):
		put_enum(field, (int32_t)value->number, out);
		break;
	case CATALOG_TYPE(STRING):
		fwrite(value->bytes, 1, value->size, out);
		break;
	case CATALOG_TYPE(BYTES):
		put_bytes(field, value, out);
		break;
	case CATALOG_TYPE(DOUBLE):
	case CATALOG_TYPE(FLOAT):
		put_real(field, value->real, out);
		break;
	default:
		put_number(field, value->number, out);
	}
}

json_t *value_json_unsigned(uint64_t number)
{
	if (number > INT64_MAX)
		return json_real((double)number);
	return json_integer((json_int_t)number);
}

json_t *value_json_string(const void *bytes, size_t size)
{
	json_t *string = json_stringn(size ? bytes : "", size);
	char *copy;

	if (string)
		return string;
	copy = malloc(size + 1);
	if (!copy)
		return NULL;
	for (size_t i = 0; i < size; i++)
		copy[i] = ((const char *)bytes)[i] & 0x80 ? '?' : ((const char *)bytes)[i];
	string = json_stringn(copy, size);
	free(copy);
	return string;
}

// What is a string in JSON looks there as it does to people.
static json_t *text_json(const struct catalog_field *field, const struct value *value)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	json_t *json = NULL;

	if (!out)
		return NULL;
	value_put(field, value, out);
	if (fclose(out) == 0)
		json = value_json_string(text, size);
	free(text);
	return json;
}

json_t *value_json(const struct catalog_field *field, const struct value *value)
{
	switch (field->type) {
	case CATALOG_TYPE(BOOL):
		return json_boolean(value->number != 0);
	case CATALOG_TYPE(ENUM):
	case CATALOG_TYPE(STRING):
	case CATALOG_TYPE(BYTES):
		return text_json(field, value);
	case CATALOG_TYPE(DOUBLE):
	case CATALOG_TYPE(FLOAT):
		return isfinite(value->real) ? json_real(value->real) : json_null();
	default:
		if (is_address_number(field))
			return text_json(field, value);
		return is_signed(field) ? json_integer((json_int_t)value->number)
					: value_json_unsigned(value->number);
	}
}

json_t *value_json_exact(const struct catalog_field *field, const struct value *value)
{
	bool is_integer = !is_real(field) && value_wire_type(field) != PACK_BYTES;

	if (is_integer && !is_signed(field) && value->number > INT64_MAX)
		return text_json(field, value);
	return value_json(field, value);
}

// A time stays a number, because the table it stands in writes it as one.
json_t *value_json_text(const struct catalog_field *field, const struct value *value)
{
	bool is_plain = field->format == WEIR__SCHEMA__FORMAT__PLAIN;

	return is_plain ? value_json(field, value) : text_json(field, value);
}
