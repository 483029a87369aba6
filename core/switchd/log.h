// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The daemon's log: one line per entry with its level, to standard error, or to syslog once the
// daemon is in the background.
//
// - Lines less important than the level that was asked for are left out.
// - Of each level at most LOG_LINES_PER_S lines are written in a second, so that nobody fills the
//   disk; how many were left out, log_tick() or the next line of the level says.
// - Names and sentences may come from whoever made a port or an extension: control characters are
//   written as \xNN, so that one entry is one line and no terminal obeys it.
// - When standard error is the journal, lines begin with the priority as sd-daemon(3) has it, and
//   without the name that the journal adds itself.
#ifndef SWITCHD_LOG_H
#define SWITCHD_LOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { LOG_LINES_PER_S = 50, LOG_LEVELS = 8 };

enum log_target {
	LOG_TO_STREAM,  // "weir-switchd: info: ..."
	LOG_TO_JOURNAL, // "<6>..."
	LOG_TO_SYSLOG,
};

struct log {
	pthread_mutex_t lock; // of all below
	enum log_target target;
	bool starting; // to syslog, and what matters to whoever started it to the stream too
	FILE *stream;
	int level; // the least important one that is written, as syslog(3)
	uint64_t (*clock_ns)(void);
	struct log_window {
		uint64_t began_ns;
		unsigned written, left_out;
	} windows[LOG_LEVELS];
};

// To standard error, or to the journal behind it. level as syslog(3).
void log_init(struct log *log, int level);
// From now on to syslog; until log_detached(), warnings and errors go to the stream as well. Any
// thread.
void log_to_syslog(struct log *log);
// The stream is nobody's any more. Any thread.
void log_detached(struct log *log);

// As the log function of embed.h and server.h. context: a struct log. level as syslog(3). Any
// thread; may wait for a thread that is writing.
void log_line(void *context, int level, const char *line);

// To be called about once a second: tells what was left out when no line comes any more. Any
// thread.
void log_tick(struct log *log);

// True when the text, "DEVICE:INODE" of JOURNAL_STREAM or NULL, is what the descriptor leads to.
bool log_is_journal(const char *text, int fd);

#endif
