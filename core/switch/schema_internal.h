// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a parsed schema is made of: shared by schema.c and the schema_*.c files, and by nobody else.
//
// Everything hangs from the arena of struct weir_schema and is freed with it. Written while
// schema_parse runs, read-only afterwards.
#ifndef WEIR_SWITCH_SCHEMA_INTERNAL_H
#define WEIR_SWITCH_SCHEMA_INTERNAL_H

#include "switch/schema.h"
#include "switch/wire.h"

#include <stdint.h>

// FieldDescriptorProto.Type; the values are those of descriptor.proto.
enum field_type {
	FIELD_DOUBLE = 1,
	FIELD_FLOAT = 2,
	FIELD_INT64 = 3,
	FIELD_UINT64 = 4,
	FIELD_INT32 = 5,
	FIELD_FIXED64 = 6,
	FIELD_FIXED32 = 7,
	FIELD_BOOL = 8,
	FIELD_STRING = 9,
	FIELD_GROUP = 10,
	FIELD_MESSAGE = 11,
	FIELD_BYTES = 12,
	FIELD_UINT32 = 13,
	FIELD_ENUM = 14,
	FIELD_SFIXED32 = 15,
	FIELD_SFIXED64 = 16,
	FIELD_SINT32 = 17,
	FIELD_SINT64 = 18,
	N_FIELD_TYPES = 19,
};

// FieldDescriptorProto.Label
enum field_label {
	LABEL_OPTIONAL = 1,
	LABEL_REQUIRED = 2,
	LABEL_REPEATED = 3,
};

enum field_kind {
	KIND_NONE, // not a type, or one that is refused
	KIND_SIGNED,
	KIND_UNSIGNED,
	KIND_REAL,
	KIND_BOOL,
	KIND_ENUM,
	KIND_STRING,
	KIND_BYTES,
	KIND_MESSAGE,
};

struct field_traits {
	enum field_kind kind;
	enum wire_type wire;
	int64_t min;  // KIND_SIGNED, KIND_UNSIGNED: what the type holds
	uint64_t max; // likewise; an int64_t in disguise when signed
	const char *name;
};

extern const struct field_traits schema_traits[N_FIELD_TYPES];

// What weir.format allows by itself.
struct schema_format {
	unsigned int kinds;  // of fields that may have it: bits 1 << enum field_kind
	uint64_t greatest;   // KIND_UNSIGNED: 0 means what the type holds
	uint32_t lengths[2]; // KIND_BYTES: the numbers of bytes allowed
	size_t n_lengths;    // 0 means any
};

struct schema_value {
	int32_t number;
	const char *name;
};

struct schema_enum {
	struct schema_enum *next; // in the order of declaration
	const char *full_name;
	struct schema_value *values; // sorted by number
	size_t n_values;
};

struct schema_field {
	const char *name;
	uint32_t number;
	enum field_type type;
	enum field_label label;
	int oneof;             // index among the message's, or -1
	const char *type_name; // of a message or enumeration, until it is resolved
	const struct schema_message *message;
	const struct schema_enum *enumeration;
	struct wire_reader options; // FieldOptions as they stand in the set
	// From the options, narrowed from what the type allows:
	int64_t min;
	uint64_t max; // an int64_t in disguise when the type is signed
	uint32_t min_length;
	uint32_t max_length;
	uint32_t max_items;
	const char *unit; // in capitals, NULL without one
	const struct schema_format *format;
	bool is_prefix;
	bool is_port_name;
	bool is_file;
	bool key;
};

struct schema_message {
	struct schema_message *next; // in the order of declaration
	const char *full_name;
	struct schema_field *fields; // sorted by number
	size_t n_fields;
	const char **oneofs; // names
	size_t n_oneofs;
	bool is_nested;
	struct wire_reader options; // MessageOptions as they stand in the set
	struct schema_type *type;   // NULL without a role
};

struct schema_block;

struct weir_schema {
	struct schema_block *blocks; // the arena, newest first
	size_t block_left;
	const uint8_t *set; // the arena's own copy
	size_t set_size;
	struct schema_message *messages; // in the order of declaration
	struct schema_enum *enums;
	struct schema_message **sorted_messages; // by full name
	struct schema_enum **sorted_enums;
	size_t n_messages;
	size_t n_enums;
	struct schema_type **types;
	size_t n_types;
};

// Zeroed memory of n items of size bytes that lives as long as the schema, or NULL.
void *schema_alloc(struct weir_schema *schema, size_t n, size_t size);

// Reads schema->set: fills messages and enums, checked each for itself. Type names are resolved and
// fields sorted, but options are only noted. Returns 0 or negative errno.
int schema_load(struct weir_schema *schema, struct weir_error *error);

// Interprets the options of all messages and fields and fills types. Returns 0 or negative errno.
int schema_apply_options(struct weir_schema *schema, struct weir_error *error);

// The field of a number, or NULL.
const struct schema_field *schema_field_find(const struct schema_message *message, uint32_t number);

// The value of a number in an enumeration, or NULL.
const struct schema_value *schema_value_find(const struct schema_enum *enumeration, int64_t number);

// The format of a number of Weir__Schema__Format, or NULL for one that this version does not know.
const struct schema_format *schema_format_of(uint64_t format);

// The name of a number of Weir__Schema__Unit in capitals, or NULL for one that is not known.
const char *schema_unit_name(uint64_t unit);

// Checks that a text is an address or a prefix, as people write it. Returns NULL, or what it must
// be.
const char *schema_prefix_problem(const uint8_t *bytes, size_t size);

#endif
