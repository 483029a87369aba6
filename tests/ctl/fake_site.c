// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <stdio.h>
#include <string.h>

#include "fake_answer.h"

#define ITEM(kind, member, message)                                                                \
	{                                                                                          \
		BASE(item), .item_case = WEIR__CONTROL__ITEM__ITEM_##kind, .member = (message)     \
	}

static char br0[] = "br0", sample[] = "sample", gone[] = "gone", vm1[] = "vm1", up0[] = "up0";
static char rule[] = "rule", id[] = "web", nic[] = "tap:vm1", vlan[] = "10";
static char mac[] = "02:00:00:00:00:01", path[] = "/x/gone.so", everything[] = "everything";
static char vm1_switch[] = "switch:br0", big[] = "big";

// remote = "10.0.0.0/8", direction = IN, match = { protocol = 6 }
static uint8_t rule_body[] = "\x0a\x0a"
			     "10.0.0.0/8"
			     "\x10\x00\x1a\x02\x08\x06";
// huge = 18446744073709551614, real = 0.1
static uint8_t big_body[] = "\x09\x9a\x99\x99\x99\x99\x99\xb9\x3f"
			    "\x20\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01";

static void export_second(const struct fake_connection *c)
{
	Weir__Control__PolicyItem web = { BASE(policy_item), .target = vm1, .extension = sample,
		.type = rule, .id = id, .has_body = 1,
		.body = { sizeof(rule_body) - 1, rule_body } };
	Weir__Control__PolicyItem large = { BASE(policy_item), .target = vm1, .extension = sample,
		.type = everything, .id = big, .has_body = 1,
		.body = { sizeof(big_body) - 1, big_body } };
	Weir__Control__PolicyItem lost = { BASE(policy_item), .target = vm1, .extension = gone,
		.id = id, .has_body = 1, .body = { 3, rule_body } };
	Weir__Control__FdbItem fdb = { BASE(fdb_item), .switch_ = br0, .mac = mac, .port = vm1,
		HAS(vlan, 10) };
	Weir__Control__Item items[] = { ITEM(POLICY, policy, &web), ITEM(POLICY, policy, &large),
		ITEM(POLICY, policy, &lost), ITEM(FDB, fdb, &fdb) };
	Weir__Control__Item *array[] = { &items[0], &items[1], &items[2], &items[3] };
	Weir__Control__ItemRows rows = { BASE(item_rows), ROWS(array) };

	REPLY(c, ITEMS, items, &rows, false);
}

static void export_first(const struct fake_connection *c)
{
	Weir__Control__SwitchItem vswitch = { BASE(switch_item), .name = br0 };
	Weir__Control__ExtensionItem first = { BASE(extension_item), .switch_ = br0, .name = sample,
		HAS(order, 0), HAS(fail_open, 0) };
	Weir__Control__ExtensionItem second = { BASE(extension_item), .switch_ = br0, .name = gone,
		HAS(order, 20), HAS(fail_open, 1), .path = path };
	Weir__Control__PolicyItem policy = { BASE(policy_item), .target = vm1_switch,
		.extension = sample, .type = rule, .id = id, .has_body = 1,
		.body = { 12, rule_body } };
	Weir__Control__PortItem up = { BASE(port_item), .switch_ = br0, .name = up0, HAS(uplink, 1),
		HAS(mtu, 0), HAS(disconnected, 0) };
	Weir__Control__PortItem vm = { BASE(port_item), .switch_ = br0, .name = vm1, .nic = nic,
		.vlan = vlan, .mac = mac, HAS(mtu, 1500), HAS(force, 1), HAS(disconnected, 1) };
	Weir__Control__Item items[] = { ITEM(SWITCH, switch_, &vswitch),
		ITEM(EXTENSION, extension, &first), ITEM(EXTENSION, extension, &second),
		ITEM(POLICY, policy, &policy), ITEM(PORT, port, &up), ITEM(PORT, port, &vm) };
	Weir__Control__Item *array[] = { &items[0], &items[1], &items[2], &items[3], &items[4],
		&items[5] };
	Weir__Control__ItemRows rows = { BASE(item_rows), ROWS(array) };

	REPLY(c, ITEMS, items, &rows, true);
}

// Something that no weirctl of today knows.
static void export_unknown(const struct fake_connection *c)
{
	Weir__Control__Item item = { BASE(item) };
	Weir__Control__Item *array[] = { &item };
	Weir__Control__ItemRows rows = { BASE(item_rows), ROWS(array) };

	REPLY(c, ITEMS, items, &rows, false);
}

void fake_export(struct fake_connection *c, const Weir__Control__Export *request)
{
	if (request->switch_ && strcmp(request->switch_, "future") == 0) {
		export_unknown(c);
		return;
	}
	if (request->switch_ && strcmp(request->switch_, "br0") != 0) {
		fake_done(c, false);
		return;
	}
	export_first(c);
	export_second(c);
}

void fake_apply_add(struct fake_connection *c, const Weir__Control__ApplyAdd *request)
{
	char field[64];

	for (size_t i = 0; i < request->n_items; i++) {
		const Weir__Control__Item *item = request->items[i];
		bool is_port = item->item_case == WEIR__CONTROL__ITEM__ITEM_PORT;

		if (item->item_case == WEIR__CONTROL__ITEM__ITEM_SWITCH &&
			strcmp(item->switch_->name, "taken") == 0) {
			snprintf(field, sizeof(field), "apply_add.items[%zu]", c->n_items + i);
			fake_refuse(c, WEIR__CONTROL__STATUS__CODE__EXISTS, field,
				"switch \"taken\": is there already, as items[0], say I");
			return;
		}
		if (is_port && strcmp(item->port->name, "alien") == 0) {
			snprintf(field, sizeof(field), "apply_add.items[%zu].port.nic",
				c->n_items + i);
			fake_refuse(c, WEIR__CONTROL__STATUS__CODE__INVALID, field,
				"must be less strange");
			return;
		}
		if (is_port && strcmp(item->port->name, "late") == 0)
			c->late = c->n_items + i + 1;
	}
	c->n_items += request->n_items;
	fake_done(c, false);
}

void fake_apply_commit(struct fake_connection *c, const Weir__Control__ApplyCommit *request)
{
	static char add[] = "add", port[] = "port", text[] = "nic tap:vm1", change[] = "change";
	Weir__Control__Difference first = { BASE(difference), .action = add, .object = port,
		.name = vm1, .text = text };
	Weir__Control__Difference second = { BASE(difference), .action = change, .object = port,
		.name = up0 };
	Weir__Control__Difference *array[] = { &first, &second };
	Weir__Control__DifferenceRows rows = { BASE(difference_rows), ROWS(array) };
	char field[64];

	if (c->late) {
		snprintf(field, sizeof(field), "apply_commit.items[%zu].vlan", c->late - 1);
		fake_refuse(c, WEIR__CONTROL__STATUS__CODE__INVALID, field,
			"vlan \"4095\": must be 1 to 4094");
	} else if (c->n_items == 0 && !request->prune) {
		fake_done(c, false);
	} else {
		REPLY(c, DIFFERENCES, differences, &rows, false);
	}
	c->n_items = 0;
}
