// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The NIC kind `memory` from both of its sides, in one thread; memory_stress_test.c has the
// threads.
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "nic/memory.h"

struct fixture {
	struct nic *nic;
	struct weir_memory *end;
	struct frame_pool *pool;
};

static struct fixture start(const char *specification)
{
	struct nic_options options = { .n_workers = 1 };
	struct weir_error error = { 0 };
	struct fixture f = { .pool = frame_pool_create(NIC_BATCH, 4) };

	if (nic_open(specification, &options, &f.nic, &error))
		fail_msg("%s", error.message);
	f.end = nic_memory_end(f.nic);
	return f;
}

static void stop(struct fixture *f)
{
	assert_int_equal(frame_pool_in_use(f->pool), 0);
	nic_close(f->nic);
	weir_memory_release(f->end);
	frame_pool_destroy(f->pool);
}

static int receive(struct fixture *f, struct weir_frame **frames, unsigned max)
{
	return f->nic->class->receive(f->nic, 0, f->pool, frames, max);
}

static unsigned transmit(struct fixture *f, struct weir_frame **frames, unsigned n)
{
	unsigned lost = 0;

	n = f->nic->class->transmit(f->nic, 0, frames, n, &lost);
	assert_int_equal(lost, 0);
	return n;
}

static struct weir_frame *make_frame(struct fixture *f, uint32_t size, uint8_t fill)
{
	struct weir_frame *frame = frame_alloc(f->pool, size);

	assert_non_null(frame);
	memset(frame->data, fill, size);
	frame->size = frame->linear = size;
	return frame;
}

static bool readable(int fd)
{
	struct pollfd event = { .fd = fd, .events = POLLIN };

	return poll(&event, 1, 0) == 1;
}

static uint8_t bytes[WEIR_FRAME_MAX + 1], back[WEIR_FRAME_MAX + 1];

// Every size through both directions, often enough to wrap around the ring at many places.
static void round_trips(void **state)
{
	static const uint32_t table[] = { 1, 13, 14, 60, 63, 64, 65, 1514, 2048, 2049, 9014, 65535,
		WEIR_FRAME_MAX };
	struct fixture f = start("memory:size=4");
	struct weir_frame *frame, *none;

	(void)state;
	for (size_t i = 0; i < 200 * sizeof(table) / sizeof(table[0]); i++) {
		uint32_t size = table[i % (sizeof(table) / sizeof(table[0]))];
		struct virtio_net_hdr in = { .gso_size = (uint16_t)size, .csum_start = 34 }, out;

		for (uint32_t j = 0; j < size; j++)
			bytes[j] = (uint8_t)(i + j * 7);
		assert_int_equal(weir_memory_send(f.end, 0, bytes, size, &in), 0);
		assert_int_equal(receive(&f, &frame, 1), 1);
		assert_int_equal(frame->size, size);
		assert_int_equal(frame->linear, size);
		assert_int_equal(frame->headroom, WEIR_FRAME_HEADROOM);
		assert_memory_equal(&frame->offload, &in, sizeof(in));
		assert_memory_equal(frame->data, bytes, size);
		assert_int_equal(receive(&f, &none, 1), 0);
		assert_int_equal(transmit(&f, &frame, 1), 1);
		assert_int_equal(
			weir_memory_receive(f.end, 0, back, sizeof(back), &out), (int)size);
		assert_memory_equal(&out, &in, sizeof(in));
		assert_memory_equal(back, bytes, size);
		assert_int_equal(weir_memory_receive(f.end, 0, back, sizeof(back), &out), 0);
	}
	assert_int_equal(weir_memory_send(f.end, 0, bytes, 60, NULL), 0);
	assert_int_equal(receive(&f, &frame, 1), 1);
	assert_int_equal(frame->offload.gso_size, 0);
	weir_frame_release(frame);
	stop(&f);
}

static void full_into_the_switch(void **state)
{
	struct fixture f = start("memory:size=8");
	struct weir_frame *frames[NIC_BATCH];

	(void)state;
	for (int i = 0; i < 8; i++)
		assert_int_equal(weir_memory_send(f.end, 0, bytes, 60, NULL), 0);
	assert_int_equal(weir_memory_send(f.end, 0, bytes, 60, NULL), -EAGAIN);
	assert_int_equal(receive(&f, frames, 1), 1);
	assert_int_equal(weir_memory_send(f.end, 0, bytes, 60, NULL), 0);
	assert_int_equal(weir_memory_send(f.end, 0, bytes, 60, NULL), -EAGAIN);
	assert_int_equal(receive(&f, frames + 1, NIC_BATCH - 1), 8);
	for (int i = 0; i < 9; i++)
		weir_frame_release(frames[i]);
	// 128 KB: one largest frame, and no second one.
	assert_int_equal(weir_memory_send(f.end, 0, bytes, WEIR_FRAME_MAX, NULL), 0);
	assert_int_equal(weir_memory_send(f.end, 0, bytes, WEIR_FRAME_MAX, NULL), -EAGAIN);
	assert_int_equal(weir_memory_send(f.end, 0, bytes, 60000, NULL), 0);
	assert_int_equal(receive(&f, frames, NIC_BATCH), 2);
	weir_frame_release(frames[0]);
	weir_frame_release(frames[1]);
	stop(&f);
}

// What is not accepted stays the caller's, and a frame that others hold is not given away.
static void full_out_of_the_switch(void **state)
{
	struct fixture f = start("memory:size=4");
	struct weir_frame *frames[6];

	(void)state;
	for (int i = 0; i < 6; i++)
		frames[i] = make_frame(&f, 60, (uint8_t)i);
	frames[1]->refs = 2;
	assert_int_equal(transmit(&f, frames, 6), 4);
	assert_int_equal(frame_pool_in_use(f.pool), 3);
	assert_int_equal(transmit(&f, frames + 4, 2), 0);
	assert_int_equal(weir_memory_receive(f.end, 0, back, sizeof(back), NULL), 60);
	assert_int_equal(back[0], 0);
	assert_int_equal(transmit(&f, frames + 4, 2), 1);
	for (int i = 1; i < 5; i++) {
		assert_int_equal(weir_memory_receive(f.end, 0, back, sizeof(back), NULL), 60);
		assert_int_equal(back[59], i);
	}
	assert_int_equal(frames[1]->refs, 1);
	weir_frame_release(frames[1]);
	weir_frame_release(frames[5]);
	stop(&f);
}

static void segments_are_gathered(void **state)
{
	struct fixture f = start("memory");
	struct weir_segment last = { NULL, (const uint8_t *)"three", 5 };
	struct weir_segment first = { &last, (const uint8_t *)"two", 3 };
	struct weir_frame *frame = make_frame(&f, 3, 'x');

	(void)state;
	frame->segments = &first;
	frame->size = 11;
	assert_int_equal(transmit(&f, &frame, 1), 1);
	assert_int_equal(weir_memory_receive(f.end, 0, back, sizeof(back), NULL), 11);
	assert_memory_equal(back, "xxxtwothree", 11);
	stop(&f);
}

// Frames wait in the ring while the pool has no buffer for them.
static void pool_used_up(void **state)
{
	struct fixture f = start("memory");
	struct weir_frame *frames[8];

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_int_equal(weir_memory_send(f.end, 0, bytes, 3000, NULL), 0);
	assert_int_equal(receive(&f, frames, 8), 4);
	assert_int_equal(receive(&f, frames + 4, 4), 0);
	weir_frame_release(frames[3]);
	assert_int_equal(receive(&f, frames + 3, 5), 1);
	for (int i = 0; i < 4; i++)
		weir_frame_release(frames[i]);
	assert_int_equal(receive(&f, frames, 8), 1);
	weir_frame_release(frames[0]);
	stop(&f);
}

static void refused_calls(void **state)
{
	struct fixture f = start("memory:queues=2");
	struct weir_frame *frame = make_frame(&f, 100, 1);

	(void)state;
	assert_int_equal(weir_memory_n_queues(f.end), 2);
	assert_int_equal(weir_memory_send(f.end, 0, bytes, 0, NULL), -EMSGSIZE);
	assert_int_equal(weir_memory_send(f.end, 0, bytes, WEIR_FRAME_MAX + 1, NULL), -EMSGSIZE);
	assert_int_equal(weir_memory_send(f.end, 2, bytes, 60, NULL), -EINVAL);
	assert_int_equal(weir_memory_receive(f.end, 2, back, 60, NULL), -EINVAL);
	assert_int_equal(weir_memory_fd(f.end, 2), -EINVAL);
	assert_int_equal(transmit(&f, &frame, 1), 1);
	assert_int_equal(weir_memory_receive(f.end, 0, back, 99, NULL), -EMSGSIZE);
	assert_int_equal(weir_memory_receive(f.end, 0, back, 0, NULL), -EMSGSIZE);
	assert_int_equal(weir_memory_receive(f.end, 1, back, 99, NULL), 0);
	assert_int_equal(weir_memory_receive(f.end, 0, back, 100, NULL), 100);
	stop(&f);
}

static void batches(void **state)
{
	struct fixture f = start("memory:size=4");
	struct iovec out[6], in[6];
	struct virtio_net_hdr headers[6] = { { .hdr_len = 0 } };
	struct weir_frame *frames[6];

	(void)state;
	for (uint16_t i = 0; i < 6; i++) {
		out[i] = (struct iovec){ bytes, 60u + i };
		headers[i].hdr_len = i;
	}
	out[2].iov_len = WEIR_FRAME_MAX + 1;
	assert_int_equal(weir_memory_send_batch(f.end, 0, out, headers, 0), 0);
	assert_int_equal(weir_memory_send_batch(f.end, 0, out, headers, 6), 2);
	assert_int_equal(weir_memory_send_batch(f.end, 0, out + 2, headers, 4), -EMSGSIZE);
	assert_int_equal(weir_memory_send_batch(f.end, 0, out + 3, NULL, 3), 2);
	assert_int_equal(weir_memory_send_batch(f.end, 0, out + 5, NULL, 1), 0);
	assert_int_equal(weir_memory_send_batch(f.end, 1, out, headers, 6), -EINVAL);
	assert_int_equal(receive(&f, frames, 6), 4);
	assert_int_equal(frames[1]->offload.hdr_len, 1);
	assert_int_equal(frames[2]->offload.hdr_len, 0);
	frames[2]->offload.hdr_len = 5;
	assert_int_equal(transmit(&f, frames, 4), 4);
	for (int i = 0; i < 6; i++)
		in[i] = (struct iovec){ back + 100 * i, 100 };
	in[3].iov_len = 10;
	assert_int_equal(weir_memory_receive_batch(f.end, 0, in, headers, 0), 0);
	assert_int_equal(weir_memory_receive_batch(f.end, 0, in, headers, 6), 3);
	assert_int_equal(in[0].iov_len, 60);
	assert_int_equal(in[1].iov_len, 61);
	assert_int_equal(in[2].iov_len, 63);
	assert_int_equal(headers[2].hdr_len, 5);
	assert_int_equal(weir_memory_receive_batch(f.end, 0, in + 3, NULL, 3), -EMSGSIZE);
	assert_int_equal(weir_memory_receive_batch(f.end, 0, in + 4, NULL, 2), 1);
	assert_int_equal(in[4].iov_len, 64);
	stop(&f);
}

static void worker_sleeps_and_wakes(void **state)
{
	struct fixture f = start("memory");
	const struct nic_class *class = f.nic->class;
	int fd = class->receive_fd(f.nic, 0);
	struct weir_frame *frames[4];

	(void)state;
	assert_false(readable(fd));
	assert_int_equal(weir_memory_send(f.end, 0, bytes, 60, NULL), 0);
	assert_false(readable(fd)); // nobody sleeps, so nobody pays for waking
	assert_true(class->arm(f.nic, 0));
	assert_int_equal(receive(&f, frames, 4), 1);
	assert_false(class->arm(f.nic, 0));
	assert_false(class->arm(f.nic, 0));
	assert_int_equal(weir_memory_send(f.end, 0, bytes, 60, NULL), 0);
	assert_true(readable(fd));
	assert_int_equal(receive(&f, frames + 1, 3), 1);
	assert_false(class->arm(f.nic, 0));
	assert_false(readable(fd));
	assert_int_equal(weir_memory_send(f.end, 0, bytes, 60, NULL), 0);
	assert_int_equal(weir_memory_send(f.end, 0, bytes, 60, NULL), 0);
	assert_true(class->arm(f.nic, 0));
	assert_int_equal(receive(&f, frames + 2, 2), 2);
	assert_false(class->arm(f.nic, 0));
	assert_false(readable(fd));
	for (int i = 0; i < 4; i++)
		weir_frame_release(frames[i]);
	stop(&f);
}

static void application_sleeps_and_wakes(void **state)
{
	struct fixture f = start("memory");
	struct weir_frame *frames[3];
	uint64_t count;
	int fd;

	(void)state;
	for (int i = 0; i < 3; i++)
		frames[i] = make_frame(&f, 60, 0);
	assert_int_equal(weir_memory_receive(f.end, 0, back, sizeof(back), NULL), 0);
	assert_int_equal(transmit(&f, frames, 1), 1); // before anybody asked for the descriptor
	fd = weir_memory_fd(f.end, 0);
	assert_true(readable(fd));
	assert_int_equal(weir_memory_receive(f.end, 0, back, sizeof(back), NULL), 60);
	assert_int_equal(weir_memory_receive(f.end, 0, back, sizeof(back), NULL), 0);
	assert_false(readable(fd));
	assert_int_equal(transmit(&f, frames + 1, 1), 1);
	assert_true(readable(fd));
	assert_int_equal(read(fd, &count, sizeof(count)), sizeof(count)); // not needed, not harmful
	assert_int_equal(weir_memory_receive(f.end, 0, back, sizeof(back), NULL), 60);
	assert_int_equal(weir_memory_receive(f.end, 0, back, sizeof(back), NULL), 0);
	assert_false(readable(fd));
	assert_int_equal(transmit(&f, frames + 2, 1), 1);
	assert_true(readable(fd));
	assert_int_equal(weir_memory_receive(f.end, 0, back, sizeof(back), NULL), 60);
	stop(&f);
}

static void handle_outlives_the_nic(void **state)
{
	struct fixture f = start("memory:queues=2");
	struct weir_memory *second = nic_memory_end(f.nic);
	struct weir_frame *frame = make_frame(&f, 60, 9);
	int fd = weir_memory_fd(f.end, 1);

	(void)state;
	assert_int_equal(weir_memory_receive(f.end, 1, back, sizeof(back), NULL), 0);
	assert_false(readable(fd));
	assert_int_equal(transmit(&f, &frame, 1), 1);
	assert_int_equal(weir_memory_send(f.end, 0, bytes, 60, NULL), 0);
	nic_close(f.nic);
	assert_true(readable(fd));
	assert_int_equal(weir_memory_receive(f.end, 1, back, sizeof(back), NULL), -ENODEV);
	assert_int_equal(weir_memory_send(f.end, 0, bytes, 60, NULL), -ENODEV);
	weir_memory_release(f.end);
	assert_int_equal(weir_memory_receive(second, 0, back, sizeof(back), NULL), 60);
	assert_int_equal(back[0], 9);
	assert_int_equal(weir_memory_receive(second, 0, back, sizeof(back), NULL), -ENODEV);
	weir_memory_release(second);
	weir_memory_release(NULL);
	frame_pool_destroy(f.pool);
}

static void nic_outlives_the_handle(void **state)
{
	struct fixture f = start("memory");
	struct weir_frame *frame = make_frame(&f, 60, 9);

	(void)state;
	weir_memory_release(f.end);
	assert_int_equal(transmit(&f, &frame, 1), 1);
	assert_int_equal(receive(&f, &frame, 1), 0);
	f.end = NULL;
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(full_into_the_switch),
		cmocka_unit_test(full_out_of_the_switch),
		cmocka_unit_test(segments_are_gathered),
		cmocka_unit_test(pool_used_up),
		cmocka_unit_test(refused_calls),
		cmocka_unit_test(batches),
		cmocka_unit_test(worker_sleeps_and_wakes),
		cmocka_unit_test(application_sleeps_and_wakes),
		cmocka_unit_test(handle_outlives_the_nic),
		cmocka_unit_test(nic_outlives_the_handle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
