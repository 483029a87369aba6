// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Calls of extensions: replies and streams, and every way in which a call or its client can end.
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

#include "control/internal.h"
#include "fixture.h"

static unsigned n_live, n_cancelled;
static size_t n_streamed;

static void look(struct weir *weir)
{
	n_live = 0;
	for (unsigned i = 0; i < FAKE_MAX_CALLS; i++)
		n_live += weir->calls[i].live;
	n_cancelled = weir->n_cancelled;
	n_streamed = weir->n_streamed;
}

// The server learns in its own time.
static void wait_cancelled(struct fixture *fixture, unsigned n)
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	fixture_run(fixture, look);
	for (unsigned i = 0; i < 2000 && n_cancelled < n; i++) {
		nanosleep(&pause, NULL);
		fixture_run(fixture, look);
	}
	assert_int_equal(n_cancelled, n);
}

static void check_part(int fd, uint64_t id, const char *body)
{
	Weir__Control__Reply *reply = receive_reply(fd);

	assert_non_null(reply);
	assert_int_equal(reply->id, id);
	assert_true(reply->more);
	assert_int_equal(reply->payload_case, WEIR__CONTROL__REPLY__PAYLOAD_CALL);
	assert_int_equal(reply->call->part_case, WEIR__CONTROL__CALL_REPLY__PART_BODY);
	assert_int_equal(reply->call->body.len, strlen(body));
	assert_memory_equal(reply->call->body.data, body, strlen(body));
	weir__control__reply__free_unpacked(reply, NULL);
}

// Replies at once, from within the call.
static void test_at_once(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		send_text(fd, "extension_call extension=cap type=echo body=hello", i);
		check_part(fd, i, "hello");
		check_done(fd, i);
	}
	close(fd);
	fixture_stop(fixture);
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

static bool nothing_comes(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

// Answered when what it did is in force, refused or not; too late to cancel it meanwhile. A dry run
// has nothing to wait for.
static void test_in_force(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture), other = fixture_connect(fixture);

	(void)state;
	fixture_run(fixture, hold_workers);
	send_text(fd, "extension_call extension=cap type=echo body=hello /dry_run=1", 1);
	check_part(fd, 1, "hello");
	check_done(fd, 1);
	send_text(fd, "extension_call extension=cap type=echo body=hello", 2);
	check_part(fd, 2, "hello");
	send_text(fd, "call_cancel call=2 /dry_run=1", 3);
	check_done(fd, 3);
	send_text(other, "extension_call extension=cap type=refuse", 4);
	check_alive(other, 5);
	assert_true(nothing_comes(fd) && nothing_comes(other));
	fixture_run(fixture, let_workers);
	check_done(fd, 2);
	check_refused(other, 4, WEIR__CONTROL__STATUS__CODE__BUSY, "captured already");
	fixture_run(fixture, look);
	assert_int_equal(n_cancelled, 0);
	close(fd);
	close(other);
	fixture_stop(fixture);
}

// The client goes, or the daemon, between the end and its being in force.
static void test_gone_before_in_force(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture), other = fixture_connect(fixture);

	(void)state;
	fixture_run(fixture, hold_workers);
	for (unsigned i = 0; i < 3; i++)
		send_text(fd, "extension_call extension=cap type=hold", i);
	check_alive(fd, 4);
	fixture_run(fixture, fake_end);
	send_text(fd, "extension_call extension=cap type=echo body=hello", 5);
	check_part(fd, 5, "hello");
	close(fd);
	check_alive(other, 6);
	check_alive(other, 7);
	fixture_run(fixture, let_workers);
	check_alive(other, 8);
	fixture_run(fixture, hold_workers);
	send_text(other, "extension_call extension=cap type=hold", 9);
	check_alive(other, 10);
	fixture_run(fixture, fake_end);
	fixture_run(fixture, let_workers);
	check_done(other, 9);
	fixture_run(fixture, look);
	assert_int_equal(n_cancelled, 0);
	close(other);
	fixture_stop(fixture);
}

// Replies as they come, among answers to other requests.
static void test_later(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	send_text(fd, "extension_call extension=cap type=hold", 7);
	check_alive(fd, 8);
	for (unsigned i = 0; i < 3; i++) {
		fixture_run(fixture, fake_reply);
		check_part(fd, 7, "part");
	}
	check_alive(fd, 9);
	fixture_run(fixture, fake_end);
	check_done(fd, 7);
	check_alive(fd, 10);
	close(fd);
	fixture_stop(fixture);
}

// What the extension streams waits in it once the client has CLIENT_STREAM_BYTES unread, and
// arrives whole.
static void test_stream(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture), other = fixture_connect(fixture);
	size_t n_read = 0;

	(void)state;
	send_text(fd, "extension_call extension=cap type=hold", 1);
	check_alive(fd, 2);
	for (unsigned i = 0; i < 20; i++)
		fixture_run(fixture, fake_stream);
	fixture_run(fixture, look);
	// What the socket itself holds was not counted any more.
	assert_in_range(n_streamed, CLIENT_STREAM_BYTES / 2, 2 * CLIENT_STREAM_BYTES);
	check_alive(other, 3);
	for (unsigned round = 0; n_read < n_streamed || round < 3; round++) {
		Weir__Control__Reply *reply = receive_reply(fd);

		assert_non_null(reply);
		assert_int_equal(reply->id, 1);
		assert_int_equal(reply->call->part_case, WEIR__CONTROL__CALL_REPLY__PART_DATA);
		n_read += reply->call->data.len;
		weir__control__reply__free_unpacked(reply, NULL);
		if (round < 3) {
			fixture_run(fixture, fake_stream);
			fixture_run(fixture, look);
		}
	}
	assert_int_equal(n_read, n_streamed);
	fixture_run(fixture, fake_end);
	check_done(fd, 1);
	close(fd);
	close(other);
	fixture_stop(fixture);
}

// By id: that call and no other, whether or not it is there.
static void test_cancel(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture), other = fixture_connect(fixture);

	(void)state;
	send_text(fd, "extension_call extension=cap type=hold", 1);
	send_text(fd, "extension_call extension=cap type=hold", 2);
	send_text(other, "extension_call extension=cap type=hold", 1);
	check_alive(other, 3);
	send_text(fd, "call_cancel call=1 /dry_run=1", 4);
	check_done(fd, 4);
	send_text(fd, "call_cancel call=1", 5);
	check_refused(fd, 1, WEIR__CONTROL__STATUS__CODE__FAILED, "cancelled");
	check_done(fd, 5);
	wait_cancelled(fixture, 1);
	send_text(fd, "call_cancel call=1", 6);
	check_done(fd, 6);
	fixture_run(fixture, fake_reply);
	check_part(fd, 2, "part");
	check_part(other, 1, "part");
	fixture_run(fixture, fake_end);
	check_done(fd, 2);
	check_done(other, 1);
	fixture_run(fixture, look);
	assert_int_equal(n_cancelled, 1);
	close(fd);
	close(other);
	fixture_stop(fixture);
}

// One that goes away cancels what it has under way, also while it is being sent to.
static void test_gone(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int other = fixture_connect(fixture);

	(void)state;
	for (unsigned round = 0; round < 4; round++) {
		int fd = fixture_connect(fixture);

		for (unsigned i = 0; i < 4; i++)
			send_text(fd, "extension_call extension=cap type=hold", i);
		check_alive(fd, 9);
		close(fd);
		if (round % 2) {
			fixture_run(fixture, fake_reply);
			fixture_run(fixture, fake_stream);
		}
		wait_cancelled(fixture, 4 * (round + 1));
		fixture_run(fixture, look);
		assert_int_equal(n_live, 0);
	}
	check_alive(other, 1);
	close(other);
	fixture_stop(fixture);
}

// Who only ends his side goes on receiving; when nobody is left there, the call is cancelled though
// nothing is written.
static void test_half_closed(void **state)
{
	struct fixture *fixture = fixture_start(0, 100);
	int fd = fixture_connect(fixture);

	(void)state;
	send_text(fd, "extension_call extension=cap type=hold", 1);
	shutdown(fd, SHUT_WR);
	for (unsigned i = 0; i < 3; i++) {
		do
			fixture_run(fixture, look);
		while (n_live == 0);
		fixture_run(fixture, fake_reply);
		check_part(fd, 1, "part");
	}
	close(fd);
	wait_cancelled(fixture, 1);
	fd = fixture_connect(fixture);
	send_text(fd, "extension_call extension=cap type=hold", 1);
	shutdown(fd, SHUT_WR);
	do
		fixture_run(fixture, look);
	while (n_live == 0);
	fixture_run(fixture, fake_end);
	check_done(fd, 1);
	check_end(fd);
	fixture_stop(fixture);
}

// A daemon that stops cancels all of them.
static void test_stop(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	send_text(fd, "extension_call extension=cap type=hold", 1);
	send_text(fd, "extension_call extension=cap type=hold", 2);
	check_alive(fd, 3);
	fixture_run(fixture, fake_reply);
	fixture_stop(fixture);
	close(fd);
}

static const struct weir_error refusal = { -ENOENT, "extension",
	"extension \"cap\" is not attached" };

static void refuse(struct weir *weir)
{
	weir->refusal = &refusal;
}

// Refused before it began, with descriptors that nobody wants then.
static void test_refused(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture), files[2];

	(void)state;
	assert_int_equal(pipe(files), 0);
	fixture_run(fixture, refuse);
	assert_true(send_text_files(fd, "extension_call extension=cap files=1", 1, files + 1, 1));
	check_refused(fd, 1, WEIR__CONTROL__STATUS__CODE__NOT_FOUND, "not attached");
	close(files[1]);
	// The end of the pipe comes when nobody has its other end.
	assert_int_equal(read(files[0], files, 1), 0);
	close(files[0]);
	close(fd);
	fixture_stop(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_in_force),
		cmocka_unit_test(test_gone_before_in_force),
		cmocka_unit_test(test_later),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
