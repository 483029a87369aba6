// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	HEADER_BYTES = 4,               // big-endian size before each message
	MAX_MESSAGE = 16 * 1024 * 1024, // bytes, as control.proto says
	FIRST_CAPACITY = 64 * 1024,     // of the buffer for replies
};

struct client {
	int fd;
	int timeout_ms; // -1: none
	uint64_t last_id;
	uint8_t *buffer; // what came and was not yet taken
	size_t size, capacity;
};

static int fail_connect(struct ctl_error *error, const char *path, int code)
{
	const char *hint = code == ENOENT || code == ECONNREFUSED ? " (is weir-switchd running?)"
			   : code == EACCES
				   ? " (allowed are root, the daemon's user and group weir)"
				   : "";

	return ctl_fail(
		error, CTL_NO_DAEMON, "cannot connect to %s: %s%s", path, strerror(code), hint);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// A full backlog makes connect wait, as long as SO_SNDTIMEO says.
static int connect_within(int fd, const struct sockaddr_un *address, int timeout_ms)
{
	struct timeval limit = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
		connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return errno == EAGAIN ? ETIMEDOUT : errno;
	return 0;
}

int client_open(const char *path, int timeout_ms, struct client **client, struct ctl_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct client *made;
	int code;

	if (strlen(path) >= sizeof(address.sun_path))
		return ctl_fail(error, CTL_NO_DAEMON,
			"socket \"%s\": the path must be at most %zu bytes long", path,
			sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	made = calloc(1, sizeof(*made));
	if (!made)
		return ctl_fail_memory(error);
	made->timeout_ms = timeout_ms;
	made->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	code = made->fd < 0 ? errno : connect_within(made->fd, &address, timeout_ms);
	if (code) {
		client_close(made);
		return fail_connect(error, path, code);
	}
	*client = made;
	return 0;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		close(client->fd);
	free(client->buffer);
	free(client);
}

void client_wait_forever(struct client *client)
{
	client->timeout_ms = -1;
}

static int fail_broken(struct ctl_error *error, int code)
{
	if (code == ETIMEDOUT)
		return ctl_fail(error, CTL_NO_DAEMON,
			"the daemon does not answer in time; what was asked for may "
			"still be done");
	if (code == 0)
		return ctl_fail(error, CTL_NO_DAEMON, "the daemon closed the connection");
	return ctl_fail(
		error, CTL_NO_DAEMON, "the connection to the daemon broke: %s", strerror(code));
}

// Returns 0 when the socket is ready, or an errno.
static int wait_ready(const struct client *client, short events, int64_t deadline)
{
	struct pollfd poller = { .fd = client->fd, .events = events };

	for (;;) {
		int64_t left = client->timeout_ms < 0 ? -1 : deadline - now_ms();
		int n;

		if (client->timeout_ms >= 0 && left <= 0)
			return ETIMEDOUT;
		n = poll(&poller, 1, (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return errno;
	}
}

static int grow(struct client *client, struct ctl_error *error)
{
	size_t capacity = client->capacity ? 2 * client->capacity : FIRST_CAPACITY;
	uint8_t *buffer = realloc(client->buffer, capacity);

	if (!buffer)
		return ctl_fail_memory(error);
	client->buffer = buffer;
	client->capacity = capacity;
	return 0;
}

// Reads until the buffer holds at least size bytes.
static int fill(struct client *client, size_t size, int64_t deadline, struct ctl_error *error)
{
	while (client->size < size) {
		int code;
		ssize_t n;

		if (client->size == client->capacity && grow(client, error))
			return CTL_REFUSED;
		code = wait_ready(client, POLLIN, deadline);
		if (code)
			return fail_broken(error, code);
		n = recv(client->fd, client->buffer + client->size, client->capacity - client->size,
			MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			return fail_broken(error, n == 0 ? 0 : errno);
		if (n > 0)
			client->size += (size_t)n;
	}
	return 0;
}

static int receive(struct client *client, Weir__Control__Reply **reply, struct ctl_error *error)
{
	int64_t deadline = now_ms() + client->timeout_ms;
	int result = fill(client, HEADER_BYTES, deadline, error);
	size_t size = 0;

	if (result)
		return result;
	for (int i = 0; i < HEADER_BYTES; i++)
		size = size << 8 | client->buffer[i];
	if (size > MAX_MESSAGE)
		return ctl_fail(error, CTL_NO_DAEMON,
			"the daemon announces a reply of %zu bytes: at most %d are allowed", size,
			MAX_MESSAGE);
	result = fill(client, HEADER_BYTES + size, deadline, error);
	if (result)
		return result;
	*reply = weir__control__reply__unpack(NULL, size, client->buffer + HEADER_BYTES);
	client->size -= HEADER_BYTES + size;
	memmove(client->buffer, client->buffer + HEADER_BYTES + size, client->size);
	return *reply ? 0 : ctl_fail(error, CTL_NO_DAEMON, "the daemon sent a malformed reply");
}

static void show_remarks(const Weir__Control__Reply *reply)
{
	for (size_t i = 0; i < reply->n_remarks; i++) {
		fputs("weirctl: note: ", stderr);
		ctl_put_text(stderr, reply->remarks[i]);
		fputc('\n', stderr);
	}
}

static int take(const Weir__Control__Reply *reply, client_reply *handler, void *context,
	struct ctl_error *error)
{
	const Weir__Control__Status *status = reply->status;

	if (!status || status->code == WEIR__CONTROL__STATUS__CODE__OK) {
		show_remarks(reply);
		return handler ? handler(context, reply, error) : 0;
	}
	ctl_fail(error, CTL_REFUSED, "%s",
		status->message && *status->message ? status->message : "refused without a reason");
	error->status = (unsigned)status->code;
	snprintf(error->field, sizeof(error->field), "%s", status->field ? status->field : "");
	return CTL_REFUSED;
}

// wanted: the only request that the reply may belong to; 0: any.
static int receive_one(struct client *client, uint64_t wanted, uint64_t *id, bool *more,
	client_reply *handler, void *context, struct ctl_error *error)
{
	Weir__Control__Reply *reply = NULL;
	int result = receive(client, &reply, error);

	if (result)
		return result;
	*id = reply->id;
	*more = reply->more;
	// Id 0 is about the connection; any other belongs to nothing that was asked.
	if (reply->id != 0 && (wanted ? reply->id != wanted : reply->id > client->last_id))
		result = ctl_fail(
			error, CTL_NO_DAEMON, "the daemon answered a request that was not made");
	else
		result = take(reply, handler, context, error);
	weir__control__reply__free_unpacked(reply, NULL);
	return result;
}

int client_receive(struct client *client, uint64_t *id, bool *more, client_reply *handler,
	void *context, struct ctl_error *error)
{
	*id = 0;
	return receive_one(client, 0, id, more, handler, context, error);
}

// One sendmsg(); the descriptors, if any, go with the first byte (SCM_RIGHTS of unix(7)).
static ssize_t send_some(
	int fd, const uint8_t *bytes, size_t size, const struct client_files *files)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(files->fds))];
	} control = { .header = { 0 } };
	struct iovec data = { .iov_len = size };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	// iov_base is not const, though nothing is written through it.
	memcpy(&data.iov_base, &bytes, sizeof(bytes));
	if (files && files->n_fds > 0) {
		size_t fds_size = files->n_fds * sizeof(*files->fds);

		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fds_size);
		memcpy(CMSG_DATA(&control.header), files->fds, fds_size);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fds_size);
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// The daemon may have said why before it closed the connection: that it takes no more clients, or
// not this one.
static int fail_sending(struct client *client, int code, struct ctl_error *error)
{
	struct ctl_error said;
	uint64_t id;
	bool more;
	int result = code == EPIPE || code == ECONNRESET ? 0 : CTL_NO_DAEMON;

	while (result == 0)
		result = receive_one(client, 0, &id, &more, NULL, NULL, &said);
	if (result != CTL_REFUSED)
		return fail_broken(error, code);
	*error = said;
	return CTL_REFUSED;
}

static int send_all(struct client *client, const uint8_t *bytes, size_t size,
	const struct client_files *files, struct ctl_error *error)
{
	int64_t deadline = now_ms() + client->timeout_ms;

	while (size > 0) {
		int code = wait_ready(client, POLLOUT, deadline);
		ssize_t n;

		if (code)
			return fail_broken(error, code);
		n = send_some(client->fd, bytes, size, files);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return fail_sending(client, errno, error);
		if (n > 0) {
			files = NULL;
			bytes += n;
			size -= (size_t)n;
			deadline = now_ms() + client->timeout_ms;
		}
	}
	return 0;
}

int client_send(struct client *client, Weir__Control__Request *request,
	const struct client_files *files, struct ctl_error *error)
{
	uint8_t *bytes;
	size_t size;
	int result;

	request->has_id = 1;
	request->id = ++client->last_id;
	size = weir__control__request__get_packed_size(request);
	if (size > MAX_MESSAGE)
		return ctl_fail(error, CTL_REFUSED,
			"the request is %zu bytes long: at most %d are allowed", size, MAX_MESSAGE);
	bytes = malloc(HEADER_BYTES + size);
	if (!bytes)
		return ctl_fail_memory(error);
	for (int i = 0; i < HEADER_BYTES; i++)
		bytes[i] = (uint8_t)(size >> 8 * (HEADER_BYTES - 1 - i));
	weir__control__request__pack(request, bytes + HEADER_BYTES);
	result = send_all(client, bytes, HEADER_BYTES + size, files, error);
	free(bytes);
	return result;
}

int client_call(struct client *client, Weir__Control__Request *request,
	const struct client_files *files, client_reply *handler, void *context,
	struct ctl_error *error)
{
	int result = client_send(client, request, files, error);
	bool more = true;
	uint64_t id;

	while (result == 0 && more)
		result = receive_one(client, request->id, &id, &more, handler, context, error);
	return result;
}
