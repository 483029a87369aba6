// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What becomes of a request when the daemon has closed the connection already.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "client.h"

static char path[64];

static int listen_there(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(path, sizeof(path), "/tmp/weir-client-%d", getpid());
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	return listener;
}

static void say(int fd, uint64_t id, const char *sentence)
{
	Weir__Control__Status status = WEIR__CONTROL__STATUS__INIT;
	Weir__Control__Reply reply = WEIR__CONTROL__REPLY__INIT;
	uint8_t bytes[256] = { 0 };
	size_t size;

	reply.has_id = 1;
	reply.id = id;
	status.has_code = 1;
	status.code = WEIR__CONTROL__STATUS__CODE__EXHAUSTED;
	status.message = strdup(sentence);
	reply.status = *sentence ? &status : NULL;
	size = weir__control__reply__get_packed_size(&reply);
	assert_in_range(size, 1, 200);
	bytes[3] = (uint8_t)size;
	weir__control__reply__pack(&reply, bytes + 4);
	assert_int_equal(write(fd, bytes, size + 4), size + 4);
	free(status.message);
}

// The daemon's side is over before the request is sent.
static int call_closed(const char *const sentences[], struct ctl_error *error)
{
	Weir__Control__Hello message = WEIR__CONTROL__HELLO__INIT;
	Weir__Control__Request request = WEIR__CONTROL__REQUEST__INIT;
	int listener = listen_there(), fd, result;
	struct client *client;

	assert_int_equal(client_open(path, 1000, &client, error), 0);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	for (size_t i = 0; sentences[i]; i++)
		say(fd, 0, sentences[i]);
	close(fd);
	request.request_case = WEIR__CONTROL__REQUEST__REQUEST_HELLO;
	request.hello = &message;
	result = client_call(client, &request, NULL, NULL, NULL, error);
	client_close(client);
	close(listener);
	unlink(path);
	return result;
}

static void a_refused_client_is_told_why(void **state)
{
	static const char *const sentences[] = { "there are already 1024 clients", NULL };
	struct ctl_error error = { .message = "" };

	(void)state;
	assert_int_equal(call_closed(sentences, &error), CTL_REFUSED);
	assert_string_equal(error.message, "there are already 1024 clients");
	assert_int_equal(error.status, WEIR__CONTROL__STATUS__CODE__EXHAUSTED);
}

static void others_are_told_that_it_broke(void **state)
{
	static const char *const nothing[] = { NULL }, *const no_refusal[] = { "", NULL };
	struct ctl_error error = { .message = "" };

	(void)state;
	assert_int_equal(call_closed(nothing, &error), CTL_NO_DAEMON);
	assert_string_equal(error.message, "the connection to the daemon broke: Broken pipe");
	assert_int_equal(call_closed(no_refusal, &error), CTL_NO_DAEMON);
	assert_string_equal(error.message, "the connection to the daemon broke: Broken pipe");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_client_is_told_why),
		cmocka_unit_test(others_are_told_that_it_broke),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
