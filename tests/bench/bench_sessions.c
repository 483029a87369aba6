// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What sessions cost known flows: bench_sessions udp|tcp FLOWS DIRECTORY CAPTURE
//
// Two switches have the same rules of the extension acl, which lets everything pass, but that the
// rule of one is stateful. Each replays the same frames, one of each flow in turn, to a null port;
// TCP's are acknowledgements. When every flow is known, and has its session there, the two take
// turns. Only the worker's rounds count, the upkeep once a second included. Prints, of each, the
// cycles per frame (median of the rounds), and how they compare: the median of the quotients of a
// round, and the quartiles. DIRECTORY holds acl.so; CAPTURE is written.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/embed.h>

#include "acl.pb-c.h"
#include "datapath/cycles.h"

enum { ROUNDS = 40, TURN_MS = 125, FRAME = 60, N_SIDES = 2 };

struct side {
	struct weir *weir;
	double cost[ROUNDS]; // cycles per frame
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

// ---- Frames

static void make_frame(uint8_t frame[FRAME], uint32_t n, bool tcp)
{
	static const uint8_t head[] = "\2\0\0\0\0\2\2\0\0\0\0\1\x08\0"
				      "\x45\0\0\x2e\0\0\x40\0\x40\x11\0\0\x0a\0\0\0\xac\x10\0\1"
				      "\0\0\0\x35\0\x1a";

	memset(frame, 0, FRAME);
	memcpy(frame, head, sizeof(head) - 1);
	frame[27] = (uint8_t)(n >> 16);
	frame[28] = (uint8_t)(n >> 14 & 3);
	frame[34] = (uint8_t)(n >> 8 & 0x3f) | 0x40;
	frame[35] = (uint8_t)n;
	if (!tcp)
		return;
	frame[23] = 6;
	memset(frame + 38, 0, 8);
	frame[46] = 0x50;
	frame[47] = 0x10;
}

static void write_capture(const char *path, uint32_t n_flows, bool tcp)
{
	static const uint32_t head[] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1 };
	FILE *file = fopen(path, "wb");
	bool written = file && fwrite(head, sizeof(head), 1, file) == 1;

	for (uint32_t n = 0; written && n < n_flows; n++) {
		const uint32_t record[] = { 0, n, FRAME, FRAME };
		uint8_t frame[FRAME];

		make_frame(frame, n, tcp);
		written = fwrite(record, sizeof(record), 1, file) == 1 &&
			  fwrite(frame, FRAME, 1, file) == 1;
	}
	if (!written || fclose(file) != 0) {
		perror(path);
		exit(1);
	}
}

// ---- Switches

static void add_rule(struct weir *w, Acl__Rule *rule)
{
	static uint32_t weight = 1000;
	struct weir_error error;
	uint8_t bytes[256];

	rule->direction = ACL__DIRECTION__OUT;
	rule->weight = weight--;
	if (weir_policy_add(w, "in", "acl", "rule", NULL, bytes, acl__rule__pack(rule, bytes), NULL,
		    0, &error) < 0)
		die("policy", &error);
}

// A rule for each field that sessions have read, so that both switches have the same keys; none
// matches.
static void add_rules(struct weir *w, bool stateful)
{
	Acl__Rule rule = ACL__RULE__INIT;

	rule.action = ACL__ACTION__DENY;
	rule.local = (char *)"192.0.2.1";
	rule.remote = (char *)"192.0.2.2";
	add_rule(w, &rule);
	rule.local = rule.remote = NULL;
	rule.protocol = (char *)"udp";
	rule.local_port = (char *)"9";
	add_rule(w, &rule);
	acl__rule__init(&rule);
	rule.action = ACL__ACTION__DENY;
	rule.has_vlan = true;
	rule.vlan = 4000;
	add_rule(w, &rule);
	acl__rule__init(&rule);
	rule.action = ACL__ACTION__ALLOW;
	rule.has_stateful = true;
	rule.stateful = stateful;
	add_rule(w, &rule);
}

static struct weir *make_switch(
	const char *directory, const char *capture, uint32_t n_flows, bool stateful)
{
	struct weir_options options = {
		.size = sizeof(options), .extensions = directory, .log = quiet
	};
	struct weir_switch_config config = { .size = sizeof(config),
		.n_flows = 2 * n_flows,
		.n_sessions = 2 * n_flows,
		.n_port_sessions = 2 * n_flows };
	struct weir_port_config out = { .size = sizeof(out), .nic = "null" };
	struct weir_port_config in = { .size = sizeof(in) };
	struct weir_error error;
	struct weir *w;
	char nic[512];

	snprintf(nic, sizeof(nic), "replay:%s,loop", capture);
	if (weir_create(&options, &w, &error) < 0)
		die("create", &error);
	if (weir_switch_add_with(w, "br0", &config, 0, &error) < 0 ||
		weir_port_add(w, "br0", "out", &out, 0, &error) < 0 ||
		weir_fdb_add(w, "br0", "02:00:00:00:00:02", 0, "out", 0, &error) < 0 ||
		weir_port_add(w, "br0", "in", &in, 0, &error) < 0 ||
		weir_extension_attach(w, "br0", "acl", WEIR_ORDER_DEFAULT, 0, &error) < 0)
		die("switch", &error);
	add_rules(w, stateful);
	in.nic = nic;
	if (weir_port_connect(w, "in", nic, 0, &error) < 0)
		die("connect", &error);
	return w;
}

static void get_info(void *context, const struct weir_switch_info *info)
{
	*(struct weir_switch_info *)context = *info;
}

// ---- Turns

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

static double turn(struct weir *w)
{
	double until = now_ms() + TURN_MS;
	uint64_t spent = 0, frames = 0;

	while (now_ms() < until) {
		uint64_t began = cycles();

		for (unsigned i = 0; i < 64; i++)
			frames += weir_run(w);
		spent += cycles() - began;
		weir_process(w);
	}
	return (double)spent / (double)frames;
}

// Until all flows are known.
static void warm_up(struct weir *w, uint32_t n_flows, bool stateful)
{
	struct weir_switch_info info = { 0 };
	uint64_t before = UINT64_MAX;

	while (info.decisions != before || info.flows < n_flows) {
		before = info.decisions;
		turn(w);
		weir_switch_list(w, "br0", get_info, &info, NULL);
	}
	if (info.sessions != (stateful ? n_flows : 0)) {
		fprintf(stderr, "%u flows, %u sessions\n", n_flows, (unsigned)info.sessions);
		exit(1);
	}
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(const double values[ROUNDS])
{
	double sorted[ROUNDS];

	memcpy(sorted, values, sizeof(sorted));
	qsort(sorted, ROUNDS, sizeof(sorted[0]), by_size);
	return sorted[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	uint32_t n_flows = argc == 5 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	struct side sides[N_SIDES];
	double quotients[ROUNDS];

	if (n_flows < 1000 || n_flows > 1 << 22) {
		fprintf(stderr, "usage: bench_sessions udp|tcp FLOWS DIRECTORY CAPTURE\n"
				"FLOWS: 1,000 to 4,194,304\n");
		return 2;
	}
	write_capture(argv[4], n_flows, strcmp(argv[1], "tcp") == 0);
	for (unsigned i = 0; i < N_SIDES; i++) {
		sides[i].weir = make_switch(argv[3], argv[4], n_flows, i == 1);
		warm_up(sides[i].weir, n_flows, i == 1);
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < N_SIDES; i++) {
			unsigned at = (round + i) % N_SIDES; // neither is always the first

			sides[at].cost[round] = turn(sides[at].weir);
		}
		quotients[round] = sides[1].cost[round] / sides[0].cost[round];
	}
	qsort(quotients, ROUNDS, sizeof(quotients[0]), by_size);
	printf("%s %u flows: stateless %.0f stateful %.0f cycles per frame, quotient %.3f (%.3f to "
	       "%.3f)\n",
		argv[1], n_flows, median(sides[0].cost), median(sides[1].cost),
		quotients[ROUNDS / 2], quotients[ROUNDS / 4], quotients[ROUNDS * 3 / 4]);
	for (unsigned i = 0; i < N_SIDES; i++)
		weir_destroy(sides[i].weir);
	return 0;
}
