// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Meters: what they count, whose they are, how long they live. And decisions that depend on an id.
#include "lab_probe.h"

static const char filter[] = "probe-filter";

static void start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ .n_ports = 3 });
	lab_learn(lab);
	lab_attach(lab, filter, 0);
}

static void pass(struct lab *lab, unsigned n)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);

	while (n--)
		lab_pass(lab, 0, &frame, NULL, 0, NULL);
}

static void count_what_passes(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "p0", filter, "in", (Probe__Act){ AT(INGRESS, METER) });
	lab_act(&lab, "p1", filter, "out", (Probe__Act){ AT(EGRESS, METER) });
	pass(&lab, 3);
	assert_int_equal(lab_meter(&lab, "p0", filter, "in"), 3);
	assert_int_equal(lab_meter(&lab, "p1", filter, "out"), 3);
	// What is dropped later in the stack does not count before.
	lab_act(&lab, "p0", filter, "drop", (Probe__Act){ AT(FORWARDED, DROP_FRAME) });
	pass(&lab, 3);
	assert_int_equal(lab_meter(&lab, "p0", filter, "in"), 3);
	lab_end(&lab);
}

// With the egress halves apart: a flood counts on the way in once, on the way out per destination.
static void floods_count_once_on_the_way_in(void **state)
{
	struct lab_frame frame = lab_udp(0, LAB_BROADCAST, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "p0", filter, "in", (Probe__Act){ AT(INGRESS, METER) });
	lab_act(&lab, "p1", filter, "out", (Probe__Act){ AT(EGRESS, METER) });
	lab_act(&lab, "p2", filter, "out", (Probe__Act){ AT(EGRESS, EXCLUDE) });
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_meter(&lab, "p0", filter, "in"), 1);
	assert_int_equal(lab_meter(&lab, "p1", filter, "out"), 1);
	assert_int_equal(lab_drops(&lab, filter, "told"), 1);
	lab_end(&lab);
}

static void unequal_egress(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	// The destination reads more than the source: the program is not fused.
	lab_reads(&lab, "p1", filter, WEIR_FIELD_IP_TTL);
	lab_act(&lab, "p0", filter, "in", (Probe__Act){ AT(INGRESS, METER) });
	lab_act(&lab, "p1", filter, "drop", (Probe__Act){ AT(EGRESS, EXCLUDE) });
	pass(&lab, 3);
	assert_int_equal(lab_meter(&lab, "p0", filter, "in"), 0);
	lab_remove_policy(&lab, "p1", filter, "drop");
	pass(&lab, 3);
	assert_int_equal(lab_meter(&lab, "p0", filter, "in"), 3);
	lab_end(&lab);
}

// A visit behind a meter changes nothing about what it counts, whether the halves are decided
// together or apart: what the visitor takes, and what is not decided to be dropped.
static void visits_do_not_part_meters_from_what_is_decided(void **state)
{
	static const struct {
		const char *name;
		Probe__Act look;
		bool denied;
		unsigned counted;
	} rows[] = {
		{ "looked at", { AT(FORWARDED, NOTHING), VISIT }, false, 3 },
		{ "looked at, denied by the other port", { AT(FORWARDED, NOTHING), VISIT }, true,
			0 },
		{ "dropped", { AT(FORWARDED, DROP_FRAME), VISIT }, false, 3 },
		{ "dropped before it is denied", { AT(FORWARDED, DROP_FRAME), VISIT }, true, 3 },
		{ "consumed", { AT(FORWARDED, CONSUME), VISIT }, true, 3 },
		{ "taken elsewhere", { AT(INGRESS, REKEY), VISIT }, false, 3 },
		{ "over a rate", { AT(INGRESS, POLICE_FRAMES), LIMIT(1, 1) }, false, 3 },
		{ "over a rate and denied", { AT(INGRESS, POLICE_FRAMES), LIMIT(1, 1) }, true, 0 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		bool apart = i % 2;
		uint64_t counted;
		struct lab lab;

		start(&lab);
		if (apart)
			lab_reads(&lab, "p1", filter, WEIR_FIELD_IP_TTL);
		lab_act(&lab, "p0", filter, "1", (Probe__Act){ AT(INGRESS, METER) });
		lab_act(&lab, "p0", filter, "2", rows[i / 2].look);
		if (rows[i / 2].denied)
			lab_act(&lab, "p1", filter, "deny", (Probe__Act){ AT(EGRESS, EXCLUDE) });
		pass(&lab, 3);
		counted = lab_meter(&lab, "p0", filter, "1");
		if (counted != rows[i / 2].counted)
			fail_msg("%s%s: %llu", rows[i / 2].name, apart ? ", decided apart" : "",
				(unsigned long long)counted);
		lab_end(&lab);
	}
}

// What comes to a visitor has been paid for, and let through, before it, whichever port it is at.
static void visitors_see_what_a_policer_before_them_passes(void **state)
{
	struct lab lab;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		bool apart = i % 2, at_egress = i / 2;

		start(&lab);
		if (apart)
			lab_reads(&lab, "p1", filter, WEIR_FIELD_IP_TTL);
		lab_act(&lab, "p0", filter, "0", (Probe__Act){ AT(INGRESS, METER) });
		lab_act(&lab, "p0", filter, "1",
			(Probe__Act){ AT(INGRESS, POLICE_FRAMES), LIMIT(1, 1) });
		if (at_egress)
			lab_act(&lab, "p1", filter, "2",
				(Probe__Act){ AT(EGRESS, NOTHING), VISIT });
		else
			lab_act(&lab, "p0", filter, "2",
				(Probe__Act){ AT(INGRESS, NOTHING), VISIT });
		lab_act(&lab, "p1", filter, "deny", (Probe__Act){ AT(EGRESS, EXCLUDE) });
		pass(&lab, 3);
		assert_int_equal(lab_extension(&lab, filter).visits, 1);
		assert_int_equal(lab_drops(&lab, "core", "over-rate"), 2);
		assert_int_equal(lab_drops(&lab, filter, "told"), 1);
		assert_int_equal(lab_meter(&lab, "p0", filter, "0"), 2);
		lab_end(&lab);
	}
}

struct reset {
	uint64_t frames;
};

static void see_meter(void *context, const struct weir_meter_info *info)
{
	((struct reset *)context)->frames += info->frames;
}

static void a_reset_loses_nothing(void **state)
{
	struct reset sum = { 0 };
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "p0", filter, "in", (Probe__Act){ AT(INGRESS, METER) });
	for (unsigned i = 0; i < 5; i++) {
		pass(&lab, i);
		assert_int_equal(
			weir_meter_list(lab.weir, "p0", true, see_meter, &sum, &lab.error), 0);
	}
	assert_int_equal(sum.frames, 0 + 1 + 2 + 3 + 4);
	assert_int_equal(lab_meter(&lab, "p0", filter, "in"), 0);
	lab_end(&lab);
}

// Those of an extension that left are still to be had; of one that nobody knows there are none.
static void of_one_extension(void **state)
{
	struct weir_count_filter some = { .size = sizeof(some), .extension = filter };
	struct reset sum = { 0 };
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "p0", filter, "in", (Probe__Act){ AT(INGRESS, METER) });
	pass(&lab, 3);
	assert_int_equal(weir_meter_list_some(lab.weir, &some, see_meter, &sum, &lab.error), 0);
	assert_int_equal(sum.frames, 3);
	some.extension = "nobody";
	lab_assert_refused(&lab, weir_meter_list_some(lab.weir, &some, see_meter, &sum, &lab.error),
		ENOENT, "extension \"nobody\": is not loaded; there are probe-filter");
	lab_attach(&lab, "probe-after", 90);
	some = (struct weir_count_filter){ sizeof(some), NULL, "probe-after", true };
	assert_int_equal(weir_meter_list_some(lab.weir, &some, see_meter, &sum, &lab.error), 0);
	assert_int_equal(sum.frames, 3);
	lab_detach(&lab, filter);
	lab_settle(&lab);
	assert_int_equal(weir_extension_unload(lab.weir, filter, 0, &lab.error), 0);
	some.extension = filter;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			weir_meter_list_some(lab.weir, &some, see_meter, &sum, &lab.error), 0);
	assert_int_equal(sum.frames, 6);
	lab_end(&lab);
}

static void live_as_long_as_their_policy(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "p0", filter, "in", (Probe__Act){ AT(INGRESS, METER) });
	pass(&lab, 2);
	// Another policy of the port is none of its business.
	lab_act(&lab, "p0", filter, "other", (Probe__Act){ AT(INGRESS, NOTHING) });
	pass(&lab, 1);
	assert_int_equal(lab_meter(&lab, "p0", filter, "in"), 3);
	// Its counts outlive the extension's absence.
	lab_detach(&lab, filter);
	lab_settle(&lab);
	assert_int_equal(lab_meter(&lab, "p0", filter, "in"), 3);
	pass(&lab, 1);
	lab_attach(&lab, filter, 0);
	lab_act(&lab, "p0", filter, "in", (Probe__Act){ AT(INGRESS, METER) });
	pass(&lab, 1);
	assert_int_equal(lab_meter(&lab, "p0", filter, "in"), 4);
	lab_remove_policy(&lab, "p0", filter, "in");
	assert_int_equal(lab_meter(&lab, "p0", filter, "in"), UINT64_MAX);
	// A new one of the same name starts at 0, whatever number it gets.
	pass(&lab, 1);
	lab_settle(&lab);
	lab_act(&lab, "p0", filter, "in", (Probe__Act){ AT(INGRESS, METER) });
	assert_int_equal(lab_meter(&lab, "p0", filter, "in"), 0);
	lab_remove_port(&lab, 0);
	assert_int_equal(lab_meter(&lab, "p0", filter, "in"), UINT64_MAX);
	lab_end(&lab);
}

static void another_extensions_meter_is_not_counted_on(void **state)
{
	struct lab lab;

	(void)state;
	start(&lab);
	lab_attach(&lab, "probe-after", 90);
	lab_act(&lab, "p2", filter, "mine", (Probe__Act){ AT(INGRESS, METER) });
	// The first number there is; it is the filter's.
	lab_act(&lab, "p0", "probe-after", "theirs", (Probe__Act){ AT(INGRESS, METER), VALUE(0) });
	pass(&lab, 2);
	assert_int_equal(lab_meter(&lab, "p2", filter, "mine"), 0);
	assert_int_equal(lab_extension(&lab, "probe-after").invalid, 1);
	assert_non_null(strstr(lab_extension(&lab, "probe-after").last_offence,
		"meter 0: is none of this extension's"));
	lab_end(&lab);
}

// weir_depend() and weir_invalidate(): that decision, and no other, is made anew.
static void invalidated_decisions_are_made_anew(void **state)
{
	struct weir_port_config config = { .size = sizeof(config), .mtu = 1400 };
	struct lab_frame depends = lab_udp(0, 1, 1, 2), free_of_it = lab_udp(1, 0, 1, 2);
	uint64_t decisions;
	struct lab lab;

	(void)state;
	start(&lab);
	lab_act(&lab, "p0", filter, "depend", (Probe__Act){ AT(INGRESS, DEPEND), VALUE(77) });
	for (unsigned id = 77; id < 79; id++) {
		bool same = id == 77;

		lab_act(&lab, "p2", filter, "void",
			(Probe__Act){ AT(CONTROL, INVALIDATE), VALUE(id) });
		lab_settle(&lab); // a state that has not been released still acts
		lab_assert_pass(&lab, 0, &depends, 1 << 1);
		lab_assert_pass(&lab, 1, &free_of_it, 1 << 0);
		decisions = lab_switch(&lab, "br0").decisions;
		assert_int_equal(
			weir_port_set(lab.weir, "p2", &config, WEIR_PORT_SET_MTU, 0, &lab.error),
			0);
		lab_assert_pass(&lab, 1, &free_of_it, 1 << 0);
		assert_int_equal(lab_switch(&lab, "br0").decisions, decisions);
		lab_assert_pass(&lab, 0, &depends, 1 << 1);
		assert_int_equal(lab_switch(&lab, "br0").decisions, decisions + same);
	}
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(count_what_passes),
		cmocka_unit_test(floods_count_once_on_the_way_in),
		cmocka_unit_test(unequal_egress),
		cmocka_unit_test(visits_do_not_part_meters_from_what_is_decided),
		cmocka_unit_test(visitors_see_what_a_policer_before_them_passes),
		cmocka_unit_test(a_reset_loses_nothing),
		cmocka_unit_test(of_one_extension),
		cmocka_unit_test(live_as_long_as_their_policy),
		cmocka_unit_test(another_extensions_meter_is_not_counted_on),
		cmocka_unit_test(invalidated_decisions_are_made_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
