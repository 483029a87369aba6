// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "switchd/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)

enum { LINE_SIZE = 2048 }; // of a line as it is written; a longer one is cut off

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

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

bool log_is_journal(const char *text, int fd)
{
	uintmax_t device, inode;
	struct stat status;
	char *end;

	if (!text || fstat(fd, &status) < 0)
		return false;
	device = strtoumax(text, &end, 10);
	if (end == text || *end != ':')
		return false;
	text = end + 1;
	inode = strtoumax(text, &end, 10);
	return end != text && *end == '\0' && device == status.st_dev && inode == status.st_ino;
}

void log_init(struct log *log, int level)
{
	bool journal = log_is_journal(getenv("JOURNAL_STREAM"), STDERR_FILENO);

	*log = (struct log){
		.target = journal ? LOG_TO_JOURNAL : LOG_TO_STREAM,
		.stream = stderr,
		.level = level,
		.clock_ns = monotonic_ns,
	};
	pthread_mutex_init(&log->lock, NULL);
}

void log_to_syslog(struct log *log)
{
	pthread_mutex_lock(&log->lock);
	openlog("weir-switchd", LOG_PID, LOG_DAEMON);
	log->target = LOG_TO_SYSLOG;
	log->starting = true;
	pthread_mutex_unlock(&log->lock);
}

void log_detached(struct log *log)
{
	pthread_mutex_lock(&log->lock);
	log->starting = false;
	pthread_mutex_unlock(&log->lock);
}

// C0, DEL, and C1 in UTF-8. Returns how many bytes the character has that is to be escaped, or 0.
static unsigned control_size(const unsigned char *text)
{
	if (*text < 0x20 || *text == 0x7f)
		return 1;
	return text[0] == 0xc2 && text[1] >= 0x80 && text[1] <= 0x9f ? 2 : 0;
}

static void escape(const char *line, char *out, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *at = (const unsigned char *)line;
	char *end = out + size - 9; // room for a character of two escaped bytes

	while (*at && out < end) {
		unsigned n = control_size(at);

		if (n == 0)
			*out++ = (char)*at++;
		for (; n > 0; n--, at++) {
			*out++ = '\\';
			*out++ = 'x';
			*out++ = digits[*at >> 4];
			*out++ = digits[*at & 15];
		}
	}
	*out = '\0';
}

static void write_line(struct log *log, int level, const char *line)
{
	char text[LINE_SIZE];

	escape(line, text, sizeof(text));
	if (log->target == LOG_TO_SYSLOG)
		syslog(LOG_DAEMON | level, "%s", text);
	else if (log->target == LOG_TO_JOURNAL)
		fprintf(log->stream, "<%d>%s\n", level, text);
	if (log->target == LOG_TO_STREAM || (log->starting && level <= LOG_WARNING))
		fprintf(log->stream, "weir-switchd: %s: %s\n", level_name(level), text);
}

// Ends a second that is over.
static void turn(struct log *log, int level, uint64_t now_ns)
{
	struct log_window *window = &log->windows[level];
	char line[80];

	if (now_ns - window->began_ns < SECOND_NS)
		return;
	if (window->left_out) {
		snprintf(line, sizeof(line), "%u further lines in the last second were left out",
			window->left_out);
		write_line(log, level, line);
	}
	*window = (struct log_window){ .began_ns = now_ns };
}

void log_line(void *context, int level, const char *line)
{
	struct log *log = context;

	level = level < 0 || level >= LOG_LEVELS ? LOG_ERR : level;
	pthread_mutex_lock(&log->lock);
	if (level <= log->level) {
		turn(log, level, log->clock_ns());
		if (log->windows[level].written < LOG_LINES_PER_S) {
			log->windows[level].written++;
			write_line(log, level, line);
		} else {
			log->windows[level].left_out++;
		}
	}
	pthread_mutex_unlock(&log->lock);
}

void log_tick(struct log *log)
{
	pthread_mutex_lock(&log->lock);
	for (int level = 0; level < LOG_LEVELS; level++)
		turn(log, level, log->clock_ns());
	pthread_mutex_unlock(&log->lock);
}
