// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Interprets the options of fields and refuses what a field cannot have.
#include "switch/schema_options.h"

#include <inttypes.h>

#include "weir/options.pb-c.h"

// The field options as they are written, before they are compared with the field.
struct field_options {
	uint64_t values[OPTION_KEY + 1 - OPTION_UNIT];
	bool has[OPTION_KEY + 1 - OPTION_UNIT];
};

static int read_field_options(const struct option_subject *s, struct field_options *options)
{
	struct wire_reader reader = s->field->options;
	struct wire_field option;
	int ret;

	while ((ret = option_next(s, &reader, &option)) == 1) {
		if (option.number < OPTION_UNIT || option.number > OPTION_KEY)
			return option_refuse_unknown(s, &option);
		if (option.type != WIRE_VARINT)
			return option_refuse(s, "%s must be a number", option_name(option.number));
		options->values[option.number - OPTION_UNIT] = option.value;
		options->has[option.number - OPTION_UNIT] = true;
	}
	return ret;
}

static bool is_integer(enum field_kind kind)
{
	return kind == KIND_SIGNED || kind == KIND_UNSIGNED;
}

static int apply_unit(const struct option_subject *s, struct schema_field *field, uint64_t unit)
{
	enum field_kind kind = schema_traits[field->type].kind;

	field->unit = schema_unit_name(unit);
	if (!field->unit)
		return option_refuse(s, "unit %" PRIu64 " is not known to this switch", unit);
	if (!is_integer(kind) && kind != KIND_REAL)
		return option_refuse(s, "a %s cannot have a unit", schema_traits[field->type].name);
	if (unit == WEIR__SCHEMA__UNIT__NONE)
		field->unit = NULL;
	return 0;
}

static const char *format_name(uint64_t format)
{
	return protobuf_c_enum_descriptor_get_value(&weir__schema__format__descriptor, (int)format)
		->name;
}

// A descriptor comes with the call for each such field: there has to be a call, and one place in it
// that the field's number tells.
static int apply_file(const struct option_subject *s, struct schema_field *field, uint64_t format)
{
	struct schema_type *type = s->message->type;

	field->is_file = format == WEIR__SCHEMA__FORMAT__FILE_WRITE ||
			 format == WEIR__SCHEMA__FORMAT__FILE_READ;
	if (!field->is_file)
		return 0;
	if (!type || type->role != SCHEMA_CALL)
		return option_refuse(
			s, "only a field of a call can have format %s", format_name(format));
	if (field->label == LABEL_REPEATED)
		return option_refuse(
			s, "a repeated field cannot have format %s", format_name(format));
	type->has_files = true;
	return 0;
}

static int apply_format(const struct option_subject *s, struct schema_field *field, uint64_t format)
{
	const struct field_traits *traits = &schema_traits[field->type];

	field->format = schema_format_of(format);
	if (!field->format)
		return option_refuse(s, "format %" PRIu64 " is not known to this switch", format);
	if (!(field->format->kinds & 1u << traits->kind))
		return option_refuse(
			s, "a %s cannot have format %s", traits->name, format_name(format));
	if (traits->kind == KIND_UNSIGNED && field->format->greatest &&
		field->format->greatest < field->max)
		field->max = field->format->greatest;
	field->is_prefix = format == WEIR__SCHEMA__FORMAT__PREFIX;
	field->is_port_name = format == WEIR__SCHEMA__FORMAT__PORT_NAME;
	return apply_file(s, field, format);
}

// Whether a limit lies within what the type and the format allow, with which the field begins.
static bool is_within(const struct schema_field *field, int64_t value)
{
	if (schema_traits[field->type].kind == KIND_SIGNED)
		return value >= field->min && value <= (int64_t)field->max;
	return value >= 0 && (uint64_t)value <= field->max;
}

static int apply_range(const struct option_subject *s, struct schema_field *field,
	const struct field_options *options)
{
	const uint64_t *min = &options->values[OPTION_MIN - OPTION_UNIT];
	const uint64_t *max = &options->values[OPTION_MAX - OPTION_UNIT];
	bool has_min = options->has[OPTION_MIN - OPTION_UNIT];
	bool has_max = options->has[OPTION_MAX - OPTION_UNIT];

	if (!has_min && !has_max)
		return 0;
	if (!is_integer(schema_traits[field->type].kind))
		return option_refuse(s, "a %s cannot have a least or greatest value",
			schema_traits[field->type].name);
	if (has_min && !is_within(field, (int64_t)*min))
		return option_refuse(s,
			"the least value %" PRId64 " is not one that its type can have",
			(int64_t)*min);
	if (has_max && !is_within(field, (int64_t)*max))
		return option_refuse(s,
			"the greatest value %" PRId64 " is not one that its type can have",
			(int64_t)*max);
	if (has_min && has_max && (int64_t)*min > (int64_t)*max)
		return option_refuse(s,
			"the least value %" PRId64 " is above the greatest value %" PRId64,
			(int64_t)*min, (int64_t)*max);
	if (has_min)
		field->min = (int64_t)*min;
	if (has_max)
		field->max = *max;
	return 0;
}

// Stores a limit that must be least to greatest, and that needs the field to be fit for it.
static int apply_limit(const struct option_subject *s, const struct field_options *options,
	unsigned int number, bool fits, uint32_t greatest, uint32_t *limit)
{
	uint64_t value = options->values[number - OPTION_UNIT];
	uint32_t least = number != OPTION_MIN_LENGTH;

	if (!options->has[number - OPTION_UNIT])
		return 0;
	if (!fits)
		return option_refuse(s, "%s needs %s", option_name(number),
			number == OPTION_MAX_ITEMS ? "a repeated field" : "a string or bytes");
	if (value < least || value > greatest)
		return option_refuse(s, "%s is %" PRIu64 ", must be %u to %u", option_name(number),
			value, least, greatest);
	*limit = (uint32_t)value;
	return 0;
}

static int apply_sizes(const struct option_subject *s, struct schema_field *field,
	const struct field_options *options)
{
	enum field_kind kind = schema_traits[field->type].kind;
	bool has_length = kind == KIND_STRING || kind == KIND_BYTES;
	int ret = apply_limit(
		s, options, OPTION_MAX_LENGTH, has_length, SCHEMA_MAX_LENGTH, &field->max_length);

	if (!ret)
		ret = apply_limit(s, options, OPTION_MIN_LENGTH, has_length, SCHEMA_MAX_LENGTH,
			&field->min_length);
	if (!ret && field->min_length > field->max_length)
		return option_refuse(s, "the least length %u is above the greatest length %u",
			field->min_length, field->max_length);
	if (!ret)
		ret = apply_limit(s, options, OPTION_MAX_ITEMS, field->label == LABEL_REPEATED,
			SCHEMA_MAX_ITEMS, &field->max_items);
	return ret;
}

static int apply_key(const struct option_subject *s, struct schema_field *field, uint64_t value)
{
	const struct schema_type *type = s->message->type;

	if (!value)
		return 0;
	if (value > 1)
		return option_refuse(s, "(weir.key) is %" PRIu64 ", must be 0 or 1", value);
	if (field->label == LABEL_REPEATED || field->type == FIELD_MESSAGE)
		return option_refuse(s, "a field that is repeated or a message cannot be a key");
	if (!type || type->role != SCHEMA_POLICY)
		return option_refuse(s, "only a field of a policy can be a key");
	field->key = true;
	s->message->type->has_key = true;
	return 0;
}

int option_apply_field(const struct option_subject *s, struct schema_field *field)
{
	struct field_options options = { .has = { false } };
	int ret = read_field_options(s, &options);

	field->min = schema_traits[field->type].min;
	field->max = schema_traits[field->type].max;
	field->max_length = SCHEMA_MAX_LENGTH;
	field->max_items = SCHEMA_MAX_ITEMS;
	field->format = schema_format_of(WEIR__SCHEMA__FORMAT__PLAIN);
	if (!ret && options.has[OPTION_UNIT - OPTION_UNIT])
		ret = apply_unit(s, field, options.values[OPTION_UNIT - OPTION_UNIT]);
	if (!ret && options.has[OPTION_FORMAT - OPTION_UNIT])
		ret = apply_format(s, field, options.values[OPTION_FORMAT - OPTION_UNIT]);
	if (!ret)
		ret = apply_range(s, field, &options);
	if (!ret)
		ret = apply_sizes(s, field, &options);
	if (!ret)
		ret = apply_key(s, field, options.values[OPTION_KEY - OPTION_UNIT]);
	return ret;
}
