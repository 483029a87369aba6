// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	BACKLOG = 128,
	LOCK_TRIES = 100,
	LOCK_PAUSE_MS = 20,
	// A daemon that was killed listens until the last of its threads is gone.
	LIVE_TRIES = 20,
	LIVE_PAUSE_MS = 50,
};

static void sleep_ms(unsigned ms)
{
	const struct timespec pause = { .tv_nsec = ms * 1000000L };

	nanosleep(&pause, NULL);
}

static int refuse_errno(struct weir_error *error, const char *path, const char *what)
{
	int code = errno;

	return weir_refuse(
		error, -code, "socket", "socket \"%s\": cannot %s: %s", path, what, strerror(code));
}

static void name_address(struct sockaddr_un *address, const char *path)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, strlen(path));
}

// Opens the directory of path, made when missing, and locks it: of two daemons that start together
// one looks at the socket file only after the other listens. Returns the descriptor.
static int lock_directory(const char *path, struct weir_error *error)
{
	char directory[sizeof(((struct listener *)0)->path)];
	const char *slash = strrchr(path, '/');
	int fd;

	snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		slash ? path : ".");
	// The group must be able to reach the socket whatever the umask.
	if ((mkdir(directory, 0755) < 0 ? errno != EEXIST : chmod(directory, 0755) < 0))
		return refuse_errno(error, path, "make its directory");
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return refuse_errno(error, path, "open its directory");
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (i < LOCK_TRIES && (errno == EWOULDBLOCK || errno == EINTR)) {
			sleep_ms(LOCK_PAUSE_MS);
			continue;
		}
		i = refuse_errno(error, path, "lock its directory");
		close(fd);
		return i;
	}
	return fd;
}

// Is somebody listening on the socket file? A full backlog is a daemon that is alive.
static bool is_live(const char *path)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int result;

	if (fd < 0)
		return true;
	name_address(&address, path);
	result = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
	close(fd);
	return result != ECONNREFUSED && result != ENOENT;
}

// Removes what a dead daemon left.
static int clear_path(const char *path, struct weir_error *error)
{
	struct stat status;

	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0 : refuse_errno(error, path, "look at it");
	if (!S_ISSOCK(status.st_mode))
		return weir_refuse(error, -EEXIST, "socket",
			"socket \"%s\": the file exists and is not a socket", path);
	if (is_live(path))
		return weir_refuse(error, -EADDRINUSE, "socket",
			"socket \"%s\": another weir-switchd is listening there", path);
	if (unlink(path) < 0)
		return refuse_errno(error, path, "replace it");
	return 0;
}

// Locks the directory while nobody listens on the path, and nothing is there. Returns the
// descriptor. The lock is not held while another daemon is waited for.
static int lock_cleared(const char *path, struct weir_error *error)
{
	for (int i = 0;; i++) {
		int directory = lock_directory(path, error);
		int result = directory < 0 ? directory : clear_path(path, error);

		if (result == 0)
			return directory;
		if (directory >= 0)
			close(directory);
		if (result != -EADDRINUSE || i == LIVE_TRIES)
			return result;
		sleep_ms(LIVE_PAUSE_MS);
	}
}

// The mode is set on the descriptor before bind, so that the file never exists with a wider one.
static int bind_and_listen(struct listener *listener, struct weir_error *error)
{
	struct sockaddr_un address;
	struct stat status;

	name_address(&address, listener->path);
	if (fchmod(listener->fd, 0660) < 0 ||
		bind(listener->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return refuse_errno(error, listener->path, "bind");
	if (lstat(listener->path, &status) < 0 || chmod(listener->path, 0660) < 0)
		return refuse_errno(error, listener->path, "set its mode");
	listener->device = status.st_dev;
	listener->inode = status.st_ino;
	// Only root, or a member, can give the file to the group; others keep it for themselves.
	if (listener->has_group && lchown(listener->path, (uid_t)-1, listener->group) < 0 &&
		errno != EPERM)
		return refuse_errno(error, listener->path, "give it to the group weir");
	if (listen(listener->fd, BACKLOG) < 0)
		return refuse_errno(error, listener->path, "listen");
	return 0;
}

int listener_open(struct listener *listener, const char *path, struct weir_error *error)
{
	const struct group *group;
	int directory, result;

	*listener = (struct listener){ .fd = -1 };
	if (*path == '\0' || strlen(path) >= sizeof(listener->path))
		return weir_refuse(error, -ENAMETOOLONG, "socket",
			"socket \"%.200s\": must be a path of 1 to %zu bytes", path,
			sizeof(listener->path) - 1);
	memcpy(listener->path, path, strlen(path) + 1);
	group = getgrnam("weir");
	if (group) {
		listener->has_group = true;
		listener->group = group->gr_gid;
	}
	directory = lock_cleared(path, error);
	if (directory < 0)
		return directory;
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener->fd < 0)
		result = refuse_errno(error, path, "make it");
	else
		result = bind_and_listen(listener, error);
	if (result < 0)
		listener_close(listener);
	close(directory);
	return result;
}

void listener_close(struct listener *listener)
{
	struct stat status;

	if (listener->inode && lstat(listener->path, &status) == 0 &&
		status.st_dev == listener->device && status.st_ino == listener->inode)
		unlink(listener->path);
	listener->inode = 0;
	if (listener->fd >= 0)
		close(listener->fd);
	listener->fd = -1;
}

// Supplementary groups count as well: that is how people are added to a group.
static bool is_member(int fd, gid_t primary, gid_t wanted)
{
	socklen_t size = 0;
	gid_t *groups;
	bool found = primary == wanted;

	if (found || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 ||
		errno != ERANGE || !(groups = malloc(size)))
		return found;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
		for (size_t i = 0; i < size / sizeof(*groups); i++)
			found = found || groups[i] == wanted;
	free(groups);
	return found;
}

int listener_admit(const struct listener *listener, int fd, struct weir_error *error)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return weir_refuse(
			error, -EACCES, NULL, "cannot tell who is connecting: %s", strerror(errno));
	if (peer.uid == 0 || peer.uid == geteuid())
		return 0;
	if (listener->has_group && is_member(fd, peer.gid, listener->group))
		return 0;
	return weir_refuse(error, -EACCES, NULL,
		"user %u may not use the switch: only root, user %u and the group weir may",
		(unsigned)peer.uid, (unsigned)geteuid());
}
