// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Requests that break the limits which proto/weir states.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "fixture.h"

static char last_call[512];

static void copy_last(struct weir *weir)
{
	strcpy(last_call, weir->last);
}

// Refused by the protocol's own limits: nothing reaches the switch.
static const struct {
	const char *request;
	const char *field;
	const char *part; // of the sentence
} limits[] = {
	{ "switch_add", "switch_add.name", "required" },
	{ "switch_add name=", "switch_add.name", "1" },
	{ "switch_add name=a234567890123456789012345678901234567890123456789012345678901234",
		"switch_add.name", "63" },
	{ "switch_add name=br0 flows=0", "switch_add.flows", "must be 64 to 16777216" },
	{ "switch_add name=br0 flows=63", "switch_add.flows", "must be 64 to 16777216" },
	{ "switch_add name=br0 flows=16777217", "switch_add.flows", "16777216" },
	{ "switch_add name=br0 sessions=63", "switch_add.sessions", "must be 64 to 16777216" },
	{ "switch_add name=br0 sessions=16777217", "switch_add.sessions", "16777216" },
	{ "switch_add name=br0 port_sessions=0", "switch_add.port_sessions",
		"must be 1 to 16777216" },
	{ "switch_add name=br0 name=br1", "switch_add.name", "twice" },
	{ "switch_add name=\xff", "switch_add.name", "UTF-8" },
	{ "port_add switch=br0 name=p uplink=2", "port_add.uplink", "0 or 1" },
	{ "port_add switch=br0 name=p mtu=4294967296", "port_add.mtu", "4294967295" },
	{ "fdb_add switch=br0 mac=x port=p vlan=4095", "fdb_add.vlan", "4094" },
	{ "extension_attach switch=br0 name=acl order=65536", "extension_attach.order", "65535" },
	{ "worker_set linger_us=1000001", "worker_set.linger_us", "1000000" },
	{ "event_subscribe kinds=", "event_subscribe.kinds[0]", "1" },
	{ "extension_call extension=cap files=9", "extension_call.files", "8" },
	{ "call_cancel", "call_cancel.call", "required" },
	{ "policy_status target=vm1", "policy_status.extension", "required" },
	{ "apply_add items={policy={target=vm1,extension=acl}}", "apply_add.items[0].policy.id",
		"required" },
	{ "apply_commit prune=2", "apply_commit.prune", "0 or 1" },
	{ "export switch=", "export.switch", "1" },
	{ "/dry_run=1", "", "without a request" },
};

static void test_limits(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		Weir__Control__Reply *reply;

		send_text(fd, limits[i].request, 70 + i);
		reply = receive_reply(fd);
		assert_non_null(reply);
		assert_int_equal(reply->id, 70 + i);
		assert_non_null(reply->status);
		if (reply->status->code != WEIR__CONTROL__STATUS__CODE__INVALID ||
			strcmp(reply->status->field ? reply->status->field : "", limits[i].field) ||
			!strstr(reply->status->message, limits[i].part))
			fail_msg("%s: %d %s: %s", limits[i].request, reply->status->code,
				reply->status->field, reply->status->message);
		weir__control__reply__free_unpacked(reply, NULL);
	}
	fixture_run(fixture, copy_last);
	assert_string_equal(last_call, "");
	close(fd);
	fixture_stop(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
