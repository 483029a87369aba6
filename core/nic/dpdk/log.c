// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// EAL's log, line by line, to the daemon's; and its last errors for a refusal's sentence.
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include <rte_log.h>

#include "internal.h"

enum { LINE_SIZE = DPDK_LINE_SIZE };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct dpdk_log_place *places;                      // under lock
static char first_error[LINE_SIZE], last_error[LINE_SIZE]; // under lock

static void keep_error(const char *line)
{
	size_t size = strlen(line);

	while (size && (line[size - 1] == '.' || line[size - 1] == ' '))
		size--;
	snprintf(last_error, LINE_SIZE, "%.*s", (int)size, line);
	if (!first_error[0])
		memcpy(first_error, last_error, LINE_SIZE);
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

static ssize_t tell_lines(int level, const char *bytes, size_t size)
{
	const char *at = bytes, *end = bytes + size;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((newline ? newline : end) - at);

		if (n)
			dpdk_log(level, "%.*s", (int)n, at);
		at += n + 1;
	}
	return (ssize_t)size;
}

// EAL flushes behind every message, on the thread that it comes from.
static ssize_t on_log(void *context, const char *bytes, size_t size)
{
	int level = rte_log_cur_msg_loglevel() - 1; // EAL counts from 1, syslog from 0

	(void)context;
	return tell_lines(level < LOG_EMERG || level > LOG_DEBUG ? LOG_INFO : level, bytes, size);
}

static ssize_t on_print(void *context, const char *bytes, size_t size)
{
	(void)context;
	return tell_lines(LOG_INFO, bytes, size);
}

int dpdk_log_start(void)
{
	const cookie_io_functions_t functions = { .write = on_log };
	FILE *stream = fopencookie(NULL, "w", functions);

	return stream && rte_openlog_stream(stream) == 0 ? 0 : -ENOMEM;
}

FILE *dpdk_log_printed(void)
{
	const cookie_io_functions_t functions = { .write = on_print };
	FILE *stream = fopencookie(NULL, "w", functions);

	// By lines, so that what is printed while another thread writes is not torn.
	if (stream)
		setvbuf(stream, NULL, _IOLBF, BUFSIZ);
	return stream;
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
	first_error[0] = last_error[0] = '\0';
	pthread_mutex_unlock(&lock);
}

void dpdk_log_first_error(char text[/* DPDK_LINE_SIZE */])
{
	pthread_mutex_lock(&lock);
	memcpy(text, first_error, LINE_SIZE);
	pthread_mutex_unlock(&lock);
}

void dpdk_log_last_error(char text[/* DPDK_LINE_SIZE */])
{
	pthread_mutex_lock(&lock);
	memcpy(text, last_error, LINE_SIZE);
	pthread_mutex_unlock(&lock);
}
