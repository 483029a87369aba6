// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/internal.h"

// libuv gives a descriptor out only as a handle, which it closes later; nothing is done with the
// handle, so that it does not matter what kind of file it is.
struct carrier {
	uv_pipe_t pipe;
	struct control_server *server;
};

static void on_closed(uv_handle_t *handle)
{
	struct carrier *carrier = (struct carrier *)handle;

	server_handle_closed(carrier->server);
	free(carrier);
}

// The next descriptor that libuv has received, as one of our own; or a negative errno.
static int receive_one(struct client *client)
{
	struct carrier *carrier = malloc(sizeof(*carrier));
	uv_os_fd_t fd;
	int result;

	if (!carrier)
		return -ENOMEM;
	carrier->server = client->server;
	uv_pipe_init(client->server->loop, &carrier->pipe, 0);
	client->server->n_handles++;
	result = uv_accept((uv_stream_t *)&client->pipe, (uv_stream_t *)&carrier->pipe);
	if (result == 0)
		result = uv_fileno((uv_handle_t *)&carrier->pipe, &fd);
	if (result == 0) {
		result = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (result < 0)
			result = -errno;
	}
	uv_close((uv_handle_t *)&carrier->pipe, on_closed);
	return result;
}

// What stays pending in libuv is closed with the connection.
int files_receive(struct client *client, struct weir_error *error)
{
	struct files *files = &client->files;
	const int n_pending = uv_pipe_pending_count(&client->pipe);

	if (n_pending > (int)(FILES_MAX - files->n))
		return weir_refuse(error, -EMFILE, NULL,
			"%d descriptors passed that no request asked for, where %d may wait: "
			"the connection is closed",
			n_pending + (int)files->n, FILES_MAX);
	for (int i = 0; i < n_pending; i++) {
		int fd = receive_one(client);

		if (fd < 0)
			return weir_refuse(error, fd, NULL,
				"cannot keep a passed descriptor: %s: the connection is closed",
				strerror(-fd));
		files->fds[files->n++] = fd;
	}
	return 0;
}

int files_take(struct files *files, unsigned n, int fds[FILES_MAX], struct weir_error *error)
{
	const unsigned n_there = files->n;

	if (n > n_there) {
		files_close(files);
		return weir_refuse(error, -EINVAL, "files",
			"files %u: only %u descriptors were passed (SCM_RIGHTS)", n, n_there);
	}
	if (n == 0)
		return 0;
	memcpy(fds, files->fds, n * sizeof(*fds));
	files->n -= n;
	memmove(files->fds, files->fds + n, files->n * sizeof(*fds));
	return 0;
}

void files_close(struct files *files)
{
	while (files->n > 0)
		close(files->fds[--files->n]);
}
