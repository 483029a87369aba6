// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the files that read a FileDescriptorSet share: schema_load.c, schema_members.c and
// schema_resolve.c. Each function returns 0 (or what it says), -EINVAL with the error filled, or
// -ENOMEM. Unknown parts of a descriptor are skipped, as protocol buffers want it; known ones of a
// wrong wire type are refused.
#ifndef WEIR_SWITCH_SCHEMA_LOAD_H
#define WEIR_SWITCH_SCHEMA_LOAD_H

#include "switch/schema_internal.h"

struct loader {
	struct weir_schema *schema;
	struct weir_error *error;
	struct schema_message **message_tail;
	struct schema_enum **enum_tail;
	size_t n_fields;   // in all messages so far
	size_t n_values;   // in all enumerations so far
	const char *scope; // full name of what is being read: prefix of names, subject of errors
	int depth;         // messages around it
};

// Evaluates to -EINVAL. format: what is wrong with the scope, the rest of a sentence.
#define loader_refuse(loader, format, ...)                                                         \
	weir_refuse((loader)->error, -EINVAL, "schema", "schema: %s%s" format, (loader)->scope,    \
		(loader)->scope[0] ? ": " : "", ##__VA_ARGS__)

// wire_next with an error. Returns 1, 0 at the end, or negative errno.
int loader_next(const struct loader *l, struct wire_reader *reader, struct wire_field *field);

// A reader of the message that a part holds.
int loader_nested(
	const struct loader *l, const struct wire_field *part, struct wire_reader *reader);

// Likewise for options, which may stand only once.
int loader_options(
	const struct loader *l, const struct wire_field *part, struct wire_reader *reader);

int loader_int32(const struct loader *l, const struct wire_field *part, int32_t *value);

// A copy of an identifier, or of several separated by dots.
int loader_name(
	const struct loader *l, const struct wire_field *part, bool dotted, const char **name);

// Finds the name of the message or enumeration that reader holds and puts the scope before it.
int loader_full_name(const struct loader *l, struct wire_reader reader, const char **full_name);

// Returns how often the part of a number stands there (at most max), or negative errno. what: for
// the error, "fields".
int loader_count(const struct loader *l, struct wire_reader reader, uint32_t number, int max,
	const char *what);

// EnumDescriptorProto: adds an enumeration to the schema.
int loader_enum(struct loader *l, const struct wire_field *part);

// FieldDescriptorProto: fills *field, which is zeroed; its type and oneof are not looked up.
int loader_field(const struct loader *l, struct wire_reader reader, struct schema_field *field);

// Sorts all that was read by name, refuses doubles, and gives every field its message or
// enumeration.
int schema_resolve(struct loader *l);

#endif
