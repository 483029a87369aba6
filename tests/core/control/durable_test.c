// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Changes that are kept: answered when they are in force and on disk, and taken back when the disk
// does not take them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "control/durable.h"
#include "fake_store.h"
#include "fixture.h"

static struct fixture *start(void)
{
	memset(&fake_disk, 0, sizeof(fake_disk));
	return fixture_start_durable();
}

// ---- Commands on the server's thread

static bool weir_has[4], disk_has[4];
static char last[512];

static void look(struct weir *weir)
{
	static const char *const names[] = { "br0", "br1", "br2", "br3" };

	for (unsigned i = 0; i < 4; i++) {
		weir_has[i] = fake_has(weir, names[i]);
		disk_has[i] = fake_disk_has(names[i]);
	}
	strcpy(last, weir->last);
}

static void hold_workers(struct weir *weir)
{
	weir->hold = true;
}

static void let_workers(struct weir *weir)
{
	weir->hold = false;
	fake_complete(weir);
}

static void fail_reads(struct weir *weir)
{
	(void)weir;
	fake_disk.unreadable = true;
}

static void fill_disk(struct weir *weir)
{
	(void)weir;
	fake_disk.full = true;
}

static void exhaust_memory(struct weir *weir)
{
	(void)weir;
	fake_disk.no_memory = true;
}

static void fail_apply(struct weir *weir)
{
	weir->apply_fails = true;
}

static void let_apply(struct weir *weir)
{
	weir->apply_fails = false;
}

static bool nothing_comes(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

// ---- Tests

// In force and on disk, whichever comes last.
static void test_answered_when_kept(void **state)
{
	struct fixture *fixture = start();
	int fd = fixture_connect(fixture), other = fixture_connect(fixture);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		fixture_run(fixture, fake_disk_hold);
		fixture_run(fixture, hold_workers);
		send_text(fd, i ? "switch_add name=br1" : "switch_add name=br0", i);
		check_alive(other, 1);
		check_alive(other, 2);
		assert_true(nothing_comes(fd));
		fixture_run(fixture, look);
		assert_true(weir_has[i]);
		assert_false(disk_has[i]);
		fixture_run(fixture, i ? fake_disk_write : let_workers);
		check_alive(other, 3);
		check_alive(other, 4);
		assert_true(nothing_comes(fd));
		fixture_run(fixture, i ? let_workers : fake_disk_write);
		check_done(fd, i);
		fixture_run(fixture, look);
		assert_true(disk_has[i]);
	}
	close(fd);
	close(other);
	fixture_stop(fixture);
}

// What is not kept does not wait for the disk; nor does a dry run, or a list.
static void test_not_kept(void **state)
{
	static const char *const requests[] = { "fdb_flush", "flow_flush", "worker_set linger_us=1",
		"extension_load name=acl", "switch_list", "switch_add name=br0 /dry_run=1",
		"meter_list", "meter_list reset=1 /dry_run=1", "call_cancel call=1", "apply_abort",
		"apply_commit /dry_run=1", "apply_add items={switch={name=br9}}", "export" };
	struct fixture *fixture = start();
	int fd = fixture_connect(fixture);

	(void)state;
	fixture_run(fixture, fake_disk_hold);
	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		send_text(fd, requests[i], i);
		check_done(fd, i);
	}
	close(fd);
	fixture_run(fixture, fake_disk_mend);
	fixture_stop(fixture);
}

// All that was under way is refused with the reason and taken back, once; and life goes on.
static void test_lost(void **state)
{
	struct fixture *fixture = start();
	int fd = fixture_connect(fixture), other = fixture_connect(fixture);

	(void)state;
	send_text(fd, "switch_add name=br0", 1);
	check_done(fd, 1);
	fixture_run(fixture, fake_disk_hold);
	fixture_run(fixture, fake_disk_fail);
	send_text(fd, "switch_add name=br1", 2);
	send_text(fd, "switch_remove name=br0", 3);
	send_text(other, "switch_add name=br2", 4);
	check_alive(fd, 5);
	check_alive(other, 6);
	fixture_run(fixture, hold_workers);
	fixture_run(fixture, fake_disk_write);
	check_alive(other, 7);
	assert_true(nothing_comes(fd)); // until no frame goes by what was taken back
	fixture_run(fixture, let_workers);
	check_refused(fd, 2, WEIR__CONTROL__STATUS__CODE__EXHAUSTED,
		"nothing was changed: state.db: No space");
	check_refused(fd, 3, WEIR__CONTROL__STATUS__CODE__EXHAUSTED, "state.db: No space");
	check_refused(other, 4, WEIR__CONTROL__STATUS__CODE__EXHAUSTED, "state.db: No space");
	fixture_run(fixture, look);
	assert_true(weir_has[0] && disk_has[0]);
	assert_false(weir_has[1] || weir_has[2] || disk_has[1] || disk_has[2]);
	assert_string_equal(last, "apply 1 24, switch br0");
	fixture_run(fixture, fake_disk_mend);
	send_text(fd, "switch_add name=br1", 8);
	check_done(fd, 8);
	fixture_run(fixture, look);
	assert_true(weir_has[1] && disk_has[1]);
	close(fd);
	close(other);
	fixture_stop(fixture);
}

// What cannot even be taken back is said, and tried again until it works; nobody changes anything
// before that.
static void check_not_taken_back(void (*fail)(struct weir *), void (*mend)(struct weir *))
{
	struct fixture *fixture = start();
	int fd = fixture_connect(fixture);
	Weir__Control__Reply *reply;
	bool done = false;

	fixture_run(fixture, fake_disk_fail);
	fixture_run(fixture, fail);
	send_text(fd, "switch_add name=br0", 1);
	check_refused(fd, 1, WEIR__CONTROL__STATUS__CODE__EXHAUSTED, "not be taken back either");
	send_text(fd, "switch_add name=br1", 2);
	check_refused(fd, 2, WEIR__CONTROL__STATUS__CODE__BUSY, "is being taken back");
	fixture_run(fixture, look);
	assert_true(weir_has[0]);
	assert_false(weir_has[1]);
	fixture_run(fixture, mend);
	fixture_run(fixture, fake_disk_mend);
	while (!done) { // within a second
		send_text(fd, "switch_add name=br2", 3);
		reply = receive_reply(fd);
		assert_non_null(reply);
		done = !reply->status;
		weir__control__reply__free_unpacked(reply, NULL);
	}
	fixture_run(fixture, look);
	assert_true(weir_has[2] && disk_has[2]);
	assert_false(weir_has[0] || disk_has[0] || weir_has[1]);
	close(fd);
	fixture_stop(fixture);
}

static void test_not_taken_back(void **state)
{
	(void)state;
	check_not_taken_back(fail_reads, fake_disk_mend);
	check_not_taken_back(fail_apply, let_apply);
}

// Known not to be kept: refused before anything is done.
static void test_not_ready(void **state)
{
	struct fixture *fixture = start();
	int fd = fixture_connect(fixture);

	(void)state;
	fixture_run(fixture, fill_disk);
	send_text(fd, "switch_add name=br0", 1);
	check_refused(fd, 1, WEIR__CONTROL__STATUS__CODE__EXHAUSTED,
		"nothing was changed: the disk of /state is full");
	send_text(fd, "meter_list reset=1", 2);
	check_refused(fd, 2, WEIR__CONTROL__STATUS__CODE__EXHAUSTED, "nothing was changed");
	fixture_run(fixture, look);
	assert_string_equal(last, "apply 0 16"); // of the start
	send_text(fd, "flow_flush", 3);
	check_done(fd, 3);
	send_text(fd, "apply_add items={switch={name=br3}}", 4);
	check_done(fd, 4);
	send_text(fd, "apply_commit", 5);
	check_refused(fd, 5, WEIR__CONTROL__STATUS__CODE__EXHAUSTED, "nothing was changed");
	fixture_run(fixture, fake_disk_mend);
	send_text(fd, "switch_add name=br0", 6);
	check_done(fd, 6);
	send_text(fd, "apply_commit", 7);
	check_done(fd, 7);
	fixture_run(fixture, look);
	assert_true(weir_has[0] && !weir_has[3]);
	close(fd);
	fixture_stop(fixture);
}

// Without memory to end a batch it waits for the next try, with those that come meanwhile.
static void test_no_memory(void **state)
{
	struct fixture *fixture = start();
	int fd = fixture_connect(fixture);

	(void)state;
	fixture_run(fixture, exhaust_memory);
	send_text(fd, "switch_add name=br0", 1);
	send_text(fd, "switch_add name=br1", 2);
	check_alive(fd, 3);
	check_alive(fd, 4);
	assert_true(nothing_comes(fd));
	fixture_run(fixture, fake_disk_mend);
	assert_int_equal(take_id(fd, NULL) + take_id(fd, NULL), 1 + 2);
	fixture_run(fixture, look);
	assert_true(disk_has[0] && disk_has[1]);
	close(fd);
	fixture_stop(fixture);
}

// What could not even be ended is lost with what it was built on, and not written later.
static void test_lost_without_memory(void **state)
{
	struct fixture *fixture = start();
	int fd = fixture_connect(fixture);

	(void)state;
	fixture_run(fixture, fake_disk_hold);
	fixture_run(fixture, fake_disk_fail);
	send_text(fd, "switch_add name=br0", 1);
	check_alive(fd, 2);
	fixture_run(fixture, exhaust_memory);
	send_text(fd, "switch_add name=br1", 3);
	check_alive(fd, 4);
	fixture_run(fixture, fake_disk_write);
	check_refused(fd, 1, WEIR__CONTROL__STATUS__CODE__EXHAUSTED, "nothing was changed");
	check_refused(fd, 3, WEIR__CONTROL__STATUS__CODE__EXHAUSTED, "nothing was changed");
	fixture_run(fixture, fake_disk_mend);
	send_text(fd, "switch_add name=br2", 5);
	check_done(fd, 5);
	fixture_run(fixture, look);
	assert_false(weir_has[0] || weir_has[1] || disk_has[0] || disk_has[1]);
	assert_true(weir_has[2] && disk_has[2]);
	close(fd);
	fixture_stop(fixture);
}

// The client is gone when its change turns out to be lost, or kept.
static void test_gone(void **state)
{
	struct fixture *fixture = start();
	int other = fixture_connect(fixture);

	(void)state;
	for (unsigned round = 0; round < 4; round++) {
		int fd = fixture_connect(fixture);

		fixture_run(fixture, fake_disk_hold);
		if (round % 2)
			fixture_run(fixture, fake_disk_fail);
		send_text(fd, "switch_add name=br0", 1);
		send_text(fd, "apply_add items={switch={name=br1}}", 2);
		check_done(fd, 2);
		send_text(fd, "apply_commit", 3);
		check_alive(fd, 4);
		close(fd);
		check_alive(other, 5);
		fixture_run(fixture, fake_disk_write);
		fixture_run(fixture, fake_disk_mend);
		check_alive(other, 6);
		check_alive(other, 7);
		fixture_run(fixture, look);
		assert_true(weir_has[0] && weir_has[1]);
		assert_true(disk_has[0] && disk_has[1]);
	}
	close(other);
	fixture_stop(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answered_when_kept),
		cmocka_unit_test(test_not_kept),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_not_taken_back),
		cmocka_unit_test(test_not_ready),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_lost_without_memory),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
