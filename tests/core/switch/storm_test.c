// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Many ports: a broadcast storm, and a thousand ports that come and go while others talk.
#include <malloc.h>

#include "lab_probe.h"

enum {
	N_NULL = WEIR_SANITIZED ? 200 : 900,
	N_MEMORY = 100,
	N = N_NULL + N_MEMORY,
	SOURCES = WEIR_SANITIZED ? 50 : 200,
};

struct crowd {
	struct lab lab;
	struct weir_memory *ends[N_MEMORY];
};

static void add(struct lab *lab, const char *kind, unsigned n)
{
	struct weir_port_config config = { .size = sizeof(config), .nic = kind };
	char name[32];

	snprintf(name, sizeof(name), "%s%u", *kind == 'n' ? "n" : "m", n);
	if (weir_port_add(lab->weir, "br0", name, &config, 0, &lab->error) < 0)
		fail_msg("port %s: %s", name, lab->error.message);
}

static void remove_it(struct lab *lab, const char *letter, unsigned n)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%u", letter, n);
	if (weir_port_remove(lab->weir, name, 0, &lab->error) < 0)
		fail_msg("port %s: %s", name, lab->error.message);
}

// Takes what has come to the memory ports; returns how many frames.
static unsigned drain(struct crowd *crowd)
{
	uint8_t bytes[LAB_FRAME_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < N_MEMORY; i++)
		while (weir_memory_receive(crowd->ends[i], 0, bytes, sizeof(bytes), NULL) > 0)
			n++;
	return n;
}

static size_t heap(void)
{
	return mallinfo2().uordblks;
}

// Each destination's egress is composed once, not once per source; what is cached grows with the
// sources, not with sources times destinations.
static void a_broadcast_storm_composes_each_destination_once(void **state)
{
	struct crowd crowd = { .ends = { NULL } };
	struct lab *lab = &crowd.lab;
	struct weir_switch_info before, after;
	unsigned received = 0;
	size_t used;

	(void)state;
	lab_start(lab, &(struct lab_options){ .n_ports = 1 });
	for (unsigned i = 0; i < N_NULL; i++)
		add(lab, "null", i);
	for (unsigned i = 0; i < N_MEMORY; i++) {
		char name[16];

		snprintf(name, sizeof(name), "m%u", i);
		add(lab, "memory:size=16", i);
		crowd.ends[i] = weir_port_memory(lab->weir, name);
	}
	// An egress filter on each that reads something of the frame.
	lab_attach(lab, "probe-filter", 0);
	lab_act(lab, "m1", "probe-filter", "exclude",
		(Probe__Act){ AT(EGRESS, EXCLUDE), IF(l4_dst, 9) });
	lab_settle(lab);
	before = lab_switch(lab, "br0");
	used = heap();
	for (unsigned i = 0; i < SOURCES; i++) {
		struct lab_frame frame = lab_udp(1000 + i, LAB_BROADCAST, 1, 2);

		lab_pass(lab, 0, &frame, NULL, 0, NULL);
		received += drain(&crowd);
	}
	after = lab_switch(lab, "br0");
	assert_int_equal(received, SOURCES * N_MEMORY);
	assert_int_equal(after.transmitted - before.transmitted, SOURCES * N);
	// One decision per source and one per destination.
	assert_int_equal(after.decisions - before.decisions, SOURCES + N);
	assert_true(heap() - used < 1 << 20);
	lab_settle(lab);
	lab_check_conservation(lab);
	for (unsigned i = 0; i < N_MEMORY; i++)
		weir_memory_release(crowd.ends[i]);
	lab_end(lab);
}

static void talk(struct lab *lab, unsigned *sent)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2), got;

	lab_send(lab, 0, &frame);
	lab_run(lab);
	++*sent;
	if (!lab_receive(lab, 1, &got))
		fail_msg("frame %u was lost", *sent);
	while (lab_receive(lab, 1, &got))
		fail_msg("frame %u came twice", *sent);
}

static void come_and_go(struct lab *lab, unsigned *sent)
{
	for (unsigned i = 0; i < N; i++) {
		add(lab, "null", i);
		if (i % 8 == 0)
			talk(lab, sent);
	}
	assert_int_equal(lab_switch(lab, "br0").n_ports, N + 2);
	for (unsigned i = 0; i < N; i++) {
		remove_it(lab, "n", i);
		if (i % 8 == 0)
			talk(lab, sent);
	}
	lab_settle(lab);
}

// Not a frame of two others is lost, and the memory comes back.
static void a_thousand_ports_come_and_go(void **state)
{
	unsigned sent = 0;
	struct lab lab;
	size_t used;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_learn(&lab);
	lab_attach(&lab, "probe-filter", 0);
	come_and_go(&lab, &sent); // tables have their size now
	used = heap();
	come_and_go(&lab, &sent);
	// Within what the log of the laboratory and a table may have grown.
	assert_true(heap() < used + (512 << 10));
	assert_int_equal(lab_switch(&lab, "br0").n_ports, 2);
	assert_int_equal(sent, 4 * ((N + 7) / 8));
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_broadcast_storm_composes_each_destination_once),
		cmocka_unit_test(a_thousand_ports_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
