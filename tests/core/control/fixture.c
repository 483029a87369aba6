// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/durable.h"
#include "request_text.h"

static void on_stopped(void *context)
{
	struct fixture *fixture = context;

	uv_close((uv_handle_t *)&fixture->wakeup, NULL);
}

static void on_server_stopped(void *context)
{
	struct fixture *fixture = context;

	durable_stop(fixture->durable, on_stopped, fixture);
}

static void on_wakeup(uv_async_t *async)
{
	struct fixture *fixture = async->data;

	if (fixture->command)
		fixture->command(&fixture->weir);
	fixture->command = NULL;
	if (fixture->stop)
		control_server_stop(fixture->server, on_server_stopped, fixture);
	sem_post(&fixture->ran);
}

static void *serve(void *context)
{
	struct fixture *fixture = context;

	uv_run(&fixture->loop, UV_RUN_DEFAULT);
	return NULL;
}

static void start_durable(struct fixture *fixture)
{
	const struct durable_options options = { .directory = "/state" };
	struct weir_error error;

	if (durable_open(&fixture->weir, &fixture->loop, &options, &fixture->durable, &error) < 0 ||
		durable_restore(fixture->durable, &error) < 0)
		fail_msg("%s", error.message);
	fixture->options.durable = fixture->durable;
}

static struct fixture *start(
	unsigned max_clients, unsigned stall_ms, unsigned document_ms, bool with_store)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct weir_error error;

	assert_non_null(fixture);
	signal(SIGPIPE, SIG_IGN);
	strcpy(fixture->directory, "/tmp/weir-control-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	snprintf(fixture->path, sizeof(fixture->path), "%s/sock", fixture->directory);
	fixture->options = (struct control_options){
		.path = fixture->path,
		.max_clients = max_clients,
		.stall_ms = stall_ms,
		.document_ms = document_ms,
	};
	sem_init(&fixture->ran, 0, 0);
	uv_loop_init(&fixture->loop);
	uv_async_init(&fixture->loop, &fixture->wakeup, on_wakeup);
	fixture->wakeup.data = fixture;
	if (with_store)
		start_durable(fixture);
	if (control_server_create(&fixture->weir, &fixture->loop, &fixture->options,
		    &fixture->server, &error) < 0)
		fail_msg("%s", error.message);
	pthread_create(&fixture->thread, NULL, serve, fixture);
	return fixture;
}

struct fixture *fixture_start(unsigned max_clients, unsigned stall_ms)
{
	return start(max_clients, stall_ms, 0, false);
}

struct fixture *fixture_start_durable(void)
{
	return start(0, 0, 0, true);
}

struct fixture *fixture_start_documents(unsigned document_ms)
{
	return start(0, 40, document_ms, false);
}

void fixture_run(struct fixture *fixture, void (*command)(struct weir *weir))
{
	fixture->command = command;
	uv_async_send(&fixture->wakeup);
	sem_wait(&fixture->ran);
}

void fixture_stop(struct fixture *fixture)
{
	struct stat status;

	fixture->stop = true;
	fixture_run(fixture, NULL);
	pthread_join(fixture->thread, NULL);
	control_server_destroy(fixture->server);
	assert_int_equal(uv_loop_close(&fixture->loop), 0);
	assert_int_equal(stat(fixture->path, &status), -1);
	assert_int_equal(rmdir(fixture->directory), 0);
	sem_destroy(&fixture->ran);
	free(fixture);
}

int fixture_connect(const struct fixture *fixture)
{
	const struct timeval patience = { .tv_sec = FIXTURE_PATIENCE_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, fixture->path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail_msg("connect %s: %s", fixture->path, strerror(errno));
	return fd;
}

bool send_bytes(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);

		if (sent < 0)
			return false;
		at += sent;
		size -= (size_t)sent;
	}
	return true;
}

void send_message(int fd, const void *bytes, size_t size)
{
	uint8_t header[FRAMING_HEADER];

	framing_put_header(header, size);
	assert_true(send_bytes(fd, header, sizeof(header)));
	assert_true(send_bytes(fd, bytes, size));
}

void send_request(int fd, const Weir__Control__Request *request)
{
	size_t size = weir__control__request__get_packed_size(request);
	uint8_t *bytes = malloc(size + 1);

	assert_non_null(bytes);
	weir__control__request__pack(request, bytes);
	send_message(fd, bytes, size);
	free(bytes);
}

// Reads size bytes; false when the stream ends before the first.
static bool receive_bytes(int fd, uint8_t *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t got = recv(fd, bytes + at, size - at, 0);

		if (at == 0 && (got == 0 || (got < 0 && errno == ECONNRESET)))
			return false;
		if (got <= 0)
			fail_msg("receive: %s after %zu of %zu bytes",
				got < 0 ? strerror(errno) : "the end", at, size);
		at += (size_t)got;
	}
	return true;
}

Weir__Control__Reply *receive_reply(int fd)
{
	Weir__Control__Reply *reply;
	uint8_t header[FRAMING_HEADER];
	uint8_t *bytes;
	size_t size;

	if (!receive_bytes(fd, header, sizeof(header)))
		return NULL;
	size = (size_t)header[0] << 24 | header[1] << 16 | header[2] << 8 | header[3];
	assert_in_range(size, 0, FRAMING_MAX_MESSAGE);
	bytes = malloc(size + 1);
	assert_non_null(bytes);
	if (size > 0)
		assert_true(receive_bytes(fd, bytes, size));
	reply = weir__control__reply__unpack(NULL, size, bytes);
	assert_non_null(reply);
	free(bytes);
	return reply;
}

void send_hello(int fd, uint64_t id)
{
	Weir__Control__Hello hello = WEIR__CONTROL__HELLO__INIT;
	Weir__Control__Request request = REQUEST(id);

	request.request_case = WEIR__CONTROL__REQUEST__REQUEST_HELLO;
	request.hello = &hello;
	send_request(fd, &request);
}

void check_alive(int fd, uint64_t id)
{
	Weir__Control__Reply *reply;

	send_hello(fd, id);
	reply = receive_reply(fd);
	assert_non_null(reply);
	assert_int_equal(reply->id, id);
	assert_int_equal(reply->payload_case, WEIR__CONTROL__REPLY__PAYLOAD_HELLO);
	assert_int_equal(reply->hello->pid, getpid());
	weir__control__reply__free_unpacked(reply, NULL);
}

uint64_t count_until_alive(int fd, uint64_t id)
{
	uint64_t n = 0;

	send_hello(fd, id);
	for (bool alive = false; !alive; n += !alive) {
		Weir__Control__Reply *reply = receive_reply(fd);

		assert_non_null(reply);
		alive = reply->id == id;
		if (alive)
			assert_int_equal(reply->payload_case, WEIR__CONTROL__REPLY__PAYLOAD_HELLO);
		weir__control__reply__free_unpacked(reply, NULL);
	}
	return n;
}

void send_text(int fd, const char *line, uint64_t id)
{
	uint8_t bytes[REQUEST_TEXT_MAX];

	send_message(fd, bytes, request_text_encode(line, id, bytes));
}

bool send_text_files(int fd, const char *line, uint64_t id, const int *files, unsigned n)
{
	union {
		char bytes[CMSG_SPACE(256 * sizeof(int))];
		struct cmsghdr header;
	} control = { .bytes = { 0 } };
	uint8_t message[FRAMING_HEADER + REQUEST_TEXT_MAX];
	struct iovec part = { .iov_base = message };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control };
	size_t size = request_text_encode(line, id, message + FRAMING_HEADER);

	framing_put_header(message, size);
	part.iov_len = FRAMING_HEADER + size;
	header.msg_controllen = CMSG_SPACE(n * sizeof(int));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&control.header), files, n * sizeof(int));
	return sendmsg(fd, &header, MSG_NOSIGNAL) == (ssize_t)part.iov_len;
}

uint64_t take_id(int fd, bool *more)
{
	Weir__Control__Reply *reply = receive_reply(fd);
	uint64_t id;

	assert_non_null(reply);
	if (reply->status)
		fail_msg("refused: %s", reply->status->message);
	id = reply->id;
	if (more)
		*more = reply->more;
	weir__control__reply__free_unpacked(reply, NULL);
	return id;
}

void check_done(int fd, uint64_t id)
{
	bool more;

	assert_int_equal(take_id(fd, &more), id);
	assert_false(more);
}

void check_all_done(int fd, uint64_t id)
{
	bool more;

	do
		assert_int_equal(take_id(fd, &more), id);
	while (more);
}

void check_refused(int fd, uint64_t id, Weir__Control__Status__Code code, const char *part)
{
	Weir__Control__Reply *reply = receive_reply(fd);

	assert_non_null(reply);
	assert_int_equal(reply->id, id);
	assert_non_null(reply->status);
	assert_int_equal(reply->status->code, code);
	if (!strstr(reply->status->message, part))
		fail_msg("\"%s\" does not say \"%s\"", reply->status->message, part);
	weir__control__reply__free_unpacked(reply, NULL);
}

void check_end(int fd)
{
	assert_null(receive_reply(fd));
	close(fd);
}
