// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define REPLACES __attribute__((visibility("default")))

static struct plan {
	char call[16], pattern[128];
	unsigned first, count, n_seen, n_failed;
	int error;
	bool on;
} plan;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void fault_plan(const char *call, const char *pattern, unsigned first, unsigned count, int error)
{
	pthread_mutex_lock(&lock);
	plan = (struct plan){ .first = first, .count = count, .error = error, .on = true };
	snprintf(plan.call, sizeof(plan.call), "%s", call);
	snprintf(plan.pattern, sizeof(plan.pattern), "%s", pattern);
	pthread_mutex_unlock(&lock);
}

unsigned fault_count(void)
{
	unsigned n;

	pthread_mutex_lock(&lock);
	n = plan.n_failed;
	pthread_mutex_unlock(&lock);
	return n;
}

unsigned fault_end(void)
{
	unsigned n;

	pthread_mutex_lock(&lock);
	plan.on = false;
	n = plan.n_failed;
	pthread_mutex_unlock(&lock);
	return n;
}

// CALL:PATTERN:FIRST:COUNT:ERRNO
__attribute__((constructor)) static void read_plan(void)
{
	const char *text = getenv("WEIR_FAULT");
	char call[16], pattern[128];
	unsigned first, count;
	int error;

	if (!text)
		return;
	if (sscanf(text, "%15[^:]:%127[^:]:%u:%u:%d", call, pattern, &first, &count, &error) != 5) {
		fprintf(stderr, "WEIR_FAULT=%s: must be CALL:PATTERN:FIRST:COUNT:ERRNO\n", text);
		_exit(127);
	}
	fault_plan(call, pattern, first, count, error);
}

static bool matches(const char *pattern, int fd)
{
	char link[32], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return fnmatch(pattern, path, 0) == 0;
}

static bool fails(const char *call, int fd)
{
	bool failing = false;

	pthread_mutex_lock(&lock);
	if (plan.on && strcmp(plan.call, call) == 0 && matches(plan.pattern, fd)) {
		plan.n_seen++;
		failing = plan.n_seen >= plan.first &&
			  (plan.count == 0 || plan.n_failed < plan.count);
		plan.n_failed += failing;
	}
	if (failing)
		errno = plan.error;
	pthread_mutex_unlock(&lock);
	return failing;
}

// Looked up at each call: who calls early finds no state that is not ready yet.
#define NEXT(type, name) ((type)dlsym(RTLD_NEXT, name))

typedef ssize_t write_call(int fd, const void *bytes, size_t size);
typedef ssize_t pwrite_call(int fd, const void *bytes, size_t size, off_t at);
typedef int sync_call(int fd);
typedef int truncate_call(int fd, off_t size);

REPLACES ssize_t write(int fd, const void *bytes, size_t size)
{
	return fails("write", fd) ? -1 : NEXT(write_call *, "write")(fd, bytes, size);
}

REPLACES ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
	return fails("write", fd) ? -1 : NEXT(pwrite_call *, "pwrite")(fd, bytes, size, at);
}

REPLACES ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at)
{
	return fails("write", fd) ? -1 : NEXT(pwrite_call *, "pwrite64")(fd, bytes, size, at);
}

REPLACES int fsync(int fd)
{
	return fails("sync", fd) ? -1 : NEXT(sync_call *, "fsync")(fd);
}

REPLACES int fdatasync(int fd)
{
	return fails("sync", fd) ? -1 : NEXT(sync_call *, "fdatasync")(fd);
}

REPLACES int ftruncate(int fd, off_t size)
{
	return fails("truncate", fd) ? -1 : NEXT(truncate_call *, "ftruncate")(fd, size);
}

REPLACES int ftruncate64(int fd, off_t size)
{
	return fails("truncate", fd) ? -1 : NEXT(truncate_call *, "ftruncate64")(fd, size);
}
