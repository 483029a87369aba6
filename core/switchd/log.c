// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "switchd/log.h"

#include <stdio.h>
#include <syslog.h>

static const char *level_name(int level)
{
	switch (level) {
	case LOG_DEBUG:
		return "debug";
	case LOG_INFO:
	case LOG_NOTICE:
		return "info";
	case LOG_WARNING:
		return "warning";
	default:
		return "error";
	}
}

void log_line(void *context, int level, const char *line)
{
	struct log *log = context;

	if (atomic_load(&log->to_syslog))
		syslog(LOG_DAEMON | level, "%s", line);
	else
		fprintf(stderr, "weir-switchd: %s: %s\n", level_name(level), line);
}
