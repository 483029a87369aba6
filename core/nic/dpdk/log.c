// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// EAL's log, line by line, to the daemon's; and its last errors for a refusal's sentence.
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include <rte_log.h>

#include "internal.h"

enum { LINE_SIZE = 240, N_ERRORS = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct dpdk_log_place *places;    // under lock
static char errors[N_ERRORS][LINE_SIZE]; // under lock; the last one first

static void keep_error(const char *line)
{
	if (strcmp(line, errors[0]) == 0)
		return;
	memcpy(errors[1], errors[0], LINE_SIZE);
	snprintf(errors[0], LINE_SIZE, "%s", line);
}

static void tell(int level, const char *line)
{
	pthread_mutex_lock(&lock);
	if (level <= LOG_ERR)
		keep_error(line);
	if (places && places->host->log)
		places->host->log(places->host->log_context, level, line);
	pthread_mutex_unlock(&lock);
}

void dpdk_log(int level, const char *format, ...)
{
	char line[LINE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	tell(level, line);
}

// EAL flushes behind every message, on the thread that it comes from.
static ssize_t on_write(void *context, const char *bytes, size_t size)
{
	int level = rte_log_cur_msg_loglevel() - 1; // EAL counts from 1, syslog from 0
	const char *at = bytes, *end = bytes + size;

	(void)context;
	if (level < LOG_EMERG || level > LOG_DEBUG)
		level = LOG_INFO;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline : end) - at);

		if (n)
			dpdk_log(level, "%.*s", (int)n, at);
		at += n + 1;
	}
	return (ssize_t)size;
}

int dpdk_log_start(void)
{
	const cookie_io_functions_t functions = { .write = on_write };
	FILE *stream = fopencookie(NULL, "w", functions);

	return stream && rte_openlog_stream(stream) == 0 ? 0 : -ENOMEM;
}

void dpdk_log_add(struct dpdk_log_place *place, const struct nic_host *host)
{
	struct dpdk_log_place **end = &places;

	if (!host)
		return;
	*place = (struct dpdk_log_place){ .host = host };
	pthread_mutex_lock(&lock);
	while (*end)
		end = &(*end)->next;
	*end = place;
	pthread_mutex_unlock(&lock);
}

void dpdk_log_remove(struct dpdk_log_place *place)
{
	pthread_mutex_lock(&lock);
	for (struct dpdk_log_place **at = &places; *at; at = &(*at)->next) {
		if (*at == place) {
			*at = place->next;
			break;
		}
	}
	pthread_mutex_unlock(&lock);
}

void dpdk_log_forget_errors(void)
{
	pthread_mutex_lock(&lock);
	memset(errors, 0, sizeof(errors));
	pthread_mutex_unlock(&lock);
}

void dpdk_log_errors(char text[], size_t size)
{
	pthread_mutex_lock(&lock);
	snprintf(text, size, "%s%s%s", errors[1], errors[1][0] ? "; " : "", errors[0]);
	pthread_mutex_unlock(&lock);
}
