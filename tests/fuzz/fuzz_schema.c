// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The schema check. The first byte of an input says what the others are: from 0x80 on a descriptor
// set, below a message of the test schema's type of that number (modulo their count).
#include "fuzz.h"

#include <stdlib.h>

#include "switch/schema.h"

#include "schema_test.pb-c.h"
#include "schema_test.schema.h"

// What passes the check must be what protobuf-c takes, whose word on it is final for an extension.
static void check_message(const struct schema_type *type,
	const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size)
{
	struct weir_error error = { .code = 0 };
	struct schema_port_name port;
	ProtobufCMessage *unpacked;

	if (schema_check(type->message, data, size, &error)) {
		if (!error.code || !error.message[0])
			abort();
		return;
	}
	unpacked = protobuf_c_message_unpack(descriptor, NULL, size, data);
	if (!unpacked)
		abort();
	protobuf_c_message_free_unpacked(unpacked, NULL);
	schema_same_key(type->message, data, size, data, size);
	if (schema_port_name(type->message, data, size, &port) &&
		((const uint8_t *)port.text < data ||
			(const uint8_t *)port.text + port.size > data + size))
		abort();
	if (schema_n_files(type->message, data, size) && !type->has_files)
		abort();
}

static const ProtobufCMessageDescriptor *descriptor_of(size_t i)
{
	// In the order of the file, which is that of the schema's types.
	const ProtobufCMessageDescriptor *const descriptors[] = {
		&weir__test__everything__descriptor,
		&weir__test__entry__descriptor,
		&weir__test__seen__descriptor,
		&weir__test__start__descriptor,
		&weir__test__started__descriptor,
		&weir__test__empty__descriptor,
	};

	return descriptors[i];
}

static void parse_set(const uint8_t *data, size_t size)
{
	static const uint8_t message[] = { 0x08, 0x01, 0x12, 0x02, 0x08, 0x01, 0x1a, 0x00 };
	struct weir_error error = { .code = 0 };
	struct weir_schema *schema = NULL;

	if (schema_parse(data, size, &schema, &error)) {
		if (schema || !error.code || !error.message[0])
			abort();
		return;
	}
	// Whatever the schema is now, a message is accepted or refused.
	for (size_t i = 0; i < schema_n_types(schema); i++)
		schema_check(schema_type_at(schema, i)->message, message, sizeof(message), &error);
	schema_free(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct weir_schema *schema; // parsed once, as the core does
	size_t i;

	if (!schema && schema_parse(weir_schema, sizeof(weir_schema), &schema, NULL))
		abort();
	if (!size)
		return 0;
	if (data[0] & 0x80) {
		parse_set(data + 1, size - 1);
	} else {
		i = data[0] % schema_n_types(schema);
		check_message(schema_type_at(schema, i), descriptor_of(i), data + 1, size - 1);
	}
	return 0;
}
