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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_too_big_is_captured),
		cmocka_unit_test(a_mirror_that_drops_ends_it),
		cmocka_unit_test(a_decided_drop_is_captured_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
