// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Restoring what was wanted where not all of it can be had: what extensions saved, switches that
// run, items that make no sense, and NICs that are not there.
#include "lab_restore.h"

#include "../nic/network.h"
#include "switch/port_nic.h"

#define PORTS "port br0 p0 nic=memory\nport br0 p1 nic=memory\n"

// ---- What extensions saved

static void saved(struct weir_document *document, const char *target, const char *bytes)
{
	struct weir_item item = { .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_SAVED,
		.target = target,
		.name = "keeper",
		.saved = { .version = 3, .bytes = bytes, .size = strlen(bytes) } };
	struct weir_error error;

	assert_int_equal(weir_document_add(document, &item, &error), 0);
}

static void saved_state_comes_first(void **state)
{
	struct weir_document *document = lab_document(
		"switch br0\nextension br0 keeper\nport br0 p0\nport br0 p1\n");
	struct restore_notices notices;
	struct lab lab;

	(void)state;
	restore_start(&lab, &notices);
	saved(document, "p0", "of-p0");
	saved(document, "p1", "bad");
	saved(document, "switch:br0", "of-br0");
	assert_int_equal(weir_apply(lab.weir, document, WEIR_RESTORE, NULL, NULL, &lab.error), 0);
	// Before each first prepare, and a refusal is no reason to do without the extension.
	lab_assert_text(lab.log, "extension keeper: restored switch 3 of-br0\n"
				 "extension keeper: prepared br0\n"
				 "extension keeper: restored port 3 of-p0\n"
				 "extension keeper: prepared p0\n"
				 "extension keeper: prepared p1\n");
	assert_non_null(strstr(notices.text, "state-not-restored br0 p1 keeper\n"));
	// What stands is not restored again, nor by whoever does not restore.
	assert_int_equal(weir_apply(lab.weir, document, WEIR_RESTORE, NULL, NULL, &lab.error), 0);
	assert_int_equal(lab_logged(&lab, "restored"), 2);
	lab_detach(&lab, "keeper");
	assert_int_equal(weir_apply(lab.weir, document, 0, NULL, NULL, &lab.error), 0);
	assert_int_equal(lab_logged(&lab, "restored"), 2);
	weir_document_destroy(document);
	lab_end(&lab);
}

// ---- A switch that runs is brought back to what was kept

static void keep_meters(void *document, const struct weir_item *item)
{
	assert_int_equal(weir_document_add(document, item, NULL), 0);
}

// What was as it should be does not notice: no NIC is opened, nobody prepares, restores or attaches
// again, no flow is decided anew and no count is lost.
static void what_stands_is_not_disturbed(void **state)
{
	static const char kept[] = "switch br0\n"
				   "extension br0 keeper order=5\n"
				   "extension br0 nobody order=30 fail_open\n"
				   "extension br0 probe-filter order=10\n"
				   "policy switch:br0 probe-filter v veto 1\n"
				   "port br0 p0 nic=memory vlan=7\n"
				   "policy p0 nobody x rule some-bytes\n"
				   "policy p0 probe-filter m act METER\n"
				   "port br0 p1 nic=memory vlan=7\n"
				   "port br0 p2 nic=packet:not-there\n"
				   "fdb br0 02:00:00:00:00:01 7 p1\n";
	struct weir_document *document = lab_document(kept);
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct restore_notices notices;
	uint64_t decisions;
	struct lab lab;
	char *before;

	(void)state;
	restore_start(&lab, &notices);
	restore_document(&lab, kept, NULL);
	saved(document, "p0", "of-p0");
	saved(document, "switch:br0", "of-br0");
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	weir_export_meters(lab.weir, true, keep_meters, document);
	before = lab_state(&lab);
	// What was made since is lost, beside it.
	lab_apply(&lab,
		"switch br1\nport br1 x0 nic=null\n"
		"port br0 p9 nic=null\nfdb br0 02:00:00:00:00:09 7 p9\n",
		0);
	lab_settle(&lab);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	decisions = lab_switch(&lab, "br0").decisions;
	lab_forget_log(&lab);
	notices.text[0] = '\0';
	assert_int_equal(
		weir_apply(lab.weir, document, WEIR_PRUNE | WEIR_RESTORE, NULL, NULL, &lab.error),
		0);
	lab_settle(&lab);
	lab_assert_text(notices.text, "switch-removed br1\nport-removed br0 p9\n");
	lab_assert_text(lab.log, "extension probe-filter: event 1 p9\n"
				 "extension probe-filter: released p9\n");
	lab_assert_state(&lab, before);
	lab_assert_pass(&lab, 0, &frame, 1 << 1); // by the same ends of the same NICs
	assert_int_equal(lab_switch(&lab, "br0").decisions, decisions);
	assert_int_equal(lab_meter(&lab, "p0", "probe-filter", "m"), 3);
	free(before);
	weir_document_destroy(document);
	lab_end(&lab);
}

// ---- What makes no sense is left out

static void the_rest_is_restored(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct restore_notices notices;
	struct lab lab;

	(void)state;
	restore_start(&lab, &notices);
	restore_document(&lab,
		"switch br0\nswitch b/r\nextension br9 nothing-1\nextension br0 No\n" PORTS
		"port br0 p2 nic=memory vlan=9999\nport br0 p3 nic=wire\n"
		"policy p0 nobody x rule y\npolicy p9 nobody x rule y\n"
		"fdb br0 02:00:00:00:00:01 0 p9\nfdb br0 02:00:00:00:00:02 0 p1\n"
		"meter p9 nobody x 1 1\n",
		"add switch b/r: left out: switch name \"b/r\": letters, digits, \"_\", \"-\" and "
		"\".\" are allowed\n"
		"add extension br9 nothing-1: left out: switch \"br9\": there is none of this "
		"name\n"
		"add extension br0 No: left out: extension \"No\": a name has 1 to 31 characters "
		"a-z, 0-9 and \"-\"\n"
		"add port p0: nic memory\n"
		"add port p1: nic memory\n"
		"add port p2: left out: vlan \"9999\": must be 1 to 4094\n"
		"add port p3: nic wire\n"
		"add policy p0 nobody x: left out: extension \"nobody\": is not attached to switch "
		"br0, which has none\n"
		"add policy p9 nobody x: left out: port \"p9\": there is none of this name\n"
		"add fdb br0 02:00:00:00:00:01 0: left out: port \"p9\": there is none of this "
		"name\n"
		"add fdb br0 02:00:00:00:00:02 vlan 0: port p1\n"
		"add meter p9 nobody: left out: port \"p9\": there is none of this name\n");
	assert_non_null(strstr(notices.text, "item-left-out br0\n"));
	lab_assert_state(&lab,
		"switch br0\n" PORTS "port br0 p3 nic=wire\nfdb br0 02:00:00:00:00:02 0 p1\n");
	assert_int_equal(restore_port(&lab, "p3").n, WEIR_PORT_NIC_LOST);
	assert_non_null(strstr(restore_port(&lab, "p3").reason, "unknown kind \"wire\""));
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_end(&lab);
}

// ---- NICs that are not there

static void wait_connected(struct lab *lab, const char *name)
{
	for (unsigned waited = 0; waited < 5000; waited++) {
		lab_run(lab);
		if (restore_port(lab, name).n == WEIR_PORT_CONNECTED)
			return;
		usleep(1000);
	}
	fail_msg("port %s: %s", name, restore_port(lab, name).reason);
}

static void a_lost_nic_is_found(void **state)
{
	static const char document[] = "switch br0\nport br0 v nic=packet:restore0\n";
	struct restore_notices notices;
	struct lab lab;

	(void)state;
	restore_start(&lab, &notices);
	lab_apply(&lab, document, WEIR_RESTORE);
	assert_non_null(strstr(notices.text, "nic-lost br0 v\n"));
	assert_int_equal(restore_port(&lab, "v").n, WEIR_PORT_NIC_LOST);
	assert_non_null(strstr(restore_port(&lab, "v").reason, "restore0"));
	lab_assert_state(&lab, document);
	run("ip link add restore0 type veth peer name restore1");
	run("ip link set restore0 up");
	wait_connected(&lab, "v");
	lab_end(&lab);
	run("ip link delete restore0");
}

// Whoever has it keeps it: the other would take the same frames.
static void an_interface_is_one_ports(void **state)
{
	struct restore_notices notices;
	struct lab lab;

	(void)state;
	run("ip link add twice0 type veth peer name twice1");
	run("ip link set twice0 up");
	restore_start(&lab, &notices);
	lab_apply(&lab, "switch br0\nport br0 a nic=packet:twice0\nport br0 b nic=packet:twice0\n",
		WEIR_RESTORE);
	assert_int_equal(restore_port(&lab, "a").n, WEIR_PORT_CONNECTED);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(restore_port(&lab, "b").n, WEIR_PORT_NIC_LOST);
		assert_non_null(strstr(restore_port(&lab, "b").reason, "port a of switch br0 has"));
		port_retry_lost(lab.weir); // as every second
	}
	assert_int_equal(weir_port_remove(lab.weir, "a", 0, &lab.error), 0);
	lab_settle(&lab);
	port_retry_lost(lab.weir);
	assert_int_equal(restore_port(&lab, "b").n, WEIR_PORT_CONNECTED);
	lab_end(&lab);
	run("ip link delete twice0");
}

// One document takes an interface from one port and gives it to another, and back.
static void an_interface_changes_hands(void **state)
{
	struct restore_notices notices;
	struct lab lab;

	(void)state;
	// Two wires: both ends of one would be a loop, in which a frame of the kernel's never ends.
	run("ip link add hands0 type veth peer name hands2");
	run("ip link add hands1 type veth peer name hands3");
	run("ip link set hands0 up");
	run("ip link set hands1 up");
	restore_start(&lab, &notices);
	lab_apply(&lab, "port br0 a nic=packet:hands0\nport br0 b nic=packet:hands1\n", 0);
	lab_apply(&lab, "port br0 a nic=packet:hands1\nport br0 b nic=packet:hands0\n", 0);
	wait_connected(&lab, "a");
	wait_connected(&lab, "b");
	lab_apply(&lab, "switch br1\nport br1 a nic=packet:hands1\n", WEIR_PRUNE);
	wait_connected(&lab, "a");
	lab_assert_state(&lab, "switch br1\nport br1 a nic=packet:hands1\n");
	lab_end(&lab);
	run("ip link delete hands0");
	run("ip link delete hands1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(saved_state_comes_first),
		cmocka_unit_test(what_stands_is_not_disturbed),
		cmocka_unit_test(the_rest_is_restored),
		cmocka_unit_test(a_lost_nic_is_found),
		cmocka_unit_test(an_interface_is_one_ports),
		cmocka_unit_test(an_interface_changes_hands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
