// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/store_internal.h"

#define NEW ".new" // behind the path of the database that is being made

static bool exists(int directory_fd, const char *name)
{
	struct stat status;

	// What cannot be looked at is there.
	return fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static int refuse(const char *path, const char *what, int code, struct weir_error *error)
{
	return weir_refuse(error, code, NULL, "state \"%.200s\": cannot be %s: %s", path, what,
		strerror(-code));
}

// An empty file that only the daemon's user can read. SQLite gives its journals the same mode.
static int make_file(int directory_fd, const char *name, int flags)
{
	int fd = openat(
		directory_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int fill(const char *path, struct weir_error *error)
{
	sqlite3 *db;
	int failed = store_connect(path, &db, error);

	if (failed)
		return failed;
	failed = store_schema_migrate(db, 0, STORE_VERSION);
	if (failed)
		failed = store_refuse(db, path, failed, "made", error);
	sqlite3_close(db);
	return failed;
}

static int make(int directory_fd, const char *path, struct weir_error *error)
{
	char *new_path = sqlite3_mprintf("%s" NEW, path);
	int failed;

	if (!new_path)
		return refuse(path, "made", -ENOMEM, error);
	// Of an earlier start that did not come to its end.
	unlinkat(directory_fd, "state.db" NEW "-journal", 0);
	unlinkat(directory_fd, "state.db" NEW, 0);
	failed = make_file(directory_fd, "state.db" NEW, O_EXCL);
	if (failed)
		refuse(path, "made", failed, error);
	else
		failed = fill(new_path, error);
	sqlite3_free(new_path);
	if (failed) {
		unlinkat(directory_fd, "state.db" NEW, 0);
		return failed;
	}
	if (renameat(directory_fd, "state.db" NEW, directory_fd, "state.db") || fsync(directory_fd))
		return refuse(path, "made", -errno, error);
	return 0;
}

int store_make(int directory_fd, const char *path, struct weir_error *error)
{
	static const char *const signs[] = { "made", "state.db-wal", "state.db-journal" };

	if (exists(directory_fd, "state.db"))
		return 0;
	for (unsigned i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (exists(directory_fd, signs[i]))
			return store_refuse_damaged(path, error,
				"it is gone, and the file \"%s\" beside it says that there was one",
				signs[i]);
	return make(directory_fd, path, error);
}

int store_mark(int directory_fd, const char *path, struct weir_error *error)
{
	int failed;

	if (exists(directory_fd, "made"))
		return 0;
	failed = make_file(directory_fd, "made", 0);
	if (!failed && fsync(directory_fd))
		failed = -errno;
	return failed ? refuse(path, "marked as made", failed, error) : 0;
}
