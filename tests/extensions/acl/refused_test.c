// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Policies that make no sense: refused before anything changes, with a sentence that names the
// value. And those that are understood otherwise than they were written.
#include <stdio.h>
#include <syslog.h>

#include "acl.pb-c.h"
#include "acl_lab.h"

struct row {
	const char *text;
	int code;
	const char *field, *sentence; // the whole of it
};

#define ENTRY "acl direction=in action=deny "
#define RULE  "rule direction=in action=deny weight=7 "

static const struct row rows[] = {
	{ ENTRY "remote=10.0.0.0/33", EINVAL, "remote",
		"policy x: remote \"10.0.0.0/33\": the prefix length must be 0 to 32" },
	{ ENTRY "remote=fd00::/129", EINVAL, "remote",
		"policy x: remote \"fd00::/129\": the prefix length must be 0 to 128" },
	{ ENTRY "local=10.0.0.0/-1", EINVAL, "local",
		"policy x: local \"10.0.0.0/-1\": the prefix length must be 0 to 32" },
	{ ENTRY "local=10.0.0.0/", EINVAL, "local",
		"policy x: local \"10.0.0.0/\": the prefix length must be 0 to 32" },
	{ ENTRY "remote=10.0.0/8", EINVAL, "remote",
		"policy x: remote \"10.0.0/8\": must be an IPv4 or IPv6 address or prefix, or "
		"any" },
	{ ENTRY "remote=everybody", EINVAL, "remote",
		"policy x: remote \"everybody\": must be an IPv4 or IPv6 address or prefix, or "
		"any" },
	{ ENTRY "remote=10.0.0.0/8 local=fd00::/8", EINVAL, "local",
		"policy x: local \"fd00::/8\": the entry has remote \"10.0.0.0/8\" already, and "
		"must "
		"have exactly one of remote, local, remote_mac and local_mac" },
	{ "acl direction=in action=deny", EINVAL, "remote",
		"policy x: entry: must have one of remote, local, remote_mac and local_mac" },
	{ ENTRY "remote_mac=02:00:00:00:00", EINVAL, "remote_mac",
		"policy x: remote_mac \"02:00:00:00:00\": must be a MAC address such as "
		"02:00:00:00:00:01, or any" },
	{ ENTRY "local_mac=02:00:00:00:00:0g", EINVAL, "local_mac",
		"policy x: local_mac \"02:00:00:00:00:0g\": must be a MAC address such as "
		"02:00:00:00:00:01, or any" },
	{ "acl direction=in action=meter remote_mac=02:00:00:00:00:01", EINVAL, "remote_mac",
		"policy x: remote_mac \"02:00:00:00:00:01\": a meter must be for remote or local "
		"IP "
		"addresses" },
	{ "acl direction=in action=meter local_mac=any", EINVAL, "local_mac",
		"policy x: local_mac \"any\": a meter must be for remote or local IP addresses" },
	{ ENTRY "remote=any rate=1000", EINVAL, "rate",
		"policy x: rate 1000: is for action police, not for deny" },
	{ "acl direction=in action=police remote=any", EINVAL, "rate",
		"policy x: action police: needs a rate, in bits per second" },
	{ "acl direction=both action=deny remote=10.9.8.7/8", EEXIST, "remote",
		"policy x: direction=both action=deny remote=10.0.0.0/8: policy ten decides about "
		"the same frames, direction in, already" },
	{ "acl direction=out action=meter local=any", EEXIST, "local",
		"policy x: direction=out action=meter local=any: policy all decides about the same "
		"frames, direction out, already" },

	{ RULE "local=10.0.0.0/8 remote=fd00::/8", EINVAL, "remote",
		"policy x: remote \"fd00::/8\": is IPv6, while the rule is of IPv4 by its local" },
	{ RULE "network=ipv6 remote=10.0.0.1", EINVAL, "remote",
		"policy x: remote \"10.0.0.1\": is IPv4, while the rule is of IPv6 by its "
		"network" },
	{ RULE "network=arp remote=fd00::1", EINVAL, "remote",
		"policy x: remote \"fd00::1\": is IPv6, while the rule is of ARP by its network" },
	{ RULE "remote=fd00::1 protocol=icmp", EINVAL, "protocol",
		"policy x: protocol \"icmp\": is IPv4, while the rule is of IPv6 by its remote" },
	{ RULE "remote=all", EINVAL, "remote",
		"policy x: remote \"all\": must be an IPv4 or IPv6 address or prefix, or any" },
	{ RULE "protocol=tcp remote_port=200-100", EINVAL, "remote_port",
		"policy x: remote_port \"200-100\": is reversed, a range must be written 100-200" },
	{ RULE "protocol=tcp local_port=65536", EINVAL, "local_port",
		"policy x: local_port \"65536\": must be a port, 0 to 65535, or a range of them "
		"such "
		"as 1024-65535" },
	{ RULE "protocol=tcp local_port=1-", EINVAL, "local_port",
		"policy x: local_port \"1-\": must be a port, 0 to 65535, or a range of them such "
		"as "
		"1024-65535" },
	{ RULE "protocol=gre local_port=1", EINVAL, "local_port",
		"policy x: local_port \"1\": protocol gre has no ports, tcp, udp and sctp have" },
	{ RULE "protocol=tpc", EINVAL, "protocol",
		"policy x: protocol \"tpc\": must be 0 to 255 or one of icmp, igmp, tcp, udp, gre, "
		"esp, ah, icmpv6, ospf, pim, vrrp, sctp" },
	{ RULE "protocol=256", EINVAL, "protocol",
		"policy x: protocol \"256\": must be 0 to 255 or one of icmp, igmp, tcp, udp, gre, "
		"esp, ah, icmpv6, ospf, pim, vrrp, sctp" },
	{ RULE "protocol=tcp icmp_type=8", EINVAL, "icmp_type",
		"policy x: icmp_type 8: the protocol must be icmp or icmpv6" },
	{ RULE "protocol=icmp icmp_code=8", EINVAL, "icmp_code",
		"policy x: icmp_code 8: needs an icmp_type, whose code it is" },
	{ RULE "network=any protocol=tcp", EINVAL, "network",
		"policy x: network any: a rule with a protocol, ports or an ICMP type must be for "
		"IP, IPv4 or IPv6" },
	{ RULE "network=other local=10.0.0.1", EINVAL, "network",
		"policy x: network other: a rule with addresses must be for IP, IPv4, IPv6 or "
		"ARP" },
	{ "rule direction=in action=meter weight=1", EINVAL, "action",
		"policy x: action meter: is for entries of the port ACL, not for rules, which "
		"allow, "
		"deny or police" },
	{ RULE "idle_s=5", EINVAL, "idle_s", "policy x: idle_s 5: is for rules that are stateful" },
	{ "rule direction=both action=deny weight=10", EEXIST, "weight",
		"policy x: weight 10: policy smtp has the same in direction out, where each must "
		"have its own" },
	{ "settings fragments=pass", EEXIST, "",
		"policy x: policy set has the settings of the port, which can have one such "
		"policy" },
};

static void bad_policies_are_refused(void **state)
{
	struct packet smtp = packet_read("tcp 10.0.0.1:1 > 10.0.0.2:25");
	struct lab lab;

	(void)state;
	acl_begin(&lab, &(struct lab_options){ 0 });
	acl_add(&lab, "p0", "ten", "acl direction=both action=allow remote=10.0.0.0/8");
	acl_add(&lab, "p0", "all", "acl direction=both action=meter local=any");
	acl_add(&lab, "p0", "smtp", "rule direction=out action=deny weight=10 remote_port=25");
	acl_add(&lab, "p0", "set", "settings fragments=drop");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		int code = acl_try(&lab, "p0", "x", row->text);

		if (code != -row->code || strcmp(lab.error.message, row->sentence) != 0 ||
			strcmp(lab.error.field, row->field) != 0)
			fail_msg("%s: %d, field \"%s\", \"%s\"", row->text, code, lab.error.field,
				lab.error.message);
	}
	// What there was is still in force.
	lab_settle(&lab);
	assert_string_equal(acl_pass(&lab, &smtp), "rule-denied@ingress");
	acl_end(&lab);
}

// An item that was refused leaves its place to others.
static void what_was_refused_is_forgotten(void **state)
{
	struct packet p = packet_read("udp 10.0.0.1:1 > 10.0.0.2:53");
	struct lab lab;

	(void)state;
	acl_begin(&lab, &(struct lab_options){ 0 });
	acl_add(&lab, "p0", "a", "rule direction=in action=allow weight=1");
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(
			acl_try(&lab, "p0", "b", "rule direction=both action=deny weight=1"),
			-EEXIST);
	acl_add(&lab, "p0", "b", "rule direction=out action=deny weight=1");
	assert_string_equal(acl_pass(&lab, &p), "rule-denied@ingress");
	acl_remove(&lab, "p0", "b");
	assert_string_equal(acl_pass(&lab, &p), "");
	acl_end(&lab);
}

// ---- Meters that nest

static void nesting_is_refused_with_the_number(void **state)
{
	struct lab lab;
	char text[96], id[8];

	(void)state;
	acl_begin(&lab, &(struct lab_options){ 0 });
	for (unsigned i = 0; i < 64; i++) {
		snprintf(text, sizeof(text), "acl direction=out action=meter %s=fd00::/%u",
			i < 32 ? "remote" : "local", i);
		snprintf(id, sizeof(id), "m%u", i);
		assert_int_equal(acl_try(&lab, "p0", id, text), 0);
	}
	lab_assert_refused(&lab,
		acl_try(&lab, "p0", "x", "acl direction=out action=meter remote=fd00::/100"), E2BIG,
		"port p0: the prefixes nest so that 65 meters count one frame, direction out: at "
		"most 64 can");
	// Beside, not inside the others.
	assert_int_equal(
		acl_try(&lab, "p0", "x", "acl direction=out action=meter remote=2001:db8::/32"), 0);
	assert_int_equal(
		acl_try(&lab, "p0", "y", "acl direction=out action=meter remote=10.0.0.0/8"), 0);
	assert_int_equal(
		acl_try(&lab, "p0", "z", "acl direction=in action=meter remote=fd00::/100"), 0);
	lab_settle(&lab);
	acl_end(&lab);
}

// ---- Prefixes with bits behind their length

struct remarks {
	unsigned n;
	char last[512];
};

static void see_remark(void *context, const char *text)
{
	struct remarks *remarks = context;

	remarks->n++;
	snprintf(remarks->last, sizeof(remarks->last), "%s", text);
}

// Each of a change's prefixes with bits behind their length is said, up to a bound, and then how
// many more there are.
static void all_normalised_are_told(void **state)
{
	struct weir_document *document = weir_document_create();
	struct remarks remarks = { 0 };
	struct lab lab;

	(void)state;
	acl_begin(&lab, &(struct lab_options){ .strict = true });
	weir_on_remark(lab.weir, see_remark, &remarks);
	for (unsigned i = 0; i < 20; i++) {
		char text[80], type[16], id[8];
		uint8_t bytes[256];
		struct weir_item item = { .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_POLICY,
			.target = "p0",
			.name = "acl" };

		snprintf(id, sizeof(id), "n%u", i);
		snprintf(text, sizeof(text), "acl direction=in action=deny remote=10.%u.0.1/24", i);
		item.policy.size = acl_pack(text, type, bytes);
		item.policy.type = type;
		item.policy.id = id;
		item.policy.bytes = bytes;
		assert_int_equal(weir_document_add(document, &item, &lab.error), 0);
	}
	lab.log_level = LOG_NOTICE;
	lab_forget_log(&lab);
	assert_int_equal(weir_apply(lab.weir, document, WEIR_DRY_RUN, NULL, NULL, &lab.error), 0);
	assert_int_equal(lab_logged(&lab, "bits set behind"), 0);
	// A dry run tells as much.
	assert_int_equal(remarks.n, 17);
	assert_int_equal(weir_apply(lab.weir, document, 0, NULL, NULL, &lab.error), 0);
	assert_int_equal(remarks.n, 2 * 17);
	assert_string_equal(remarks.last, "extension acl on p0: prefixes of 4 more policies have "
					  "bits set behind their length: the status policy says "
					  "which");
	for (unsigned i = 0; i < 20; i++) {
		char line[64];

		snprintf(line, sizeof(line), "policy n%u: its prefix has bits set", i);
		assert_int_equal(lab_logged(&lab, line), i < 16);
	}
	assert_int_equal(lab_logged(&lab, "prefixes of 4 more policies have bits set"), 1);
	// What is not new is not told again.
	acl_add(&lab, "p0", "more", "acl direction=out action=deny remote=10.0.0.0/24");
	assert_int_equal(remarks.n, 2 * 17);
	acl_add(&lab, "p0", "odd", "acl direction=out action=deny remote=10.0.1.1/24");
	assert_int_equal(remarks.n, 2 * 17 + 1);
	assert_string_equal(remarks.last,
		"extension acl on p0: policy odd: its prefix has bits set behind its length, and "
		"is taken as: direction=out action=deny remote=10.0.1.0/24");
	weir_document_destroy(document);
	acl_end(&lab);
}

// ---- A burst that nobody chose

// What passes in 100 ms, but no less than eight of the largest frames, which TCP comes in.
static void default_burst_has_room_for_frames_of_64k(void **state)
{
	static const struct {
		const char *what, *taken;
	} bursts[] = {
		{ "rate=1000", "rate=1000 burst=524288" },
		{ "rate=41943040", "rate=41943040 burst=524288" },
		{ "rate=50000000", "rate=50000000 burst=625000" },
		{ "rate=1000000000000", "rate=1000000000000 burst=1000000000" },
		{ "rate=50000000 burst=1000", "rate=50000000 burst=1000" },
	};
	struct remarks remarks = { 0 };
	struct lab lab;

	(void)state;
	acl_begin(&lab, &(struct lab_options){ 0 });
	weir_on_remark(lab.weir, see_remark, &remarks);
	for (size_t i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++) {
		char text[128], wanted[256];

		// Bits behind the length: what was understood is told, with the burst.
		snprintf(text, sizeof(text), "acl direction=in action=police remote=10.0.0.1/8 %s",
			bursts[i].what);
		snprintf(wanted, sizeof(wanted),
			"extension acl on p0: policy x: its prefix has bits set behind its length, "
			"and is taken as: direction=in action=police %s remote=10.0.0.0/8",
			bursts[i].taken);
		assert_int_equal(acl_try(&lab, "p0", "x", text), 0);
		assert_string_equal(remarks.last, wanted);
	}
	acl_end(&lab);
}

struct told {
	char text[512];
	bool normalised, found;
};

static void note_status(void *context, const struct weir_policy_info *info)
{
	struct told *told = context;
	Acl__Understood *m;

	if (strcmp(info->type, "policy") != 0 || strcmp(info->id, "x") != 0)
		return;
	m = acl__understood__unpack(NULL, info->size, info->bytes);
	assert_non_null(m);
	snprintf(told->text, sizeof(told->text), "%s", m->text);
	told->normalised = m->normalised;
	told->found = true;
	acl__understood__free_unpacked(m, NULL);
}

static const struct {
	const char *text, *understood;
	bool normalised;
} normal_rows[] = {
	{ "acl direction=out action=deny remote=10.1.2.3/8",
		"direction=out action=deny remote=10.0.0.0/8", true },
	{ "acl direction=out action=deny remote=10.0.0.0/8",
		"direction=out action=deny remote=10.0.0.0/8", false },
	{ "acl direction=out action=deny local=fd00::ff/121",
		"direction=out action=deny local=fd00::80/121", true },
	{ "rule direction=both action=allow weight=3 protocol=6 remote=192.0.2.129/25 "
	  "local=192.0.2.1 "
	  "remote_port=1-9 vlan=7",
		"direction=both action=allow weight=3 protocol=tcp local=192.0.2.1/32 "
		"remote=192.0.2.128/25 remote_port=1-9 vlan=7",
		true },
	{ "rule direction=in action=deny weight=3 network=arp remote=10.0.0.0/8",
		"direction=in action=deny weight=3 network=arp remote=10.0.0.0/8", false },
	{ "acl direction=in action=deny remote_mac=02:00:00:00:00:AB",
		"direction=in action=deny remote_mac=02:00:00:00:00:ab", false },
	{ "settings", "fragments=skip", false },
};

static void what_was_understood_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(normal_rows) / sizeof(normal_rows[0]); i++) {
		struct told told = { .found = false };
		struct lab lab;

		acl_begin(&lab, &(struct lab_options){ 0 });
		acl_add(&lab, "p0", "x", normal_rows[i].text);
		assert_int_equal(weir_status_list(lab.weir, "p0", "acl", NULL, note_status, &told,
					 &lab.error),
			0);
		assert_true(told.found);
		assert_string_equal(told.text, normal_rows[i].understood);
		assert_int_equal(told.normalised, normal_rows[i].normalised);
		acl_end(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_policies_are_refused),
		cmocka_unit_test(what_was_refused_is_forgotten),
		cmocka_unit_test(nesting_is_refused_with_the_number),
		cmocka_unit_test(all_normalised_are_told),
		cmocka_unit_test(default_burst_has_room_for_frames_of_64k),
		cmocka_unit_test(what_was_understood_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
