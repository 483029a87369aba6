// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// How much of documents that are on their way is kept: for a client, and for all of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/internal.h"
#include "fixture.h"

// Policies of the largest size, as many as fit into a request.
enum { N_LARGE = 3, LARGE_BYTES = N_LARGE * 65536 };

static void send_large(int fd, uint64_t id)
{
	enum { N = N_LARGE };
	static uint8_t body[LARGE_BYTES / N];
	static Weir__Control__PolicyItem policies[N];
	static Weir__Control__Item rows[N];
	Weir__Control__Item *items[N];
	Weir__Control__ApplyAdd add = WEIR__CONTROL__APPLY_ADD__INIT;
	Weir__Control__Request request = REQUEST(id);

	static unsigned number;
	static char names[N][16];

	for (unsigned i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "%u", number++);
		weir__control__policy_item__init(&policies[i]);
		policies[i].target = (char *)"vm1";
		policies[i].extension = (char *)"acl";
		policies[i].id = names[i];
		policies[i].has_body = true;
		policies[i].body.data = body;
		policies[i].body.len = sizeof(body);
		weir__control__item__init(&rows[i]);
		rows[i].item_case = WEIR__CONTROL__ITEM__ITEM_POLICY;
		rows[i].policy = &policies[i];
		items[i] = &rows[i];
	}
	add.n_items = N;
	add.items = items;
	request.request_case = WEIR__CONTROL__REQUEST__REQUEST_APPLY_ADD;
	request.apply_add = &add;
	send_request(fd, &request);
}

// Sends large messages until one is refused; returns how many were not. The sentence stays in
// `sentence`.
static char sentence[512];

static unsigned fill(int fd)
{
	for (unsigned n = 0;; n++) {
		Weir__Control__Reply *reply;
		bool refused;

		send_large(fd, n);
		reply = receive_reply(fd);
		assert_non_null(reply);
		refused = reply->status;
		if (refused) {
			assert_int_equal(
				reply->status->code, WEIR__CONTROL__STATUS__CODE__EXHAUSTED);
			snprintf(sentence, sizeof(sentence), "%s", reply->status->message);
		}
		weir__control__reply__free_unpacked(reply, NULL);
		if (refused)
			return n;
	}
}

// The fake adds a little for each item.
static const unsigned n_whole = DOCUMENT_CLIENT_BYTES / LARGE_BYTES - 8;

// What was refused leaves room.
static void test_bound_of_a_client(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fd = fixture_connect(fixture);

	(void)state;
	assert_in_range(fill(fd), n_whole, n_whole + 8);
	assert_non_null(strstr(sentence, "and 268435456 are allowed"));
	send_text(fd, "apply_abort", 1);
	check_all_done(fd, 1);
	send_large(fd, 2);
	check_all_done(fd, 2);
	close(fd);
	fixture_stop(fixture);
}

#if !WEIR_SANITIZED // twice as much again, through the same code
static void test_bound_of_all(void **state)
{
	struct fixture *fixture = fixture_start(0, 0);
	int fds[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		fds[i] = fixture_connect(fixture);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned n = 0; n < n_whole; n++) {
			send_large(fds[i], n);
			check_all_done(fds[i], n);
		}
	fill(fds[2]);
	assert_non_null(strstr(sentence, "of all clients"));
	assert_non_null(strstr(sentence, "and 536870912 are allowed"));
	close(fds[0]);
	check_alive(fds[1], 2);
	send_text(fds[2], "apply_abort", 3);
	check_all_done(fds[2], 3);
	for (unsigned n = 0; n < 5; n++) {
		send_large(fds[2], n);
		check_all_done(fds[2], n);
	}
	close(fds[1]);
	close(fds[2]);
	fixture_stop(fixture);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound_of_a_client),
#if !WEIR_SANITIZED
		cmocka_unit_test(test_bound_of_all),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
