// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The schema that an extension carries, and the check of messages against it.
//
// An extension describes its policies, statuses, calls and replies by a serialized
// google.protobuf.FileDescriptorSet whose options (proto/weir/options.proto) give roles, units and
// limits. The core parses it once at load, with a reader of its own, because the file is foreign
// too. Every message of a client is then checked by one scan before it is stored, or unpacked by
// anyone: what passes schema_check is safe to give to protobuf-c, and keeps the limits that its
// author wrote.
//
// A schema is immutable after schema_parse: any thread may use it at the same time. Nothing here
// blocks; only schema_parse allocates.
#ifndef WEIR_SWITCH_SCHEMA_H
#define WEIR_SWITCH_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

enum {
	SCHEMA_MAX_SIZE = 1 << 20,     // bytes of a FileDescriptorSet
	SCHEMA_MAX_MESSAGES = 4096,    // in one schema, nested ones and imports included
	SCHEMA_MAX_FIELDS = 256,       // in one message
	SCHEMA_MAX_ONEOFS = 32,        // in one message
	SCHEMA_MAX_TYPES = 256,        // messages with a role
	SCHEMA_MAX_ENUM_VALUES = 4096, // in one enumeration
	SCHEMA_MAX_DEPTH = 16,         // messages within messages, in a schema and in a message
	SCHEMA_MAX_MESSAGE_SIZE = 256 << 10, // bytes of a message
	SCHEMA_MAX_LENGTH = 65536,           // bytes of a string or of bytes
	SCHEMA_MAX_ITEMS = 65536,            // of a repeated field
};

// The values are those of weir.Schema.Role.
enum schema_role {
	SCHEMA_POLICY = 1,
	SCHEMA_STATUS = 2,
	SCHEMA_CALL = 3,
	SCHEMA_REPLY = 4, // the answer to the call of the same name
};

struct weir_schema;
struct schema_message;

// A message with a role: what users can name. Borrowed until schema_free.
struct schema_type {
	enum schema_role role;
	const char *name;         // as in EXTENSION.NAME, unique within its role
	const char *message_name; // with its package, without a leading dot
	bool on_port;             // may be set on, or asked of, a port
	bool on_switch;
	bool has_key;   // some fields identify a policy: see schema_same_key
	bool has_files; // some fields of a call name files: see schema_n_files
	const struct schema_message *message;
};

// Parses size bytes at set, borrowed during the call, into a new schema; caller frees with
// schema_free. Returns 0, -EINVAL (the set is malformed, exceeds a limit above, names a type that
// it does not hold, or has an option that its field or message cannot have or that this version
// does not know), or -ENOMEM; *out is then untouched. error may be NULL.
int schema_parse(const void *set, size_t size, struct weir_schema **out, struct weir_error *error);

// schema may be NULL.
void schema_free(struct weir_schema *schema);

// The descriptor set as it was given, for clients. Borrowed until schema_free.
const void *schema_bytes(const struct weir_schema *schema, size_t *size);

// The messages that have a role, in the order in which the files declare them.
size_t schema_n_types(const struct weir_schema *schema);

// i: less than schema_n_types. Borrowed until schema_free.
const struct schema_type *schema_type_at(const struct weir_schema *schema, size_t i);

// The message of a role by its short name; NULL or "" means the only one there is. Borrowed until
// schema_free. Returns NULL with *error filled: -ENOENT when there is none of that name, -EINVAL
// when a name is needed; both name the choices.
const struct schema_message *schema_find(const struct weir_schema *schema, enum schema_role role,
	const char *type, struct weir_error *error);

// What users call the message, or NULL for one without a role. Borrowed until schema_free.
const struct schema_type *schema_type_of(const struct schema_message *message);

// Checks size bytes, borrowed during the call, as a message of the given type. Passes only what has
// - at most SCHEMA_MAX_MESSAGE_SIZE bytes and SCHEMA_MAX_DEPTH levels (the message itself is the
// first),
// - only declared fields, of the wire type that belongs to them; repeated numbers packed or not,
// - no singular field twice, no two members of a oneof, every required field,
// - numbers that fit their types, finite floating point, booleans 0 or 1, declared enumeration
// values,
// - strings that are UTF-8 without NUL,
// - what the options of the fields demand: least and greatest values, lengths, numbers of items,
// the
//   lengths of addresses, the syntax of prefixes.
// Returns 0, or -EINVAL with error->field the dotted path of the offending field ("match.ports[2]")
// and a sentence beginning with it. error may be NULL. Allocates nothing; needs about 24 KiB of
// stack.
int schema_check(const struct schema_message *message, const void *bytes, size_t size,
	struct weir_error *error);

// Whether two messages that passed schema_check agree in all fields marked as key, an absent field
// only with an absent one. False when the message has no such field: nothing but its id identifies
// it then.
bool schema_same_key(const struct schema_message *message, const void *a, size_t a_size,
	const void *b, size_t b_size);

// The port that a message names: size bytes at text, without a terminating zero, borrowed from the
// message.
struct schema_port_name {
	const char *field;
	const char *text;
	size_t size;
};

// Finds the field of the least number, at the top level of a message that passed schema_check, that
// has format PORT_NAME and is set; of a repeated one its first item. False: there is none.
bool schema_port_name(const struct schema_message *message, const void *bytes, size_t size,
	struct schema_port_name *found);

// How many fields with format FILE_WRITE or FILE_READ are set in a message that passed
// schema_check: so many descriptors come with it, in the order of the fields' numbers.
size_t schema_n_files(const struct schema_message *message, const void *bytes, size_t size);

#endif
