// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Restoring what was wanted where not all of it can be had: nothing refuses, and nothing passes
// that an extension was to see and does not.
#include "lab_document.h"

#include <stdlib.h>

#include "../nic/network.h"
#include "switch/model.h"

enum { NOTICES_MAX = 4096 };

struct notices {
	char text[NOTICES_MAX]; // "kind switch port extension\n" each
};

static void keep_notice(void *context, const struct weir_notice *n)
{
	struct notices *notices = context;
	size_t used = strlen(notices->text);

	snprintf(notices->text + used, sizeof(notices->text) - used, "%s %s%s%s%s%s\n", n->kind,
		n->switch_name, *n->port ? " " : "", n->port, *n->extension ? " " : "",
		n->extension);
}

static void start(struct lab *lab, struct notices *notices)
{
	lab_start(lab, &(struct lab_options){ 0 });
	*notices = (struct notices){ 0 };
	weir_on_notice(lab->weir, keep_notice, notices);
}

// The document, and the test's ends of its ports p0 and p1.
static void restore(struct lab *lab, const char *document, const char *differences)
{
	char *got;

	if (lab_try_apply(lab, document, WEIR_RESTORE, &got) < 0)
		fail_msg("%s: %s", lab->error.field, lab->error.message);
	if (differences)
		lab_assert_text(got, differences);
	free(got);
	lab->n_ports = 2;
	weir_memory_release(lab->ends[0]);
	weir_memory_release(lab->ends[1]);
	lab->ends[0] = weir_port_memory(lab->weir, "p0");
	lab->ends[1] = weir_port_memory(lab->weir, "p1");
}

struct seen {
	const char *name;
	bool missing, fail_open, blocked;
	char reason[256], path[256];
	unsigned n;
	int order;
};

static void see_extension(void *context, const struct weir_extension_info *info)
{
	struct seen *seen = context;

	if (strcmp(info->name, seen->name) != 0)
		return;
	seen->n++;
	seen->missing = info->missing;
	seen->fail_open = info->fail_open;
	seen->order = info->order;
	snprintf(seen->reason, sizeof(seen->reason), "%s", info->reason);
	snprintf(seen->path, sizeof(seen->path), "%s", info->path);
}

static struct seen extension(struct lab *lab, const char *name)
{
	struct seen seen = { .name = name };

	assert_int_equal(
		weir_extension_list(lab->weir, "br0", see_extension, &seen, &lab->error), 0);
	return seen;
}

static void see_port(void *context, const struct weir_port_info *info)
{
	struct seen *seen = context;

	seen->n = info->state;
	seen->blocked = info->blocked;
	snprintf(seen->reason, sizeof(seen->reason), "%s", info->reason);
}

static struct seen port(struct lab *lab, const char *name)
{
	struct seen seen = { .name = name };

	assert_int_equal(weir_port_list(lab->weir, NULL, name, see_port, &seen, &lab->error), 0);
	return seen;
}

#define PORTS "port br0 p0 nic=memory\nport br0 p1 nic=memory\n"

// ---- Extensions that are not there

static void a_missing_one_blocks_until_it_is_detached(void **state)
{
	static const char document[] = "switch br0\n"
				       "extension br0 nobody order=30 path=/nowhere/nobody.so\n"
				       "policy switch:br0 nobody s kind body\n"
				       "port br0 p0 nic=memory\n"
				       "policy p0 nobody x rule some-bytes\n"
				       "policy p0 nobody y rule other-bytes\n"
				       "port br0 p1 nic=memory\n";
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct notices notices;
	struct seen seen;
	struct lab lab;

	(void)state;
	start(&lab, &notices);
	restore(&lab, document,
		"add extension br0 nobody: missing: extension file \"/nowhere/nobody.so\" cannot "
		"be "
		"opened: No such file or directory\n"
		"add port p0: nic memory\n"
		"add port p1: nic memory\n"
		"add policy switch:br0 nobody.kind s\n"
		"add policy p0 nobody.rule x\n"
		"add policy p0 nobody.rule y\n");
	assert_non_null(strstr(notices.text, "extension-missing br0 nobody\n"));
	assert_non_null(strstr(notices.text, "port-added br0 p0\nport-blocked br0 p0\n"));
	lab_assert_state(&lab, document);
	seen = extension(&lab, "nobody");
	assert_true(seen.n == 1 && seen.missing && !seen.fail_open && seen.order == 30);
	assert_non_null(strstr(seen.reason, "/nowhere/nobody.so"));
	assert_string_equal(seen.path, "/nowhere/nobody.so");
	seen = port(&lab, "p1");
	assert_true(seen.blocked && seen.n == WEIR_PORT_CONNECTED);
	assert_non_null(strstr(seen.reason, "extension nobody: extension file"));
	lab_assert_pass(&lab, 0, &frame, 0);
	assert_int_equal(lab_drops(&lab, "core", "port-down"), 1);
	// A new port is blocked too; the same again is no difference.
	lab_add_port(&lab, "br0", 2, NULL);
	assert_true(port(&lab, "p2").blocked);
	lab_remove_port(&lab, 2);
	restore(&lab, document, "");
	// Its policies can be removed, others cannot be checked.
	lab_assert_refused(&lab,
		weir_policy_add(lab.weir, "p0", "nobody", "rule", "z", "", 0, NULL, 0, &lab.error),
		ENOENT, "extension nobody: is missing on switch br0");
	lab_remove_policy(&lab, "p0", "nobody", "x");
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_detach(&lab, "nobody");
	assert_false(port(&lab, "p0").blocked);
	assert_non_null(strstr(notices.text, "port-unblocked br0 p0\n"));
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_assert_state(&lab, "switch br0\n" PORTS);
	lab_end(&lab);
}

static void a_missing_one_that_fails_open(void **state)
{
	static const char document[] = "switch br0\n"
				       "extension br0 nobody order=30 fail_open\n"
				       "port br0 p0 nic=memory\n"
				       "policy p0 nobody x rule some-bytes\n"
				       "port br0 p1 nic=memory\n";
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct notices notices;
	struct lab lab;

	(void)state;
	start(&lab, &notices);
	restore(&lab, document, NULL);
	assert_true(extension(&lab, "nobody").fail_open);
	assert_false(port(&lab, "p0").blocked);
	assert_null(strstr(notices.text, "port-blocked"));
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_assert_state(&lab, document);
	// From now on it is not to.
	lab_apply(&lab, "extension br0 nobody order=30\n", 0);
	lab_assert_pass(&lab, 0, &frame, 0);
	assert_true(port(&lab, "p0").blocked);
	lab_end(&lab);
}

// A copy of an extension that can be put where it was missing.
static void install(const char *name, const char *directory, char path[128])
{
	snprintf(path, 128, "%s/%s.so", directory, name);
	run("install -m 755 %s/%s.so %s", LAB_MODULES, name, path);
}

static void a_missing_one_is_tried_again(void **state)
{
	char directory[] = "/tmp/weir-restore-XXXXXX", document[1024], path[128];
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct notices notices;
	struct lab lab;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/probe-filter.so", directory);
	snprintf(document, sizeof(document),
		"switch br0\n"
		"extension br0 probe-filter order=30 path=%s\n"
		"policy switch:br0 probe-filter v veto 1\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-filter m act METER\n"
		"policy p0 probe-filter r refuse odd\n"
		"port br0 p1 nic=memory\n"
		"meter p0 probe-filter m 7 700\n",
		path);
	start(&lab, &notices);
	restore(&lab, document, NULL);
	lab_assert_pass(&lab, 0, &frame, 0);
	// Not there yet.
	lab_assert_refused(&lab,
		weir_extension_attach(
			lab.weir, "br0", "probe-filter", WEIR_ORDER_DEFAULT, 0, &lab.error),
		ENOENT, "cannot be opened");
	install("probe-filter", directory, path);
	// There, and refuses a policy; then that one goes.
	lab_assert_refused(&lab,
		weir_extension_attach(
			lab.weir, "br0", "probe-filter", WEIR_ORDER_DEFAULT, 0, &lab.error),
		EPERM, "odd");
	assert_true(extension(&lab, "probe-filter").missing);
	assert_string_equal(extension(&lab, "probe-filter").reason, "odd");
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_remove_policy(&lab, "p0", "probe-filter", "r");
	assert_int_equal(weir_extension_attach(lab.weir, "br0", "probe-filter", WEIR_ORDER_DEFAULT,
				 WEIR_DRY_RUN, &lab.error),
		0);
	assert_true(extension(&lab, "probe-filter").missing);
	lab_attach(&lab, "probe-filter", WEIR_ORDER_DEFAULT);
	assert_false(extension(&lab, "probe-filter").missing);
	assert_int_equal(extension(&lab, "probe-filter").order, 30);
	assert_false(port(&lab, "p0").blocked);
	assert_non_null(strstr(notices.text, "port-unblocked br0 p1\n"));
	// It does what its policies say, and counts on.
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_meter(&lab, "p0", "probe-filter", "m"), 8);
	lab_assert_refused(&lab, weir_port_remove(lab.weir, "p0", 0, &lab.error), EACCES, "vetoed");
	lab_settle(&lab);
	lab_end(&lab);
	unlink(path);
	rmdir(directory);
}

// ---- Extensions that refuse

static void a_refused_port_is_blocked_until_it_is_taken(void **state)
{
	static const char document[] = "switch br0\n"
				       "extension br0 probe-filter order=10\n"
				       "port br0 p0 nic=memory\n"
				       "policy p0 probe-filter a refuse odd\n"
				       "policy p0 probe-filter b refuse even\n"
				       "policy p0 probe-filter c act METER\n"
				       "port br0 p1 nic=memory\n";
	struct lab_frame frame = lab_udp(0, 1, 1, 2), back = lab_udp(1, 0, 1, 2);
	struct notices notices;
	struct seen seen;
	struct lab lab;

	(void)state;
	start(&lab, &notices);
	restore(&lab, document, NULL);
	lab_assert_state(&lab, document);
	assert_non_null(strstr(notices.text, "policies-refused br0 p0 probe-filter\n"));
	seen = port(&lab, "p0");
	assert_true(seen.blocked);
	assert_string_equal(seen.reason, "extension probe-filter: odd");
	assert_false(port(&lab, "p1").blocked);
	assert_false(extension(&lab, "probe-filter").missing);
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_assert_pass(&lab, 1, &back, 0);
	// What is refused stays so, until the last of them is gone.
	lab_assert_refused(&lab,
		lab_try_act(
			&lab, "p0", "probe-filter", "d", (Probe__Act){ AT(INGRESS, NOTHING) }, 0),
		EPERM, "odd");
	lab_remove_policy(&lab, "p0", "probe-filter", "a");
	assert_string_equal(port(&lab, "p0").reason, "extension probe-filter: even");
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_remove_policy(&lab, "p0", "probe-filter", "b");
	assert_false(port(&lab, "p0").blocked);
	assert_non_null(strstr(notices.text, "port-unblocked br0 p0\n"));
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_meter(&lab, "p0", "probe-filter", "c"), 1);
	lab_end(&lab);
}

static void what_the_schema_does_not_know_is_refused_too(void **state)
{
	static const char document[] = "switch br0\n"
				       "extension br0 probe-filter order=10\n"
				       "port br0 p0 nic=memory\n"
				       "policy p0 probe-filter a older x\n"
				       "policy p0 probe-filter b act METER\n"
				       "port br0 p1 nic=memory\n";
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct notices notices;
	struct lab lab;

	(void)state;
	start(&lab, &notices);
	restore(&lab, document, NULL);
	lab_assert_state(&lab, document);
	assert_non_null(strstr(port(&lab, "p0").reason, "type \"older\""));
	lab_assert_pass(&lab, 0, &frame, 0);
	// A document that does without it.
	lab_apply(&lab,
		"switch br0\nextension br0 probe-filter\n" PORTS
		"policy p0 probe-filter b act METER\n",
		WEIR_PRUNE);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	assert_int_equal(lab_meter(&lab, "p0", "probe-filter", "b"), 1);
	lab_end(&lab);
}

static void a_refusal_that_fails_open(void **state)
{
	static const char document[] = "switch br0\n"
				       "extension br0 probe-filter order=10 fail_open\n"
				       "port br0 p0 nic=memory\n"
				       "policy p0 probe-filter a refuse odd\n"
				       "policy p0 probe-filter b act DROP_FRAME 0\n"
				       "port br0 p1 nic=memory\n"
				       "policy p1 probe-filter b act DROP_FRAME 0\n";
	struct lab_frame frame = lab_udp(0, 1, 1, 2), back = lab_udp(1, 0, 1, 2);
	struct notices notices;
	struct lab lab;

	(void)state;
	start(&lab, &notices);
	restore(&lab, document, NULL);
	assert_false(port(&lab, "p0").blocked);
	lab_assert_pass(&lab, 0, &frame, 1 << 1); // not asked
	lab_assert_pass(&lab, 1, &back, 0);       // asked
	lab_remove_policy(&lab, "p0", "probe-filter", "a");
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_end(&lab);
}

// Without the one that chooses destinations, frames go where the switch knows their addresses.
static void forwarding_that_fails_open(void **state)
{
	struct lab_frame frame = lab_udp(0, 1, 1, 2), back = lab_udp(1, 0, 1, 2);
	struct notices notices;
	struct lab lab;

	(void)state;
	start(&lab, &notices);
	restore(&lab,
		"switch br0\nextension br0 probe-forwarding fail_open\n" PORTS
		"policy p0 probe-forwarding a refuse odd\n",
		NULL);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_assert_pass(&lab, 1, &back, 1 << 0);
	assert_int_equal(lab_extension(&lab, "probe-forwarding").decisions, 1);
	lab_end(&lab);
}

static void a_refused_switch_makes_it_missing(void **state)
{
	static const char document[] = "switch br0\n"
				       "extension br0 probe-filter order=10\n"
				       "policy switch:br0 probe-filter a refuse odd\n"
				       "port br0 p0 nic=memory\n"
				       "port br0 p1 nic=memory\n";
	struct lab_frame frame = lab_udp(0, 1, 1, 2);
	struct notices notices;
	struct lab lab;

	(void)state;
	start(&lab, &notices);
	restore(&lab, document, NULL);
	lab_assert_state(&lab, document);
	assert_true(extension(&lab, "probe-filter").missing);
	assert_string_equal(extension(&lab, "probe-filter").reason, "odd");
	assert_string_equal(port(&lab, "p1").reason, "extension probe-filter: odd");
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_assert_refused(&lab,
		weir_extension_attach(
			lab.weir, "br0", "probe-filter", WEIR_ORDER_DEFAULT, 0, &lab.error),
		EPERM, "odd");
	lab_remove_policy(&lab, "switch:br0", "probe-filter", "a");
	assert_false(extension(&lab, "probe-filter").missing);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_end(&lab);
}

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
	struct notices notices;
	struct lab lab;

	(void)state;
	start(&lab, &notices);
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
	struct notices notices;
	uint64_t decisions;
	struct lab lab;
	char *before;

	(void)state;
	start(&lab, &notices);
	restore(&lab, kept, NULL);
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
	struct notices notices;
	struct lab lab;

	(void)state;
	start(&lab, &notices);
	restore(&lab,
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
		"br0\n"
		"add policy p9 nobody x: left out: port \"p9\": there is none of this name\n"
		"add fdb br0 02:00:00:00:00:01 0: left out: port \"p9\": there is none of this "
		"name\n"
		"add fdb br0 02:00:00:00:00:02 vlan 0: port p1\n"
		"add meter p9 nobody: left out: port \"p9\": there is none of this name\n");
	assert_non_null(strstr(notices.text, "item-left-out br0\n"));
	lab_assert_state(&lab,
		"switch br0\n" PORTS "port br0 p3 nic=wire\nfdb br0 02:00:00:00:00:02 0 p1\n");
	assert_int_equal(port(&lab, "p3").n, WEIR_PORT_NIC_LOST);
	assert_non_null(strstr(port(&lab, "p3").reason, "unknown kind \"wire\""));
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_end(&lab);
}

// ---- NICs that are not there

static void wait_connected(struct lab *lab, const char *name)
{
	for (unsigned waited = 0; waited < 5000; waited++) {
		lab_run(lab);
		if (port(lab, name).n == WEIR_PORT_CONNECTED)
			return;
		usleep(1000);
	}
	fail_msg("port %s: %s", name, port(lab, name).reason);
}

static void a_lost_nic_is_found(void **state)
{
	static const char document[] = "switch br0\nport br0 v nic=packet:restore0\n";
	struct notices notices;
	struct lab lab;

	(void)state;
	start(&lab, &notices);
	lab_apply(&lab, document, WEIR_RESTORE);
	assert_non_null(strstr(notices.text, "nic-lost br0 v\n"));
	assert_int_equal(port(&lab, "v").n, WEIR_PORT_NIC_LOST);
	assert_non_null(strstr(port(&lab, "v").reason, "restore0"));
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
	struct notices notices;
	struct lab lab;

	(void)state;
	run("ip link add twice0 type veth peer name twice1");
	run("ip link set twice0 up");
	start(&lab, &notices);
	lab_apply(&lab, "switch br0\nport br0 a nic=packet:twice0\nport br0 b nic=packet:twice0\n",
		WEIR_RESTORE);
	assert_int_equal(port(&lab, "a").n, WEIR_PORT_CONNECTED);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(port(&lab, "b").n, WEIR_PORT_NIC_LOST);
		assert_non_null(strstr(port(&lab, "b").reason, "port a of switch br0 has"));
		port_retry_lost(lab.weir); // as every second
	}
	assert_int_equal(weir_port_remove(lab.weir, "a", 0, &lab.error), 0);
	lab_settle(&lab);
	port_retry_lost(lab.weir);
	assert_int_equal(port(&lab, "b").n, WEIR_PORT_CONNECTED);
	lab_end(&lab);
	run("ip link delete twice0");
}

// One document takes an interface from one port and gives it to another, and back.
static void an_interface_changes_hands(void **state)
{
	struct notices notices;
	struct lab lab;

	(void)state;
	// Two wires: both ends of one would be a loop, in which a frame of the kernel's never ends.
	run("ip link add hands0 type veth peer name hands2");
	run("ip link add hands1 type veth peer name hands3");
	run("ip link set hands0 up");
	run("ip link set hands1 up");
	start(&lab, &notices);
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
		cmocka_unit_test(a_missing_one_blocks_until_it_is_detached),
		cmocka_unit_test(a_missing_one_that_fails_open),
		cmocka_unit_test(a_missing_one_is_tried_again),
		cmocka_unit_test(a_refused_port_is_blocked_until_it_is_taken),
		cmocka_unit_test(what_the_schema_does_not_know_is_refused_too),
		cmocka_unit_test(a_refusal_that_fails_open),
		cmocka_unit_test(forwarding_that_fails_open),
		cmocka_unit_test(saved_state_comes_first),
		cmocka_unit_test(what_stands_is_not_disturbed),
		cmocka_unit_test(a_refused_switch_makes_it_missing),
		cmocka_unit_test(the_rest_is_restored),
		cmocka_unit_test(a_lost_nic_is_found),
		cmocka_unit_test(an_interface_is_one_ports),
		cmocka_unit_test(an_interface_changes_hands),
	};

	if (!network_enter())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
