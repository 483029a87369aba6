// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The daemon's log: one line per entry with its level, to standard error, or to syslog once the
// daemon is in the background. Any thread.
#ifndef SWITCHD_LOG_H
#define SWITCHD_LOG_H

#include <stdatomic.h>

struct log {
	atomic_bool to_syslog;
};

// As the log function of embed.h and server.h. context: a struct log. level as syslog(3).
void log_line(void *context, int level, const char *line);

#endif
