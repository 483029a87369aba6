// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// changes SOCKET CLIENTS SECONDS PORT...: how many single changes of a policy the daemon
// acknowledges in a second. Every client has one connection and one change under way: it gives a
// policy of its own, on one of the ports, a new value, and waits for the answer. Prints: changes
// per second, and the median and 99th percentile of the time to the answer in microseconds.
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "weir/control.pb-c.h"

enum { CLIENTS_MAX = 1024, MESSAGE_MAX = 512, TIMES_MAX = 1 << 22 };

struct client {
	int fd;
	const char *port;
	char id[16];
	unsigned value;
	uint64_t sent_ns;
	uint8_t bytes[MESSAGE_MAX];
	size_t n_bytes;
};

static uint32_t *times; // of every answer, in units of 100 ns
static size_t n_times;

static void fail(const char *what)
{
	fprintf(stderr, "changes: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail(path);
	return fd;
}

// A policy of the sample extension no-telnet: it passes and counts one TCP port.
static void send_change(struct client *client)
{
	Weir__Control__Request request = WEIR__CONTROL__REQUEST__INIT;
	Weir__Control__PolicyAdd policy = WEIR__CONTROL__POLICY_ADD__INIT;
	uint8_t body[] = { 0x08, 0x80, 0x80, 0x01, 0x10, 0x01 };
	uint8_t message[MESSAGE_MAX];
	uint32_t size;

	client->value = client->value % 16383 + 1;
	body[1] = (uint8_t)(client->value & 0x7f) | 0x80;
	body[2] = (uint8_t)(client->value >> 7) | 0x80;
	policy.target = (char *)client->port;
	policy.extension = (char *)"no-telnet";
	policy.id = client->id;
	policy.has_body = true;
	policy.body = (ProtobufCBinaryData){ sizeof(body), body };
	request.has_id = true;
	request.id = 1;
	request.request_case = WEIR__CONTROL__REQUEST__REQUEST_POLICY_ADD;
	request.policy_add = &policy;
	size = (uint32_t)weir__control__request__pack(&request, message + 4);
	memcpy(message, &(uint32_t){ htonl(size) }, 4);
	client->sent_ns = now_ns();
	if (write(client->fd, message, size + 4) != (ssize_t)size + 4)
		fail("write");
}

static void check(const uint8_t *bytes, size_t size)
{
	Weir__Control__Reply *reply = weir__control__reply__unpack(NULL, size, bytes);

	if (!reply || (reply->status && reply->status->code)) {
		fprintf(stderr, "changes: refused: %s\n",
			reply && reply->status->message ? reply->status->message : "?");
		exit(1);
	}
	weir__control__reply__free_unpacked(reply, NULL);
}

// True when an answer has come whole.
static bool receive(struct client *client)
{
	ssize_t n = read(
		client->fd, client->bytes + client->n_bytes, MESSAGE_MAX - client->n_bytes);
	uint32_t size;

	if (n <= 0)
		fail("read");
	client->n_bytes += (size_t)n;
	if (client->n_bytes < 4)
		return false;
	memcpy(&size, client->bytes, 4);
	size = ntohl(size);
	if (client->n_bytes < 4 + size)
		return false;
	check(client->bytes + 4, size);
	client->n_bytes = 0;
	if (n_times < TIMES_MAX)
		times[n_times++] = (uint32_t)((now_ns() - client->sent_ns) / 100);
	return true;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char *argv[])
{
	static struct client clients[CLIENTS_MAX];
	static struct pollfd polls[CLIENTS_MAX];
	unsigned n = argc > 4 ? (unsigned)atoi(argv[2]) : 0;
	uint64_t began, end;

	times = malloc(TIMES_MAX * sizeof(*times));
	if (n < 1 || n > CLIENTS_MAX || !times) {
		fprintf(stderr, "usage: changes SOCKET CLIENTS SECONDS PORT...\n");
		return 2;
	}
	for (unsigned i = 0; i < n; i++) {
		clients[i].fd = dial(argv[1]);
		clients[i].port = argv[4 + i % (unsigned)(argc - 4)];
		snprintf(clients[i].id, sizeof(clients[i].id), "bench%u", i);
		polls[i] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
	}
	began = now_ns();
	end = began + (uint64_t)(atof(argv[3]) * 1e9);
	for (unsigned i = 0; i < n; i++)
		send_change(&clients[i]);
	for (unsigned under_way = n; under_way > 0;) {
		if (poll(polls, n, 30000) <= 0)
			fail("poll");
		for (unsigned i = 0; i < n; i++) {
			if (!(polls[i].revents & (POLLIN | POLLHUP)) || !receive(&clients[i]))
				continue;
			if (now_ns() < end)
				send_change(&clients[i]);
			else
				under_way--;
		}
	}
	end = now_ns();
	qsort(times, n_times, sizeof(*times), compare);
	printf("%.0f %.0f %.0f\n", (double)n_times * 1e9 / (double)(end - began),
		times[n_times / 2] / 10.0, times[n_times - 1 - n_times / 100] / 10.0);
	return 0;
}
