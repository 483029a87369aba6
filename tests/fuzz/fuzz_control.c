// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a client sends to the daemon. From 0x80 on the first byte says that the others are one
// request; below, that they are a stream which comes in pieces of at most that many bytes plus one.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "control/framing.h"
#include "control/item_row.h"
#include "control/request.h"
#include "switch/schema.h"

enum { MAX_MESSAGE = 4096 };

// An item that says what it is names itself, so that it can be found again.
static void take_items(const Weir__Control__ApplyAdd *add)
{
	struct weir_item item;

	for (size_t i = 0; i < add->n_items; i++)
		if (item_of_message(add->items[i], &item) == 0 && !item.switch_name &&
			!(item.target && item.name && item.policy.id))
			abort();
}

// What is accepted has a name and its required fields (packing reads them all), and is accepted
// again.
static void take_request(const struct weir_schema *schema, const uint8_t *data, size_t size)
{
	struct weir_error error = { .code = 0 };
	Weir__Control__Request *request = NULL, *again = NULL;
	uint8_t *packed;
	size_t packed_size;

	request_peek_id(data, size);
	request_peek_number(data, size);
	if (request_unpack(schema, data, size, &request, &error)) {
		if (request || !error.code || !error.message[0])
			abort();
		return;
	}
	if (!*request_name(request) || request_peek_id(data, size) != request->id ||
		request_peek_number(data, size) != (uint32_t)request->request_case)
		abort();
	if (request->request_case == WEIR__CONTROL__REQUEST__REQUEST_APPLY_ADD)
		take_items(request->apply_add);
	packed_size = weir__control__request__get_packed_size(request);
	packed = malloc(packed_size + 1);
	if (!packed || weir__control__request__pack(request, packed) != packed_size ||
		request_unpack(schema, packed, packed_size, &again, &error))
		abort();
	request_free(again);
	request_free(request);
	free(packed);
}

static void take_stream(
	const struct weir_schema *schema, const uint8_t *data, size_t size, size_t piece)
{
	struct framing reader;
	const uint8_t *message;
	size_t space_size, message_size;
	uint8_t *space;
	int found = 0;

	framing_init(&reader, MAX_MESSAGE);
	while (size > 0 && found >= 0) {
		if (framing_space(&reader, &space, &space_size))
			abort();
		space_size = space_size < piece ? space_size : piece;
		space_size = space_size < size ? space_size : size;
		memcpy(space, data, space_size);
		framing_filled(&reader, space_size);
		data += space_size;
		size -= space_size;
		while ((found = framing_next(&reader, &message, &message_size)) > 0)
			take_request(schema, message, message_size);
	}
	framing_fini(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct weir_schema *schema;

	if (!schema && request_schema_create(&schema, NULL))
		abort();
	if (size == 0)
		return 0;
	if (*data >= 0x80)
		take_request(schema, data + 1, size - 1);
	else
		take_stream(schema, data + 1, size - 1, *data + 1u);
	return 0;
}
