// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Changes that the extension committed and that could not be published, as memory ran out: they are
// none, for sessions, meters and what is changed next.
#include "lab_faults.h"

#include "acl_lab.h"

#define CLOSED "rule direction=in action=deny weight=1"
#define OPENS  "rule direction=out action=allow weight=10 stateful=true"

static const char out_text[] = "udp 10.0.0.1:1000 > 10.0.0.2:53";
static const char back_text[] = "udp 10.0.0.2:53 > 10.0.0.1:1000 from 1 to 0";

// A session goes on when the removal of its rule was not made, also when other changes follow; it
// ends when the rule is removed.
static void sessions_stay(void **state)
{
	struct packet out = packet_read(out_text), back = packet_read(back_text);
	unsigned n_refused = 0;
	struct lab lab;

	(void)state;
	acl_begin(&lab, &(struct lab_options){ .strict = true });
	acl_add(&lab, "p0", "closed", CLOSED);
	acl_add(&lab, "p0", "count", "acl direction=out action=meter remote=any");
	for (unsigned n = 1;; n++) {
		int result;

		acl_add(&lab, "p0", "opens", OPENS);
		lab_settle(&lab);
		assert_string_equal(acl_pass(&lab, &out), "");
		assert_string_equal(acl_pass(&lab, &back), "");
		lab_faults_arm((n + 1) / 2, n % 2);
		result = weir_policy_remove(lab.weir, "p0", "acl", "opens", 0, &lab.error);
		if (!lab_faults_disarm() && result == 0)
			break;
		n_refused += result < 0;
		// At once, and after the state that was given up has been released.
		if (n / 2 % 2)
			lab_settle(&lab);
		acl_add(&lab, "p0", "more", "acl direction=out action=allow remote=10.0.0.0/8");
		lab_settle(&lab);
		assert_string_equal(acl_pass(&lab, &back), result < 0 ? "" : "rule-denied@egress");
		acl_remove(&lab, "p0", "more");
		if (result < 0)
			acl_remove(&lab, "p0", "opens");
		lab_settle(&lab);
		assert_string_equal(acl_pass(&lab, &back), "rule-denied@egress");
	}
	lab_settle(&lab);
	assert_string_equal(acl_pass(&lab, &back), "rule-denied@egress");
	assert_true(n_refused > 5);
	acl_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
