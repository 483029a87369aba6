// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "request_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "weir/control.pb-c.h"

struct buffer {
	uint8_t bytes[REQUEST_TEXT_MAX];
	size_t size;
};

static void put_varint(struct buffer *buffer, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		buffer->bytes[buffer->size++] = (uint8_t)(value | 0x80);
	buffer->bytes[buffer->size++] = (uint8_t)value;
}

static void put_bytes(struct buffer *buffer, unsigned number, const void *bytes, size_t size)
{
	assert_true(buffer->size + size + 16 < sizeof(buffer->bytes));
	put_varint(buffer, number << 3 | 2);
	put_varint(buffer, size);
	memcpy(buffer->bytes + buffer->size, bytes, size);
	buffer->size += size;
}

static void put_field(
	struct buffer *buffer, const ProtobufCMessageDescriptor *message, const char *word);

// value: {WORD,WORD...}
static void put_message(
	struct buffer *buffer, const ProtobufCFieldDescriptor *field, const char *value)
{
	struct buffer inner = { .size = 0 };
	char copy[REQUEST_TEXT_MAX], *word = copy;
	int depth = 0;

	snprintf(copy, sizeof(copy), "%s", value + 1);
	assert_int_equal(*value, '{');
	for (char *at = copy; depth >= 0; at++) {
		assert_int_not_equal(*at, '\0');
		depth += (*at == '{') - (*at == '}');
		if (depth > 0 || (depth == 0 && *at != ','))
			continue;
		*at = '\0';
		if (*word)
			put_field(&inner, field->descriptor, word);
		word = at + 1;
	}
	put_bytes(buffer, field->id, inner.bytes, inner.size);
}

// word: NAME=VALUE
static void put_field(
	struct buffer *buffer, const ProtobufCMessageDescriptor *message, const char *word)
{
	const char *value = strchr(word, '=');
	const ProtobufCFieldDescriptor *field;
	char name[64];

	assert_non_null(value);
	snprintf(name, sizeof(name), "%.*s", (int)(value - word), word);
	value++;
	field = protobuf_c_message_descriptor_get_field_by_name(message, name);
	if (!field)
		fail_msg("%s has no field %s", message->name, name);
	if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES) {
		put_bytes(buffer, field->id, value, strlen(value));
		return;
	}
	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		put_message(buffer, field, value);
		return;
	}
	put_varint(buffer, field->id << 3);
	put_varint(buffer, strtoull(value, NULL, 0));
}

size_t request_text_encode(const char *line, uint64_t id, uint8_t bytes[REQUEST_TEXT_MAX])
{
	const ProtobufCMessageDescriptor *request = &weir__control__request__descriptor;
	const ProtobufCFieldDescriptor *field = NULL;
	struct buffer outer = { .size = 0 }, inner = { .size = 0 };
	char copy[REQUEST_TEXT_MAX], *at = copy, *word;

	snprintf(copy, sizeof(copy), "%s", line);
	put_varint(&outer, 1 << 3);
	put_varint(&outer, id);
	for (; (word = strsep(&at, " "));) {
		if (*word == '/')
			put_field(&outer, request, word + 1);
		else if (field)
			put_field(&inner, field->descriptor, word);
		else if (!(field = protobuf_c_message_descriptor_get_field_by_name(request, word)))
			fail_msg("there is no request %s", word);
	}
	if (field)
		put_bytes(&outer, field->id, inner.bytes, inner.size);
	memcpy(bytes, outer.bytes, outer.size);
	return outer.size;
}
