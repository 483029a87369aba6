// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What replacing an ACL costs the frames: bench_replace DIRECTORY REPLACEMENTS SECONDS
//
// One worker forwards what arrives by the clock (open loop) at half of what it can, in 100,000
// flows and 1,000 new ones a second, each of which opens a session; 1,000 rules, two meters. For
// SECONDS nothing changes; then the ACL is replaced REPLACEMENTS times, by two builds that save in
// different layouts in turn, every tenth time by one that refuses. Prints what was lost, whether
// meters and sessions are right, the resident memory, and the percentiles of the time from when a
// frame was due until it was sent. DIRECTORY holds acl-1.so, acl-2.so, acl-refuses.so.
//
// The source and the sink are NICs of this program in the place of two of the kind "null" (the
// linker wraps nic_open): what is due and has not been taken waits in a ring of RING frames, and is
// lost beyond.
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <weir/embed.h>

#include "nic/nic.h"

#include "acl.pb-c.h"

enum {
	N_RULES = 1000,
	N_FLOWS = 100000,
	NEW_PER_S = 1000,
	RING = 4096,
	FRAME = 64,
	BINS = 200000, // of a microsecond each
	CALIBRATION_S = 3,
	DUE_AT = 42,
};

struct line {
	struct nic nic;  // first
	uint64_t missed; // worker: w, main: r
	bool is_source;
	uint64_t interval_ns; // main: w, worker: r; 0: whatever is asked for
	uint64_t start_ns;    // main: w
	uint64_t n;           // frames due and taken or missed. worker: rw
	uint64_t n_taken, n_new;
	bool growing;    // main: w, worker: r: there are new flows
	uint64_t new_ns; // when the next one is due
	uint64_t bins[BINS];
};

static struct line *source, *sink;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// ---- NICs

static void line_close(struct nic *nic)
{
	free(nic);
}

static int line_fd(struct nic *nic, unsigned queue)
{
	(void)nic, (void)queue;
	return -1;
}

// Frame of flow number `flow`, which comes from an address and port of its own.
static void fill(struct weir_frame *frame, uint64_t flow, uint64_t due_ns)
{
	static const uint8_t head[DUE_AT] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0,
		FRAME - 14, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 0, 10, 200, 0, 1, 0, 0, 0, 53, 0,
		FRAME - 34, 0, 0 };
	uint32_t address = htonl(UINT32_C(0x0a640000) + (uint32_t)(flow >> 6));
	uint16_t port = htons((uint16_t)(1024 + (flow & 63)));

	memcpy(frame->data, head, sizeof(head));
	memcpy(frame->data + 26, &address, sizeof(address));
	memcpy(frame->data + 34, &port, sizeof(port));
	memcpy(frame->data + DUE_AT, &due_ns, sizeof(due_ns));
	frame->size = frame->linear = FRAME;
}

// In an order that no prefetcher knows: 99,991 is prime. New flows by the clock.
static uint64_t next_flow(struct line *l, uint64_t due_ns)
{
	if (__atomic_load_n(&l->growing, __ATOMIC_RELAXED) && due_ns >= l->new_ns) {
		l->new_ns = (l->new_ns ? l->new_ns : due_ns) + 1000000000 / NEW_PER_S;
		return N_FLOWS + l->n_new++;
	}
	return l->n_taken * 99991 % N_FLOWS;
}

static int line_receive(struct nic *nic, unsigned queue, struct frame_pool *pool,
	struct weir_frame *frames[], unsigned max)
{
	struct line *l = (struct line *)nic;
	uint64_t interval = __atomic_load_n(&l->interval_ns, __ATOMIC_ACQUIRE), now = now_ns();
	uint64_t due = interval ? (now - l->start_ns) / interval : l->n + max;
	unsigned n = 0;

	(void)queue;
	if (due > l->n + RING) {
		__atomic_store_n(&l->missed, l->missed + due - RING - l->n, __ATOMIC_RELAXED);
		l->n = due - RING;
	}
	while (n < max && l->n < due) {
		uint64_t due_ns = interval ? l->start_ns + (l->n + 1) * interval : now;
		struct weir_frame *frame = frame_alloc(pool, FRAME);

		if (!frame)
			break;
		fill(frame, next_flow(l, due_ns), due_ns);
		frames[n++] = frame;
		l->n++;
		__atomic_store_n(&l->n_taken, l->n_taken + 1, __ATOMIC_RELAXED);
	}
	return (int)n;
}

static unsigned line_transmit(
	struct nic *nic, unsigned queue, struct weir_frame *frames[], unsigned n, unsigned *lost)
{
	struct line *l = (struct line *)nic;
	uint64_t now = now_ns(), due_ns;

	(void)queue, (void)lost;
	for (unsigned i = 0; i < n; i++) {
		uint64_t us;

		memcpy(&due_ns, frames[i]->data + DUE_AT, sizeof(due_ns));
		us = (now - due_ns) / 1000;
		l->bins[us < BINS ? us : BINS - 1]++;
		weir_frame_release(frames[i]);
	}
	__atomic_store_n(&l->n_taken, l->n_taken + n, __ATOMIC_RELEASE);
	return n;
}

static const struct nic_class line_class = {
	.kind = "null",
	.close = line_close,
	.receive = line_receive,
	.transmit = line_transmit,
	.receive_fd = line_fd,
};

int __wrap_nic_open(const char *specification, const struct nic_options *options, struct nic **nic,
	struct weir_error *error);

int __wrap_nic_open(const char *specification, const struct nic_options *options, struct nic **nic,
	struct weir_error *error)
{
	struct line *l = calloc(1, sizeof(*l));

	(void)specification, (void)options;
	if (!l)
		return weir_refuse(error, -ENOMEM, "nic", "no memory");
	l->nic = (struct nic){ .class = &line_class, .n_tx_queues = 1 };
	l->nic.rx_missed = &l->missed;
	if (!source) {
		source = l;
		l->nic.n_rx_queues = 1;
		l->nic.poll_only = true;
		l->interval_ns = UINT64_MAX; // nothing yet
	} else {
		sink = l;
	}
	*nic = &l->nic;
	return 0;
}

// ---- The switch

static void die(const char *what, const struct weir_error *error)
{
	fprintf(stderr, "bench_replace: %s: %s\n", what, error->message);
	exit(1);
}

static void must(int failed, const char *what, const struct weir_error *error)
{
	if (failed < 0)
		die(what, error);
}

static void quiet(void *context, int level, const char *line)
{
	(void)context, (void)level, (void)line;
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set) != 0)
		fprintf(stderr, "bench_replace: not bound to CPU %d\n", cpu);
}

static void add_policy(struct weir *w, const char *port, const char *type, const char *id,
	const ProtobufCMessage *message)
{
	struct weir_error error = { 0 };
	uint8_t bytes[256];

	must(weir_policy_add(w, port, "acl", type, id, bytes,
		     protobuf_c_message_pack(message, bytes), NULL, 0, &error),
		"policy", &error);
}

static void add_rules(struct weir *w)
{
	Acl__Rule rule = ACL__RULE__INIT;
	Acl__Entry meter = ACL__ENTRY__INIT;
	char prefix[32], port[16], id[16];

	rule.direction = ACL__DIRECTION__OUT;
	rule.protocol = (char *)(uintptr_t) "udp";
	rule.remote = prefix;
	rule.remote_port = port;
	rule.action = ACL__ACTION__DENY;
	for (unsigned i = 0; i < N_RULES; i++) {
		rule.weight = 1 + i;
		snprintf(prefix, sizeof(prefix), "10.200.0.0/%u", 8 + i % 25);
		snprintf(port, sizeof(port), "%u", 1000 + i);
		snprintf(id, sizeof(id), "r%u", i);
		add_policy(w, "in", "rule", id, &rule.base);
	}
	rule = (Acl__Rule)ACL__RULE__INIT;
	rule.direction = ACL__DIRECTION__OUT;
	rule.action = ACL__ACTION__ALLOW;
	rule.has_stateful = rule.stateful = 1;
	rule.has_idle_s = 1;
	rule.idle_s = 3600;
	rule.weight = 2 * N_RULES;
	add_policy(w, "in", "rule", "open", &rule.base);
	meter.remote = (char *)(uintptr_t) "any";
	meter.action = ACL__ACTION__METER;
	meter.direction = ACL__DIRECTION__OUT;
	add_policy(w, "in", "acl", "sent", &meter.base);
	meter.direction = ACL__DIRECTION__IN;
	add_policy(w, "out", "acl", "received", &meter.base);
}

static struct weir *make(const char *directory)
{
	struct weir_options options = { .size = sizeof(options),
		.n_workers = 1,
		.poll = true,
		.n_flows = 1 << 20,
		.log = quiet,
		.extensions = directory };
	struct weir_switch_config config = {
		.size = sizeof(config), .n_sessions = 1 << 20, .n_port_sessions = 1 << 20
	};
	struct weir_port_config port = { .size = sizeof(port), .nic = "null" };
	struct weir_error error = { 0 };
	struct weir *w;
	char path[4096];

	stay_on(1);
	must(weir_create(&options, &w, &error), "weir", &error);
	stay_on(0);
	must(weir_switch_add_with(w, "br0", &config, 0, &error), "switch", &error);
	must(weir_port_add(w, "br0", "in", &port, 0, &error), "port", &error);
	must(weir_port_add(w, "br0", "out", &port, 0, &error), "port", &error);
	must(weir_fdb_add(w, "br0", "02:00:00:00:00:02", 0, "out", 0, &error), "fdb", &error);
	snprintf(path, sizeof(path), "%s/acl-1.so", directory);
	must(weir_extension_load(w, "acl", path, 0, &error), "acl", &error);
	must(weir_extension_attach(w, "br0", "acl", WEIR_ORDER_DEFAULT, 0, &error), "acl", &error);
	add_rules(w);
	return w;
}

// ---- Time

static void process_until(struct weir *w, uint64_t until_ns, const bool *done)
{
	for (uint64_t now = now_ns(); now < until_ns && !(done && *done); now = now_ns()) {
		struct pollfd fd = { .fd = weir_fd(w), .events = POLLIN };
		uint64_t left_ms = (until_ns - now) / 1000000;

		poll(&fd, 1, left_ms < 10 ? 1 : 10);
		weir_process(w);
	}
}

static void wait_s(struct weir *w, double seconds)
{
	process_until(w, now_ns() + (uint64_t)(seconds * 1e9), NULL);
}

static void set_flag(void *context)
{
	*(bool *)context = true;
}

static void settle(struct weir *w)
{
	bool done = false;

	weir_when_done(w, set_flag, &done);
	process_until(w, UINT64_MAX, &done);
}

static void pace(struct line *l, uint64_t interval_ns)
{
	__atomic_store_n(&l->interval_ns, UINT64_MAX, __ATOMIC_RELEASE);
	usleep(10000); // the worker has seen it
	l->n = 0;
	l->start_ns = now_ns();
	__atomic_store_n(&l->interval_ns, interval_ns, __ATOMIC_RELEASE);
}

// Frames per second when they wait.
static double capacity(struct weir *w)
{
	uint64_t before, began;

	pace(source, 1000000000 / N_FLOWS);
	wait_s(w, 1.5); // every flow is there, and none was shed
	pace(source, 0);
	before = __atomic_load_n(&sink->n_taken, __ATOMIC_ACQUIRE);
	began = now_ns();
	wait_s(w, CALIBRATION_S);
	return (double)(__atomic_load_n(&sink->n_taken, __ATOMIC_ACQUIRE) - before) * 1e9 /
	       (double)(now_ns() - began);
}

// ---- What came of it

struct percentiles {
	double us[4]; // 50, 99, 99.9, all
};

static struct percentiles percentiles_of(const uint64_t *bins)
{
	static const double parts[4] = { 0.5, 0.99, 0.999, 1 };
	struct percentiles p;
	uint64_t total = 0, sum = 0;
	unsigned k = 0;

	for (unsigned i = 0; i < BINS; i++)
		total += bins[i];
	for (unsigned i = 0; i < BINS && k < 4; i++) {
		sum += bins[i];
		while (k < 4 && sum > 0 && (double)sum >= (double)total * parts[k])
			p.us[k++] = i;
	}
	return p;
}

static struct percentiles show_latency(const char *what)
{
	struct percentiles p = percentiles_of(sink->bins);

	printf("%-24s %8.0f %8.0f %8.0f %8.0f us\n", what, p.us[0], p.us[1], p.us[2], p.us[3]);
	memset(sink->bins, 0, sizeof(sink->bins));
	return p;
}

static double resident_mb(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long pages = 0, resident = 0;

	if (file) {
		if (fscanf(file, "%lu %lu", &pages, &resident) != 2)
			resident = 0;
		fclose(file);
	}
	return (double)resident * 4096 / 1e6;
}

static void add_meter(void *context, const struct weir_meter_info *info)
{
	uint64_t *frames = context;

	frames[strcmp(info->id, "sent") == 0 ? 0 : 1] = info->frames;
}

static void keep_switch(void *context, const struct weir_switch_info *info)
{
	*(struct weir_switch_info *)context = *info;
}

static void check(struct weir *w, unsigned n_sessions_before)
{
	struct weir_switch_info s = { 0 };
	uint64_t meters[2] = { 0 };

	weir_switch_list(w, NULL, keep_switch, &s, NULL);
	weir_meter_list(w, NULL, false, add_meter, meters, NULL);
	printf("frames                   %llu sent, %llu missed, %llu dropped, %llu received\n",
		(unsigned long long)source->n_taken, (unsigned long long)source->missed,
		(unsigned long long)s.dropped, (unsigned long long)sink->n_taken);
	printf("meters                   %llu, %llu: %s\n", (unsigned long long)meters[0],
		(unsigned long long)meters[1],
		meters[0] == sink->n_taken && meters[1] == sink->n_taken ? "exact" : "WRONG");
	printf("sessions                 %u before, %llu after: %s\n", n_sessions_before,
		(unsigned long long)s.sessions, s.sessions >= n_sessions_before ? "kept" : "LOST");
}

// ---- Replacing

static int replace(struct weir *w, const char *directory, unsigned i, double *took_ms)
{
	const char *name = i % 10 == 9 ? "acl-refuses" : (i + i / 10) % 2 ? "acl-1" : "acl-2";
	struct weir_error error = { 0 };
	uint64_t began = now_ns();
	char path[4096];
	int failed;

	snprintf(path, sizeof(path), "%s/%s.so", directory, name);
	failed = weir_extension_replace(w, "acl", path, 0, &error);
	*took_ms = (double)(now_ns() - began) / 1e6;
	if ((failed < 0) != (i % 10 == 9))
		die(path, &error);
	settle(w);
	return failed;
}

static void replace_all(struct weir *w, const char *directory, unsigned n)
{
	double took, longest = 0, sum = 0;
	uint64_t began = now_ns();
	unsigned n_refused = 0;
	double resident = 0;

	for (unsigned i = 0; i < n; i++) {
		n_refused += replace(w, directory, i, &took) < 0;
		sum += took;
		longest = took > longest ? took : longest;
		if (i == n / 10) // what is made once has been made
			resident = resident_mb();
	}
	printf("replacements             %u, %u of them refused, in %.1f s; the control thread "
	       "took %.1f ms for one, %.1f ms at most\n",
		n, n_refused, (double)(now_ns() - began) / 1e9, sum / n, longest);
	printf("resident                 %.1f MB after a tenth, %.1f MB after all\n", resident,
		resident_mb());
}

int main(int argc, char **argv)
{
	unsigned n_replacements = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
	double seconds = argc > 3 ? atof(argv[3]) : 0, most;
	struct weir_switch_info s = { 0 };
	struct percentiles without, with;
	struct weir *w;

	if (n_replacements == 0 || seconds <= 0) {
		fprintf(stderr, "usage: bench_replace DIRECTORY REPLACEMENTS SECONDS\n");
		return 2;
	}
	w = make(argv[1]);
	most = capacity(w);
	printf("capacity                 %.0f frames/s of one core; offered %.0f\n", most,
		most / 2);
	pace(source, (uint64_t)(2e9 / most));
	__atomic_store_n(&source->growing, true, __ATOMIC_RELAXED);
	wait_s(w, 2);
	memset(sink->bins, 0, sizeof(sink->bins));
	__atomic_store_n(&source->missed, 0, __ATOMIC_RELAXED);
	printf("%-24s %8s %8s %8s %8s\n", "due to sent", "50 %", "99 %", "99.9 %", "all");
	wait_s(w, seconds);
	without = show_latency("without replacements");
	printf("missed without           %llu\n", (unsigned long long)source->missed);
	weir_switch_list(w, NULL, keep_switch, &s, NULL);
	replace_all(w, argv[1], n_replacements);
	with = show_latency("with replacements");
	printf("99.9 %% with more than without by %.0f us\n", with.us[2] - without.us[2]);
	pace(source, UINT64_MAX);
	wait_s(w, 2);
	check(w, (unsigned)s.sessions);
	weir_destroy(w);
	return 0;
}
