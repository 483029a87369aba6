// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "site.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base64.h"
#include "message.h"
#include "value.h"

// A policy's bytes until all items are there: the schema is another request.
struct site_body {
	json_t *policy; // in the document
	uint8_t *bytes;
	size_t size;
};

static const char *text_of(const ProtobufCMessage *message, const char *name)
{
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(
		message->descriptor, name);
	const char *text = NULL;

	if (field)
		text = *(const char *const *)((const char *)message + field->offset);
	return text ? text : "";
}

// NULL: the key is to be left out, or there is no memory.
static json_t *value_of(const ProtobufCMessage *message, const struct site_key *key, bool *absent)
{
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(
		message->descriptor, key->name);
	const char *base = (const char *)message;
	const char *text;
	uint32_t number;

	*absent = true;
	if (key->kind == SITE_TEXT) {
		text = text_of(message, key->name);
		*absent = !*text;
		return *text ? value_json_string(text, strlen(text)) : NULL;
	}
	if (!*(const protobuf_c_boolean *)(base + field->quantifier_offset))
		return NULL;
	if (key->kind == SITE_FLAG) {
		*absent = !*(const protobuf_c_boolean *)(base + field->offset);
		return *absent ? NULL : json_true();
	}
	number = *(const uint32_t *)(base + field->offset);
	*absent = number == 0 && key->zero_is_absent;
	return *absent ? NULL : json_integer(number);
}

static json_t *object_of(const struct site_object *object, const ProtobufCMessage *message)
{
	json_t *json = json_object();

	for (const struct site_key *key = object->keys; json && key->name; key++) {
		bool absent = true;
		json_t *value = NULL;

		if (key->kind == SITE_TEXT || key->kind == SITE_NUMBER || key->kind == SITE_FLAG)
			value = value_of(message, key, &absent);
		if (!absent && json_object_set_new(json, key->name, value)) {
			json_decref(json);
			return NULL;
		}
	}
	return json;
}

// The list in which items of that kind stand in an object of this kind.
static const struct site_key *list_of(
	const struct site_object *outer, Weir__Control__Item__ItemCase item)
{
	for (const struct site_key *key = outer->keys; key->name; key++) {
		if (key->items && key->items->item == item)
			return key;
	}
	return NULL;
}

// What the item stands in, and in which of its lists.
static json_t *find_outer(const struct site_builder *builder, const ProtobufCMessage *message,
	Weir__Control__Item__ItemCase item, const struct site_key **list)
{
	const struct site_key *switches = list_of(&site_document, WEIR__CONTROL__ITEM__ITEM_SWITCH);
	const struct site_key *ports = list_of(switches->items, WEIR__CONTROL__ITEM__ITEM_PORT);
	const char *target = text_of(message, "target");
	char name[sizeof("switch:") + 64];

	if (item == WEIR__CONTROL__ITEM__ITEM_SWITCH) {
		*list = switches;
		return builder->document;
	}
	if (item == WEIR__CONTROL__ITEM__ITEM_POLICY) {
		*list = list_of(strchr(target, ':') ? switches->items : ports->items, item);
		return json_object_get(builder->targets, target);
	}
	*list = list_of(switches->items, item);
	snprintf(name, sizeof(name), "switch:%s", text_of(message, "switch"));
	return json_object_get(builder->targets, name);
}

static int keep_target(struct site_builder *builder, json_t *json, const char *prefix,
	const ProtobufCMessage *message, struct ctl_error *error)
{
	char name[sizeof("switch:") + 64];

	snprintf(name, sizeof(name), "%s%s", prefix, text_of(message, "name"));
	return json_object_set(builder->targets, name, json) ? ctl_fail_memory(error) : 0;
}

static int keep_body(struct site_builder *builder, json_t *json,
	const Weir__Control__PolicyItem *policy, struct ctl_error *error)
{
	struct site_body *body;

	if (builder->n_bodies == builder->capacity) {
		size_t capacity = builder->capacity ? 2 * builder->capacity : 64;
		struct site_body *grown = realloc(builder->bodies, capacity * sizeof(*grown));

		if (!grown)
			return ctl_fail_memory(error);
		builder->bodies = grown;
		builder->capacity = capacity;
	}
	body = &builder->bodies[builder->n_bodies];
	*body = (struct site_body){ json, malloc(policy->body.len + 1), policy->body.len };
	if (!body->bytes)
		return ctl_fail_memory(error);
	if (body->size > 0)
		memcpy(body->bytes, policy->body.data, body->size);
	builder->n_bodies++;
	return 0;
}

static int add_item(
	struct site_builder *builder, const Weir__Control__Item *item, struct ctl_error *error)
{
	// All members of the union are pointers to messages.
	const ProtobufCMessage *message = item->item_case ? &item->switch_->base : NULL;
	const struct site_key *list = NULL;
	json_t *outer, *array, *json;

	// Of a kind younger than this weirctl. Without it the document would not be all that is
	// wanted, and --prune would remove it.
	if (!message)
		return ctl_fail(error, CTL_REFUSED,
			"the daemon is younger than this weirctl and keeps what it cannot write "
			"down: use the weirctl of the daemon's version");
	outer = find_outer(builder, message, item->item_case, &list);
	if (!outer || !list)
		return ask_unexpected(error);
	array = json_object_get(outer, list->name);
	if (!array) {
		array = json_array();
		if (json_object_set_new(outer, list->name, array))
			return ctl_fail_memory(error);
	}
	json = object_of(list->items, message);
	if (json_array_append_new(array, json))
		return ctl_fail_memory(error);
	if (item->item_case == WEIR__CONTROL__ITEM__ITEM_SWITCH)
		return keep_target(builder, json, "switch:", message, error);
	if (item->item_case == WEIR__CONTROL__ITEM__ITEM_PORT)
		return keep_target(builder, json, "", message, error);
	if (item->item_case == WEIR__CONTROL__ITEM__ITEM_POLICY)
		return keep_body(builder, json, item->policy, error);
	return 0;
}

int site_builder_add(
	struct site_builder *builder, const Weir__Control__ItemRows *rows, struct ctl_error *error)
{
	int result = 0;

	if (!builder->document) {
		builder->document = json_pack("{s:i, s:[]}", "weir", 1, "switches");
		builder->targets = json_object();
		if (!builder->document || !builder->targets)
			return ctl_fail_memory(error);
	}
	for (size_t i = 0; rows && result == 0 && i < rows->n_rows; i++)
		result = add_item(builder, rows->rows[i], error);
	return result;
}

// A body that could not be read back from its JSON is better not written as such.
static json_t *decode(const struct catalog_message *message, const struct site_body *body)
{
	struct ctl_error ignored;
	uint8_t *again = NULL;
	json_t *json = NULL;
	size_t size;

	if (message_to_json(message, body->bytes, body->size, MESSAGE_EXACT, &json, &ignored))
		return NULL;
	if (message_from_json(message, json, "", &again, &size, &ignored)) {
		json_decref(json);
		return NULL;
	}
	free(again);
	return json;
}

static int set_base64(const struct site_body *body, struct ctl_error *error)
{
	char *text = base64_text(body->bytes, body->size);
	int failed = !text || json_object_set_new(body->policy, "body_base64", json_string(text));

	free(text);
	return failed ? ctl_fail_memory(error) : 0;
}

static int set_body(struct invocation *in, struct types_cache *cache, const struct site_body *body,
	struct ctl_error *error)
{
	const char *extension = json_string_value(json_object_get(body->policy, "extension"));
	const char *name = json_string_value(json_object_get(body->policy, "type"));
	const struct message_type *type = NULL;
	const struct types *types = NULL;
	json_t *json;
	int result = types_cached(in, cache, extension ? extension : "", &types, error);

	if (result == 0)
		type = types_find(types, "policy", name, error);
	else if (result != CTL_REFUSED)
		return result;
	json = type ? decode(type->message, body) : NULL;
	if (!json)
		return set_base64(body, error);
	return json_object_set_new(body->policy, "body", json) ? ctl_fail_memory(error) : 0;
}

int site_builder_finish(
	struct site_builder *builder, struct invocation *in, struct ctl_error *error)
{
	struct types_cache cache = { NULL };
	int result = site_builder_add(builder, NULL, error); // there is a document, if an empty one

	for (size_t i = 0; result == 0 && i < builder->n_bodies; i++) {
		struct site_body *body = &builder->bodies[i];

		result = set_body(in, &cache, body, error);
		free(body->bytes);
		body->bytes = NULL;
	}
	types_cache_fini(&cache);
	return result;
}

void site_builder_fini(struct site_builder *builder)
{
	for (size_t i = 0; i < builder->n_bodies; i++)
		free(builder->bodies[i].bytes);
	free(builder->bodies);
	json_decref(builder->targets);
	json_decref(builder->document);
	*builder = (struct site_builder){ 0 };
}
