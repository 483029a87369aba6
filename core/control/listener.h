// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The listening socket and who may use it.
//
// The socket file has mode 0660 and belongs to the group `weir` when the host has one. A file left
// by a daemon that died is replaced; one that a daemon still listens on after a second, for which
// one that was killed may yet be dying, is refused, also when two daemons start at the same moment.
// Control thread only.
#ifndef CONTROL_LISTENER_H
#define CONTROL_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>

#include <weir/error.h>

struct listener {
	int fd;         // -1 when closed
	char path[108]; // sun_path, always terminated
	dev_t device;   // of the socket file, to remove no other one
	ino_t inode;
	bool has_group; // the host has the group `weir`
	gid_t group;
};

// Makes the directory of path when it is missing (one level, mode 0755), binds and listens; the
// descriptor is non-blocking and closed on exec. path: at most 107 bytes. May block for a second,
// and for two more while others start in the same directory.
// Returns 0 or a negative errno with a sentence: -EADDRINUSE when a daemon listens there, -EEXIST
// when the file is no socket, -ENAMETOOLONG, or what the system said.
int listener_open(struct listener *listener, const char *path, struct weir_error *error);

// Removes the socket file, unless somebody replaced it, and closes the descriptor if it is still
// the listener's: an owner that took it sets fd to -1, and closes it later, because the open socket
// keeps the file's inode number from being used again.
void listener_close(struct listener *listener);

// May the process at the other end of the connected socket fd use the switch? Yes for root, for the
// user of this process and for members of the group. Returns 0, or -EACCES with a sentence.
int listener_admit(const struct listener *listener, int fd, struct weir_error *error);

#endif
