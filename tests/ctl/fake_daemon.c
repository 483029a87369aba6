// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
#include "fake_daemon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fake_answer.h"
#include "row.h"

struct fake_daemon {
	int listener;
	pthread_t thread;
	const void *schema;
	unsigned schema_size;
	pthread_mutex_t lock; // of what follows
	char *requests;
};

static void fatal(const char *what)
{
	fprintf(stderr, "fake daemon: %s: %s\n", what, strerror(errno));
	abort();
}

static bool read_all(int fd, void *bytes, size_t size)
{
	return size == 0 || recv(fd, bytes, size, MSG_WAITALL) == (ssize_t)size;
}

// The descriptors of a request come with its first bytes.
static bool read_header(struct fake_connection *c, uint32_t *header)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(c->files))];
	} control;
	struct iovec data = { header, sizeof(*header) };
	struct msghdr message = { .msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *passed;

	c->n_files = 0;
	if (recvmsg(c->fd, &message, MSG_WAITALL | MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(*header))
		return false;
	passed = CMSG_FIRSTHDR(&message);
	if (passed) {
		c->n_files = (unsigned)((passed->cmsg_len - CMSG_LEN(0)) / sizeof(*c->files));
		memcpy(c->files, CMSG_DATA(passed), c->n_files * sizeof(*c->files));
	}
	return true;
}

// Takes away what says nothing: absent fields, and the id.
static void prune(json_t *object)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(object, next, key, value)
	{
		if (json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0)) {
			json_object_del(object, key);
			continue;
		}
		if (json_is_object(value))
			prune(value);
		for (size_t i = 0; i < json_array_size(value); i++)
			prune(json_array_get(value, i));
	}
}

static void keep(struct fake_daemon *daemon, const Weir__Control__Request *request)
{
	json_t *json = row_json(&request->base);
	char *text, *all;

	json_object_del(json, "id");
	prune(json);
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	pthread_mutex_lock(&daemon->lock);
	if (asprintf(&all, "%s%s\n", daemon->requests, text) < 0)
		fatal("asprintf");
	free(daemon->requests);
	daemon->requests = all;
	pthread_mutex_unlock(&daemon->lock);
	free(text);
}

static bool serve_one(struct fake_daemon *daemon, struct fake_connection *c)
{
	Weir__Control__Request *request;
	uint32_t header;
	uint8_t *bytes;
	bool whole;

	if (!read_header(c, &header))
		return false;
	bytes = malloc(ntohl(header) + 1);
	whole = read_all(c->fd, bytes, ntohl(header));
	request = whole ? weir__control__request__unpack(NULL, ntohl(header), bytes) : NULL;
	free(bytes);
	if (!request)
		return false;
	c->id = request->id;
	keep(daemon, request);
	fake_answer(c, request);
	for (unsigned i = 0; i < c->n_files; i++)
		close(c->files[i]);
	weir__control__request__free_unpacked(request, NULL);
	return true;
}

static void *serve(void *argument)
{
	struct fake_daemon *daemon = argument;
	struct fake_connection c = { .schema = daemon->schema, .schema_size = daemon->schema_size };

	while ((c.fd = accept4(daemon->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		c.n_items = c.late = 0;
		while (serve_one(daemon, &c))
			;
		close(c.fd);
	}
	return NULL;
}

struct fake_daemon *fake_daemon_start(const char *path, const void *schema, unsigned size)
{
	struct fake_daemon *daemon = calloc(1, sizeof(*daemon));
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	daemon->schema = schema;
	daemon->schema_size = size;
	daemon->requests = strdup("");
	pthread_mutex_init(&daemon->lock, NULL);
	daemon->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (daemon->listener < 0 ||
		bind(daemon->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(daemon->listener, 8) < 0)
		fatal("listen");
	if (pthread_create(&daemon->thread, NULL, serve, daemon))
		fatal("pthread_create");
	return daemon;
}

void fake_daemon_stop(struct fake_daemon *daemon)
{
	shutdown(daemon->listener, SHUT_RDWR); // wakes accept
	pthread_join(daemon->thread, NULL);
	close(daemon->listener);
	pthread_mutex_destroy(&daemon->lock);
	free(daemon->requests);
	free(daemon);
}

char *fake_daemon_take_requests(struct fake_daemon *daemon)
{
	char *requests;

	pthread_mutex_lock(&daemon->lock);
	requests = daemon->requests;
	daemon->requests = strdup("");
	pthread_mutex_unlock(&daemon->lock);
	return requests;
}
