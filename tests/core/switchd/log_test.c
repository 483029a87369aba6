// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The daemon's log: levels, the limit per second with a virtual clock, what is escaped.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "switchd/log.h"

static struct {
	struct log log;
	uint64_t now_ns;
	char *text; // of log.stream
	size_t size, seen;
} place;

static uint64_t clock_ns(void)
{
	return place.now_ns;
}

static void open_log(int level)
{
	place.now_ns = UINT64_C(5000000000);
	place.seen = 0;
	log_init(&place.log, level);
	place.log.target = LOG_TO_STREAM;
	place.log.clock_ns = clock_ns;
	place.log.stream = open_memstream(&place.text, &place.size);
	assert_non_null(place.log.stream);
}

static void close_log(void)
{
	fclose(place.log.stream);
	free(place.text);
}

// What was written since the last call.
static const char *written(void)
{
	const char *text;

	fflush(place.log.stream);
	text = place.text + place.seen;
	place.seen = place.size;
	return text;
}

static unsigned count_lines(void)
{
	unsigned n = 0;

	for (const char *at = written(); (at = strchr(at, '\n')); at++)
		n++;
	return n;
}

static void write_lines(int level, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		log_line(&place.log, level, "again");
}

static void test_levels(void **state)
{
	static const struct {
		int limit, level;
		const char *written;
	} rows[] = {
		{ LOG_INFO, LOG_INFO, "weir-switchd: info: x\n" },
		{ LOG_INFO, LOG_DEBUG, "" },
		{ LOG_DEBUG, LOG_DEBUG, "weir-switchd: debug: x\n" },
		{ LOG_WARNING, LOG_NOTICE, "" },
		{ LOG_WARNING, LOG_WARNING, "weir-switchd: warning: x\n" },
		{ LOG_ERR, LOG_WARNING, "" },
		{ LOG_ERR, LOG_ERR, "weir-switchd: error: x\n" },
		{ LOG_ERR, LOG_EMERG, "weir-switchd: error: x\n" },
		{ LOG_ERR, 99, "weir-switchd: error: x\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		open_log(rows[i].limit);
		log_line(&place.log, rows[i].level, "x");
		assert_string_equal(written(), rows[i].written);
		close_log();
	}
}

static void test_escapes(void **state)
{
	static const struct {
		const char *line, *written;
	} rows[] = {
		{ "a\nb", "a\\x0ab" },
		{ "\x1b[31mred", "\\x1b[31mred" },
		{ "\x7f", "\\x7f" },
		{ "port \xc3\xa4\xe2\x82\xac", "port \xc3\xa4\xe2\x82\xac" },
		{ "\xc2\x9b"
		  "1m",
			"\\xc2\\x9b1m" }, // U+009B, CSI in one character
		{ "\xc2\xa0", "\xc2\xa0" },
		{ "\xc2", "\xc2" },
		{ "tab\there", "tab\\x09here" },
		{ "%s%n", "%s%n" },
	};
	char expected[128];

	(void)state;
	open_log(LOG_INFO);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		log_line(&place.log, LOG_INFO, rows[i].line);
		snprintf(expected, sizeof(expected), "weir-switchd: info: %s\n", rows[i].written);
		assert_string_equal(written(), expected);
	}
	close_log();
}

// A line of any length ends in time.
static void test_long_line(void **state)
{
	char line[5000];

	(void)state;
	open_log(LOG_INFO);
	for (unsigned size = 2000; size < sizeof(line); size += 7) {
		memset(line, size % 2 ? '\n' : 'x', size);
		line[size] = '\0';
		place.now_ns += 1000000000;
		log_line(&place.log, LOG_INFO, line);
		assert_int_equal(count_lines(), 1);
	}
	close_log();
}

static void test_limit(void **state)
{
	(void)state;
	open_log(LOG_INFO);
	write_lines(LOG_INFO, 77);
	assert_int_equal(count_lines(), LOG_LINES_PER_S);
	// The other levels have their own.
	write_lines(LOG_ERR, 60);
	assert_int_equal(count_lines(), LOG_LINES_PER_S);
	place.now_ns += 999999999;
	log_tick(&place.log);
	write_lines(LOG_INFO, 1);
	assert_string_equal(written(), "");
	place.now_ns += 1;
	write_lines(LOG_INFO, 1);
	assert_string_equal(written(),
		"weir-switchd: info: 28 further lines in the last second were left out\n"
		"weir-switchd: info: again\n");
	log_tick(&place.log);
	assert_string_equal(written(),
		"weir-switchd: error: 10 further lines in the last second were left out\n");
	place.now_ns += 3000000000;
	log_tick(&place.log);
	assert_string_equal(written(), "");
	write_lines(LOG_INFO, 51);
	assert_int_equal(count_lines(), LOG_LINES_PER_S);
	close_log();
}

static void test_journal(void **state)
{
	char text[64];
	struct stat status;

	(void)state;
	open_log(LOG_INFO);
	place.log.target = LOG_TO_JOURNAL;
	log_line(&place.log, LOG_INFO, "a\nb");
	log_line(&place.log, LOG_ERR, "c");
	assert_string_equal(written(), "<6>a\\x0ab\n<3>c\n");
	close_log();

	assert_int_equal(fstat(0, &status), 0);
	snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	assert_true(log_is_journal(text, 0));
	assert_false(log_is_journal(text, -1));
	assert_false(log_is_journal(NULL, 0));
	strcat(text, "1");
	assert_false(log_is_journal(text, 0));
	assert_false(log_is_journal("", 0));
	assert_false(log_is_journal("8", 0));
	assert_false(log_is_journal("8:", 0));
	assert_false(log_is_journal("a:b", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
