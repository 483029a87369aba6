// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "switchd/overdue.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

static void add_ms(struct timespec *time, unsigned ms)
{
	time->tv_sec += ms / 1000;
	time->tv_nsec += ms % 1000 * 1000000L;
	if (time->tv_nsec >= 1000000000L) {
		time->tv_sec++;
		time->tv_nsec -= 1000000000L;
	}
}

static void warn(struct overdue *o, unsigned waited_ms)
{
	char line[160];

	snprintf(line, sizeof(line), "the stop takes longer than %u s: still %s", waited_ms / 1000,
		o->step);
	log_line(o->log, LOG_WARNING, line);
}

static void *watch(void *argument)
{
	struct overdue *o = argument;
	unsigned waited_ms = 0;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	pthread_mutex_lock(&o->lock);
	while (!o->over) {
		int result = 0;

		add_ms(&until, o->limit_ms);
		while (!o->over && result != ETIMEDOUT)
			result = pthread_cond_timedwait(&o->wake, &o->lock, &until);
		waited_ms += o->limit_ms;
		if (!o->over)
			warn(o, waited_ms);
	}
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

void overdue_begin(struct overdue *o, struct log *log, unsigned limit_ms, const char *step)
{
	pthread_condattr_t monotonic;
	char line[120];
	int failed;

	*o = (struct overdue){ .log = log, .limit_ms = limit_ms, .step = step };
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&o->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	failed = pthread_create(&o->thread, NULL, watch, o);
	o->started = failed == 0;
	if (failed) {
		snprintf(line, sizeof(line), "no thread watches the stop: %s", strerror(failed));
		log_line(log, LOG_WARNING, line);
	}
}

void overdue_step(struct overdue *o, const char *step)
{
	pthread_mutex_lock(&o->lock);
	o->step = step;
	pthread_mutex_unlock(&o->lock);
}

void overdue_end(struct overdue *o)
{
	if (!o->started)
		return;
	pthread_mutex_lock(&o->lock);
	o->over = true;
	pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
	pthread_join(o->thread, NULL);
	o->started = false;
}
