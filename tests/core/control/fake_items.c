// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The desired state of the fake switch: the names of switches, and documents, which keep their
// items as text. An item that is there already is refused.
#include "fake_weir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 160 };

struct weir_document {
	char (*texts)[TEXT_MAX];
	size_t n, size;
};

bool fake_has(const struct weir *weir, const char *name)
{
	for (unsigned i = 0; i < FAKE_MAX_SWITCHES; i++)
		if (strcmp(weir->switches[i], name) == 0)
			return true;
	return false;
}

void fake_set(struct weir *weir, const char *name, bool present)
{
	for (unsigned i = 0; i < FAKE_MAX_SWITCHES; i++)
		if (strcmp(weir->switches[i], name) == 0)
			*weir->switches[i] = '\0';
	for (unsigned i = 0; present && i < FAKE_MAX_SWITCHES; i++)
		if (!*weir->switches[i]) {
			snprintf(weir->switches[i], sizeof(weir->switches[i]), "%s", name);
			return;
		}
}

void fake_tell(struct weir *weir, const char *name, bool removed)
{
	const struct weir_item item = {
		.size = sizeof(struct weir_item), .kind = WEIR_ITEM_SWITCH, .switch_name = name
	};

	if (weir->change)
		weir->change(weir->change_context, removed, &item);
}

void weir_on_change(struct weir *weir, weir_change_handler *handler, void *context)
{
	weir->change = handler;
	weir->change_context = context;
}

static const struct weir_item site[] = {
	{ .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_SWITCH,
		.switch_name = "br0",
		.vswitch.made_ids = 3 },
	{ .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_EXTENSION,
		.switch_name = "br0",
		.name = "acl",
		.extension = { .order = 10, .fail_open = true, .path = "/x/acl.so" } },
	{ .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_PORT,
		.switch_name = "br0",
		.name = "vm1",
		.port = { .nic = "tap:vm1", .vlan = "10", .mac = "", .forced = true } },
	{ .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_PORT,
		.switch_name = "br0",
		.name = "vm2",
		.port = { .nic = "null",
			.vlan = "",
			.mac = "02:00:00:00:00:02",
			.mtu = 9000,
			.uplink = true,
			.disconnected = true } },
	{ .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_POLICY,
		.target = "vm1",
		.name = "acl",
		.policy = { .type = "rule", .id = "7", .bytes = "body", .size = 4 } },
	{ .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_FDB,
		.switch_name = "br0",
		.fdb = { .mac = "02:00:00:00:00:01", .port = "vm1", .vlan = 10 } },
	{ .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_METER,
		.target = "vm1",
		.name = "acl" },
};

int weir_export(struct weir *weir, const char *switch_name, weir_item_row *row, void *context,
	struct weir_error *error)
{
	int result = fake_record(weir, error, "export %s", fake_text(switch_name));

	for (size_t i = 0; result == 0 && i < sizeof(site) / sizeof(site[0]); i++)
		row(context, &site[i]);
	return result;
}

int weir_export_saved(
	struct weir *weir, weir_item_row *row, void *context, struct weir_error *error)
{
	(void)weir;
	(void)error;
	row(context, &(struct weir_item){ .size = sizeof(struct weir_item),
			     .kind = WEIR_ITEM_SAVED,
			     .target = "vm1",
			     .name = "acl" });
	return 0;
}

void weir_export_meters(struct weir *weir, bool all, weir_item_row *row, void *context)
{
	if (!all && weir->meter == weir->meter_told)
		return;
	weir->meter_told = weir->meter;
	row(context, &(struct weir_item){ .size = sizeof(struct weir_item),
			     .kind = WEIR_ITEM_METER,
			     .target = "vm1",
			     .name = "acl",
			     .meter = { .id = "in", .frames = weir->meter } });
}

struct weir_document *weir_document_create(void)
{
	return calloc(1, sizeof(struct weir_document));
}

void weir_document_destroy(struct weir_document *document)
{
	if (document)
		free(document->texts);
	free(document);
}

static void describe(const struct weir_item *item, char text[TEXT_MAX])
{
	switch (item->kind) {
	case WEIR_ITEM_SWITCH:
		snprintf(text, TEXT_MAX, "switch %s", item->switch_name);
		break;
	case WEIR_ITEM_EXTENSION:
		snprintf(text, TEXT_MAX, "extension %s %s %d %d %s", item->switch_name, item->name,
			item->extension.order, item->extension.fail_open,
			fake_text(item->extension.path));
		break;
	case WEIR_ITEM_PORT:
		snprintf(text, TEXT_MAX, "port %s %s nic=%s vlan=%s mac=%s mtu=%u %d%d%d",
			item->switch_name, item->name, fake_text(item->port.nic),
			fake_text(item->port.vlan), fake_text(item->port.mac), item->port.mtu,
			item->port.uplink, item->port.forced, item->port.disconnected);
		break;
	case WEIR_ITEM_POLICY:
		snprintf(text, TEXT_MAX, "policy %s %s.%s %s %.*s", item->target, item->name,
			fake_text(item->policy.type), item->policy.id,
			(int)(item->policy.size < 32 ? item->policy.size : 32),
			item->policy.size ? (const char *)item->policy.bytes : "");
		break;
	case WEIR_ITEM_FDB:
		snprintf(text, TEXT_MAX, "fdb %s %s %u %s", item->switch_name, item->fdb.mac,
			item->fdb.vlan, item->fdb.port);
		break;
	default:
		snprintf(text, TEXT_MAX, "observed");
	}
}

int weir_document_add(
	struct weir_document *document, const struct weir_item *item, struct weir_error *error)
{
	char text[TEXT_MAX];
	char(*texts)[TEXT_MAX];

	describe(item, text);
	for (size_t i = 0; i < document->n && document->n < 1000; i++)
		if (strcmp(document->texts[i], text) == 0)
			return weir_refuse(
				error, -EEXIST, "name", "\"%s\" is in the document already", text);
	texts = realloc(document->texts, (document->n + 1) * sizeof(*texts));
	if (!texts)
		return weir_refuse(error, -ENOMEM, NULL, "out of memory");
	memcpy(texts[document->n], text, sizeof(text));
	document->texts = texts;
	document->n++;
	// As if it had been kept whole.
	document->size += sizeof(text);
	document->size += item->kind == WEIR_ITEM_POLICY ? item->policy.size : 0;
	return 0;
}

size_t weir_document_n_items(const struct weir_document *document)
{
	return document->n;
}

size_t weir_document_size(const struct weir_document *document)
{
	return document->size;
}

// With WEIR_PRUNE and without a dry run, the switches of the document are those that there are.
static void make(struct weir *weir, const struct weir_document *document, unsigned flags)
{
	if (flags & WEIR_DRY_RUN)
		return;
	if (flags & WEIR_PRUNE)
		memset(weir->switches, 0, sizeof(weir->switches));
	for (size_t i = 0; i < document->n; i++)
		if (strncmp(document->texts[i], "switch ", 7) == 0) {
			fake_set(weir, document->texts[i] + 7, true);
			fake_tell(weir, document->texts[i] + 7, false);
		}
}

int weir_apply(struct weir *weir, const struct weir_document *document, unsigned flags,
	weir_difference_row *row, void *context, struct weir_error *error)
{
	char text[sizeof(weir->last)] = "";
	const char *last = document->n ? document->texts[document->n - 1] : "";
	int result;

	if (weir->apply_fails)
		return weir_refuse(error, -ENOMEM, NULL, "out of memory for a fake");
	for (size_t i = 0; i < document->n && i < 8; i++) {
		strncat(text, ", ", sizeof(text) - strlen(text) - 1);
		strncat(text, document->texts[i], sizeof(text) - strlen(text) - 1);
	}
	fake_remark(weir);
	result = fake_record(weir, error, "apply %zu %u%.400s", document->n, flags, text);
	if (result < 0)
		return result;
	weir->n_applied++;
	for (unsigned i = 0; row && i < weir->n_differences; i++)
		row(context, &(struct weir_difference){ .action = "add",
				     .object = "switch",
				     .name = last,
				     .text = weir->text ? weir->text : "" });
	make(weir, document, flags);
	return 0;
}
