// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "site.h"

#include <inttypes.h>
#include <string.h>

enum {
	MAX_NAME = 63,
	MAX_SPEC = 4095,
	MAX_BODY = 65536,
	MIN_FLOWS = 64,
	MAX_FLOWS = 1 << 24,
	MIN_SESSIONS = 64,
	MAX_SESSIONS = 1 << 24,
};

#define NAME(key, text)                                                                            \
	{                                                                                          \
		.name = (key), .kind = SITE_TEXT, .required = true, .least = 1, .most = MAX_NAME,  \
		.comment = (text)                                                                  \
	}
#define SPEC(key, text)                                                                            \
	{                                                                                          \
		.name = (key), .kind = SITE_TEXT, .least = 1, .most = MAX_SPEC, .comment = (text)  \
	}
#define FLAG(key, text)                                                                            \
	{                                                                                          \
		.name = (key), .kind = SITE_FLAG, .comment = (text)                                \
	}
#define LIST(key, of, text)                                                                        \
	{                                                                                          \
		.name = (key), .kind = SITE_LIST, .items = (of), .comment = (text)                 \
	}
#define ITEM(kind, type)                                                                           \
	.message = &weir__control__##type##__descriptor, .item = WEIR__CONTROL__ITEM__ITEM_##kind

static const struct site_object extension = {
	.name = "extension",
	ITEM(EXTENSION, extension_item),
	.keys =
		(const struct site_key[]){
			NAME("name", "The extension."),
			{ .name = "order",
				.kind = SITE_NUMBER,
				.most = 65535,
				.comment = "Place in its class, smaller is earlier on ingress." },
			FLAG("fail_open",
				"When a restart does not find the extension, the switch's ports "
				"pass frames without it."),
			SPEC("path",
				"The shared object; when absent it is looked for by the name."),
			{ 0 },
		},
};

static const struct site_object policy = {
	.name = "policy",
	ITEM(POLICY, policy_item),
	.keys =
		(const struct site_key[]){
			NAME("extension", "The extension, which is on the switch's stack."),
			{ .name = "type",
				.kind = SITE_TEXT,
				.least = 1,
				.most = MAX_NAME,
				.comment = "The type of policy, when the extension has several." },
			NAME("id", "Unique for the target and extension."),
			{ .name = "body",
				.kind = SITE_BODY,
				.comment = "What the extension is told: see weirctl policy "
					   "schema." },
			{ .name = "body_base64",
				.kind = SITE_BASE64,
				.most = MAX_BODY,
				.comment = "The same, packed: of an extension whose schema cannot "
					   "be had." },
			{ 0 },
		},
};

static const struct site_object port = {
	.name = "port",
	ITEM(PORT, port_item),
	.keys =
		(const struct site_key[]){
			NAME("name", "Unique over all switches."),
			SPEC("nic", "What it is connected to, such as packet:eth1 or tap:vm1; "
				    "nothing when absent."),
			SPEC("vlan", "10, trunk:1-100,200,native:1 or none, as when absent."),
			{ .name = "mac",
				.kind = SITE_TEXT,
				.least = 1,
				.most = MAX_NAME,
				.comment =
					"The address of the station behind it; none when absent." },
			{ .name = "mtu",
				.kind = SITE_NUMBER,
				.zero_is_absent = true,
				.most = UINT32_MAX,
				.comment = "The largest frame in bytes, without Ethernet header "
					   "and VLAN tags; the NIC's when absent." },
			FLAG("uplink", "It leads to the physical network."),
			FLAG("force", "Also an interface that carries the default route."),
			FLAG("disconnected", "It has the NIC and is not to use it."),
			LIST("policies", &policy, "The port's policies."),
			{ 0 },
		},
};

static const struct site_object fdb = {
	.name = "fdb",
	ITEM(FDB, fdb_item),
	.keys =
		(const struct site_key[]){
			NAME("mac", "The address."),
			{ .name = "vlan",
				.kind = SITE_NUMBER,
				.zero_is_absent = true,
				.most = 4094,
				.comment = "The VLAN; 0 when absent." },
			NAME("port", "Where it is."),
			{ 0 },
		},
};

static const struct site_object vswitch = {
	.name = "switch",
	ITEM(SWITCH, switch_item),
	.keys =
		(const struct site_key[]){
			NAME("name", "Unique in the daemon."),
			{ .name = "flows",
				.kind = SITE_NUMBER,
				.least = MIN_FLOWS,
				.most = MAX_FLOWS,
				.comment = "Flows that each worker can cache; as the daemon was "
					   "told when absent. Fixed while there is the switch." },
			{ .name = "sessions",
				.kind = SITE_NUMBER,
				.least = MIN_SESSIONS,
				.most = MAX_SESSIONS,
				.comment = "Sessions that extensions can have open; 131072 when "
					   "absent. Fixed while there is the switch." },
			{ .name = "port_sessions",
				.kind = SITE_NUMBER,
				.least = 1,
				.most = MAX_SESSIONS,
				.comment = "Of them at one port; half of them when absent. Fixed "
					   "while there is the switch." },
			LIST("extensions", &extension, "Its stack."),
			LIST("policies", &policy, "The switch's own policies."),
			LIST("ports", &port, "Its ports."),
			LIST("fdb", &fdb, "Static entries of its forwarding database."),
			{ 0 },
		},
};

const struct site_object site_document = {
	.name = "document",
	.keys =
		(const struct site_key[]){
			{ .name = "$schema",
				.kind = SITE_NOTE,
				.comment = "For editors: where the JSON Schema is." },
			{ .name = "weir",
				.kind = SITE_NUMBER,
				.required = true,
				.least = 1,
				.most = 1,
				.comment = "The version of this format." },
			LIST("switches", &vswitch, "All switches."),
			{ 0 },
		},
};

const struct site_key *site_key(const struct site_object *object, const char *name)
{
	for (const struct site_key *key = object->keys; key->name; key++) {
		if (strcmp(key->name, name) == 0)
			return key;
	}
	return NULL;
}

void site_path(const struct site_place *place, char path[SITE_PATH_SIZE])
{
	size_t size;

	*path = '\0';
	if (!place->outer)
		return;
	site_path(place->outer, path);
	size = strlen(path);
	snprintf(path + size, SITE_PATH_SIZE - size, "%s%s[%zu]", *path ? "." : "",
		place->list->name, place->index);
}

static int walk(
	const struct site_place *place, site_visitor *visit, void *context, struct ctl_error *error)
{
	int result = place->object->message ? visit(context, place, error) : 0;

	for (const struct site_key *key = place->object->keys; result == 0 && key->name; key++) {
		const json_t *list = key->items ? json_object_get(place->json, key->name) : NULL;

		for (size_t i = 0; result == 0 && i < json_array_size(list); i++) {
			struct site_place inner = { place, key->items, key, i,
				json_array_get(list, i) };

			result = walk(&inner, visit, context, error);
		}
	}
	return result;
}

int site_walk(const json_t *document, site_visitor *visit, void *context, struct ctl_error *error)
{
	struct site_place place = { .object = &site_document, .json = document };

	return walk(&place, visit, context, error);
}
