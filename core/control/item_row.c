// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/item_row.h"

#include <errno.h>
#include <string.h>

#include "control/handlers.h"
#include "control/rows.h"

const char *item_setting(const char *text)
{
	return text && strcmp(text, "none") == 0 ? "" : text;
}

static void take_extension(const Weir__Control__ExtensionItem *message, struct weir_item *item)
{
	item->kind = WEIR_ITEM_EXTENSION;
	item->switch_name = message->switch_;
	item->name = message->name;
	item->extension.order = message->has_order ? (int)message->order : WEIR_ORDER_DEFAULT;
	item->extension.fail_open = message->fail_open;
	item->extension.path = message->path;
}

static void take_port(const Weir__Control__PortItem *message, struct weir_item *item)
{
	item->kind = WEIR_ITEM_PORT;
	item->switch_name = message->switch_;
	item->name = message->name;
	item->port.nic = message->nic;
	item->port.vlan = item_setting(message->vlan);
	item->port.mac = item_setting(message->mac);
	item->port.mtu = message->mtu;
	item->port.uplink = message->uplink;
	item->port.disconnected = message->disconnected;
	item->port.forced = message->force;
}

static void take_policy(const Weir__Control__PolicyItem *message, struct weir_item *item)
{
	item->kind = WEIR_ITEM_POLICY;
	item->target = message->target;
	item->name = message->extension;
	item->policy.type = message->type;
	item->policy.id = message->id;
	item->policy.bytes = message->body.data;
	item->policy.size = message->body.len;
}

static void take_fdb(const Weir__Control__FdbItem *message, struct weir_item *item)
{
	item->kind = WEIR_ITEM_FDB;
	item->switch_name = message->switch_;
	item->fdb.mac = message->mac;
	item->fdb.port = message->port;
	item->fdb.vlan = (uint16_t)message->vlan;
}

int item_of_message(const Weir__Control__Item *message, struct weir_item *item)
{
	*item = (struct weir_item){ .size = sizeof(*item) };
	switch (message->item_case) {
	case WEIR__CONTROL__ITEM__ITEM_SWITCH:
		item->kind = WEIR_ITEM_SWITCH;
		item->switch_name = message->switch_->name;
		item->vswitch.n_flows = message->switch_->flows;
		item->vswitch.n_sessions = message->switch_->sessions;
		item->vswitch.n_port_sessions = message->switch_->port_sessions;
		return 0;
	case WEIR__CONTROL__ITEM__ITEM_EXTENSION:
		take_extension(message->extension, item);
		return 0;
	case WEIR__CONTROL__ITEM__ITEM_PORT:
		take_port(message->port, item);
		return 0;
	case WEIR__CONTROL__ITEM__ITEM_POLICY:
		take_policy(message->policy, item);
		return 0;
	case WEIR__CONTROL__ITEM__ITEM_FDB:
		take_fdb(message->fdb, item);
		return 0;
	default:
		return -EINVAL;
	}
}

static void send_switch(const struct weir_item *item, struct call *call)
{
	Weir__Control__Item row = WEIR__CONTROL__ITEM__INIT;
	Weir__Control__SwitchItem message = WEIR__CONTROL__SWITCH_ITEM__INIT;

	message.name = (char *)item->switch_name;
	if (item->vswitch.n_flows)
		ROW_SET(message, flows, item->vswitch.n_flows);
	if (item->vswitch.n_sessions)
		ROW_SET(message, sessions, item->vswitch.n_sessions);
	if (item->vswitch.n_port_sessions)
		ROW_SET(message, port_sessions, item->vswitch.n_port_sessions);
	row.item_case = WEIR__CONTROL__ITEM__ITEM_SWITCH;
	row.switch_ = &message;
	rows_add(call, &row.base);
}

static void send_extension(const struct weir_item *item, struct call *call)
{
	Weir__Control__Item row = WEIR__CONTROL__ITEM__INIT;
	Weir__Control__ExtensionItem message = WEIR__CONTROL__EXTENSION_ITEM__INIT;

	message.switch_ = (char *)item->switch_name;
	message.name = (char *)item->name;
	if (item->extension.order != WEIR_ORDER_DEFAULT)
		ROW_SET(message, order, (uint32_t)item->extension.order);
	if (item->extension.fail_open)
		ROW_SET(message, fail_open, true);
	message.path = row_text(item->extension.path);
	row.item_case = WEIR__CONTROL__ITEM__ITEM_EXTENSION;
	row.extension = &message;
	rows_add(call, &row.base);
}

// What is as when nothing is said is left out: documents are compared by people.
static void send_port(const struct weir_item *item, struct call *call)
{
	Weir__Control__Item row = WEIR__CONTROL__ITEM__INIT;
	Weir__Control__PortItem message = WEIR__CONTROL__PORT_ITEM__INIT;

	message.switch_ = (char *)item->switch_name;
	message.name = (char *)item->name;
	message.nic = row_text(item->port.nic);
	message.vlan = row_text(item->port.vlan);
	message.mac = row_text(item->port.mac);
	if (item->port.mtu)
		ROW_SET(message, mtu, item->port.mtu);
	if (item->port.uplink)
		ROW_SET(message, uplink, true);
	if (item->port.forced)
		ROW_SET(message, force, true);
	if (item->port.disconnected)
		ROW_SET(message, disconnected, true);
	row.item_case = WEIR__CONTROL__ITEM__ITEM_PORT;
	row.port = &message;
	rows_add(call, &row.base);
}

static void send_policy(const struct weir_item *item, struct call *call)
{
	Weir__Control__Item row = WEIR__CONTROL__ITEM__INIT;
	Weir__Control__PolicyItem message = WEIR__CONTROL__POLICY_ITEM__INIT;

	message.target = (char *)item->target;
	message.extension = (char *)item->name;
	message.type = row_text(item->policy.type);
	message.id = (char *)item->policy.id;
	message.has_body = true;
	message.body.data = (uint8_t *)item->policy.bytes;
	message.body.len = item->policy.size;
	row.item_case = WEIR__CONTROL__ITEM__ITEM_POLICY;
	row.policy = &message;
	rows_add(call, &row.base);
}

static void send_fdb(const struct weir_item *item, struct call *call)
{
	Weir__Control__Item row = WEIR__CONTROL__ITEM__INIT;
	Weir__Control__FdbItem message = WEIR__CONTROL__FDB_ITEM__INIT;

	message.switch_ = (char *)item->switch_name;
	message.mac = (char *)item->fdb.mac;
	message.port = (char *)item->fdb.port;
	if (item->fdb.vlan)
		ROW_SET(message, vlan, item->fdb.vlan);
	row.item_case = WEIR__CONTROL__ITEM__ITEM_FDB;
	row.fdb = &message;
	rows_add(call, &row.base);
}

void item_send(const struct weir_item *item, struct call *call)
{
	switch (item->kind) {
	case WEIR_ITEM_SWITCH:
		send_switch(item, call);
		break;
	case WEIR_ITEM_EXTENSION:
		send_extension(item, call);
		break;
	case WEIR_ITEM_PORT:
		send_port(item, call);
		break;
	case WEIR_ITEM_POLICY:
		send_policy(item, call);
		break;
	case WEIR_ITEM_FDB:
		send_fdb(item, call);
		break;
	case WEIR_ITEM_METER:
	case WEIR_ITEM_SAVED:
		break;
	}
}
