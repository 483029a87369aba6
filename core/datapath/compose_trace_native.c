// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Telling what native forwarding found and chose.
#include <stdio.h>

#include "datapath/composer.h"
#include "forwarding/native.h"

static void mac_text(uint64_t word, char text[18])
{
	const uint8_t *m = (const uint8_t *)&word;

	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

static const char *outcome_text(enum fdb_outcome outcome)
{
	static const char *const texts[] = {
		[FDB_KNOWN] = "known here",
		[FDB_LEARNED] = "new, learned here",
		[FDB_MOVED] = "moves here",
		[FDB_FULL] = "not learned: the table is full",
		[FDB_PORT_LIMIT] = "not learned: the port has as many addresses as it may",
		[FDB_STATIC_CONFLICT] = "not learned: a static entry leads elsewhere",
		[FDB_NO_PORT] = "not learned: the port takes no part",
		[FDB_INVALID] = "not learned: it is no station's",
	};

	return texts[outcome];
}

void composer_tell_native(struct composer *c, const struct native_decision *native)
{
	static const char *const kinds[] = { "", "unicast", "unknown unicast", "multicast",
		"broadcast" };
	char src[18], dst[18];

	mac_text(c->key.w[2], src);
	mac_text(c->key.w[1], dst);
	if (native->asked)
		composer_tell(c, WEIR_STAGE_FORWARD, COMPOSE_LEARN, native->vlan,
			"%s in vlan %u: %s%s%s", src, native->vlan, outcome_text(native->outcome),
			native->moved ? " from " : "",
			native->moved ? composer_port_name(c, native->moved_from) : "");
	if (native->verdict == NATIVE_FLOOD)
		composer_tell(c, WEIR_STAGE_FORWARD, COMPOSE_FLOOD, native->vlan,
			"%s in vlan %u: %s", dst, native->vlan, kinds[native->forwarded]);
	else if (native->verdict == NATIVE_PORT)
		composer_tell(c, WEIR_STAGE_FORWARD, COMPOSE_FORWARD, native->vlan,
			"%s in vlan %u: known, to %s", dst, native->vlan,
			composer_port_name(c, native->port));
}
