// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A replacement with each of its allocations failing once: rolled back, from whatever it had come
// to, with nothing left behind (which AddressSanitizer sees), and the old version goes on under
// traffic as if nothing had been, until one succeeds.
#include "lab_faults.h"
#include "lab_replace.h"

enum { ALLOCATIONS = 40 }; // that it makes, at least

// One frame passes and one does not. n: such calls so far, this one included.
static void check_traffic(struct lab *lab, unsigned version, uint64_t n)
{
	assert_int_equal(replace_seen_by(lab), version);
	replace_drop_one(lab, 9);
	assert_int_equal(lab_meter(lab, "p0", "versioned", "all"), n);
	assert_int_equal(lab_drops(lab, "versioned", "unwanted"), n);
}

// True: none was left to fail, and the new version is there.
static bool fail_at(struct lab *lab, unsigned n, bool all)
{
	bool has_failed;
	int ret;

	memset(&lab->error, 0, sizeof(lab->error));
	lab_faults_arm(n, all);
	ret = try_replace(lab, "versioned", MODULE("versioned-2"), 0);
	has_failed = lab_faults_disarm();
	if (ret != 0)
		lab_assert_refused(lab, ret, ENOMEM, "");
	if (ret == 0 && has_failed) { // it can be done without, as when it is for a notice
		lab_settle(lab);
		replace(lab, "versioned", MODULE("versioned"));
		lab_settle(lab);
		lab_forget_log(lab);
	}
	return !has_failed;
}

static void every_failure_is_rolled_back(bool all)
{
	uint64_t n_checks = 0;
	unsigned n = 0;
	struct lab lab;

	replace_start(&lab);
	check_traffic(&lab, 1, ++n_checks);
	while (!fail_at(&lab, ++n, all)) {
		// The programs from before, and those that are decided now.
		check_traffic(&lab, 1, ++n_checks);
		lab_settle(&lab);
		check_traffic(&lab, 1, ++n_checks);
		assert_string_equal(replace_found(&lab, "versioned").version, "1.0");
		assert_int_equal(lab_logged(&lab, "1.0 forgets"), 0);
		assert_int_equal(
			lab_logged(&lab, "2.0 attached"), lab_logged(&lab, "2.0 detached"));
	}
	if (n < ALLOCATIONS)
		fail_msg("%u allocations were made", n - 1);
	lab_settle(&lab);
	check_traffic(&lab, 2, ++n_checks);
	assert_int_equal(lab_logged(&lab, "1.0 detached"), 1);
	// And back.
	replace(&lab, "versioned", MODULE("versioned"));
	lab_settle(&lab);
	check_traffic(&lab, 1, ++n_checks);
	lab_end(&lab);
}

static void each_allocation_may_fail(void **state)
{
	(void)state;
	every_failure_is_rolled_back(false);
}

static void and_all_that_follow(void **state)
{
	(void)state;
	every_failure_is_rolled_back(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_may_fail),
		cmocka_unit_test(and_all_that_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
