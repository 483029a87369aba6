// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Frames through NICs of the kind `dpdk`: net_ring gives back what was sent to it, mbuf for mbuf,
// so that what was copied and what was not can be told by where the bytes are.
#include "dpdk_fixture.h"

// A frame that is an mbuf, by way of a ring.
static struct weir_frame *make_own(struct nic *ring, uint32_t size, unsigned id)
{
	struct weir_frame *frame = make_frame(pool, size, id);

	transmit(ring, &frame, 1);
	return receive_one(ring);
}

static void foreign_frames_are_copied(void **state)
{
	static const uint32_t sizes[] = { 1, 14, 60, 255, 256, 257, 1514, 2047, 2048, 2049, 4096,
		9018, 65535, WEIR_FRAME_MAX };
	struct nic *ring = open_nic("dpdk:net_ring0");

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct weir_frame *frame = make_frame(pool, sizes[i], i);

		print_message("%u bytes\n", sizes[i]);
		transmit(ring, &frame, 1);
		assert_int_equal(frame_pool_in_use(pool), 0);
		frame = receive_one(ring);
		check_frame(frame, sizes[i], i, 0);
		weir_frame_release(frame);
	}
	close_all(ring, NULL);
}

static void own_frames_are_not_copied(void **state)
{
	struct nic *a = open_nic("dpdk:net_ring0"), *b = open_nic("dpdk:net_ring1");
	static const uint32_t sizes[] = { 60, 1514, 2048, 2049, 9018 };

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct weir_frame *frame = make_own(a, sizes[i], i), *sent = frame;
		uint8_t *data = frame->data;

		transmit(b, &frame, 1);
		frame = receive_one(b);
		assert_ptr_equal(frame, sent);
		assert_ptr_equal(frame->data, data);
		check_frame(frame, sizes[i], i, 0);
		weir_frame_release(frame);
	}
	close_all(a, b);
}

// What holders do to a frame: bytes before and behind are added and taken away, fields written.
static void changed_frames(void **state)
{
	struct nic *ring = open_nic("dpdk:net_ring0");
	struct weir_frame *frame = make_own(ring, 600, 1);

	(void)state;
	frame->data += 40;
	frame->headroom += 40;
	frame->size = frame->linear = 500;
	frame->offload.csum_offset = 16;
	frame->port = 7;
	frame->flags = WEIR_FRAME_ORIGINATED;
	frame->hops = 3;
	frame->hash = 99;
	transmit(ring, &frame, 1);
	frame = receive_one(ring);
	check_frame(frame, 500, 1, 40);
	frame->data -= 40;
	frame->headroom = (uint16_t)(frame->headroom - 40);
	frame->size = frame->linear = 540;
	transmit(ring, &frame, 1);
	frame = receive_one(ring);
	check_frame(frame, 540, 1, 0);
	weir_frame_release(frame);
	close_all(ring, NULL);
}

// The linear part is made longer when a chain begins with too little, over several mbufs, too.
static void short_beginnings(void **state)
{
	static const uint32_t left[] = { 1, 13, 100, 255, 256, 257 };
	struct nic *ring = open_nic("dpdk:net_ring0");

	(void)state;
	for (unsigned i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		for (uint32_t size = 2049; size < 4600; size += 150) {
			struct weir_frame *frame = make_own(ring, size, i);
			uint32_t cut = frame->linear - left[i];

			frame->data += cut;
			frame->headroom = (uint16_t)(frame->headroom + cut);
			frame->linear -= cut;
			frame->size -= cut;
			transmit(ring, &frame, 1);
			frame = receive_one(ring);
			check_frame(frame, size - cut, i, cut);
			weir_frame_release(frame);
		}
	}
	close_all(ring, NULL);
}

static void shared_frames_are_copied(void **state)
{
	struct nic *a = open_nic("dpdk:net_ring0"), *b = open_nic("dpdk:net_ring1");
	static const uint32_t sizes[] = { 60, 2048, 2049, 9018 };

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct weir_frame *frame = make_own(a, sizes[i], i), *copy;

		frame->refs = 2;
		transmit(b, &frame, 1);
		assert_int_equal(frame->refs, 1);
		copy = receive_one(b);
		assert_ptr_not_equal(copy, frame);
		copy->data[0] ^= 0xff; // it is private
		check_frame(frame, sizes[i], i, 0);
		copy->data[0] ^= 0xff;
		check_frame(copy, sizes[i], i, 0);
		weir_frame_release(copy);
		weir_frame_release(frame);
	}
	close_all(a, b);
}

// One batch of all sorts keeps its order.
static void mixed_batch(void **state)
{
	struct nic *a = open_nic("dpdk:net_ring0"), *b = open_nic("dpdk:net_ring1");
	struct weir_frame *frames[NIC_BATCH], *got[NIC_BATCH];

	(void)state;
	for (unsigned i = 0; i < NIC_BATCH; i++) {
		uint32_t size = i % 5 == 4 ? 3000 : 60 + i;

		frames[i] = i % 3 ? make_own(a, size, i) : make_frame(pool, size, i);
		frames[i]->refs = i % 7 == 0 ? 2 : 1;
	}
	memcpy(got, frames, sizeof(got));
	transmit(b, got, NIC_BATCH);
	assert_int_equal(receive(b, got, NIC_BATCH), NIC_BATCH);
	for (unsigned i = 0; i < NIC_BATCH; i++) {
		check_frame(got[i], i % 5 == 4 ? 3000 : 60 + i, i, 0);
		weir_frame_release(got[i]);
		if (i % 7 == 0)
			weir_frame_release(frames[i]);
	}
	close_all(a, b);
}

// What does not fit stays with the caller, whole, whatever sort of frame it is.
static void full_ring(void **state)
{
	struct nic *a = open_nic("dpdk:net_ring0"), *b = open_nic("dpdk:net_ring1");
	struct weir_frame *frames[NIC_BATCH];
	unsigned sent = 0, got = 0, accepted, lost = 0;
	int n;

	(void)state;
	do {
		for (unsigned i = 0; i < NIC_BATCH; i++)
			frames[i] = i % 2 ? make_own(a, 60, i) : make_frame(pool, 60, i);
		accepted = b->class->transmit(b, 0, frames, NIC_BATCH, &lost);
		sent += accepted;
		for (unsigned i = accepted; i < NIC_BATCH; i++) {
			check_frame(frames[i], 60, i, 0);
			weir_frame_release(frames[i]);
		}
	} while (accepted == NIC_BATCH && sent < N_MBUFS);
	assert_true(accepted < NIC_BATCH);
	assert_int_equal(lost, 0);
	assert_int_equal(frame_pool_in_use(pool), 0);
	while ((n = receive(b, frames, NIC_BATCH)) > 0)
		for (int i = 0; i < n; i++, got++)
			weir_frame_release(frames[i]);
	assert_int_equal(n, 0);
	assert_int_equal(got, sent);
	close_all(a, b);
}

// Without mbufs nothing is accepted that needs one, and nothing is received; with them it goes on.
static void used_up_pool(void **state)
{
	static struct weir_frame *held[N_MBUFS];
	struct nic *ring = open_nic("dpdk:net_ring0");
	struct weir_frame *frame;
	unsigned n = 0, lost = 0;

	(void)state;
	for (;;) {
		frame = make_frame(pool, 60, n);
		if (ring->class->transmit(ring, 0, &frame, 1, &lost) == 0)
			break;
		held[n++] = receive_one(ring);
	}
	weir_frame_release(frame);
	assert_int_equal(lost, 0);
	assert_int_equal(n, N_MBUFS);
	transmit(ring, &held[n - 1], 1); // needs none
	held[n - 1] = receive_one(ring);
	while (n)
		weir_frame_release(held[--n]);
	frame = make_own(ring, 60, 1);
	check_frame(frame, 60, 1, 0);
	weir_frame_release(frame);
	close_all(ring, NULL);
}

// What is in a device when it is closed comes back to the pool.
static void closed_with_frames(void **state)
{
	struct nic *a = open_nic("dpdk:net_ring0"), *b = open_nic("dpdk:net_ring1");
	struct weir_frame *frames[NIC_BATCH];

	(void)state;
	for (unsigned i = 0; i < NIC_BATCH; i++)
		frames[i] = make_frame(pool, 60, i);
	transmit(b, frames, NIC_BATCH);
	nic_close(b);
	close_all(a, NULL);
}

// A frame outlives the NIC that it came from.
static void frame_after_close(void **state)
{
	struct nic *a = open_nic("dpdk:net_ring0"), *b;
	struct weir_frame *frame = make_own(a, 100, 3);

	(void)state;
	nic_close(a);
	check_frame(frame, 100, 3, 0);
	b = open_nic("dpdk:net_ring1");
	transmit(b, &frame, 1);
	frame = receive_one(b);
	check_frame(frame, 100, 3, 0);
	weir_frame_release(frame);
	close_all(b, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_frames_are_copied),
		cmocka_unit_test(own_frames_are_not_copied),
		cmocka_unit_test(changed_frames),
		cmocka_unit_test(short_beginnings),
		cmocka_unit_test(shared_frames_are_copied),
		cmocka_unit_test(mixed_batch),
		cmocka_unit_test(full_ring),
		cmocka_unit_test(used_up_pool),
		cmocka_unit_test(closed_with_frames),
		cmocka_unit_test(frame_after_close),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
