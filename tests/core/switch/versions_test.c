// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Extensions of other minor versions of the interface than the host's. (Those of the last one run
// through the tests that end in _old.)
#include "lab.h"

// What was built against minor version 0 of the interface goes on to run.
static void older_extensions_run(void **state)
{
	struct lab_frame dropped = lab_udp(0, 1, 1, 9), passed = lab_udp(0, 1, 1, 10);
	struct weir_call_request call = { .size = sizeof(call), .extension = "minor-0" };
	struct weir_running_call *running;
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_learn(&lab);
	lab_attach(&lab, "minor-0", 0);
	assert_int_equal(lab_logged(&lab, "attached on a host of minor version 2"), 1);
	lab_assert_pass(&lab, 0, &dropped, 0);
	lab_assert_pass(&lab, 0, &passed, 1 << 1);
	assert_int_equal(lab_drops(&lab, "minor-0", "discard"), 1);
	assert_int_equal(lab_extension(&lab, "minor-0").visits, 1);
	// It has none of what came later.
	lab_assert_refused(&lab, weir_call_begin(lab.weir, &call, 0, &running, &lab.error), ENOENT,
		"extension \"minor-0\": takes no calls");
	lab_assert_refused(&lab,
		weir_status_list(lab.weir, NULL, "minor-0", NULL, NULL, NULL, &lab.error), ENOENT,
		"extension \"minor-0\": has no statuses");
	assert_int_equal(weir_export_saved(lab.weir, NULL, NULL, &lab.error), 0);
	lab_detach(&lab, "minor-0");
	lab_end(&lab);
}

// What is built against the next minor version and needs it is not loaded, and says so before any
// of its code runs.
static void newer_extensions_are_refused(void **state)
{
	char sentence[128];
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	snprintf(sentence, sizeof(sentence),
		"needs at least version %d.%d of the interface; this host has %d.%d",
		WEIR_ABI_MAJOR, WEIR_ABI_MINOR + 1, WEIR_ABI_MAJOR, WEIR_ABI_MINOR);
	lab_assert_refused(&lab, weir_extension_load(lab.weir, "newer-needs", NULL, 0, &lab.error),
		EPROTONOSUPPORT, sentence);
	lab_assert_refused(&lab,
		weir_extension_attach(
			lab.weir, "br0", "newer-needs", WEIR_ORDER_DEFAULT, 0, &lab.error),
		EPROTONOSUPPORT, sentence);
	lab_end(&lab);
}

// One that can do with this host's version runs: it is told what the host has not, and what is
// asked of the host that it does not know has no effect and counts against it.
static void newer_extensions_that_bend_run(void **state)
{
	struct lab_frame known = lab_udp(0, 1, 1, 9), newer = lab_udp(0, 1, 1, 10);
	struct lab_extension e;
	char line[128];
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_learn(&lab);
	lab_attach(&lab, "newer-bends", 0);
	snprintf(line, sizeof(line), "minor version %d on a host of %d: %d", WEIR_ABI_MINOR + 1,
		WEIR_ABI_MINOR, -ENOSYS);
	assert_int_equal(lab_logged(&lab, line), 1);
	lab_assert_pass(&lab, 0, &known, 1 << 1);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 1);
	assert_int_equal(lab_extension(&lab, "newer-bends").invalid, 0);
	lab_assert_pass(&lab, 0, &newer, 1 << 1);
	assert_int_equal(lab_switch(&lab, "br0").sessions, 1);
	e = lab_extension(&lab, "newer-bends");
	assert_int_equal(e.invalid, 1);
	assert_non_null(strstr(e.last_offence, "session: size "));
	assert_non_null(strstr(e.last_offence, "those behind must be zero"));
	lab_detach(&lab, "newer-bends");
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(older_extensions_run),
		cmocka_unit_test(newer_extensions_are_refused),
		cmocka_unit_test(newer_extensions_that_bend_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
