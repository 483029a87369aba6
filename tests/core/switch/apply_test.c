// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Documents: what is different is made so, all of it or nothing.
#include "lab_document.h"
#include "lab_items.h"

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

#define SESSIONS                                                                                   \
	"switch br0\n"                                                                             \
	"switch br1 sessions=200000 port_sessions=140000\n"

static const struct row rows[] = {
	{ "nothing", "switch br0\n", "", 0, "", NULL },
	{ "a switch with tables of its own size, twice", "switch br0\n", "switch br1 flows=4096\n",
		0, "add switch br1: flows 4096\n", "switch br0\nswitch br1 flows=4096\n" },
	{ "both of its own, twice", "switch br0\n",
		"switch br1 flows=4096 sessions=100 port_sessions=10\n", 0,
		"add switch br1: flows 4096, sessions 100, 10 at a port\n",
		"switch br0\nswitch br1 flows=4096 sessions=100 port_sessions=10\n" },
	{ "of the size that all have", "switch br0\n", "switch br0 flows=131072\n", 0, "", NULL },
	{ "a switch with room for so many sessions, twice", "switch br0\n",
		"switch br1 sessions=100 port_sessions=10\n", 0,
		"add switch br1: sessions 100, 10 at a port\n",
		"switch br0\nswitch br1 sessions=100 port_sessions=10\n" },
	{ "more at a port than other switches have in all, again", SESSIONS,
		"switch br0\nswitch br1 port_sessions=140000\n", 0, "", SESSIONS },
	{ "for as many as all have", "switch br0\n",
		"switch br0 sessions=131072 port_sessions=65536\n", 0, "", NULL },
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
		"add port x1: nic null, vlan trunk:3-4, mac 02:00:00:00:00:0a, mtu 1500, uplink "
		"yes\n"
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
		"remove switch br0: ports 2, extensions 1\nadd switch br1\nadd port p0: nic null\n",
		"switch br1\nport br1 p0 nic=null\n" },
	{ "a port moves", SMALL "switch br1\nextension br1 probe-filter order=10\n",
		"switch br0\n"
		"extension br0 probe-filter\n"
		"port br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n"
		"switch br1\n"
		"extension br1 probe-filter\n"
		"port br1 p0 nic=memory\n"
		"policy p0 probe-filter b act NOTHING 2\n",
		WEIR_PRUNE,
		"remove port p0: policies 2\n"
		"add port p0: nic memory\n"
		"add policy p0 probe-filter.act b\n",
		"switch br0\n"
		"extension br0 probe-filter order=10\n"
		"port br0 p1 nic=null vlan=10\n"
		"fdb br0 02:00:00:00:00:01 10 p1\n"
		"switch br1\n"
		"extension br1 probe-filter order=10\n"
		"port br1 p0 nic=memory\n"
		"policy p0 probe-filter b act NOTHING 2\n" },
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
		"add port p2: nic null, disconnected yes\n",
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

// ---- Documents that make no sense by themselves

static void documents_check_themselves(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *field, *sentence;
	} bad[] = {
		{ "switch a\nswitch a\n", EEXIST, "items[1]",
			"switch \"a\": is in the document already, as items[0]" },
		{ "port a p\nport b p\n", EEXIST, "items[1]", "port \"p\"" },
		{ "extension a x\nextension b x\nextension a x order=7\n", EEXIST, "items[2]",
			"extension \"a x\"" },
		{ "policy p x 1 refuse a\npolicy p x 2 refuse a\npolicy p x 1 act NOTHING\n",
			EEXIST, "items[2]", "policy \"p x 1\"" },
		{ "fdb a 02:00:00:00:00:0a 1 p\nfdb a 02:00:00:00:00:0A 1 q\n", EEXIST, "items[1]",
			"static entry \"a 02:00:00:00:00:0a 1\"" },
	};
	struct weir_item no_id = { .size = sizeof(struct weir_item),
		.kind = WEIR_ITEM_POLICY,
		.target = "p",
		.name = "x" };
	struct weir_item no_kind = { .size = sizeof(no_kind), .kind = (enum weir_item_kind)99 };
	struct weir_document *document;
	struct weir_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		document = weir_document_create();
		assert_int_equal(lab_document_add(document, bad[i].text, &error), -bad[i].code);
		assert_string_equal(error.field, bad[i].field);
		assert_non_null(strstr(error.message, bad[i].sentence));
		weir_document_destroy(document);
	}
	document = weir_document_create();
	assert_int_equal(weir_document_add(document, &no_id, &error), -EINVAL);
	assert_string_equal(error.field, "items[0].id");
	assert_int_equal(weir_document_add(document, &no_kind, &error), -EINVAL);
	assert_int_equal(weir_document_n_items(document), 0);
	assert_int_equal(lab_document_add(document, SMALL, &error), 0);
	assert_int_equal(weir_document_n_items(document), 7);
	assert_true(weir_document_size(document) > 0);
	weir_document_destroy(document);
	weir_document_destroy(NULL);
}

// ---- What is not told, and what is

static void a_dry_run_leaves_no_mark(void **state)
{
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 2 });
	lab_attach(&lab, "probe-capture", 10);
	lab_act(&lab, "p0", "probe-capture", "m",
		(Probe__Act){ AT(INGRESS, COPY), PORT("p1") }); // follows the ports
	assert_int_equal(lab_try_apply(&lab, "switch br1\n", WEIR_PRUNE | WEIR_DRY_RUN, NULL), 0);
	lab_forget_log(&lab);
	lab_apply(&lab, "switch br1\n", 0);
	assert_int_equal(lab_logged(&lab, "prepared"), 0);
	lab_end(&lab);
}

// Ids that have been made are no difference, and are kept all the same.
static void made_ids_are_noted(void **state)
{
	static const struct weir_item wanted[] = {
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_SWITCH,
			.switch_name = "br0",
			.vswitch = { .made_ids = 3 } },
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_PORT,
			.switch_name = "br0",
			.name = "p0",
			.port = { .nic = "memory", .made_ids = 5 } },
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_PORT,
			.switch_name = "br0",
			.name = "new",
			.port = { .nic = "null", .made_ids = 7 } },
	};
	struct weir_document *document = weir_document_create();
	struct lab_items items = { .n = 0 };
	struct lab lab;

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_int_equal(weir_document_add(document, &wanted[i], NULL), 0);
	lab_start(&lab, &(struct lab_options){ .n_ports = 1 });
	weir_on_change(lab.weir, lab_items_note, &items);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(weir_apply(lab.weir, document, 0, NULL, NULL, &lab.error), 0);
		lab_assert_items(&items, i ? ""
					   : "+ port br0 new nic=null made=7\n"
					     "+ switch br0 made=3\n"
					     "+ port br0 p0 nic=memory made=5\n");
	}
	weir_on_change(lab.weir, NULL, NULL);
	weir_document_destroy(document);
	lab_end(&lab);
}

static void count_row(void *context, const struct weir_difference *difference)
{
	(void)difference;
	++*(size_t *)context;
}

// The size that an operator may have, well within what a test may take.
static void many_policies(void **state)
{
	enum { PORTS = 500, POLICIES = 100 };
	struct weir_document *document = weir_document_create();
	struct weir_error error;
	struct lab lab;
	size_t n_rows = 0;

	(void)state;
	start(&lab);
	assert_int_equal(lab_document_add(document, "extension br0 probe-filter\n", &error), 0);
	for (unsigned p = 0; p < PORTS; p++) {
		char text[POLICIES * 64], *at = text;

		at += sprintf(at, "port br0 n%u nic=null\n", p);
		for (unsigned i = 0; i < POLICIES; i++)
			at += sprintf(at, "policy n%u probe-filter i%u act NOTHING %u\n", p, i, i);
		assert_int_equal(lab_document_add(document, text, &error), 0);
	}
	assert_int_equal(weir_apply(lab.weir, document, 0, count_row, &n_rows, &error), 0);
	assert_int_equal(n_rows, 1 + PORTS + PORTS * POLICIES);
	n_rows = 0;
	assert_int_equal(weir_apply(lab.weir, document, 0, count_row, &n_rows, &error), 0);
	assert_int_equal(n_rows, 0);
	weir_document_destroy(document);
	lab_end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(differences),
		cmocka_unit_test(documents_check_themselves),
		cmocka_unit_test(a_dry_run_leaves_no_mark),
		cmocka_unit_test(made_ids_are_noted),
		cmocka_unit_test(many_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
