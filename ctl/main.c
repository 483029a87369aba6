// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// weirctl: the command line of weir-switchd.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

static int show_help(struct invocation *in, struct ctl_error *error)
{
	if (in->command && in->command->help)
		return in->command->help(in, error);
	if (in->command)
		help_command(stdout, in->command);
	else if (in->object)
		help_object(stdout, in->object);
	else
		help_all(stdout);
	return CTL_OK;
}

static int run(struct invocation *in, int argc, char *const *argv, struct ctl_error *error)
{
	int result = invocation_parse(in, argc, argv, error);

	if (result)
		return result;
	if (in->help)
		return show_help(in, error);
	if (in->version) {
		puts("weirctl " WEIR_VERSION);
		return CTL_OK;
	}
	return in->command->run(in, error);
}

// A full disk or a closed pipe must not look like success.
static int finish_output(int result, struct ctl_error *error)
{
	bool failed = ferror(stdout);

	errno = 0;
	if ((fflush(stdout) || failed) && result == CTL_OK)
		return ctl_fail(error, CTL_REFUSED, "cannot write the output%s%s",
			errno ? ": " : "", errno ? strerror(errno) : "");
	return result;
}

int main(int argc, char **argv)
{
	struct ctl_error error = { .message = "" };
	struct invocation in;
	int result = finish_output(run(&in, argc, argv, &error), &error);

	if (result != CTL_OK) {
		fputs("weirctl: ", stderr);
		ctl_put_text(stderr, error.message);
		fputc('\n', stderr);
	}
	if (result == CTL_USAGE)
		help_usage(stderr, in.command);
	invocation_fini(&in);
	return result;
}
