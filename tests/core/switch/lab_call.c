// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "lab_call.h"

#include <stdlib.h>

static void reply(void *context, const void *bytes, size_t size)
{
	struct lab_call *call = context;

	assert_int_equal(call->n_ended, 0);
	assert_true(size <= sizeof(call->reply));
	memcpy(call->reply, bytes, size);
	call->reply_size = size;
	call->n_replies++;
	if (call->cancels && call->running)
		weir_call_cancel(call->running);
}

// The bytes of a piece are all the same; each piece has the next value.
static bool stream(void *context, const void *bytes, size_t size)
{
	struct lab_call *call = context;
	const uint8_t *b = bytes;

	assert_int_equal(call->n_ended, 0);
	if (size > call->room) {
		call->n_full++;
		return false;
	}
	for (size_t i = 1; i < size; i++)
		assert_int_equal(b[i], b[0]);
	call->room -= size;
	call->streamed += size;
	return true;
}

static void ended(void *context, const struct weir_error *refusal)
{
	struct lab_call *call = context;

	call->n_ended++;
	call->refused = refusal != NULL;
	if (refusal)
		call->refusal = *refusal;
}

void lab_call_functions(struct weir_call_request *request)
{
	request->reply = reply;
	request->stream = stream;
	request->ended = ended;
}

int lab_call(struct lab *lab, struct lab_call *call, const char *extension, const char *type,
	const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = malloc(size + 1);
	struct weir_call_request request = {
		.size = sizeof(request),
		.extension = extension,
		.switch_name = call->switch_name,
		.type = type,
		.bytes = bytes,
		.n_bytes = size,
		.files = call->files,
		.n_files = call->n_files,
		.context = call,
	};
	int ret;

	assert_non_null(bytes);
	lab_call_functions(&request);
	protobuf_c_message_pack(message, bytes);
	memset(&lab->error, 0, sizeof(lab->error));
	call->lab = lab;
	ret = weir_call_begin(lab->weir, &request, call->flags, &call->running, &lab->error);
	free(bytes);
	// Refused or ended, or to be cancelled: never two of these.
	assert_int_equal((ret < 0) + call->n_ended + (call->running != NULL), 1);
	return ret;
}

void lab_order(struct lab *lab, const char *extension, const Probe__Order *order)
{
	struct lab_call call = { 0 };

	if (lab_call(lab, &call, extension, "order", &order->base) < 0)
		fail_msg("order: %s", lab->error.message);
	assert_int_equal(call.n_ended, 1);
	assert_false(call.refused);
}
