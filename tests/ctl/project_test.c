// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// extension new: what it writes, and what it refuses. That the projects build and pass their own
// tests is tried by tests/sample/project.
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <weir/extension.h>

#include "command.h"
#include "program.h"

static void bad_requests_are_refused(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl extension new a/b", 1, "",
			"weirctl: name \"a/b\": must be a name and not a path", "" },
		{ "weirctl extension new ..", 1, "", "weirctl: name \"..\": must be 1 to 31 of",
			"" },
		{ "weirctl extension new ''", 1, "", "weirctl: name \"\": must be 1 to 31 of", "" },
		{ "weirctl extension new Filter", 1, "", "weirctl: name \"Filter\": must be", "" },
		{ "weirctl extension new 9lives", 1, "", "weirctl: name \"9lives\": must be", "" },
		{ "weirctl extension new a_b", 1, "", "weirctl: name \"a_b\": must be", "" },
		{ "weirctl extension new ab-", 1, "", "weirctl: name \"ab-\": must be", "" },
		{ "weirctl extension new a2345678901234567890123456789012", 1, "",
			"weirctl: name \"a2345678901234567890123456789012\": must be 1 to 31", "" },
		{ "weirctl extension new install", 1, "",
			"weirctl: name \"install\": is taken by a target of CMake's", "" },
		{ "weirctl extension new core", 1, "",
			"weirctl: name \"core\": is taken by the switch itself or by a command",
			"" },
		{ "weirctl extension new switch", 1, "",
			"weirctl: name \"switch\": is taken by the switch itself or by a command",
			"" },
		{ "weirctl extension new mine --class router", 1, "",
			"weirctl: --class \"router\": must be one of capture, filter, forwarding, "
			"service",
			"" },
		{ "weirctl extension new mine --class common", 1, "",
			"weirctl: --class \"common\": must be one of", "" },
		{ "weirctl extension new", 2, "", "weirctl: NAME is missing", "" },
		// By a file where a daemon beside this program would look.
		{ "cp $(command -v weirctl) . && mkdir extensions && touch extensions/taken.so && "
		  "./weirctl extension new taken",
			1, "", "weirctl: name \"taken\": is that of an extension that there is, /",
			"" },
		{ "./weirctl extension new free && rm -r free extensions weirctl", 0, "", "", "" },
		{ "ls", 0, "", "", "" }, // nothing was made
		{ 0 },
	};

	(void)state;
	program_check(rows);
}

static void a_project_has_what_it_needs(void **state)
{
	static const struct program_row rows[] = {
		{ "weirctl --socket /nowhere extension new my-own-1 && ls -A my-own-1", 0,
			"CMakeLists.txt\nREADME.md\nmy_own_1.c\nmy_own_1.proto\nmy_own_1_test.c\n",
			"", "" },
		{ "grep -c . my-own-1/my_own_1.c | awk '{ print $1 <= 60 }'", 0, "1\n", "", "" },
		{ "grep -rhE '@[A-Z]+@|IDENT' my-own-1", 1, "", "", "" },
		{ "grep -oh 'MyOwn1__Deny \\|my_own_1__deny__unpack\\|EXTENSION(\"[^\"]*' "
		  "my-own-1/my_own_1.c",
			0, "MyOwn1__Deny \nmy_own_1__deny__unpack\nEXTENSION(\"my-own-1\n", "",
			"" },
		{ "grep -oh 'MY_OWN_1__DENY__INIT' my-own-1/my_own_1_test.c | sort -u", 0,
			"MY_OWN_1__DENY__INIT\n", "", "" },
		// It is somebody's by now, and stays as it is.
		{ "echo mine > my-own-1/my_own_1.c; weirctl extension new my-own-1", 1, "",
			"weirctl: my-own-1: is there already; a project is made in a new directory",
			"" },
		{ "cat my-own-1/my_own_1.c; rm -r my-own-1", 0, "mine\n", "", "" },
		{ "weirctl extension new mine --class service && grep -ho 'WEIR_CLASS_[A-Z]*' "
		  "mine/mine.c && rm -r mine",
			0, "WEIR_CLASS_SERVICE\n", "", "" },
		{ 0 },
	};

	(void)state;
	program_check(rows);
}

// Calls of an extension of such a name could not be reached.
static void every_command_is_a_reserved_name(void **state)
{
	static const char *const reserved[] = { WEIR_RESERVED_NAMES };
	enum { N = sizeof(reserved) / sizeof(*reserved) };
	bool used[N] = { false };

	(void)state;
	for (size_t i = 0; command_at(i); i++) {
		const char *object = command_at(i)->object;
		size_t at = 0;

		while (at < N && strcmp(reserved[at], object) != 0)
			at++;
		if (at == N)
			fail_msg("%s is not among WEIR_RESERVED_NAMES", object);
		used[at] = true;
	}
	// Nor is a name kept from extensions for nothing.
	for (size_t i = 0; i < N; i++)
		assert_true(used[i] || strcmp(reserved[i], "core") == 0);
}

// A file cannot have more than a kilobyte, and the project has a larger one.
static void a_failure_leaves_nothing(void **state)
{
	static const struct program_row rows[] = {
		{ "trap '' XFSZ; ulimit -f 2; weirctl extension new mine", 1, "",
			"weirctl: mine/mine.c: cannot be written: File too large", "" },
		{ "ls", 0, "", "", "" },
		{ 0 },
	};

	(void)state;
	program_check(rows);
}

// All of it in an empty directory beside the fake daemon's socket.
static int enter(void **state)
{
	char path[256];
	int failed = program_setup(state);

	if (failed)
		return failed;
	snprintf(path, sizeof(path), "%s", getenv("WEIR_SOCKET"));
	strcpy(strrchr(path, '/'), "/projects");
	return mkdir(path, 0700) || chdir(path);
}

static int leave(void **state)
{
	char path[256];

	return !getcwd(path, sizeof(path)) || rmdir(path) || chdir("/") || program_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(every_command_is_a_reserved_name),
		cmocka_unit_test(a_project_has_what_it_needs),
		cmocka_unit_test(a_failure_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
