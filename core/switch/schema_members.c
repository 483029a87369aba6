// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Reads the members of a descriptor: enumerations with their values, and fields.
#include "switch/schema_load.h"

#include <errno.h>
#include <stdlib.h>

enum { MAX_TOTAL_VALUES = 65536 };

// EnumValueDescriptorProto
static int read_value(const struct loader *l, struct wire_reader reader, struct schema_value *value)
{
	struct wire_field field;
	bool has_number = false;
	int ret;

	while ((ret = loader_next(l, &reader, &field)) == 1) {
		if (field.number == 1)
			ret = loader_name(l, &field, false, &value->name);
		else if (field.number == 2)
			ret = loader_int32(l, &field, &value->number);
		if (ret < 0)
			return ret;
		has_number |= field.number == 2;
	}
	if (ret < 0)
		return ret;
	return value->name && has_number ? 0
					 : loader_refuse(l, "has a value without a name or number");
}

static int compare_values(const void *a, const void *b)
{
	const struct schema_value *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int read_values(struct loader *l, struct wire_reader reader, struct schema_enum *enumeration)
{
	struct wire_field field;
	struct wire_reader nested;
	int ret = loader_count(l, reader, 2, SCHEMA_MAX_ENUM_VALUES, "values");

	if (ret < 0)
		return ret;
	l->n_values += (size_t)ret;
	if (ret == 0 || l->n_values > MAX_TOTAL_VALUES)
		return loader_refuse(l, "an enumeration must have a value, all together at most %d",
			MAX_TOTAL_VALUES);
	enumeration->values = schema_alloc(l->schema, (size_t)ret, sizeof(struct schema_value));
	if (!enumeration->values)
		return -ENOMEM;
	while ((ret = loader_next(l, &reader, &field)) == 1) {
		if (field.number != 2)
			continue;
		ret = loader_nested(l, &field, &nested);
		if (!ret)
			ret = read_value(l, nested, &enumeration->values[enumeration->n_values++]);
		if (ret)
			return ret;
	}
	qsort(enumeration->values, enumeration->n_values, sizeof(struct schema_value),
		compare_values);
	return ret;
}

// EnumDescriptorProto
int loader_enum(struct loader *l, const struct wire_field *field)
{
	const char *outer = l->scope;
	struct schema_enum *enumeration;
	struct wire_reader reader;
	int ret;

	if (l->schema->n_enums == SCHEMA_MAX_MESSAGES)
		return loader_refuse(l, "there are more than %d enumerations", SCHEMA_MAX_MESSAGES);
	enumeration = schema_alloc(l->schema, 1, sizeof(*enumeration));
	if (!enumeration)
		return -ENOMEM;
	ret = loader_nested(l, field, &reader);
	if (!ret)
		ret = loader_full_name(l, reader, &enumeration->full_name);
	if (ret)
		return ret;
	l->scope = enumeration->full_name;
	ret = read_values(l, reader, enumeration);
	l->scope = outer;
	*l->enum_tail = enumeration;
	l->enum_tail = &enumeration->next;
	l->schema->n_enums++;
	return ret;
}

static int read_field_part(
	const struct loader *l, const struct wire_field *part, struct schema_field *field)
{
	int32_t value;
	int ret;

	switch (part->number) {
	case 1:
		return loader_name(l, part, false, &field->name);
	case 6:
		if (part->type != WIRE_BYTES || !part->size || part->bytes[0] != '.')
			return loader_refuse(l, "the name of a field's type must begin with a dot");
		return loader_name(l,
			&(struct wire_field){ .type = WIRE_BYTES,
				.bytes = part->bytes + 1,
				.size = part->size - 1 },
			true, &field->type_name);
	case 8:
		return loader_options(l, part, &field->options);
	case 3:
	case 4:
	case 5:
	case 9:
		break;
	default:
		return 0;
	}
	ret = loader_int32(l, part, &value);
	if (ret)
		return ret;
	if (part->number == 3)
		field->number = (uint32_t)value;
	else if (part->number == 4)
		field->label = (enum field_label)value;
	else if (part->number == 5)
		field->type = (enum field_type)value;
	else
		field->oneof = value;
	return 0;
}

static int check_field(const struct loader *l, const struct schema_field *field)
{
	bool is_named = field->type == FIELD_MESSAGE || field->type == FIELD_ENUM;

	if (!field->name)
		return loader_refuse(l, "has a field without a name");
	if (field->number < 1 || field->number > WIRE_MAX_NUMBER)
		return loader_refuse(
			l, "the number of field %s must be 1 to %d", field->name, WIRE_MAX_NUMBER);
	if (field->type == FIELD_GROUP)
		return loader_refuse(l, "field %s is a group, which is not allowed", field->name);
	if (field->type < 1 || field->type >= N_FIELD_TYPES)
		return loader_refuse(l, "field %s has type %d, must be 1 to %d", field->name,
			(int)field->type, N_FIELD_TYPES - 1);
	if (field->label < LABEL_OPTIONAL || field->label > LABEL_REPEATED)
		return loader_refuse(
			l, "field %s must be optional, required or repeated", field->name);
	if (is_named != !!field->type_name)
		return loader_refuse(l, "field %s %s the name of a type", field->name,
			is_named ? "lacks" : "must not have");
	if (field->oneof >= 0 && field->label != LABEL_OPTIONAL)
		return loader_refuse(l, "field %s is in a oneof and must be optional", field->name);
	return 0;
}

// FieldDescriptorProto
int loader_field(const struct loader *l, struct wire_reader reader, struct schema_field *field)
{
	struct wire_field part;
	int ret;

	field->oneof = -1;
	while ((ret = loader_next(l, &reader, &part)) == 1) {
		ret = read_field_part(l, &part, field);
		if (ret)
			return ret;
		if (part.number == 9 && field->oneof < 0)
			return loader_refuse(l, "a field's oneof must not be negative");
	}
	return ret ? ret : check_field(l, field);
}
