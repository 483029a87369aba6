// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Objects of a document as items of the protocol. Keys and fields have the same names, so that
// descriptors do most of it.
#include "site.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base64.h"
#include "message.h"

// A piece of memory that any of the messages fits in.
struct whole_item {
	struct site_item head;
	union {
		ProtobufCMessage base;
		Weir__Control__SwitchItem vswitch;
		Weir__Control__ExtensionItem extension;
		Weir__Control__PortItem port;
		Weir__Control__PolicyItem policy;
		Weir__Control__FdbItem fdb;
	} message;
	char target[sizeof("switch:") + 64];
};

static const char *text_at(const struct site_place *place, const char *key)
{
	return json_string_value(json_object_get(place->json, key));
}

static const ProtobufCFieldDescriptor *field_of(ProtobufCMessage *message, const char *name)
{
	return protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
}

static void set_text(ProtobufCMessage *message, const char *name, const char *text)
{
	const ProtobufCFieldDescriptor *field = field_of(message, name);

	*(char **)((char *)message + field->offset) = ask_text(text);
}

static void set_value(ProtobufCMessage *message, const struct site_key *key, const json_t *value)
{
	const ProtobufCFieldDescriptor *field = field_of(message, key->name);
	char *base = (char *)message;

	if (key->kind == SITE_TEXT) {
		set_text(message, key->name, json_string_value(value));
		return;
	}
	*(protobuf_c_boolean *)(base + field->quantifier_offset) = 1;
	if (key->kind == SITE_FLAG)
		*(protobuf_c_boolean *)(base + field->offset) = json_is_true(value);
	else
		*(uint32_t *)(base + field->offset) = (uint32_t)json_integer_value(value);
}

// What the document says by where the object stands.
static void set_outer(const struct site_place *place, struct whole_item *item)
{
	const char *outer = text_at(place->outer, "name");

	switch (place->object->item) {
	case WEIR__CONTROL__ITEM__ITEM_POLICY:
		snprintf(item->target, sizeof(item->target), "%s%s",
			place->outer->object->item == WEIR__CONTROL__ITEM__ITEM_SWITCH ? "switch:"
										       : "",
			outer);
		set_text(&item->message.base, "target", item->target);
		break;
	case WEIR__CONTROL__ITEM__ITEM_EXTENSION:
	case WEIR__CONTROL__ITEM__ITEM_PORT:
	case WEIR__CONTROL__ITEM__ITEM_FDB:
		set_text(&item->message.base, "switch", outer);
		break;
	default: // a switch is in nothing
		break;
	}
}

static int refuse_at(const struct site_place *place, const char *key, struct ctl_error *error)
{
	char path[SITE_PATH_SIZE];

	site_path(place, path);
	ctl_blame(error, "%s.%s: ", path, key);
	return CTL_REFUSED;
}

static int decode_base64(const struct site_place *place, const struct site_key *key,
	const char *text, struct whole_item *item, struct ctl_error *error)
{
	item->head.body = malloc(strlen(text) + 1);
	if (!item->head.body)
		return ctl_fail_memory(error);
	if (base64_read(text, item->head.body, &item->message.policy.body.len) &&
		item->message.policy.body.len <= key->most)
		return 0;
	ctl_fail(error, CTL_REFUSED, "must be at most %u bytes in base64", key->most);
	return refuse_at(place, key->name, error);
}

static int encode_body(const struct site_place *place, const json_t *body, struct invocation *in,
	struct types_cache *cache, struct whole_item *item, struct ctl_error *error)
{
	const struct message_type *type;
	const struct types *types = NULL;
	char path[SITE_PATH_SIZE + 8];
	size_t *size = &item->message.policy.body.len;
	int result = types_cached(in, cache, text_at(place, "extension"), &types, error);

	if (result == CTL_REFUSED)
		return refuse_at(place, "extension", error);
	if (result)
		return result;
	type = types_find(types, "policy", text_at(place, "type"), error);
	if (!type)
		return refuse_at(place, "type", error);
	if (message_from_json(type->message, body, "", &item->head.body, size, error) == 0)
		return 0;
	// Once more for the sentence: a path for each of many bodies would take longer than they
	// do.
	site_path(place, path);
	strcat(path, ".body");
	return message_from_json(type->message, body, path, &item->head.body, size, error);
}

static int set_body(const struct site_place *place, struct invocation *in,
	struct types_cache *cache, struct whole_item *item, struct ctl_error *error)
{
	const json_t *body = json_object_get(place->json, "body");
	const char *packed = text_at(place, "body_base64");
	int result = 0;

	if (body && packed) {
		ctl_fail(error, CTL_REFUSED, "must not be there beside body");
		return refuse_at(place, "body_base64", error);
	}
	if (packed)
		result = decode_base64(
			place, site_key(place->object, "body_base64"), packed, item, error);
	else if (body)
		result = encode_body(place, body, in, cache, item, error);
	item->message.policy.has_body = result == 0 && item->head.body;
	item->message.policy.body.data = item->head.body;
	return result;
}

int site_item_make(const struct site_place *place, struct invocation *in, struct types_cache *cache,
	struct site_item **item, struct ctl_error *error)
{
	struct whole_item *made = calloc(1, sizeof(*made));
	int result = 0;

	if (!made)
		return ctl_fail_memory(error);
	weir__control__item__init(&made->head.item);
	made->head.item.item_case = place->object->item;
	// All members of the union are pointers to messages.
	made->head.item.policy = &made->message.policy;
	protobuf_c_message_init(place->object->message, &made->message);
	for (const struct site_key *key = place->object->keys; key->name; key++) {
		const json_t *value = json_object_get(place->json, key->name);

		if (value && (key->kind == SITE_TEXT || key->kind == SITE_NUMBER ||
				     key->kind == SITE_FLAG))
			set_value(&made->message.base, key, value);
	}
	set_outer(place, made);
	if (place->object->item == WEIR__CONTROL__ITEM__ITEM_POLICY)
		result = set_body(place, in, cache, made, error);
	if (result)
		site_item_free(&made->head);
	else
		*item = &made->head;
	return result;
}

void site_item_free(struct site_item *item)
{
	if (!item)
		return;
	free(item->body);
	free(item);
}
