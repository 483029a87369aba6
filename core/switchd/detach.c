// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "switchd/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READY = 1 }; // the byte that no reason begins with

// The child's end of the pipe closes when it dies, whatever the cause.
static void __attribute__((noreturn)) wait_for_child(int fd)
{
	char text[1024];
	size_t size = 0;
	ssize_t got;

	while ((got = read(fd, text + size, sizeof(text) - size)) != 0) {
		if (got < 0 && errno != EINTR)
			break;
		size += got > 0 ? (size_t)got : 0;
		if (size == sizeof(text) || (size > 0 && *text == READY))
			break;
	}
	if (size > 0 && *text == READY)
		_exit(0);
	if (size == 0)
		fprintf(stderr, "weir-switchd: error: the daemon ended before it was ready\n");
	else
		fprintf(stderr, "weir-switchd: error: %.*s\n", (int)size, text);
	_exit(1);
}

int detach_start(void)
{
	int ends[2], code;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child < 0) {
		code = errno;
		close(ends[0]);
		close(ends[1]);
		return -code;
	}
	if (child > 0) {
		close(ends[1]);
		wait_for_child(ends[0]);
	}
	close(ends[0]);
	setsid();
	return ends[1];
}

static void tell(int fd, const char *bytes, size_t size)
{
	ssize_t written = 0;

	for (; size > 0; bytes += written, size -= (size_t)written) {
		written = write(fd, bytes, size);
		if (written < 0 && errno != EINTR)
			break; // The parent is gone: nobody waits.
		written = written < 0 ? 0 : written;
	}
	close(fd);
}

void detach_fail(int fd, const char *reason)
{
	tell(fd, reason, strlen(reason));
}

void detach_ready(int fd)
{
	const char ready = READY;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (chdir("/") < 0)
		perror("weir-switchd: cannot leave the directory");
	for (int stream = 0; null >= 0 && stream <= 2; stream++)
		dup2(null, stream);
	if (null > 2)
		close(null);
	tell(fd, &ready, 1);
}
