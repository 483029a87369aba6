// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The sample filter loads and works, as built in the tree and as its own project built it. Seen
// from outside: by weir/testing.h.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <weir/testing.h>

#include "no_telnet.pb-c.h"
#include "no_telnet.schema.h"

static void say(const char *sentence)
{
	fail_msg("%s", sentence);
}

static struct weir_testing *start(const char *path)
{
	struct weir_testing *t = weir_testing_start(&(struct weir_testing_options){
		.size = sizeof(struct weir_testing_options),
		.n_ports = 2,
		.extension = "no-telnet",
		.path = path,
		.fail = say,
	});

	weir_testing_learn(t);
	return t;
}

static void block(
	struct weir_testing *t, const char *id, uint32_t port, NoTelnet__Block__Action action)
{
	NoTelnet__Block message = NO_TELNET__BLOCK__INIT;

	message.n_port = 1;
	message.port = &port;
	message.has_action = 1;
	message.action = action;
	weir_testing_policy(t, "p0", "no-telnet.block", id, &message.base);
}

static void works(const char *path)
{
	struct weir_testing_frame telnet = weir_testing_tcp(0, 1, 23);
	struct weir_testing_frame web = weir_testing_tcp(0, 1, 80),
				  dns = weir_testing_tcp(0, 1, 53);
	struct weir_testing_frame udp = weir_testing_udp(0, 1, 1, 23);
	struct weir_testing_frame back = weir_testing_tcp(1, 0, 23);
	struct weir_testing *t = start(path);
	struct weir_error error;
	const void *bytes;
	uint64_t n_bytes;
	size_t size;

	assert_int_equal(
		weir_extension_schema(weir_testing_switch(t), "no-telnet", &bytes, &size, &error),
		0);
	assert_int_equal(size, sizeof(weir_schema));
	assert_memory_equal(bytes, weir_schema, size);
	for (unsigned i = 0; i < 2; i++) {
		assert_string_equal(weir_testing_pass(t, "p0", &telnet)->reason, "telnet");
		assert_int_equal(weir_testing_pass(t, "p0", &web)->out, 1 << 1);
		assert_int_equal(weir_testing_pass(t, "p0", &udp)->out, 1 << 1);
	}
	assert_int_equal(weir_testing_drops(t, "no-telnet", "telnet"), 2);
	assert_non_null(strstr(weir_testing_trace(t, "p0", &telnet), "tcp port 23: drop"));
	block(t, "web", 80, NO_TELNET__BLOCK__ACTION__COUNT);
	block(t, "dns", 53, NO_TELNET__BLOCK__ACTION__DROP);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(weir_testing_pass(t, "p0", &telnet)->out, 1 << 1);
		assert_int_equal(weir_testing_pass(t, "p0", &web)->out, 1 << 1);
	}
	assert_int_equal(weir_testing_meter(t, "p0", "no-telnet", "web", &n_bytes), 3);
	assert_int_equal(n_bytes, 3 * 60);
	assert_int_equal(weir_testing_pass(t, "p0", &dns)->n_out, 0);
	// p1 has no policy.
	assert_string_equal(weir_testing_pass(t, "p1", &back)->extension, "no-telnet");
	weir_testing_end(t);
}

static void works_inside_the_tree(void **state)
{
	(void)state;
	works(SAMPLE_INSIDE);
}

static void works_from_its_own_project(void **state)
{
	(void)state;
	works(SAMPLE_OUTSIDE);
}

static void bad_policies_are_refused(void **state)
{
	static const struct {
		uint32_t port;
		int action;
		const char *text;
	} rows[] = {
		{ 0, 0, "port[0]: 0: must be 1 to 65535" }, { 65536, 0, "65536" },
		{ 23, 2, "action" }, // no such action
	};
	struct weir_testing *t = start(SAMPLE_INSIDE);

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		NoTelnet__Block message = NO_TELNET__BLOCK__INIT;
		uint32_t port = rows[i].port;

		message.n_port = 1;
		message.port = &port;
		message.has_action = 1;
		message.action = (NoTelnet__Block__Action)rows[i].action;
		assert_non_null(strstr(
			weir_testing_refused(t, "p0", "no-telnet", &message.base), rows[i].text));
	}
	weir_testing_end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(works_inside_the_tree),
		cmocka_unit_test(works_from_its_own_project),
		cmocka_unit_test(bad_policies_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
