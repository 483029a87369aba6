// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The control server against clients that are hostile, slow, many or gone; a real socket
// throughout.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/internal.h"
#include "fixture.h"
#include "request_text.h"

static void hold(struct weir *weir)
{
	weir->hold = true;
}

// Messages that are whole but wrong are refused with their id where it can be read, and the
// connection goes on.
static void test_garbage_messages(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		uint64_t id;
	} rows[] = {
		{ "", 0, 0 },
		{ "\x08\x05", 2, 5 },                     // an id and no request
		{ "\x08\x05\x52", 3, 5 },                 // a tag without its length
		{ "\x08\x05\x52\x7f", 4, 5 },             // a length beyond the end
		{ "\x08\x05\xf8\x07\x01", 5, 5 },         // unknown field 127
		{ "\x08\x05\x08\x06\x52\x00", 6, 5 },     // two ids
		{ "\x08\x05\x52\x00\xa2\x01\x00", 7, 5 }, // two requests
		{ "\x0d\x05\x00\x00\x00", 5, 0 },         // an id of the wrong wire type
		{ "\x0b\x0c", 2, 0 },                     // groups
		{ "\xff\xff\xff\xff\xff\xff", 6, 0 },
		{ "GET / HTTP/1.1\r\n\r\n", 18, 0 },
	};
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		send_message(fd, rows[i].bytes, rows[i].size);
		check_refused(fd, rows[i].id, WEIR__CONTROL__STATUS__CODE__INVALID, "");
		check_alive(fd, 100 + i);
	}
	close(fd);
	fixture_stop(fixture);
}

// Random bytes in frames, and valid requests with random bytes changed: each gets at least one
// reply.
static void test_random_messages(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);
	uint8_t bytes[REQUEST_TEXT_MAX];
	unsigned seed = 7;
	bool more;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		size_t size = (size_t)rand_r(&seed) % 64;

		if (i % 2)
			size = request_text_encode(
				"port_add switch=br0 name=vm1 nic=tap:x vlan=10 mtu=1500", i,
				bytes);
		for (size_t k = 0; k < (i % 2 ? 2 : size); k++)
			bytes[(size_t)rand_r(&seed) % (size + 1)] = (uint8_t)rand_r(&seed);
		send_message(fd, bytes, size);
		do {
			Weir__Control__Reply *reply = receive_reply(fd);

			assert_non_null(reply);
			more = reply->more;
			weir__control__reply__free_unpacked(reply, NULL);
		} while (more);
	}
	check_alive(fd, 1);
	close(fd);
	fixture_stop(fixture);
}

// Nothing after a size beyond the limit can be understood: one refusal, then the end.
static void test_oversized(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture), other = fixture_connect(fixture);

	(void)state;
	check_alive(fd, 1);
	assert_true(send_bytes(fd, "\x00\x10\x00\x01", 4));
	check_refused(fd, 0, WEIR__CONTROL__STATUS__CODE__INVALID, "1048576");
	check_end(fd);
	check_alive(other, 2);
	close(other);
	fixture_stop(fixture);
}

// The largest message that is read to its end is refused by the schema, with its size.
static void test_largest(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	uint8_t *bytes = calloc(1, CLIENT_MAX_REQUEST);
	int fd = fixture_connect(fixture);

	(void)state;
	assert_non_null(bytes);
	send_message(fd, bytes, CLIENT_MAX_REQUEST);
	check_refused(fd, 0, WEIR__CONTROL__STATUS__CODE__INVALID, "1048576");
	check_alive(fd, 1);
	free(bytes);
	close(fd);
	fixture_stop(fixture);
}

// A message that stops in the middle: by close, and by half-close.
static void test_truncated(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int other = fixture_connect(fixture);

	(void)state;
	for (size_t size = 1; size < 12; size++) {
		int fd = fixture_connect(fixture);

		assert_true(send_bytes(fd, "\0\0\0\x10\x08\x05\x52\x0c\x0a\x0a\x61\x62", size));
		if (size % 2) {
			shutdown(fd, SHUT_WR);
			check_end(fd);
		} else {
			close(fd);
		}
		check_alive(other, size);
	}
	close(other);
	fixture_stop(fixture);
}

// Both ends of each connection are in this process.
static void raise_limit(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(limit.rlim_max >= 4096);
	limit.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

// A thousand connections, each request in two pieces with all the others' between them.
static void test_many_connections(void **state)
{
	enum { N = 1000 };
	struct fixture *fixture = fixture_start(0, 0);
	uint8_t message[FRAMING_HEADER + REQUEST_TEXT_MAX];
	int fds[N];
	size_t size;

	(void)state;
	raise_limit();
	for (unsigned i = 0; i < N; i++)
		fds[i] = fixture_connect(fixture);
	for (unsigned piece = 0; piece < 2; piece++)
		for (unsigned i = 0; i < N; i++) {
			size = request_text_encode(
				"hello client=test", i, message + FRAMING_HEADER);
			framing_put_header(message, size);
			size += FRAMING_HEADER;
			assert_true(send_bytes(
				fds[i], message + (piece ? 7 : 0), piece ? size - 7 : 7));
		}
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(take_id(fds[i], NULL), i);
		close(fds[i]);
	}
	fixture_stop(fixture);
}

// Whether a new connection is answered. It may be closed before it asks.
static bool is_admitted(int fd)
{
	uint8_t message[FRAMING_HEADER + REQUEST_TEXT_MAX];
	size_t size = request_text_encode("hello", 3, message + FRAMING_HEADER);
	Weir__Control__Reply *reply;
	bool admitted;

	framing_put_header(message, size);
	send_bytes(fd, message, FRAMING_HEADER + size);
	reply = receive_reply(fd);
	admitted = reply && !reply->status;
	weir__control__reply__free_unpacked(reply, NULL);
	return admitted;
}

static void test_too_many_connections(void **state)
{
	struct fixture *fixture = fixture_start(2, 0);
	int first = fixture_connect(fixture), second = fixture_connect(fixture), third;

	(void)state;
	check_alive(first, 1);
	check_alive(second, 2);
	third = fixture_connect(fixture);
	check_refused(third, 0, WEIR__CONTROL__STATUS__CODE__EXHAUSTED, "2 clients");
	check_end(third);
	close(second);
	// The server learns of the close in its own time.
	while (third = fixture_connect(fixture), !is_admitted(third))
		close(third);
	close(third);
	close(first);
	fixture_stop(fixture);
}

// A client that says all it has to say and then only listens.
static void test_half_close(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	fixture_run(fixture, hold);
	send_text(fd, "switch_add name=br0", 1);
	send_text(fd, "event_subscribe", 2);
	send_text(fd, "switch_add name=br1", 3);
	shutdown(fd, SHUT_WR);
	assert_int_equal(take_id(fd, NULL), 2);
	fixture_run(fixture, fake_complete);
	assert_int_equal(take_id(fd, NULL) + take_id(fd, NULL), 1 + 3);
	check_end(fd);
	fixture_stop(fixture);
}

// A change that takes its time holds up nobody, on the same connection or another.
static void test_in_flight(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture), other = fixture_connect(fixture);

	(void)state;
	fixture_run(fixture, hold);
	send_text(fd, "switch_add name=br0", 1);
	send_text(other, "switch_add name=br1", 2);
	check_alive(fd, 3);
	check_alive(other, 4);
	fixture_run(fixture, fake_complete);
	assert_int_equal(take_id(fd, NULL), 1);
	assert_int_equal(take_id(other, NULL), 2);
	close(fd);
	close(other);
	fixture_stop(fixture);
}

static unsigned n_pending;

static void count_pending(struct weir *weir)
{
	n_pending = weir->n_pending;
}

// Requests beyond the bound wait in the socket, and are done in their turn.
static void test_in_flight_is_bounded(void **state)
{
	enum { N = 300, BOUND = 64 };
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture), other = fixture_connect(fixture);
	uint8_t message[FRAMING_HEADER + REQUEST_TEXT_MAX], stream[N * 32];
	bool seen[N + 1] = { false };
	unsigned n_seen = 0;
	size_t size = 0;

	(void)state;
	fixture_run(fixture, hold);
	// In one piece: so many small ones would not fit into the socket while nobody reads it.
	for (unsigned i = 1; i <= N; i++) {
		size_t part = request_text_encode(
			"switch_add name=br0", i, message + FRAMING_HEADER);

		framing_put_header(message, part);
		memcpy(stream + size, message, FRAMING_HEADER + part);
		size += FRAMING_HEADER + part;
	}
	assert_true(send_bytes(fd, stream, size));
	while (n_seen < N) {
		unsigned due = N - n_seen < BOUND ? N - n_seen : BOUND;

		do {
			check_alive(other, 1);
			fixture_run(fixture, count_pending);
			assert_in_range(n_pending, 0, BOUND);
		} while (n_pending < due);
		fixture_run(fixture, fake_complete);
		for (unsigned i = 0; i < due; i++, n_seen++) {
			uint64_t id = take_id(fd, NULL);

			assert_in_range(id, 1, N);
			assert_false(seen[id]);
			seen[id] = true;
		}
	}
	close(fd);
	close(other);
	fixture_stop(fixture);
}

static void send_notices(struct weir *weir)
{
	fake_notices(weir, 10);
}

static void set_rows(struct weir *weir)
{
	weir->n_rows = 5000;
}

// The client goes away while workers still owe it an answer; and the daemon stops with some open.
static void test_gone_while_pending(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int other = fixture_connect(fixture);

	(void)state;
	fixture_run(fixture, hold);
	fixture_run(fixture, set_rows);
	for (unsigned round = 0; round < 3; round++) {
		int fd = fixture_connect(fixture);

		send_text(fd, "switch_add name=br0", 1);
		send_text(fd, "flow_list", 2);
		send_text(fd, "event_subscribe", 3);
		assert_int_equal(take_id(fd, NULL), 3);
		close(fd);
		check_alive(other, 4);
		fixture_run(fixture, send_notices);
		if (round < 2) {
			fixture_run(fixture, fake_complete);
			fixture_run(fixture, fake_flows);
		}
	}
	check_alive(other, 5);
	close(other);
	fixture_stop(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_garbage_messages),
		cmocka_unit_test(test_random_messages),
		cmocka_unit_test(test_oversized),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_many_connections),
		cmocka_unit_test(test_too_many_connections),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_in_flight),
		cmocka_unit_test(test_in_flight_is_bounded),
		cmocka_unit_test(test_gone_while_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
