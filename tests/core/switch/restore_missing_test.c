// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Restoring where extensions are not to be had, or refuse what they are to do: nothing passes that
// one was to see and does not.
#include "lab_restore.h"

#include "../nic/network.h"

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
	struct restore_notices notices;
	struct restore_seen seen;
	const void *bytes;
	size_t size;
	struct lab lab;

	(void)state;
	restore_start(&lab, &notices);
	restore_document(&lab, document,
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
	seen = restore_extension(&lab, "nobody");
	assert_true(seen.n == 1 && seen.missing && !seen.fail_open && seen.order == 30);
	assert_non_null(strstr(seen.reason, "/nowhere/nobody.so"));
	assert_string_equal(seen.path, "/nowhere/nobody.so");
	seen = restore_port(&lab, "p1");
	assert_true(seen.blocked && seen.n == WEIR_PORT_CONNECTED);
	assert_non_null(strstr(seen.reason, "extension nobody: extension file"));
	lab_assert_pass(&lab, 0, &frame, 0);
	assert_int_equal(lab_drops(&lab, "core", "port-down"), 1);
	// A new port is blocked too; the same again is no difference.
	lab_add_port(&lab, "br0", 2, NULL);
	assert_true(restore_port(&lab, "p2").blocked);
	lab_remove_port(&lab, 2);
	restore_document(&lab, document, "");
	// Its policies can be removed, others cannot be checked.
	lab_assert_refused(&lab,
		weir_policy_add(lab.weir, "p0", "nobody", "rule", "z", "", 0, NULL, 0, &lab.error),
		ENOENT, "extension nobody: is missing on switch br0");
	lab_assert_refused(&lab,
		weir_policy_schema(lab.weir, "p0", "nobody", &bytes, &size, &lab.error), ENOENT,
		"extension nobody: is missing on switch br0");
	lab_assert_refused(&lab, weir_extension_replace(lab.weir, "nobody", NULL, 0, &lab.error),
		ENOENT,
		"extension \"nobody\": is not loaded: it is missing on switch br0, where extension "
		"attach tries it again");
	lab_remove_policy(&lab, "p0", "nobody", "x");
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_detach(&lab, "nobody");
	assert_false(restore_port(&lab, "p0").blocked);
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
	struct restore_notices notices;
	struct lab lab;

	(void)state;
	restore_start(&lab, &notices);
	restore_document(&lab, document, NULL);
	assert_true(restore_extension(&lab, "nobody").fail_open);
	assert_false(restore_port(&lab, "p0").blocked);
	assert_null(strstr(notices.text, "port-blocked"));
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_assert_state(&lab, document);
	// From now on it is not to.
	lab_apply(&lab, "extension br0 nobody order=30\n", 0);
	lab_assert_pass(&lab, 0, &frame, 0);
	assert_true(restore_port(&lab, "p0").blocked);
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
	struct restore_notices notices;
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
	restore_start(&lab, &notices);
	restore_document(&lab, document, NULL);
	lab_assert_pass(&lab, 0, &frame, 0);
	// Not there yet.
	lab_assert_refused(&lab,
		weir_extension_attach(
			lab.weir, "br0", "probe-filter", WEIR_ORDER_DEFAULT, 0, &lab.error),
		ENOENT,
		"cannot be opened: No such file or directory; to attach it from another file, "
		"first extension load probe-filter --path FILE");
	assert_null(strstr(restore_extension(&lab, "probe-filter").reason, "--path"));
	install("probe-filter", directory, path);
	// There, and refuses a policy; then that one goes.
	lab_assert_refused(&lab,
		weir_extension_attach(
			lab.weir, "br0", "probe-filter", WEIR_ORDER_DEFAULT, 0, &lab.error),
		EPERM, "odd");
	assert_true(restore_extension(&lab, "probe-filter").missing);
	assert_string_equal(restore_extension(&lab, "probe-filter").reason, "odd");
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_remove_policy(&lab, "p0", "probe-filter", "r");
	assert_int_equal(weir_extension_attach(lab.weir, "br0", "probe-filter", WEIR_ORDER_DEFAULT,
				 WEIR_DRY_RUN, &lab.error),
		0);
	assert_true(restore_extension(&lab, "probe-filter").missing);
	lab_attach(&lab, "probe-filter", WEIR_ORDER_DEFAULT);
	assert_false(restore_extension(&lab, "probe-filter").missing);
	assert_int_equal(restore_extension(&lab, "probe-filter").order, 30);
	assert_false(restore_port(&lab, "p0").blocked);
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
	struct restore_notices notices;
	struct restore_seen seen;
	struct lab lab;

	(void)state;
	restore_start(&lab, &notices);
	restore_document(&lab, document, NULL);
	lab_assert_state(&lab, document);
	assert_non_null(strstr(notices.text, "policies-refused br0 p0 probe-filter\n"));
	seen = restore_port(&lab, "p0");
	assert_true(seen.blocked);
	assert_string_equal(seen.reason, "extension probe-filter: odd");
	assert_false(restore_port(&lab, "p1").blocked);
	assert_false(restore_extension(&lab, "probe-filter").missing);
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_assert_pass(&lab, 1, &back, 0);
	// What is refused stays so, until the last of them is gone.
	lab_assert_refused(&lab,
		lab_try_act(
			&lab, "p0", "probe-filter", "d", (Probe__Act){ AT(INGRESS, NOTHING) }, 0),
		EPERM, "odd");
	lab_remove_policy(&lab, "p0", "probe-filter", "a");
	assert_string_equal(restore_port(&lab, "p0").reason, "extension probe-filter: even");
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_remove_policy(&lab, "p0", "probe-filter", "b");
	assert_false(restore_port(&lab, "p0").blocked);
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
	struct restore_notices notices;
	struct lab lab;

	(void)state;
	restore_start(&lab, &notices);
	restore_document(&lab, document, NULL);
	lab_assert_state(&lab, document);
	assert_non_null(strstr(restore_port(&lab, "p0").reason, "type \"older\""));
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
	struct restore_notices notices;
	struct lab lab;

	(void)state;
	restore_start(&lab, &notices);
	restore_document(&lab, document, NULL);
	assert_false(restore_port(&lab, "p0").blocked);
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
	struct restore_notices notices;
	struct lab lab;

	(void)state;
	restore_start(&lab, &notices);
	restore_document(&lab,
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
	struct restore_notices notices;
	struct lab lab;

	(void)state;
	restore_start(&lab, &notices);
	restore_document(&lab, document, NULL);
	lab_assert_state(&lab, document);
	assert_true(restore_extension(&lab, "probe-filter").missing);
	assert_string_equal(restore_extension(&lab, "probe-filter").reason, "odd");
	assert_string_equal(restore_port(&lab, "p1").reason, "extension probe-filter: odd");
	lab_assert_pass(&lab, 0, &frame, 0);
	lab_assert_refused(&lab,
		weir_extension_attach(
			lab.weir, "br0", "probe-filter", WEIR_ORDER_DEFAULT, 0, &lab.error),
		EPERM, "odd");
	lab_remove_policy(&lab, "switch:br0", "probe-filter", "a");
	assert_false(restore_extension(&lab, "probe-filter").missing);
	lab_assert_pass(&lab, 0, &frame, 1 << 1);
	lab_end(&lab);
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
		cmocka_unit_test(a_refused_switch_makes_it_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
