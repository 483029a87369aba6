// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the switch itself reads out of messages that passed schema_check().
#include "switch/schema_internal.h"

#include <string.h>

// The first of a number. A checked message has a singular field at most once, and a repeated string
// is never packed. Returns whether it is there.
static bool get_field(const void *bytes, size_t size, uint32_t number, struct wire_field *field)
{
	struct wire_reader reader = wire_read(bytes, size);

	while (wire_next(&reader, field) == 1)
		if (field->number == number)
			return true;
	return false;
}

static bool same_field(uint32_t number, const void *a, size_t a_size, const void *b, size_t b_size)
{
	struct wire_field x, y;
	bool has_x = get_field(a, a_size, number, &x), has_y = get_field(b, b_size, number, &y);

	if (!has_x || !has_y)
		return has_x == has_y;
	if (x.type == WIRE_BYTES)
		return x.size == y.size && !memcmp(x.bytes, y.bytes, x.size);
	return x.value == y.value;
}

bool schema_same_key(const struct schema_message *message, const void *a, size_t a_size,
	const void *b, size_t b_size)
{
	bool has_key = false;

	for (size_t i = 0; i < message->n_fields; i++) {
		if (!message->fields[i].key)
			continue;
		if (!same_field(message->fields[i].number, a, a_size, b, b_size))
			return false;
		has_key = true;
	}
	return has_key;
}

bool schema_port_name(const struct schema_message *message, const void *bytes, size_t size,
	struct schema_port_name *found)
{
	struct wire_field part;

	for (size_t i = 0; i < message->n_fields; i++) {
		const struct schema_field *field = &message->fields[i];

		if (!field->is_port_name || !get_field(bytes, size, field->number, &part))
			continue;
		*found = (struct schema_port_name){ field->name, (const char *)part.bytes,
			part.size };
		return true;
	}
	return false;
}

size_t schema_n_files(const struct schema_message *message, const void *bytes, size_t size)
{
	struct wire_field part;
	size_t n = 0;

	for (size_t i = 0; i < message->n_fields; i++)
		if (message->fields[i].is_file)
			n += get_field(bytes, size, message->fields[i].number, &part);
	return n;
}
