// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a new flow costs: bench_setup FLOWS [DIRECTORY EXTENSION...]
//
// UDP frames between two addresses, no two with the same ports, go through a switch with these
// extensions to a null port. They are handed over in batches that the worker takes whole, so that
// every one is decided; only the worker's rounds are timed, and collected when callgrind runs this.
// Prints "flows N decided N cycles N flows/s N": of the rounds behind the first fifth, in which the
// flow table fills. `decided` counts what was not cached, too.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <valgrind/callgrind.h>

#include <weir/embed.h>
#include <weir/memory.h>

#include "datapath/cycles.h"

enum { BATCH = 31, FRAME = 60, DISCARD = 9 };

static void die(const char *what, const struct weir_error *error)
{
	fprintf(stderr, "%s: %s\n", what, error->message);
	exit(1);
}

static void quiet(void *context, int level, const char *line)
{
	(void)context, (void)level, (void)line;
}

static struct weir *make_switch(const char *directory, char **extensions)
{
	struct weir_options options = {
		.size = sizeof(options), .extensions = directory, .log = quiet
	};
	struct weir_port_config out = { .size = sizeof(out), .nic = "null" };
	struct weir_port_config in = { .size = sizeof(in), .nic = "memory" };
	struct weir_error error;
	struct weir *w;

	if (weir_create(&options, &w, &error) < 0)
		die("create", &error);
	if (weir_switch_add(w, "br0", 0, &error) < 0 ||
		weir_port_add(w, "br0", "out", &out, 0, &error) < 0 ||
		weir_fdb_add(w, "br0", "02:00:00:00:00:02", 0, "out", 0, &error) < 0 ||
		weir_port_add(w, "br0", "in", &in, 0, &error) < 0)
		die("switch", &error);
	for (; *extensions; extensions++)
		if (weir_extension_attach(w, "br0", *extensions, WEIR_ORDER_DEFAULT, 0, &error) < 0)
			die("attach", &error);
	return w;
}

// The n-th flow's frame: its ports are n, mixed so that they look random and never repeat.
static void make_frame(uint8_t frame[FRAME], uint32_t n)
{
	static const uint8_t head[] = "\2\0\0\0\0\2\2\0\0\0\0\1\x08\0"
				      "\x45\0\0\x2e\0\0\x40\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2"
				      "\0\0\0\0\0\x1a";

	n *= UINT32_C(0x9e3779b1); // odd: a permutation
	memset(frame, 0, FRAME);
	memcpy(frame, head, sizeof(head) - 1);
	memcpy(frame + 34, &n, sizeof(n));
	if (frame[36] == 0 && frame[37] == DISCARD)
		frame[36] = 1;
}

static void send_batch(struct weir_memory *end, uint32_t *next)
{
	uint8_t bytes[BATCH][FRAME];
	struct iovec frames[BATCH];

	for (int i = 0; i < BATCH; i++) {
		make_frame(bytes[i], (*next)++);
		frames[i] = (struct iovec){ bytes[i], FRAME };
	}
	if (weir_memory_send_batch(end, 0, frames, NULL, BATCH) != BATCH) {
		fprintf(stderr, "the queue is full\n");
		exit(1);
	}
}

static void get_decisions(void *context, const struct weir_switch_info *info)
{
	*(uint64_t *)context = info->decisions;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
	uint32_t n_flows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0, next = 0, begin = 0;
	uint64_t spent = 0, decided_before = 0, decided = 0;
	double seconds = 0;
	char *none = NULL;
	struct weir_memory *end;
	struct weir *w;

	if (n_flows < 5 * BATCH) {
		fprintf(stderr, "usage: bench_setup FLOWS [DIRECTORY EXTENSION...]\n");
		return 2;
	}
	w = make_switch(argc > 2 ? argv[2] : NULL, argc > 2 ? argv + 3 : &none);
	end = weir_port_memory(w, "in");
	while (next < n_flows) {
		uint64_t began;
		double since;

		send_batch(end, &next);
		if (begin == 0 && next > n_flows / 5) {
			begin = next - BATCH;
			weir_switch_list(w, "br0", get_decisions, &decided_before, NULL);
			CALLGRIND_START_INSTRUMENTATION;
		}
		since = now_s();
		began = cycles();
		CALLGRIND_TOGGLE_COLLECT;
		weir_run(w);
		CALLGRIND_TOGGLE_COLLECT;
		if (begin) {
			spent += cycles() - began;
			seconds += now_s() - since;
		}
		if (next % (BATCH * 64) == 0)
			weir_process(w);
	}
	CALLGRIND_STOP_INSTRUMENTATION;
	weir_switch_list(w, "br0", get_decisions, &decided, NULL);
	printf("flows %u decided %llu cycles %.0f flows/s %.0f\n", next - begin,
		(unsigned long long)(decided - decided_before),
		(double)spent / (double)(next - begin), (double)(next - begin) / seconds);
	weir_memory_release(end);
	weir_destroy(w);
	return 0;
}
