// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Runs weirctl as users do, against a fake daemon: what the tests of the program share. The program
// under test is the first weirctl in PATH.
#ifndef TESTS_CTL_PROGRAM_H
#define TESTS_CTL_PROGRAM_H

struct outcome {
	int exit_code;
	char *out, *error; // all that was written
};

// Runs a line of the shell. Finish the outcome with outcome_fini.
struct outcome program_run(const char *line);
void outcome_fini(struct outcome *outcome);

struct program_row {
	const char *line; // NULL ends a table
	int exit_code;
	const char *out;      // the whole of it; NULL: anything
	const char *error;    // how it begins; "" for nothing at all
	const char *requests; // all that the daemon was asked, a line each; NULL: anything
};

// Runs the lines of a table; a difference fails the test.
void program_check(const struct program_row *rows);

// Whether somebody listens: the daemon is there at first.
void program_stop_daemon(void);
void program_start_daemon(void);

// For cmocka_run_group_tests: a directory, a fake daemon that listens in it, and WEIR_SOCKET.
int program_setup(void **state);
int program_teardown(void **state);

#endif
