// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What changes of the stack cost the frames:
// bench_replace DIRECTORY REPLACEMENTS CHANGES SECONDS [OFFERED]
//
// One worker forwards what arrives by the clock (open loop) at half of what it can, or OFFERED
// frames a second, so that two versions can be compared under the same load, in 100,000
// flows and 1,000 new ones a second, each of which opens a session. For SECONDS nothing changes;
// then the ACL of 1,000 rules is replaced REPLACEMENTS times, by two builds that save in different
// layouts in turn, every tenth time by one that refuses; then CHANGES times each another extension
// is attached that reads a field more, and detached, changes its place with the ACL, and a rule
// comes and goes. A change begins when the one before is in force. Printed are, of each: frames
// taken; missed (there was no room in the ring), dropped by the switch, and missed for stalls
// (open_line.h), with how many stalls there were in a second and how much of it they took; the
// percentiles of the time from when a frame was due until it was sent, without those that met a
// stall, and the 99.9th of all; what a change took of the control thread, and until it was in
// force. And whether meters and sessions are right, and what memory is resident.
//
// DIRECTORY holds acl-1.so, acl-2.so, acl-refuses.so, marker.so.
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_replace_switch.h"
#include "datapath/session.h"
#include "open_line.h"

enum { CALIBRATION_S = 2, SETTLE_S = 1, PARTS = 10 };

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

// Until every change is in force, and what was replaced is unloaded.
static void settle(struct weir *w)
{
	bool done = false;

	weir_when_done(w, set_flag, &done);
	process_until(w, UINT64_MAX, &done);
}

// Slowly, so that every flow is there and none was shed: what a change makes of flows that are
// silent for as long as it takes is forgotten.
static void learn_flows(struct weir *w)
{
	open_line_pace(1000000000 / OPEN_LINE_FLOWS);
	wait_s(w, 1.5);
	open_line_pace(OPEN_LINE_SILENCE);
}

// Frames per second when they wait.
static double capacity(struct weir *w)
{
	uint64_t before, began;

	learn_flows(w);
	open_line_pace(0);
	before = open_line_counts().received;
	began = now_ns();
	wait_s(w, CALIBRATION_S);
	return (double)(open_line_counts().received - before) * 1e9 / (double)(now_ns() - began);
}

// ---- What is counted

static void add_drops(void *context, const struct weir_drop_info *info)
{
	*(uint64_t *)context += info->frames;
}

static uint64_t dropped(struct weir *w)
{
	uint64_t frames = 0;

	weir_drop_list(w, NULL, add_drops, &frames, NULL);
	return frames;
}

static void print_drop(void *context, const struct weir_drop_info *info)
{
	(void)context;
	printf("dropped                  %llu %s at %s %s\n", (unsigned long long)info->frames,
		info->reason, info->port, info->stage);
}

static void keep_sessions(void *context, const struct weir_switch_info *info)
{
	*(uint64_t *)context = info->sessions;
}

static uint64_t sessions(struct weir *w)
{
	uint64_t n = 0;

	weir_switch_list(w, NULL, keep_sessions, &n, NULL);
	return n;
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

static void keep_meter(void *context, const struct weir_meter_info *info)
{
	uint64_t *frames = context;

	frames[strcmp(info->id, "sent") == 0 ? 0 : 1] = info->frames;
}

// ---- Phases

static struct {
	double offered; // frames per second; 0: half of what the worker can
	uint64_t interval_ns;
	struct open_line_counts before;
	uint64_t began_ns, dropped_before, took_ns, longest_ns, forced_ns;
	unsigned n;
} phase;

// Half of what the worker can do now: on a machine that others share that is not what it could do a
// minute ago.
static void begin(struct weir *w)
{
	double most, offered = phase.offered;

	open_line_grow(false);
	if (offered > 0) {
		learn_flows(w);
	} else {
		most = capacity(w);
		offered = most / 2;
		printf("# capacity %.0f frames/s of one core; offered %.0f\n", most, offered);
	}
	phase.interval_ns = (uint64_t)(1e9 / offered);
	open_line_grow(true);
	open_line_pace(phase.interval_ns);
	wait_s(w, SETTLE_S);
	open_line_pace(OPEN_LINE_SILENCE);
	open_line_latency(&(struct open_line_latency){ 0 });
	phase.before = open_line_counts();
	phase.dropped_before = dropped(w);
	phase.took_ns = phase.longest_ns = phase.forced_ns = phase.n = 0;
	open_line_pace(phase.interval_ns);
	phase.began_ns = now_ns();
}

// A change begins; the time that its call takes is the control thread's.
static uint64_t change_began(void)
{
	return now_ns();
}

static void change_made(struct weir *w, uint64_t began)
{
	uint64_t took = now_ns() - began;

	settle(w);
	phase.took_ns += took;
	phase.longest_ns = took > phase.longest_ns ? took : phase.longest_ns;
	phase.forced_ns += now_ns() - began;
	phase.n++;
}

static struct open_line_latency end(struct weir *w, const char *what)
{
	const struct open_line_counts *before = &phase.before;
	struct open_line_latency l, all;
	struct open_line_counts c;
	unsigned n = phase.n ? phase.n : 1;
	double seconds = (double)(now_ns() - phase.began_ns) / 1e9;

	open_line_pace(OPEN_LINE_SILENCE);
	c = open_line_counts();
	l = open_line_latency(&all);
	printf("%-10s %5u %6.1f %11llu %8llu %8llu %8llu %6.1f %6.2f %6.0f %6.0f %6.0f %6.0f %6.0f "
	       "%8.2f %8.2f %8.1f\n",
		what, phase.n, seconds, (unsigned long long)(c.taken - before->taken),
		(unsigned long long)(c.missed - before->missed - c.missed_stalled +
				     before->missed_stalled),
		(unsigned long long)(dropped(w) - phase.dropped_before),
		(unsigned long long)(c.missed_stalled - before->missed_stalled),
		(double)(c.n_stalls - before->n_stalls) / seconds,
		(double)(c.stalled_ns - before->stalled_ns) / seconds / 1e7, l.p50, l.p99, l.p999,
		l.longest, all.p999, (double)phase.took_ns / n / 1e6,
		(double)phase.longest_ns / 1e6, (double)phase.forced_ns / n / 1e6);
	return l;
}

static void print_head(void)
{
	printf("%-10s %5s %6s %11s %8s %8s %8s %6s %6s %6s %6s %6s %6s %6s %8s %8s %8s\n", "",
		"times", "s", "frames", "missed", "dropped", "stalled", "per s", "% of s", "50 %",
		"99 %", "99.9 %", "most", "all", "call ms", "most", "in force");
}

// ---- Changes

static bool replace(struct weir *w, const char *directory, unsigned i)
{
	const bool refuses = i % 10 == 9;
	const char *name = refuses ? "acl-refuses" : (i + i / 10) % 2 ? "acl-1" : "acl-2";
	struct weir_error error = { 0 };
	uint64_t began = change_began();
	char path[4096];
	int failed;

	snprintf(path, sizeof(path), "%s/%s.so", directory, name);
	failed = weir_extension_replace(w, "acl", path, 0, &error);
	change_made(w, began);
	if (refuses && failed == 0) {
		fprintf(stderr, "bench_replace: %s: did not refuse\n", path);
		exit(1);
	}
	if (!refuses)
		must(failed, path, &error);
	return failed == 0;
}

// Resident memory after each part, beside what the sessions that were opened meanwhile take of it.
static void print_memory(struct weir *w, unsigned n_made)
{
	uint64_t n = sessions(w);

	printf("# after %u: %.1f MB resident, %llu sessions of %.1f MB\n", n_made, resident_mb(),
		(unsigned long long)n, (double)n * sizeof(struct session) / 1e6);
}

static struct open_line_latency replace_all(struct weir *w, const char *directory, unsigned n)
{
	unsigned n_made = 0;

	begin(w);
	for (unsigned i = 0; i < n; i++) {
		n_made += replace(w, directory, i);
		if (n >= PARTS && (i + 1) % (n / PARTS) == 0)
			print_memory(w, i + 1);
	}
	printf("# %u of %u replacements were refused\n", n - n_made, n);
	return end(w, "replace");
}

static void attach(struct weir *w)
{
	struct weir_error error = { 0 };

	must(weir_extension_attach(w, "br0", "marker", 30, 0, &error), "attach", &error);
}

static void detach(struct weir *w)
{
	struct weir_error error = { 0 };

	must(weir_extension_detach(w, "br0", "marker", 0, &error), "detach", &error);
}

static void reorder(struct weir *w)
{
	static bool last;

	bench_switch_reorder(w, "marker", last ? 30 : 0);
	last = !last;
}

// Two changes in turn.
static void change(struct weir *w, const char *what, unsigned n, void (*one)(struct weir *w),
	void (*other)(struct weir *w))
{
	begin(w);
	for (unsigned i = 0; i < 2 * n; i++) {
		uint64_t began = change_began();

		(i % 2 ? other : one)(w);
		change_made(w, began);
	}
	end(w, what);
}

static void change_all(struct weir *w, unsigned n)
{
	if (n == 0)
		return;
	change(w, "attach", n, attach, detach);
	attach(w);
	settle(w);
	change(w, "reorder", n, reorder, reorder);
	detach(w);
	settle(w);
	change(w, "policy", n, bench_switch_add_rule, bench_switch_remove_rule);
}

// ---- All of it

// While the line is silent.
static void check(struct weir *w, uint64_t n_sessions_before)
{
	struct open_line_counts counts = open_line_counts();
	uint64_t meters[2] = { 0 }, n_sessions = sessions(w);

	weir_meter_list(w, NULL, false, keep_meter, meters, NULL);
	printf("frames                   %llu sent, %llu received\n",
		(unsigned long long)counts.taken, (unsigned long long)counts.received);
	printf("meters                   %llu, %llu: %s\n", (unsigned long long)meters[0],
		(unsigned long long)meters[1],
		meters[0] == counts.received && meters[1] == counts.received ? "exact" : "WRONG");
	printf("sessions                 %llu before, %llu after: %s\n",
		(unsigned long long)n_sessions_before, (unsigned long long)n_sessions,
		n_sessions >= n_sessions_before ? "kept" : "LOST");
	weir_drop_list(w, NULL, print_drop, NULL, NULL);
}

int main(int argc, char **argv)
{
	unsigned n_replacements = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
	unsigned n_changes = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
	double seconds = argc > 4 ? atof(argv[4]) : 0;
	struct open_line_latency without, with;
	uint64_t n_sessions;
	struct weir *w;

	phase.offered = argc > 5 ? atof(argv[5]) : 0;
	if (argc < 5 || seconds <= 0 || (argc > 5 && phase.offered <= 0)) {
		fprintf(stderr, "usage: bench_replace DIRECTORY REPLACEMENTS CHANGES SECONDS "
				"[OFFERED]\n");
		return 2;
	}
	w = bench_switch_make(argv[1]);
	print_head();
	begin(w);
	wait_s(w, seconds);
	without = end(w, "without");
	n_sessions = sessions(w);
	with = n_replacements ? replace_all(w, argv[1], n_replacements) : without;
	change_all(w, n_changes);
	printf("99.9 %% with replacements more than without by %.0f us\n",
		with.p999 - without.p999);
	check(w, n_sessions);
	weir_destroy(w);
	return 0;
}
