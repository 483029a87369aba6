// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// capture_bench FRAMES-FILE EXTENSIONS OUTPUT cycles [FRAMES-PER-SECOND [ROUNDS]]
// capture_bench FRAMES-FILE EXTENSIONS OUTPUT instructions detached|attached|other|captured BATCHES
//
// A replayed file goes from port "in" to port "out"; a capture of "in" at ingress with a snap of
// 128 bytes goes to the file OUTPUT.
//
// cycles: batches of 32 frames come by the clock; the time of each is taken. Rounds without and
// with the capture take turns, each with a new capture. Prints medians per frame.
//
// instructions: for callgrind. Collects BATCHES batches: without the extension, with it but
// without a capture, with a capture of another port, with one of this. Prints the number of frames.
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <valgrind/callgrind.h>
#include <x86intrin.h>

#include <weir/embed.h>

#include "capture.pb-c.h"

enum { BATCH = 32, ROUND_BATCHES = 1500, ROUNDS = 40 };

struct bench {
	struct weir *weir;
	const char *output;
	bool ended;
	uint64_t captured, lost;
};

static void die(const char *what, const struct weir_error *error)
{
	fprintf(stderr, "%s: %s\n", what, error->message);
	exit(1);
}

static void quiet(void *context, int level, const char *line)
{
	(void)context, (void)level, (void)line;
}

static void make_switch(struct bench *b, const char *file, const char *extensions, bool attach)
{
	struct weir_options options = {
		.size = sizeof(options), .extensions = extensions, .log = quiet
	};
	struct weir_port_config out = { .size = sizeof(out), .nic = "null" };
	struct weir_port_config in = { .size = sizeof(in) };
	struct weir_error error;
	char nic[512];

	snprintf(nic, sizeof(nic), "replay:%s,loop", file);
	in.nic = nic;
	if (weir_create(&options, &b->weir, &error) < 0)
		die("create", &error);
	if (weir_switch_add(b->weir, "br0", 0, &error) < 0 ||
		weir_port_add(b->weir, "br0", "out", &out, 0, &error) < 0 ||
		weir_port_add(b->weir, "br0", "other", &out, 0, &error) < 0 ||
		weir_fdb_add(b->weir, "br0", "02:00:00:00:00:02", 0, "out", 0, &error) < 0 ||
		weir_port_add(b->weir, "br0", "in", &in, 0, &error) < 0)
		die("switch", &error);
	if (attach && weir_extension_attach(b->weir, "br0", "capture", 10, 0, &error) < 0)
		die("attach", &error);
}

// ---- Calls

static void end_call(void *context, const struct weir_error *refusal)
{
	struct bench *b = context;

	if (refusal)
		die("call", refusal);
	b->ended = true;
}

static void take_reply(void *context, const void *bytes, size_t size)
{
	struct bench *b = context;
	Capture__Stopped *stopped = capture__stopped__unpack(NULL, size, bytes);

	if (!stopped) // the answer to start
		return;
	b->captured += stopped->captured_frames;
	b->lost += stopped->lost_frames;
	capture__stopped__free_unpacked(stopped, NULL);
}

static void set(void *context)
{
	*(bool *)context = true;
}

static void call(struct bench *b, const char *type, const ProtobufCMessage *message, int fd)
{
	uint8_t bytes[1024];
	struct weir_call_request request = {
		.size = sizeof(request),
		.extension = "capture",
		.type = type,
		.bytes = bytes,
		.n_bytes = protobuf_c_message_pack(message, bytes),
		.files = &fd,
		.n_files = fd >= 0,
		.reply = take_reply,
		.ended = end_call,
		.context = b,
	};
	struct weir_running_call *running;
	struct weir_error error;
	bool settled = false;

	b->ended = false;
	if (weir_call_begin(b->weir, &request, 0, &running, &error) < 0)
		die(type, &error);
	while (!b->ended) {
		weir_process(b->weir);
		weir_run(b->weir);
	}
	weir_when_done(b->weir, set, &settled);
	while (!settled) {
		weir_process(b->weir);
		weir_run(b->weir);
	}
}

static void start(struct bench *b, const char *port)
{
	Capture__Start start = CAPTURE__START__INIT;
	char *ports[] = { (char *)(uintptr_t)port };
	Capture__Stage at[] = { CAPTURE__STAGE__INGRESS };
	int fd = open(b->output, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	start.port = ports;
	start.n_port = 1;
	start.at = at;
	start.n_at = 1;
	start.write = (char *)(uintptr_t)b->output;
	start.name = (char *)(uintptr_t) "bench";
	start.has_snap = 1;
	start.snap = 128;
	call(b, "start", &start.base, fd);
}

static void stop(struct bench *b)
{
	Capture__Stop stop_message = CAPTURE__STOP__INIT;

	stop_message.name = (char *)(uintptr_t) "bench";
	call(b, "stop", &stop_message.base, -1);
}

// ---- Cycles

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, unsigned n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}

static double cycles_per_ns(void)
{
	struct timespec a, z;
	uint64_t from = __rdtsc();

	clock_gettime(CLOCK_MONOTONIC, &a);
	do
		clock_gettime(CLOCK_MONOTONIC, &z);
	while ((z.tv_sec - a.tv_sec) * 1000000000 + z.tv_nsec - a.tv_nsec < 50000000);
	return (double)(__rdtsc() - from) /
	       (double)((z.tv_sec - a.tv_sec) * 1000000000 + z.tv_nsec - a.tv_nsec);
}

// Median cycles per frame of batches that come every `interval` cycles.
static double measure(struct bench *b, uint64_t interval)
{
	static double values[ROUND_BATCHES];
	uint64_t due = __rdtsc();
	unsigned n = 0;

	for (unsigned i = 0; i < ROUND_BATCHES; i++) {
		uint64_t from, frames;

		while (__rdtsc() < due)
			continue;
		from = __rdtsc();
		frames = weir_run(b->weir);
		if (frames)
			values[n++] = (double)(__rdtsc() - from) / (double)frames;
		due += interval;
		weir_process(b->weir);
	}
	return median(values, n);
}

static void cycles(struct bench *b, double frames_per_second, unsigned rounds)
{
	double *bare = calloc(3 * rounds, sizeof(*bare)), *captured = bare + rounds;
	double *more = captured + rounds;
	double per_ns = cycles_per_ns();
	uint64_t interval = (uint64_t)(per_ns * 1e9 * BATCH / frames_per_second);

	for (unsigned i = 0; i < rounds; i++) {
		bare[i] = measure(b, interval);
		start(b, "in");
		captured[i] = measure(b, interval);
		stop(b);
		more[i] = captured[i] - bare[i];
	}
	printf("%.1f Mframes/s in batches of %d, %u rounds, %.2f GHz: bare %.1f, captured %.1f "
	       "cycles per frame; capture costs %.1f (median of rounds); lost %.2f%%\n",
		frames_per_second / 1e6, BATCH, rounds, per_ns, median(bare, rounds),
		median(captured, rounds), median(more, rounds),
		100.0 * (double)b->lost / (double)(b->captured + b->lost));
	free(bare);
}

// ---- Instructions

static void instructions(struct bench *b, const char *mode, unsigned batches)
{
	uint64_t frames = 0;

	if (strcmp(mode, "other") == 0)
		start(b, "other");
	else if (strcmp(mode, "captured") == 0)
		start(b, "in");
	for (unsigned i = 0; i < batches; i++) {
		weir_run(b->weir);
		weir_process(b->weir);
	}
	CALLGRIND_START_INSTRUMENTATION;
	CALLGRIND_TOGGLE_COLLECT;
	for (unsigned i = 0; i < batches; i++)
		frames += weir_run(b->weir);
	CALLGRIND_TOGGLE_COLLECT;
	CALLGRIND_STOP_INSTRUMENTATION;
	printf("%llu\n", (unsigned long long)frames);
	if (strcmp(mode, "other") == 0 || strcmp(mode, "captured") == 0)
		stop(b);
}

int main(int argc, char **argv)
{
	struct bench b = { .output = argc > 3 ? argv[3] : NULL };

	if (argc >= 5 && strcmp(argv[4], "cycles") == 0) {
		make_switch(&b, argv[1], argv[2], true);
		cycles(&b, argc > 5 ? atof(argv[5]) : 1e6,
			argc > 6 ? (unsigned)atoi(argv[6]) : ROUNDS);
	} else if (argc == 7 && strcmp(argv[4], "instructions") == 0) {
		make_switch(&b, argv[1], argv[2], strcmp(argv[5], "detached") != 0);
		instructions(&b, argv[5], (unsigned)atoi(argv[6]));
	} else {
		fprintf(stderr, "usage: see the beginning of capture_bench.c\n");
		return 2;
	}
	weir_destroy(b.weir);
	return 0;
}
