// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The way to a file that nobody but root and the user of the process could have changed. It is
// walked one component at a time, from descriptor to descriptor: what was looked at is what the
// next step starts from, so nothing can be exchanged in between.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "switch/loader.h"
#include "switch/loader_internal.h"

enum { MAX_LINKS = 40 }; // as the kernel follows

struct walk {
	int directory;
	bool shared;         // others may make entries in it
	char rest[PATH_MAX]; // relative to the directory
	unsigned n_links;
	struct weir_error *error;
};

static int refuse_errno(struct weir_error *error, const char *what)
{
	int code = -errno;

	return weir_refuse(error, code, "path", "cannot be %s: %s", what, strerror(-code));
}

static bool is_trusted_owner(const struct stat *status)
{
	return status->st_uid == 0 || status->st_uid == geteuid();
}

static int check_owner(const struct stat *status, const char *what, struct weir_error *error)
{
	if (!is_trusted_owner(status))
		return weir_refuse(error, -EPERM, "path",
			"%s owned by user %u; must be owned by root or user %u", what,
			status->st_uid, geteuid());
	return 0;
}

// The name of an open directory, for people.
static void name_directory(int directory, char *name, size_t size)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
	n = readlink(link, name, size - 1);
	name[n < 0 ? 0 : n] = '\0';
}

// Steps into a directory, which is closed on failure.
static int enter(struct walk *w, int directory)
{
	struct stat status;
	char name[128], what[192];
	int ret;

	if (fstat(directory, &status)) {
		ret = refuse_errno(w->error, "opened");
		goto refuse;
	}
	name_directory(directory, name, sizeof(name));
	snprintf(what, sizeof(what), "lies in directory \"%s\",", name);
	ret = check_owner(&status, what, w->error);
	if (ret)
		goto refuse;
	if (status.st_mode & (S_IWGRP | S_IWOTH) && !(status.st_mode & S_ISVTX)) {
		ret = weir_refuse(w->error, -EPERM, "path",
			"%s which others can write (mode %04o); only its owner may", what,
			status.st_mode & 07777);
		goto refuse;
	}
	if (w->directory >= 0)
		close(w->directory);
	w->directory = directory;
	w->shared = status.st_mode & (S_IWGRP | S_IWOTH);
	return 0;
refuse:
	close(directory);
	return ret;
}

static int enter_root(struct walk *w)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return root < 0 ? refuse_errno(w->error, "opened") : enter(w, root);
}

static int refuse_shared(const struct walk *w)
{
	return weir_refuse(w->error, -EPERM, "path",
		"is or passes a file or symbolic link in a directory that others can write; must "
		"lie in a directory of its own");
}

static int refuse_too_long(const struct walk *w)
{
	return weir_refuse(w->error, -ENAMETOOLONG, "path",
		"has too long a path; must have less than %d bytes", PATH_MAX);
}

// Puts the target of a link before the rest of the way.
static int follow(struct walk *w, int link, const struct stat *status)
{
	char way[PATH_MAX], target[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
	int ret = check_owner(status, "is reached by a symbolic link", w->error);

	if (ret)
		return ret;
	if (n < 0)
		return refuse_errno(w->error, "opened");
	if (w->shared)
		return refuse_shared(w);
	if (++w->n_links > MAX_LINKS)
		return weir_refuse(w->error, -ELOOP, "path",
			"passes too many symbolic links; at most %d", MAX_LINKS);
	target[n] = '\0';
	if ((size_t)snprintf(way, sizeof(way), "%s/%s", target, w->rest) >= sizeof(way))
		return refuse_too_long(w);
	memcpy(w->rest, way, sizeof(way));
	return *target == '/' ? enter_root(w) : 0;
}

static int check_file(const struct stat *status, struct weir_error *error)
{
	int ret = check_owner(status, "is", error);

	if (ret)
		return ret;
	if (status->st_mode & (S_IWGRP | S_IWOTH))
		return weir_refuse(error, -EPERM, "path",
			"can be written by others (mode %04o); only its owner may",
			status->st_mode & 07777);
	if (status->st_size > LOADER_MAX_SIZE)
		return weir_refuse(error, -EFBIG, "path", "has %lld bytes; must have at most %d",
			(long long)status->st_size, LOADER_MAX_SIZE);
	return 0;
}

// Opens the file at the end of the way; what it is was looked at before, so nothing is waited for.
static int open_file(const struct walk *w, const char *name)
{
	struct stat status;
	int file, ret;

	if (*w->rest)
		return weir_refuse(w->error, -ENOTDIR, "path",
			"passes \"%.64s\", which is not a directory", name);
	if (w->shared)
		return refuse_shared(w);
	file = openat(w->directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file < 0)
		return refuse_errno(w->error, "opened");
	ret = fstat(file, &status) ? refuse_errno(w->error, "opened")
				   : check_file(&status, w->error);
	if (ret) {
		close(file);
		return ret;
	}
	return file;
}

// Takes the next component off the way; false at its end.
static bool next_name(struct walk *w, char name[/* NAME_MAX + 1 */])
{
	size_t start = strspn(w->rest, "/");
	size_t size = strcspn(w->rest + start, "/");
	size_t rest = start + size + strspn(w->rest + start + size, "/");

	if (!size)
		return false;
	snprintf(name, NAME_MAX + 2, "%.*s", (int)size, w->rest + start);
	memmove(w->rest, w->rest + rest, strlen(w->rest + rest) + 1);
	return true;
}

// One component. Returns 0 to go on, 1 with *file open at the end, or negative errno.
static int step(struct walk *w, const char *name, int *file)
{
	struct stat status;
	int ret, found = openat(w->directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (found < 0)
		return refuse_errno(w->error, "opened");
	if (fstat(found, &status)) {
		ret = refuse_errno(w->error, "opened");
	} else if (S_ISDIR(status.st_mode)) {
		return enter(w, found);
	} else if (S_ISLNK(status.st_mode)) {
		ret = follow(w, found, &status);
	} else if (S_ISREG(status.st_mode)) {
		ret = open_file(w, name);
		if (ret >= 0) {
			*file = ret;
			ret = 1;
		}
	} else {
		ret = weir_refuse(w->error, -EINVAL, "path",
			"is a device, pipe or socket; must be a regular file");
	}
	close(found);
	return ret;
}

static int start(struct walk *w, const char *path)
{
	char working[PATH_MAX] = "";

	if (*path != '/' && !getcwd(working, sizeof(working)))
		return refuse_errno(w->error, "opened");
	if ((size_t)snprintf(w->rest, sizeof(w->rest), "%s/%s", working, path) >= sizeof(w->rest))
		return refuse_too_long(w);
	return enter_root(w);
}

int loader_open_trusted(const char *path, struct weir_error *error)
{
	struct walk w = { .directory = -1, .error = error };
	char name[NAME_MAX + 2]; // one more, so that a name that is too long stays so
	int file = -1, ret = start(&w, path);

	while (!ret && next_name(&w, name))
		ret = step(&w, name, &file);
	if (!ret)
		ret = weir_refuse(error, -EISDIR, "path", "is a directory; must be a regular file");
	if (w.directory >= 0)
		close(w.directory);
	return ret < 0 ? ret : file;
}
