// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The library of disk faults, preloaded into a program that is not ours: what fails is what was
// planned, and nothing else.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const struct {
	const char *plan, *output;
} rows[] = {
	{ NULL, "ok ok ok " },
	{ "write:*/weir-fault-file:1:1:28", "bad ok ok " },
	{ "write:*/weir-fault-file:2:1:28", "ok bad ok " },
	{ "write:*/weir-fault-file:2:0:5", "ok bad bad " },
	{ "write:*/weir-other-file:1:0:28", "ok ok ok " },
	{ "sync:*/weir-fault-file:1:0:28", "ok ok ok " },
	{ "write:/weir", "" },
};

static void fails_as_planned(void **state)
{
	(void)state;
	unsetenv("LD_PRELOAD");
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char command[1024], output[64];
		FILE *pipe;

		snprintf(command, sizeof(command),
			"d=$(mktemp -d) && { %s%s%s LD_PRELOAD=%s dash -c '"
			"for i in 1 2 3; do { echo $i >&3; } 2>/dev/null && r=$r\"ok \" || "
			"r=$r\"bad \"; done 3>'$d'/weir-fault-file; echo \"$r\"' 2>/dev/null; "
			"rm -r $d; }",
			rows[i].plan ? "WEIR_FAULT='" : "", rows[i].plan ? rows[i].plan : "",
			rows[i].plan ? "'" : "", FAULTS);
		pipe = popen(command, "r");
		assert_non_null(pipe);
		output[fread(output, 1, sizeof(output) - 1, pipe)] = '\0';
		assert_int_equal(0, pclose(pipe));
		output[strcspn(output, "\n")] = '\0';
		assert_string_equal(output, rows[i].output);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(fails_as_planned) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
