// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Fragments under rules with ports: later ones share the fate of the first one of their datagram as
// long as that is remembered (RFC 791 3.2, RFC 8200 4.5). In each row the packets go one after the
// other; "wait N" lets N seconds pass, "add TEXT" and "remove ID" change the policies.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "acl_lab.h"

#define A       "10.0.0.1:1000 > 10.0.0.2:53"
#define A2      "10.0.0.1:1000 > 10.0.0.2:54"
#define B       "[fd00::1]:1000 > [fd00::2]:53"
#define B2      "[fd00::1]:1000 > [fd00::2]:54"
#define BACK    "10.0.0.2:53 > 10.0.0.1:1000 from 1 to 0"
#define DENIED  "rule-denied@ingress"
#define DENIED1 "rule-denied@egress"
#define DNS     "p0 rule direction=out action=allow weight=2 protocol=udp remote_port=53"
#define NO_MORE "p0 rule direction=out action=deny weight=1"
#define NO_DNS  "p0 rule direction=out action=deny weight=2 protocol=udp remote_port=53"

static const struct row {
	const char *name;
	const char *policies[5];
	struct {
		const char *packet, *expected;
	} packets[14];
} rows[] = {
	{ "allowed", { DNS, NO_MORE },
		{ { "udp " A " first id 7", "" }, { "udp " A " later 4 id 7", "" },
			{ "udp " A " later 90 id 7", "" }, { "udp " A " later 4 id 8", DENIED },
			{ "tcp " A " later 4 id 7", DENIED },
			{ "udp 10.0.0.3 > 10.0.0.2 later 4 id 7", DENIED },
			{ "udp 10.0.0.1 > 10.0.0.3 later 4 id 7", DENIED },
			{ "udp " A " later 4 id 7 vlan 10", DENIED } } },
	{ "denied", { NO_DNS },
		{ { "udp " A " first id 7", DENIED }, { "udp " A " later 4 id 7", DENIED },
			{ "udp " A " later 4 id 8", "" }, { "udp " A " later 90 id 7", DENIED } } },
	{ "IPv6, allowed", { DNS, NO_MORE },
		{ { "udp " B " first id 7", "" }, { "udp " B " later 4 id 7", "" },
			{ "udp " B " later 4 id 8", DENIED },
			{ "udp " B " later 4 id 7 options 2", "" },
			// What it says of its protocol does not count.
			{ "tcp " B " later 4 id 7", "" } } },
	{ "IPv6, denied", { NO_DNS },
		{ { "udp " B " first id 7", DENIED }, { "udp " B " later 4 id 7", DENIED },
			{ "udp " B " later 4 id 8", "" } } },
	{ "interleaved", { DNS, NO_MORE },
		{ { "udp " A " first id 1", "" }, { "udp " A2 " first id 2", DENIED },
			{ "udp " B " first id 1", "" }, { "udp " B2 " first id 2", DENIED },
			{ "udp " A " later 4 id 2", DENIED }, { "udp " A " later 4 id 1", "" },
			{ "udp " B " later 4 id 2", DENIED }, { "udp " B " later 4 id 1", "" },
			{ "udp " A " later 8 id 2", DENIED }, { "udp " A " later 8 id 1", "" } } },
	{ "the id comes again", { DNS, NO_MORE },
		{ { "udp " A " first id 1", "" }, { "udp " A " later 4 id 1", "" },
			{ "udp " A2 " first id 1", DENIED },
			{ "udp " A " later 4 id 1", DENIED } } },
	{ "the first one is overtaken: as the setting says, skip", { DNS, NO_MORE },
		{ { "udp " A " later 4 id 1", DENIED }, { "udp " A " first id 1", "" },
			{ "udp " A " later 8 id 1", "" } } },
	{ "drop", { DNS, "p0 settings fragments=drop" },
		{ { "udp " A " later 4 id 1", "fragment@ingress" }, { "udp " A " first id 1", "" },
			{ "udp " A " later 8 id 1", "" } } },
	{ "pass", { NO_DNS, NO_MORE, "p0 settings fragments=pass" },
		{ { "udp " A " later 4 id 1", "" }, { "udp " A " first id 1", DENIED },
			{ "udp " A " later 8 id 1", DENIED } } },
	{ "forgotten after 30 s", { DNS, NO_MORE },
		{ { "udp " A " first id 1", "" }, { "wait 28", NULL },
			{ "udp " A " later 4 id 1", "" }, { "wait 3", NULL },
			{ "udp " A " later 8 id 1", DENIED } } },
	{ "forgotten with a change of the policies", { DNS, NO_MORE },
		{ { "udp " A " first id 1", "" }, { "udp " A " later 4 id 1", "" },
			{ "remove i0", NULL }, { "udp " A " later 8 id 1", DENIED } } },
	{ "in the other direction",
		{ "p1 rule direction=in action=allow weight=2 protocol=udp local_port=53",
			"p1 rule direction=in action=deny weight=1" },
		{ { "udp " A " first id 1", "" }, { "udp " A2 " first id 2", DENIED1 },
			{ "udp " A " later 4 id 1", "" }, { "udp " A " later 4 id 2", DENIED1 } } },
	{ "each port for itself",
		{ DNS, NO_MORE,
			"p1 rule direction=in action=deny weight=2 protocol=udp remote_port=1000" },
		{ { "udp " A " first id 1", DENIED1 }, { "udp " A " later 4 id 1", DENIED1 },
			{ "udp " A " later 4 id 2", DENIED } } },
	{ "tiny first ones",
		{ "p0 rule direction=out action=deny weight=1 protocol=tcp remote_port=25" },
		{ { "tcp " A " first cut 12 id 1", "tiny-fragment@ingress" },
			{ "tcp " A " later 4 id 1", "tiny-fragment@ingress" },
			{ "tcp " A " later 4 id 2", "" } } },
	{ "the port ACL decides of the first",
		{ "p0 rule direction=out action=allow weight=2 protocol=udp remote_port=54",
			"p0 acl direction=out action=deny remote=10.0.0.2" },
		{ { "udp " A " first id 1", "denied@ingress" }, { "udp " A2 " first id 2", "" },
			{ "udp " A " later 4 id 1", "denied@ingress" },
			{ "udp " A " later 4 id 2", "" } } },
	{ "replies of a session",
		{ "p0 rule direction=out action=allow weight=10 stateful=true",
			"p0 rule direction=in action=deny weight=1" },
		{ { "udp " BACK " first id 1", DENIED1 }, { "udp " BACK " later 4 id 1", DENIED1 },
			{ "udp " A, "" }, { "udp " BACK " first id 2", "" },
			{ "udp " BACK " later 4 id 2", "" },
			{ "udp " BACK " later 4 id 1", DENIED1 },
			{ "udp " BACK " later 4 id 3", DENIED1 } } },
	{ "ICMP by type",
		{ "p0 rule direction=out action=deny weight=1 protocol=icmp icmp_type=8" },
		{ { "icmp 10.0.0.1 > 10.0.0.2 type 8 first id 1", DENIED },
			{ "icmp 10.0.0.1 > 10.0.0.2 later 4 id 1", DENIED },
			{ "icmp 10.0.0.1 > 10.0.0.2 type 0 first id 2", "" },
			{ "icmp 10.0.0.1 > 10.0.0.2 later 4 id 2", "" } } },
	{ "rules without ports remember nothing",
		{ "p0 rule direction=out action=deny weight=1 "
		  "protocol=udp remote=10.0.0.2" },
		{ { "udp " A " first id 1", DENIED }, { "udp " A " later 4 id 1", DENIED },
			{ "remove i0", NULL }, { "udp " A " later 4 id 1", "" } } },
};

static const char *const ports[] = { "p0", "p1" };

static void add_policies(struct lab *lab, const struct row *row)
{
	for (unsigned i = 0; i < 5 && row->policies[i]; i++) {
		char id[8];

		snprintf(id, sizeof(id), "i%u", i);
		acl_add(lab, ports[row->policies[i][1] == '1'], id, row->policies[i] + 3);
	}
}

static void do_step(struct lab *lab, const char *step)
{
	if (strncmp(step, "wait ", 5) == 0)
		lab_advance_s(lab, (unsigned)atoi(step + 5));
	else
		acl_remove(lab, "p0", step + 7);
}

static void later_ones_follow_as_the_table_says(void **state)
{
	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		const struct row *row = &rows[r];
		struct lab lab;

		acl_begin(&lab, &(struct lab_options){ .strict = true });
		add_policies(&lab, row);
		for (unsigned i = 0; i < 14 && row->packets[i].packet; i++) {
			const char *text = row->packets[i].packet, *got;
			struct packet packet;

			if (!row->packets[i].expected) {
				do_step(&lab, text);
				continue;
			}
			packet = packet_read(text);
			got = acl_pass(&lab, &packet);
			if (strcmp(got, row->packets[i].expected) != 0)
				fail_msg("%s: %u: %s: \"%s\" instead of \"%s\"", row->name, i, text,
					got, row->packets[i].expected);
		}
		acl_end(&lab);
	}
}

// ---- What passes is paid for and counted

static void later_ones_pay_where_the_first_does(void **state)
{
	struct packet first = packet_read("udp " A " first id 1"),
		      later = packet_read("udp " A " later 4 id 1"),
		      unknown = packet_read("udp " A " later 4 id 2"),
		      over = packet_read("udp " A " first id 3"),
		      later_over = packet_read("udp " A " later 4 id 3");
	unsigned n = 0;
	struct lab lab;

	(void)state;
	acl_begin(&lab, &(struct lab_options){ .strict = true });
	acl_add(&lab, "p0", "slow",
		"rule direction=out action=police weight=2 remote_port=53 rate=8000 burst=1000");
	acl_add(&lab, "p0", "all", "acl direction=out action=meter remote=any");
	assert_string_equal(acl_pass(&lab, &first), "");
	// 42 and 66 bytes: 14 of the later ones are 924.
	for (unsigned i = 0; i < 100; i++)
		n += *acl_pass(&lab, &later) == '\0';
	assert_in_range(n, 14, 20); // the clock moves by some milliseconds meanwhile
	assert_string_equal(acl_pass(&lab, &later), "over-rate@ingress");
	assert_string_equal(acl_pass(&lab, &unknown), "");
	// A first one over the rate is remembered, too.
	assert_string_equal(acl_pass(&lab, &over), "over-rate@ingress");
	assert_string_equal(acl_pass(&lab, &later_over), "over-rate@ingress");
	assert_int_equal(acl_meter(&lab, "p0", "all").frames, n + 2);
	assert_int_equal(acl_meter(&lab, "p0", "all").bytes, 42 + (n + 1) * 66);
	acl_end(&lab);
}

static void meters_count_what_may_follow(void **state)
{
	struct packet allowed = packet_read("udp " A " first id 1"),
		      denied = packet_read("udp " A2 " first id 2"),
		      later1 = packet_read("udp " A " later 4 id 1"),
		      later2 = packet_read("udp " A " later 4 id 2");
	struct lab lab;

	(void)state;
	acl_begin(&lab, &(struct lab_options){ .strict = true });
	acl_add(&lab, "p0", "dns", &DNS[3]);
	acl_add(&lab, "p0", "none", &NO_MORE[3]);
	acl_add(&lab, "p0", "all", "acl direction=out action=meter remote=any");
	acl_pass(&lab, &allowed);
	acl_pass(&lab, &denied);
	for (unsigned i = 0; i < 3; i++) {
		assert_string_equal(acl_pass(&lab, &later1), "");
		assert_string_equal(acl_pass(&lab, &later2), DENIED);
	}
	assert_int_equal(acl_meter(&lab, "p0", "all").frames, 4);
	assert_int_equal(acl_meter(&lab, "p0", "all").bytes, 42 + 3 * 66);
	acl_end(&lab);
}

// Flows of later fragments are known before those of many a first one.
static void later_ones_do_not_overtake_their_first(void **state)
{
	struct packet packets[] = { packet_read("udp " A2 " first id 1"),
		packet_read("udp " A2 " later 4 id 1"), packet_read("udp " A " first id 2"),
		packet_read("udp " A " later 4 id 2") };
	struct lab_frame frame;
	unsigned n = 0;
	struct lab lab;

	(void)state;
	acl_begin(&lab, &(struct lab_options){ .strict = true });
	acl_add(&lab, "p0", "dns", &DNS[3]);
	acl_add(&lab, "p0", "none", &NO_MORE[3]);
	assert_string_equal(acl_pass(&lab, &packets[0]), DENIED);
	assert_string_equal(acl_pass(&lab, &packets[1]), DENIED);
	for (unsigned i = 2; i < 4; i++) { // one batch
		frame = packet_frame(&packets[i]);
		lab_send(&lab, 0, &frame);
	}
	lab_run(&lab);
	while (lab_receive(&lab, 1, &frame))
		n++;
	assert_int_equal(n, 2);
	acl_end(&lab);
}

// ---- A flood, and another worker

static void a_flood_of_first_ones_is_counted_and_bounded(void **state)
{
	struct packet p = packet_read("udp " A " first"), later = packet_read("udp " A " later 4");
	struct lab lab;

	(void)state;
	acl_begin(&lab, &(struct lab_options){ .strict = false });
	acl_add(&lab, "p0", "dns", &DNS[3]);
	acl_add(&lab, "p0", "none", &NO_MORE[3]);
	for (unsigned i = 1; i <= 20000; i++) {
		struct lab_frame frame, got;

		p.id = (uint16_t)i;
		frame = packet_frame(&p);
		lab_send(&lab, 0, &frame);
		if (i % 100)
			continue;
		lab_run(&lab);
		while (lab_receive(&lab, 1, &got))
			continue;
	}
	assert_in_range(lab_switch(&lab, "br0").fragments_forgotten, 20000 - 8192, 20000 - 7000);
	later.id = 20000;
	assert_string_equal(acl_pass(&lab, &later), "");
	acl_end(&lab);
}

static unsigned drops(struct lab *lab)
{
	return (unsigned)lab_drops(lab, "acl", "rule-denied");
}

// Sends it into p0's queue, which a worker of its own serves, and waits until it is through.
// Returns whether it came out.
static bool pass_by(struct lab *lab, uint16_t queue, const char *text)
{
	struct packet packet = packet_read(text);
	struct lab_frame frame = packet_frame(&packet);
	unsigned before = drops(lab);
	uint8_t bytes[2048];

	assert_int_equal(weir_memory_send(lab->ends[0], queue, frame.bytes, frame.size, NULL), 0);
	while (drops(lab) == before) {
		for (uint16_t q = 0; q < 2; q++)
			if (weir_memory_receive(lab->ends[1], q, bytes, sizeof(bytes), NULL) > 0)
				return true;
		lab_run(lab);
	}
	return false;
}

static void another_worker_knows_it(void **state)
{
	struct lab lab;

	(void)state;
	acl_begin(&lab, &(struct lab_options){ .n_workers = 2, .nic = "memory:queues=2" });
	acl_add(&lab, "p0", "dns", &DNS[3]);
	acl_add(&lab, "p0", "none", &NO_MORE[3]);
	for (uint16_t queue = 0; queue < 2; queue++) {
		uint16_t other = 1 - queue;

		assert_false(pass_by(&lab, other, "udp " A " later 4 id 5"));
		assert_true(pass_by(&lab, queue, "udp " A " first id 5"));
		assert_true(pass_by(&lab, other, "udp " A " later 4 id 5"));
		assert_false(pass_by(&lab, queue, "udp " A2 " first id 5"));
		assert_false(pass_by(&lab, other, "udp " A " later 4 id 5"));
	}
	acl_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_ones_follow_as_the_table_says),
		cmocka_unit_test(later_ones_pay_where_the_first_does),
		cmocka_unit_test(meters_count_what_may_follow),
		cmocka_unit_test(later_ones_do_not_overtake_their_first),
		cmocka_unit_test(a_flood_of_first_ones_is_counted_and_bounded),
		cmocka_unit_test(another_worker_knows_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
