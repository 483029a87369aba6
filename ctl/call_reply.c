// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "call.h"

#include <stdlib.h>

#include "ask.h"
#include "message.h"

// The field whose messages are the rows of a table, or NULL.
static const struct catalog_field *rows_field(const struct catalog_message *message)
{
	const struct catalog_field *field = message->fields;

	return message->n_fields == 1 && field->repeated && field->message ? field : NULL;
}

// What a row is.
static const struct catalog_message *row_message(const struct catalog_message *message)
{
	const struct catalog_field *rows = rows_field(message);

	return rows ? rows->message : message;
}

// Appends a row in which every field is found, null or an empty array when it is absent.
static int add_row(struct call_replies *replies, const json_t *given, struct ctl_error *error)
{
	const struct catalog_message *message = row_message(replies->message);
	json_t *row = json_object();

	for (size_t i = 0; i < message->n_fields; i++) {
		const struct catalog_field *field = &message->fields[i];
		json_t *value = json_incref(json_object_get(given, field->name));

		if (!value)
			value = field->repeated ? json_array() : json_null();
		if (json_object_set_new(row, field->name, value)) {
			json_decref(row);
			return ctl_fail_memory(error);
		}
	}
	return json_array_append_new(replies->rows, row) ? ctl_fail_memory(error) : 0;
}

static int take_body(
	struct call_replies *replies, const ProtobufCBinaryData *body, struct ctl_error *error)
{
	const struct catalog_field *rows = replies->message ? rows_field(replies->message) : NULL;
	json_t *json = NULL;
	const json_t *array;
	int result;

	if (!replies->message)
		return ask_unexpected(error);
	result = message_to_json(replies->message, body->data, body->len,
		replies->as_json ? MESSAGE_PLAIN : MESSAGE_TEXT, &json, error);
	if (result)
		return result;
	if (!rows)
		result = add_row(replies, json, error);
	array = rows ? json_object_get(json, rows->name) : NULL;
	for (size_t i = 0; result == 0 && i < json_array_size(array); i++)
		result = add_row(replies, json_array_get(array, i), error);
	json_decref(json);
	return result;
}

int call_replies_take(void *context, const Weir__Control__Reply *reply, struct ctl_error *error)
{
	const Weir__Control__CallReply *call = reply->call;

	if (reply->payload_case == WEIR__CONTROL__REPLY__PAYLOAD__NOT_SET)
		return 0;
	if (reply->payload_case != WEIR__CONTROL__REPLY__PAYLOAD_CALL)
		return ask_unexpected(error);
	if (call->part_case == WEIR__CONTROL__CALL_REPLY__PART_BODY)
		return take_body(context, &call->body, error);
	if (call->part_case != WEIR__CONTROL__CALL_REPLY__PART_DATA)
		return 0;
	// Who reads the stream behind a pipe wants it now.
	if (fwrite(call->data.data, 1, call->data.len, stdout) != call->data.len || fflush(stdout))
		return ctl_fail(error, CTL_REFUSED, "cannot write the output: %m");
	return 0;
}

static struct column *make_columns(const struct catalog_message *message)
{
	struct column *columns = calloc(message->n_fields + 1, sizeof(*columns));

	for (size_t i = 0; columns && i < message->n_fields; i++) {
		const struct catalog_field *field = &message->fields[i];

		columns[i].key = field->name;
		columns[i].kind = field->unit == WEIR__SCHEMA__UNIT__UNIX_SECONDS ? COLUMN_TIME
										  : COLUMN_PLAIN;
	}
	return columns;
}

int call_replies_print(const struct call_replies *replies, struct ctl_error *error)
{
	size_t n_rows = json_array_size(replies->rows);
	struct column *columns;
	int result;

	// A call that answers nothing, or has nothing to say.
	if (!replies->message || (n_rows == 0 && !rows_field(replies->message)))
		return 0;
	columns = make_columns(row_message(replies->message));
	if (!columns)
		return ctl_fail_memory(error);
	if (n_rows == 1 && !rows_field(replies->message))
		result = output_object(
			stdout, json_array_get(replies->rows, 0), columns, replies->as_json, error);
	else
		result = output_rows(stdout, replies->rows, columns, replies->as_json, error);
	free(columns);
	return result;
}

void call_replies_fini(struct call_replies *replies)
{
	json_decref(replies->rows);
}
