// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(const char *what, struct ctl_error *error)
{
	return ctl_fail(error, CTL_REFUSED,
		"%s: must be a regular file, or a pipe that somebody writes to", what);
}

static int refuse_errno(struct ctl_error *error)
{
	return ctl_fail(error, CTL_REFUSED, "%s", strerror(errno));
}

// tee(2) takes nothing out of a pipe, and tells an empty one without a writer (0) from one whose
// writer has not written yet (EAGAIN).
static int check_pipe(int fd, struct ctl_error *error)
{
	int scratch[2], result = 0;

	if (pipe2(scratch, O_CLOEXEC) < 0)
		return refuse_errno(error);
	if (tee(fd, scratch[1], 1, SPLICE_F_NONBLOCK) == 0)
		result = refuse("is a pipe that nobody writes to", error);
	close(scratch[0]);
	close(scratch[1]);
	return result;
}

static int check(int fd, struct ctl_error *error)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return refuse_errno(error);
	if (S_ISFIFO(status.st_mode))
		return check_pipe(fd, error);
	if (S_ISDIR(status.st_mode))
		return refuse("is a directory", error);
	return S_ISREG(status.st_mode) ? 0 : refuse("is a device", error);
}

// O_NONBLOCK: a pipe without a writer, and some devices, would keep us waiting here already.
int input_open(const char *path, int *fd, struct ctl_error *error)
{
	int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int result;

	if (opened < 0)
		return errno == ENXIO ? refuse("is a socket or a device", error)
				      : refuse_errno(error);
	result = check(opened, error);
	if (result == 0 && fcntl(opened, F_SETFL, 0) < 0)
		result = refuse_errno(error);
	if (result == 0)
		*fd = opened;
	else
		close(opened);
	return result;
}

int input_stream(const char *path, FILE **stream, struct ctl_error *error)
{
	int fd, result = input_open(path, &fd, error);
	FILE *made = result ? NULL : fdopen(fd, "r");

	if (result == 0 && !made) {
		result = refuse_errno(error);
		close(fd);
	}
	if (result)
		ctl_blame(error, "%s: ", path);
	else
		*stream = made;
	return result;
}
