// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A service that lets no uplink go: ports whose name begins with "up" cannot be removed.
#include <errno.h>
#include <string.h>

#include <weir/extension.h>

static int review(void *instance, const struct weir_event *event, struct weir_error *error)
{
	(void)instance;
	if (event->kind != WEIR_EVENT_PORT_REMOVED || strncmp(event->port_name, "up", 2) != 0)
		return 0;
	return weir_refuse(
		error, -EPERM, "port", "port \"%s\": is guarded and stays", event->port_name);
}

WEIR_EXTENSION("guardian", WEIR_CLASS_SERVICE, .version = "1.0", .summary = "Keeps uplinks",
	.review = review);
