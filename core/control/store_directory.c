// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "control/store_internal.h"

// A daemon that was killed has the lock until the last of its threads is gone, and the kernel has
// taken down its interfaces: some milliseconds, or many seconds with many taps.
enum { LOCK_TRIES = 50, DYING_TRIES = 3000, LOCK_PAUSE_MS = 20 };

static int refuse(const char *path, const char *what, int code, struct weir_error *error)
{
	return weir_refuse(error, code, NULL, "state directory \"%.200s\": %s: %s%s", path, what,
		strerror(-code),
		code == -EROFS ? "; it must be on a file system that can be written" : "");
}

// A name is on disk once its directory is.
static int sync_parent(const char *path)
{
	char copy[PATH_MAX];
	int fd, failed;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	failed = fsync(fd) ? -errno : 0;
	close(fd);
	return failed;
}

static int make(const char *path, struct weir_error *error)
{
	int failed;

	if (strlen(path) >= PATH_MAX)
		return refuse(path, "cannot be opened", -ENAMETOOLONG, error);
	if (mkdir(path, 0700))
		return errno == EEXIST ? 0 : refuse(path, "cannot be made", -errno, error);
	failed = sync_parent(path);
	return failed ? refuse(path, "cannot be made to last", failed, error) : 0;
}

static int check_owner(const char *path, int fd, struct weir_error *error)
{
	struct stat status;

	if (fstat(fd, &status))
		return refuse(path, "cannot be looked at", -errno, error);
	if (status.st_uid != 0 && status.st_uid != geteuid())
		return weir_refuse(error, -EPERM, NULL,
			"state directory \"%.200s\": belongs to user %u: must belong to root or to "
			"the daemon's user (%u)",
			path, status.st_uid, geteuid());
	if (status.st_mode & (S_IWGRP | S_IWOTH))
		return weir_refuse(error, -EPERM, NULL,
			"state directory \"%.200s\": has mode %04o: nobody but its owner may be "
			"able to write it (chmod go-w)",
			path, status.st_mode & 07777);
	return 0;
}

// The process id in the file, or "".
static void read_pid(int lock_fd, char pid[16])
{
	ssize_t n = pread(lock_fd, pid, 15, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
}

// Whether who has the lock is on its way out: nothing but time is needed then. proc(5), stat: what
// stands behind the name, in which anything may stand.
static bool is_dying(int lock_fd)
{
	enum { EXITING = 0x4 }; // PF_EXITING of the kernel's flags
	char pid[16], path[32], text[512];
	const char *rest;
	unsigned flags;
	char state;
	ssize_t n;
	int fd;

	read_pid(lock_fd, pid);
	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	fd = *pid ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest, ") %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2)
		return false;
	return state == 'Z' || state == 'X' || flags & EXITING;
}

static int refuse_busy(const char *path, int lock_fd, struct weir_error *error)
{
	char pid[16];

	read_pid(lock_fd, pid);
	return weir_refuse(error, -EBUSY, NULL,
		"state directory \"%.200s\": is used by another daemon%s%s%s: each needs one of "
		"its own",
		path, *pid ? " (pid " : "", pid, *pid ? ")" : "");
}

static int write_pid(const char *path, int lock_fd, struct weir_error *error)
{
	char pid[16];
	int n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());

	if (ftruncate(lock_fd, 0) || pwrite(lock_fd, pid, (size_t)n, 0) < 0)
		return refuse(path, "its file lock cannot be written", -errno, error);
	return 0;
}

// Held by the open file: also over a fork, until the last process that has it ends.
static int try_lock(int lock_fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };

	for (int i = 0; flock(lock_fd, LOCK_EX | LOCK_NB); i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (i >= LOCK_TRIES && (i == DYING_TRIES || !is_dying(lock_fd)))
			return -EWOULDBLOCK;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int lock(const char *path, struct store_directory *d, struct weir_error *error)
{
	int failed;

	d->lock_fd = openat(
		d->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (d->lock_fd < 0)
		return refuse(path, "its file lock cannot be opened for writing", -errno, error);
	failed = try_lock(d->lock_fd);
	if (failed == 0)
		failed = write_pid(path, d->lock_fd, error);
	else if (failed == -EWOULDBLOCK)
		failed = refuse_busy(path, d->lock_fd, error);
	else
		failed = refuse(path, "its file lock cannot be locked", failed, error);
	if (failed)
		close(d->lock_fd);
	return failed;
}

int store_directory_open(
	const char *path, struct store_directory *directory, struct weir_error *error)
{
	struct store_directory d = { -1, -1 };
	int failed;

	d.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d.fd < 0 && errno == ENOENT) {
		failed = make(path, error);
		if (failed)
			return failed;
		d.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (d.fd < 0)
		return refuse(path, "cannot be opened", -errno, error);
	failed = check_owner(path, d.fd, error);
	failed = failed ? failed : lock(path, &d, error);
	if (failed) {
		close(d.fd);
		return failed;
	}
	*directory = d;
	return 0;
}

void store_directory_close(struct store_directory *directory)
{
	close(directory->lock_fd);
	close(directory->fd);
}
