// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/request.h"

#include <errno.h>

#include "control.schema.h"
#include "switch/schema.h"
#include "switch/wire.h"

enum { ID_NUMBER = 1, FIRST_NUMBER = 10 }; // of Request.id, and of the requests

int request_schema_create(struct weir_schema **schema, struct weir_error *error)
{
	return schema_parse(control_schema, sizeof(control_schema), schema, error);
}

int request_unpack(const struct weir_schema *schema, const uint8_t *bytes, size_t size,
	Weir__Control__Request **request, struct weir_error *error)
{
	const struct schema_message *message = schema_find(schema, SCHEMA_CALL, "request", error);
	Weir__Control__Request *unpacked;
	int result;

	if (!message)
		return -ENOENT;
	result = schema_check(message, bytes, size, error);
	if (result < 0)
		return result;
	unpacked = weir__control__request__unpack(NULL, size, bytes);
	if (!unpacked)
		return weir_refuse(
			error, -ENOMEM, NULL, "out of memory for a request of %zu bytes", size);
	if (unpacked->request_case == WEIR__CONTROL__REQUEST__REQUEST__NOT_SET) {
		request_free(unpacked);
		return weir_refuse(error, -EINVAL, NULL,
			"a message without a request: one of the fields from hello on must be set");
	}
	*request = unpacked;
	return 0;
}

void request_free(Weir__Control__Request *request)
{
	weir__control__request__free_unpacked(request, NULL);
}

uint64_t request_peek_id(const uint8_t *bytes, size_t size)
{
	struct wire_reader reader = wire_read(bytes, size);
	struct wire_field field;

	while (wire_next(&reader, &field) > 0)
		if (field.number == ID_NUMBER && field.type == WIRE_VARINT)
			return field.value;
	return 0;
}

uint32_t request_peek_number(const uint8_t *bytes, size_t size)
{
	struct wire_reader reader = wire_read(bytes, size);
	struct wire_field field;
	uint32_t number = 0;

	while (wire_next(&reader, &field) > 0) {
		if (field.number < FIRST_NUMBER)
			continue;
		if (number == 0 || field.number == WEIR__CONTROL__REQUEST__REQUEST_APPLY_ADD)
			number = field.number;
	}
	return number;
}

const char *request_number_name(uint32_t number)
{
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
		&weir__control__request__descriptor, number);

	return field ? field->name : "";
}

const char *request_name(const Weir__Control__Request *request)
{
	return request_number_name((uint32_t)request->request_case);
}
