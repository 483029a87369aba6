// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Extensions on the stack: their order, and how they come and go.
#include "lab_probe.h"

static void ordered_by_class_number_and_name(void **state)
{
	static const struct {
		const char *name;
		int order;
	} attached[] = {
		{ "probe-service", 0 },
		{ "probe-forwarding", 0 },
		{ "nothing-2", 20 },
		{ "nothing-1", 20 },
		{ "marker", 5 },
		{ "watcher", 65535 },
		{ "probe-capture", 3 },
		{ "probe-after", WEIR_ORDER_DEFAULT },
	};
	static const struct {
		const char *name;
		int order;
	} expected[] = {
		{ "probe-capture", 3 },
		{ "watcher", 65535 },
		{ "marker", 5 },
		{ "nothing-1", 20 },
		{ "nothing-2", 20 },
		{ "probe-after", 30 },
		{ "probe-forwarding", 0 },
		{ "probe-service", 0 },
	};
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 1 });
	for (unsigned i = 0; i < 8; i++)
		lab_attach(&lab, attached[i].name, attached[i].order);
	for (unsigned i = 0; i < 8; i++) {
		struct lab_extension e = lab_extension(&lab, expected[i].name);

		if (!e.attached || e.position != i || e.order != expected[i].order)
			fail_msg("%s stands at %u with order %d, expected %u with order %d",
				expected[i].name, e.position, e.order, i, expected[i].order);
	}
	lab_assert_refused(&lab,
		weir_extension_attach(lab.weir, "br0", "nothing-3", 65536, 0, &lab.error), EINVAL,
		"order 65536: must be 0 to 65535");
	lab_assert_refused(&lab,
		weir_extension_attach(lab.weir, "br0", "nothing-3", -2, 0, &lab.error), EINVAL,
		"order -2: must be 0 to 65535");
	lab_end(&lab);
}

// As many as a stack can have: each is asked, the first and the last do what they do, and a cached
// frame knows nothing of the others.
static void sixty_four_deep(void **state)
{
	enum { DEEP = 64, FRAMES = 5 };
	struct lab_frame frame = lab_udp(0, 1, 1, 2), got;
	char program[256], name[16];
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_learn(&lab);
	lab_attach(&lab, "probe-filter", 0);
	for (unsigned i = 1; i <= DEEP - 2; i++) {
		snprintf(name, sizeof(name), "nothing-%u", i);
		lab_attach(&lab, name, WEIR_ORDER_DEFAULT);
	}
	lab_attach(&lab, "probe-after", WEIR_ORDER_DEFAULT);
	assert_int_equal(lab_extension(&lab, "probe-after").position, DEEP - 1);
	assert_int_equal(lab_extension(&lab, "probe-after").order, 10 * (DEEP - 1));
	lab_assert_refused(&lab,
		weir_extension_attach(lab.weir, "br0", "nothing-63", -1, 0, &lab.error), ENOSPC,
		"switch br0: has 64 extensions, the most allowed");
	lab_act(&lab, "p0", "probe-filter", "m", (Probe__Act){ AT(INGRESS, METER) });
	lab_act(&lab, "p0", "probe-after", "v",
		(Probe__Act){ AT(INGRESS, EDIT), VISIT, VALUE(15), BYTES("\xb8", 1) });
	lab_act(&lab, "p1", "probe-filter", "e",
		(Probe__Act){ AT(EGRESS, EDIT), VISIT, VALUE(40), BYTES("\x77", 1) });
	lab_act(&lab, "p1", "probe-after", "m", (Probe__Act){ AT(EGRESS, METER) });
	lab_settle(&lab);
	for (unsigned i = 0; i < FRAMES; i++) {
		lab_pass(&lab, 0, &frame, NULL, 1, &got);
		assert_int_equal(got.bytes[15], 0xb8);
		assert_int_equal(got.bytes[40], 0x77);
	}
	assert_int_equal(lab_meter(&lab, "p0", "probe-filter", "m"), FRAMES);
	assert_int_equal(lab_meter(&lab, "p1", "probe-after", "m"), FRAMES);
	assert_int_equal(lab_extension(&lab, "nothing-31").decisions,
		lab_extension(&lab, "nothing-1").decisions);
	assert_true(lab_extension(&lab, "nothing-62").decisions > 0);
	lab_remove_policy(&lab, "p0", "probe-after", "v");
	lab_remove_policy(&lab, "p1", "probe-filter", "e");
	lab_settle(&lab);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_program(&lab, "udp", program, sizeof(program));
	assert_non_null(strstr(program, "meter m, meter m, output p1"));
	// From the middle, and back again.
	lab_detach(&lab, "nothing-31");
	lab_settle(&lab);
	lab_attach(&lab, "nothing-64", 0);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_end(&lab);
}

static void one_forwarding_extension_is_the_most(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 1 });
	lab_attach(&lab, "patch-panel", 0);
	lab_assert_refused(&lab,
		weir_extension_attach(lab.weir, "br0", "probe-forwarding", 0, 0, &lab.error), EBUSY,
		"switch br0 has the forwarding extension patch-panel");
	// On another switch there is room.
	assert_int_equal(weir_switch_add(lab.weir, "br1", 0, &lab.error), 0);
	assert_int_equal(
		weir_extension_attach(lab.weir, "br1", "probe-forwarding", 0, 0, &lab.error), 0);
	lab_detach(&lab, "patch-panel");
	lab_attach(&lab, "probe-forwarding", 0);
	lab_end(&lab);
}

static void refusals(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 1 });
	lab_attach(&lab, "marker", 0);
	lab_assert_refused(&lab, weir_extension_attach(lab.weir, "br0", "marker", 0, 0, &lab.error),
		EEXIST,
		"extension \"marker\": is attached to switch br0 already; another order or "
		"fail_open "
		"comes with a document");
	lab_assert_refused(&lab,
		weir_extension_attach(lab.weir, "br9", "watcher", 0, 0, &lab.error), ENOENT,
		"switch \"br9\": there is none of this name");
	lab_assert_refused(&lab, weir_extension_attach(lab.weir, "br0", "nobody", 0, 0, &lab.error),
		ENOENT, "nobody");
	lab_assert_refused(&lab, weir_extension_detach(lab.weir, "br0", "watcher", 0, &lab.error),
		ENOENT, "extension \"watcher\": is not attached to switch br0");
	lab_assert_refused(&lab, weir_extension_load(lab.weir, "core", NULL, 0, &lab.error), EINVAL,
		"extension \"core\": the name is taken by the switch itself");
	lab_assert_refused(&lab, weir_extension_attach(lab.weir, "br0", "switch", 0, 0, &lab.error),
		EINVAL, "extension \"switch\": the name is taken");
	lab_assert_refused(&lab, weir_extension_unload(lab.weir, "marker", 0, &lab.error), EBUSY,
		"extension \"marker\": is attached to switch br0; detach it first");
	lab_assert_refused(&lab, weir_extension_unload(lab.weir, "nobody", 0, &lab.error), ENOENT,
		"extension \"nobody\": is not loaded; there are marker");
	lab_end(&lab);
}

static void attach_and_detach_in_full(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(&lab, "probe-filter", 0);
	assert_int_equal(lab_logged(&lab, "probe-filter: attached br0"), 1);
	assert_int_equal(lab_logged(&lab, "prepared"), 3); // the switch and both ports
	assert_int_equal(lab_logged(&lab, "committed"), 3);
	lab_detach(&lab, "probe-filter");
	assert_false(lab_extension(&lab, "probe-filter").attached);
	lab_settle(&lab);
	assert_int_equal(lab_logged(&lab, "released"), 3);
	assert_int_equal(lab_logged(&lab, "detached before"), 0);
	assert_int_equal(lab_logged(&lab, "detached br0"), 1);
	assert_int_equal(weir_extension_unload(lab.weir, "probe-filter", 0, &lab.error), 0);
	lab_end(&lab);
}

static void a_dry_run_leaves_nothing(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	assert_int_equal(
		weir_extension_attach(lab.weir, "br0", "probe-filter", 0, WEIR_DRY_RUN, &lab.error),
		0);
	assert_int_equal(lab_logged(&lab, "prepared"), 3);
	assert_int_equal(lab_logged(&lab, "aborted"), 3);
	assert_int_equal(lab_logged(&lab, "detached br0"), 1);
	assert_false(lab_extension(&lab, "probe-filter").attached);
	lab_attach(&lab, "probe-filter", 0);
	assert_int_equal(
		weir_extension_detach(lab.weir, "br0", "probe-filter", WEIR_DRY_RUN, &lab.error),
		0);
	assert_true(lab_extension(&lab, "probe-filter").attached);
	lab_end(&lab);
}

// The second port is refused: what was prepared for the switch and the first is aborted.
static void a_refused_attach_leaves_nothing(void **state)
{
	struct weir_port_config config = { .size = sizeof(config) };
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 1 });
	assert_int_equal(weir_port_add(lab.weir, "br0", "refused", &config, 0, &lab.error), 0);
	lab_assert_refused(&lab,
		weir_extension_attach(lab.weir, "br0", "probe-filter", 0, 0, &lab.error), EPERM,
		"port \"refused\": is not wanted");
	assert_int_equal(lab_logged(&lab, "prepared"), 2);
	assert_int_equal(lab_logged(&lab, "aborted"), 2);
	assert_int_equal(lab_logged(&lab, "committed"), 0);
	assert_int_equal(lab_logged(&lab, "detached br0"), 1);
	assert_int_equal(lab_switch(&lab, "br0").n_extensions, 0);
	lab_end(&lab);
}

// Flows that hold its decisions are decided anew before it goes; its drops keep their names.
static void detach_while_flows_are_cached(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_learn(&lab);
	lab_attach(&lab, "probe-filter", 0);
	lab_act(&lab, "p0", "probe-filter", "drop", (Probe__Act){ AT(INGRESS, DROP_FRAME) });
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_detach(&lab, "probe-filter");
	assert_int_equal(lab_logged(&lab, "detached br0"), 0);
	lab_settle(&lab);
	assert_int_equal(lab_logged(&lab, "detached before"), 0);
	assert_int_equal(lab_logged(&lab, "detached br0"), 1);
	assert_int_equal(weir_extension_unload(lab.weir, "probe-filter", 0, &lab.error), 0);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_drops(&lab, "probe-filter", "told"), 2);
	lab_end(&lab);
}

// Who reads nothing and decides nothing costs a cached frame nothing.
static void idle_extensions_leave_the_program_as_it_is(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	char before[256], after[256], name[16];
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_learn(&lab);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_program(&lab, "eth_dst=02:00:00:00:00:01", before, sizeof(before));
	assert_string_equal(before, "output p1");
	for (unsigned i = 1; i <= 8; i++) {
		snprintf(name, sizeof(name), "nothing-%u", i);
		lab_attach(&lab, name, (int)i);
	}
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_program(&lab, "eth_dst=02:00:00:00:00:01", after, sizeof(after));
	assert_string_equal(before, after);
	assert_true(lab_extension(&lab, "nothing-8").decisions >= 3);
	lab_end(&lab);
}

static void who_has_nothing_to_say_is_not_asked(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	Probe__Reads reads = PROBE__READS__INIT;
	uint64_t asked;
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_learn(&lab);
	lab_attach(&lab, "probe-filter", 0);
	asked = lab_extension(&lab, "probe-filter").decisions;
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	// Ingress and forwarded at p0, egress at p1.
	assert_int_equal(lab_extension(&lab, "probe-filter").decisions, asked + 3);
	reads.has_inactive = 1;
	reads.inactive = 1 << WEIR_STAGE_INGRESS | 1 << WEIR_STAGE_FORWARDED;
	lab_policy(&lab, "p0", "probe-filter", "reads", "r", &reads.base);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_extension(&lab, "probe-filter").decisions, asked + 4);
	reads.inactive = 1 << WEIR_STAGE_EGRESS;
	lab_policy(&lab, "p1", "probe-filter", "reads", "r", &reads.base);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_extension(&lab, "probe-filter").decisions, asked + 4);
	lab_end(&lab);
}

// An embedder may go at any time, whatever is under way, and nobody's veto holds him.
static void ends_in_the_middle_of_everything(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 3 });
	lab_attach(&lab, "probe-filter", 0);
	lab_attach(&lab, "marker", 0);
	lab_act(&lab, "p0", "probe-filter", "meter", (Probe__Act){ AT(INGRESS, METER) });
	lab_assert_pass(&lab, 0, &frame, 1 << 1 | 1 << 2);
	lab_remove_policy(&lab, "p0", "probe-filter", "meter");
	lab_remove_port(&lab, 2);
	lab_detach(&lab, "marker");
	lab_veto(&lab, "probe-filter", WEIR_EVENT_PORT_REMOVED, "ports stay");
	lab_assert_refused(&lab, weir_port_remove(lab.weir, "p0", 0, &lab.error), EACCES,
		"extension probe-filter: ports stay");
	lab_assert_refused(
		&lab, weir_switch_remove(lab.weir, "br0", 0, &lab.error), EACCES, "ports stay");
	lab_abandon(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordered_by_class_number_and_name),
		cmocka_unit_test(sixty_four_deep),
		cmocka_unit_test(one_forwarding_extension_is_the_most),
		cmocka_unit_test(refusals),
		cmocka_unit_test(attach_and_detach_in_full),
		cmocka_unit_test(a_dry_run_leaves_nothing),
		cmocka_unit_test(a_refused_attach_leaves_nothing),
		cmocka_unit_test(detach_while_flows_are_cached),
		cmocka_unit_test(idle_extensions_leave_the_program_as_it_is),
		cmocka_unit_test(who_has_nothing_to_say_is_not_asked),
		cmocka_unit_test(ends_in_the_middle_of_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
