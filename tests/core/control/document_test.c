// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Documents on their way: whole or not at all, whatever their client does.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/internal.h"
#include "fixture.h"

static char last[512];
static unsigned n_applied;

static void look(struct weir *weir)
{
	strcpy(last, weir->last);
	n_applied = weir->n_applied;
}

static void check_field(int fd, uint64_t id, const char *field)
{
	Weir__Control__Reply *reply = receive_reply(fd);

	assert_non_null(reply);
	assert_int_equal(reply->id, id);
	assert_non_null(reply->status);
	if (strcmp(reply->status->field ? reply->status->field : "", field) != 0)
		fail_msg("%s: %s", reply->status->field, reply->status->message);
	weir__control__reply__free_unpacked(reply, NULL);
}

// Two that are good, then the bad one: its place is counted over all messages, the rest is refused
// though it is good and was sent before the answer, and the next document begins anew.
static void test_spoiled(void **state)
{
	static const struct {
		const char *bad;
		const char *field;
	} rows[] = {
		{ "apply_add items={switch={name=br2}} items={switch={name=br0}}",
			"apply_add.items[3]" },
		{ "apply_add items={fdb={switch=br0,mac=x,port=p}} items={}",
			"apply_add.items[3]" },
		{ "apply_add items={switch={name=br2}} items={switch={}}",
			"apply_add.items[3].switch.name" },
		{ "apply_add items={fdb={switch=br0,mac=x,port=p,vlan=4095}}",
			"apply_add.items[2].fdb.vlan" },
		{ "apply_add items={switch={name=\xff}}", "apply_add.items[2].switch.name" },
	};
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		send_text(fd, "apply_add items={switch={name=br0}}", 1);
		send_text(fd, "apply_add items={switch={name=br1}}", 2);
		send_text(fd, rows[i].bad, 3);
		send_text(fd, "apply_add items={switch={name=br3}}", 4);
		send_text(fd, i % 2 ? "apply_commit prune=1" : "apply_abort", 5);
		send_text(fd, "apply_add items={switch={name=br4}}", 6);
		send_text(fd, "apply_commit", 7);
		check_all_done(fd, 1);
		check_all_done(fd, 2);
		check_field(fd, 3, rows[i].field);
		check_refused(fd, 4, WEIR__CONTROL__STATUS__CODE__FAILED, "was dropped");
		if (i % 2)
			check_refused(fd, 5, WEIR__CONTROL__STATUS__CODE__FAILED, "was dropped");
		else
			check_all_done(fd, 5);
		check_all_done(fd, 6);
		check_all_done(fd, 7);
		fixture_run(fixture, look);
		assert_int_equal(n_applied, i + 1);
		assert_string_equal(last, "apply 1 0, switch br4");
	}
	close(fd);
	fixture_stop(fixture);
}

// What nobody can read may have been a part of it.
static void test_spoiled_unreadable(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	send_text(fd, "apply_add items={switch={name=br0}}", 1);
	check_all_done(fd, 1);
	send_message(fd, "\xff\xff\xff", 3);
	check_refused(fd, 0, WEIR__CONTROL__STATUS__CODE__INVALID, "");
	send_text(fd, "apply_commit", 2);
	check_refused(fd, 2, WEIR__CONTROL__STATUS__CODE__FAILED, "was dropped");
	// Another request that is wrong is not.
	send_text(fd, "apply_add items={switch={name=br0}}", 3);
	send_text(fd, "port_show", 4);
	send_text(fd, "apply_commit", 5);
	check_all_done(fd, 3);
	check_field(fd, 4, "port_show.name");
	check_all_done(fd, 5);
	close(fd);
	fixture_stop(fixture);
}

// A commit that is refused for itself ends its document; an abort that is refused does not make a
// commit behind it one of nothing.
static void test_malformed_ends(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	send_text(fd, "apply_add items={switch={name=br0}}", 1);
	send_text(fd, "apply_commit prune=2", 2);
	send_text(fd, "apply_add items={switch={name=br1}}", 3);
	send_text(fd, "apply_commit", 4);
	check_all_done(fd, 1);
	check_field(fd, 2, "apply_commit.prune");
	check_all_done(fd, 3);
	check_all_done(fd, 4);
	fixture_run(fixture, look);
	assert_string_equal(last, "apply 1 0, switch br1");
	send_text(fd, "apply_add items={switch={name=br0}}", 5);
	send_message(fd, "\x08\x06\x92\x0a\x02\x08\x01", 7); // apply_abort with a field
	send_text(fd, "apply_commit prune=1", 7);
	check_all_done(fd, 5);
	check_refused(fd, 6, WEIR__CONTROL__STATUS__CODE__INVALID, "");
	check_refused(fd, 7, WEIR__CONTROL__STATUS__CODE__FAILED, "was dropped");
	fixture_run(fixture, look);
	assert_int_equal(n_applied, 1);
	close(fd);
	fixture_stop(fixture);
}

static const struct weir_error refusal = { -EINVAL, "items[7].vlan", "vlan \"x\": no" };

static void refuse(struct weir *weir)
{
	weir->refusal = &refusal;
}

static void let(struct weir *weir)
{
	weir->refusal = NULL;
}

// A refused document is gone as well.
static void test_refused(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	fixture_run(fixture, refuse);
	send_text(fd, "apply_add items={switch={name=br0}}", 1);
	send_text(fd, "apply_commit", 2);
	check_all_done(fd, 1);
	check_field(fd, 2, "apply_commit.items[7].vlan");
	fixture_run(fixture, let);
	send_text(fd, "apply_commit", 3);
	check_all_done(fd, 3);
	fixture_run(fixture, look);
	assert_string_equal(last, "apply 0 0");
	close(fd);
	fixture_stop(fixture);
}

// Every connection has its own, and it ends with it: a client that dies leaves nothing.
static void test_per_client(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int other = fixture_connect(fixture);

	(void)state;
	send_text(other, "apply_add items={switch={name=br9}}", 1);
	check_all_done(other, 1);
	for (unsigned i = 0; i < 20; i++) {
		int fd = fixture_connect(fixture);

		send_text(fd, "apply_add items={switch={name=br0}}", 2);
		send_text(fd, "apply_add items={switch={name=br1}}", 3);
		check_all_done(fd, 2);
		if (i % 2)
			send_bytes(fd, "\0\0\0\x10\x08", 5); // in the middle of a message
		close(fd);
	}
	send_text(other, "apply_commit", 4);
	check_all_done(other, 4);
	fixture_run(fixture, look);
	assert_int_equal(n_applied, 1);
	assert_string_equal(last, "apply 1 0, switch br9");
	close(other);
	fixture_stop(fixture);
}

static char long_text[1024];
static unsigned n_differences;

static void set_differences(struct weir *weir)
{
	memset(long_text, 'x', sizeof(long_text) - 1);
	weir->text = long_text;
	weir->n_differences = n_differences;
}

// Differences come like any list. When the client did not read them all, the change is made all the
// same, and the answer says how many are missing.
static void test_differences(void **state)
{
	static const unsigned sizes[] = { 0, 1, 1000, CLIENT_MAX_BYTES / 1024 + 1000 };
	struct fixture *fixture = fixture_start(0, 60000);
	int fd = fixture_connect(fixture);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n_seen = 0, n_left_out = 0;
		bool more = true;

		n_differences = sizes[i];
		fixture_run(fixture, set_differences);
		send_text(fd, "apply_add items={switch={name=br0}}", 1);
		check_all_done(fd, 1);
		send_text(fd, "apply_commit", 2);
		while (more) {
			Weir__Control__Reply *reply = receive_reply(fd);

			assert_non_null(reply);
			assert_null(reply->status);
			assert_int_equal(
				reply->payload_case, WEIR__CONTROL__REPLY__PAYLOAD_DIFFERENCES);
			n_seen += reply->differences->n_rows;
			n_left_out += reply->differences->left_out;
			more = reply->more;
			weir__control__reply__free_unpacked(reply, NULL);
		}
		assert_int_equal(n_seen + n_left_out, n_differences);
		assert_int_equal(n_left_out > 0, i == 3);
	}
	close(fd);
	fixture_stop(fixture);
}

// One that nobody goes on with is not kept for ever, and not applied either; the rest of its
// client's requests, and a document that goes on, are not concerned.
static void test_age(void **state)
{
	struct fixture *fixture = fixture_start_documents(2000);
	int idle = fixture_connect(fixture), slow = fixture_connect(fixture);
	char line[64];

	(void)state;
	send_text(idle, "apply_add items={switch={name=br0}}", 1);
	check_all_done(idle, 1);
	for (unsigned i = 0; i < 8; i++) {
		usleep(400000);
		snprintf(line, sizeof(line), "apply_add items={switch={name=br%u}}", i);
		send_text(slow, line, i);
		check_all_done(slow, i);
	}
	send_text(slow, "apply_commit", 9);
	check_all_done(slow, 9);
	check_alive(idle, 2);
	send_text(idle, "apply_add items={switch={name=br1}}", 3);
	check_refused(
		idle, 3, WEIR__CONTROL__STATUS__CODE__FAILED, "nothing of it had come for 2 s");
	send_text(idle, "apply_commit", 4);
	check_refused(idle, 4, WEIR__CONTROL__STATUS__CODE__FAILED, "was dropped");
	fixture_run(fixture, look);
	assert_int_equal(n_applied, 1);
	send_text(idle, "apply_add items={switch={name=br9}}", 5);
	send_text(idle, "apply_commit", 6);
	check_all_done(idle, 5);
	check_all_done(idle, 6);
	fixture_run(fixture, look);
	assert_string_equal(last, "apply 1 0, switch br9");
	close(idle);
	close(slow);
	fixture_stop(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spoiled),
		cmocka_unit_test(test_spoiled_unreadable),
		cmocka_unit_test(test_malformed_ends),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_per_client),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
