// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A daemon that is killed at any moment: every batch that was reported as kept is there at the next
// start, none is half there, and of those that were not reported only the next ones may be there.
//
// Batch N holds SIZE policies, adds the switch N, and removes the batch KEPT before it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store_fixture.h"

enum { ROUNDS = WEIR_SANITIZED ? 60 : 200, IN_FLIGHT = 8, SIZE = 5, KEPT = 30, WITHIN_US = 12000 };

static char directory[STORE_PATH_SIZE];

// ---- The daemon

struct ticket {
	unsigned number;
	int pipe;
	bool done;
};

static void acknowledge(void *context, const struct weir_error *error)
{
	struct ticket *ticket = context;

	if (error || write(ticket->pipe, &ticket->number, sizeof(ticket->number)) < 0)
		_exit(1);
	ticket->done = true;
}

static void note_batch(struct store *store, unsigned number)
{
	char name[16], old[16], id[16];

	snprintf(name, sizeof(name), "%u", number);
	snprintf(old, sizeof(old), "%u", number - KEPT);
	store_add(store, store_switch(name));
	for (unsigned i = 0; i < SIZE; i++) {
		snprintf(id, sizeof(id), "%u", i);
		store_add(store, store_policy(name, "acl", id, "some bytes of a rule"));
		if (number >= KEPT)
			store_remove(store, store_policy(old, "acl", id, ""));
	}
	if (number >= KEPT)
		store_remove(store, store_switch(old));
}

static void work(unsigned number, int pipe)
{
	struct ticket tickets[IN_FLIGHT];
	struct store *store;

	if (store_open(directory, &store, NULL))
		_exit(1);
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		tickets[i] = (struct ticket){ .pipe = pipe, .done = true };
	for (;; number++) {
		struct ticket *ticket = &tickets[number % IN_FLIGHT];

		while (!ticket->done) {
			struct pollfd poller = { .fd = store_fd(store), .events = POLLIN };

			poll(&poller, 1, -1);
			store_process(store);
		}
		note_batch(store, number);
		ticket->number = number;
		ticket->done = false;
		if (store_commit(store, acknowledge, ticket))
			_exit(1);
	}
}

// ---- What is there afterwards

struct content {
	unsigned first, last, n_switches, n_policies; // numbers of batches
};

static void count_line(struct content *content, const char *line)
{
	unsigned number;

	if (sscanf(line, "switch %u", &number) == 1) {
		if (content->n_switches++ == 0)
			content->first = content->last = number;
		content->first = number < content->first ? number : content->first;
		content->last = number > content->last ? number : content->last;
	} else if (sscanf(line, "policy %u", &number) == 1) {
		content->n_policies++;
	} else {
		fail_msg("%s", line);
	}
}

// The batches that are there are whole, and none between the first and the last is missing.
static struct content read_content(void)
{
	struct store *store = store_must_open(directory);
	char *text = store_text(store);
	struct content content = { .n_switches = 0 };

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		count_line(&content, line);
	free(text);
	store_close(store);
	if (content.n_switches == 0)
		return content;
	assert_int_equal(content.n_switches, content.last - content.first + 1);
	assert_int_equal(content.n_policies, content.n_switches * SIZE);
	assert_int_equal(content.first, content.last >= KEPT ? content.last - KEPT + 1 : 1);
	return content;
}

// The last that was acknowledged before the daemon was killed; 0: none. opened: it is killed some
// time after its first batch, else some time after its start.
static unsigned kill_one(unsigned next, bool opened)
{
	struct pollfd poller = { .events = POLLIN };
	unsigned number, last = 0;
	int ends[2];
	pid_t pid;

	assert_int_equal(0, pipe(ends));
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		work(next, ends[1]);
	}
	close(ends[1]);
	poller.fd = ends[0];
	assert_int_equal(opened, poll(&poller, opened, opened ? 60000 : 0));
	usleep((useconds_t)(random() % WITHIN_US));
	assert_int_equal(0, kill(pid, SIGKILL));
	while (read(ends[0], &number, sizeof(number)) == sizeof(number)) {
		assert_int_equal(number, last ? last + 1 : next); // in order
		last = number;
	}
	assert_int_equal(pid, waitpid(pid, NULL, 0));
	close(ends[0]);
	return last;
}

static void keeps_what_it_acknowledged(void **state)
{
	unsigned seed = (unsigned)time(NULL), n_acknowledged = 0, n_beyond = 0;
	struct content content = { .last = 0 };

	(void)state;
	srandom(seed);
	store_directory_make(directory);
	for (int round = 0; round < ROUNDS; round++) {
		unsigned before = content.last, acknowledged = kill_one(before + 1, round % 2);

		content = read_content();
		if (content.last < before || content.last < acknowledged ||
			content.last > (acknowledged ? acknowledged : before) + IN_FLIGHT)
			fail_msg("seed %u, round %d: %u were there, %u acknowledged, %u are there",
				seed, round, before, acknowledged, content.last);
		n_acknowledged += acknowledged ? acknowledged - before : 0;
		n_beyond += content.last - (acknowledged ? acknowledged : before);
	}
	printf("%d rounds: %u batches acknowledged, %u were there without\n", ROUNDS,
		n_acknowledged, n_beyond);
	assert_true(n_acknowledged >= ROUNDS / 2); // or it was killed before it did anything
	store_directory_remove(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(keeps_what_it_acknowledged) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
