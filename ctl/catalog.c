// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "catalog.h"

#include <stdlib.h>
#include <string.h>

#include "pack.h"

typedef Google__Protobuf__FileDescriptorProto file_proto;
typedef Google__Protobuf__DescriptorProto message_proto;
typedef Google__Protobuf__FieldDescriptorProto field_proto;
typedef Google__Protobuf__EnumDescriptorProto enum_proto;

// Numbers of the options in weir/options.proto; protobuf-c generates no code for extensions.
enum {
	OPTION_UNIT = 50100,
	OPTION_FORMAT = 50101,
	OPTION_MIN = 50102,
	OPTION_MAX = 50103,
	OPTION_MAX_LENGTH = 50104,
	OPTION_MIN_LENGTH = 50105,
	OPTION_MAX_ITEMS = 50106,
	OPTION_KEY = 50107,
};

// Numbers in descriptor.proto of what a path in SourceCodeInfo goes through.
enum { FILE_MESSAGE = 4, MESSAGE_FIELD = 2, MESSAGE_NESTED = 3 };

struct named_enum {
	char *name; // with its package
	const enum_proto *proto;
};

struct catalog {
	Google__Protobuf__FileDescriptorSet *set;
	struct catalog_message *messages; // by name, once sorted
	size_t n_messages;
	struct named_enum *enums; // by name, once sorted
	size_t n_enums;
};

// Where a declaration stands: its scope's name, and its path in SourceCodeInfo.
struct place {
	const file_proto *file;
	const char *scope; // package and outer messages, "" for none
	int32_t path[2 * CATALOG_MAX_DEPTH + 2];
	size_t n_path;
};

// protobuf-c unpacks by recursion without a limit; the only message of descriptor.proto that holds
// itself is DescriptorProto, so its nesting is all that has to be looked at before.
static bool nests_too_deep(const uint8_t *bytes, size_t size, unsigned depth)
{
	struct unpacker in = { bytes, bytes + size };
	uint32_t child = depth == 0 ? 1 : depth == 1 ? FILE_MESSAGE : MESSAGE_NESTED;
	struct unpacked field;

	if (depth > CATALOG_MAX_DEPTH)
		return true;
	while (unpack_next(&in, &field) > 0) {
		if (field.number == child && field.type == PACK_BYTES &&
			nests_too_deep(field.bytes, field.size, depth + 1))
			return true;
	}
	return false;
}

static const char *comment_at(const struct place *place)
{
	const Google__Protobuf__SourceCodeInfo *info = place->file->source_code_info;

	for (size_t i = 0; info && i < info->n_location; i++) {
		const Google__Protobuf__SourceCodeInfo__Location *location = info->location[i];

		if (location->n_path == place->n_path &&
			memcmp(location->path, place->path, place->n_path * sizeof(*place->path)) ==
				0)
			return location->leading_comments ? location->leading_comments
							  : location->trailing_comments;
	}
	return NULL;
}

static struct place inside(const struct place *place, const char *scope, int32_t kind, size_t index)
{
	struct place result = *place;

	result.scope = scope;
	result.path[result.n_path++] = kind;
	result.path[result.n_path++] = (int32_t)index;
	return result;
}

static char *full_name(const char *scope, const char *name)
{
	char *result;

	if (!name || asprintf(&result, "%s%s%s", scope, *scope ? "." : "", name) < 0)
		return NULL;
	return result;
}

static void read_option(struct catalog_field *field, uint32_t number, uint64_t value)
{
	switch (number) {
	case OPTION_UNIT:
		field->unit = (Weir__Schema__Unit)value;
		break;
	case OPTION_FORMAT:
		field->format = (Weir__Schema__Format)value;
		break;
	case OPTION_MIN:
		field->has_min = true;
		field->min = (int64_t)value;
		break;
	case OPTION_MAX:
		field->has_max = true;
		field->max = (int64_t)value;
		break;
	case OPTION_MAX_LENGTH:
		field->max_length = (uint32_t)value;
		break;
	case OPTION_MIN_LENGTH:
		field->min_length = (uint32_t)value;
		break;
	case OPTION_MAX_ITEMS:
		field->max_items = (uint32_t)value;
		break;
	case OPTION_KEY:
		field->is_key = value != 0;
		break;
	}
}

static void read_options(struct catalog_field *field, const Google__Protobuf__FieldOptions *options)
{
	for (unsigned i = 0; options && i < options->base.n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *unknown = &options->base.unknown_fields[i];
		struct unpacker in = { unknown->data, unknown->data + unknown->len };
		struct unpacked item;

		if (unknown->wire_type == PROTOBUF_C_WIRE_TYPE_VARINT &&
			unpack_item(&in, PACK_VARINT, &item) > 0)
			read_option(field, unknown->tag, item.value);
	}
}

static int add_field(struct catalog_field *field, const message_proto *message,
	const field_proto *proto, const struct place *place, struct ctl_error *error)
{
	if (!proto->name || !proto->has_number || proto->number < 1 || !proto->has_type)
		return ctl_fail(error, CTL_REFUSED,
			"the schema is malformed: a field of %s is incomplete", place->scope);
	*field = (struct catalog_field){
		.name = proto->name,
		.number = (uint32_t)proto->number,
		.type = proto->type,
		.repeated = proto->label ==
			    GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED,
		.required = proto->label ==
			    GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REQUIRED,
		// protoc writes resolved names with a dot before them.
		.type_name = proto->type_name ? proto->type_name + (*proto->type_name == '.') : "",
		.default_value = proto->default_value,
		.comment = comment_at(place),
		.max_length = UINT32_MAX,
		.max_items = UINT32_MAX,
	};
	if (proto->has_oneof_index && proto->oneof_index >= 0 &&
		(size_t)proto->oneof_index < message->n_oneof_decl && !proto->proto3_optional)
		field->oneof = message->oneof_decl[proto->oneof_index]->name;
	read_options(field, proto->options);
	return 0;
}

static int add_enums(struct catalog *catalog, enum_proto *const *protos, size_t n_protos,
	const char *scope, struct ctl_error *error)
{
	for (size_t i = 0; i < n_protos; i++) {
		struct named_enum *named = &catalog->enums[catalog->n_enums++];

		named->proto = protos[i];
		named->name = full_name(scope, protos[i]->name);
		if (!named->name)
			return ctl_fail_memory(error);
		for (size_t j = 0; j < protos[i]->n_value; j++) {
			if (!protos[i]->value[j]->name)
				return ctl_fail(error, CTL_REFUSED,
					"the schema is malformed: a value of %s has no name",
					named->name);
		}
	}
	return 0;
}

static int add_message(struct catalog *catalog, const message_proto *proto,
	const struct place *place, struct ctl_error *error)
{
	struct catalog_message *message = &catalog->messages[catalog->n_messages++];
	int result;

	message->name = full_name(place->scope, proto->name);
	message->fields = calloc(proto->n_field + 1, sizeof(*message->fields));
	if (!message->name || !message->fields)
		return ctl_fail_memory(error);
	message->comment = comment_at(place);
	for (; message->n_fields < proto->n_field; message->n_fields++) {
		size_t i = message->n_fields;
		struct place field = inside(place, message->name, MESSAGE_FIELD, i);

		result = add_field(&message->fields[i], proto, proto->field[i], &field, error);
		if (result)
			return result;
	}
	for (size_t i = 0; i < proto->n_nested_type; i++) {
		struct place nested = inside(place, message->name, MESSAGE_NESTED, i);

		result = add_message(catalog, proto->nested_type[i], &nested, error);
		if (result)
			return result;
	}
	return add_enums(catalog, proto->enum_type, proto->n_enum_type, message->name, error);
}

static int add_file(struct catalog *catalog, const file_proto *file, struct ctl_error *error)
{
	struct place place = { .file = file, .scope = file->package ? file->package : "" };

	for (size_t i = 0; i < file->n_message_type; i++) {
		struct place message = inside(&place, place.scope, FILE_MESSAGE, i);
		int result = add_message(catalog, file->message_type[i], &message, error);

		if (result)
			return result;
	}
	return add_enums(catalog, file->enum_type, file->n_enum_type, place.scope, error);
}

static void count_nested(const message_proto *message, size_t *n_messages, size_t *n_enums)
{
	*n_messages += 1;
	*n_enums += message->n_enum_type;
	for (size_t i = 0; i < message->n_nested_type; i++)
		count_nested(message->nested_type[i], n_messages, n_enums);
}

static int reserve(struct catalog *catalog, struct ctl_error *error)
{
	size_t n_messages = 1, n_enums = 1;

	for (size_t i = 0; i < catalog->set->n_file; i++) {
		const file_proto *file = catalog->set->file[i];

		n_enums += file->n_enum_type;
		for (size_t j = 0; j < file->n_message_type; j++)
			count_nested(file->message_type[j], &n_messages, &n_enums);
	}
	catalog->messages = calloc(n_messages, sizeof(*catalog->messages));
	catalog->enums = calloc(n_enums, sizeof(*catalog->enums));
	return catalog->messages && catalog->enums ? 0 : ctl_fail_memory(error);
}

// For bsearch and qsort: both kinds of elements begin with their name.
static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int resolve_field(
	const struct catalog *catalog, struct catalog_field *field, struct ctl_error *error)
{
	if (field->type == CATALOG_TYPE(MESSAGE)) {
		field->message = catalog_find(catalog, field->type_name);
	} else if (field->type == CATALOG_TYPE(ENUM)) {
		const struct named_enum *found = bsearch(&field->type_name, catalog->enums,
			catalog->n_enums, sizeof(*catalog->enums), by_name);

		field->enumeration = found ? found->proto : NULL;
	} else {
		return 0;
	}
	if (field->message || field->enumeration)
		return 0;
	return ctl_fail(error, CTL_REFUSED,
		"the schema is malformed: it does not hold the type \"%s\" of field %s",
		field->type_name, field->name);
}

static int resolve(struct catalog *catalog, struct ctl_error *error)
{
	qsort(catalog->messages, catalog->n_messages, sizeof(*catalog->messages), by_name);
	qsort(catalog->enums, catalog->n_enums, sizeof(*catalog->enums), by_name);
	for (size_t i = 0; i < catalog->n_messages; i++) {
		struct catalog_message *message = &catalog->messages[i];

		for (size_t j = 0; j < message->n_fields; j++) {
			int result = resolve_field(catalog, &message->fields[j], error);

			if (result)
				return result;
		}
	}
	return 0;
}

static int build(struct catalog *catalog, struct ctl_error *error)
{
	int result = reserve(catalog, error);

	for (size_t i = 0; result == 0 && i < catalog->set->n_file; i++)
		result = add_file(catalog, catalog->set->file[i], error);
	return result ? result : resolve(catalog, error);
}

int catalog_parse(const void *set, size_t size, struct catalog **catalog, struct ctl_error *error)
{
	struct catalog *made;
	int result;

	if (nests_too_deep(set, size, 0))
		return ctl_fail(error, CTL_REFUSED,
			"the schema is malformed: messages are nested more than %d deep",
			CATALOG_MAX_DEPTH);
	made = calloc(1, sizeof(*made));
	if (!made)
		return ctl_fail_memory(error);
	made->set = google__protobuf__file_descriptor_set__unpack(NULL, size, set);
	result = made->set ? build(made, error)
			   : ctl_fail(error, CTL_REFUSED,
				     "the schema is malformed: not a FileDescriptorSet");
	if (result)
		catalog_free(made);
	else
		*catalog = made;
	return result;
}

void catalog_free(struct catalog *catalog)
{
	if (!catalog)
		return;
	for (size_t i = 0; i < catalog->n_messages; i++) {
		free(catalog->messages[i].name);
		free(catalog->messages[i].fields);
	}
	for (size_t i = 0; i < catalog->n_enums; i++)
		free(catalog->enums[i].name);
	free(catalog->messages);
	free(catalog->enums);
	if (catalog->set)
		google__protobuf__file_descriptor_set__free_unpacked(catalog->set, NULL);
	free(catalog);
}

const struct catalog_message *catalog_find(const struct catalog *catalog, const char *name)
{
	return bsearch(
		&name, catalog->messages, catalog->n_messages, sizeof(*catalog->messages), by_name);
}
