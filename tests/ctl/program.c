// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake_daemon.h"
#include "sample.schema.h"

struct fixture {
	char directory[64];
	char socket[96];
	struct fake_daemon *daemon; // NULL while nobody listens
};

static struct fixture fixture;

static char *read_file(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(file);
	return text;
}

struct outcome program_run(const char *line)
{
	struct outcome outcome;
	char *command, *out, *error;
	int status;

	assert_true(asprintf(&out, "%s/out", fixture.directory) > 0);
	assert_true(asprintf(&error, "%s/error", fixture.directory) > 0);
	assert_true(asprintf(&command, "exec >%s 2>%s </dev/null; %s", out, error, line) > 0);
	status = system(command);
	assert_true(WIFEXITED(status));
	outcome = (struct outcome){ WEXITSTATUS(status), read_file(out), read_file(error) };
	free(command);
	free(out);
	free(error);
	return outcome;
}

void outcome_fini(struct outcome *outcome)
{
	free(outcome->out);
	free(outcome->error);
}

static void check(const struct program_row *row)
{
	struct outcome outcome = program_run(row->line);
	char *requests = fixture.daemon ? fake_daemon_take_requests(fixture.daemon) : strdup("");

	if (outcome.exit_code != row->exit_code)
		fail_msg("%s: exit code %d instead of %d: %s", row->line, outcome.exit_code,
			row->exit_code, outcome.error);
	if (row->out && strcmp(outcome.out, row->out) != 0)
		fail_msg("%s printed\n%sinstead of\n%s", row->line, outcome.out, row->out);
	if (strncmp(outcome.error, row->error, strlen(row->error)) != 0 ||
		(!*row->error && *outcome.error))
		fail_msg("%s: %s instead of %s", row->line, outcome.error, row->error);
	if (row->requests && strcmp(requests, row->requests) != 0)
		fail_msg("%s asked\n%sinstead of\n%s", row->line, requests, row->requests);
	outcome_fini(&outcome);
	free(requests);
}

void program_check(const struct program_row *rows)
{
	for (; rows->line; rows++)
		check(rows);
}

void program_start_daemon(void)
{
	fixture.daemon = fake_daemon_start(fixture.socket, weir_schema, sizeof(weir_schema));
}

void program_stop_daemon(void)
{
	fake_daemon_stop(fixture.daemon);
	fixture.daemon = NULL;
	unlink(fixture.socket);
}

int program_setup(void **state)
{
	(void)state;
	strcpy(fixture.directory, "/tmp/weirctl-test-XXXXXX");
	assert_non_null(mkdtemp(fixture.directory));
	snprintf(fixture.socket, sizeof(fixture.socket), "%s/socket", fixture.directory);
	setenv("WEIR_SOCKET", fixture.socket, 1);
	program_start_daemon();
	return 0;
}

int program_teardown(void **state)
{
	static const char *const names[] = { "out", "error" };
	char path[128];

	(void)state;
	program_stop_daemon();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", fixture.directory, names[i]);
		unlink(path);
	}
	return rmdir(fixture.directory);
}
