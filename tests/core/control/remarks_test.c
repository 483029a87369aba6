// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the switch remarks on a change comes with the answer to it, and with no other.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

static unsigned n_remarks; // for make_remarks()
static const struct weir_error *refusal;

static void make_remarks(struct weir *weir)
{
	weir->n_remarks = n_remarks;
	weir->refusal = refusal;
}

static void remark_twice(struct weir *weir)
{
	fake_remark(weir);
	fake_remark(weir);
}

// The next reply has n remarks, of which the last is this.
static void expect(int fd, size_t n, const char *last)
{
	Weir__Control__Reply *reply = receive_reply(fd);

	assert_non_null(reply);
	assert_false(reply->more);
	assert_int_equal(reply->n_remarks, n);
	if (n > 0)
		assert_string_equal(reply->remarks[n - 1], last);
	weir__control__reply__free_unpacked(reply, NULL);
}

static void test_with_the_answer(void **state)
{
	static const struct {
		unsigned n;
		const char *request;
		size_t n_expected;
		const char *last;
	} rows[] = {
		{ 2, "policy_add target=vm1 extension=acl", 2, "remark 2" },
		{ 1, "policy_add target=vm1 extension=acl /dry_run=1", 1, "remark 1" },
		{ 2, "policy_list", 0, NULL },
		{ 2, "switch_add name=br1", 0, NULL },
		{ 32, "policy_add target=vm1 extension=acl", 32, "remark 32" },
		{ 40, "policy_add target=vm1 extension=acl", 33, "8 more remarks are left out" },
		{ 3, "apply_commit", 3, "remark 3" },
		{ 40, "apply_commit /dry_run=1", 33, "8 more remarks are left out" },
	};
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n_remarks = rows[i].n;
		fixture_run(fixture, make_remarks);
		send_text(fd, rows[i].request, i + 1);
		expect(fd, rows[i].n_expected, rows[i].last);
	}
	close(fd);
	fixture_stop(fixture);
}

// Behind rows that do not fit one reply.
static void send_rows(struct weir *weir)
{
	static char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	weir->n_remarks = 1;
	weir->n_differences = 200;
	weir->text = text;
}

static void test_with_the_last_reply(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);
	unsigned n = 0;
	bool more = true;

	(void)state;
	fixture_run(fixture, send_rows);
	send_text(fd, "apply_commit", 1);
	for (; more; n++) {
		Weir__Control__Reply *reply = receive_reply(fd);

		assert_non_null(reply);
		more = reply->more;
		assert_int_equal(reply->n_remarks, !more);
		assert_int_equal(reply->payload_case, WEIR__CONTROL__REPLY__PAYLOAD_DIFFERENCES);
		weir__control__reply__free_unpacked(reply, NULL);
	}
	assert_true(n > 1);
	close(fd);
	fixture_stop(fixture);
}

static void test_of_nobodys_change(void **state)
{
	static const struct weir_error no = { .code = -EINVAL, .message = "no" };
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	n_remarks = 2;
	refusal = &no;
	fixture_run(fixture, make_remarks);
	send_text(fd, "policy_add target=vm1 extension=acl", 1);
	expect(fd, 0, NULL);
	refusal = NULL;
	fixture_run(fixture, make_remarks);
	// No request is being worked on.
	fixture_run(fixture, remark_twice);
	send_text(fd, "policy_add target=vm1 extension=acl", 2);
	expect(fd, 2, "remark 2");
	close(fd);
	fixture_stop(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_with_the_answer),
		cmocka_unit_test(test_with_the_last_reply),
		cmocka_unit_test(test_of_nobodys_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
