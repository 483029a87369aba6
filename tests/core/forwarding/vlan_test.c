// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The VLAN rules of ports. Clauses are those of IEEE 802.1Q-2022; "OVS" is the port table's
// documentation in ovs-vswitchd.conf.db(5).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "forwarding/vlan.h"

// ---- Text

static const struct {
	const char *text;
	const char *canonical;
} good[] = {
	{ "", "" },
	{ "none", "" },
	{ "1", "1" },
	{ "10", "10" },
	{ "0010", "10" },
	{ "4094", "4094" },
	{ "trunk:5", "trunk:5" },
	{ "trunk:1-4094", "trunk:1-4094" },
	{ "trunk:1-100,200,native:1", "trunk:1-100,200,native:1" },
	{ "trunk:200,1-100", "trunk:1-100,200" },
	{ "trunk:1-10,5-20,21,23", "trunk:1-21,23" },
	{ "trunk:7-7", "trunk:7" },
	{ "trunk:63,64,65,127-128", "trunk:63-65,127-128" },
	{ "trunk:native:9", "trunk:9,native:9" },
	{ "trunk:native:9,20", "trunk:9,20,native:9" },
	{ "trunk:10-20,native:5", "trunk:5,10-20,native:5" }, // OVS: the native VLAN is trunked
	{ "trunk:4094,4093", "trunk:4093-4094" },
};

#define IDS   "must be none, an id, 1 to 4094, or a trunk such as trunk:1-100,200,native:1"
#define ITEMS "must be an id, 1 to 4094, a range such as 1-100, or native:ID"
#define ONCE  "must be native:ID, ID 1 to 4094, once in a trunk"

static const struct {
	const char *text;
	const char *sentence;
} bad[] = {
	{ "0", "vlan \"0\": must be 1 to 4094" },       // table 9-2: no VLAN
	{ "4095", "vlan \"4095\": must be 1 to 4094" }, // table 9-2: reserved
	{ "4096", "vlan \"4096\": must be 1 to 4094" },
	{ "65537", "vlan \"65537\": must be 1 to 4094" },
	{ "18446744073709551617", "vlan \"18446744073709551617\": must be 1 to 4094" },
	{ "00010", "vlan \"00010\": must be 1 to 4094" },
	{ "-1", "vlan \"-1\": " IDS },
	{ "+1", "vlan \"+1\": " IDS },
	{ " 1", "vlan \" 1\": " IDS },
	{ "1 ", "vlan \"1 \": " IDS },
	{ "0x10", "vlan \"0x10\": " IDS },
	{ "1,2", "vlan \"1,2\": " IDS },
	{ "trunk", "vlan \"trunk\": " IDS },
	{ "Trunk:1", "vlan \"Trunk:1\": " IDS },
	{ "None", "vlan \"None\": " IDS },
	{ "v\xc3\xa9\n", "vlan \"v???\": " IDS },
	{ "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
		"vlan \"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr...\": " IDS },
	{ "trunk:", "vlan \"\": " ITEMS },
	{ "trunk:,", "vlan \"\": " ITEMS },
	{ "trunk:1,", "vlan \"\": " ITEMS },
	{ "trunk:1,,2", "vlan \"\": " ITEMS },
	{ "trunk:0", "vlan \"0\": " ITEMS },
	{ "trunk:1-4095", "vlan \"1-4095\": " ITEMS },
	{ "trunk:0-5", "vlan \"0-5\": " ITEMS },
	{ "trunk:20-10", "vlan \"20-10\": " ITEMS },
	{ "trunk:1-", "vlan \"1-\": " ITEMS },
	{ "trunk:-1", "vlan \"-1\": " ITEMS },
	{ "trunk:1-2-3", "vlan \"1-2-3\": " ITEMS },
	{ "trunk:1;2", "vlan \"1;2\": " ITEMS },
	{ "trunk:nativ:1", "vlan \"nativ:1\": " ITEMS },
	{ "trunk:1,native:", "vlan \"native:\": " ONCE },
	{ "trunk:1,native:0", "vlan \"native:0\": " ONCE },
	{ "trunk:1,native:4095", "vlan \"native:4095\": " ONCE },
	{ "trunk:1,native:1-2", "vlan \"native:1-2\": " ONCE },
	{ "trunk:1,native:1,native:2", "vlan \"native:2\": " ONCE },
};

static void good_texts_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct vlan_config config, again;
		char text[VLAN_TEXT_SIZE];
		struct weir_error error = { 0 };

		if (vlan_parse(good[i].text, &config, &error))
			fail_msg("%s: refused: %s", good[i].text, error.message);
		vlan_format(&config, text);
		if (strcmp(text, good[i].canonical) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", good[i].text, text, good[i].canonical);
		assert_int_equal(vlan_parse(text, &again, NULL), 0);
		assert_memory_equal(&again, &config, sizeof(config));
	}
}

static void bad_texts_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vlan_config config, before;
		struct weir_error error = { 0 };

		memset(&config, 0x5a, sizeof(config));
		before = config;
		if (vlan_parse(bad[i].text, &config, &error) != -EINVAL)
			fail_msg("%s: accepted", bad[i].text);
		if (strcmp(error.message, bad[i].sentence) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", bad[i].text, error.message,
				bad[i].sentence);
		assert_string_equal(error.field, "vlan");
		assert_int_equal(error.code, -EINVAL);
		assert_memory_equal(&config, &before, sizeof(config));
		assert_int_equal(vlan_parse(bad[i].text, &config, NULL), -EINVAL);
	}
}

// The longest canonical text fits; every set of VLANs survives the way through it.
static void any_set_survives_its_text(void **state)
{
	static const unsigned steps[] = { 1, 2, 3, 5, 64 };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct vlan_config config = { .mode = VLAN_TRUNK, .vid = 4094 }, again;
		char text[VLAN_TEXT_SIZE];

		for (unsigned vlan = 1; vlan <= VLAN_MAX; vlan++)
			if (vlan % steps[i] != 0 || vlan == 4094 || steps[i] == 1)
				config.allowed[vlan / 64] |= UINT64_C(1) << vlan % 64;
		vlan_format(&config, text);
		assert_true(strlen(text) < VLAN_TEXT_SIZE);
		assert_int_equal(vlan_parse(text, &again, NULL), 0);
		assert_memory_equal(&again, &config, sizeof(config));
	}
}

// ---- Ingress. Expected: VLAN and what happens to the tag, or why it is refused.

enum { UNTAGGED = -1 };

#define AS(vlan_, tag_) .accepted = true, .vlan = (vlan_), .tag = VLAN_INGRESS_##tag_
#define REFUSED(reason) .why = VLAN_REFUSED_##reason

static const struct {
	const char *config;
	int vid; // of the outer tag, or UNTAGGED
	bool accepted;
	uint16_t vlan;
	enum vlan_ingress_tag tag;
	enum vlan_refusal why;
	const char *source;
} ingress[] = {
	{ "", UNTAGGED, AS(0, KEEP), .source = "design: passes unchanged" },
	{ "", 0, AS(0, KEEP), .source = "design; 9.6: priority-tagged is in no VLAN" },
	{ "", 1, AS(1, KEEP), .source = "design: passes unchanged" },
	{ "", 4094, AS(4094, KEEP), .source = "design: passes unchanged" },
	{ "", 4095, AS(4095, KEEP), .source = "design: passes unchanged" },
	{ "10", UNTAGGED, AS(10, PUSH), .source = "6.9.1: untagged gets the PVID" },
	{ "10", 0, AS(10, SET_VID), .source = "6.9.1: priority-tagged gets the PVID" },
	{ "10", 10, REFUSED(TAGGED), .source = "6.9.1 admit only untagged; OVS access" },
	{ "10", 11, REFUSED(TAGGED), .source = "6.9.1 admit only untagged; OVS access" },
	{ "10", 4095, REFUSED(TAGGED), .source = "table 9-2: reserved" },
	{ "4094", UNTAGGED, AS(4094, PUSH), .source = "6.9.1" },
	{ "trunk:10-20", UNTAGGED, REFUSED(UNTAGGED), .source = "6.9.1 admit only VLAN-tagged" },
	{ "trunk:10-20", 0, REFUSED(UNTAGGED), .source = "6.9.1 admit only VLAN-tagged" },
	{ "trunk:10-20", 9, REFUSED(NOT_ALLOWED), .source = "8.6.2 ingress filtering" },
	{ "trunk:10-20", 10, AS(10, KEEP), .source = "6.9.1: the VID of the tag" },
	{ "trunk:10-20", 20, AS(20, KEEP), .source = "6.9.1: the VID of the tag" },
	{ "trunk:10-20", 21, REFUSED(NOT_ALLOWED), .source = "8.6.2 ingress filtering" },
	{ "trunk:1-4094", 4095, REFUSED(NOT_ALLOWED), .source = "table 9-2: reserved" },
	{ "trunk:10-20,native:10", UNTAGGED, AS(10, PUSH), .source = "6.9.1: PVID" },
	{ "trunk:10-20,native:10", 0, AS(10, SET_VID), .source = "6.9.1: PVID" },
	{ "trunk:10-20,native:10", 10, AS(10, KEEP), .source = "6.9.1 admit all" },
	{ "trunk:10-20,native:5", 5, AS(5, KEEP), .source = "8.6.2: PVID in the member set; OVS" },
	{ "trunk:10-20,native:5", UNTAGGED, AS(5, PUSH), .source = "6.9.1: PVID" },
	{ "trunk:10-20,native:5", 6, REFUSED(NOT_ALLOWED), .source = "8.6.2" },
};

static void run_ingress(size_t i, unsigned n_tags)
{
	struct vlan_config config;
	uint16_t vlan = 77;
	enum vlan_ingress_tag tag = (enum vlan_ingress_tag)77;
	enum vlan_refusal why = (enum vlan_refusal)77;
	// Without a tag, what stands in vid must not matter.
	uint16_t vid = ingress[i].vid == UNTAGGED ? 10 : (uint16_t)ingress[i].vid;
	bool accepted;

	assert_int_equal(vlan_parse(ingress[i].config, &config, NULL), 0);
	accepted = vlan_ingress(&config, n_tags, vid, &vlan, &tag, &why);
	if (accepted != ingress[i].accepted)
		fail_msg(
			"\"%s\", vid %d: %s", ingress[i].config, ingress[i].vid, ingress[i].source);
	if (accepted && (vlan != ingress[i].vlan || tag != ingress[i].tag || (int)why != 77))
		fail_msg("\"%s\", vid %d: VLAN %u, tag %d: %s", ingress[i].config, ingress[i].vid,
			vlan, tag, ingress[i].source);
	if (!accepted && (vlan != 77 || (int)tag != 77 || why != ingress[i].why))
		fail_msg("\"%s\", vid %d: why %d: %s", ingress[i].config, ingress[i].vid, why,
			ingress[i].source);
}

static void ingress_classifies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ingress) / sizeof(ingress[0]); i++) {
		run_ingress(i, ingress[i].vid == UNTAGGED ? 0 : 1);
		if (ingress[i].vid != UNTAGGED)
			run_ingress(i, 2);
	}
}

// ---- Egress

enum { STAYS = -1 };

static const struct {
	const char *config;
	uint16_t vlan;
	int tag; // enum vlan_egress_tag or STAYS
	const char *source;
} egress[] = {
	{ "", 0, VLAN_EGRESS_KEEP, "design: passes unchanged" },
	{ "", 10, VLAN_EGRESS_KEEP, "design: passes unchanged" },
	{ "", 4095, VLAN_EGRESS_KEEP, "design: passes unchanged" },
	{ "10", 10, VLAN_EGRESS_UNTAG, "6.9.2: in the untagged set" },
	{ "10", 11, STAYS, "8.6.4: not in the member set" },
	{ "10", 0, STAYS, "8.6.4: in no VLAN, so in none of the port's" },
	{ "10", 4095, STAYS, "table 9-2: reserved" },
	{ "trunk:10-20", 10, VLAN_EGRESS_TAG, "6.9.2: not in the untagged set" },
	{ "trunk:10-20", 20, VLAN_EGRESS_TAG, "6.9.2: not in the untagged set" },
	{ "trunk:10-20", 9, STAYS, "8.6.4: not in the member set" },
	{ "trunk:10-20", 21, STAYS, "8.6.4: not in the member set" },
	{ "trunk:10-20", 0, STAYS, "8.6.4; OVS: VLAN 0 needs a native VLAN" },
	{ "trunk:1-4094", 4095, STAYS, "table 9-2: reserved" },
	{ "trunk:1-4094,native:1", 0, STAYS, "8.6.4: in no VLAN" },
	{ "trunk:10-20,native:10", 10, VLAN_EGRESS_UNTAG, "6.9.2; OVS native-untagged" },
	{ "trunk:10-20,native:10", 11, VLAN_EGRESS_TAG, "6.9.2" },
	{ "trunk:10-20,native:5", 5, VLAN_EGRESS_UNTAG, "6.9.2; OVS native-untagged" },
	{ "trunk:10-20,native:5", 6, STAYS, "8.6.4" },
};

static void egress_selects(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(egress) / sizeof(egress[0]); i++) {
		enum vlan_egress_tag tag = (enum vlan_egress_tag)77;
		struct vlan_config config;
		int got;

		assert_int_equal(vlan_parse(egress[i].config, &config, NULL), 0);
		got = vlan_egress(&config, egress[i].vlan, &tag) ? (int)tag : STAYS;
		if (got != egress[i].tag || (got == STAYS && (int)tag != 77))
			fail_msg("\"%s\", VLAN %u: %d: %s", egress[i].config, egress[i].vlan, got,
				egress[i].source);
	}
}

// What a port takes in as a VLAN, it lets out again: in every mode, for every vid.
static void what_comes_in_may_go_out(void **state)
{
	static const char *const configs[] = { "", "10", "trunk:10-20,63-65",
		"trunk:1-4094,native:9" };

	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		struct vlan_config config;

		assert_int_equal(vlan_parse(configs[i], &config, NULL), 0);
		for (unsigned vid = 0; vid < 4096; vid++) {
			enum vlan_ingress_tag in;
			enum vlan_egress_tag out;
			enum vlan_refusal why;
			uint16_t vlan;

			if (vlan_ingress(&config, 1, (uint16_t)vid, &vlan, &in, &why) &&
				!vlan_egress(&config, vlan, &out))
				fail_msg("\"%s\": vid %u came in but stays", configs[i], vid);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_texts_parse),
		cmocka_unit_test(bad_texts_are_refused),
		cmocka_unit_test(any_set_survives_its_text),
		cmocka_unit_test(ingress_classifies),
		cmocka_unit_test(egress_selects),
		cmocka_unit_test(what_comes_in_may_go_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
