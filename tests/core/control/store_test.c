// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The store: what is noted and ended is there again, as it was, in order, after the next start.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "store_fixture.h"

// ---- Every kind comes back as it was

static const struct {
	const char *name;
	struct weir_item item;
	const char *text;
} kept[] = {
	{ "switch",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_SWITCH,
			.switch_name = "br0",
			.vswitch = { .made_ids = UINT32_MAX,
				.n_flows = WEIR_FLOWS_MAX,
				.n_sessions = WEIR_SESSIONS_MAX,
				.n_port_sessions = 1 } },
		"switch br0 made=4294967295 flows=16777216 sessions=16777216/1\n" },
	{ "extension",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_EXTENSION,
			.switch_name = "br0",
			.name = "acl",
			.extension = { 65535, true, "/opt/acl.so" } },
		"extension br0 acl order=65535 open=1 path=/opt/acl.so\n" },
	{ "extension by name, in its default order",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_EXTENSION,
			.switch_name = "br0",
			.name = "acl",
			.extension = { WEIR_ORDER_DEFAULT, false, "" } },
		"extension br0 acl order=-1 open=0 path=-\n" },
	{ "port with all there is",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_PORT,
			.switch_name = "br0",
			.name = "vm1",
			.port = { "tap:vm1", "trunk:1-100,native:1", "02:00:00:00:00:01", 9000,
				true, true, true, 7 } },
		"port br0 vm1 nic=tap:vm1 vlan=trunk:1-100,native:1 mac=02:00:00:00:00:01 "
		"mtu=9000 uplink=1 disconnected=1 forced=1 made=7\n" },
	{ "port with nothing",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_PORT,
			.switch_name = "br0",
			.name = "vm1",
			.port = { .nic = "" } },
		"port br0 vm1 nic=- vlan=- mac=- mtu=0 uplink=0 disconnected=0 forced=0 made=0\n" },
	{ "policy",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_POLICY,
			.target = "switch:br0",
			.name = "acl",
			.policy = { "rule", "web", "\0\xff\0a", 4 } },
		"policy switch:br0 acl.rule web <00><ff><00>a\n" },
	{ "policy without type and bytes",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_POLICY,
			.target = "vm1",
			.name = "acl",
			.policy = { NULL, "1", NULL, 0 } },
		"policy vm1 acl.- 1 \n" },
	{ "fdb",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_FDB,
			.switch_name = "br0",
			.fdb = { "02:00:00:00:00:01", "vm1", 4094 } },
		"fdb br0 4094 02:00:00:00:00:01 vm1\n" },
	{ "meter",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_METER,
			.target = "vm1",
			.name = "acl",
			.meter = { "in", UINT64_MAX, 1, 1700000000 } },
		"meter vm1 acl in 18446744073709551615 1 1700000000\n" },
	{ "saved",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_SAVED,
			.target = "vm1",
			.name = "acl",
			.saved = { UINT32_MAX, "\0\1", 2 } },
		"saved vm1 acl 4294967295 <00><01>\n" },
	{ "text beyond ASCII",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_SWITCH,
			.switch_name = "brücke" },
		"switch brücke made=0\n" },
};

static void keeps(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		struct store *store = store_must_open(store_directory);

		store_expect_text(store, "");
		store_add(store, kept[i].item);
		assert_false(store_is_clean(store));
		store_must_keep(store);
		assert_true(store_is_clean(store));
		store_expect_text(store, kept[i].text);
		store_close(store);
		store = store_must_open(store_directory);
		store_expect_text(store, kept[i].text);
		store_remove(store, kept[i].item);
		store_must_keep(store);
		store_close(store);
	}
}

// The item is the store's own copy: what it was made of may go at once.
static void copies(void **state)
{
	struct store *store = store_must_open(store_directory);
	char name[] = "br0";

	(void)state;
	store_add(store, store_switch(name));
	memset(name, 'x', 3);
	store_must_keep(store);
	store_expect_text(store, "switch br0 made=0\n");
	store_close(store);
}

static void keeps_large_ones(void **state)
{
	struct store *store = store_must_open(store_directory);
	size_t size = 5 << 20, text_size;
	char *bytes = malloc(size), *text;
	struct weir_item item = store_saved("vm1", "acl", "");

	(void)state;
	memset(bytes, 'x', size);
	item.saved.bytes = bytes;
	item.saved.size = size;
	store_add(store, item);
	store_must_keep(store);
	text = store_text(store);
	text_size = strlen("saved vm1 acl 0 ");
	assert_int_equal(strlen(text), text_size + size + 1);
	assert_memory_equal(text + text_size, bytes, size);
	free(text);
	free(bytes);
	store_close(store);
}

// ---- Removals

static void add_two_switches(struct store *store)
{
	static const char *const switches[] = { "br0", "br1" };
	static const char *const ports[] = { "vm0", "vm1" };

	for (unsigned i = 0; i < 2; i++) {
		const char *own = i ? "switch:br1" : "switch:br0";

		store_add(store, store_switch(switches[i]));
		store_add(store, store_extension(switches[i], "acl", 10));
		store_add(store, store_extension(switches[i], "qos", 20));
		store_add(store, store_port(switches[i], ports[i]));
		store_add(store, store_policy(own, "acl", "1", "own"));
		store_add(store, store_policy(ports[i], "acl", "1", "a"));
		store_add(store, store_policy(ports[i], "qos", "1", "q"));
		store_add(store, store_fdb(switches[i], 1, "02:00:00:00:00:01", ports[i]));
		store_add(store, store_meter(own, "acl", "m", 1));
		store_add(store, store_meter(ports[i], "acl", "m", 2));
		store_add(store, store_saved(own, "acl", "s"));
		store_add(store, store_saved(ports[i], "acl", "s"));
	}
}

#define PORT_REST " nic=- vlan=- mac=- mtu=0 uplink=0 disconnected=0 forced=0 made=0\n"

// What is left, a line each, of all that stood there.
static const struct {
	const char *name;
	struct weir_item removed;
	const char *gone; // these words begin the lines that are gone
} cascades[] = {
	{ "switch",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_SWITCH,
			.switch_name = "br0" },
		"switch br0|extension br0|port br0|policy switch:br0|policy vm0|fdb br0|"
		"meter switch:br0|meter vm0|saved switch:br0|saved vm0" },
	{ "port",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_PORT,
			.switch_name = "br0",
			.name = "vm0" },
		"port br0 vm0|policy vm0|fdb br0|meter vm0|saved vm0" },
	{ "extension",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_EXTENSION,
			.switch_name = "br0",
			.name = "acl" },
		"extension br0 acl|policy switch:br0 acl|policy vm0 acl|saved switch:br0|"
		"saved vm0" },
	{ "policy",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_POLICY,
			.target = "vm0",
			.name = "acl",
			.policy = { .id = "1" } },
		"policy vm0 acl" },
	{ "fdb",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_FDB,
			.switch_name = "br0",
			.fdb = { .vlan = 1, .mac = "02:00:00:00:00:01" } },
		"fdb br0" },
	{ "meter",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_METER,
			.target = "vm0",
			.name = "acl",
			.meter = { .id = "m" } },
		"meter vm0" },
	{ "saved",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_SAVED,
			.target = "vm0",
			.name = "acl" },
		"saved vm0" },
	{ "none of this name",
		{ .size = sizeof(struct weir_item),
			.kind = WEIR_ITEM_SWITCH,
			.switch_name = "br7" },
		"nothing" },
};

static bool is_gone(const char *line, const char *gone)
{
	while (gone) {
		const char *end = strchr(gone, '|');
		size_t n = end ? (size_t)(end - gone) : strlen(gone);

		if (strncmp(line, gone, n) == 0)
			return true;
		gone = end ? end + 1 : NULL;
	}
	return false;
}

// The lines that are not gone, in place.
static void take_away(char *text, const char *gone)
{
	char *to = text;

	for (char *line = text, *end; *line; line = end) {
		end = strchr(line, '\n') + 1;
		if (is_gone(line, gone))
			continue;
		memmove(to, line, (size_t)(end - line));
		to += end - line;
	}
	*to = '\0';
}

static void removes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(cascades) / sizeof(cascades[0]); i++) {
		struct store *store = store_must_open(store_directory);
		char *before, *after;

		add_two_switches(store);
		store_must_keep(store);
		before = store_text(store);
		store_remove(store, cascades[i].removed);
		store_must_keep(store);
		after = store_text(store);
		take_away(before, cascades[i].gone);
		assert_string_equal(after, before);
		free(before);
		free(after);
		store_remove(store, store_switch("br0"));
		store_remove(store, store_switch("br1"));
		store_must_keep(store);
		store_expect_text(store, "");
		store_close(store);
	}
}

// ---- Order

static void keeps_order(void **state)
{
	struct store *store = store_must_open(store_directory);

	(void)state;
	store_add(store, store_policy("vm1", "acl", "z", "1"));
	store_add(store, store_policy("vm1", "acl", "a", "2"));
	store_must_keep(store);
	store_add(store, store_policy("vm1", "acl", "m", "3"));
	store_add(store, store_policy("vm1", "acl", "z", "replaced"));
	store_must_keep(store);
	store_remove(store, store_policy("vm1", "acl", "m", ""));
	store_add(store, store_policy("vm1", "acl", "b", "4"));
	store_add(store, store_policy("vm1", "acl", "m", "last"));
	store_must_keep(store);
	store_close(store);
	store = store_must_open(store_directory);
	store_expect_text(store, "policy vm1 acl.- z replaced\npolicy vm1 acl.- a 2\n"
				 "policy vm1 acl.- b 4\npolicy vm1 acl.- m last\n");
	store_close(store);
}

// A switch or a port that is noted again is changed; what hangs from it stays.
static void changes_in_place(void **state)
{
	struct store *store = store_must_open(store_directory);
	struct weir_item item = store_port("br0", "vm0");

	(void)state;
	add_two_switches(store);
	store_remove(store, store_switch("br1"));
	item.port.mtu = 9000;
	store_add(store, item);
	item = store_switch("br0");
	item.vswitch.made_ids = 3;
	store_add(store, item);
	store_must_keep(store);
	store_expect_text(store,
		"switch br0 made=3\n"
		"extension br0 acl order=10 open=0 path=-\n"
		"extension br0 qos order=20 open=0 path=-\n"
		"port br0 vm0 nic=- vlan=- mac=- mtu=9000 uplink=0 disconnected=0 forced=0 made=0\n"
		"policy switch:br0 acl.- 1 own\npolicy vm0 acl.- 1 a\npolicy vm0 qos.- 1 q\n"
		"fdb br0 1 02:00:00:00:00:01 vm0\n"
		"meter switch:br0 acl m 1 0 0\nmeter vm0 acl m 2 0 0\n"
		"saved switch:br0 acl 0 s\nsaved vm0 acl 0 s\n");
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keeps, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(copies, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(keeps_large_ones, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(removes, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(keeps_order, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(changes_in_place, store_setup, store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
