// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Documents: what is different is made so, all of it or nothing.
#include "lab_document.h"

#include <stdlib.h>

// A laboratory that has a switch br0 and nothing else.
static void start(struct lab *lab)
{
	lab_start(lab, &(struct lab_options){ 0 });
}

// ---- What differs, and what there is in the end

struct row {
	const char *name;
	const char *before, *document;
	unsigned flags;
	const char *differences;
	const char *after; // NULL: as before
};

#define SMALL                                                                                      \
	"switch br0\n"                                                                             \
	"extension br0 probe-filter order=10\n"                                                    \
	"port br0 p0 nic=memory\n"                                                                 \
	"policy p0 probe-filter a act NOTHING 1\n"                                                 \
	"policy p0 probe-filter b act NOTHING 2\n"                                                 \
	"port br0 p1 nic=null vlan=10\n"                                                           \
	"fdb br0 02:00:00:00:00:01 10 p1\n"

static const struct row rows[] = {
	{ "nothing", "switch br0\n", "", 0, "", NULL },
	{ "all at once", "switch br0\n",
		"fdb br1 02:00:00:00:00:01 0 x1\n"
		"policy x0 probe-filter b act NOTHING 2\n"
		"policy x0 probe-filter a act NOTHING 1\n"
		"policy switch:br1 probe-filter v veto 6\n"
		"port br1 x1 nic=null vlan=trunk:3-4 mac=02:00:00:00:00:0A mtu=1500 uplink\n"
		"port br1 x0\n"
		"extension br1 probe-filter\n"
		"extension br1 nothing-1 order=3 fail_open\n"
		"switch br1\n",
		0,
		"add switch br1\n"
		"add extension br1 probe-filter: order 10\n"
		"add extension br1 nothing-1: order 3, fail_open yes\n"
		"add port x1: nic null, vlan trunk:3-4, mac 02:00:00:00:00:0a\n"
		"add port x0: nic none\n"
		"add policy x0 probe-filter.act b\n"
		"add policy x0 probe-filter.act a\n"
		"add policy switch:br1 probe-filter.veto v\n"
		"add fdb br1 02:00:00:00:00:01 vlan 0: port x1\n",
		"switch br0\n"
		"switch br1\n"
		"extension br1 nothing-1 order=3 fail_open\n"
		"extension br1 probe-filter order=10\n"
		"policy switch:br1 probe-filter v veto 6\n"
		"port br1 x0\n"
		"policy x0 probe-filter b act NOTHING 2\n"
		"policy x0 probe-filter a act NOTHING 1\n"
		"port br1 x1 nic=null vlan=trunk:3-4 mac=02:00:00:00:00:0a mtu=1500 uplink\n"
		"fdb br1 02:00:00:00:00:01 0 x1\n" },
	{ "the same again", SMALL, SMALL, 0, "", NULL },
	{ "the same again, pruned", SMALL, SMALL, WEIR_PRUNE, "", NULL },
	{ "other texts for the same", SMALL,
		"switch br0\nextension br0 probe-filter\n"
		"port br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n",
		0, "", NULL },
	{ "a policy changes in its place", SMALL, "policy p0 probe-filter a act NOTHING 7\n", 0,
		"change policy p0 probe-filter.act a\n",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-filter a act NOTHING 7\n"
		"policy p0 probe-filter b act NOTHING 2\n"
		"port br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n" },
	{ "what is not named goes", SMALL,
		"switch br0\nextension br0 probe-filter\nport br0 p0 nic=memory\n"
		"policy p0 probe-filter b act NOTHING 2\npolicy p0 probe-filter c act NOTHING 3\n",
		WEIR_PRUNE,
		"remove port p1\n"
		"remove policy p0 probe-filter.act a\n"
		"add policy p0 probe-filter.act c\n",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-filter b act NOTHING 2\n"
		"policy p0 probe-filter c act NOTHING 3\n" },
	{ "static entries go and lead elsewhere", SMALL "fdb br0 02:00:00:00:00:02 10 p1\n",
		"switch br0\nextension br0 probe-filter\n"
		"port br0 p0 nic=memory\npolicy p0 probe-filter a act NOTHING 1\n"
		"policy p0 probe-filter b act NOTHING 2\nport br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:02 10 p0\n",
		WEIR_PRUNE,
		"remove fdb br0 02:00:00:00:00:01 vlan 10\n"
		"change fdb br0 02:00:00:00:00:02 vlan 10: port p0\n",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-filter a act NOTHING 1\n"
		"policy p0 probe-filter b act NOTHING 2\n"
		"port br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:02 10 p0\n" },
	{ "an extension goes with its policies", SMALL,
		"switch br0\nport br0 p0 nic=memory\nport br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n",
		WEIR_PRUNE, "remove extension br0 probe-filter: with its policies\n",
		"switch br0\nport br0 p0 nic=memory\nport br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n" },
	{ "a switch goes, another comes", SMALL, "switch br1\nport br1 p0 nic=null\n", WEIR_PRUNE,
		"remove switch br0\nadd switch br1\nadd port p0: nic null\n",
		"switch br1\nport br1 p0 nic=null\n" },
	{ "a port moves", SMALL "switch br1\n", "port br1 p0 nic=memory\n", 0,
		"remove port p0\nadd port p0: nic memory\n",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"port br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n"
		"switch br1\n"
		"port br1 p0 nic=memory\n" },
	{ "settings", SMALL, "port br0 p1 nic=null mtu=9000 mac=02:00:00:00:00:01 uplink\n", 0,
		"change port p1: vlan none, mac 02:00:00:00:00:01, mtu 9000, uplink yes\n",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-filter a act NOTHING 1\n"
		"policy p0 probe-filter b act NOTHING 2\n"
		"port br0 p1 nic=null mac=02:00:00:00:00:01 mtu=9000 uplink\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n" },
	{ "NICs", SMALL,
		"port br0 p0 nic=memory disconnected\nport br0 p1 nic=memory vlan=10\n"
		"port br0 p2 nic=null disconnected\n",
		0,
		"change port p0: disconnected yes\n"
		"change port p1: nic memory\n"
		"add port p2: nic null\n",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"port br0 p0 nic=memory disconnected\n"
		"policy p0 probe-filter a act NOTHING 1\n"
		"policy p0 probe-filter b act NOTHING 2\n"
		"port br0 p1 nic=memory vlan=10\n"
		"port br0 p2 nic=null disconnected\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n" },
	{ "a NIC is taken away", SMALL, "port br0 p1 vlan=10\n", 0, "change port p1: nic none\n",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-filter a act NOTHING 1\n"
		"policy p0 probe-filter b act NOTHING 2\n"
		"port br0 p1 vlan=10\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n" },
	{ "another place in the stack",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"extension br0 nothing-1 order=20\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-filter a act NOTHING 1\n",
		"extension br0 probe-filter order=30\nextension br0 nothing-1 order=20 fail_open\n",
		0,
		"change extension br0 probe-filter: order 30\n"
		"change extension br0 nothing-1: fail_open yes\n",
		"switch br0\n"
		"extension br0 nothing-1 order=20 fail_open\n"
		"extension br0 probe-filter order=30\n"
		"port br0 p0 nic=memory\n"
		"policy p0 probe-filter a act NOTHING 1\n" },
	{ "one forwarding extension for another",
		"switch br0\nextension br0 probe-forwarding order=10\n",
		"switch br0\nextension br0 patch-panel\n", WEIR_PRUNE,
		"remove extension br0 probe-forwarding: with its policies\n"
		"add extension br0 patch-panel: order 10\n",
		"switch br0\nextension br0 patch-panel order=10\n" },
};

static void differences(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct lab lab;
		char *got;

		print_message("%s\n", row->name);
		start(&lab);
		lab_apply(&lab, row->before, 0);
		lab_assert_state(&lab, row->before);
		// A dry run says the same and does nothing.
		assert_int_equal(
			lab_try_apply(&lab, row->document, row->flags | WEIR_DRY_RUN, &got), 0);
		lab_assert_text(got, row->differences);
		free(got);
		lab_assert_state(&lab, row->before);
		if (lab_try_apply(&lab, row->document, row->flags, &got) < 0)
			fail_msg("%s: %s", lab.error.field, lab.error.message);
		lab_assert_text(got, row->differences);
		free(got);
		lab_assert_state(&lab, row->after ? row->after : row->before);
		lab_settle(&lab);
		lab_assert_state(&lab, row->after ? row->after : row->before);
		lab_end(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
