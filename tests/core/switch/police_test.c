// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Policers on a whole switch: what passes, what is counted, whose they are, how long they live. The
// bucket by itself has a test of its own (policer_test.c).
#include "lab_probe.h"

static const char filter[] = "probe-filter";

enum { ETH = 14, IP = 20, TCP = 20, MSS = 1000, SEGMENTS = 10, TSO = ETH + IP + TCP };

static void start(struct lab *lab, bool split)
{
	lab_start(lab, &(struct lab_options){ .n_ports = 3 });
	lab_learn(lab);
	lab_attach(lab, filter, 0);
	// The destination reads more than the source: the halves are not fused.
	if (split)
		lab_reads(lab, "p1", filter, WEIR_FIELD_IP_TTL);
}

static unsigned drain(struct lab *lab, unsigned port)
{
	struct lab_frame frame;
	unsigned n = 0;

	while (lab_receive(lab, port, &frame))
		n++;
	return n;
}

// Sends n frames in one batch, and says how many come out of port `to`.
static unsigned pass(struct lab *lab, const struct lab_frame *frame, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		lab_send(lab, 0, frame);
	lab_run(lab);
	return drain(lab, 1);
}

// So many milliseconds pass, in each of which n frames are sent.
static unsigned pass_for(struct lab *lab, const struct lab_frame *frame, unsigned n, unsigned ms)
{
	uint64_t until = lab->clock_ns + ms * UINT64_C(1000000);
	unsigned passed = 0;

	while (lab->clock_ns < until)
		passed += pass(lab, frame, n);
	return passed;
}

static void the_rate_is_met(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	uint64_t began, ns, bytes;
	struct lab lab;

	(void)state;
	for (unsigned split = 0; split < 2; split++) {
		start(&lab, split);
		lab_act(&lab, "p0", filter, "slow",
			(Probe__Act){ AT(INGRESS, POLICE), LIMIT(8000000, 10000) });
		pass(&lab, &frame, 250); // empties it
		began = lab.clock_ns;
		bytes = (uint64_t)pass_for(&lab, &frame, 60, 1000) * frame.size;
		ns = lab.clock_ns - began;
		assert_in_range(bytes, ns / 1000 * 99 / 100, ns / 1000 * 101 / 100); // 1 MB/s
		// And then the burst, which is no more than that.
		lab_act(&lab, "p0", filter, "slow",
			(Probe__Act){ AT(INGRESS, POLICE), LIMIT(1000, 10000) });
		lab_advance_s(&lab, 100);
		assert_int_equal(pass(&lab, &frame, 250), 10000 / frame.size);
		lab_end(&lab);
	}
}

// design: total meter = delivered + run-time drops after it.
static void what_is_over_is_dropped_and_counted(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	for (unsigned split = 0; split < 2; split++) {
		start(&lab, split);
		lab_attach(&lab, "probe-after", 90);
		lab_act(&lab, "p0", filter, "before", (Probe__Act){ AT(INGRESS, METER) });
		lab_act(&lab, "p0", filter, "slow",
			(Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1, 7) });
		lab_act(&lab, "p0", "probe-after", "behind", (Probe__Act){ AT(FORWARDED, METER) });
		lab_act(&lab, "p1", filter, "out", (Probe__Act){ AT(EGRESS, METER) });
		assert_int_equal(pass(&lab, &frame, 100), 7);
		assert_int_equal(lab_drops(&lab, "core", "over-rate"), 93);
		assert_int_equal(lab_meter(&lab, "p0", filter, "before"), 100);
		assert_int_equal(lab_meter(&lab, "p0", "probe-after", "behind"), 7);
		assert_int_equal(lab_meter(&lab, "p1", filter, "out"), 7);
		lab_end(&lab);
	}
}

static void what_is_decided_to_be_dropped_pays_nothing(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	for (unsigned split = 0; split < 2; split++) {
		start(&lab, split);
		lab_act(&lab, "p0", filter, "slow",
			(Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1, 7) });
		lab_act(&lab, "p1", filter, "drop", (Probe__Act){ AT(EGRESS, EXCLUDE) });
		assert_int_equal(pass(&lab, &frame, 100), 0);
		assert_int_equal(lab_drops(&lab, filter, "told"), 100);
		lab_remove_policy(&lab, "p1", filter, "drop");
		assert_int_equal(pass(&lab, &frame, 100), 7);
		lab_end(&lab);
	}
}

// A flood pays once on the way in, and on the way out per destination.
static void floods_pay_once_on_the_way_in(void **state)
{
	struct lab_frame frame = lab_udp(0, LAB_BROADCAST, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab, false);
	lab_act(&lab, "p0", filter, "in",
		(Probe__Act){ AT(FORWARDED, POLICE_FRAMES), LIMIT(1, 20) });
	lab_act(&lab, "p1", filter, "out", (Probe__Act){ AT(EGRESS, POLICE_FRAMES), LIMIT(1, 5) });
	for (unsigned i = 0; i < 50; i++)
		lab_send(&lab, 0, &frame);
	lab_run(&lab);
	assert_int_equal(drain(&lab, 1), 5);
	assert_int_equal(drain(&lab, 2), 20);
	assert_int_equal(lab_drops(&lab, "core", "over-rate"), 30 + 15);
	lab_end(&lab);
}

static void several_in_one_program(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2), wide = lab_udp(0, 1, 1, 80);
	char program[256];
	struct lab lab;

	(void)state;
	start(&lab, false);
	lab_attach(&lab, "probe-after", 90);
	lab_act(&lab, "p0", filter, "port",
		(Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1, 50) });
	lab_act(&lab, "p0", "probe-after", "web",
		(Probe__Act){ AT(INGRESS, POLICE), LIMIT(1000, 10 * wide.size), IF(l4_dst, 80) });
	assert_int_equal(pass(&lab, &wide, 30), 10);
	lab_program(&lab, "l4_dst=80", program, sizeof(program));
	assert_string_equal(program, "police port, police web, output p1");
	// The thirty paid to the first; and other flows of the port share that one.
	assert_int_equal(pass(&lab, &frame, 100), 20);
	lab_end(&lab);
}

static void the_reason_may_be_the_extensions_own(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab, false);
	lab_act(&lab, "p0", filter, "slow",
		(Probe__Act){ AT(INGRESS, POLICE_AS), LIMIT(1, 7), .has_one_in = 1, .one_in = 1 });
	assert_int_equal(pass(&lab, &frame, 20), 7);
	assert_int_equal(lab_drops(&lab, filter, "other"), 13);
	// There is no third reason.
	lab_act(&lab, "p0", filter, "slow",
		(Probe__Act){ AT(INGRESS, POLICE_AS), LIMIT(1, 7), .has_one_in = 1, .one_in = 2 });
	assert_int_equal(pass(&lab, &frame, 20), 20);
	assert_int_equal(lab_extension(&lab, filter).invalid, 1);
	lab_end(&lab);
}

static void segments_cost_what_they_will_be(void **state)
{
	static uint8_t bytes[TSO + SEGMENTS * MSS];
	struct lab_frame head = lab_tcp(0, 1, 80, 0x18);
	uint16_t length = htobe16(sizeof(bytes) - ETH);
	struct virtio_net_hdr offload = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = TSO,
		.gso_size = MSS,
		.csum_start = ETH + IP,
		.csum_offset = 16,
	};
	unsigned n = 0;
	struct lab lab;

	(void)state;
	memcpy(bytes, head.bytes, TSO);
	memcpy(bytes + ETH + 2, &length, 2);
	start(&lab, false);
	lab_act(&lab, "p0", filter, "frames",
		(Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1, 25) });
	lab_act(&lab, "p0", filter, "bits",
		(Probe__Act){ AT(INGRESS, POLICE), LIMIT(1000, 3 * SEGMENTS * (TSO + MSS)) });
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
			weir_memory_send(lab.ends[0], 0, bytes, sizeof(bytes), &offload), 0);
	lab_run(&lab);
	// Twenty are paid for; the third ten go as a whole.
	assert_int_equal(lab_drops(&lab, "core", "over-rate"), SEGMENTS);
	while (weir_memory_receive(lab.ends[1], 0, bytes, sizeof(bytes), NULL) > 0)
		n++;
	assert_int_equal(n, 2);
	// Two of three were paid in bits as well: the other third is there, and what is left of the
	// frames is five.
	assert_int_equal(pass(&lab, &head, 100), 5);
	lab_end(&lab);
}

// ---- Life

static void changes_keep_the_bucket(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab, false);
	lab_act(&lab, "p0", filter, "slow",
		(Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1, 50) });
	assert_int_equal(pass(&lab, &frame, 40), 40);
	// Another policy of the port, another rate, another burst: ten are left.
	lab_act(&lab, "p0", filter, "other", (Probe__Act){ AT(INGRESS, NOTHING) });
	assert_int_equal(pass(&lab, &frame, 1), 1);
	lab_act(&lab, "p0", filter, "slow",
		(Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(10, 50) });
	assert_int_equal(pass(&lab, &frame, 1), 1);
	lab_act(&lab, "p0", filter, "slow",
		(Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(10, 5) });
	assert_int_equal(pass(&lab, &frame, 40), 5);
	// What is only checked changes nothing; nor does what is refused.
	assert_int_equal(lab_try_act(&lab, "p0", filter, "slow",
				 (Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1000000, 50) },
				 WEIR_DRY_RUN),
		0);
	assert_int_equal(pass(&lab, &frame, 40), 0);
	lab_advance_s(&lab, 10);
	assert_int_equal(pass(&lab, &frame, 40), 5);
	// Of the same name, and in bits: another one.
	lab_act(&lab, "p0", filter, "slow",
		(Probe__Act){ AT(INGRESS, POLICE), LIMIT(1000, 3 * frame.size) });
	assert_int_equal(pass(&lab, &frame, 40), 3);
	lab_end(&lab);
}

// Flows decided before go on with the bucket that they name until they are decided anew; nobody
// else gets its number meanwhile.
static void one_that_is_removed_is_used_to_the_end(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	char program[256];
	struct lab lab;

	(void)state;
	start(&lab, false);
	lab_act(&lab, "p0", filter, "one",
		(Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1, 50) });
	assert_int_equal(pass(&lab, &frame, 45), 45);
	lab_remove_policy(&lab, "p0", filter, "one");
	lab_act(&lab, "p0", filter, "two",
		(Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1, 20) });
	assert_int_equal(pass(&lab, &frame, 40), 20);
	lab_program(&lab, "", program, sizeof(program));
	assert_string_equal(program, "police two, output p1");
	// Swept: the next one has the first number, and nothing of the bucket.
	lab_settle(&lab);
	lab_act(&lab, "p0", filter, "three",
		(Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1, 9) });
	lab_remove_policy(&lab, "p0", filter, "two");
	assert_int_equal(pass(&lab, &frame, 40), 9);
	lab_program(&lab, "", program, sizeof(program));
	assert_string_equal(program, "police three, output p1");
	lab_detach(&lab, filter);
	assert_int_equal(pass(&lab, &frame, 40), 40);
	lab_end(&lab);
}

// A policer of the switch for flows of several ports.
static void ports_share_one_of_the_switch(void **state)
{
	struct lab_frame from_0 = lab_udp(0, 1, 1, 2), from_2 = lab_udp(2, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab, false);
	lab_act(&lab, "switch:br0", filter, "all",
		(Probe__Act){ AT(CONTROL, POLICE_FRAMES), LIMIT(1, 30) });
	lab_act(&lab, "p0", filter, "use", (Probe__Act){ AT(INGRESS, POLICE), VALUE(0) });
	lab_act(&lab, "p2", filter, "use", (Probe__Act){ AT(INGRESS, POLICE), VALUE(0) });
	assert_int_equal(pass(&lab, &from_0, 20), 20);
	for (unsigned i = 0; i < 20; i++)
		lab_send(&lab, 2, &from_2);
	lab_run(&lab);
	assert_int_equal(drain(&lab, 1), 10);
	lab_end(&lab);
}

// ---- What is refused

static void bounds(void **state)
{
	static const struct {
		Probe__Act__What what;
		uint64_t rate, burst;
		const char *sentence;
	} rows[] = {
		{ PROBE__ACT__WHAT__POLICE, 999, 1000,
			"rate \"999\": must be 1000 to 1000000000000 bits per second" },
		{ PROBE__ACT__WHAT__POLICE, UINT64_C(1000000000001), 1000,
			"rate \"1000000000001\": must be 1000 to 1000000000000 bits per second" },
		{ PROBE__ACT__WHAT__POLICE, 1000, 0, "burst \"0\": must be 1 to 1000000000 bytes" },
		{ PROBE__ACT__WHAT__POLICE, 1000, UINT64_C(1000000001),
			"burst \"1000000001\": must be 1 to 1000000000 bytes" },
		{ PROBE__ACT__WHAT__POLICE_FRAMES, 0, 1,
			"rate \"0\": must be 1 to 1000000000 frames per second" },
		{ PROBE__ACT__WHAT__POLICE_FRAMES, 1, UINT64_MAX,
			"burst \"18446744073709551615\": must be 1 to 1000000000 frames" },
	};
	struct lab lab;

	(void)state;
	start(&lab, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		Probe__Act act = { AT(INGRESS, NOTHING), LIMIT(rows[i].rate, rows[i].burst) };

		act.what = rows[i].what;
		lab_assert_refused(&lab, lab_try_act(&lab, "p0", filter, "bad", act, 0), EINVAL,
			rows[i].sentence);
	}
	lab_end(&lab);
}

static void others_and_capture_may_not(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab, false);
	lab_attach(&lab, "probe-after", 90);
	lab_attach(&lab, "probe-capture", 0);
	lab_act(&lab, "p2", filter, "mine",
		(Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1, 1) });
	lab_act(&lab, "p0", "probe-after", "theirs", (Probe__Act){ AT(INGRESS, POLICE), VALUE(0) });
	lab_act(&lab, "p0", "probe-capture", "no", (Probe__Act){ AT(INGRESS, POLICE), VALUE(0) });
	assert_int_equal(pass(&lab, &frame, 5), 5);
	assert_non_null(strstr(lab_extension(&lab, "probe-after").last_offence,
		"policer 0: is none of this extension's"));
	assert_non_null(strstr(lab_extension(&lab, "probe-capture").last_offence,
		"police at stage ingress is not for the class capture"));
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rate_is_met),
		cmocka_unit_test(what_is_over_is_dropped_and_counted),
		cmocka_unit_test(what_is_decided_to_be_dropped_pays_nothing),
		cmocka_unit_test(floods_pay_once_on_the_way_in),
		cmocka_unit_test(several_in_one_program),
		cmocka_unit_test(the_reason_may_be_the_extensions_own),
		cmocka_unit_test(segments_cost_what_they_will_be),
		cmocka_unit_test(changes_keep_the_bucket),
		cmocka_unit_test(one_that_is_removed_is_used_to_the_end),
		cmocka_unit_test(ports_share_one_of_the_switch),
		cmocka_unit_test(bounds),
		cmocka_unit_test(others_and_capture_may_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
