// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The sample filter loads and works, as built in the tree and as its own project built it.
#include "lab.h"
#include "no_telnet.pb-c.h"
#include "no_telnet.schema.h"

enum { SYN = 2 };

static void block(struct lab *lab, const char *id, uint32_t port, NoTelnet__Block__Action action)
{
	NoTelnet__Block message = NO_TELNET__BLOCK__INIT;

	message.n_port = 1;
	message.port = &port;
	message.has_action = 1;
	message.action = action;
	lab_policy(lab, "p0", "no-telnet", "block", id, &message.base);
}

static void works(const char *path)
{
	struct lab_frame telnet = lab_tcp(0, 1, 23, SYN), web = lab_tcp(0, 1, 80, SYN);
	struct lab_frame udp = lab_udp(0, 1, 1, 23), back = lab_tcp(1, 0, 23, SYN);
	const void *bytes;
	struct lab lab;
	size_t size;

	lab_start(&lab, &(struct lab_options){ .n_ports = 2, .strict = true });
	lab_learn(&lab);
	if (weir_extension_load(lab.weir, "no-telnet", path, 0, &lab.error) < 0)
		fail_msg("%s", lab.error.message);
	lab_attach(&lab, "no-telnet", 0);
	assert_int_equal(
		weir_extension_schema(lab.weir, "no-telnet", &bytes, &size, &lab.error), 0);
	assert_int_equal(size, sizeof(weir_schema));
	assert_memory_equal(bytes, weir_schema, size);
	for (unsigned i = 0; i < 2; i++) {
		lab_assert_pass(&lab, 0, &telnet, 0);
		lab_assert_pass(&lab, 0, &web, 1 << 1);
		lab_assert_pass(&lab, 0, &udp, 1 << 1);
	}
	assert_int_equal(lab_drops(&lab, "no-telnet", "telnet"), 2);
	block(&lab, "web", 80, NO_TELNET__BLOCK__ACTION__COUNT);
	block(&lab, "dns", 53, NO_TELNET__BLOCK__ACTION__DROP);
	for (unsigned i = 0; i < 3; i++) {
		lab_assert_pass(&lab, 0, &telnet, 1 << 1);
		lab_assert_pass(&lab, 0, &web, 1 << 1);
	}
	assert_int_equal(lab_meter(&lab, "p0", "no-telnet", "web"), 3);
	telnet = lab_tcp(0, 1, 53, SYN);
	lab_assert_pass(&lab, 0, &telnet, 0);
	// p1 has no policy.
	lab_assert_pass(&lab, 1, &back, 0);
	assert_int_equal(lab_extension(&lab, "no-telnet").impure, 0);
	lab_end(&lab);
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
		const char *bytes, *text;
	} rows[] = {
		{ "\x08\x00", "port[0]: 0: must be 1 to 65535" }, // port 0
		{ "\x08\x80\x80\x04", "65536" },                  // port 65536
		{ "\x08\x17\x10\x02", "action" },                 // no such action
	};
	struct lab lab;

	(void)state;
	lab_start(&lab, &(struct lab_options){ .n_ports = 1 });
	lab_attach(&lab, "no-telnet", 0);
	for (unsigned i = 0; i < 3; i++) {
		size_t size = i == 0 ? 2 : 4;

		lab_assert_refused(&lab,
			weir_policy_add(lab.weir, "p0", "no-telnet", NULL, NULL, rows[i].bytes,
				size, NULL, 0, &lab.error),
			EINVAL, rows[i].text);
	}
	lab_end(&lab);
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
