// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The input is a file that weirctl apply is given, with an extension "sample" whose types are those
// of sample.proto. A document that passes the check becomes items; the body of each must come out
// of its exact JSON as it was, and the control protocol must be able to carry the item.
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "message.h"
#include "sample.schema.h"
#include "site.h"

static char texts[][32] = { "policy", "rule", "sample.Rule", "policy", "everything",
	"sample.Everything" };

static struct types_cache *known_types(void)
{
	static struct types_cache cache;
	Weir__Control__MessageType types[2], *array[] = { &types[0], &types[1] };
	Weir__Control__PolicySchemaReply schema = WEIR__CONTROL__POLICY_SCHEMA_REPLY__INIT;
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;
	struct ctl_error error;
	static uint8_t bytes[sizeof(weir_schema)];

	if (cache.first)
		return &cache;
	memcpy(bytes, weir_schema, sizeof(bytes));
	for (size_t i = 0; i < 2; i++) {
		weir__control__message_type__init(&types[i]);
		types[i].role = texts[3 * i];
		types[i].type = texts[3 * i + 1];
		types[i].message = texts[3 * i + 2];
	}
	schema.types = array;
	schema.n_types = 2;
	schema.file_descriptor_set = (ProtobufCBinaryData){ sizeof(bytes), bytes };
	reply.payload_case = WEIR__CONTROL__REPLY__PAYLOAD_SCHEMA;
	reply.schema = &schema;
	if (types_cache_add(&cache, "sample", &reply, &error))
		abort();
	return &cache;
}

static void check_body(const struct site_place *place, const struct site_item *item)
{
	const ProtobufCBinaryData *body = &item->item.policy->body;
	const char *name = json_string_value(json_object_get(place->json, "type"));
	const struct message_type *type;
	const struct types *types;
	struct ctl_error error;
	json_t *json = NULL;
	uint8_t *again = NULL;
	size_t size;

	// Known, or there would be no item.
	if (types_cached(NULL, known_types(), "sample", &types, &error))
		abort();
	type = types_find(types, "policy", name, &error);
	if (!type ||
		message_to_json(type->message, body->data, body->len, MESSAGE_EXACT, &json, &error))
		abort();
	if (message_from_json(type->message, json, "", &again, &size, &error) ||
		size != body->len || (size && memcmp(again, body->data, size) != 0))
		abort();
	json_decref(json);
	free(again);
}

static int visit(void *context, const struct site_place *place, struct ctl_error *error)
{
	const char *extension = json_string_value(json_object_get(place->json, "extension"));
	struct site_item *item = NULL;
	uint8_t *bytes;
	size_t size;

	(void)context;
	// The schema of any other extension would be asked of a daemon.
	if (json_object_get(place->json, "body") && strcmp(extension, "sample") != 0)
		return 0;
	if (site_item_make(place, NULL, known_types(), &item, error)) {
		if (!error->message[0])
			abort();
		return 0;
	}
	size = weir__control__item__get_packed_size(&item->item);
	bytes = malloc(size + 1);
	if (weir__control__item__pack(&item->item, bytes) != size)
		abort();
	if (json_object_get(place->json, "body"))
		check_body(place, item);
	free(bytes);
	site_item_free(item);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *document = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct ctl_error error = { .message = "" };

	if (!document)
		return 0;
	if (site_check(document, &error)) {
		if (!error.message[0])
			abort();
	} else if (site_walk(document, visit, NULL, &error)) {
		abort();
	}
	json_decref(document);
	return 0;
}
