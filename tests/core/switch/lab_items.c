// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "lab_items.h"

struct line {
	char *text;
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(line->text + line->used, LAB_ITEM_SIZE - line->used, format, arguments);
	va_end(arguments);
	line->used += (size_t)n;
	assert_true(n >= 0 && line->used < LAB_ITEM_SIZE);
}

static void add_text(struct line *line, const char *name, const char *value)
{
	if (value && *value)
		add(line, " %s=%s", name, value);
}

static void add_number(struct line *line, const char *name, unsigned value)
{
	if (value)
		add(line, " %s=%u", name, value);
}

static void add_port(struct line *line, const struct weir_item *item)
{
	add(line, "port %s %s", item->switch_name, item->name);
	add_text(line, "nic", item->port.nic);
	add_text(line, "vlan", item->port.vlan);
	add_text(line, "mac", item->port.mac);
	add_number(line, "mtu", item->port.mtu);
	add(line, "%s%s%s", item->port.uplink ? " uplink" : "",
		item->port.disconnected ? " disconnected" : "", item->port.forced ? " forced" : "");
	add_number(line, "made", item->port.made_ids);
}

static void add_policy(struct line *line, const struct weir_item *item)
{
	const uint8_t *bytes = item->policy.bytes;

	add(line, "policy %s %s %s %s ", item->target, item->name, item->policy.type,
		item->policy.id);
	for (size_t i = 0; i < item->policy.size; i++)
		add(line, "%02x", bytes[i]);
}

void lab_item_text(const struct weir_item *item, char text[])
{
	struct line line = { text, 0 };

	switch (item->kind) {
	case WEIR_ITEM_SWITCH:
		add(&line, "switch %s", item->switch_name);
		add_number(&line, "flows", item->vswitch.n_flows);
		add_number(&line, "sessions", item->vswitch.n_sessions);
		add_number(&line, "port-sessions", item->vswitch.n_port_sessions);
		add_number(&line, "made", item->vswitch.made_ids);
		break;
	case WEIR_ITEM_EXTENSION:
		add(&line, "extension %s %s order=%d", item->switch_name, item->name,
			item->extension.order);
		add(&line, "%s", item->extension.fail_open ? " fail-open" : "");
		add_text(&line, "path", item->extension.path);
		break;
	case WEIR_ITEM_PORT:
		add_port(&line, item);
		break;
	case WEIR_ITEM_POLICY:
		add_policy(&line, item);
		break;
	case WEIR_ITEM_FDB:
		add(&line, "fdb %s %u %s %s", item->switch_name, item->fdb.vlan, item->fdb.mac,
			item->fdb.port);
		break;
	case WEIR_ITEM_METER:
		add(&line, "meter %s %s %s", item->target, item->name, item->meter.id);
		break;
	default:
		fail_msg("item of kind %d", item->kind);
	}
}

static void add_line(struct lab_items *items, const char *before, const struct weir_item *item)
{
	size_t used = strlen(items->text);
	char text[LAB_ITEM_SIZE];

	lab_item_text(item, text);
	assert_true(used + strlen(text) + 4 < sizeof(items->text));
	sprintf(items->text + used, "%s%s\n", before, text);
	items->n++;
}

void lab_items_add(void *items, const struct weir_item *item)
{
	add_line(items, "", item);
}

void lab_items_note(void *items, bool removed, const struct weir_item *item)
{
	add_line(items, removed ? "- " : "+ ", item);
}

void lab_assert_items_at(struct lab_items *items, const char *lines, const char *file, int line)
{
	if (strcmp(items->text, lines) != 0) {
		print_error("told:\n%sexpected:\n%s", items->text, lines);
		_fail(file, line);
	}
	*items = (struct lab_items){ 0 };
}

void lab_export(struct lab *lab, const char *vswitch, struct lab_items *items)
{
	*items = (struct lab_items){ 0 };
	assert_int_equal(weir_export(lab->weir, vswitch, lab_items_add, items, &lab->error), 0);
}
