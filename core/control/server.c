// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "control/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "control/handlers.h"
#include "control/internal.h"
#include "control/request.h"
#include "switch/schema.h"

enum {
	DEFAULT_CLIENTS = 1024,
	DEFAULT_STALL_MS = 10000,
	DEFAULT_DOCUMENT_MS = 60000,
	DEFAULT_DRAIN_MS = 5000,
	MIN_CLOCK_MS = 10,
};

void server_log(const struct control_server *server, int level, const char *format, ...)
{
	char line[512];
	va_list arguments;

	if (!server->log)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	server->log(server->log_context, level, line);
}

void server_handle_closed(struct control_server *server)
{
	if (--server->n_handles == 0 && server->stopping && server->stopped)
		server->stopped(server->stopped_context);
}

static void on_closed(uv_handle_t *handle)
{
	server_handle_closed(handle->data);
}

static void on_connection(uv_stream_t *stream, int status)
{
	struct control_server *server = stream->data;

	if (status < 0)
		server_log(server, LOG_ERR, "control: cannot accept: %s", uv_strerror(status));
	else
		client_accept(server);
}

static void on_clock(uv_timer_t *clock)
{
	struct control_server *server = clock->data;
	struct client *client, *next;

	for (client = LIST_FIRST(&server->clients); client; client = next) {
		next = LIST_NEXT(client, link);
		document_check_age(client);
		client_check_stall(client);
	}
	call_free_orphans(server, false);
	event_flush_refusals(server);
}

// Hands the listening descriptor to libuv, which owns it from then on.
static int start_handles(struct control_server *server)
{
	unsigned clock_ms = server->stall_ms / 4 > MIN_CLOCK_MS ? server->stall_ms / 4
								: MIN_CLOCK_MS;
	int result;

	uv_timer_init(server->loop, &server->clock);
	server->clock.data = server;
	uv_timer_init(server->loop, &server->reaper);
	server->reaper.data = server;
	uv_pipe_init(server->loop, &server->pipe, 0);
	server->pipe.data = server;
	server->n_handles = 3;
	result = uv_pipe_open(&server->pipe, server->listener.fd);
	if (result < 0)
		return result;
	server->listener.fd = -1;
	result = uv_listen((uv_stream_t *)&server->pipe, SOMAXCONN, on_connection);
	if (result < 0)
		return result;
	return uv_timer_start(&server->clock, on_clock, clock_ms, clock_ms);
}

static void free_server(void *context)
{
	struct control_server *server = context;

	schema_free(server->schema);
	free(server);
}

int control_server_create(struct weir *weir, uv_loop_t *loop, const struct control_options *options,
	struct control_server **out, struct weir_error *error)
{
	struct control_server *server = calloc(1, sizeof(*server));
	int result;

	if (!server)
		return weir_refuse(error, -ENOMEM, NULL, "out of memory for the control server");
	server->weir = weir;
	server->durable = options->durable;
	server->loop = loop;
	server->max_clients = options->max_clients ? options->max_clients : DEFAULT_CLIENTS;
	server->stall_ms = options->stall_ms ? options->stall_ms : DEFAULT_STALL_MS;
	server->document_ms = options->document_ms ? options->document_ms : DEFAULT_DOCUMENT_MS;
	server->drain_ms = options->drain_ms ? options->drain_ms : DEFAULT_DRAIN_MS;
	server->state = options->state;
	server->extensions = options->extensions;
	server->strict = options->strict;
	server->since = (uint64_t)time(NULL);
	server->started_ns = uv_hrtime();
	server->log = options->log;
	server->log_context = options->log_context;
	result = request_schema_create(&server->schema, error);
	if (result == 0)
		result = listener_open(&server->listener, options->path, error);
	if (result < 0) {
		free_server(server);
		return result;
	}
	result = start_handles(server);
	if (result < 0) {
		weir_refuse(error, result, "socket", "socket \"%s\": cannot listen: %s",
			options->path, uv_strerror(result));
		control_server_stop(server, free_server, server);
		return result;
	}
	weir_on_notice(weir, event_notice, server);
	weir_on_remark(weir, remark_take, server);
	*out = server;
	return 0;
}

// Until everybody has been answered, or for long enough.
static void on_drain(uv_timer_t *clock)
{
	struct control_server *server = clock->data;
	struct client *client;

	if (!LIST_EMPTY(&server->clients)) {
		if (uv_now(server->loop) < server->drain_until_ms)
			return;
		server_log(server, LOG_WARNING,
			"control: stopping with clients that are not answered");
	}
	while ((client = LIST_FIRST(&server->clients)))
		client_close(client, NULL);
	call_reap_all(server);
	uv_close((uv_handle_t *)&server->clock, on_closed);
	uv_close((uv_handle_t *)&server->reaper, on_closed);
}

void control_server_stop(
	struct control_server *server, void (*stopped)(void *context), void *context)
{
	struct client *client, *next;

	server->stopping = true;
	server->stopped = stopped;
	server->stopped_context = context;
	weir_on_notice(server->weir, NULL, NULL);
	weir_on_remark(server->weir, NULL, NULL);
	listener_close(&server->listener);
	uv_close((uv_handle_t *)&server->pipe, on_closed);
	for (client = LIST_FIRST(&server->clients); client; client = next) {
		next = LIST_NEXT(client, link);
		client_drain(client);
	}
	server->drain_until_ms = uv_now(server->loop) + server->drain_ms;
	uv_timer_start(&server->clock, on_drain, 0, MIN_CLOCK_MS);
}

void control_server_destroy(struct control_server *server)
{
	if (!server)
		return;
	call_free_orphans(server, true);
	free_server(server);
}
