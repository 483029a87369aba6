// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The catalog of an extension's message types, made from the FileDescriptorSet that the daemon
// serves.
//
// weirctl knows no extension; what it needs to write, read and explain an extension's messages is
// in here: names, types, and the units, formats and limits of proto/weir/options.proto. The strings
// and structs belong to the catalog and live until catalog_free.
#ifndef CTL_CATALOG_H
#define CTL_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "weir/options.pb-c.h"

enum { CATALOG_MAX_DEPTH = 16 }; // messages within messages, in declarations and in values

struct catalog_message;

// GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_... is what a switch over types needs.
typedef Google__Protobuf__FieldDescriptorProto__Type catalog_type;
#define CATALOG_TYPE(name) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_##name

struct catalog_field {
	const char *name;
	uint32_t number;
	catalog_type type;
	bool repeated;
	bool required;
	const char *type_name;                 // message or enumeration, with its package
	const struct catalog_message *message; // of a message field, else NULL
	const Google__Protobuf__EnumDescriptorProto *enumeration; // of an enum field, else NULL
	const char *default_value;                                // as declared, or NULL
	const char *oneof;             // the group of which at most one field is set, or NULL
	const char *comment;           // as written in the .proto, or NULL
	Weir__Schema__Unit unit;       // NONE when not declared
	Weir__Schema__Format format;   // PLAIN when not declared
	bool has_min, has_max, is_key; // is_key: part of what identifies a policy
	int64_t min, max;              // in the field's unit
	uint32_t min_length;           // bytes of a string or of bytes
	uint32_t max_length;           // UINT32_MAX when not declared
	uint32_t max_items;            // UINT32_MAX when not declared
};

struct catalog_message {
	char *name;                   // with its package: "acl.Rule"
	const char *comment;          // as written in the .proto, or NULL
	struct catalog_field *fields; // in the order of declaration
	size_t n_fields;
};

struct catalog;

// Parses size bytes at set, borrowed during the call; caller frees *catalog with catalog_free.
int catalog_parse(const void *set, size_t size, struct catalog **catalog, struct ctl_error *error);

// catalog may be NULL.
void catalog_free(struct catalog *catalog);

// The message of that full name ("acl.Rule"), or NULL.
const struct catalog_message *catalog_find(const struct catalog *catalog, const char *name);

// The field called by the first size characters of name, or NULL.
const struct catalog_field *catalog_field(
	const struct catalog_message *message, const char *name, size_t size);

// Words for people: "uint32", "direction" (an enumeration's short name), "bits per second" ("" for
// NONE), "prefix" ("" for PLAIN).
const char *catalog_type_name(const struct catalog_field *field);
const char *catalog_unit_name(const struct catalog_field *field);
const char *catalog_format_name(const struct catalog_field *field);

#endif
