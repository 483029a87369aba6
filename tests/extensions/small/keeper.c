// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A service that says what it is given to restore, and refuses "bad".
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include <weir/extension.h>

static int attach(struct weir_attachment *attachment, void **instance, struct weir_error *error)
{
	(void)error;
	*instance = attachment;
	return 0;
}

static int prepare(void *instance, const struct weir_target *target, struct weir_plan *plan,
	void **prepared, struct weir_error *error)
{
	(void)plan;
	(void)error;
	*prepared = NULL;
	weir_log(instance, LOG_DEBUG, "prepared %s", target->name);
	return 0;
}

static int restore(void *instance, weir_port_id port, uint32_t version, const void *bytes,
	size_t size, struct weir_error *error)
{
	if (size == 3 && memcmp(bytes, "bad", 3) == 0)
		return weir_refuse(error, -EINVAL, NULL, "that is bad");
	weir_log(instance, LOG_DEBUG, "restored %s %u %.*s",
		port == WEIR_PORT_NONE ? "switch" : "port", version, (int)size,
		(const char *)bytes);
	return 0;
}

WEIR_EXTENSION("keeper", WEIR_CLASS_SERVICE, .version = "1.0", .summary = "Restores what it kept",
	.attach = attach, .prepare = prepare, .restore = restore);
