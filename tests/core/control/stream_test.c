// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Lists of any length, and clients that do not take them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "control/internal.h"
#include "control/rows.h"
#include "fixture.h"

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static char long_text[1024];
static unsigned n_rows;

static void set_rows(struct weir *weir)
{
	memset(long_text, 'x', sizeof(long_text) - 1);
	weir->n_rows = n_rows;
	weir->text = long_text;
}

static void hold(struct weir *weir)
{
	weir->hold = true;
}

// Lists arrive whole and in order, in replies of bounded size of which all but the last have more
// set.
static void test_list(void **state)
{
	static const unsigned sizes[] = { 0, 1, 63, 64, 65, 1000, 20000 };
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);
	char name[16];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned n_seen = 0;
		bool more = true;

		n_rows = sizes[i];
		fixture_run(fixture, set_rows);
		send_text(fd, "port_list", i);
		while (more) {
			Weir__Control__Reply *reply = receive_reply(fd);

			assert_non_null(reply);
			assert_null(reply->status);
			assert_int_equal(reply->id, i);
			assert_int_equal(reply->payload_case, WEIR__CONTROL__REPLY__PAYLOAD_PORTS);
			assert_in_range(weir__control__reply__get_packed_size(reply), 0,
				ROWS_REPLY_BYTES + 2048);
			for (size_t k = 0; k < reply->ports->n_rows; k++) {
				snprintf(name, sizeof(name), "p%u", n_seen++);
				assert_string_equal(reply->ports->rows[k]->name, name);
				assert_string_equal(reply->ports->rows[k]->reason, long_text);
			}
			more = reply->more;
			weir__control__reply__free_unpacked(reply, NULL);
		}
		assert_int_equal(n_seen, sizes[i]);
	}
	close(fd);
	fixture_stop(fixture);
}

// A list of workers' answers comes when they have come; others are not kept waiting.
static void test_list_later(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);
	Weir__Control__Reply *reply;

	(void)state;
	n_rows = 10;
	fixture_run(fixture, set_rows);
	fixture_run(fixture, hold);
	send_text(fd, "flow_list switch=br0", 1);
	check_alive(fd, 2);
	fixture_run(fixture, fake_flows);
	reply = receive_reply(fd);
	assert_non_null(reply);
	assert_int_equal(reply->id, 1);
	assert_int_equal(reply->payload_case, WEIR__CONTROL__REPLY__PAYLOAD_FLOWS);
	assert_int_equal(reply->flows->n_rows, 10);
	weir__control__reply__free_unpacked(reply, NULL);
	close(fd);
	fixture_stop(fixture);
}

// More than may wait for a client: the list ends in a refusal, and the connection goes on.
static void test_list_too_long(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);
	Weir__Control__Reply *reply;
	size_t n_seen = 0;
	bool more;

	(void)state;
	n_rows = CLIENT_MAX_BYTES / 1024 + 1000;
	fixture_run(fixture, set_rows);
	send_text(fd, "port_list", 1);
	do {
		reply = receive_reply(fd);
		assert_non_null(reply);
		more = reply->more;
		n_seen += more ? reply->ports->n_rows : 0;
		if (!more) {
			assert_non_null(reply->status);
			assert_int_equal(
				reply->status->code, WEIR__CONTROL__STATUS__CODE__EXHAUSTED);
		}
		weir__control__reply__free_unpacked(reply, NULL);
	} while (more);
	assert_in_range(n_seen, 1000, n_rows - 1);
	check_alive(fd, 2);
	close(fd);
	fixture_stop(fixture);
}

// A client that asks and never reads is paused: what it sends stays in the socket. Others are
// served at once meanwhile. Then it is dropped.
static void test_never_reads(void **state)
{
	enum { STALL_MS = 1500 };
	struct fixture *fixture = fixture_start(0, STALL_MS);
	int fd = fixture_connect(fixture), other = fixture_connect(fixture);
	const struct timeval at_once = { .tv_usec = 1000 };
	uint64_t start = now_ms(), before;
	uint8_t message[FRAMING_HEADER + 4] = { 0, 0, 0, 4, 0x82, 0x02, 0, 0 };
	bool paused = false;

	(void)state;
	n_rows = 200;
	fixture_run(fixture, set_rows);
	message[3] = 3;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &at_once, sizeof(at_once));
	for (unsigned i = 0; i < 100000 && !paused; i++)
		paused = !send_bytes(fd, message, FRAMING_HEADER + 3);
	assert_true(paused);
	while (now_ms() - start < STALL_MS / 2) {
		before = now_ms();
		check_alive(other, 1);
		assert_in_range(now_ms() - before, 0, 5000);
	}
	while (now_ms() - start < 3 * STALL_MS)
		check_alive(other, 2);
	assert_false(send_bytes(fd, message, FRAMING_HEADER + 3)); // closed
	close(fd);
	close(other);
	fixture_stop(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_list_later),
		cmocka_unit_test(test_list_too_long),
		cmocka_unit_test(test_never_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
