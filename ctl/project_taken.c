// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Which names extensions have already. Asks no daemon: looks where one that was built or installed
// with this weirctl would look, and where a project's extension is installed to.
#include "project.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// directory: absolute, or the way from that of the running program.
static bool has_file(const char *directory, const char *name, char path[/* PATH_MAX */])
{
	char program[PATH_MAX] = "", joined[2 * PATH_MAX + 64];
	ssize_t size = 0;
	char *slash;

	if (*directory != '/')
		size = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (size < 0)
		return false;
	program[size] = '\0';
	slash = strrchr(program, '/');
	if (slash)
		slash[1] = '\0';
	snprintf(joined, sizeof(joined), "%s%s/%s.so", program, directory, name);
	return realpath(joined, path) != NULL;
}

int project_check_taken(const char *name, struct ctl_error *error)
{
	// The build tree's, then the installed ones: beside the program when all of it was put
	// elsewhere, or where they were installed to.
	static const char *const directories[] = { "extensions", WEIR_EXTENSION_WAY,
		WEIR_EXTENSION_DIR };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++)
		if (has_file(directories[i], name, path))
			return ctl_fail(error, CTL_REFUSED,
				"name \"%s\": is that of an extension that there is, %.200s, which "
				"installing the new one could overwrite; choose another",
				name, path);
	return CTL_OK;
}
