// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Descriptors that a client passes (unix(7), SCM_RIGHTS), for requests that name files: the client
// opens them, the daemon opens nothing.
//
// They come with the bytes of a message and wait in the order of their arrival; a request that says
// how many belong to it takes them from the front. Nothing else touches them: what nobody asked for
// is closed with the connection, and a client that passes more than FILES_MAX beyond what it asked
// for loses the connection. They are closed on exec, and their flags are the client's: an open file
// description may be shared with it, so O_NONBLOCK is left as it was.
//
// The system closes what does not fit into the process's table of descriptors (RLIMIT_NOFILE); the
// request then finds fewer than it says, and is refused. Control thread only.
#ifndef CONTROL_FILES_H
#define CONTROL_FILES_H

#include <stdbool.h>

#include <weir/error.h>

enum { FILES_MAX = 8 }; // unclaimed descriptors of a client

struct client;

struct files {
	int fds[FILES_MAX];
	unsigned n;
};

// Takes the descriptors that came with the bytes read last. Returns 0, or, when there are too many
// or one cannot be kept, a negative errno with a sentence: the connection must be closed then,
// since nobody could say any more which belongs to which request.
int files_receive(struct client *client, struct weir_error *error);

// The first n (at most FILES_MAX) descriptors, which are the caller's then. Returns 0, or -EINVAL
// with a sentence when there are fewer: those are closed, because they were this request's.
int files_take(struct files *files, unsigned n, int fds[FILES_MAX], struct weir_error *error);

// Closes all of them.
void files_close(struct files *files);

#endif
