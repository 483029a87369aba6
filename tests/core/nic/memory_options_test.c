// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What a NIC of the kind `memory` is told in its specification, and by its port.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "nic/memory.h"

static void options(void **state)
{
	static const struct {
		const char *specification, *message, *description;
	} table[] = {
		{ "memory", NULL,
			"queues=1, size=1024, offload=on, to_switch=0, to_application=0" },
		{ "memory:offload=off,queues=64,size=2", NULL, "queues=64, size=2, offload=off, " },
		{ "memory:size=65536", NULL, "queues=1, size=65536, " },
		{ "memory:queues=0", "queues \"0\": must be a number from 1 to 64", NULL },
		{ "memory:queues=65", "queues \"65\": must be", NULL },
		{ "memory:queues", "queues \"\": must be", NULL },
		{ "memory:size=1", "size \"1\": must be a number from 2 to 65536", NULL },
		{ "memory:size=1000", "size \"1000\": must be a power of two", NULL },
		{ "memory:size=131072", "from 2 to 65536", NULL },
		{ "memory:offload=yes", "offload \"yes\": must be on or off", NULL },
		{ "memory:offload", "offload \"\": must be on or off", NULL },
		{ "memory:depth=3", "unknown option \"depth\"; there are queues, size", NULL },
		{ "memory:queues=2,", "unknown option \"\"", NULL },
		{ "memory:,", "unknown option \"\"", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct nic_options with = { .n_workers = 1 };
		struct weir_error error = { 0 };
		struct nic *nic = NULL;
		char text[128];
		int ret = nic_open(table[i].specification, &with, &nic, &error);

		print_message("%s: %s\n", table[i].specification, error.message);
		assert_int_equal(ret, table[i].message ? -EINVAL : 0);
		if (table[i].message) {
			assert_non_null(strstr(error.message, table[i].message));
			continue;
		}
		nic->class->describe(nic, text, sizeof(text));
		assert_ptr_equal(strstr(text, table[i].description), text);
		assert_int_equal(nic->offloads != 0, strstr(text, "offload=on") != NULL);
		assert_int_equal(nic->n_rx_queues, nic->n_tx_queues);
		nic_close(nic);
	}
}

static void queues_asked_for_by_the_port(void **state)
{
	struct nic_options with = { .n_workers = 4, .n_queues = 3, .mtu = 1500 };
	struct nic *nic, *null;

	(void)state;
	assert_int_equal(nic_open("memory", &with, &nic, NULL), 0);
	assert_int_equal(nic->n_rx_queues, 3);
	assert_int_equal(nic->mtu, 1500);
	nic_close(nic);
	assert_int_equal(nic_open("memory:queues=2", &with, &nic, NULL), 0);
	assert_int_equal(nic->n_rx_queues, 2);
	nic_close(nic);
	assert_int_equal(nic_open("null", &with, &null, NULL), 0);
	assert_null(nic_memory_end(null));
	nic_close(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options),
		cmocka_unit_test(queues_asked_for_by_the_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
