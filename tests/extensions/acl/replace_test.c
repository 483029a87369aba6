// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The ACL is replaced by builds of itself that save in other layouts: what it decides, meters and
// has sessions of is as before, and a policy that goes afterwards takes its sessions with it.
#include "acl_lab.h"

#define MODULE(name) ACL_MODULES "/" name ".so"

#define OUT  "udp 10.0.0.1:1000 > 10.0.0.2:53"
#define BACK "udp 10.0.0.2:53 > 10.0.0.1:1000 from 1 to 0"

static const struct lab_options strict = { .strict = true };

static void expect(struct lab *lab, const char *text, const char *expected)
{
	struct packet packet = packet_read(text);
	const char *came = acl_pass(lab, &packet);

	if (strcmp(came, expected) != 0)
		fail_msg("%s: \"%s\", expected \"%s\"", text, came, expected);
}

static void replace(struct lab *lab, const char *path, int expected)
{
	int returned = weir_extension_replace(lab->weir, "acl", path, 0, &lab->error);

	if (returned != expected)
		fail_msg("%s: %d, %s", path, returned, lab->error.message);
}

static void decisions_meters_and_sessions_stay(void **state)
{
	static const char *const builds[] = { MODULE("acl-2"), MODULE("acl-1"),
		MODULE("acl-refuses") };
	uint64_t metered = 0;
	struct lab lab;

	(void)state;
	acl_begin(&lab, &strict);
	replace(&lab, MODULE("acl-1"), 0);
	acl_add(&lab, "p0", "open", "rule direction=out action=allow weight=10 stateful=true");
	acl_add(&lab, "p0", "closed", "rule direction=in action=deny weight=1");
	acl_add(&lab, "p0", "telnet", "rule direction=out action=deny weight=11 remote_port=23");
	acl_add(&lab, "p0", "all", "acl direction=out action=meter remote=any");
	lab_settle(&lab);
	expect(&lab, BACK, "rule-denied@egress");
	expect(&lab, OUT, "");
	for (unsigned i = 0; i < 12; i++) {
		replace(&lab, builds[i % 3], i % 3 == 2 ? -EINVAL : 0);
		if (i % 2)
			lab_settle(&lab);
		expect(&lab, BACK, "");
		expect(&lab, OUT, "");
		expect(&lab, "udp 10.0.0.1:1000 > 10.0.0.2:23", "rule-denied@ingress");
		expect(&lab, "udp 10.0.0.2:54 > 10.0.0.1:1000 from 1 to 0", "rule-denied@egress");
		lab_settle(&lab);
		if (i == 0)
			metered = acl_meter(&lab, "p0", "all").frames;
		assert_int_equal(acl_meter(&lab, "p0", "all").frames, metered + i);
	}
	assert_int_equal(lab_drops(&lab, "acl", "rule-denied"), 1 + 2 * 12);
	// The rule's serial is the cookie, and means the same to all builds.
	acl_remove(&lab, "p0", "open");
	lab_settle(&lab);
	lab_advance_s(&lab, 1);
	lab_run(&lab);
	expect(&lab, BACK, "rule-denied@egress");
	acl_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions_meters_and_sessions_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
