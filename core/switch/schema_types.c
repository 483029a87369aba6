// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Interprets the options of messages: which of them users can name, and how.
#include "switch/schema_options.h"

#include <inttypes.h>
#include <string.h>

#include "weir/options.pb-c.h"

_Static_assert(SCHEMA_POLICY == (int)WEIR__SCHEMA__ROLE__POLICY &&
		       SCHEMA_STATUS == (int)WEIR__SCHEMA__ROLE__STATUS &&
		       SCHEMA_CALL == (int)WEIR__SCHEMA__ROLE__CALL &&
		       SCHEMA_REPLY == (int)WEIR__SCHEMA__ROLE__REPLY,
	"the roles of options.proto and schema.h differ");

enum { MAX_TYPE_NAME = 32 };

const char *option_name(uint32_t number)
{
	static const struct {
		uint32_t number;
		const char *name;
	} names[] = {
		{ OPTION_ROLE, "(weir.role)" },
		{ OPTION_TYPE, "(weir.type)" },
		{ OPTION_TARGET, "(weir.target)" },
		{ OPTION_UNIT, "(weir.unit)" },
		{ OPTION_FORMAT, "(weir.format)" },
		{ OPTION_MIN, "(weir.min)" },
		{ OPTION_MAX, "(weir.max)" },
		{ OPTION_MAX_LENGTH, "(weir.max_length)" },
		{ OPTION_MIN_LENGTH, "(weir.min_length)" },
		{ OPTION_MAX_ITEMS, "(weir.max_items)" },
		{ OPTION_KEY, "(weir.key)" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == number)
			return names[i].name;
	return "an unknown option";
}

int option_next(
	const struct option_subject *s, struct wire_reader *options, struct wire_field *option)
{
	int ret;

	do {
		ret = wire_next(options, option);
	} while (ret == 1 && (option->number < OPTIONS_FIRST || option->number > OPTIONS_LAST));
	return ret < 0 ? option_refuse(s, "the list of options %s", options->problem) : ret;
}

int option_refuse_unknown(const struct option_subject *s, const struct wire_field *option)
{
	return option_refuse(s, "option %u is not one that a %s can have in this version",
		option->number, s->field ? "field" : "message");
}

static int read_type_name(
	const struct option_subject *s, const struct wire_field *option, struct schema_type *type)
{
	char *name;

	if (option->type != WIRE_BYTES || !option->size || option->size > MAX_TYPE_NAME)
		goto refused;
	for (size_t i = 0; i < option->size; i++) {
		uint8_t c = option->bytes[i];

		if ((c < 'a' || c > 'z') && (!i || (c != '-' && (c < '0' || c > '9'))))
			goto refused;
	}
	name = schema_alloc(s->schema, option->size + 1, 1);
	if (!name)
		return -ENOMEM;
	memcpy(name, option->bytes, option->size);
	type->name = name;
	return 0;

refused:
	return option_refuse(s,
		"its type must be 1 to %d lower-case letters, digits and hyphens, beginning with a "
		"letter",
		MAX_TYPE_NAME);
}

static int add_target(const struct option_subject *s, uint64_t target, struct schema_type *type)
{
	if (target == WEIR__SCHEMA__TARGET__PORT)
		type->on_port = true;
	else if (target == WEIR__SCHEMA__TARGET__SWITCH)
		type->on_switch = true;
	else
		return option_refuse(s, "target %" PRIu64 " is not known to this switch", target);
	return 0;
}

static int read_targets(
	const struct option_subject *s, const struct wire_field *option, struct schema_type *type)
{
	struct wire_reader packed;
	uint64_t target;
	int ret;

	if (option->type == WIRE_VARINT)
		return add_target(s, option->value, type);
	if (option->type != WIRE_BYTES)
		return option_refuse(s, "%s must be a number", option_name(option->number));
	packed = wire_read(option->bytes, option->size);
	while ((ret = wire_next_item(&packed, WIRE_VARINT, &target)) == 1) {
		ret = add_target(s, target, type);
		if (ret)
			return ret;
	}
	return ret ? option_refuse(s, "the list of targets %s", packed.problem) : 0;
}

static int read_role(
	const struct option_subject *s, const struct wire_field *option, struct schema_type *type)
{
	if (option->type != WIRE_VARINT || option->value < SCHEMA_POLICY ||
		option->value > SCHEMA_REPLY)
		return option_refuse(s, "its role is not known to this switch");
	type->role = (enum schema_role)option->value;
	return 0;
}

static int read_message_options(
	const struct option_subject *s, struct schema_type *type, bool *has_any)
{
	struct wire_reader reader = s->message->options;
	struct wire_field option;
	int ret;

	while ((ret = option_next(s, &reader, &option)) == 1) {
		if (option.number == OPTION_ROLE)
			ret = read_role(s, &option, type);
		else if (option.number == OPTION_TYPE)
			ret = read_type_name(s, &option, type);
		else if (option.number == OPTION_TARGET)
			ret = read_targets(s, &option, type);
		else
			ret = option_refuse_unknown(s, &option);
		if (ret)
			return ret;
		*has_any = true;
	}
	return ret;
}

static const struct schema_type *find_type(
	const struct weir_schema *schema, enum schema_role role, const char *name)
{
	for (size_t i = 0; i < schema->n_types; i++)
		if (schema->types[i]->role == role && !strcmp(schema->types[i]->name, name))
			return schema->types[i];
	return NULL;
}

static int check_type(const struct option_subject *s, const struct schema_type *type)
{
	const struct schema_type *other;

	if (!type->role)
		return option_refuse(s, "has a type or target without a role");
	if (!type->name)
		return option_refuse(s, "has a role without a type");
	if (s->message->is_nested)
		return option_refuse(s, "a message within another cannot have a role");
	if (type->role == SCHEMA_POLICY && !type->on_port && !type->on_switch)
		return option_refuse(s, "a policy must have a target");
	if (s->schema->n_types == SCHEMA_MAX_TYPES)
		return option_refuse(
			s, "there are more than %d messages with a role", SCHEMA_MAX_TYPES);
	other = find_type(s->schema, type->role, type->name);
	if (other)
		return option_refuse(s, "has the same role and type \"%s\" as %s", type->name,
			other->message_name);
	return 0;
}

static int apply_message_options(const struct option_subject *s, struct schema_message *message)
{
	struct schema_type *type = schema_alloc(s->schema, 1, sizeof(*type));
	bool has_any = false;
	int ret = type ? read_message_options(s, type, &has_any) : -ENOMEM;

	if (ret || !has_any)
		return ret;
	ret = check_type(s, type);
	if (ret)
		return ret;
	type->message = message;
	type->message_name = message->full_name;
	message->type = type;
	s->schema->types[s->schema->n_types++] = type;
	return 0;
}

static int check_replies(struct weir_schema *schema, struct weir_error *error)
{
	for (size_t i = 0; i < schema->n_types; i++) {
		const struct schema_type *type = schema->types[i];
		const struct option_subject s = { schema, error, type->message, NULL };

		if (type->role == SCHEMA_REPLY && !find_type(schema, SCHEMA_CALL, type->name))
			return option_refuse(
				&s, "there is no call of type \"%s\" that it answers", type->name);
	}
	return 0;
}

// Files belong to the top level of a call, so that a call with files is no part of a message.
static int check_files(struct weir_schema *schema, struct weir_error *error)
{
	for (const struct schema_message *m = schema->messages; m; m = m->next) {
		for (size_t i = 0; i < m->n_fields; i++) {
			const struct schema_message *part = m->fields[i].message;
			const struct option_subject s = { schema, error, m, &m->fields[i] };

			if (part && part->type && part->type->has_files)
				return option_refuse(&s,
					"%s names files, and can only be a call of its own",
					part->full_name);
		}
	}
	return 0;
}

int schema_apply_options(struct weir_schema *schema, struct weir_error *error)
{
	schema->types = schema_alloc(schema, SCHEMA_MAX_TYPES, sizeof(*schema->types));
	if (!schema->types)
		return -ENOMEM;
	for (struct schema_message *message = schema->messages; message; message = message->next) {
		struct option_subject s = { schema, error, message, NULL };
		int ret = apply_message_options(&s, message);

		for (size_t i = 0; !ret && i < message->n_fields; i++) {
			s.field = &message->fields[i];
			ret = option_apply_field(&s, &message->fields[i]);
		}
		if (ret)
			return ret;
	}
	if (check_files(schema, error) < 0)
		return -EINVAL;
	return check_replies(schema, error);
}
