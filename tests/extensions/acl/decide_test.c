// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What becomes of packets under each kind of entry and rule, in each direction. Packets go from
// port p0 to port p1: a policy of p0 for direction out meets them first, then one of p1 for
// direction in. Strict mode shows reading what is not declared.
#include <stdio.h>

#include "acl_lab.h"

#define A "10.0.0.1:1000 > 10.0.0.2:53"
#define B "[fd00::1]:1000 > [fd00::2]:53"

struct row {
	const char *name;
	const char *policies[8]; // "PORT TYPE FIELD=VALUE ..."
	struct {
		const char *packet, *expected;
	} packets[12];
};

static const struct row rows[] = {
	{ "nothing", { NULL },
		{ { "udp " A, "" }, { "tcp " B, "" }, { "arp 10.0.0.1 > 10.0.0.2", "" } } },

	// ---- Port ACL
	{ "remote is the destination of what comes from the port",
		{ "p0 acl direction=out action=deny remote=10.0.0.2" },
		{ { "udp " A, "denied@ingress" }, { "udp 10.0.0.2 > 10.0.0.1", "" },
			{ "udp " B, "" } } },
	{ "and the source of what goes to it",
		{ "p1 acl direction=in action=deny remote=10.0.0.1" },
		{ { "udp " A, "denied@egress" }, { "udp 10.0.0.2 > 10.0.0.1", "" } } },
	{ "local is the other one",
		{ "p0 acl direction=out action=deny local=10.0.0.1/32",
			"p1 acl direction=in action=deny local=10.0.0.7/32" },
		{ { "udp " A, "denied@ingress" }, { "udp 10.0.0.7 > 10.0.0.2", "" },
			{ "udp 10.0.0.2 > 10.0.0.7", "denied@egress" } } },
	{ "the other direction is not concerned",
		{ "p0 acl direction=in action=deny remote=any",
			"p1 acl direction=out action=deny remote=any" },
		{ { "udp " A, "" } } },
	{ "both is each",
		{ "p0 acl direction=both action=deny remote=10.0.0.2",
			"p1 acl direction=both action=deny remote=10.0.0.3" },
		{ { "udp " A, "denied@ingress" },
			{ "udp 10.0.0.3 > 10.0.0.9", "denied@egress" } } },
	{ "any is both families and nothing else",
		{ "p0 acl direction=out action=deny remote=any" },
		{ { "udp " A, "denied@ingress" }, { "udp " B, "denied@ingress" },
			{ "arp 10.0.0.1 > 10.0.0.2", "" }, { "0x88b5", "" } } },
	{ "any in a rule is no restriction, and names are so in any case",
		{ "p0 rule direction=out action=deny weight=1 protocol=UDP remote=any local=ANY" },
		{ { "udp " A, "rule-denied@ingress" }, { "udp " B, "rule-denied@ingress" },
			{ "tcp " A, "" } } },
	{ "an IPv4 prefix is not for IPv6", { "p0 acl direction=out action=deny remote=0.0.0.0/0" },
		{ { "udp " A, "denied@ingress" }, { "udp " B, "" } } },
	{ "an IPv6 prefix is not for IPv4", { "p0 acl direction=out action=deny remote=::/0" },
		{ { "udp " A, "" }, { "udp " B, "denied@ingress" } } },
	{ "the longest decides, added last",
		{ "p0 acl direction=out action=deny remote=10.0.0.0/8",
			"p0 acl direction=out action=allow remote=10.0.0.0/24",
			"p0 acl direction=out action=deny remote=10.0.0.2" },
		{ { "udp " A, "denied@ingress" }, { "udp 10.0.0.1 > 10.0.0.3", "" },
			{ "udp 10.0.0.1 > 10.0.1.3", "denied@ingress" },
			{ "udp 10.0.0.1 > 11.0.0.1", "" } } },
	{ "the longest decides, added first",
		{ "p0 acl direction=out action=deny remote=10.0.0.2",
			"p0 acl direction=out action=allow remote=10.0.0.0/24",
			"p0 acl direction=out action=deny remote=10.0.0.0/8" },
		{ { "udp " A, "denied@ingress" }, { "udp 10.0.0.1 > 10.0.0.3", "" },
			{ "udp 10.0.0.1 > 10.0.1.3", "denied@ingress" } } },
	{ "IPv6 prefixes that are no bytes",
		{ "p1 acl direction=in action=deny remote=fd00::/9",
			"p1 acl direction=in action=allow remote=fd00::/127" },
		{ { "udp " B, "" }, { "udp fd00::2 > fd00::1", "denied@egress" },
			{ "udp fd80::2 > fd00::1", "" } } },
	{ "only that net is reached",
		{ "p0 acl direction=both action=allow remote=10.0.0.0/8",
			"p0 acl direction=both action=deny remote=any" },
		{ { "udp " A, "" }, { "udp 10.0.0.1 > 11.0.0.1", "denied@ingress" },
			{ "udp " B, "denied@ingress" }, { "arp 10.0.0.1 > 11.0.0.2", "" } } },
	{ "the longer of local and remote decides",
		{ "p0 acl direction=out action=allow local=10.0.0.1",
			"p0 acl direction=out action=deny remote=10.0.0.0/24" },
		{ { "udp " A, "" }, { "udp 10.0.0.3 > 10.0.0.2", "denied@ingress" } } },
	{ "as long as each other: deny",
		{ "p0 acl direction=out action=allow local=10.0.0.1",
			"p0 acl direction=out action=deny remote=10.0.0.2" },
		{ { "udp " A, "denied@ingress" }, { "udp 10.0.0.1 > 10.0.0.3", "" } } },
	{ "a MAC address, every protocol",
		{ "p0 acl direction=out action=deny remote_mac=02:00:00:00:00:04" },
		{ { "udp " A " to 4", "denied@ingress" }, { "0x88b5 to 4", "denied@ingress" },
			{ "arp 10.0.0.1 > 10.0.0.2 to 4", "denied@ingress" },
			{ "udp " A " to 5", "" } } },
	{ "the sender's MAC address",
		{ "p0 acl direction=out action=deny local_mac=02:00:00:00:00:02",
			"p1 acl direction=in action=deny remote_mac=02:00:00:00:00:03",
			"p1 acl direction=in action=deny local_mac=02:00:00:00:00:07" },
		{ { "udp " A " from 2", "denied@ingress" }, { "udp " A " from 3", "denied@egress" },
			{ "udp " A " to 7", "denied@egress" }, { "udp " A, "" } } },
	{ "any MAC address, and one that may",
		{ "p0 acl direction=out action=deny remote_mac=any",
			"p0 acl direction=out action=allow remote_mac=02:00:00:00:00:04" },
		{ { "udp " A, "denied@ingress" }, { "arp 10.0.0.1 > 10.0.0.2", "denied@ingress" },
			{ "0x88b5 to 4", "" }, { "udp " A " to 4", "" } } },
	{ "MAC and IP: either may deny",
		{ "p0 acl direction=out action=deny remote_mac=any",
			"p0 acl direction=out action=allow remote=10.0.0.2" },
		{ { "udp " A, "denied@ingress" } } },

	// ---- Extended ACL
	{ "the greatest weight decides",
		{ "p0 rule direction=out action=allow weight=5 protocol=udp remote_port=53",
			"p0 rule direction=out action=deny weight=4 protocol=udp",
			"p0 rule direction=out action=allow weight=3" },
		{ { "udp " A, "" }, { "udp 10.0.0.1:1 > 10.0.0.2:54", "rule-denied@ingress" },
			{ "tcp 10.0.0.1:1 > 10.0.0.2:54", "" } } },
	{ "before the port ACL, and final",
		{ "p0 rule direction=out action=allow weight=1 remote=10.0.0.2",
			"p0 rule direction=out action=deny weight=2 remote=10.0.0.3",
			"p0 acl direction=out action=deny remote=10.0.0.2",
			"p0 acl direction=out action=deny remote_mac=any",
			"p0 acl direction=out action=allow remote=10.0.0.3" },
		{ { "udp " A, "" }, { "udp 10.0.0.1 > 10.0.0.3", "rule-denied@ingress" },
			{ "udp 10.0.0.1 > 10.0.0.4", "denied@ingress" } } },
	{ "ports, local and remote, and ranges",
		{ "p0 rule direction=out action=deny weight=1 protocol=tcp remote_port=100-200",
			"p0 rule direction=out action=deny weight=2 local_port=7",
			"p1 rule direction=in action=deny weight=1 protocol=tcp local_port=80 "
			"remote_port=1024-65535" },
		{ { "tcp 10.0.0.1:1 > 10.0.0.2:100", "rule-denied@ingress" },
			{ "tcp 10.0.0.1:1 > 10.0.0.2:200", "rule-denied@ingress" },
			{ "tcp 10.0.0.1:1 > 10.0.0.2:99", "" },
			{ "tcp 10.0.0.1:1 > 10.0.0.2:201", "" },
			{ "udp 10.0.0.1:1 > 10.0.0.2:100", "" },
			{ "sctp 10.0.0.1:7 > 10.0.0.2:1", "rule-denied@ingress" },
			{ "udp [fd00::1]:7 > [fd00::2]:1", "rule-denied@ingress" },
			{ "47 10.0.0.1 > 10.0.0.2", "" },
			{ "tcp 10.0.0.1:1024 > 10.0.0.2:80", "rule-denied@egress" },
			{ "tcp 10.0.0.1:1023 > 10.0.0.2:80", "" },
			{ "icmp 10.0.0.1 > 10.0.0.2 type 7", "" } } },
	{ "ICMP types and codes",
		{ "p0 rule direction=out action=deny weight=1 protocol=icmp icmp_type=8",
			"p0 rule direction=out action=deny weight=2 protocol=icmpv6 icmp_type=1 "
			"icmp_code=4",
			"p1 rule direction=in action=deny weight=1 protocol=icmp icmp_type=3 "
			"icmp_code=1" },
		{ { "icmp 10.0.0.1 > 10.0.0.2 type 8", "rule-denied@ingress" },
			{ "icmp 10.0.0.1 > 10.0.0.2 type 0", "" },
			{ "icmpv6 fd00::1 > fd00::2 type 1 code 4", "rule-denied@ingress" },
			{ "icmpv6 fd00::1 > fd00::2 type 1 code 3", "" },
			{ "icmp 10.0.0.1 > 10.0.0.2 type 3 code 1", "rule-denied@egress" },
			{ "icmp 10.0.0.1 > 10.0.0.2 type 3 code 4", "" },
			{ "udp 10.0.0.1:8 > 10.0.0.2:0", "" } } },
	{ "protocols by name and number",
		{ "p0 rule direction=out action=deny weight=1 protocol=gre",
			"p0 rule direction=out action=deny weight=2 protocol=200" },
		{ { "47 10.0.0.1 > 10.0.0.2", "rule-denied@ingress" },
			{ "47 fd00::1 > fd00::2", "rule-denied@ingress" },
			{ "200 10.0.0.1 > 10.0.0.2", "rule-denied@ingress" },
			{ "201 10.0.0.1 > 10.0.0.2", "" } } },
	{ "behind extension headers",
		{ "p0 rule direction=out action=deny weight=1 protocol=udp remote_port=53" },
		{ { "udp " B " options 3", "rule-denied@ingress" },
			{ "tcp " B " options 3", "" } } },
	{ "VLANs",
		{ "p0 rule direction=out action=deny weight=1 vlan=10",
			"p0 rule direction=out action=deny weight=2 vlan=0 protocol=tcp",
			"p1 rule direction=in action=deny weight=1 network=any vlan=20" },
		{ { "udp " A " vlan 10", "rule-denied@ingress" }, { "udp " A, "" },
			{ "tcp " A, "rule-denied@ingress" },
			{ "tcp " A " vlan 20", "rule-denied@egress" },
			{ "arp 10.0.0.1 > 10.0.0.2 vlan 20", "rule-denied@egress" },
			{ "arp 10.0.0.1 > 10.0.0.2 vlan 10", "" },
			{ "tcp " A " vlan 0", "rule-denied@ingress" } } },
	{ "a rule is for IP", { "p0 rule direction=out action=deny weight=1" },
		{ { "udp " A, "rule-denied@ingress" },
			{ "icmpv6 fd00::1 > fd00::2 type 135", "rule-denied@ingress" },
			{ "arp 10.0.0.1 > 10.0.0.2", "" }, { "0x88b5", "" } } },
	{ "unless it says more",
		{ "p0 rule direction=out action=deny weight=1 network=any",
			"p0 rule direction=out action=allow weight=2 network=arp "
			"remote=10.0.0.0/24" },
		{ { "udp " A, "rule-denied@ingress" }, { "0x88b5", "rule-denied@ingress" },
			{ "arp 10.0.0.1 > 10.0.0.2", "" },
			{ "arp 10.0.0.1 > 10.0.1.2", "rule-denied@ingress" } } },
	{ "or less",
		{ "p0 rule direction=out action=deny weight=1 network=ipv6",
			"p0 rule direction=out action=deny weight=2 network=other",
			"p0 rule direction=out action=deny weight=3 network=arp local=10.0.0.7" },
		{ { "udp " A, "" }, { "udp " B, "rule-denied@ingress" },
			{ "0x88b5", "rule-denied@ingress" }, { "arp 10.0.0.1 > 10.0.0.2", "" },
			{ "arp 10.0.0.7 > 10.0.0.2", "rule-denied@ingress" } } },

	// ---- Fragments
	{ "later fragments match rules without ports",
		{ "p0 rule direction=out action=deny weight=1 protocol=udp remote=10.0.0.0/8",
			"p0 rule direction=out action=deny weight=2 protocol=udp "
			"remote=fd00::/16" },
		{ { "udp " A " first", "rule-denied@ingress" },
			{ "udp " A " later 4", "rule-denied@ingress" },
			{ "udp " B " later 4", "rule-denied@ingress" },
			{ "tcp " A " later 4", "" } } },
	// Of datagrams whose first fragment was not seen; fragment_test.c has the others.
	{ "and skip those with ports",
		{ "p0 rule direction=out action=deny weight=2 protocol=udp remote_port=53",
			"p0 rule direction=out action=deny weight=1 remote=10.0.0.9" },
		{ { "udp " A " first", "rule-denied@ingress" }, { "udp " A " later 4 id 2", "" },
			{ "udp 10.0.0.1 > 10.0.0.9 later 4", "rule-denied@ingress" } } },
	{ "or are dropped where those would decide",
		{ "p0 settings fragments=drop",
			"p0 rule direction=out action=allow weight=3 remote=10.0.0.3",
			"p0 rule direction=out action=allow weight=2 protocol=udp remote_port=53",
			"p0 rule direction=out action=allow weight=1 remote=10.0.0.2" },
		{ { "udp " A " first", "" }, { "udp " A " later 4 id 2", "fragment@ingress" },
			{ "udp 10.0.0.1 > 10.0.0.3 later 4", "" }, { "tcp " A " later 4", "" },
			{ "udp " B " later 4 options 2", "fragment@ingress" } } },
	{ "or pass there",
		{ "p1 settings fragments=pass",
			"p1 rule direction=in action=deny weight=2 protocol=udp local_port=53",
			"p1 rule direction=in action=deny weight=3 protocol=icmp icmp_type=8",
			"p1 rule direction=in action=deny weight=1" },
		{ { "udp " A " first", "rule-denied@egress" }, { "udp " A " later 4 id 2", "" },
			{ "icmp 10.0.0.1 > 10.0.0.2 type 0 later 4", "" },
			{ "tcp " A " later 4", "rule-denied@egress" } } },
	{ "tiny fragments",
		{ "p0 rule direction=out action=deny weight=1 protocol=tcp remote_port=25" },
		{ { "tcp " A " first cut 12", "tiny-fragment@ingress" }, { "tcp " A " first", "" },
			{ "tcp " B " first cut 1", "tiny-fragment@ingress" },
			{ "tcp " A " cut 4", "malformed@ingress" },
			{ "tcp " A " later 1", "fragment-overlap@ingress" },
			{ "tcp " A " later 2", "fragment-overlap@ingress" },
			{ "tcp " A " later 3", "" },
			{ "tcp " B " later 1", "fragment-overlap@ingress" },
			{ "udp " A " later 1", "" } } },
	{ "header chains", { "p1 rule direction=in action=deny weight=1 protocol=tcp" },
		{ { "udp " B " options 8", "" },
			{ "udp " B " options 9", "header-chain@egress" } } },
	{ "what is only asked for addresses is not judged by more",
		{ "p0 acl direction=out action=deny remote=10.0.0.9" },
		{ { "tcp " A " first cut 12", "" }, { "tcp " A " later 1", "" },
			{ "udp " B " options 9", "" } } },
};

static void run(const struct row *row)
{
	struct lab lab;

	acl_begin(&lab, &(struct lab_options){ .strict = true });
	for (unsigned i = 0; i < 8 && row->policies[i]; i++) {
		char id[8];

		snprintf(id, sizeof(id), "i%u", i);
		if (acl_try(&lab, strncmp(row->policies[i], "p0", 2) == 0 ? "p0" : "p1", id,
			    row->policies[i] + 3) < 0)
			fail_msg("%s: %s: %s", row->name, row->policies[i], lab.error.message);
	}
	lab_settle(&lab);
	for (unsigned i = 0; i < 12 && row->packets[i].packet; i++) {
		struct packet packet = packet_read(row->packets[i].packet);
		const char *got = acl_pass(&lab, &packet);

		if (strcmp(got, row->packets[i].expected) != 0)
			fail_msg("%s: %s: \"%s\" instead of \"%s\"", row->name,
				row->packets[i].packet, got, row->packets[i].expected);
	}
	acl_end(&lab);
}

static void packets_are_decided_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run(&rows[i]);
}

// ---- What is read

struct read_row {
	const char *policy, *packet, *key;
};

// A flow is told apart by no more than the port's policies read.
static const struct read_row read_rows[] = {
	{ NULL, "udp " A, "ipv4/udp,eth_src=02:00:00:00:00:00,eth_dst=02:00:00:00:00:01" },
	{ "acl direction=in action=deny remote=any", "udp " A,
		"ipv4/udp,eth_src=02:00:00:00:00:00,eth_dst=02:00:00:00:00:01" },
	{ "acl direction=out action=deny remote_mac=02:00:00:00:00:09", "udp " A,
		"ipv4/udp,eth_src=02:00:00:00:00:00,eth_dst=02:00:00:00:00:01" },
	{ "acl direction=out action=meter remote=any", "udp " A,
		"ipv4/udp,eth_src=02:00:00:00:00:00,eth_dst=02:00:00:00:00:01" },
	{ "acl direction=out action=meter remote=10.0.0.0/8", "udp " A,
		"ipv4/udp,eth_src=02:00:00:00:00:00,eth_dst=02:00:00:00:00:01,ip_dst=10.0.0.2" },
	{ "acl direction=out action=deny local=10.1.0.0/16", "udp " A,
		"ipv4/udp,eth_src=02:00:00:00:00:00,eth_dst=02:00:00:00:00:01,ip_src=10.0.0.1" },
	{ "rule direction=out action=deny weight=1 protocol=tcp remote_port=25", "udp " A,
		"ipv4/udp,eth_src=02:00:00:00:00:00,eth_dst=02:00:00:00:00:01,ip_proto=17,l4_src="
		"1000,l4_dst=53" },
};

static void only_what_decides_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(read_rows) / sizeof(read_rows[0]); i++) {
		const struct read_row *row = &read_rows[i];
		struct packet packet = packet_read(row->packet);
		struct lab lab;

		acl_begin(&lab, &(struct lab_options){ .strict = true });
		if (row->policy)
			acl_add(&lab, "p0", "x", row->policy);
		assert_string_equal(acl_pass(&lab, &packet), "");
		if (lab_count_flows(&lab, row->key) != 1)
			fail_msg("%s: no flow %s", row->policy, row->key);
		acl_end(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_decided_as_the_table_says),
		cmocka_unit_test(only_what_decides_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
