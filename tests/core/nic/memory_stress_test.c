// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The NIC kind `memory` between threads: nothing lost, doubled, reordered or changed, and nobody
// sleeps through a frame. Every sleep has a limit that is only reached when a wake-up was lost.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "nic/memory.h"

enum {
	N_FRAMES = 25000, // per sender
	PATIENCE_MS = 20000,
	MAX_SIZE = 3000,
	BATCH = 16,
};

struct message {
	uint32_t sender, number, size, sum;
};

static uint32_t sum_of(const uint8_t *bytes, uint32_t size)
{
	uint32_t sum = size;

	while (size--)
		sum = sum * 31 + bytes[size];
	return sum;
}

static uint32_t make_message(uint8_t *bytes, uint32_t sender, uint32_t number, unsigned *seed)
{
	struct message message = { sender, number, 0, 0 };

	message.size = rand_r(seed) % 16 ? 64 : 64 + (uint32_t)rand_r(seed) % (MAX_SIZE - 64);
	memset(bytes + sizeof(message), rand_r(seed), message.size - sizeof(message));
	message.sum = sum_of(bytes + sizeof(message), message.size - sizeof(message));
	memcpy(bytes, &message, sizeof(message));
	return message.size;
}

// True when the frame is whole and the next one of its sender.
static bool check_message(
	const uint8_t *bytes, size_t size, uint32_t next[/* senders */], uint32_t n_senders)
{
	struct message message;

	memcpy(&message, bytes, sizeof(message));
	return size == message.size && message.sender < n_senders &&
	       message.number == next[message.sender]++ &&
	       message.sum == sum_of(bytes + sizeof(message), message.size - sizeof(message));
}

// Lets the other side run dry now and then, so that sleeping and waking happen.
static void pause_sometimes(unsigned *seed)
{
	struct timespec pause = { .tv_nsec = rand_r(seed) % 60000 };

	if (rand_r(seed) % 64 == 0)
		nanosleep(&pause, NULL);
}

static void wait_for_room(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
}

struct thread {
	pthread_t id;
	struct nic *nic;
	struct weir_memory *end;
	unsigned queue, index;
	uint32_t n_senders;
	const char *failure; // NULL: as it should be
};

// Ends the threads that wait for one that has given up.
static _Atomic bool given_up;

static void give_up(struct thread *thread, const char *failure)
{
	thread->failure = failure;
	given_up = true;
}

static void *application_sends(void *context)
{
	static _Thread_local uint8_t bytes[BATCH][MAX_SIZE];
	struct thread *thread = context;
	unsigned seed = thread->index;
	struct iovec frames[BATCH];

	for (uint32_t number = 0; number < N_FRAMES && !given_up;) {
		unsigned n = 1 + (unsigned)rand_r(&seed) % BATCH, sent = 0;

		for (unsigned i = 0; i < n; i++)
			frames[i] = (struct iovec){ bytes[i],
				make_message(bytes[i], 0, number + i, &seed) };
		if (n > N_FRAMES - number)
			n = N_FRAMES - number;
		while (sent < n && !given_up) {
			int ret = weir_memory_send_batch(
				thread->end, thread->queue, frames + sent, NULL, n - sent);

			if (ret < 0) {
				give_up(thread, "sending failed");
				return NULL;
			}
			sent += (unsigned)ret;
			if (sent < n)
				wait_for_room();
		}
		number += n;
		pause_sometimes(&seed);
	}
	return NULL;
}

static void *application_receives(void *context)
{
	static _Thread_local uint8_t bytes[BATCH][MAX_SIZE];
	struct thread *thread = context;
	uint32_t next[4] = { 0 };
	struct pollfd event = { weir_memory_fd(thread->end, thread->queue), POLLIN, 0 };
	struct iovec frames[BATCH];

	for (uint32_t left = N_FRAMES * thread->n_senders; left && !given_up;) {
		int n;

		for (int i = 0; i < BATCH; i++)
			frames[i] = (struct iovec){ bytes[i], MAX_SIZE };
		n = weir_memory_receive_batch(thread->end, thread->queue, frames, NULL, BATCH);
		for (int i = 0; i < n; i++)
			if (!check_message(bytes[i], frames[i].iov_len, next, thread->n_senders))
				give_up(thread, "the application received a wrong frame");
		if (n < 0)
			give_up(thread, "receiving failed");
		else if (n == 0 && poll(&event, 1, PATIENCE_MS) != 1)
			give_up(thread, "the application slept through a frame");
		if (given_up)
			return NULL;
		left -= (uint32_t)n;
	}
	return NULL;
}

static void transmit_all(struct thread *thread, struct weir_frame **frames, unsigned n)
{
	const struct nic_class *class = thread->nic->class;
	unsigned sent = 0, lost = 0;

	while ((sent += class->transmit(
			thread->nic, thread->queue, frames + sent, n - sent, &lost)) < n &&
		!given_up)
		wait_for_room();
}

// A worker that sends back what it receives.
static void *worker_echoes(void *context)
{
	struct thread *thread = context;
	const struct nic_class *class = thread->nic->class;
	struct frame_pool *pool = frame_pool_create(2 * BATCH, BATCH);
	struct pollfd event = { class->receive_fd(thread->nic, thread->queue), POLLIN, 0 };
	struct weir_frame *frames[BATCH];

	for (uint32_t left = N_FRAMES; left && !given_up;) {
		int n = class->receive(thread->nic, thread->queue, pool, frames, BATCH);

		transmit_all(thread, frames, (unsigned)n);
		left -= (uint32_t)n;
		if (n == 0 && !class->arm(thread->nic, thread->queue) &&
			poll(&event, 1, PATIENCE_MS) != 1)
			give_up(thread, "the worker slept through a frame");
	}
	if (frame_pool_in_use(pool))
		give_up(thread, "the worker lost frames");
	else
		frame_pool_destroy(pool);
	return NULL;
}

// A worker that sends frames of its own, beside others, through one queue.
static void *worker_sends(void *context)
{
	struct thread *thread = context;
	struct frame_pool *pool = frame_pool_create(BATCH, BATCH);
	unsigned seed = thread->index;
	struct weir_frame *frames[BATCH];

	for (uint32_t number = 0; number < N_FRAMES && !given_up;) {
		unsigned n = 0;

		for (; n < BATCH && number < N_FRAMES; n++, number++) {
			frames[n] = frame_alloc(pool, MAX_SIZE);
			frames[n]->size = frames[n]->linear = make_message(
				frames[n]->data, thread->index, number, &seed);
		}
		transmit_all(thread, frames, n);
		pause_sometimes(&seed);
	}
	frame_pool_destroy(pool);
	return NULL;
}

static void run(struct thread *threads, void *(*const bodies[])(void *), unsigned n)
{
	given_up = false;
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pthread_create(&threads[i].id, NULL, bodies[i], &threads[i]), 0);
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i].id, NULL);
	for (unsigned i = 0; i < n; i++)
		if (threads[i].failure)
			fail_msg("thread %u: %s", i, threads[i].failure);
}

static void close_both(struct nic *nic, struct weir_memory *end)
{
	char text[128];

	nic->class->describe(nic, text, sizeof(text));
	assert_non_null(strstr(text, "to_switch=0, to_application=0"));
	nic_close(nic);
	weir_memory_release(end);
}

// application -> worker -> application, every one of the three sleeping when it has nothing to do.
static void echo(const char *specification)
{
	static void *(*const bodies[])(
		void *) = { application_sends, worker_echoes, application_receives };
	struct nic_options options = { .n_workers = 1 };
	struct thread threads[3];
	struct weir_memory *end;
	struct nic *nic;

	assert_int_equal(nic_open(specification, &options, &nic, NULL), 0);
	end = nic_memory_end(nic);
	for (unsigned i = 0; i < 3; i++)
		threads[i] = (struct thread){ .nic = nic, .end = end, .index = i, .n_senders = 1 };
	run(threads, bodies, 3);
	close_both(nic, end);
}

static void echo_through_small_rings(void **state)
{
	(void)state;
	echo("memory:size=4");
}

static void echo_through_default_rings(void **state)
{
	(void)state;
	echo("memory");
}

static void workers_share_a_queue(void **state)
{
	static void *(*const bodies[])(
		void *) = { worker_sends, worker_sends, worker_sends, application_receives };
	struct nic_options options = { .n_workers = 3 };
	struct thread threads[4];
	struct weir_memory *end;
	struct nic *nic;

	(void)state;
	assert_int_equal(nic_open("memory:size=32", &options, &nic, NULL), 0);
	assert_int_equal(nic->n_tx_queues, 1);
	end = nic_memory_end(nic);
	for (unsigned i = 0; i < 4; i++)
		threads[i] = (struct thread){ .nic = nic, .end = end, .index = i, .n_senders = 3 };
	run(threads, bodies, 4);
	close_both(nic, end);
}

static void *application_until_the_end(void *context)
{
	struct thread *thread = context;
	struct pollfd event = { weir_memory_fd(thread->end, 0), POLLIN, 0 };
	uint8_t bytes[64];
	int n;

	while ((n = weir_memory_receive(thread->end, 0, bytes, sizeof(bytes), NULL)) >= 0)
		if (n == 0 && poll(&event, 1, PATIENCE_MS) != 1)
			give_up(thread, "the application slept through the end");
	if (n != -ENODEV)
		give_up(thread, "the end has the wrong error");
	return NULL;
}

// The NIC goes while the application waits, at every moment of its waiting.
static void end_wakes_the_application(void **state)
{
	struct nic_options options = { .n_workers = 1 };

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct timespec delay = { .tv_nsec = round * 300 };
		struct thread thread = { .n_senders = 1 };
		struct nic *nic;

		assert_int_equal(nic_open("memory:size=2", &options, &nic, NULL), 0);
		thread.end = nic_memory_end(nic);
		assert_int_equal(
			pthread_create(&thread.id, NULL, application_until_the_end, &thread), 0);
		nanosleep(&delay, NULL);
		nic_close(nic);
		pthread_join(thread.id, NULL);
		if (thread.failure)
			fail_msg("round %d: %s", round, thread.failure);
		weir_memory_release(thread.end);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo_through_small_rings),
		cmocka_unit_test(echo_through_default_rings),
		cmocka_unit_test(workers_share_a_queue),
		cmocka_unit_test(end_wakes_the_application),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
