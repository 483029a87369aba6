// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a new flow costs: bench_setup [--acl FAMILY POLICIES PACKETS] FLOWS [DIRECTORY EXTENSION...]
//
// UDP frames between two addresses, no two with the same ports, go through a switch with these
// extensions to a null port. They are handed over in batches that the worker takes whole, so that
// every one is decided; only the worker's rounds are timed, and collected when callgrind runs this.
// Prints "flows N decided N cycles N flows/s N": of the rounds behind the first fifth, in which the
// flow table fills. `decided` counts what was not cached, too. --acl: the port has these policies
// of the extension acl, and the frames are drawn for them (bench_setup_acl.h); most are new flows,
// and cycles and flows/s are of those that are. Then as many go through again with every call of a
// decide hook timed for itself, which disturbs the whole: "calls N median N p99 N most N" in
// nanoseconds, the core's part of handing over the flow included.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <valgrind/callgrind.h>

#include <weir/embed.h>
#include <weir/memory.h>

#include "bench_setup_acl.h"
#include "datapath/composer.h"
#include "datapath/cycles.h"

enum { BATCH = 31, FRAME = 60, DISCARD = 9, CALLS_MAX = 1 << 22 };

// Of decide hooks, while `on`: in cycles.
static struct {
	bool on;
	size_t n;
	uint32_t cycles[CALLS_MAX];
} calls;

struct bench {
	struct weir *weir;
	struct weir_memory *end;
	struct acl_flows *acl; // or NULL
	uint32_t next;
};

struct sum {
	uint64_t frames, decided, cycles;
	double seconds;
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

static void send_batch(struct bench *b)
{
	uint8_t bytes[BATCH][FRAME];
	struct iovec frames[BATCH];

	for (int i = 0; i < BATCH; i++, b->next++) {
		frames[i] = (struct iovec){ bytes[i], FRAME };
		if (b->acl)
			frames[i].iov_base = (void *)acl_flows_frame(b->acl, &frames[i].iov_len);
		else
			make_frame(bytes[i], b->next);
	}
	if (weir_memory_send_batch(b->end, 0, frames, NULL, BATCH) != BATCH) {
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

static struct sum pass(struct bench *b, uint32_t n)
{
	struct sum sum = { 0 };
	uint64_t before = 0;

	weir_switch_list(b->weir, "br0", get_decisions, &before, NULL);
	for (; sum.frames < n; sum.frames += BATCH) {
		uint64_t began;
		double since;

		send_batch(b);
		since = now_s();
		began = cycles();
		CALLGRIND_TOGGLE_COLLECT;
		weir_run(b->weir);
		CALLGRIND_TOGGLE_COLLECT;
		sum.cycles += cycles() - began;
		sum.seconds += now_s() - since;
		if (sum.frames / BATCH % 64 == 0)
			weir_process(b->weir);
	}
	weir_switch_list(b->weir, "br0", get_decisions, &sum.decided, NULL);
	sum.decided -= before;
	return sum;
}

// Linked in the place of the core's.
void __real_composer_call(struct composer *c, const struct hook *hook);
void __wrap_composer_call(struct composer *c, const struct hook *hook);

static inline uint64_t fenced_cycles(void)
{
#ifdef __x86_64__
	__builtin_ia32_lfence();
#endif
	return cycles();
}

void __wrap_composer_call(struct composer *c, const struct hook *hook)
{
	uint64_t began;

	if (!calls.on) {
		__real_composer_call(c, hook);
		return;
	}
	began = fenced_cycles();
	__real_composer_call(c, hook);
	began = fenced_cycles() - began;
	if (calls.n < CALLS_MAX)
		calls.cycles[calls.n++] = began > UINT32_MAX ? UINT32_MAX : (uint32_t)began;
}

static int compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

static void time_calls(struct bench *b, uint32_t n)
{
	struct sum sum;
	double ns;

	calls.on = true;
	sum = pass(b, n);
	calls.on = false;
	if (calls.n == 0)
		return;
	ns = 1e9 * sum.seconds / (double)sum.cycles;
	qsort(calls.cycles, calls.n, sizeof(calls.cycles[0]), compare);
	printf(" calls %zu median %.0f p99 %.0f most %.0f", calls.n, ns * calls.cycles[calls.n / 2],
		ns * calls.cycles[calls.n / 100 * 99], ns * calls.cycles[calls.n - 1]);
}

static void measure(struct bench *b, uint32_t n_flows)
{
	struct sum sum;
	uint64_t per;

	pass(b, n_flows / 5);
	CALLGRIND_START_INSTRUMENTATION;
	sum = pass(b, n_flows / 5 * 4);
	CALLGRIND_STOP_INSTRUMENTATION;
	per = b->acl ? sum.decided : sum.frames;
	printf("flows %llu decided %llu cycles %.0f flows/s %.0f", (unsigned long long)sum.frames,
		(unsigned long long)sum.decided, (double)sum.cycles / (double)per,
		(double)per / sum.seconds);
	if (b->acl && !RUNNING_ON_VALGRIND)
		time_calls(b, n_flows / 5 * 4);
	putchar('\n');
}

int main(int argc, char **argv)
{
	char **acl = NULL, *none = NULL;
	struct bench b = { 0 };
	uint32_t n_flows;

	if (argc > 4 && strcmp(argv[1], "--acl") == 0) {
		acl = argv + 2;
		argv += 4;
		argc -= 4;
	}
	n_flows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	if (n_flows < 5 * BATCH || (acl && argc < 4)) {
		fprintf(stderr, "usage: bench_setup [--acl FAMILY POLICIES PACKETS] FLOWS "
				"[DIRECTORY EXTENSION...]\n");
		return 2;
	}
	b.weir = make_switch(argc > 2 ? argv[2] : NULL, argc > 2 ? argv + 3 : &none);
	if (acl)
		b.acl = acl_flows_create(
			b.weir, acl[0], strtoul(acl[1], NULL, 10), acl[2], 2 * (size_t)n_flows);
	b.end = weir_port_memory(b.weir, "in");
	measure(&b, n_flows);
	weir_memory_release(b.end);
	weir_destroy(b.weir);
	acl_flows_destroy(b.acl);
	return 0;
}
