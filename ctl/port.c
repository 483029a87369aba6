// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// port add|remove|list|show|connect|disconnect|set
#include "ask.h"

static const struct column columns[] = {
	{ "name", COLUMN_PLAIN },
	{ "switch", COLUMN_PLAIN },
	{ "state", COLUMN_PLAIN },
	{ "blocked", COLUMN_RARE },
	{ "nic", COLUMN_PLAIN },
	{ "vlan", COLUMN_RARE },
	{ "rx_frames", COLUMN_PLAIN },
	{ "rx_bytes", COLUMN_PLAIN },
	{ "tx_frames", COLUMN_PLAIN },
	{ "tx_bytes", COLUMN_PLAIN },
	{ "dropped_frames", COLUMN_PLAIN },
	{ "reason", COLUMN_RARE },
	{ NULL, COLUMN_PLAIN },
};

#define VLAN_OPTION                                                                                \
	{                                                                                          \
		.name = "--vlan", .value = "VLAN", .help = "10, trunk:1-100,200,native:1 or none"  \
	}
#define MAC_OPTION                                                                                 \
	{                                                                                          \
		.name = "--mac", .value = "MAC", .help = "the address of the station behind it"    \
	}
#define MTU_OPTION                                                                                 \
	{                                                                                          \
		.name = "--mtu", .value = "BYTES",                                                 \
		.help = "the largest frame, without Ethernet header and VLAN tags"                 \
	}
#define FORCE_OPTION                                                                               \
	{                                                                                          \
		.name = "--force", .help = "also an interface that carries the default route"      \
	}

// 0: the NIC's. What is less than the least MTU the daemon refuses.
static const struct command_range mtu_range = { 0, 65535,
	"bytes (0: that of the NIC, else at least 68)" };

static int add(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__PortAdd message = WEIR__CONTROL__PORT_ADD__INIT;
	Weir__Control__Request request = REQUEST(PORT_ADD, port_add, &message);
	int result;

	message.switch_ = ask_text(invocation_argument(in, 0));
	message.name = ask_text(invocation_argument(in, 1));
	message.nic = ask_text(invocation_argument(in, 2));
	message.vlan = ask_text(invocation_option(in, "--vlan"));
	message.mac = ask_text(invocation_option(in, "--mac"));
	message.has_uplink = message.uplink = invocation_option(in, "--uplink") != NULL;
	message.has_force = message.force = invocation_option(in, "--force") != NULL;
	result = invocation_number(in, "--mtu", mtu_range, &message.has_mtu, &message.mtu, error);
	return result ? result : ask_change(in, &request, error);
}

static int port_remove(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__PortRemove message = WEIR__CONTROL__PORT_REMOVE__INIT;
	Weir__Control__Request request = REQUEST(PORT_REMOVE, port_remove, &message);

	message.name = ask_text(invocation_argument(in, 0));
	return ask_change(in, &request, error);
}

static int list(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__PortList message = WEIR__CONTROL__PORT_LIST__INIT;
	Weir__Control__Request request = REQUEST(PORT_LIST, port_list, &message);

	message.switch_ = ask_text(invocation_argument(in, 0));
	return ask_list(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_PORTS, columns, error);
}

static int show(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__PortShow message = WEIR__CONTROL__PORT_SHOW__INIT;
	Weir__Control__Request request = REQUEST(PORT_SHOW, port_show, &message);

	message.name = ask_text(invocation_argument(in, 0));
	return ask_show(in, &request, WEIR__CONTROL__REPLY__PAYLOAD_PORTS, NULL, error);
}

static int port_connect(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__PortConnect message = WEIR__CONTROL__PORT_CONNECT__INIT;
	Weir__Control__Request request = REQUEST(PORT_CONNECT, port_connect, &message);

	message.name = ask_text(invocation_argument(in, 0));
	message.nic = ask_text(invocation_argument(in, 1));
	message.has_force = message.force = invocation_option(in, "--force") != NULL;
	return ask_change(in, &request, error);
}

static int disconnect(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__PortDisconnect message = WEIR__CONTROL__PORT_DISCONNECT__INIT;
	Weir__Control__Request request = REQUEST(PORT_DISCONNECT, port_disconnect, &message);

	message.name = ask_text(invocation_argument(in, 0));
	return ask_change(in, &request, error);
}

static int set(struct invocation *in, struct ctl_error *error)
{
	Weir__Control__PortSet message = WEIR__CONTROL__PORT_SET__INIT;
	Weir__Control__Request request = REQUEST(PORT_SET, port_set, &message);
	int result;

	message.name = ask_text(invocation_argument(in, 0));
	message.vlan = ask_text(invocation_option(in, "--vlan"));
	message.mac = ask_text(invocation_option(in, "--mac"));
	result = invocation_number(in, "--mtu", mtu_range, &message.has_mtu, &message.mtu, error);
	if (result == 0 && !message.vlan && !message.mac && !message.has_mtu)
		return ctl_fail(error, CTL_USAGE, "nothing to set: give --vlan, --mac or --mtu");
	return result ? result : ask_change(in, &request, error);
}

const struct command port_commands[] = {
	{
		.object = "port",
		.verb = "add",
		.summary = "Adds a port to a switch and connects a NIC (such as packet:eth1 or "
			   "tap:vm1)",
		.run = add,
		.changes = true,
		.arguments = { { "SWITCH", WORD_SWITCH, ONE }, { "NAME", WORD_ANY, ONE },
			{ "NIC", WORD_NIC, OPTIONAL } },
		.options = { VLAN_OPTION, MAC_OPTION, MTU_OPTION,
			{ .name = "--uplink", .help = "it leads to the physical network" },
			FORCE_OPTION },
	},
	{
		.object = "port",
		.verb = "remove",
		.summary = "Removes a port with its policies",
		.run = port_remove,
		.changes = true,
		.arguments = { { "NAME", WORD_PORT, ONE } },
	},
	{
		.object = "port",
		.verb = "list",
		.summary = "Lists the ports of all switches, or of one",
		.run = list,
		.arguments = { { "SWITCH", WORD_SWITCH, OPTIONAL } },
	},
	{
		.object = "port",
		.verb = "show",
		.summary = "Shows everything about a port",
		.run = show,
		.arguments = { { "NAME", WORD_PORT, ONE } },
	},
	{
		.object = "port",
		.verb = "connect",
		.summary = "Connects a NIC to a port; without NIC the one it had last",
		.run = port_connect,
		.changes = true,
		.arguments = { { "NAME", WORD_PORT, ONE }, { "NIC", WORD_NIC, OPTIONAL } },
		.options = { FORCE_OPTION },
	},
	{
		.object = "port",
		.verb = "disconnect",
		.summary = "Disconnects the NIC; configuration and policies stay",
		.run = disconnect,
		.changes = true,
		.arguments = { { "NAME", WORD_PORT, ONE } },
	},
	{
		.object = "port",
		.verb = "set",
		.summary = "Changes the settings that are given",
		.run = set,
		.changes = true,
		.arguments = { { "NAME", WORD_PORT, ONE } },
		.options = { VLAN_OPTION, MAC_OPTION, MTU_OPTION },
	},
	{ 0 },
};
