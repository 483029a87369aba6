// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// How fast the desired state is kept: bench_store DIRECTORY. Run it by tests/bench/store.
//
// The peer is the disk, measured before each row: a write of 4 kB at the same place of a file and
// an fdatasync(), one after the other.
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/store.h"

enum { MS_EACH = 1000, IDS = 1000, PORTS = 1000, POLICIES = 100000, MANY = 64 };

__attribute__((format(printf, 1, 2), noreturn)) static void give_up(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	putc('\n', stderr);
	exit(1);
}

static double now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static struct store *must_open(const char *directory)
{
	struct weir_error error;
	struct store *store;

	if (store_open(directory, &store, &error))
		give_up("%s", error.message);
	return store;
}

static void wait_for(struct store *store)
{
	struct pollfd poller = { .fd = store_fd(store), .events = POLLIN };

	poll(&poller, 1, -1);
	store_process(store);
}

// ---- The document's stand-in counts

struct weir_document {
	size_t n;
};

int weir_document_add(
	struct weir_document *document, const struct weir_item *item, struct weir_error *error)
{
	(void)item;
	(void)error;
	document->n++;
	return 0;
}

// ---- Single changes

struct flight {
	unsigned n;      // under way
	unsigned done;   // and reported
	double worst_ms; // of one
	double began[MANY];
	unsigned first; // began[] is a ring
};

static void landed(void *context, const struct weir_error *error)
{
	struct flight *flight = context;
	double took = now_ms() - flight->began[flight->first++ % MANY];

	if (error)
		give_up("%s", error->message);
	flight->n--;
	flight->done++;
	flight->worst_ms = took > flight->worst_ms ? took : flight->worst_ms;
}

static void note_policy(struct store *store, unsigned port, unsigned id, unsigned content)
{
	char target[16], text[16], bytes[48];

	snprintf(target, sizeof(target), "vm%u", port);
	snprintf(text, sizeof(text), "%u", id);
	// SQLite does not write what stays the same.
	snprintf(bytes, sizeof(bytes), "about as many bytes as a rule has %u", content);
	store_note(store, false,
		&(struct weir_item){ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_POLICY,
			.target = target,
			.name = "acl",
			.policy = { "rule", text, bytes, strlen(bytes) } });
}

// Changes per second, each acknowledged.
static double measure_single(const char *directory, unsigned in_flight, double *worst_ms)
{
	struct store *store = must_open(directory);
	struct flight flight = { .n = 0 };
	double began = now_ms();
	unsigned i = 0;

	while (now_ms() - began < MS_EACH) {
		while (flight.n < in_flight) {
			note_policy(store, 1, i % IDS, i);
			flight.began[i++ % MANY] = now_ms();
			flight.n++;
			if (store_commit(store, landed, &flight))
				give_up("no memory");
		}
		wait_for(store);
	}
	began = flight.done / (now_ms() - began) * 1e3;
	*worst_ms = flight.worst_ms;
	store_close(store);
	return began;
}

static double measure_disk(const char *directory)
{
	static const char block[4096];
	char path[4096];
	double began, n = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/peer", directory);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	if (fd < 0 || pwrite(fd, block, sizeof(block), 0) < 0 || fsync(fd))
		give_up("%s: cannot be written", path);
	began = now_ms();
	for (; now_ms() - began < MS_EACH; n++)
		if (pwrite(fd, block, sizeof(block), 0) < 0 || fdatasync(fd))
			give_up("%s: cannot be written", path);
	began = n / (now_ms() - began) * 1e3;
	close(fd);
	unlink(path);
	return began;
}

// ---- Many at once

static void keep(struct store *store)
{
	struct flight flight = { .n = 1 };

	flight.began[0] = now_ms();
	if (store_commit(store, landed, &flight))
		give_up("no memory");
	while (flight.n > 0)
		wait_for(store);
}

static void note_ports(struct store *store)
{
	char name[16];

	store_note(store, false,
		&(struct weir_item){ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_SWITCH,
			.switch_name = "br0" });
	for (unsigned i = 0; i < PORTS; i++) {
		snprintf(name, sizeof(name), "vm%u", i);
		store_note(store, false,
			&(struct weir_item){ .size = sizeof(struct weir_item),
				.kind = WEIR_ITEM_PORT,
				.switch_name = "br0",
				.name = name,
				.port = { .nic = "tap:vm", .vlan = "10" } });
	}
}

static void measure_many(const char *directory)
{
	struct store *store = must_open(directory);
	struct weir_document document = { 0 };
	struct weir_error error;
	double began = now_ms(), noted, kept;
	clock_t cpu;

	note_ports(store);
	for (unsigned i = 0; i < POLICIES; i++)
		note_policy(store, i % PORTS, i, i);
	noted = now_ms();
	cpu = clock();
	keep(store);
	kept = now_ms();
	printf("%u ports and %u policies in one batch: noted in %.0f ms, kept %.0f ms later (%.0f "
	       "ms "
	       "of them on a CPU)\n",
		PORTS, POLICIES, noted - began, kept - noted,
		(double)(clock() - cpu) * 1e3 / CLOCKS_PER_SEC);
	store_close(store);
	began = now_ms();
	store = must_open(directory);
	kept = now_ms();
	if (store_load(store, &document, &error))
		give_up("%s", error.message);
	printf("at the next start: opened and checked in %.0f ms, %zu items loaded in %.0f ms\n",
		kept - began, document.n, now_ms() - kept);
	began = now_ms();
	store_note(store, true,
		&(struct weir_item){ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_SWITCH,
			.switch_name = "br0" });
	keep(store);
	printf("the switch with all of it removed in %.0f ms\n", now_ms() - began);
	store_close(store);
}

int main(int argc, char **argv)
{
	static const unsigned in_flight[] = { 1, 4, 16, MANY };
	double disk, rate, worst_ms;

	if (argc != 2)
		give_up("usage: bench_store DIRECTORY");
	for (unsigned i = 0; i < sizeof(in_flight) / sizeof(in_flight[0]); i++) {
		disk = measure_disk(argv[1]);
		rate = measure_single(argv[1], in_flight[i], &worst_ms);
		printf("%2u single changes in flight: %6.0f kept per second, %.2f times the "
		       "disk's %.0f, the slowest after %.1f ms\n",
			in_flight[i], rate, rate / disk, disk, worst_ms);
	}
	measure_many(argv[1]);
	return 0;
}
