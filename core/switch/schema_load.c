// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Reads a FileDescriptorSet: its files and their messages.
#include "switch/schema_load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_NAME = 128,      // bytes of one identifier
	MAX_FULL_NAME = 512, // bytes of a name with its packages and outer messages
	MAX_TOTAL_FIELDS = 32768,
};

static int refuse_wire(const struct loader *l, const struct wire_reader *reader)
{
	return loader_refuse(l, "the descriptor %s", reader->problem);
}

int loader_next(const struct loader *l, struct wire_reader *reader, struct wire_field *field)
{
	int ret = wire_next(reader, field);

	return ret < 0 ? refuse_wire(l, reader) : ret;
}

int loader_nested(
	const struct loader *l, const struct wire_field *field, struct wire_reader *reader)
{
	if (field->type != WIRE_BYTES)
		return loader_refuse(
			l, "field %u of the descriptor must be a message", field->number);
	*reader = wire_read(field->bytes, field->size);
	return 0;
}

// Options are merged when given twice, which no compiler does: one place to look at is enough.
int loader_options(
	const struct loader *l, const struct wire_field *field, struct wire_reader *reader)
{
	if (reader->next)
		return loader_refuse(l, "options are given twice");
	return loader_nested(l, field, reader);
}

int loader_int32(const struct loader *l, const struct wire_field *field, int32_t *value)
{
	int64_t number = (int64_t)field->value;

	if (field->type != WIRE_VARINT || number < INT32_MIN || number > INT32_MAX)
		return loader_refuse(
			l, "field %u of the descriptor must be a number of 32 bits", field->number);
	*value = (int32_t)number;
	return 0;
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Identifiers, separated by dots if allowed.
static bool is_name(const uint8_t *bytes, size_t size, bool dotted)
{
	bool begins = true;

	for (size_t i = 0; i < size; i++) {
		if (dotted && !begins && bytes[i] == '.') {
			begins = true;
			continue;
		}
		if (!is_letter(bytes[i]) && (begins || bytes[i] < '0' || bytes[i] > '9'))
			return false;
		begins = false;
	}
	return !begins;
}

int loader_name(
	const struct loader *l, const struct wire_field *field, bool dotted, const char **name)
{
	char *copy;

	if (field->type != WIRE_BYTES || field->size > (dotted ? MAX_FULL_NAME : MAX_NAME) ||
		!is_name(field->bytes, field->size, dotted))
		return loader_refuse(l, "a name must be an identifier of at most %d bytes",
			dotted ? MAX_FULL_NAME : MAX_NAME);
	copy = schema_alloc(l->schema, field->size + 1, 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, field->bytes, field->size);
	*name = copy;
	return 0;
}

static int join_names(const struct loader *l, const char *name, const char **full_name)
{
	size_t scope_size = strlen(l->scope);
	size_t size = scope_size + strlen(name) + 2;
	char *joined;

	if (size > MAX_FULL_NAME)
		return loader_refuse(
			l, "the name of what is in it is longer than %d bytes", MAX_FULL_NAME);
	joined = schema_alloc(l->schema, size, 1);
	if (!joined)
		return -ENOMEM;
	snprintf(joined, size, "%s%s%s", l->scope, scope_size ? "." : "", name);
	*full_name = joined;
	return 0;
}

// The name of a message or enumeration stands in its field 1; it is needed before the rest.
int loader_full_name(const struct loader *l, struct wire_reader reader, const char **full_name)
{
	const char *name = NULL;
	struct wire_field field;
	int ret;

	while ((ret = loader_next(l, &reader, &field)) == 1) {
		if (field.number == 1)
			ret = loader_name(l, &field, false, &name);
		if (ret < 0)
			return ret;
	}
	if (ret < 0)
		return ret;
	return name ? join_names(l, name, full_name)
		    : loader_refuse(l, "holds something without a name");
}

int loader_count(const struct loader *l, struct wire_reader reader, uint32_t number, int max,
	const char *what)
{
	struct wire_field field;
	int n = 0, ret;

	while ((ret = loader_next(l, &reader, &field)) == 1)
		n += field.number == number;
	if (ret < 0)
		return ret;
	return n <= max ? n : loader_refuse(l, "has %d %s, at most %d are allowed", n, what, max);
}

static int compare_fields(const void *a, const void *b)
{
	const struct schema_field *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int check_unique_fields(const struct loader *l, const struct schema_message *message)
{
	const struct schema_field *fields = message->fields;

	for (size_t i = 0; i < message->n_fields; i++) {
		if (i && fields[i].number == fields[i - 1].number)
			return loader_refuse(l, "fields %s and %s have the same number %u",
				fields[i - 1].name, fields[i].name, fields[i].number);
		if (fields[i].oneof >= (int)message->n_oneofs)
			return loader_refuse(
				l, "field %s is in a oneof that there is not", fields[i].name);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(fields[i].name, fields[k].name))
				return loader_refuse(l, "has two fields %s", fields[i].name);
	}
	return 0;
}

// OneofDescriptorProto
static int read_oneof(
	const struct loader *l, const struct wire_field *part, struct schema_message *message)
{
	const char **name = &message->oneofs[message->n_oneofs++];
	struct wire_reader reader;
	struct wire_field field;
	int ret = loader_nested(l, part, &reader);

	if (ret)
		return ret;
	while ((ret = loader_next(l, &reader, &field)) == 1) {
		if (field.number == 1)
			ret = loader_name(l, &field, false, name);
		if (ret < 0)
			return ret;
	}
	if (!ret && !*name)
		return loader_refuse(l, "has a oneof without a name");
	return ret;
}

static int read_message(struct loader *l, const struct wire_field *part);

static int read_message_part(
	struct loader *l, const struct wire_field *part, struct schema_message *message)
{
	struct wire_reader nested;
	int ret;

	switch (part->number) {
	case 2:
		ret = loader_nested(l, part, &nested);
		if (ret)
			return ret;
		return loader_field(l, nested, &message->fields[message->n_fields++]);
	case 3:
		return read_message(l, part);
	case 4:
		return loader_enum(l, part);
	case 7:
		return loader_options(l, part, &message->options);
	case 8:
		return read_oneof(l, part, message);
	default:
		return 0;
	}
}

static int alloc_members(
	struct loader *l, struct wire_reader reader, struct schema_message *message)
{
	int n_fields = loader_count(l, reader, 2, SCHEMA_MAX_FIELDS, "fields");
	int n_oneofs = loader_count(l, reader, 8, SCHEMA_MAX_ONEOFS, "oneofs");

	if (n_fields < 0 || n_oneofs < 0)
		return n_fields < 0 ? n_fields : n_oneofs;
	l->n_fields += (size_t)n_fields;
	if (l->n_fields > MAX_TOTAL_FIELDS)
		return loader_refuse(l, "there are more than %d fields", MAX_TOTAL_FIELDS);
	message->fields = schema_alloc(l->schema, (size_t)n_fields, sizeof(*message->fields));
	message->oneofs = schema_alloc(l->schema, (size_t)n_oneofs, sizeof(*message->oneofs));
	return message->fields && message->oneofs ? 0 : -ENOMEM;
}

static int read_members(struct loader *l, struct wire_reader reader, struct schema_message *message)
{
	struct wire_field part;
	int ret = alloc_members(l, reader, message);

	if (ret)
		return ret;
	while ((ret = loader_next(l, &reader, &part)) == 1) {
		ret = read_message_part(l, &part, message);
		if (ret)
			return ret;
	}
	if (ret)
		return ret;
	qsort(message->fields, message->n_fields, sizeof(*message->fields), compare_fields);
	return check_unique_fields(l, message);
}

// DescriptorProto
static int read_message(struct loader *l, const struct wire_field *part)
{
	const char *outer = l->scope;
	struct schema_message *message;
	struct wire_reader reader;
	int ret;

	if (l->schema->n_messages == SCHEMA_MAX_MESSAGES || l->depth == SCHEMA_MAX_DEPTH)
		return loader_refuse(l, "has more than %d messages, or more than %d in each other",
			SCHEMA_MAX_MESSAGES, SCHEMA_MAX_DEPTH);
	message = schema_alloc(l->schema, 1, sizeof(*message));
	if (!message)
		return -ENOMEM;
	message->is_nested = l->depth > 0;
	*l->message_tail = message;
	l->message_tail = &message->next;
	l->schema->n_messages++;
	ret = loader_nested(l, part, &reader);
	if (!ret)
		ret = loader_full_name(l, reader, &message->full_name);
	if (ret)
		return ret;
	l->scope = message->full_name;
	l->depth++;
	ret = read_members(l, reader, message);
	l->depth--;
	l->scope = outer;
	return ret;
}

static bool is_text(const struct wire_field *field, const char *text)
{
	return field->size == strlen(text) && !memcmp(field->bytes, text, field->size);
}

// The package of a file is needed before what is declared in it.
static int read_package(struct loader *l, struct wire_reader reader)
{
	struct wire_field part;
	int ret;

	while ((ret = loader_next(l, &reader, &part)) == 1) {
		if (part.number == 2) {
			ret = loader_name(l, &part, true, &l->scope);
		} else if (part.number == 12 &&
			   (part.type != WIRE_BYTES ||
				   (!is_text(&part, "proto2") && !is_text(&part, "proto3")))) {
			ret = loader_refuse(l, "the syntax of a file must be proto2 or proto3");
		}
		if (ret < 0)
			return ret;
	}
	return ret;
}

// FileDescriptorProto
static int read_file(struct loader *l, const struct wire_field *file)
{
	struct wire_reader reader;
	struct wire_field part;
	int ret = loader_nested(l, file, &reader);

	l->scope = "";
	if (!ret)
		ret = read_package(l, reader);
	if (ret)
		return ret;
	while ((ret = loader_next(l, &reader, &part)) == 1) {
		if (part.number == 4)
			ret = read_message(l, &part);
		else if (part.number == 5)
			ret = loader_enum(l, &part);
		if (ret < 0)
			return ret;
	}
	return ret;
}

int schema_load(struct weir_schema *schema, struct weir_error *error)
{
	struct loader l = {
		.schema = schema,
		.error = error,
		.message_tail = &schema->messages,
		.enum_tail = &schema->enums,
		.scope = "",
	};
	struct wire_reader reader = wire_read(schema->set, schema->set_size);
	struct wire_field file;
	int ret;

	while ((ret = loader_next(&l, &reader, &file)) == 1) {
		if (file.number == 1)
			ret = read_file(&l, &file);
		if (ret < 0)
			return ret;
		l.scope = "";
	}
	return ret ? ret : schema_resolve(&l);
}
