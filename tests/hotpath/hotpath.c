// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Drives the cached path for callgrind: hotpath CAPTURE ROUNDS [EXTENSIONS-DIRECTORY EXTENSION...]
//
// A replayed capture goes through a switch to two null ports, in turns by its destinations. The
// switch is warmed up first; only the rounds behind that are collected. Prints the flows with their
// programs, a line each, and at last the number of frames and of rounds, so that instructions per
// frame follow.
//
// Time goes on by the same amount per look at the clock, too little for the upkeep of the flow
// table to become due: two runs do the same.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>

#include <weir/embed.h>

static void die(const char *what, const struct weir_error *error)
{
	fprintf(stderr, "%s: %s\n", what, error->message);
	exit(1);
}

static void quiet(void *context, int level, const char *line)
{
	(void)context, (void)level, (void)line;
}

static uint64_t tick(void *context)
{
	uint64_t *now_ns = context;

	return *now_ns += 100;
}

static struct weir *make_switch(const char *capture, const char *directory)
{
	static uint64_t now_ns = 1000000000;
	struct weir_options options = {
		.size = sizeof(options),
		.extensions = directory,
		.log = quiet,
		.clock_ns = tick,
		.clock_context = &now_ns,
	};
	struct weir_port_config out = { .size = sizeof(out), .nic = "null" };
	struct weir_port_config in = { .size = sizeof(in) };
	struct weir_error error;
	struct weir *w;
	char nic[512];

	snprintf(nic, sizeof(nic), "replay:%s,loop", capture);
	in.nic = nic;
	if (weir_create(&options, &w, &error) < 0)
		die("create", &error);
	if (weir_switch_add(w, "br0", 0, &error) < 0 ||
		weir_port_add(w, "br0", "out1", &out, 0, &error) < 0 ||
		weir_port_add(w, "br0", "out2", &out, 0, &error) < 0 ||
		weir_fdb_add(w, "br0", "02:00:00:00:00:02", 0, "out1", 0, &error) < 0 ||
		weir_fdb_add(w, "br0", "02:00:00:00:00:03", 0, "out2", 0, &error) < 0 ||
		weir_port_add(w, "br0", "in", &in, 0, &error) < 0)
		die("switch", &error);
	return w;
}

static void show(void *context, const struct weir_flow_info *info)
{
	(void)context;
	printf("%s: %s\n", info->key, info->program);
}

static void shown(void *context)
{
	*(bool *)context = true;
}

static void show_flows(struct weir *w)
{
	struct weir_error error;
	bool done = false;

	if (weir_flow_list(w, "br0", show, shown, &done, &error) < 0)
		die("flows", &error);
	while (!done) {
		weir_run(w);
		weir_process(w);
	}
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 0, frames = 0;
	struct weir_error error;
	struct weir *w;

	if (rounds == 0) {
		fprintf(stderr, "usage: hotpath CAPTURE ROUNDS [DIRECTORY EXTENSION...]\n");
		return 2;
	}
	w = make_switch(argv[1], argc > 3 ? argv[3] : NULL);
	for (int i = 4; i < argc; i++)
		if (weir_extension_attach(w, "br0", argv[i], WEIR_ORDER_DEFAULT, 0, &error) < 0)
			die("attach", &error);
	for (unsigned i = 0; i < rounds; i++) {
		weir_run(w);
		weir_process(w);
	}
	CALLGRIND_START_INSTRUMENTATION;
	CALLGRIND_TOGGLE_COLLECT;
	for (unsigned i = 0; i < rounds; i++)
		frames += weir_run(w);
	CALLGRIND_TOGGLE_COLLECT;
	CALLGRIND_STOP_INSTRUMENTATION;
	show_flows(w);
	printf("%u %u\n", frames, rounds);
	weir_destroy(w);
	return frames ? 0 : 1;
}
