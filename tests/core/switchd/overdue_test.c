// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A stop that takes long says why, one that does not says nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "switchd/overdue.h"

enum { PATIENCE_MS = 20000 };

static struct log own_log;
static char *text;
static size_t size;

static void open_log(void)
{
	log_init(&own_log, LOG_INFO);
	own_log.target = LOG_TO_STREAM;
	own_log.stream = open_memstream(&text, &size);
	assert_non_null(own_log.stream);
}

static void close_log(void)
{
	fclose(own_log.stream);
	free(text);
}

static bool logged(const char *part)
{
	bool found;

	pthread_mutex_lock(&own_log.lock);
	fflush(own_log.stream);
	found = strstr(text, part) != NULL;
	pthread_mutex_unlock(&own_log.lock);
	return found;
}

static void wait_for(const char *part)
{
	const struct timespec step = { 0, 1000000 };

	for (unsigned ms = 0; ms < PATIENCE_MS && !logged(part); ms++)
		nanosleep(&step, NULL);
	if (!logged(part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void test_slow(void **state)
{
	struct overdue overdue;

	(void)state;
	open_log();
	overdue_begin(&overdue, &own_log, 1000, "answering");
	wait_for("warning: the stop takes longer than 1 s: still answering\n");
	overdue_step(&overdue, "writing");
	wait_for("warning: the stop takes longer than 2 s: still writing\n");
	overdue_end(&overdue);
	assert_null(strstr(text, "longer than 3 s"));
	close_log();
}

static void test_quick(void **state)
{
	struct overdue overdue;

	(void)state;
	open_log();
	overdue_begin(&overdue, &own_log, 100000, "answering");
	overdue_step(&overdue, "writing");
	overdue_end(&overdue); // long before the limit
	fflush(own_log.stream);
	assert_string_equal(text, "");
	close_log();
	overdue_end(&(struct overdue){ 0 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_quick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
