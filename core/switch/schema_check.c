// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The scan of a message. It goes through the bytes once; what it remembers of a level is on the
// stack.
#include "switch/schema_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

// One level of nesting.
struct scan {
	const struct scan *outer;
	struct weir_error *error;
	const struct schema_message *message;
	const struct schema_field *field; // that is being checked, NULL for the message as a whole
	uint32_t index;                   // of its item, when it is repeated
	int depth;                        // 1 at the outermost level
	uint32_t oneofs;                  // seen, by bit
	uint32_t counts[SCHEMA_MAX_FIELDS];
};

_Static_assert(SCHEMA_MAX_ONEOFS <= 32, "the oneofs seen are bits of a uint32_t");

struct text {
	char bytes[320];
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void append(struct text *text, const char *format, ...)
{
	size_t left = sizeof(text->bytes) - text->used;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(text->bytes + text->used, left, format, arguments);
	va_end(arguments);
	text->used += n < 0 ? 0 : (size_t)n < left ? (size_t)n : left - 1;
}

static void append_path(struct text *path, const struct scan *scan)
{
	if (scan->outer)
		append_path(path, scan->outer);
	if (!scan->field)
		return;
	append(path, "%s%s", path->used ? "." : "", scan->field->name);
	if (scan->field->label == LABEL_REPEATED)
		append(path, "[%u]", scan->index);
}

__attribute__((format(printf, 2, 3))) static int refuse(
	const struct scan *scan, const char *format, ...)
{
	struct text path = { .used = 0 };
	char problem[320];
	va_list arguments;

	append_path(&path, scan);
	va_start(arguments, format);
	vsnprintf(problem, sizeof(problem), format, arguments);
	va_end(arguments);
	return weir_refuse(scan->error, -EINVAL, path.bytes, "%.128s: %s",
		path.used ? path.bytes : "message", problem);
}

// " bits per second", or "" without a unit.
static struct text unit_of(const struct schema_field *field)
{
	struct text text = { .used = 0 };

	if (field->unit)
		append(&text, " %s", field->unit);
	for (size_t i = 0; i < text.used; i++) {
		if (text.bytes[i] >= 'A' && text.bytes[i] <= 'Z')
			text.bytes[i] = (char)(text.bytes[i] - 'A' + 'a');
		else if (text.bytes[i] == '_')
			text.bytes[i] = ' ';
	}
	return text;
}

static int check_signed(const struct scan *scan, uint64_t bits)
{
	const struct schema_field *field = scan->field;
	int64_t value = (int64_t)bits;

	if (field->type == FIELD_SINT32 || field->type == FIELD_SINT64)
		value = wire_zigzag(bits);
	else if (field->type == FIELD_SFIXED32)
		value = (int32_t)(uint32_t)bits;
	if (value >= field->min && value <= (int64_t)field->max)
		return 0;
	return refuse(scan, "%" PRId64 ": must be %" PRId64 " to %" PRId64 "%s", value, field->min,
		(int64_t)field->max, unit_of(field).bytes);
}

static int check_unsigned(const struct scan *scan, uint64_t value)
{
	const struct schema_field *field = scan->field;

	if (value >= (uint64_t)field->min && value <= field->max)
		return 0;
	return refuse(scan, "%" PRIu64 ": must be %" PRId64 " to %" PRIu64 "%s", value, field->min,
		field->max, unit_of(field).bytes);
}

static int check_real(const struct scan *scan, uint64_t bits)
{
	uint32_t half = (uint32_t)bits;
	double number;
	float narrow;

	memcpy(&number, &bits, sizeof(number));
	memcpy(&narrow, &half, sizeof(narrow));
	if (scan->field->type == FIELD_FLOAT)
		number = (double)narrow;
	return isfinite(number) ? 0 : refuse(scan, "must be a finite number");
}

static int check_enum(const struct scan *scan, uint64_t bits)
{
	const struct schema_enum *enumeration = scan->field->enumeration;
	struct text choices = { .used = 0 };
	size_t i;

	if (schema_value_find(enumeration, (int64_t)bits))
		return 0;
	for (i = 0; i < enumeration->n_values && choices.used < 200; i++)
		append(&choices, "%s%.40s (%d)", i ? ", " : "", enumeration->values[i].name,
			(int)enumeration->values[i].number);
	return refuse(scan, "%" PRId64 " is not one of %s%s", (int64_t)bits, choices.bytes,
		i < enumeration->n_values ? ", ..." : "");
}

static int check_number(const struct scan *scan, uint64_t bits)
{
	switch (schema_traits[scan->field->type].kind) {
	case KIND_SIGNED:
		return check_signed(scan, bits);
	case KIND_UNSIGNED:
		return check_unsigned(scan, bits);
	case KIND_REAL:
		return check_real(scan, bits);
	case KIND_ENUM:
		return check_enum(scan, bits);
	default:
		return bits <= 1 ? 0
				 : refuse(scan, "%" PRIu64 " is not a bool, which is 0 or 1", bits);
	}
}

static int check_length(const struct scan *scan, size_t size)
{
	const struct schema_field *field = scan->field;
	const struct schema_format *format = field->format;
	bool fits = !format->n_lengths;

	if (size < field->min_length || size > field->max_length)
		return refuse(scan, "has %zu bytes, must have %u to %u", size, field->min_length,
			field->max_length);
	for (size_t i = 0; i < format->n_lengths; i++)
		fits |= format->lengths[i] == size;
	if (fits)
		return 0;
	if (format->n_lengths == 1)
		return refuse(scan, "has %zu bytes, must have %u", size, format->lengths[0]);
	return refuse(scan, "has %zu bytes, must have %u or %u", size, format->lengths[0],
		format->lengths[1]);
}

static int check_string(const struct scan *scan, const uint8_t *bytes, size_t size)
{
	const char *problem;
	char quoted[64];
	size_t n = size < sizeof(quoted) - 1 ? size : sizeof(quoted) - 1;

	if (!wire_is_text(bytes, size))
		return refuse(scan, "must be UTF-8 text without a NUL character");
	problem = scan->field->is_prefix ? schema_prefix_problem(bytes, size) : NULL;
	if (!problem)
		return check_length(scan, size);
	// What is not printable ASCII is no part of a prefix, and has no place in an error either.
	for (size_t i = 0; i < n; i++)
		quoted[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : '?';
	quoted[n] = '\0';
	return refuse(scan, "\"%s\": %s", quoted, problem);
}

static int scan_message(struct scan *scan, const void *bytes, size_t size);

static int check_nested(const struct scan *outer, const struct wire_field *part)
{
	struct scan scan = {
		.outer = outer,
		.error = outer->error,
		.message = outer->field->message,
		.depth = outer->depth + 1,
	};

	if (scan.depth > SCHEMA_MAX_DEPTH)
		return refuse(outer, "messages are nested more than %d deep", SCHEMA_MAX_DEPTH);
	return scan_message(&scan, part->bytes, part->size);
}

static int check_bytes(const struct scan *scan, const struct wire_field *part)
{
	switch (schema_traits[scan->field->type].kind) {
	case KIND_MESSAGE:
		return check_nested(scan, part);
	case KIND_STRING:
		return check_string(scan, part->bytes, part->size);
	default:
		return check_length(scan, part->size);
	}
}

// Notes that the field of the scan has another value, and sets the index of that.
static int count_value(struct scan *scan)
{
	const struct schema_field *field = scan->field;
	uint32_t *n = &scan->counts[field - scan->message->fields];

	scan->index = *n;
	if (field->label == LABEL_REPEATED) {
		if (++*n > field->max_items)
			return refuse(scan, "at most %u items are allowed", field->max_items);
		return 0;
	}
	if ((*n)++)
		return refuse(scan, "is given twice, may be given once");
	if (field->oneof < 0)
		return 0;
	if (scan->oneofs & 1u << field->oneof)
		return refuse(scan, "only one of %.100s may be given",
			scan->message->oneofs[field->oneof]);
	scan->oneofs |= 1u << field->oneof;
	return 0;
}

static int check_packed(struct scan *scan, const struct wire_field *part)
{
	struct wire_reader reader = wire_read(part->bytes, part->size);
	uint64_t bits;
	int ret;

	while ((ret = wire_next_item(&reader, schema_traits[scan->field->type].wire, &bits)) == 1) {
		ret = count_value(scan);
		if (!ret)
			ret = check_number(scan, bits);
		if (ret)
			return ret;
	}
	return ret ? refuse(scan, "%s", reader.problem) : 0;
}

static int refuse_unknown(const struct scan *scan, uint32_t number)
{
	const struct schema_message *message = scan->message;
	struct text choices = { .used = 0 };
	size_t i;

	for (i = 0; i < message->n_fields && choices.used < 160; i++)
		append(&choices, "%s%.40s (%u)", i ? ", " : "", message->fields[i].name,
			message->fields[i].number);
	return refuse(scan, "field number %u is unknown, allowed are %s%s", number,
		message->n_fields ? choices.bytes : "none", i < message->n_fields ? ", ..." : "");
}

static int check_part(struct scan *scan, const struct wire_field *part)
{
	const struct field_traits *traits;
	int ret;

	scan->field = schema_field_find(scan->message, part->number);
	if (!scan->field)
		return refuse_unknown(scan, part->number);
	traits = &schema_traits[scan->field->type];
	scan->index = scan->counts[scan->field - scan->message->fields];
	if (part->type != traits->wire) {
		if (part->type == WIRE_BYTES && scan->field->label == LABEL_REPEATED)
			return check_packed(scan, part);
		return refuse(scan, "has wire type %d, must be a %s (wire type %d)",
			(int)part->type, traits->name, (int)traits->wire);
	}
	ret = count_value(scan);
	if (ret)
		return ret;
	if (part->type == WIRE_BYTES)
		return check_bytes(scan, part);
	return check_number(scan, part->value);
}

static int check_required(struct scan *scan)
{
	for (size_t i = 0; i < scan->message->n_fields; i++) {
		if (scan->message->fields[i].label != LABEL_REQUIRED || scan->counts[i])
			continue;
		scan->field = &scan->message->fields[i];
		return refuse(scan, "is required and missing");
	}
	return 0;
}

static int scan_message(struct scan *scan, const void *bytes, size_t size)
{
	struct wire_reader reader = wire_read(bytes, size);
	struct wire_field part;
	int ret;

	while ((ret = wire_next(&reader, &part)) == 1) {
		ret = check_part(scan, &part);
		if (ret)
			return ret;
	}
	scan->field = NULL;
	return ret ? refuse(scan, "%s", reader.problem) : check_required(scan);
}

int schema_check(const struct schema_message *message, const void *bytes, size_t size,
	struct weir_error *error)
{
	struct scan scan = { .error = error, .message = message, .depth = 1 };

	if (size > SCHEMA_MAX_MESSAGE_SIZE)
		return refuse(&scan, "has %zu bytes, at most %d are allowed", size,
			SCHEMA_MAX_MESSAGE_SIZE);
	return scan_message(&scan, bytes, size);
}
