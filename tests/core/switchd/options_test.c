// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The command line of weir-switchd.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "switchd/options.h"

static int parse(const char *line, struct switchd_options *options, struct weir_error *error)
{
	char copy[512], *argv[32] = { (char *)"weir-switchd" }, *at = copy;
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	while (*copy && (argv[argc] = strsep(&at, " ")))
		argc++;
	argv[argc] = NULL;
	optind = 0;
	return options_parse(options, argc, argv, error);
}

static const struct {
	const char *line;
	const char *part; // of the sentence
} refused[] = {
	{ "--workers 0", "--workers \"0\": must be a number from 1 to 64" },
	{ "--workers 65", "1 to 64" },
	{ "--workers two", "--workers \"two\"" },
	{ "--workers 2x", "--workers \"2x\"" },
	{ "--workers -1", "--workers \"-1\"" },
	{ "--workers +1", "--workers \"+1\"" },
	{ "--workers 18446744073709551617", "--workers" },
	{ "--workers", "\"--workers\" needs a value" },
	{ "--flows 63", "64 to 16777216" },
	{ "--fdb-entries 1048577", "1 to 1048576" },
	{ "--fdb-ageing-s 0", "1 to 1000000" },
	{ "--linger-us 1000001", "0 to 1000000" },
	{ "--socket=", "must be a path" },
	{ "--state=", "--state \"\": must be a path" },
	{ "--state", "\"--state\" needs a value" },
	{ "--log-level loud", "--log-level \"loud\": must be error, warning, info or debug" },
	{ "--log-level=", "--log-level \"\": must be" },
	{ "--nonsense", "unknown option \"--nonsense\"" },
	{ "--poll=1", "--poll=1" },
	{ "-x", "unknown option" },
	{ "br0", "unexpected argument \"br0\"" },
};

static void test_refused(void **state)
{
	struct switchd_options options;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct weir_error error = { 0 };

		if (parse(refused[i].line, &options, &error) != -EINVAL ||
			!strstr(error.message, refused[i].part))
			fail_msg("%s: \"%s\"", refused[i].line, error.message);
	}
}

static void test_values(void **state)
{
	struct switchd_options options;
	char here[512], expected[600];

	(void)state;
	assert_int_equal(parse("--socket a/b.sock --extensions x:/y --workers 3 --flows 64"
			       " --fdb-entries 10 --fdb-ageing-s 2 --linger-us 0 --poll --strict"
			       " --foreground",
				 &options, NULL),
		0);
	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(expected, sizeof(expected), "%s/a/b.sock", here);
	assert_string_equal(options.socket, expected);
	snprintf(expected, sizeof(expected), "%s/x:/y:", here);
	assert_memory_equal(options.extensions, expected, strlen(expected));
	assert_non_null(strstr(options.extensions, "/weir/extensions"));
	assert_int_equal(options.n_workers, 3);
	assert_int_equal(options.n_flows, 64);
	assert_int_equal(options.fdb_entries, 10);
	assert_int_equal(options.fdb_ageing_s, 2);
	assert_true(options.has_linger);
	assert_int_equal(options.linger_us, 0);
	assert_true(options.poll && options.strict && options.foreground);
	assert_false(options.show_help || options.show_version);
}

static void test_socket(void **state)
{
	static const struct {
		const char *line, *given, *socket;
	} rows[] = {
		{ "", NULL, "/run/weir/weir.sock" },
		{ "", "", "/run/weir/weir.sock" },
		{ "", "/a/b.sock", "/a/b.sock" },
		{ "--socket /c.sock", "/a/b.sock", "/c.sock" },
	};
	struct switchd_options options;
	char here[512], expected[600], longer[PATH_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].given)
			setenv("WEIR_SOCKET", rows[i].given, 1);
		else
			unsetenv("WEIR_SOCKET");
		assert_int_equal(parse(rows[i].line, &options, NULL), 0);
		assert_string_equal(options.socket, rows[i].socket);
	}
	setenv("WEIR_SOCKET", "b.sock", 1);
	assert_int_equal(parse("", &options, NULL), 0);
	unsetenv("WEIR_SOCKET");
	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(expected, sizeof(expected), "%s/b.sock", here);
	assert_string_equal(options.socket, expected);
	// What cannot be a path there is in the way of those alone who would use it.
	memset(longer, 'x', sizeof(longer));
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	setenv("WEIR_SOCKET", longer, 1);
	assert_int_equal(parse("--socket /c.sock", &options, NULL), 0);
	assert_string_equal(options.socket, "/c.sock");
	assert_int_equal(parse("", &options, NULL), -EINVAL);
	unsetenv("WEIR_SOCKET");
}

static void test_state(void **state)
{
	static const struct {
		const char *line, *given, *state;
	} rows[] = {
		{ "", NULL, "/var/lib/weir" },
		{ "", "/var/lib/private/weir", "/var/lib/private/weir" },
		{ "", "/one:/two", "/one" },
		{ "", "", "/var/lib/weir" },
		{ "", "relative", "/var/lib/weir" },
		{ "--state /a/b", "/given", "/a/b" },
		{ "--state none", "/given", "" },
		{ "--state /none", NULL, "/none" },
		{ "--state none --state /c", NULL, "/c" },
	};
	struct switchd_options options;
	char here[512], expected[600];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].given)
			setenv("STATE_DIRECTORY", rows[i].given, 1);
		else
			unsetenv("STATE_DIRECTORY");
		assert_int_equal(parse(rows[i].line, &options, NULL), 0);
		assert_string_equal(options.state, rows[i].state);
	}
	unsetenv("STATE_DIRECTORY");
	assert_int_equal(parse("--state ./none", &options, NULL), 0);
	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(expected, sizeof(expected), "%s/./none", here);
	assert_string_equal(options.state, expected);
}

static void test_service(void **state)
{
	struct switchd_options options;

	(void)state;
	assert_int_equal(parse("--log-level debug", &options, NULL), 0);
	assert_int_equal(options.log_level, LOG_DEBUG);
	assert_int_equal(parse("--log-level error", &options, NULL), 0);
	assert_int_equal(options.log_level, LOG_ERR);
	assert_false(options.foreground);
	setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
	assert_int_equal(parse("", &options, NULL), 0);
	assert_true(options.foreground);
	unsetenv("NOTIFY_SOCKET");
}

static void test_defaults(void **state)
{
	struct switchd_options options;

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WEIR_SOCKET");
	assert_int_equal(parse("", &options, NULL), 0);
	assert_string_equal(options.socket, "/run/weir/weir.sock");
	assert_in_range(options.n_workers, 1, 64);
	assert_int_equal(options.log_level, LOG_INFO);
	assert_false(options.poll || options.strict || options.foreground || options.has_linger);
	assert_int_equal(options.n_flows + options.fdb_entries + options.fdb_ageing_s, 0);
	assert_int_equal(parse("--help --version", &options, NULL), 0);
	assert_true(options.show_help && options.show_version);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_socket),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
