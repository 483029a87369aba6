// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Events: who gets which, who loses some, and the refusals among them.
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

#include "fixture.h"

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static unsigned n_notices;

static void send_notices(struct weir *weir)
{
	fake_notices(weir, n_notices);
}

static void check_event(int fd, uint64_t id, uint64_t number)
{
	Weir__Control__Reply *reply = receive_reply(fd);

	assert_non_null(reply);
	assert_int_equal(reply->id, id);
	assert_true(reply->more);
	assert_int_equal(reply->payload_case, WEIR__CONTROL__REPLY__PAYLOAD_EVENT);
	assert_int_equal(reply->event->number, number);
	assert_string_equal(reply->event->kind, "nic-lost");
	assert_string_equal(reply->event->port, "vm1");
	assert_null(reply->event->extension);
	assert_false(reply->event->has_lost);
	weir__control__reply__free_unpacked(reply, NULL);
}

// Every subscriber gets every event, among the answers to its other requests.
static void test_events(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fds[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		bool more;

		fds[i] = fixture_connect(fixture);
		send_text(fds[i], "event_subscribe", 10 + i);
		assert_int_equal(take_id(fds[i], &more), 10 + i);
		assert_true(more);
	}
	n_notices = 5;
	fixture_run(fixture, send_notices);
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned number = 1; number <= n_notices; number++)
			check_event(fds[i], 10 + i, number);
		check_alive(fds[i], 20);
	}
	shutdown(fds[0], SHUT_WR);
	check_end(fds[0]);
	close(fds[1]);
	n_notices = 1;
	fixture_run(fixture, send_notices);
	check_event(fds[2], 12, 6);
	close(fds[2]);
	fixture_stop(fixture);
}

static Weir__Control__Event *take_event(int fd, Weir__Control__Reply **reply)
{
	*reply = receive_reply(fd);
	assert_non_null(*reply);
	assert_int_equal((*reply)->payload_case, WEIR__CONTROL__REPLY__PAYLOAD_EVENT);
	return (*reply)->event;
}

// What there is instead is told to its end: of the family that was meant, or which families.
static void test_kinds_there_are(void **state)
{
	static const struct {
		const char *kind, *sentence;
	} rows[] = {
		{ "nosuch", "kind \"nosuch\": there are decide-slow, extension-*, fdb-*, "
			    "item-left-out, nic-*, policies-refused, policy-changed, port-*, "
			    "request-refused, rights-violated, state-not-restored, switch-*" },
		{ "nic", "kind \"nic\": there are nic-connected, nic-disconnected, nic-lost" },
		{ "nic-found*", "kind \"nic-found*\": there are nic-connected, nic-disconnected, "
				"nic-lost" },
		{ "extension-", "extension-replaced, extension-unloaded" },
		{ "a-kind-with-a-name-as-long-as-the-longest-that-a-request-can-have",
			"request-refused, rights-violated, state-not-restored, switch-*" },
	};
	struct fixture *fixture = fixture_start(0, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = fixture_connect(fixture);
		char request[128];

		snprintf(request, sizeof(request), "event_subscribe kinds=%.63s", rows[i].kind);
		send_text(fd, request, 1);
		check_refused(fd, 1, WEIR__CONTROL__STATUS__CODE__INVALID, rows[i].sentence);
		close(fd);
	}
	fixture_stop(fixture);
}

// Only the kinds that were asked for; numbers tell that there were others.
static void test_event_kinds(void **state)
{
	static const struct {
		const char *request;
		bool wanted; // nic-lost
	} rows[] = {
		{ "event_subscribe", true },
		{ "event_subscribe kinds=nic-lost", true },
		{ "event_subscribe kinds=port-added kinds=nic-*", true },
		{ "event_subscribe kinds=*", true },
		{ "event_subscribe kinds=nic-connected", false },
		{ "event_subscribe kinds=port-*", false },
	};
	// Nobody waits for what never comes.
	static const char *const wrong[] = { "*-lost", "nic-", "nic", "nic-lost-again", "nik-*" };
	struct fixture *fixture = fixture_start(0, 0);
	Weir__Control__Reply *reply;
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fd = fixture_connect(fixture);
		send_text(fd, rows[i].request, 1);
		assert_int_equal(take_id(fd, NULL), 1);
		n_notices = 1;
		fixture_run(fixture, send_notices);
		send_hello(fd, 2);
		reply = receive_reply(fd);
		assert_non_null(reply);
		if ((reply->payload_case == WEIR__CONTROL__REPLY__PAYLOAD_EVENT) != rows[i].wanted)
			fail_msg("%s", rows[i].request);
		if (rows[i].wanted)
			assert_int_equal(reply->event->number, i + 1);
		weir__control__reply__free_unpacked(reply, NULL);
		close(fd);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char request[80];

		fd = fixture_connect(fixture);
		snprintf(request, sizeof(request), "event_subscribe kinds=port-added kinds=%s",
			wrong[i]);
		send_text(fd, request, 1);
		check_refused(fd, 1, WEIR__CONTROL__STATUS__CODE__INVALID, wrong[i]);
		close(fd);
	}
	fixture_stop(fixture);
}

static const struct weir_error refusal = { -EEXIST, "name", "switch \"br0\" exists" };

static void refuse(struct weir *weir)
{
	weir->refusal = &refusal;
}

// Who was refused what: changes, also those that could not be read, but no lists and no dry runs.
static void test_refusals_are_events(void **state)
{
	static const char *const told[] = { "switch_add name=br0", "switch_add", "port_add",
		"flow_flush", "apply_add items={fdb={switch=br0}}" };
	static const char *const untold[] = { "switch_list", "switch_add name=br0 /dry_run=1",
		"port_show" };
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture), watcher = fixture_connect(fixture);
	Weir__Control__Reply *reply;
	Weir__Control__Event *event;
	char text[64];

	(void)state;
	fixture_run(fixture, refuse);
	send_text(watcher, "event_subscribe kinds=request-refused", 1);
	assert_int_equal(take_id(watcher, NULL), 1);
	for (size_t i = 0; i < sizeof(untold) / sizeof(untold[0]); i++) {
		send_text(fd, untold[i], i);
		reply = receive_reply(fd);
		assert_non_null(reply);
		assert_non_null(reply->status);
		weir__control__reply__free_unpacked(reply, NULL);
	}
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		send_text(fd, told[i], i);
		event = take_event(watcher, &reply);
		assert_string_equal(event->kind, "request-refused");
		snprintf(text, sizeof(text),
			"%.*s of process %ld, user %ld: ", (int)strcspn(told[i], " "), told[i],
			(long)getpid(), (long)getuid());
		if (strncmp(event->text, text, strlen(text)) != 0)
			fail_msg("%s: %s", told[i], event->text);
		if (i == 0)
			assert_non_null(strstr(event->text, refusal.message));
		weir__control__reply__free_unpacked(reply, NULL);
	}
	close(fd);
	close(watcher);
	fixture_stop(fixture);
}

// Those that are too many for a second are counted, and the count is told without a further one.
static void test_refusals_are_limited(void **state)
{
	enum { N = 500 };
	struct fixture *fixture = fixture_start(0, 100);
	int fd = fixture_connect(fixture), watcher = fixture_connect(fixture);
	unsigned n_told = 0, n_counted = 0, n_events = 0, n;
	uint64_t start = now_ms();

	(void)state;
	fixture_run(fixture, refuse);
	send_text(watcher, "event_subscribe", 1);
	assert_int_equal(take_id(watcher, NULL), 1);
	for (unsigned i = 0; i < N; i++) {
		send_text(fd, "switch_add name=br0", i);
		check_refused(fd, i, WEIR__CONTROL__STATUS__CODE__EXISTS, "exists");
	}
	while (n_told + n_counted < N) {
		Weir__Control__Reply *reply;
		Weir__Control__Event *event = take_event(watcher, &reply);

		n_events++;
		if (sscanf(event->text, "%u more requests", &n) == 1)
			n_counted += n;
		else
			n_told++;
		weir__control__reply__free_unpacked(reply, NULL);
	}
	assert_int_equal(n_told + n_counted, N);
	assert_in_range(n_events, 1, 10 * (2 + (now_ms() - start) / 1000));
	close(fd);
	close(watcher);
	fixture_stop(fixture);
}

// A subscriber that sleeps loses events, and is told how many when it reads again.
static void test_events_lost(void **state)
{
	struct fixture *fixture = fixture_start(0, 60000);
	int fd = fixture_connect(fixture);
	uint64_t n_seen, n_lost;

	(void)state;
	send_text(fd, "event_subscribe", 1);
	assert_int_equal(take_id(fd, NULL), 1);
	n_notices = 100000;
	fixture_run(fixture, send_notices);
	n_seen = count_until_alive(fd, 2);
	assert_in_range(n_seen, 1, n_notices - 1);
	n_notices = 1;
	fixture_run(fixture, send_notices);
	Weir__Control__Reply *reply = receive_reply(fd);
	assert_non_null(reply);
	assert_int_equal(reply->payload_case, WEIR__CONTROL__REPLY__PAYLOAD_EVENT);
	n_lost = reply->event->lost;
	weir__control__reply__free_unpacked(reply, NULL);
	assert_int_equal(n_lost + n_seen, 100000);
	close(fd);
	fixture_stop(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_event_kinds),
		cmocka_unit_test(test_kinds_there_are),
		cmocka_unit_test(test_refusals_are_events),
		cmocka_unit_test(test_refusals_are_limited),
		cmocka_unit_test(test_events_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
