// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Watching drops: who asks gets samples until the connection ends, and is told what was lost.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"

static unsigned n_samples, n_lost, n_watches;
static char last_call[512];

static void send_samples(struct weir *weir)
{
	fake_drops(weir, n_samples, n_lost);
}

static void look(struct weir *weir)
{
	n_watches = weir->n_watches;
	strcpy(last_call, weir->last);
}

// The connection's end has been seen when somebody else's request is answered.
static void wait_for_watches(struct fixture *fixture, unsigned n)
{
	int fd = fixture_connect(fixture);

	for (unsigned i = 0; i < 1000; i++) {
		check_alive(fd, i);
		fixture_run(fixture, look);
		if (n_watches == n)
			break;
	}
	assert_int_equal(n_watches, n);
	close(fd);
}

static void start_watch(struct fixture *fixture, int fd, const char *request, const char *call)
{
	bool more;

	send_text(fd, request, 7);
	assert_int_equal(take_id(fd, &more), 7);
	assert_true(more);
	fixture_run(fixture, look);
	assert_string_equal(last_call, call);
	assert_int_equal(n_watches, 1);
}

static void test_samples(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	start_watch(fixture, fd, "drop_watch switch=br0 port=vm1 reason=told extension=acl",
		"drop_watch br0 vm1 told acl");
	n_samples = 2;
	n_lost = 5;
	fixture_run(fixture, send_samples);
	for (unsigned i = 0; i < 2; i++) {
		Weir__Control__Reply *reply = receive_reply(fd);
		const Weir__Control__DropSample *sample;

		assert_non_null(reply);
		assert_int_equal(reply->id, 7);
		assert_true(reply->more);
		assert_int_equal(reply->payload_case, WEIR__CONTROL__REPLY__PAYLOAD_DROP_SAMPLE);
		sample = reply->drop_sample;
		assert_int_equal(sample->time, 1700000000);
		assert_int_equal(sample->time_ns, i);
		assert_string_equal(sample->reason, "told");
		assert_string_equal(sample->extension, "acl");
		assert_string_equal(sample->port, "vm1");
		assert_string_equal(sample->summary, "10.0.0.1:5000 > 10.0.0.2:53 udp 128 bytes");
		assert_int_equal(sample->frame.len, 128);
		assert_int_equal(sample->lost, 5);
		weir__control__reply__free_unpacked(reply, NULL);
	}
	check_alive(fd, 8);
	close(fd);
	wait_for_watches(fixture, 0);
	fixture_stop(fixture);
}

// A client that says nothing more ends its watch, like one that goes away.
static void test_ends(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	start_watch(fixture, fd, "drop_watch", "drop_watch - - - -");
	shutdown(fd, SHUT_WR);
	check_end(fd);
	wait_for_watches(fixture, 0);
	// The server's own end takes the watch along.
	fd = fixture_connect(fixture);
	start_watch(fixture, fd, "drop_watch", "drop_watch - - - -");
	fixture_stop(fixture);
	close(fd);
}

static const struct weir_error refusal = { -ENOENT, "reason", "reason \"x\": nobody has it" };

static void refuse(struct weir *weir)
{
	weir->refusal = &refusal;
}

static void test_refused(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	fixture_run(fixture, refuse);
	send_text(fd, "drop_watch reason=x", 1);
	check_refused(fd, 1, WEIR__CONTROL__STATUS__CODE__NOT_FOUND, refusal.message);
	fixture_run(fixture, look);
	assert_int_equal(n_watches, 0);
	close(fd);
	fixture_stop(fixture);
}

// A client that sleeps loses samples, and is told how many when it reads again.
static void test_lost(void **state)
{
	struct fixture *fixture = fixture_start(0, 60000);
	int fd = fixture_connect(fixture);
	uint64_t n_seen, n_told;

	(void)state;
	start_watch(fixture, fd, "drop_watch", "drop_watch - - - -");
	n_samples = 50000;
	n_lost = 0;
	fixture_run(fixture, send_samples);
	n_seen = count_until_alive(fd, 2);
	assert_in_range(n_seen, 1, n_samples - 1);
	n_samples = 1;
	fixture_run(fixture, send_samples);
	Weir__Control__Reply *reply = receive_reply(fd);

	assert_non_null(reply);
	assert_int_equal(reply->payload_case, WEIR__CONTROL__REPLY__PAYLOAD_DROP_SAMPLE);
	n_told = reply->drop_sample->lost;
	weir__control__reply__free_unpacked(reply, NULL);
	assert_int_equal(n_told + n_seen, 50000);
	close(fd);
	fixture_stop(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
