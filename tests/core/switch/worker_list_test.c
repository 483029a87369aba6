// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What is told of workers: by a clock that the test holds, so that every figure but cycles is
// exact.
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include <weir/memory.h>

#include "datapath/cycles.h"
#include "datapath/pressure.h"
#include "switch/port.h"
#include "switch/port_nic.h"
#include "switch/workers.h"

enum { ROUND_NS = 1000, SECOND_NS = 1000000000, FRAMES = 4 };

struct desk {
	struct weir *weir;
	struct weir_memory *end;
	uint64_t now_ns, step_ns; // of each look at the clock
	struct weir_worker_info info;
};

static uint64_t look(void *context)
{
	struct desk *desk = context;

	return desk->now_ns += desk->step_ns;
}

static void quiet(void *context, int level, const char *line)
{
	(void)context, (void)level, (void)line;
}

static void done(void *context)
{
	*(bool *)context = true;
}

static void start(struct desk *desk)
{
	struct weir_options options = {
		.size = sizeof(options), .clock_ns = look, .clock_context = desk, .log = quiet
	};
	struct weir_port_config in = { .size = sizeof(in), .nic = "memory" };
	struct weir_port_config out = { .size = sizeof(out), .nic = "null" };
	bool settled = false;

	*desk = (struct desk){ .now_ns = SECOND_NS };
	assert_int_equal(weir_create(&options, &desk->weir, NULL), 0);
	assert_int_equal(weir_switch_add(desk->weir, "br0", 0, NULL), 0);
	assert_int_equal(weir_port_add(desk->weir, "br0", "in", &in, 0, NULL), 0);
	assert_int_equal(weir_port_add(desk->weir, "br0", "out", &out, 0, NULL), 0);
	desk->end = weir_port_memory(desk->weir, "in");
	assert_int_equal(weir_when_done(desk->weir, done, &settled), 0);
	while (!settled) {
		weir_run(desk->weir);
		weir_process(desk->weir);
	}
}

static void end(struct desk *desk)
{
	weir_memory_release(desk->end);
	weir_destroy(desk->weir);
}

// A second passes on the worker's clock, in which it has n rounds with FRAMES frames each and as
// many without any. A round takes ROUND_NS.
static void work(struct desk *desk, unsigned n)
{
	static const uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1 };
	uint64_t ends = desk->now_ns + SECOND_NS;

	for (unsigned i = 0; i < n; i++) {
		for (unsigned f = 0; f < FRAMES; f++)
			assert_int_equal(
				weir_memory_send(desk->end, 0, frame, sizeof(frame), NULL), 0);
		desk->step_ns = ROUND_NS;
		assert_int_equal(weir_run(desk->weir), FRAMES);
		assert_int_equal(weir_run(desk->weir), 0);
		desk->step_ns = 0;
	}
	assert_true(desk->now_ns < ends);
	desk->now_ns = ends;
}

static void take(void *context, const struct weir_worker_info *info)
{
	((struct desk *)context)->info = *info;
}

static void expect(struct desk *desk, double frames_per_batch, double idle_share, uint64_t frames)
{
	// Whoever asks twice is told the same.
	for (int i = 0; i < 2; i++) {
		assert_int_equal(weir_worker_list(desk->weir, take, desk), 0);
		assert_true(fabs(desk->info.frames_per_batch - frames_per_batch) < 1e-9);
		assert_true(fabs(desk->info.idle_share - idle_share) < 1e-9);
		assert_int_equal(desk->info.frames, frames);
		if (cycles())
			assert_int_equal(desk->info.cycles_per_frame > 0, frames_per_batch > 0);
	}
}

static void test_since_the_start(void **state)
{
	struct desk desk;

	(void)state;
	start(&desk);
	expect(&desk, 0, 1, 0);
	work(&desk, 100);
	expect(&desk, FRAMES, 1 - 100.0 * ROUND_NS / SECOND_NS, 100 * FRAMES);
	end(&desk);
}

static void test_the_last_two_seconds(void **state)
{
	struct desk desk;

	(void)state;
	start(&desk);
	work(&desk, 1000);
	workers_read(desk.weir);
	work(&desk, 10);
	expect(&desk, FRAMES, 1 - 1010.0 * ROUND_NS / (2.0 * SECOND_NS), 1010 * FRAMES);
	workers_read(desk.weir);
	expect(&desk, FRAMES, 1 - 10.0 * ROUND_NS / SECOND_NS, 1010 * FRAMES);
	work(&desk, 30);
	expect(&desk, FRAMES, 1 - 40.0 * ROUND_NS / (2.0 * SECOND_NS), 1040 * FRAMES);
	workers_read(desk.weir);
	workers_read(desk.weir);
	work(&desk, 0);
	expect(&desk, 0, 1, 1040 * FRAMES);
	end(&desk);
}

// What a queue has seen of a flood is not forgotten when a port comes.
static void test_queues_are_what_they_were_in_another_list(void **state)
{
	const struct weir_port_config more = { .size = sizeof(more), .nic = "memory" };
	const struct queue_pressure *pressure;
	struct desk desk;
	unsigned seen;

	(void)state;
	start(&desk);
	pressure = port_queue_pressure(port_find(desk.weir, "in", NULL), 0);
	work(&desk, 3);
	seen = pressure->n_undecided;
	assert_true(seen >= 3);
	assert_int_equal(weir_port_add(desk.weir, "br0", "more", &more, 0, NULL), 0);
	weir_run(desk.weir);
	assert_int_equal(pressure->n_undecided, seen + 1);
	end(&desk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_since_the_start),
		cmocka_unit_test(test_the_last_two_seconds),
		cmocka_unit_test(test_queues_are_what_they_were_in_another_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
