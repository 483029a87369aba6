// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/internal.h"

// Replies are packed by hand: a Reply of nothing but id, more and remarks, followed by the
// payload's tag and size and the packed rows, is what packing the whole would give (protobuf.dev,
// "Encoding"), and needs no row to outlive rows_add.
struct rows {
	Weir__Control__Reply__PayloadCase payload;
	uint8_t *bytes; // the payload: each row with its tag and size
	size_t size;
	size_t capacity;
	size_t n_rows;
	size_t n_left_out;
	int result; // why rows were left out, or 0
};

enum { MAX_PREFIX = 64, VARINT = 0, LENGTH_DELIMITED = 2, MAX_VARINT = 10 };
enum { ROWS_NUMBER = 1, LEFT_OUT_NUMBER = 2 };

static size_t put_varint(uint8_t *bytes, uint64_t value)
{
	size_t size = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[size++] = (uint8_t)(value | 0x80);
	bytes[size++] = (uint8_t)value;
	return size;
}

static size_t put_tag(uint8_t *bytes, unsigned number, size_t length)
{
	size_t size = put_varint(bytes, number << 3 | LENGTH_DELIMITED);

	return size + put_varint(bytes + size, length);
}

int rows_begin(
	struct call *call, Weir__Control__Reply__PayloadCase payload, struct weir_error *error)
{
	call->rows = calloc(1, sizeof(*call->rows));
	if (!call->rows)
		return weir_refuse(error, -ENOMEM, NULL, "out of memory for a list");
	call->rows->payload = payload;
	return 0;
}

void rows_free(struct rows *rows)
{
	if (rows)
		free(rows->bytes);
	free(rows);
}

static int reserve(struct rows *rows, size_t size)
{
	size_t capacity = rows->capacity ? rows->capacity : 1024;
	uint8_t *bytes;

	while (capacity - rows->size < size)
		capacity *= 2;
	if (capacity == rows->capacity)
		return 0;
	bytes = realloc(rows->bytes, capacity);
	if (!bytes)
		return -ENOMEM;
	rows->bytes = bytes;
	rows->capacity = capacity;
	return 0;
}

// Sends the rows collected so far and forgets them.
static int send_rows(struct call *call, bool more)
{
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;
	struct rows *rows = call->rows;
	uint8_t *bytes;
	size_t size;

	reply.has_id = true;
	reply.id = call->request->id;
	reply.has_more = more;
	reply.more = more;
	if (!more)
		call_remarks_put(call, &reply);
	size = weir__control__reply__get_packed_size(&reply);
	bytes = malloc(FRAMING_HEADER + MAX_PREFIX + size + rows->size);
	if (!bytes)
		return -ENOMEM;
	size = weir__control__reply__pack(&reply, bytes + FRAMING_HEADER);
	size += put_tag(bytes + FRAMING_HEADER + size, rows->payload, rows->size);
	if (rows->size > 0)
		memcpy(bytes + FRAMING_HEADER + size, rows->bytes, rows->size);
	client_send(call->client, bytes, size + rows->size);
	rows->size = 0;
	return 0;
}

void rows_add(struct call *call, const ProtobufCMessage *row)
{
	struct rows *rows = call->rows;
	size_t size = protobuf_c_message_get_packed_size(row);

	rows->n_rows++;
	if (!call->client)
		return;
	if (rows->result < 0) {
		rows->n_left_out++;
		return;
	}
	if (client_is_full(call->client, rows->size + size))
		rows->result = -ENOBUFS;
	else if (reserve(rows, size + 2 * MAX_VARINT) < 0)
		rows->result = -ENOMEM;
	if (rows->result < 0) {
		rows->n_left_out++;
		return;
	}
	rows->size += put_tag(rows->bytes + rows->size, ROWS_NUMBER, size);
	rows->size += protobuf_c_message_pack(row, rows->bytes + rows->size);
	if (rows->size >= ROWS_REPLY_BYTES)
		rows->result = send_rows(call, true);
}

void rows_leave_out(struct call *call)
{
	call->rows->n_left_out++;
}

size_t rows_count(const struct call *call)
{
	return call->rows->n_rows;
}

// The rows of a change that was made say that they are not all; a refusal would say that it was
// not made. So does a list that was to have an end.
static int note_left_out(struct rows *rows)
{
	bool tells = rows->payload == WEIR__CONTROL__REPLY__PAYLOAD_DIFFERENCES ||
		     (rows->payload == WEIR__CONTROL__REPLY__PAYLOAD_FLOWS && rows->result == 0);

	if (!tells || rows->n_left_out == 0 || reserve(rows, 2 * MAX_VARINT) < 0)
		return rows->result;
	rows->size += put_varint(rows->bytes + rows->size, LEFT_OUT_NUMBER << 3 | VARINT);
	rows->size += put_varint(rows->bytes + rows->size, rows->n_left_out);
	return 0;
}

void rows_end(struct call *call, int result, const struct weir_error *error)
{
	struct weir_error own = { 0 };

	if (result == 0 && call->client) {
		result = note_left_out(call->rows);
		if (result == 0)
			result = send_rows(call, false);
		if (result == -ENOBUFS)
			weir_refuse(&own, result, NULL,
				"the list has more than the %u bytes that can wait for a client: "
				"narrow it",
				CLIENT_MAX_BYTES);
		else if (result < 0)
			weir_refuse(&own, result, NULL, "out of memory for a list");
		error = &own;
	}
	if (result < 0)
		call_refuse(call, error);
	else
		call_free(call);
}
