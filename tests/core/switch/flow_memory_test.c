// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The memory that cached flows take, of the whole process: at most 256 bytes each, and no more when
// others take their place.
#include "lab.h"

#include <stdio.h>
#include <unistd.h>

#include "probe.pb-c.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum {
	CAPACITY = 131072,
	FLOWS = 100000,
	GENERATIONS = 20, // of flows: two millions in all
	FLOW_BYTES_MAX = 256,
	SLACK = 64 << 10, // of the allocator and of the test itself
	BATCH = 512,
	IDLE_S = 12, // after which a flow is forgotten
};

static long resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
	fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

// A flow whose two buckets are both full is not cached: one in 100,000 at this load.
static void assert_cached(uint64_t cached, unsigned flows)
{
	assert_in_range(cached, flows - flows / 1000, flows);
}

static uint64_t n_flows(struct lab *lab)
{
	return lab_switch(lab, "br0").flows;
}

// One frame of each of n flows, which differ in their ports and sources.
static void send(struct lab *lab, unsigned generation, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_frame frame = lab_udp(
			0, 1, (uint16_t)i, (uint16_t)(generation << 8 | i >> 16));

		lab_send(lab, 0, &frame);
		if (i % BATCH < BATCH - 1 && i < n - 1)
			continue;
		while (weir_run(lab->weir))
			continue;
	}
}

static void forget(struct lab *lab)
{
	lab_advance_s(lab, IDLE_S);
	for (unsigned i = 0; n_flows(lab) && i < CAPACITY; i++)
		weir_run(lab->weir);
	assert_int_equal(n_flows(lab), 0);
}

static void start(struct lab *lab)
{
	struct weir_port_config out = { .size = sizeof(out), .nic = "null" };
	Probe__Reads reads = PROBE__READS__INIT;

	lab_start(lab, &(struct lab_options){ .n_ports = 1, .n_flows = CAPACITY });
	assert_int_equal(weir_port_add(lab->weir, "br0", "out", &out, 0, NULL), 0);
	assert_int_equal(weir_fdb_add(lab->weir, "br0", "02:00:00:00:00:01", 0, "out", 0, NULL), 0);
	lab_attach(lab, "probe-filter", 0);
	reads.fields = WEIR_FIELD_L4_SRC | WEIR_FIELD_L4_DST;
	lab_policy(lab, "p0", "probe-filter", "reads", "r", &reads.base);
	lab_settle(lab);
	// Everything has been used once: frames, queues, the way to a decision.
	send(lab, 0, BATCH);
	forget(lab);
}

static void test_flows(void **state)
{
	long before, full, churned;
	struct lab lab;

	(void)state;
	if (SANITIZED) {
		print_message("skipped: a sanitizer's memory says nothing\n");
		skip();
	}
	start(&lab);
	before = resident_bytes();
	send(&lab, 1, FLOWS);
	assert_cached(n_flows(&lab), FLOWS);
	full = resident_bytes();
	print_message("%ld bytes per flow\n", (full - before) / FLOWS);
	assert_true(full > before);
	assert_true((full - before) / FLOWS <= FLOW_BYTES_MAX);

	for (unsigned i = 2; i <= GENERATIONS; i++) {
		forget(&lab);
		send(&lab, i, FLOWS);
		assert_cached(n_flows(&lab), FLOWS);
	}
	churned = resident_bytes();
	print_message("%ld bytes more after %d flows\n", churned - full, FLOWS * GENERATIONS);
	// Two places for a flow, on other pages than those of the flows before: as many as there
	// are.
	assert_true((churned - before) / FLOWS <= FLOW_BYTES_MAX);
	forget(&lab);
	send(&lab, GENERATIONS + 1, FLOWS);
	assert_true(resident_bytes() - churned <= SLACK);

	// Beyond its capacity the table takes none, and no memory.
	send(&lab, GENERATIONS + 2, FLOWS);
	assert_cached(n_flows(&lab), CAPACITY);
	assert_true((resident_bytes() - before) / CAPACITY <= FLOW_BYTES_MAX);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_flows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
