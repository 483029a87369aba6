// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Stage 7: who captures drops sees the flows that are decided to be dropped, and the frames that
// are dropped only when they are sent.
#include "lab_probe.h"

static const char capture[] = "probe-capture", filter[] = "probe-filter";

static void start(struct lab *lab, bool narrow_mirror)
{
	struct weir_port_config narrow = { .size = sizeof(narrow), .mtu = 68 };

	lab_start(lab, &(struct lab_options){ .n_ports = 3 });
	lab_learn(lab);
	lab_attach(lab, capture, 10);
	lab_attach(lab, filter, 10);
	assert_int_equal(
		weir_port_set(lab->weir, "p1", &narrow, WEIR_PORT_SET_MTU, 0, &lab->error), 0);
	if (narrow_mirror)
		assert_int_equal(
			weir_port_set(lab->weir, "p2", &narrow, WEIR_PORT_SET_MTU, 0, &lab->error),
			0);
	lab_act(lab, "p1", capture, "copy", (Probe__Act){ AT(DROP, COPY), PORT("p2") });
}

static struct lab_frame large(void)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);

	memset(frame.bytes + frame.size, 0, 100);
	frame.size += 100;
	return frame;
}

static void a_frame_too_big_is_captured(void **state)
{
	struct lab_frame frame = large(), small = lab_udp(0, 1, 1, 2), got;
	uint64_t copies;
	struct lab lab;

	(void)state;
	start(&lab, false);
	copies = lab_switch(&lab, "br0").copies;
	for (unsigned i = 1; i <= 3; i++) {
		lab_send(&lab, 0, &frame);
		lab_run(&lab);
		assert_false(lab_receive(&lab, 1, &got));
		assert_true(lab_receive(&lab, 2, &got));
		assert_int_equal(got.size, frame.size);
		assert_memory_equal(got.bytes, frame.bytes, frame.size);
		assert_int_equal(lab_drops(&lab, "core", "too-big"), i);
		assert_int_equal(lab_switch(&lab, "br0").copies, copies + i);
	}
	// What passes is no drop.
	lab_assert_pass(&lab, 0, &small, 1 << 1);
	lab_remove_policy(&lab, "p1", capture, "copy");
	lab_settle(&lab);
	lab_send(&lab, 0, &frame);
	lab_run(&lab);
	assert_false(lab_receive(&lab, 2, &got));
	lab_end(&lab);
}

// The copy of a dropped frame that is dropped itself is not copied again.
static void a_mirror_that_drops_ends_it(void **state)
{
	struct lab_frame frame = large(), got;
	struct lab lab;

	(void)state;
	start(&lab, true);
	lab_act(&lab, "p2", capture, "copy", (Probe__Act){ AT(DROP, COPY), PORT("p1") });
	for (unsigned i = 1; i <= 3; i++) {
		lab_send(&lab, 0, &frame);
		lab_run(&lab);
		assert_false(lab_receive(&lab, 1, &got));
		assert_false(lab_receive(&lab, 2, &got));
		assert_int_equal(lab_drops(&lab, "core", "too-big"), 2 * i);
	}
	lab_end(&lab);
}

static void a_decided_drop_is_captured_once(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2), got;
	struct lab lab;

	(void)state;
	start(&lab, false);
	lab_act(&lab, "p1", filter, "drop", (Probe__Act){ AT(EGRESS, DROP_FRAME) });
	for (unsigned i = 0; i < 3; i++) {
		lab_send(&lab, 0, &frame);
		lab_run(&lab);
		assert_false(lab_receive(&lab, 1, &got));
		assert_true(lab_receive(&lab, 2, &got));
		assert_false(lab_receive(&lab, 2, &got));
	}
	lab_end(&lab);
}

struct sum {
	const char *port;
	uint64_t frames;
};

static void add_drop(void *context, const struct weir_drop_info *info)
{
	struct sum *sum = context;

	if (strcmp(info->port, sum->port) == 0)
		sum->frames += info->frames;
}

// What is listed under a port's name, "" for none, by a list of the port alone (NULL: of all).
static uint64_t list_drops(struct lab *lab, const char *port, const char *only, bool reset)
{
	const struct weir_drop_list_filter which = {
		.size = sizeof(which), .port = only, .reset = reset
	};
	struct sum sum = { port, 0 };

	assert_int_equal(weir_drop_list_some(lab->weir, &which, add_drop, &sum, &lab->error), 0);
	return sum.frames;
}

// Every drop is given out once: by a list of its port, or of all, or after its port is gone.
static void a_reset_gives_each_drop_out_once(void **state)
{
	struct lab_frame frame = large();
	struct lab lab;

	(void)state;
	start(&lab, false);
	for (unsigned i = 0; i < 5; i++)
		lab_send(&lab, 0, &frame);
	lab_run(&lab);
	assert_int_equal(list_drops(&lab, "p1", "p0", true), 0);
	assert_int_equal(list_drops(&lab, "p1", "p1", true), 5);
	assert_int_equal(list_drops(&lab, "p1", NULL, false), 0);
	lab_send(&lab, 0, &frame);
	lab_run(&lab);
	assert_int_equal(list_drops(&lab, "p1", NULL, false), 1);
	// Counts of the switch are the frames' and not the list's.
	assert_int_equal(lab_switch(&lab, "br0").dropped, 6);
	assert_int_equal(weir_port_remove(lab.weir, "p1", 0, &lab.error), 0);
	lab_settle(&lab);
	assert_int_equal(list_drops(&lab, "", NULL, true), 1);
	assert_int_equal(list_drops(&lab, "", NULL, true), 0);
	assert_int_equal(lab_switch(&lab, "br0").dropped, 6);
	lab_end(&lab);
}

static void what_cannot_be_listed(void **state)
{
	struct weir_drop_list_filter which = { .size = sizeof(which), .port = "p9" };
	struct sum sum = { "", 0 };
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 1 });
	lab_assert_refused(&lab, weir_drop_list_some(lab.weir, &which, add_drop, &sum, &lab.error),
		ENOENT, "port \"p9\": there is none of this name");
	which = (struct weir_drop_list_filter){ .size = sizeof(which), .switch_name = "br9" };
	lab_assert_refused(&lab, weir_drop_list_some(lab.weir, &which, add_drop, &sum, &lab.error),
		ENOENT, "switch \"br9\": there is none of this name");
	assert_int_equal(weir_switch_add(lab.weir, "br1", 0, &lab.error), 0);
	which.switch_name = "br1";
	which.port = "p0";
	lab_assert_refused(&lab, weir_drop_list_some(lab.weir, &which, add_drop, &sum, &lab.error),
		ENOENT, "port \"p0\" is on switch br0, not on br1");
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_too_big_is_captured),
		cmocka_unit_test(a_mirror_that_drops_ends_it),
		cmocka_unit_test(a_decided_drop_is_captured_once),
		cmocka_unit_test(a_reset_gives_each_drop_out_once),
		cmocka_unit_test(what_cannot_be_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
