// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Rules that are stateful, and those that police. In each row the packets go one after the other,
// in either direction: station 0 is behind p0, station 1 behind p1.
#include <stdio.h>

#include "acl_lab.h"

#define OUT   "10.0.0.1:1000 > 10.0.0.2:53"
#define BACK  "10.0.0.2:53 > 10.0.0.1:1000 from 1 to 0"
#define OUT6  "[fd00::1]:1000 > [fd00::2]:53"
#define BACK6 "[fd00::2]:53 > [fd00::1]:1000 from 1 to 0"
#define CLOSED                                                                                     \
	"p0 rule direction=out action=allow weight=10 stateful=true idle_s=60",                    \
		"p0 rule direction=in action=deny weight=1"
#define DENIED "rule-denied@egress"

struct row {
	const char *name;
	const char *policies[6];
	struct {
		const char *packet, *expected;
	} packets[14];
};

static const struct row rows[] = {
	{ "replies pass, and nothing else", { CLOSED },
		{ { "udp " BACK, DENIED }, { "udp " OUT, "" }, { "udp " BACK, "" },
			{ "tcp " BACK, DENIED },
			{ "udp 10.0.0.2:54 > 10.0.0.1:1000 from 1 to 0", DENIED },
			{ "udp 10.0.0.3:53 > 10.0.0.1:1000 from 1 to 0", DENIED },
			{ "udp " BACK " vlan 10", DENIED }, { "tcp " OUT, "" }, { "tcp " BACK, "" },
			{ "udp " BACK6, DENIED }, { "udp " OUT6, "" }, { "udp " BACK6, "" } } },
	{ "the other direction",
		{ "p1 rule direction=in action=allow weight=2 protocol=udp stateful=true",
			"p1 rule direction=out action=deny weight=1" },
		{ { "udp " BACK, "rule-denied@ingress" }, { "udp " OUT, "" }, { "udp " BACK, "" },
			{ "tcp " OUT, "" }, { "tcp " BACK, "rule-denied@ingress" } } },
	{ "before the port ACL",
		{ "p0 rule direction=out action=allow weight=10 stateful=true",
			"p0 acl direction=in action=deny remote=any" },
		{ { "udp " BACK, "denied@egress" }, { "udp " OUT, "" }, { "udp " BACK, "" } } },
	{ "what is denied opens none",
		{ CLOSED, "p0 rule direction=out action=deny weight=11 remote_port=53" },
		{ { "udp " OUT, "rule-denied@ingress" }, { "udp " BACK, DENIED } } },
	{ "echo", { CLOSED },
		{ { "icmp 10.0.0.2 > 10.0.0.1 type 0 from 1 to 0", DENIED },
			{ "icmp 10.0.0.1 > 10.0.0.2 type 8", "" },
			{ "icmp 10.0.0.2 > 10.0.0.1 type 0 from 1 to 0", "" },
			{ "icmp 10.0.0.2 > 10.0.0.1 type 8 from 1 to 0", DENIED },
			{ "icmpv6 fd00::1 > fd00::2 type 128", "" },
			{ "icmpv6 fd00::2 > fd00::1 type 129 from 1 to 0", "" } } },
	{ "ICMP errors about sessions", { CLOSED },
		{ { "icmp 10.0.0.9 > 10.0.0.1 type 3 code 4 from 1 to 0 about udp " OUT,
			  "unrelated@egress" },
			{ "udp " OUT, "" },
			{ "icmp 10.0.0.9 > 10.0.0.1 type 3 code 4 from 1 to 0 about udp " OUT, "" },
			{ "icmp 10.0.0.9 > 10.0.0.1 type 3 code 4 from 1 to 0 about udp "
			  "10.0.0.1:1001 > 10.0.0.2:53",
				"unrelated@egress" },
			{ "icmp 10.0.0.9 > 10.0.0.1 type 11 from 1 to 0 about udp " OUT, "" },
			{ "udp " OUT6, "" },
			{ "icmpv6 fd00::9 > fd00::1 type 2 from 1 to 0 about udp " OUT6, "" },
			{ "icmpv6 fd00::9 > fd00::1 type 2 from 1 to 0 about tcp " OUT6,
				"unrelated@egress" } } },
	{ "a redirect says nothing about a packet", { CLOSED },
		{ { "udp " OUT, "" },
			{ "icmp 10.0.0.9 > 10.0.0.1 type 5 code 1 from 1 to 0 about udp " OUT,
				DENIED } } },
	{ "ICMP errors about replies",
		{ "p0 rule direction=out action=allow weight=10 protocol=udp stateful=true",
			"p0 rule direction=out action=deny weight=1" },
		{ { "icmp 10.0.0.1 > 10.0.0.2 type 3 code 3 about udp 10.0.0.2:53 > 10.0.0.1:1000",
			  "unrelated@ingress" },
			{ "udp " OUT, "" },
			{ "icmp 10.0.0.1 > 10.0.0.2 type 3 code 3 about udp 10.0.0.2:53 > "
			  "10.0.0.1:1000",
				"" },
			{ "icmp 10.0.0.1 > 10.0.0.2 type 8", "rule-denied@ingress" } } },
	{ "ICMP errors go the other way than what they quote",
		{ CLOSED, "p0 rule direction=out action=deny weight=11 protocol=icmp" },
		{ { "udp " OUT, "" },
			{ "icmp 10.0.0.9 > 10.0.0.2 type 3 code 4 from 1 to 0 about udp "
			  "10.0.0.2:53 > "
			  "10.0.0.1:1000",
				"unrelated@egress" },
			{ "icmp 10.0.0.9 > 10.0.0.1 type 3 code 4 about udp " OUT,
				"unrelated@ingress" },
			{ "icmp 10.0.0.9 > 10.0.0.1 type 3 code 4 from 1 to 0 about udp " OUT, "" },
			{ "icmp 10.0.0.9 > 10.0.0.2 type 3 code 4 about udp 10.0.0.2:53 > "
			  "10.0.0.1:1000",
				"" } } },
	{ "and about sessions that were opened to the port",
		{ "p0 rule direction=in action=allow weight=10 protocol=udp stateful=true",
			"p0 rule direction=in action=deny weight=1",
			"p0 rule direction=out action=deny weight=1" },
		{ { "udp " BACK, "" },
			{ "icmp 10.0.0.1 > 10.0.0.2 type 3 code 3 about udp 10.0.0.2:53 > "
			  "10.0.0.1:1000",
				"" },
			{ "icmp 10.0.0.9 > 10.0.0.1 type 3 code 4 from 1 to 0 about udp " OUT, "" },
			{ "icmp 10.0.0.9 > 10.0.0.1 type 3 code 4 about udp " OUT,
				"unrelated@ingress" } } },
	{ "later fragments of replies have no ports", { CLOSED },
		{ { "udp " OUT, "" }, { "udp " BACK " first", "" },
			{ "udp " BACK " later 4 id 2", DENIED } } },
	{ "and may be passed", { CLOSED, "p0 settings fragments=pass" },
		{ { "udp " BACK " first", DENIED }, { "udp " BACK " later 4 id 2", "" } } },
	{ "no room: denied", { CLOSED, "p0 settings sessions_max=1" },
		{ { "udp " OUT, "" }, { "tcp " OUT, "session-full@ingress" }, { "udp " BACK, "" },
			{ "udp " OUT, "" }, { "tcp " BACK, DENIED } } },
	{ "no room: without", { CLOSED, "p0 settings sessions_max=1 sessions_full=without" },
		{ { "udp " OUT, "" }, { "tcp " OUT, "" }, { "udp " BACK, "" },
			{ "tcp " BACK, DENIED } } },
	{ "ports of their own",
		{ CLOSED, "p1 rule direction=in action=allow weight=5 stateful=true",
			"p1 rule direction=out action=deny weight=1" },
		{ { "udp " BACK, "rule-denied@ingress" }, { "udp " OUT, "" },
			{ "udp " BACK, "" } } },
};

static void add_policies(struct lab *lab, const struct row *row)
{
	for (unsigned i = 0; i < 6 && row->policies[i]; i++) {
		char id[8];

		snprintf(id, sizeof(id), "i%u", i);
		if (acl_try(lab, strncmp(row->policies[i], "p0", 2) == 0 ? "p0" : "p1", id,
			    row->policies[i] + 3) < 0)
			fail_msg("%s: %s: %s", row->name, row->policies[i], lab->error.message);
	}
	lab_settle(lab);
}

static void replies_pass_as_the_table_says(void **state)
{
	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		const struct row *row = &rows[r];
		struct lab lab;

		acl_begin(&lab, &(struct lab_options){ .strict = true });
		add_policies(&lab, row);
		for (unsigned i = 0; i < 14 && row->packets[i].packet; i++) {
			struct packet packet = packet_read(row->packets[i].packet);
			const char *got = acl_pass(&lab, &packet);

			if (strcmp(got, row->packets[i].expected) != 0)
				fail_msg("%s: %u: %s: \"%s\" instead of \"%s\"", row->name, i,
					row->packets[i].packet, got, row->packets[i].expected);
		}
		acl_end(&lab);
	}
}

static void sessions_end(void **state)
{
	struct packet out = packet_read("udp " OUT), back = packet_read("udp " BACK);
	struct lab lab;

	(void)state;
	acl_begin(&lab, &(struct lab_options){ .strict = true });
	add_policies(&lab, &(struct row){ "ends", { CLOSED }, { { NULL, NULL } } });
	// When they have been idle.
	assert_string_equal(acl_pass(&lab, &out), "");
	lab_advance_s(&lab, 50);
	assert_string_equal(acl_pass(&lab, &back), "");
	lab_advance_s(&lab, 50);
	assert_string_equal(acl_pass(&lab, &back), "");
	lab_advance_s(&lab, 70);
	lab_settle(&lab);
	assert_string_equal(acl_pass(&lab, &back), DENIED);
	// With their rule, not with another one.
	assert_string_equal(acl_pass(&lab, &out), "");
	acl_add(&lab, "p0", "more", "rule direction=out action=allow weight=5 stateful=true");
	assert_string_equal(acl_pass(&lab, &back), "");
	// Not when that is only tried.
	assert_int_equal(
		weir_policy_remove(lab.weir, "p0", "acl", "i0", WEIR_DRY_RUN, &lab.error), 0);
	lab_settle(&lab);
	assert_string_equal(acl_pass(&lab, &back), "");
	acl_remove(&lab, "p0", "i0");
	lab_settle(&lab);
	assert_string_equal(acl_pass(&lab, &back), DENIED);
	assert_string_equal(acl_pass(&lab, &out), "");
	assert_string_equal(acl_pass(&lab, &back), "");
	acl_end(&lab);
}

static void note_policy(void *context, const struct weir_session_info *info)
{
	char *text = context;

	snprintf(text + strlen(text), 64 - strlen(text), "%.3s %s;", info->key, info->policy);
}

static void the_list_names_the_rule(void **state)
{
	struct packet udp = packet_read("udp " OUT), tcp = packet_read("tcp " OUT);
	char text[64] = "";
	struct lab lab;

	(void)state;
	acl_begin(&lab, &(struct lab_options){ .strict = true });
	// The same names at the other port do not count.
	acl_add(&lab, "p1", "dns", "rule direction=out action=allow weight=1 stateful=true");
	acl_add(&lab, "p0", "dns",
		"rule direction=out action=allow weight=2 protocol=udp stateful=true");
	acl_add(&lab, "p0", "rest", "rule direction=out action=allow weight=1 stateful=true");
	assert_string_equal(acl_pass(&lab, &udp), "");
	assert_string_equal(acl_pass(&lab, &tcp), "");
	assert_int_equal(weir_session_list(lab.weir, "br0", note_policy, text, &lab.error), 0);
	assert_string_equal(text, "udp dns;tcp rest;");
	acl_end(&lab);
}

static void what_exceeds_the_rate_is_dropped(void **state)
{
	static const char *const policies[] = {
		"acl direction=out action=police remote=10.0.0.0/8 rate=8000 burst=1000",
		"rule direction=out action=police weight=1 remote=10.0.0.0/8 rate=8000 burst=1000",
	};
	struct packet p = packet_read("tcp " OUT), other = packet_read("tcp " OUT6);

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		unsigned n = 0;
		struct lab lab;

		acl_begin(&lab, &(struct lab_options){ .strict = true });
		acl_add(&lab, "p0", "slow", policies[k]);
		acl_add(&lab, "p0", "all", "acl direction=out action=meter remote=any");
		// 54 bytes each: 18 are 972.
		for (unsigned i = 0; i < 100; i++)
			n += *acl_pass(&lab, &p) == '\0';
		assert_in_range(n, 18, 25); // the clock moves by some milliseconds meanwhile
		assert_string_equal(acl_pass(&lab, &p), "over-rate@ingress");
		assert_string_equal(acl_pass(&lab, &other), "");
		// Counted is what passed.
		assert_int_equal(acl_meter(&lab, "p0", "all").frames, n + 1);
		lab_advance_s(&lab, 1);
		assert_string_equal(acl_pass(&lab, &p), "");
		acl_end(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_pass_as_the_table_says),
		cmocka_unit_test(sessions_end),
		cmocka_unit_test(the_list_names_the_rule),
		cmocka_unit_test(what_exceeds_the_rate_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
