// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <string.h>

#include "kept.h"

enum { LINE = 32 };

// What a port's state looks like, but for how often it was carried over: layout 1 is that number,
// layout 2 a line of text, and both are checked.
static uint32_t carried[65536];

int kept_save(void *instance, weir_port_id port, struct weir_save *save, struct weir_error *error)
{
	uint32_t n = port == WEIR_PORT_NONE ? 0 : carried[port & 0xffff];
	char line[LINE];

	(void)instance;
	(void)error;
	if (port == WEIR_PORT_NONE)
		return 0;
	if (KEPT_LAYOUT == 1)
		return weir_save_write(save, &n, sizeof(n));
	snprintf(line, sizeof(line), "carried over %u times", n);
	return weir_save_write(save, line, strlen(line));
}

int kept_restore(void *instance, weir_port_id port, uint32_t version, const void *bytes,
	size_t size, struct weir_error *error)
{
	char line[LINE] = "";
	uint32_t n;

	(void)instance;
#ifdef KEPT_REFUSES
	return weir_refuse(error, -EINVAL, NULL, "this version takes no state");
#endif
	if (version == 1 && size == sizeof(n))
		memcpy(&n, bytes, sizeof(n));
	else if (version != 2 || size >= sizeof(line) ||
		 sscanf(memcpy(line, bytes, size), "carried over %u times", &n) != 1)
		return weir_refuse(error, -EINVAL, NULL, "version %u of %zu bytes: is not ours",
			version, size);
	carried[port & 0xffff] = n + 1;
	return 0;
}
