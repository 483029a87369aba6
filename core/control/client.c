// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <syslog.h>

#include "control/internal.h"

// One message on its way out. libuv keeps the request until it calls on_written.
struct outgoing {
	uv_write_t write;
	uint8_t *bytes;
	size_t size;
};

static void pump(struct client *client);

static uv_stream_t *stream_of(struct client *client)
{
	return (uv_stream_t *)&client->pipe;
}

static bool is_closing(const struct client *client)
{
	return uv_is_closing((const uv_handle_t *)&client->pipe);
}

// Nobody is at the other end any more: who only ended his side can still read.
static bool is_gone(struct client *client)
{
	struct pollfd other_end = { .fd = -1 };

	return uv_fileno((uv_handle_t *)&client->pipe, &other_end.fd) == 0 &&
	       poll(&other_end, 1, 0) > 0 && other_end.revents & POLLHUP;
}

static void on_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;
	struct control_server *server = client->server;

	framing_fini(&client->reader);
	files_close(&client->files);
	document_drop(client);
	server->n_clients--;
	free(client);
	server_handle_closed(server);
}

void client_close(struct client *client, const char *why)
{
	struct call *call, *next;

	if (is_closing(client))
		return;
	if (why)
		server_log(client->server, LOG_INFO, "control: closing a client's connection: %s",
			why);
	LIST_REMOVE(client, link);
	uv_close((uv_handle_t *)&client->pipe, on_closed);
	for (call = LIST_FIRST(&client->calls); call; call = next) {
		next = LIST_NEXT(call, link);
		call_abandon(call);
	}
}

static void on_written(uv_write_t *write, int status)
{
	struct outgoing *outgoing = (struct outgoing *)write;
	struct client *client = write->data;

	client->queued -= outgoing->size;
	client->server->queued -= outgoing->size;
	client->moved_ms = uv_now(client->server->loop);
	free(outgoing->bytes);
	free(outgoing);
	if (status < 0)
		client_close(client, status == UV_ECANCELED ? NULL : uv_strerror(status));
	pump(client);
}

void client_send(struct client *client, uint8_t *bytes, size_t size)
{
	struct outgoing *outgoing = is_closing(client) ? NULL : malloc(sizeof(*outgoing));
	uv_buf_t buffer;

	if (!outgoing) {
		free(bytes);
		client_close(client, "out of memory for a reply");
		return;
	}
	framing_put_header(bytes, size);
	*outgoing = (struct outgoing){ .bytes = bytes, .size = FRAMING_HEADER + size };
	outgoing->write.data = client;
	if (client->queued == 0)
		client->moved_ms = uv_now(client->server->loop);
	client->queued += outgoing->size;
	client->server->queued += outgoing->size;
	buffer = uv_buf_init((char *)bytes, (unsigned)outgoing->size);
	if (uv_write(&outgoing->write, stream_of(client), &buffer, 1, on_written) < 0) {
		client->queued -= outgoing->size;
		client->server->queued -= outgoing->size;
		free(bytes);
		free(outgoing);
		client_close(client, "cannot write to it");
	}
}

bool client_is_full(const struct client *client, size_t size)
{
	return client->queued + size > CLIENT_MAX_BYTES ||
	       client->server->queued + size > SERVER_MAX_BYTES;
}

void client_check_stall(struct client *client)
{
	size_t unwritten = uv_stream_get_write_queue_size(stream_of(client));
	uint64_t now = uv_now(client->server->loop);

	// libuv watches nothing of a client that has said all, while there is nothing to write.
	if (client->ended && is_gone(client)) {
		client_close(client, NULL);
		return;
	}
	if (client->queued == 0 || unwritten != client->last_unwritten)
		client->moved_ms = now;
	client->last_unwritten = unwritten;
	if (now - client->moved_ms >= client->server->stall_ms)
		client_close(client, "it does not read its replies");
}

static bool must_pause(const struct client *client)
{
	return client->n_calls >= CLIENT_MAX_CALLS || client->queued >= CLIENT_PAUSE_BYTES;
}

static void provide_space(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	struct client *client = handle->data;
	uint8_t *space;
	size_t size;

	(void)suggested;
	// Without memory libuv calls on_read with UV_ENOBUFS.
	*buffer = framing_space(&client->reader, &space, &size) < 0
			  ? uv_buf_init(NULL, 0)
			  : uv_buf_init((char *)space, (unsigned)size);
}

// Nothing more of what the client sends can be understood. The connection ends when what it reads
// has been sent; what could go on for ever ends now.
static void refuse_stream(struct client *client, const struct weir_error *error)
{
	call_refuse_message(client, 0, error);
	client_drain(client);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
	struct client *client = stream->data;
	struct weir_error error;

	(void)buffer;
	if (size < 0 && size != UV_EOF) {
		client_close(client, uv_strerror((int)size));
		return;
	}
	if (size == UV_EOF && is_gone(client)) {
		client_close(client, NULL);
		return;
	}
	if (size == UV_EOF) {
		client_end(client);
		return;
	}
	framing_filled(&client->reader, (size_t)size);
	if (files_receive(client, &error) < 0)
		refuse_stream(client, &error);
	pump(client);
}

// Runs the requests that have come whole, as far as the bounds allow. Returns whether to go on.
static bool run_next(struct client *client)
{
	struct weir_error error;
	const uint8_t *message;
	size_t size;
	int found;

	if (is_closing(client) || must_pause(client))
		return false;
	found = framing_next(&client->reader, &message, &size);
	if (found > 0) {
		call_begin(client, message, size);
	} else if (found < 0) {
		weir_refuse(&error, found, NULL,
			"a message larger than the %d bytes allowed: the connection is closed",
			CLIENT_MAX_REQUEST);
		refuse_stream(client, &error);
	}
	return found > 0;
}

// Brings the connection to where it should be after anything changed: requests run, reading or
// paused, or at its end. A call that ends inside run_next comes here again and leaves it to the
// first.
static void pump(struct client *client)
{
	bool want;

	if (client->pumping || is_closing(client))
		return;
	client->pumping = true;
	while (run_next(client))
		;
	client->pumping = false;
	if (is_closing(client))
		return;
	if (client->ended && client->n_calls == 0 && client->queued == 0) {
		client_close(client, NULL);
		return;
	}
	want = !client->ended && !must_pause(client);
	if (want == client->reading)
		return;
	client->reading = want;
	if (!want)
		uv_read_stop(stream_of(client));
	else if (uv_read_start(stream_of(client), provide_space, on_read) < 0)
		client_close(client, "cannot read from it");
}

void client_call_ended(struct client *client)
{
	pump(client);
}

// A subscription would keep a connection open, whose other end says nothing more, for ever.
void client_end(struct client *client)
{
	const bool pumping = client->pumping;
	struct call *call, *next;

	client->ended = true;
	client->pumping = true;
	for (call = LIST_FIRST(&client->calls); call; call = next) {
		next = LIST_NEXT(call, link);
		if (call_is_endless(call))
			call_free(call);
	}
	client->pumping = pumping;
	pump(client);
}

void client_drain(struct client *client)
{
	framing_fini(&client->reader);
	files_close(&client->files);
	document_drop(client);
	call_reap_running(client);
	client_end(client);
}

// Why the new connection may not be used, or 0.
static int admit(struct client *client, struct weir_error *error)
{
	struct control_server *server = client->server;
	struct ucred peer;
	socklen_t size = sizeof(peer);
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&client->pipe, &fd) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return weir_refuse(error, -EACCES, NULL, "cannot tell who is connecting");
	client->pid = peer.pid;
	client->uid = peer.uid;
	if (server->n_clients > server->max_clients)
		return weir_refuse(error, -ENOBUFS, NULL,
			"there are already %u clients, and no more are allowed",
			server->max_clients);
	return listener_admit(&server->listener, fd, error);
}

void client_accept(struct control_server *server)
{
	struct client *client = calloc(1, sizeof(*client));
	struct weir_error error;

	if (!client) {
		server_log(server, LOG_ERR, "control: out of memory for a client");
		return;
	}
	client->server = server;
	LIST_INIT(&client->calls);
	framing_init(&client->reader, CLIENT_MAX_REQUEST);
	uv_pipe_init(server->loop, &client->pipe, 1); // receives descriptors
	client->pipe.data = client;
	server->n_handles++;
	server->n_clients++;
	LIST_INSERT_HEAD(&server->clients, client, link);
	if (uv_accept((uv_stream_t *)&server->pipe, stream_of(client)) < 0) {
		client_close(client, "cannot accept it");
		return;
	}
	if (admit(client, &error) < 0) {
		server_log(server, LOG_WARNING, "control: client refused: %s", error.message);
		call_refuse_message(client, 0, &error);
		client->ended = true;
	}
	pump(client);
}
