// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Batches: reported in the order in which they ended, each as kept or as failed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_fixture.h"

struct order {
	char text[256];
};

struct mark {
	struct order *order;
	char letter;
};

static void mark_done(void *context, const struct weir_error *error)
{
	struct mark *mark = context;
	char text[3] = { error ? '!' : '+', mark->letter, '\0' };

	strcat(mark->order->text, text);
}

static void reports_in_order(void **state)
{
	struct store *store = store_must_open(store_directory);
	struct order order = { "" };
	struct mark marks[26];

	(void)state;
	for (int i = 0; i < 26; i++) {
		marks[i] = (struct mark){ &order, (char)('a' + i) };
		if (i % 3)
			store_add(store, store_switch("br0"));
		assert_int_equal(0, store_commit(store, mark_done, &marks[i]));
	}
	while (strlen(order.text) < 52)
		store_wait(store);
	assert_string_equal(order.text, "+a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s+t+u+v+w+x+y+z");
	store_close(store);
}

// What cannot be kept fails with all that was ended after it, and what was ended before is kept.
static void fails_from_the_spoiled_one_on(void **state)
{
	struct store *store = store_must_open(store_directory);
	struct order order = { "" };
	struct mark marks[5];

	(void)state;
	for (int i = 0; i < 5; i++)
		marks[i] = (struct mark){ &order, (char)('a' + i) };
	store_add(store, store_switch("a"));
	assert_int_equal(0, store_commit(store, mark_done, &marks[0]));
	store_add(store, store_switch("b"));
	store_add(store, store_policy("", "acl", "1", "without a target"));
	assert_int_equal(0, store_commit(store, mark_done, &marks[1]));
	store_add(store, store_switch("c"));
	assert_int_equal(0, store_commit(store, mark_done, &marks[2]));
	assert_int_equal(0, store_commit(store, mark_done, &marks[3]));
	while (strlen(order.text) < 8)
		store_wait(store);
	assert_string_equal(order.text, "+a!b!c!d");
	assert_true(store_ready(store, NULL)); // the disk is not to blame
	store_add(store, store_switch("e"));
	assert_int_equal(0, store_commit(store, mark_done, &marks[4]));
	while (strlen(order.text) < 10)
		store_wait(store);
	assert_string_equal(order.text, "+a!b!c!d+e");
	store_expect_text(store, "switch a made=0\nswitch e made=0\n");
	store_close(store);
}

static const struct {
	struct weir_item item;
	const char *sentence;
} unkeepable[] = {
	{ { .size = sizeof(struct weir_item), .kind = WEIR_ITEM_SWITCH }, "name is empty" },
	{ { .size = sizeof(struct weir_item), .kind = WEIR_ITEM_SWITCH, .switch_name = "\xff" },
		"name is not UTF-8" },
	{ { .size = sizeof(struct weir_item),
		  .kind = WEIR_ITEM_POLICY,
		  .target = "vm1",
		  .name = "acl" },
		"id is empty" },
	{ { .size = sizeof(struct weir_item),
		  .kind = WEIR_ITEM_EXTENSION,
		  .switch_name = "br0",
		  .name = "acl",
		  .extension = { .order = 65536 } },
		"stack_order is 65536: must be -1 to 65535" },
	{ { .size = sizeof(struct weir_item),
		  .kind = WEIR_ITEM_FDB,
		  .switch_name = "br0",
		  .fdb = { .vlan = 4096, .mac = "m", .port = "p" } },
		"vlan is 4096: must be 0 to 4095" },
	{ { .size = sizeof(struct weir_item),
		  .kind = WEIR_ITEM_SAVED,
		  .target = "vm1",
		  .name = "acl",
		  .saved = { .size = 1 } },
		"bytes is missing" },
	{ { .size = sizeof(struct weir_item),
		  .kind = WEIR_ITEM_SAVED,
		  .target = "vm1",
		  .name = "acl",
		  .saved = { .bytes = "", .size = SIZE_MAX } },
		"bytes has 18446744073709551615 bytes: must have at most 268435456" },
	{ { .kind = 0 }, "items of kind 0: there are none" },
	{ { .kind = 8 }, "items of kind 8: there are none" },
};

static void refuses_what_it_could_not_load(void **state)
{
	struct store *store = store_must_open(store_directory);
	struct weir_error error;

	(void)state;
	for (unsigned i = 0; i < sizeof(unkeepable) / sizeof(unkeepable[0]); i++) {
		store_add(store, unkeepable[i].item);
		assert_int_equal(-EINVAL, store_keep(store, &error));
		if (!strstr(error.message, unkeepable[i].sentence))
			fail_msg("\"%s\" is not in: %s", unkeepable[i].sentence, error.message);
	}
	store_expect_text(store, "");
	store_close(store);
}

struct nested {
	struct store *store;
	int code; // of a commit in done
};

static void commit_again(void *context, const struct weir_error *error)
{
	struct nested *nested = context;

	assert_null(error);
	nested->code = store_commit(nested->store, NULL, NULL);
}

static void writes_before_it_closes(void **state)
{
	struct store *store = store_must_open(store_directory);
	struct nested nested = { store, 1 };

	(void)state;
	store_add(store, store_switch("br0"));
	assert_int_equal(0, store_commit(store, commit_again, &nested));
	store_add(store, store_switch("never-ended"));
	store_close(store);
	assert_int_equal(-ESHUTDOWN, nested.code);
	assert_int_not_equal(0, access(store_file(store_directory, "state.db-wal"), F_OK));
	store = store_must_open(store_directory);
	store_expect_text(store, "switch br0 made=0\n");
	store_close(store);
	store_close(NULL);
}

static void does_not_load_what_is_under_way(void **state)
{
	struct store *store = store_must_open(store_directory);
	struct weir_error error;
	char *text;

	(void)state;
	assert_int_equal(0, store_commit(store, NULL, NULL));
	assert_int_equal(-EBUSY, store_try_text(store, &text, &error));
	free(text);
	store_wait(store);
	store_expect_text(store, "");
	store_close(store);
}

// ---- The journal does not grow without end

static void keeps_its_journal_short(void **state)
{
	struct store *store = store_must_open(store_directory);
	struct stat status;
	char id[16];

	(void)state;
	for (int i = 0; i < 200; i++) {
		for (int k = 0; k < 500; k++) {
			snprintf(id, sizeof(id), "%d", (i * 500 + k) % 5000);
			store_add(store, store_policy("vm1", "acl", id, "some bytes of a rule"));
		}
		store_must_keep(store);
	}
	assert_int_equal(0, stat(store_file(store_directory, "state.db-wal"), &status));
	assert_in_range(status.st_size, 1, 24 << 20);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reports_in_order, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(
			fails_from_the_spoiled_one_on, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(
			refuses_what_it_could_not_load, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(
			writes_before_it_closes, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(
			does_not_load_what_is_under_way, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(
			keeps_its_journal_short, store_setup, store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
