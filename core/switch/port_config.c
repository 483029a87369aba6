// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A port's settings: checking what is asked for.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/embed.h>

#include "datapath/sized.h"
#include "forwarding/vlan.h"
#include "switch/port.h"
#include "switch/vswitch.h"

enum { MTU_MIN = 68, MTU_MAX = 65535 };

static int check_mac(const char *text, char canonical[/* 18 */], struct weir_error *error)
{
	uint8_t b[6];

	canonical[0] = '\0';
	if (!text || !*text)
		return 0;
	if (!mac_parse(text, b))
		return weir_refuse(error, -EINVAL, "mac",
			"mac \"%.64s\": must be six bytes like 02:00:00:00:00:01", text);
	if ((b[0] & 1) || !(b[0] | b[1] | b[2] | b[3] | b[4] | b[5]))
		return weir_refuse(error, -EINVAL, "mac",
			"mac \"%s\": must be a unicast address, not a group's and not zero", text);
	mac_format(b, canonical);
	return 0;
}

static int check_mtu(uint32_t mtu, struct weir_error *error)
{
	if (mtu && (mtu < MTU_MIN || mtu > MTU_MAX))
		return weir_refuse(error, -EINVAL, "mtu",
			"mtu %u: must be %d to %d bytes, or 0, that of the NIC", mtu, MTU_MIN,
			MTU_MAX);
	return 0;
}

int port_config_take(const struct weir_port_config *given, struct weir_port_config *config,
	struct weir_error *error)
{
	return SIZED_TAKE(weir_port_config, uplink, config, given, error);
}

// Fills what the configuration says into the port; on failure the caller drops the port.
int port_configure(struct port *port, const struct weir_port_config *c, unsigned which,
	struct weir_error *error)
{
	int failed = 0;

	if (which & WEIR_PORT_SET_VLAN) {
		char text[VLAN_TEXT_SIZE];

		failed = vlan_parse(c->vlan ? c->vlan : "", &port->vlan, error);
		if (failed)
			return failed;
		vlan_format(&port->vlan, text);
		free(port->vlan_text);
		port->vlan_text = strdup(text);
		if (!port->vlan_text)
			return weir_refuse(error, -ENOMEM, NULL, "no memory");
	}
	if (which & WEIR_PORT_SET_MAC)
		failed = check_mac(c->mac, port->mac, error);
	if (!failed && (which & WEIR_PORT_SET_MTU)) {
		failed = check_mtu(c->mtu, error);
		port->mtu = c->mtu;
	}
	return failed;
}
