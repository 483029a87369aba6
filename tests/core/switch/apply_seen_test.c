// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Documents, as extensions and frames see them: everything comes at once, and what a document does
// not concern goes on.
#include "lab_document.h"
#include "lab_items.h"

#include <stdlib.h>

// A laboratory that has a switch br0 and nothing else.
static void start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ 0 });
}

// ---- What extensions see

static void everybody_prepares_once(void **state)
{
	struct lab lab;
	const char *commit;

	(void)state;
	start(&lab);
	lab_apply(&lab,
		"extension br0 probe-filter\nextension br0 probe-service\n"
		"port br0 p0 nic=null\nport br0 p1\n"
		"policy p0 probe-filter a act NOTHING 1\npolicy p0 probe-filter b act NOTHING 2\n"
		"policy p0 probe-service a act NOTHING 1\n"
		"policy switch:br0 probe-filter v veto 1\n",
		0);
	assert_int_equal(lab_logged(&lab, "extension probe-filter: prepared p0"), 1);
	assert_int_equal(lab_logged(&lab, "extension probe-filter: prepared p1"), 1);
	assert_int_equal(lab_logged(&lab, "extension probe-filter: prepared br0"), 1);
	assert_int_equal(lab_logged(&lab, "prepared"), 6);
	assert_int_equal(lab_logged(&lab, "committed"), 6);
	commit = strstr(lab.log, "committed");
	assert_null(strstr(commit, "prepared"));
	// One of three targets changes: nobody else is asked.
	lab_settle(&lab);
	lab_forget_log(&lab);
	lab_apply(&lab,
		"port br0 p1\npolicy p0 probe-filter a act NOTHING 3\n"
		"policy p0 probe-service a act NOTHING 1\npolicy switch:br0 probe-filter v veto "
		"1\n",
		0);
	assert_int_equal(lab_logged(&lab, "prepared"), 1);
	assert_int_equal(lab_logged(&lab, "extension probe-filter: prepared p0"), 1);
	lab_end(&lab);
}

// A policy that names a port which the same document brings, or takes away.
static void policies_see_the_ports_of_the_end(void **state)
{
	const struct weir_item item = { .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_POLICY,
		.target = "p0",
		.name = "probe-capture",
		.policy = { .type = "act", .id = "m" } };
	Probe__Act act = PROBE__ACT__INIT;
	struct weir_document *document = lab_document(
		"extension br0 probe-capture\nport br0 p0 nic=null\n");
	struct weir_item copy = item;
	uint8_t body[64];
	struct lab lab;

	(void)state;
	start(&lab);
	act.what = PROBE__ACT__WHAT__COPY;
	act.port = (char *)(uintptr_t) "late";
	copy.policy.bytes = body;
	copy.policy.size = protobuf_c_message_pack(&act.base, body);
	assert_int_equal(weir_document_add(document, &copy, &lab.error), 0);
	lab_assert_refused(&lab, weir_apply(lab.weir, document, 0, NULL, NULL, &lab.error), ENOENT,
		"port \"late\": there is none");
	assert_int_equal(lab_document_add(document, "port br0 late nic=null\n", &lab.error), 0);
	assert_int_equal(weir_apply(lab.weir, document, 0, NULL, NULL, &lab.error), 0);
	weir_document_destroy(document);
	lab_end(&lab);
}

// Frames of a flow that nothing changes for go on as decided.
static void others_are_not_decided_again(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct lab lab;
	uint64_t decisions;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(&lab, "probe-filter", 10);
	lab_learn(&lab);
	lab_add_port(&lab, "br0", 2, NULL);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_settle(&lab);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	decisions = lab_switch(&lab, "br0").decisions;
	lab_apply(&lab,
		"switch br0\nextension br0 probe-filter order=10\nport br0 p0 nic=memory\n"
		"port br0 p1 nic=memory\nport br0 p2 nic=memory\n"
		"policy p2 probe-filter x act DROP_FRAME 0\n",
		WEIR_PRUNE);
	lab_settle(&lab);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_switch(&lab, "br0").decisions, decisions);
	lab_end(&lab);
}

// A port and the policy that lets nothing of its through come together.
static void no_frame_passes_before_the_policies(void **state)
{
	struct lab_frame frame = lab_udp(2, 1, 1, 2);
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(&lab, "probe-filter", 10);
	lab_learn(&lab);
	lab_apply(&lab, "port br0 p2 nic=memory\npolicy p2 probe-filter x act DROP_FRAME 0\n", 0);
	lab.ends[2] = weir_port_memory(lab.weir, "p2");
	lab.n_ports = 3;
	lab_assert_pass(&lab, 2, &frame, 0);
	assert_int_equal(lab_drops(&lab, "probe-filter", "told"), 1);
	lab_apply(&lab, "policy p2 probe-filter x act NOTHING\n", 0);
	lab_assert_pass(&lab, 2, &frame, 1 << 1);
	lab_end(&lab);
}

// ---- An existing port: its new place and its new policies come together

struct meeting {
	struct lab lab;
	struct lab_frame frame;
};

// p0 and p1 meet in VLAN 10, p2 is in VLAN 20; what p0 sends is decided, whoever it is for.
static void meet(struct meeting *m)
{
	lab_start(&m->lab, &(struct lab_options){ 0 });
	lab_add_port(&m->lab, "br0", 0, "10");
	lab_add_port(&m->lab, "br0", 1, "10");
	lab_add_port(&m->lab, "br0", 2, "20");
	lab_attach(&m->lab, "probe-filter", 10);
	m->frame = lab_udp(0, LAB_BROADCAST, 1, 2);
	lab_assert_pass(&m->lab, 0, &m->frame, 1 << 1);
	lab_settle(&m->lab);
	lab_assert_pass(&m->lab, 0, &m->frame, 1 << 1);
}

// Whatever is still under way by old decisions goes where it went; never to where only the new
// policies may let it. Then none does.
static void nothing_passes(struct meeting *m)
{
	unsigned got[LAB_PORTS_MAX];

	for (unsigned i = 0; i < 3; i++) {
		lab_pass(&m->lab, 0, &m->frame, got, 0, NULL);
		assert_int_equal(got[2], 0);
	}
	lab_settle(&m->lab);
	lab_pass(&m->lab, 0, &m->frame, got, 0, NULL);
	assert_int_equal(got[2], 0);
	lab_end(&m->lab);
}

static void a_port_moves_under_new_policies(void **state)
{
	struct meeting m;

	(void)state;
	// The sender comes to the VLAN of p2.
	meet(&m);
	lab_apply(&m.lab,
		"port br0 p0 nic=memory vlan=20\npolicy p0 probe-filter x act DROP_FRAME 0\n", 0);
	nothing_passes(&m);
	// p2 comes to the sender's.
	meet(&m);
	lab_apply(&m.lab,
		"port br0 p2 nic=memory vlan=10\npolicy p2 probe-filter x act EXCLUDE 0 EGRESS\n",
		0);
	nothing_passes(&m);
	// It was there before, and has decisions of that time.
	meet(&m);
	lab_apply(&m.lab, "port br0 p2 nic=memory vlan=10\n", 0);
	lab_assert_pass(&m.lab, 0, &m.frame, 1 << 1 | 1 << 2);
	lab_apply(&m.lab, "port br0 p2 nic=memory vlan=20\n", 0);
	lab_settle(&m.lab);
	lab_assert_pass(&m.lab, 0, &m.frame, 1 << 1);
	lab_apply(&m.lab,
		"port br0 p2 nic=memory vlan=10\npolicy p2 probe-filter x act EXCLUDE 0 EGRESS\n",
		0);
	nothing_passes(&m);
}

// What another NIC brings is not let through by decisions about what the former one brought.
static void a_nic_comes_under_new_policies(void **state)
{
	struct meeting m;
	unsigned got[LAB_PORTS_MAX];

	(void)state;
	meet(&m);
	lab_apply(&m.lab,
		"port br0 p0 nic=memory:size=64 vlan=10\n"
		"policy p0 probe-filter x act DROP_FRAME 0\n",
		0);
	weir_memory_release(m.lab.ends[0]);
	m.lab.ends[0] = weir_port_memory(m.lab.weir, "p0");
	for (unsigned i = 0; i < 3; i++) {
		lab_pass(&m.lab, 0, &m.frame, got, 0, NULL);
		assert_int_equal(got[1], 0);
	}
	lab_end(&m.lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_prepares_once),
		cmocka_unit_test(policies_see_the_ports_of_the_end),
		cmocka_unit_test(others_are_not_decided_again),
		cmocka_unit_test(no_frame_passes_before_the_policies),
		cmocka_unit_test(a_port_moves_under_new_policies),
		cmocka_unit_test(a_nic_comes_under_new_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
