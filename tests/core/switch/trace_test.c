// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A trace tells every kind of decision in the order in which it is made, leaves nothing behind, and
// refuses what is no frame.
#include "lab_probe.h"
#include "lab_trace.h"

static const char capture[] = "probe-capture", filter[] = "probe-filter", after[] = "probe-after",
		  forwarding[] = "probe-forwarding";

static void start(struct lab *lab, unsigned n_ports)
{
	lab_start(lab, &(struct lab_options){ .n_ports = n_ports });
	lab_learn(lab);
	lab_attach(lab, capture, 10);
	lab_attach(lab, filter, 10);
	lab_attach(lab, after, 20);
}

// ---- What is told

static const struct {
	const char *target, *extension;
	Probe__Act act;
	const char *lines;
} kinds[] = {
	{ "p0", after, { AT(INGRESS, NOTHING) },
		"p0|||frame|02:00:00:00:00:00 > 02:00:00:00:00:01 10.0.0.0:1 > 10.0.0.1:2 udp 60 "
		"bytes\n"
		"p0|||flow|ipv4/udp,eth_src=02:00:00:00:00:00,eth_dst=02:00:00:00:00:01\n"
		"p0|ingress|probe-capture|pass|\n"
		"p0|ingress|probe-filter|pass|\n"
		"p0|ingress|probe-after|pass|\n"
		"p0|forward|core|learn|02:00:00:00:00:00 in vlan 0: known here\n"
		"p0|forward|core|forward|02:00:00:00:00:01 in vlan 0: known, to p1\n"
		"p0|forwarded|probe-filter|pass|\n"
		"p1|egress|probe-after|pass|\n"
		"p1|egress|probe-filter|pass|\n"
		"p1|egress|probe-capture|pass|\n"
		"p0|||program|output p1\n"
		"p1|egress|core|output|\n" },
	{ "p0", filter, { AT(INGRESS, DROP_FRAME), VALUE(1) },
		"p0|ingress|probe-filter|drop|other: another one\n"
		"p0|drop|probe-capture|pass|\n"
		"p0|||program|drop other\n" },
	{ "p0", filter, { AT(FORWARDED, DROP_FRAME) },
		"p0|forward|core|forward|02:00:00:00:00:01 in vlan 0: known, to p1\n"
		"p0|forwarded|probe-filter|drop|told: the probe was told to drop it\n" },
	{ "p1", filter, { AT(EGRESS, EXCLUDE), VALUE(1) },
		"p1|egress|probe-filter|exclude|other: another one\n" },
	{ "p0", filter, { AT(INGRESS, SET), VALUE(WEIR_FIELD_IP_TOS), BYTE(0xb8) },
		"p0|ingress|probe-filter|set|set-dscp 46 ecn 0\n"
		"p0|||program|set-dscp 46 ecn 0, output p1\n" },
	{ "p0", filter, { AT(INGRESS, SET), VALUE(WEIR_FIELD_L4_DST), BYTES("\0\x35", 2) },
		"p0|ingress|probe-filter|set|set-l4-dst 53\n" },
	{ "p0", filter, { AT(INGRESS, SET), VALUE(WEIR_FIELD_ETH_DST), BYTES("\2\0\0\0\0\2", 6) },
		"p0|ingress|probe-filter|set|set-eth-dst 02:00:00:00:00:02\n"
		"p0|forward|core|forward|02:00:00:00:00:02 in vlan 0: known, to p2\n" },
	{ "p0", filter, { AT(INGRESS, SET), VALUE(WEIR_FIELD_VLAN_ID), BYTES("\x0a\0", 2) },
		"p0|ingress|probe-filter|set|set-vlan 10\n"
		"p0|forward|core|learn|02:00:00:00:00:00 in vlan 10: new, learned here\n" },
	{ "p0", filter, { AT(INGRESS, METER) },
		"p0|ingress|probe-filter|meter|id\n"
		"p0|||program|meter id, output p1\n" },
	{ "p0", filter, { AT(INGRESS, NOTHING), VISIT },
		"p0|ingress|probe-filter|visit|every frame, and may drop or change it: what "
		"follows is for what it lets pass as it is\n" },
	{ "p0", capture, { AT(INGRESS, NOTHING), VISIT },
		"p0|ingress|probe-capture|visit|every frame\n" },
	{ "p0", filter, { AT(INGRESS, POLICE), LIMIT(8000, 1000) },
		"p0|ingress|probe-filter|police|id: what is over its rate is dropped\n" },
	{ "p0", filter, { AT(INGRESS, NOTHING), VISIT, .has_tcp_flags = 1, .tcp_flags = 2 },
		"p0|ingress|probe-filter|visit|frames with any of the TCP flags 0x02, and may" },
	{ "p0", capture, { AT(INGRESS, COPY), PORT("p2") },
		"p0|ingress|probe-capture|copy|to p2\n" },
	{ "p0", capture, { AT(INGRESS, COPY), PORT("p2"), .has_one_in = 1, .one_in = 9 },
		"p0|ingress|probe-capture|copy|1 in 9 to p2\n" },
	{ "p0", filter, { AT(INGRESS, EXPLAIN), BYTES("rule 7", 6) },
		"p0|ingress|probe-filter|explain|rule 7\n"
		"p0|ingress|probe-filter|pass|\n" },
	{ "p0", capture, { AT(INGRESS, DROP_FRAME) },
		"p0|ingress|probe-capture|refused|drop at stage ingress is not for the class "
		"capture\n"
		"p0|||program|output p1\n" },
	{ "p0", filter, { AT(INGRESS, DROP_FRAME), VALUE(9) },
		"p0|ingress|probe-filter|refused|drop reason 9: the extension has 2\n" },
	{ "p0", filter, { AT(INGRESS, SET), VALUE(WEIR_FIELD_IP_TTL), BYTE(1) },
		"p0|ingress|probe-filter|refused|set of field 0x400 with 1 bytes: the frame has no "
		"such field, or the value is out of range\n" },
};

static void every_kind_is_told(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab, 3);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		lab_act(&lab, kinds[i].target, kinds[i].extension, "id", kinds[i].act);
		trace(&lab, "p0", &frame);
		check_told(kinds[i].lines);
		lab_remove_policy(&lab, kinds[i].target, kinds[i].extension, "id");
	}
	lab_end(&lab);
}

// What an extension says behind its drop has no effect, and is told as such.
static void what_is_ignored_is_told(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab, 3);
	lab_act(&lab, "p0", filter, "1", (Probe__Act){ AT(INGRESS, DROP_FRAME) });
	lab_act(&lab, "p0", filter, "2", (Probe__Act){ AT(INGRESS, METER) });
	trace(&lab, "p0", &frame);
	check_told("p0|ingress|probe-filter|drop|told: the probe was told to drop it\n"
		   "p0|ingress|probe-filter|ignored|meter\n");
	lab_end(&lab);
}

static void forwarding_is_told(void **state)
{
	static const struct {
		Probe__Act act;
		const char *lines;
	} rows[] = {
		{ { AT(FORWARD, SEND_TO), PORT("p2") },
			"p0|forward|probe-forwarding|forward|to p2\np0|||program|output p2\n" },
		{ { AT(FORWARD, SEND_TO), PORT("p0") },
			"p0|forward|probe-forwarding|forward|to p0\n"
			"p0|forward|core|drop|same-port: the destination is where the frame came "
			"from\n" },
		{ { AT(FORWARD, FLOOD) },
			"p0|forward|probe-forwarding|flood|to every port of its VLAN\n"
			"p0|||program|flood\n"
			"p1|egress|core|output|\np2|egress|core|output|\n" },
		{ { AT(FORWARD, NATIVE) },
			"p0|forward|probe-forwarding|native|as without an extension that "
			"forwards\n"
			"p0|forward|core|forward|02:00:00:00:00:01 in vlan 0: known, to p1\n" },
	};
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 3 });
	lab_learn(&lab);
	lab_attach(&lab, forwarding, 10);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		lab_act(&lab, "p0", forwarding, "id", rows[i].act);
		trace(&lab, "p0", &frame);
		check_told(rows[i].lines);
		lab_remove_policy(&lab, "p0", forwarding, "id");
	}
	lab_act(&lab, "p0", forwarding, "1", (Probe__Act){ AT(FORWARD, SEND_TO), PORT("p0") });
	lab_act(&lab, "p0", forwarding, "2", (Probe__Act){ AT(FORWARD, SEND_TO), PORT("p2") });
	trace(&lab, "p0", &frame);
	check_told("p0|forward|core|leave-out|p0: same-port: the destination is where the frame "
		   "came from\n"
		   "p0|||program|output p2\n");
	lab_end(&lab);
}

// The egress half of every destination, of the frame as it is then.
static void destinations_are_told(void **state)
{
	struct lab_frame frame = lab_udp(0, LAB_BROADCAST, 1, 2), unknown = lab_udp(0, 99, 1, 2);
	struct lab lab;

	(void)state;
	start(&lab, 3);
	lab_add_port(&lab, "br0", 3, "10");
	lab_act(&lab, "p0", filter, "mark",
		(Probe__Act){ AT(INGRESS, SET), VALUE(WEIR_FIELD_L4_DST), BYTES("\0\7", 2) });
	lab_act(&lab, "p1", filter, "drop", (Probe__Act){ AT(EGRESS, DROP_FRAME), IF(l4_dst, 7) });
	lab_act(&lab, "p2", filter, "drop", (Probe__Act){ AT(EGRESS, DROP_FRAME), IF(l4_dst, 2) });
	trace(&lab, "p0", &frame);
	check_told("p0|forward|core|flood|ff:ff:ff:ff:ff:ff in vlan 0: broadcast\n"
		   "p0|||program|set-l4-dst 7, flood\n"
		   "p1|||flow|egress:ipv4/udp,l4_dst=7\n"
		   "p1|egress|probe-filter|drop|told: the probe was told to drop it\n"
		   "p1|||program|drop told\n"
		   "p2|||flow|egress:ipv4/udp,l4_dst=7\n"
		   "p2|egress|core|output|\n"
		   "p2|||program|output p2\n");
	assert_null(strstr(told, "p3|"));
	trace(&lab, "p0", &unknown);
	check_told("p0|forward|core|flood|02:00:00:00:00:63 in vlan 0: unknown unicast\n");
	lab_end(&lab);
}

static void what_the_core_decides_is_told(void **state)
{
	struct weir_port_config narrow = { .size = sizeof(narrow), .mtu = 68 };
	struct lab_frame frame = lab_udp(0, 1, 1, 2), tagged = lab_tagged(frame, 10),
			 large = lab_udp(0, 2, 1, 2), to_itself = lab_udp(1, 0, 1, 2),
			 runt = { .size = 5 };
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 3 });
	lab_add_port(&lab, "br0", 3, "10");
	lab_add_port(&lab, "br0", 4, "10");
	lab_learn(&lab);
	large.size += 100;
	assert_int_equal(
		weir_port_set(lab.weir, "p2", &narrow, WEIR_PORT_SET_MTU, 0, &lab.error), 0);
	trace(&lab, "p3", &tagged);
	check_told("p3|ingress|core|drop|tag-on-access-port: an access port takes no tagged "
		   "frames\n");
	trace(&lab, "p3", &frame);
	check_told("p3|ingress|core|vlan|in vlan 10: its tag is pushed\n"
		   "p3|forward|core|learn|02:00:00:00:00:00 in vlan 10: new, learned here\n"
		   "p3|||program|push-vlan 10, flood vlan 10\n"
		   "p4|egress|core|vlan|out of vlan 10: its tag is taken away\n"
		   "p4|egress|core|output|\n");
	trace(&lab, "p0", &large);
	check_told("p2|egress|core|drop|too-big: the frame is larger than the port's MTU\n");
	trace(&lab, "p0", &to_itself);
	check_told("p0|forward|core|learn|02:00:00:00:00:01 in vlan 0: moves here from p1\n"
		   "p0|forward|core|drop|same-port: the destination is where the frame came "
		   "from\n");
	trace(&lab, "p0", &runt);
	check_told("p0|||frame|malformed 5 bytes\n"
		   "p0|ingress|core|drop|malformed: the frame ends inside its Ethernet header or a "
		   "tag\n");
	assert_int_equal(weir_port_disconnect(lab.weir, "p1", 0, &lab.error), 0);
	trace(&lab, "p0", &frame);
	check_told("p1|egress|core|drop|port-down: the port has no NIC, or is blocked\n");
	lab_end(&lab);
}

// ---- What is not done

static void nothing_is_left_behind(void **state)
{
	struct lab_frame frame = lab_udp(77, 1, 1, 2);
	struct weir_switch_info before, now;
	uint64_t violations;
	struct lab lab;

	(void)state;
	start(&lab, 3);
	lab_act(&lab, "p0", filter, "meter", (Probe__Act){ AT(INGRESS, METER) });
	lab_act(&lab, "p0", filter, "visit", (Probe__Act){ AT(INGRESS, NOTHING), VISIT });
	lab_act(&lab, "p0", capture, "drop", (Probe__Act){ AT(INGRESS, DROP_FRAME) });
	lab_act(&lab, "p0", capture, "copy", (Probe__Act){ AT(INGRESS, COPY), PORT("p2") });
	lab_act(&lab, "p1", filter, "gone", (Probe__Act){ AT(EGRESS, DROP_FRAME) });
	lab_settle(&lab);
	before = lab_switch(&lab, "br0");
	violations = lab_extension(&lab, capture).violations;
	for (unsigned i = 0; i < 100; i++)
		trace(&lab, "p0", &frame);
	check_told("p0|forward|core|learn|02:00:00:00:00:4d in vlan 0: new, learned here\n");
	lab_run(&lab);
	now = lab_switch(&lab, "br0");
	assert_int_equal(now.fdb_entries, before.fdb_entries);
	assert_int_equal(now.flows, before.flows);
	assert_int_equal(now.decisions, before.decisions);
	assert_int_equal(now.dropped, before.dropped);
	assert_int_equal(now.copies, before.copies);
	assert_int_equal(now.transmitted, before.transmitted);
	assert_int_equal(lab_count_flows(&lab, "02:00:00:00:00:4d"), 0);
	assert_int_equal(lab_meter(&lab, "p0", filter, "meter"), 0);
	assert_int_equal(lab_extension(&lab, capture).violations, violations);
	assert_int_equal(lab_extension(&lab, filter).visits, 0);
	assert_int_equal(lab_drops(&lab, filter, "told"), 0);
	lab_end(&lab);
}

// Workers decide and learn the same while the control thread traces, and policies change.
static void traces_run_beside_workers(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 3, .n_workers = 2 });
	lab_attach(&lab, filter, 10);
	for (unsigned i = 0; i < 400; i++) {
		struct lab_frame frame = lab_udp(i % 100, 1, (uint16_t)i, (uint16_t)(i % 7)), got;

		lab_send(&lab, i % 3, &frame);
		trace(&lab, "p0", &frame);
		check_told("p0|||program|");
		if (i % 20 == 0)
			lab_act(&lab, "p0", filter, "drop",
				(Probe__Act){ AT(INGRESS, DROP_FRAME), IF(l4_dst, i % 7) });
		if (i % 20 == 10)
			lab_remove_policy(&lab, "p0", filter, "drop");
		if (i % 20 == 0)
			lab_run(&lab);
		for (unsigned port = 0; port < 3; port++)
			while (lab_receive(&lab, port, &got))
				continue;
	}
	lab_end(&lab);
}

static int try_trace(struct lab *lab, const char *port, const void *bytes, size_t size)
{
	return weir_trace(lab->weir,
		&(struct weir_trace_request){
			sizeof(struct weir_trace_request), port, bytes, size },
		take_row, NULL, &lab->error);
}

static void what_is_no_frame_is_refused(void **state)
{
	static const uint8_t bytes[WEIR_FRAME_MAX + 1];
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	told[0] = '\0';
	lab_assert_refused(&lab, try_trace(&lab, "p9", bytes, 60), ENOENT, "p9");
	lab_assert_refused(&lab, try_trace(&lab, "p0", bytes, 0), EINVAL, "must have 1 to");
	lab_assert_refused(
		&lab, try_trace(&lab, "p0", bytes, sizeof(bytes)), EINVAL, "must have 1 to");
	assert_string_equal(told, "");
	assert_int_equal(try_trace(&lab, "p0", bytes, WEIR_FRAME_MAX), 0);
	assert_int_equal(try_trace(&lab, "p0", bytes, 1), 0);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_told),
		cmocka_unit_test(what_is_ignored_is_told),
		cmocka_unit_test(forwarding_is_told),
		cmocka_unit_test(destinations_are_told),
		cmocka_unit_test(what_the_core_decides_is_told),
		cmocka_unit_test(nothing_is_left_behind),
		cmocka_unit_test(traces_run_beside_workers),
		cmocka_unit_test(what_is_no_frame_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
