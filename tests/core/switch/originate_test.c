// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Frames that extensions make: where they enter the stack, whose they are, and that they end.
#include "lab_probe.h"

static const char first[] = "probe-after", second[] = "probe-filter";

static void change_mtu(struct lab *lab, const char *port, uint32_t mtu)
{
	struct weir_port_config config = { .size = sizeof(config), .mtu = mtu };

	assert_int_equal(
		weir_port_set(lab->weir, port, &config, WEIR_PORT_SET_MTU, 0, &lab->error), 0);
}

static void start(struct lab *lab, unsigned n_ports)
{
	lab_start(lab, &(struct lab_options){ .n_ports = n_ports });
	lab_learn(lab);
	lab_attach(lab, first, 10);
	lab_attach(lab, second, 20);
}

// Not the originator, but who stands behind it, decides about the frame.
static void enters_behind_its_originator(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2), made = lab_udp(0, 2, 1, 23);
	struct lab lab;

	(void)state;
	start(&lab, 3);
	lab_act(&lab, "p0", first, "make",
		(Probe__Act){ AT(INGRESS, ORIGINATE), VISIT, PORT("p0"), FRAME(made) });
	lab_assert_pass(&lab, 0, &frame, 1 << 1 | 1 << 2);
	assert_int_equal(lab_extension(&lab, first).visits, 1);
	lab_act(&lab, "p0", second, "drop",
		(Probe__Act){ AT(INGRESS, DROP_FRAME), IF(l4_dst, 23), VALUE(0) });
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_drops(&lab, second, "told"), 1);
	assert_int_equal(lab_switch(&lab, "br0").originated, 2);
	lab_end(&lab);
}

// As if the port had sent it: into the port's VLAN.
static void belongs_to_the_vlan_of_its_port(void **state)
{
	static const Probe__Act__Stage stages[] = { PROBE__ACT__STAGE__INGRESS,
		PROBE__ACT__STAGE__FORWARDED, PROBE__ACT__STAGE__EGRESS };
	struct lab_frame frame = lab_udp(0, 1, 1, 2), made = lab_udp(0, 2, 1, 23);

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		const char *target = stages[i] == PROBE__ACT__STAGE__EGRESS ? "p1" : "p0";
		struct lab lab;

		lab_start(&lab, &(struct lab_options){ .n_ports = 0 });
		for (unsigned p = 0; p < 3; p++)
			lab_add_port(&lab, "br0", p, "10");
		lab_add_port(&lab, "br0", 3, "20");
		lab_learn(&lab);
		lab_attach(&lab, first, 10);
		lab_act(&lab, target, first, "make",
			(Probe__Act){ .stage = stages[i],
				.what = PROBE__ACT__WHAT__ORIGINATE,
				VISIT,
				PORT("p0"),
				FRAME(made) });
		lab_assert_pass(&lab, 0, &frame, 1 << 1 | 1 << 2);
		lab_end(&lab);
	}
}

static void refused_by_the_port_of_its_name(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab_frame made = lab_tagged(lab_udp(0, 2, 1, 23), 20);
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 0 });
	for (unsigned p = 0; p < 3; p++)
		lab_add_port(&lab, "br0", p, "10");
	lab_learn(&lab);
	lab_attach(&lab, first, 10);
	lab_act(&lab, "p0", first, "make",
		(Probe__Act){ AT(INGRESS, ORIGINATE), VISIT, PORT("p0"), FRAME(made) });
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_drops(&lab, "core", "tag-on-access-port"), 1);
	lab_end(&lab);
}

// Whoever answers his own frames comes to an end.
static void hops_are_limited(void **state)
{
	enum { HOPS_MAX = 8 };
	struct lab_frame frame = lab_udp(0, 1, 1, 2), made = lab_udp(0, 1, 3, 4);
	unsigned got[LAB_PORTS_MAX];
	struct lab lab;

	(void)state;
	start(&lab, 2);
	lab_act(&lab, "p1", first, "echo",
		(Probe__Act){ AT(EGRESS, ORIGINATE), VISIT, PORT("p0"), FRAME(made) });
	lab_pass(&lab, 0, &frame, got, 0, NULL);
	assert_int_equal(got[1], 1 + HOPS_MAX);
	assert_int_equal(lab_switch(&lab, "br0").originated, HOPS_MAX);
	lab_end(&lab);
}

static void trusted_frames_pass_filters(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2), made = lab_udp(9, 1, 1, 23), got;
	struct lab lab;

	(void)state;
	start(&lab, 3);
	lab_act(&lab, "p0", second, "drop", (Probe__Act){ AT(INGRESS, DROP_FRAME), VALUE(0) });
	lab_act(&lab, "p2", first, "send", (Probe__Act){ AT(CONTROL, ORIGINATE), FRAME(made) });
	lab_assert_pass(&lab, 0, &frame, 0);
	change_mtu(&lab, "p2", 1400);
	lab_run(&lab);
	assert_true(lab_receive(&lab, 1, &got));
	assert_memory_equal(got.bytes, made.bytes, made.size);
	// Nobody's address is learned nowhere.
	assert_int_equal(lab_switch(&lab, "br0").fdb_entries, 3);
	lab_end(&lab);
}

static void from_the_control_thread_it_enters_at_the_beginning(void **state)
{
	struct lab_frame made = lab_udp(0, 1, 1, 23), got;
	struct lab lab;

	(void)state;
	start(&lab, 3);
	lab_act(&lab, "p0", first, "drop",
		(Probe__Act){ AT(INGRESS, DROP_FRAME), VALUE(0), IF(l4_dst, 23) });
	lab_act(&lab, "p2", second, "send",
		(Probe__Act){ AT(CONTROL, ORIGINATE), PORT("p0"), FRAME(made) });
	change_mtu(&lab, "p2", 1400);
	lab_run(&lab);
	assert_false(lab_receive(&lab, 1, &got));
	assert_int_equal(lab_drops(&lab, first, "told"), 1);
	lab_end(&lab);
}

static void sizes_are_checked(void **state)
{
	struct lab_frame made = { .size = 13 };
	struct lab lab;

	(void)state;
	start(&lab, 1);
	lab_act(&lab, "p0", first, "send",
		(Probe__Act){ AT(CONTROL, ORIGINATE), PORT("p0"), FRAME(made) });
	change_mtu(&lab, "p0", 1400);
	lab_run(&lab);
	assert_int_equal(lab_logged(&lab, "originated: EMSGSIZE"), 1);
	assert_int_equal(lab_switch(&lab, "br0").originated, 0);
	lab_end(&lab);
}

// A frame that no worker has taken yet does not keep anybody.
static void ends_with_a_frame_on_its_way(void **state)
{
	struct lab_frame made = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab, 2);
	lab_act(&lab, "p0", first, "send",
		(Probe__Act){ AT(CONTROL, ORIGINATE), PORT("p0"), FRAME(made) });
	lab_settle(&lab);
	change_mtu(&lab, "p0", 1400);
	assert_int_equal(lab_logged(&lab, "originated: 0"), 1);
	lab_abandon(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enters_behind_its_originator),
		cmocka_unit_test(belongs_to_the_vlan_of_its_port),
		cmocka_unit_test(refused_by_the_port_of_its_name),
		cmocka_unit_test(hops_are_limited),
		cmocka_unit_test(trusted_frames_pass_filters),
		cmocka_unit_test(from_the_control_thread_it_enters_at_the_beginning),
		cmocka_unit_test(sizes_are_checked),
		cmocka_unit_test(ends_with_a_frame_on_its_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
