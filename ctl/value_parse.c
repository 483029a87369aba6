// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "quantity.h"

// What every refusal of a value has in common.
struct subject {
	const struct catalog_field *field;
	const char *path;
	const char *text;
	struct ctl_error *error;
};

static int refuse(const struct subject *s, const char *expected)
{
	return ctl_fail(s->error, CTL_REFUSED, "%s \"%s\": must be %s", s->path, s->text, expected);
}

struct value_range value_range(const struct catalog_field *field)
{
	struct value_range range;

	switch (field->type) {
	case CATALOG_TYPE(INT32):
	case CATALOG_TYPE(SINT32):
	case CATALOG_TYPE(SFIXED32):
		range = (struct value_range){ INT32_MIN, INT32_MAX };
		break;
	case CATALOG_TYPE(UINT32):
	case CATALOG_TYPE(FIXED32):
		range = (struct value_range){ 0, UINT32_MAX };
		break;
	case CATALOG_TYPE(UINT64):
	case CATALOG_TYPE(FIXED64):
		range = (struct value_range){ 0, UINT64_MAX };
		break;
	default:
		range = (struct value_range){ INT64_MIN, INT64_MAX };
	}
	if (field->has_min && field->min > range.least)
		range.least = field->min;
	if (field->has_max && field->max < range.most)
		range.most = field->max;
	return range;
}

// The limits as the user would write them, with the unit unless they have one.
static int refuse_range(const struct subject *s, const struct value_range *range)
{
	const char *unit = catalog_unit_name(s->field);
	char text[256] = "";
	size_t size;
	FILE *out = fmemopen(text, sizeof(text), "w");

	if (!out)
		return ctl_fail_memory(s->error);
	quantity_put(s->field, range->least, out);
	fputs(" to ", out);
	quantity_put(s->field, range->most, out);
	fclose(out);
	size = strlen(text);
	if (*unit && size > 0 && isdigit((unsigned char)text[size - 1]))
		snprintf(text + size, sizeof(text) - size, " %s", unit);
	return refuse(s, text);
}

// Where one may take two numbers and all between them for a value.
static bool is_range(const char *text)
{
	size_t n = strspn(text, "0123456789");

	return n > 0 && text[n] == '-' && isdigit((unsigned char)text[n + 1]) &&
	       text[n + 1 + strspn(text + n + 1, "0123456789")] == '\0';
}

static int refuse_number(const struct subject *s)
{
	const char *expected = quantity_expected(s->field);

	if (is_range(s->text))
		return ctl_fail(s->error, CTL_REFUSED,
			"%s \"%s\": must be %s; a range is not taken", s->path, s->text, expected);
	return refuse(s, expected);
}

static int parse_number(const struct subject *s, struct value *value)
{
	struct value_range range = value_range(s->field);
	struct quantity quantity;
	wide number;

	if (s->field->format == WEIR__SCHEMA__FORMAT__IPV4) {
		uint8_t b[4];

		if (!address_parse_ipv4(s->text, b))
			return refuse(s, "an IPv4 address such as 192.0.2.1");
		value->number = (uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 |
				b[3];
		return 0;
	}
	if (quantity_is_ambiguous(s->field, s->text))
		return refuse(s,
			"in bits per second, as 10mbit: by bps some mean bits, and tc means bytes, "
			"of which 1 is 8bit");
	if (!quantity_parse(s->field, s->text, &quantity))
		return refuse_number(s);
	number = quantity.numerator / quantity.denominator;
	if (number * quantity.denominator != quantity.numerator) {
		const char *unit = catalog_unit_name(s->field);

		return ctl_fail(s->error, CTL_REFUSED, "%s \"%s\": must be a whole number%s%s",
			s->path, s->text, *unit ? " of " : "", unit);
	}
	if (number < range.least || number > range.most)
		return refuse_range(s, &range);
	value->number = (uint64_t)number;
	return 0;
}

static int parse_real(const struct subject *s, struct value *value)
{
	struct quantity quantity;
	char *end;

	// A plain number may have an exponent, or be -0; what has a unit is a quantity.
	value->real = strtod(s->text, &end);
	if (end == s->text || *end || isspace((unsigned char)*s->text)) {
		if (!quantity_parse(s->field, s->text, &quantity))
			return refuse(s, quantity_expected(s->field));
		value->real = (double)quantity.numerator / (double)quantity.denominator;
	}
	if (!isfinite(value->real) ||
		(s->field->type == CATALOG_TYPE(FLOAT) && fabs(value->real) > (double)FLT_MAX))
		return refuse(s, "a finite number that the field's type can hold");
	return 0;
}

static int parse_bool(const struct subject *s, struct value *value)
{
	static const char *const words[][2] = { { "false", "true" }, { "no", "yes" },
		{ "off", "on" }, { "0", "1" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		for (unsigned answer = 0; answer < 2; answer++) {
			if (strcasecmp(s->text, words[i][answer]) == 0) {
				value->number = answer;
				return 0;
			}
		}
	}
	return refuse(s, "true or false");
}

// Names are compared without case, and with - for _, as people write words.
static bool same_word(const char *name, const char *text)
{
	for (; *name && *text; name++, text++) {
		if (tolower((unsigned char)*name) != tolower((unsigned char)*text) &&
			!(*name == '_' && *text == '-'))
			return false;
	}
	return *name == *text;
}

static int refuse_enum(const struct subject *s)
{
	const Google__Protobuf__EnumDescriptorProto *names = s->field->enumeration;
	char text[512] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	if (!out)
		return ctl_fail_memory(s->error);
	fputs(names->n_value > 1 ? "one of " : "", out);
	for (size_t i = 0; i < names->n_value; i++) {
		fputs(i > 0 ? ", " : "", out);
		for (const char *c = names->value[i]->name; *c; c++)
			fputc(tolower((unsigned char)*c), out);
	}
	fclose(out);
	text[sizeof(text) - 1] = '\0';
	return refuse(s, text);
}

static int parse_enum(const struct subject *s, struct value *value)
{
	const Google__Protobuf__EnumDescriptorProto *names = s->field->enumeration;
	const Google__Protobuf__EnumValueDescriptorProto *found = NULL;

	for (size_t i = 0; i < names->n_value; i++) {
		if (strcmp(names->value[i]->name, s->text) == 0) {
			found = names->value[i];
			break;
		}
		if (!found && same_word(names->value[i]->name, s->text))
			found = names->value[i];
	}
	if (!found)
		return refuse_enum(s);
	value->number = (uint64_t)(int64_t)found->number;
	return 0;
}

static int check_length(const struct subject *s, size_t size)
{
	const struct catalog_field *field = s->field;

	if (size >= field->min_length && size <= field->max_length)
		return 0;
	if (field->max_length == UINT32_MAX)
		return ctl_fail(s->error, CTL_REFUSED,
			"%s \"%s\": must be at least %" PRIu32 " bytes long", s->path, s->text,
			field->min_length);
	return ctl_fail(s->error, CTL_REFUSED,
		"%s \"%s\": must be %" PRIu32 " to %" PRIu32 " bytes long", s->path, s->text,
		field->min_length, field->max_length);
}

static int parse_string(const struct subject *s, struct value *value)
{
	const char *expected;
	json_t *probe;

	if (s->field->format == WEIR__SCHEMA__FORMAT__PREFIX) {
		expected = address_check_prefix(s->text);
		if (expected)
			return refuse(s, expected);
	}
	probe = json_string(s->text); // NULL for what is not UTF-8
	if (!probe)
		return refuse(s, "UTF-8 text");
	json_decref(probe);
	value->bytes = (const uint8_t *)s->text;
	value->size = strlen(s->text);
	return check_length(s, value->size);
}

static size_t parse_address(const struct subject *s, uint8_t bytes[ADDRESS_MAX])
{
	size_t size;

	switch (s->field->format) {
	case WEIR__SCHEMA__FORMAT__IPV4:
		return address_parse_ipv4(s->text, bytes);
	case WEIR__SCHEMA__FORMAT__IPV6:
		return address_parse_ipv6(s->text, bytes);
	case WEIR__SCHEMA__FORMAT__MAC:
		return address_parse_mac(s->text, bytes);
	default:
		size = address_parse_ipv4(s->text, bytes);
		return size ? size : address_parse_ipv6(s->text, bytes);
	}
}

static const char *expected_address(const struct catalog_field *field)
{
	switch (field->format) {
	case WEIR__SCHEMA__FORMAT__IPV4:
		return "an IPv4 address such as 192.0.2.1";
	case WEIR__SCHEMA__FORMAT__IPV6:
		return "an IPv6 address such as 2001:db8::1";
	case WEIR__SCHEMA__FORMAT__MAC:
		return "a MAC address such as 02:00:5e:10:00:01";
	case WEIR__SCHEMA__FORMAT__ADDRESS:
		return "an IPv4 or IPv6 address such as 192.0.2.1 or 2001:db8::1";
	default:
		return NULL;
	}
}

static int parse_hex(const struct subject *s, struct value *value)
{
	size_t n_digits = strlen(s->text);

	if (n_digits % 2 || strspn(s->text, "0123456789abcdefABCDEF") != n_digits)
		return refuse(s, "bytes as pairs of hexadecimal digits such as 00ff");
	value->owned = malloc(n_digits / 2 + 1);
	if (!value->owned)
		return ctl_fail_memory(s->error);
	for (size_t i = 0; i < n_digits / 2; i++) {
		char pair[] = { s->text[2 * i], s->text[2 * i + 1], '\0' };

		value->owned[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	value->bytes = value->owned;
	value->size = n_digits / 2;
	return check_length(s, value->size);
}

static int parse_bytes(const struct subject *s, struct value *value)
{
	const char *expected = expected_address(s->field);

	if (!expected)
		return parse_hex(s, value);
	value->owned = malloc(ADDRESS_MAX);
	if (!value->owned)
		return ctl_fail_memory(s->error);
	value->bytes = value->owned;
	value->size = parse_address(s, value->owned);
	return value->size ? 0 : refuse(s, expected);
}

int value_parse(const struct catalog_field *field, const char *path, const char *text,
	struct value *value, struct ctl_error *error)
{
	struct subject s = { field, path, text, error };

	*value = (struct value){ 0 };
	switch (field->type) {
	case CATALOG_TYPE(DOUBLE):
	case CATALOG_TYPE(FLOAT):
		return parse_real(&s, value);
	case CATALOG_TYPE(BOOL):
		return parse_bool(&s, value);
	case CATALOG_TYPE(ENUM):
		return parse_enum(&s, value);
	case CATALOG_TYPE(STRING):
		return parse_string(&s, value);
	case CATALOG_TYPE(BYTES):
		return parse_bytes(&s, value);
	default:
		return parse_number(&s, value);
	}
}

void value_fini(struct value *value)
{
	free(value->owned);
	value->owned = NULL;
}
