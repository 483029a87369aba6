// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Extensions that cheat: what they did not declare they do not see, what makes no sense has no
// effect, and strict mode tells on those who break a promise.
#include "lab_probe.h"

enum { N = 3 };

static void pass(struct lab *lab, const struct lab_frame *frame, unsigned to)
{
	for (unsigned i = 0; i < N; i++)
		lab_assert_pass(lab, 0, frame, to);
}

static void undeclared_fields_read_as_zero(void **state)
{
	struct lab_frame telnet = lab_udp(0, 1, 1, 23);
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_learn(&lab);
	lab_attach(&lab, "probe-filter", 0);
	lab_act(&lab, "p0", "probe-filter", "drop",
		(Probe__Act){ AT(INGRESS, DROP_FRAME), IF(l4_dst, 23), .has_undeclared = 1,
			.undeclared = 1 });
	pass(&lab, &telnet, 1 << 1);
	// Nor when another extension has it in the key.
	lab_attach(&lab, "probe-after", 0);
	lab_act(&lab, "p0", "probe-after", "see",
		(Probe__Act){
			AT(INGRESS, SET), IF(l4_dst, 23), VALUE(WEIR_FIELD_IP_TOS), BYTE(0x20) });
	pass(&lab, &telnet, 1 << 1);
	lab_act(&lab, "p0", "probe-filter", "drop",
		(Probe__Act){ AT(INGRESS, DROP_FRAME), IF(l4_dst, 0), .has_undeclared = 1,
			.undeclared = 1 });
	pass(&lab, &telnet, 0);
	lab_end(&lab);
}

static void strict_mode_tells_who_reads_undeclared_fields(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 23);

	(void)state;
	for (unsigned strict = 0; strict < 2; strict++) {
		struct lab_extension e;
		struct lab lab;

		lab_start(&lab, &(struct lab_options){ .n_ports = 2, .strict = strict });
		lab_learn(&lab);
		lab_attach(&lab, "cheat-reads", 0);
		// What it decides about zeros stands.
		pass(&lab, &frame, 1 << 1);
		e = lab_extension(&lab, "cheat-reads");
		assert_int_equal(e.impure, strict ? N : 0);
		assert_int_equal(e.decisions, 1);
		assert_int_equal(e.violations + e.invalid, 0);
		if (strict)
			assert_string_equal(e.last_offence,
				"the decision at stage ingress depends on WEIR_FIELD_L4_DST, not "
				"declared to be read");
		lab_end(&lab);
	}
}

// A value that the frame at hand has, whatever it is, in every field that is compared.
static void strict_mode_tells_who_compares_undeclared_fields(void **state)
{
	struct lab_frame plain = lab_udp(0, 1, 1, 23), frames[6];

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		frames[i] = plain;
	frames[1] = lab_udp(0, 1, 3001, 23);
	frames[2].bytes[26] = 99;   // the source address
	frames[3].bytes[15] = 0x2c; // the type of service
	frames[4] = lab_tagged(plain, 77);
	frames[5].bytes[5] = 0x42; // the destination
	for (unsigned i = 0; i < 6; i++) {
		unsigned out[LAB_PORTS_MAX];
		struct lab_extension e;
		struct lab lab;

		lab_start(&lab, &(struct lab_options){ .n_ports = 2, .strict = true });
		lab_learn(&lab);
		lab_attach(&lab, "cheat-compares", 0);
		lab_pass(&lab, 0, &frames[i], out, 1, NULL);
		e = lab_extension(&lab, "cheat-compares");
		if ((e.impure > 0) != (i > 0))
			fail_msg("frame %u: %d of %d decisions are impure", i, (int)e.impure,
				(int)e.decisions);
		lab_end(&lab);
	}
}

// A known flow is decided anew for a frame, after a change of policy say: with what that one has.
static void strict_mode_compares_when_a_flow_is_decided_anew(void **state)
{
	struct lab_frame plain = lab_udp(0, 1, 1, 23), frame = lab_udp(0, 1, 3001, 23);
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2, .strict = true });
	lab_learn(&lab);
	lab_attach(&lab, "cheat-compares", 0);
	lab_attach(&lab, "probe-filter", -1);
	pass(&lab, &plain, 1 << 1);
	assert_int_equal(lab_extension(&lab, "cheat-compares").impure, 0);
	lab_act(&lab, "p0", "probe-filter", "set",
		(Probe__Act){ AT(INGRESS, SET), VALUE(WEIR_FIELD_IP_TOS), BYTE(0x20) });
	pass(&lab, &frame, 1 << 1);
	assert_true(lab_extension(&lab, "cheat-compares").impure > 0);
	lab_end(&lab);
}

// Nothing is decided anew for a later frame of a known flow, but it is looked whether that would
// make a difference.
static void strict_mode_compares_later_frames(void **state)
{
	struct lab_frame plain = lab_udp(0, 1, 1, 23),
			 frames[3] = { lab_udp(0, 1, 3001, 23), plain, plain };

	(void)state;
	frames[1].bytes[26] = 99;   // the source address
	frames[2].bytes[15] = 0x2c; // the type of service
	for (unsigned i = 0; i < 6; i++) {
		const bool strict = i < 3;
		struct lab_extension before, after;
		struct lab lab;

		lab_start(&lab, &(struct lab_options){ .n_ports = 2, .strict = strict });
		lab_learn(&lab);
		lab_attach(&lab, "cheat-compares", 0);
		pass(&lab, &plain, 1 << 1);
		before = lab_extension(&lab, "cheat-compares");
		assert_int_equal(before.impure, 0);
		lab_assert_pass(&lab, 0, &frames[i % 3], 1 << 1);
		after = lab_extension(&lab, "cheat-compares");
		assert_int_equal(after.decisions, before.decisions);
		if ((after.impure > 0) != strict)
			fail_msg("frame %u: impure %d", i, (int)after.impure);
		lab_end(&lab);
	}
}

// Where a frame came from is a field at the egress stages.
static void strict_mode_tells_who_reads_where_it_came_from(void **state)
{
	struct lab_frame own = lab_udp(0, 2, 1, 2), other = lab_udp(1, 2, 1, 2);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const bool strict = i & 1, split = i & 2;
		struct lab lab;

		lab_start(&lab, &(struct lab_options){ .n_ports = 3, .strict = strict });
		lab_learn(&lab);
		lab_attach(&lab, "cheat-ingress", 0);
		lab_attach(&lab, "probe-filter", 0);
		// Then the egress half is one flow, wherever its frames come from.
		if (split)
			lab_reads(&lab, "p2", "probe-filter", WEIR_FIELD_IP_TTL);
		lab_assert_pass(&lab, 1, &other, 1 << 2);
		assert_int_equal(lab_extension(&lab, "cheat-ingress").impure, 0);
		lab_assert_pass(&lab, 0, &own, 1 << 2);
		assert_int_equal(lab_extension(&lab, "cheat-ingress").impure, strict);
		lab_end(&lab);
	}
}

static void strict_mode_tells_who_writes_into_captured_frames(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 23);

	(void)state;
	for (unsigned strict = 0; strict < 2; strict++) {
		struct lab_extension e;
		struct lab lab;

		lab_start(&lab, &(struct lab_options){ .n_ports = 2, .strict = strict });
		lab_learn(&lab);
		lab_attach(&lab, "cheat-casts", 0);
		lab_attach(&lab, "watcher", 0); // looks only
		pass(&lab, &frame, 1 << 1);
		e = lab_extension(&lab, "cheat-casts");
		assert_int_equal(e.visits, N);
		assert_int_equal(e.modified, strict ? N : 0);
		assert_string_equal(
			e.last_offence, strict ? "a capture visit has changed a frame" : "");
		e = lab_extension(&lab, "watcher");
		assert_int_equal(e.visits, 2 * N);
		assert_int_equal(e.modified, 0);
		lab_end(&lab);
	}
}

// Whoever reads everything and keeps to the rules has nothing to fear.
static void strict_mode_accuses_nobody_else(void **state)
{
	static const char *const extensions[] = { "probe-capture", "probe-after", "probe-filter",
		"probe-forwarding", "marker", "no-telnet" };
	struct lab_frame udp = lab_udp(0, 1, 1, 23), tcp = lab_tcp(0, 1, 80, 2);
	struct lab_frame tagged = lab_tagged(lab_tagged(udp, 7), 8);
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2, .strict = true });
	lab_learn(&lab);
	for (unsigned i = 0; i < 6; i++)
		lab_attach(&lab, extensions[i], -1);
	lab_reads(&lab, "p0", "probe-filter", WEIR_FIELDS_ALL);
	lab_act(&lab, "p0", "probe-filter", "set",
		(Probe__Act){ AT(INGRESS, SET), VALUE(WEIR_FIELD_VLAN_ID), BYTES("\x09\0", 2),
			IF(vlan, 8) });
	lab_act(&lab, "p1", "probe-after", "set",
		(Probe__Act){
			AT(EGRESS, SET), VALUE(WEIR_FIELD_IP_TOS), BYTE(0x20), IF(tos, 0xb8) });
	pass(&lab, &udp, 1 << 1);
	pass(&lab, &tcp, 1 << 1);
	pass(&lab, &tagged, 1 << 1);
	for (unsigned i = 0; i < 6; i++) {
		struct lab_extension e = lab_extension(&lab, extensions[i]);

		if (e.violations + e.invalid + e.impure + e.modified)
			fail_msg("%s: %s", extensions[i], e.last_offence);
		assert_true(e.decisions > 0);
	}
	lab_end(&lab);
}

static void nonsense_has_no_effect(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 23), got = { .size = 0 };
	struct lab_extension e;
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_learn(&lab);
	lab_attach(&lab, "cheat-values", 0);
	lab_pass(&lab, 0, &frame, NULL, 1, &got);
	assert_int_equal(got.size, frame.size);
	assert_memory_equal(got.bytes, frame.bytes, frame.size);
	e = lab_extension(&lab, "cheat-values");
	assert_int_equal(e.invalid, 11 * e.decisions);
	assert_int_equal(e.violations, 0);
	assert_string_equal(e.last_offence, "drop reason 1: the extension has 1");
	lab_end(&lab);
}

// It is the decision's fault, and not that of each frame that it is tried with.
static void nonsense_counts_once(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 23);
	struct lab lab;

	(void)state;
	for (unsigned strict = 0; strict < 2; strict++) {
		struct lab_extension e;

		lab_start(&lab, &(struct lab_options){ .n_ports = 2, .strict = strict });
		lab_learn(&lab);
		lab_attach(&lab, "cheat-values", 0);
		pass(&lab, &frame, 1 << 1);
		e = lab_extension(&lab, "cheat-values");
		assert_int_equal(e.decisions, 1);
		assert_int_equal(e.invalid, 11);
		lab_end(&lab);
	}
}

static void bad_arguments_are_counted(void **state)
{
	static const struct {
		const char *extension;
		Probe__Act act;
		unsigned to;
		const char *text;
	} rows[] = {
		{ "probe-forwarding", { AT(FORWARD, SEND_TO), VALUE(0x10001) }, 0,
			"destination 0x00010001: there is no such port" },
		{ "probe-forwarding", { AT(FORWARD, SEND_TO), VALUE(77) }, 0,
			"destination 0x0000004d: there is no such port" },
		{ "probe-forwarding", { AT(FORWARD, SEND_TO), VALUE(WEIR_PORT_NONE) }, 0,
			"destination 0xffffffff: there is no such port" },
		{ "probe-forwarding", { AT(FORWARD, REDIRECT), VISIT, VALUE(77) }, 1 << 1,
			"visit: redirected to a port that does not exist" },
		{ "probe-filter", { AT(INGRESS, DROP_FRAME), VISIT, VALUE(2) }, 1 << 1,
			"visit: drop with a reason that the extension does not have" },
		{ "probe-filter", { AT(INGRESS, EXCLUDE), VALUE(0) }, 1 << 1,
			"exclude at stage ingress: destinations are excluded at stage egress" },
		{ "probe-capture", { AT(INGRESS, COPY), VALUE(77) }, 1 << 1,
			"1 in 1: no such sink" },
		{ "probe-capture", { AT(INGRESS, COPY), PORT("p0"), .has_one_in = 1, .one_in = 0 },
			1 << 1, "1 in 0" },
	};
	struct lab_frame frame = lab_udp(0, 1, 1, 23);

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lab_extension e;
		struct lab lab;

		lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
		lab_learn(&lab);
		lab_attach(&lab, rows[i].extension, 0);
		lab_act(&lab, "p0", rows[i].extension, "try", rows[i].act);
		pass(&lab, &frame, rows[i].to);
		e = lab_extension(&lab, rows[i].extension);
		if (e.invalid + e.violations == 0 || !strstr(e.last_offence, rows[i].text))
			fail_msg("row %u: invalid %d, violations %d, \"%s\"", i, (int)e.invalid,
				(int)e.violations, e.last_offence);
		lab_end(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(undeclared_fields_read_as_zero),
		cmocka_unit_test(strict_mode_tells_who_reads_undeclared_fields),
		cmocka_unit_test(strict_mode_tells_who_compares_undeclared_fields),
		cmocka_unit_test(strict_mode_compares_when_a_flow_is_decided_anew),
		cmocka_unit_test(strict_mode_compares_later_frames),
		cmocka_unit_test(strict_mode_tells_who_reads_where_it_came_from),
		cmocka_unit_test(strict_mode_tells_who_writes_into_captured_frames),
		cmocka_unit_test(strict_mode_accuses_nobody_else),
		cmocka_unit_test(nonsense_has_no_effect),
		cmocka_unit_test(nonsense_counts_once),
		cmocka_unit_test(bad_arguments_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
