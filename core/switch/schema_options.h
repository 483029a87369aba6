// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The options of proto/weir/options.proto, as schema_types.c and schema_options.c read them.
//
// An option of the project's range that is not known here comes from a newer version and may be a
// limit. Its author relies on it being kept, so it is refused, and not skipped as others' options
// are.
#ifndef WEIR_SWITCH_SCHEMA_OPTIONS_H
#define WEIR_SWITCH_SCHEMA_OPTIONS_H

#include "switch/schema_internal.h"

#include <errno.h>

// Extension numbers.
enum {
	OPTIONS_FIRST = 50000,
	OPTION_ROLE = 50000,
	OPTION_TYPE = 50001,
	OPTION_TARGET = 50002,
	OPTION_UNIT = 50100,
	OPTION_FORMAT = 50101,
	OPTION_MIN = 50102,
	OPTION_MAX = 50103,
	OPTION_MAX_LENGTH = 50104,
	OPTION_MIN_LENGTH = 50105,
	OPTION_MAX_ITEMS = 50106,
	OPTION_KEY = 50107,
	OPTIONS_LAST = 50999,
};

// The field or, when that is NULL, the message that errors are about.
struct option_subject {
	struct weir_schema *schema;
	struct weir_error *error;
	const struct schema_message *message;
	const struct schema_field *field;
};

#define option_refuse(s, format, ...)                                                              \
	weir_refuse((s)->error, -EINVAL, "schema", "schema: %s%s%s: " format,                      \
		(s)->message->full_name, (s)->field ? "." : "",                                    \
		(s)->field ? (s)->field->name : "", ##__VA_ARGS__)

// Reads on to the next option of the project's range. Returns 1, 0 at the end, or negative errno.
int option_next(
	const struct option_subject *s, struct wire_reader *options, struct wire_field *option);

// Refuses an option that is not one of the subject's. Returns -EINVAL.
int option_refuse_unknown(const struct option_subject *s, const struct wire_field *option);

// The name that a known option has in a .proto file.
const char *option_name(uint32_t number);

// Fills the limits of field, which is s->field; the message's own options are known already.
// Returns 0 or -EINVAL.
int option_apply_field(const struct option_subject *s, struct schema_field *field);

#endif
