// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The kind `packet` on real interfaces: what goes through it.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "packet_fixture.h"

// Everything that is sent arrives once, in order, unchanged; what we send we do not see.
static void both_ways(void **state)
{
	(void)state;
	NEEDS_NETWORK();
	for (unsigned m = 0; m < 2; m++) {
		struct nic *nic = open_nic(PACKET, modes[m]);
		int raw = raw_socket("wb");
		uint8_t frame[2048];

		assert_string_equal(nic->ifname, "wa");
		assert_int_equal(nic->ifindex, if_nametoindex("wa"));
		assert_int_equal(nic->mtu, 1500);
		assert_int_equal(nic->n_tx_queues, 2);
		send_numbered(nic, 0, 1000);
		for (uint32_t i = 0; i < 1000; i++)
			check_numbered(frame, raw_receive(raw, frame, sizeof(frame), NULL), i);
		assert_int_equal(raw_receive(raw, frame, sizeof(frame), NULL), 0);
		assert_int_equal(receive_frames(nic, 0, pool, frames, 1), 0);
		for (uint32_t i = 0; i < 400; i++) {
			numbered(frame, size_of(i), i);
			raw_send(raw, frame, size_of(i), NULL);
		}
		assert_int_equal(receive_frames(nic, 0, pool, frames, MAX_FRAMES), 400);
		for (uint32_t i = 0; i < 400; i++) {
			assert_int_equal(frames[i]->linear, frames[i]->size);
			assert_true(frames[i]->headroom >= WEIR_FRAME_HEADROOM);
			check_numbered(frames[i]->data, frames[i]->size, i);
		}
		release_frames(frames, 400);
		assert_int_equal(nic->rx_missed[0], 0);
		close(raw);
		PACKET->close(nic);
	}
}

// The host's own transmissions on the interface, from another socket, are not received either.
static void nothing_outgoing(void **state)
{
	(void)state;
	NEEDS_NETWORK();
	for (unsigned m = 0; m < 2; m++) {
		struct nic *nic = open_nic(PACKET, modes[m]);
		int raw = raw_socket("wa");

		numbered(bytes, 60, 1);
		for (int i = 0; i < 10; i++)
			raw_send(raw, bytes, 60, NULL);
		assert_int_equal(receive_frames(nic, 0, pool, frames, 1), 0);
		close(raw);
		PACKET->close(nic);
	}
}

// The kernel takes the outermost tag out of the frame: it must be back in its place, whichever kind
// it is, and the offsets of the offload state must count it.
static void tags(void **state)
{
	static const struct sample samples[] = {
		{ "802.1Q", 4, 1, false, SAMPLE_UDP, 100, 0, 0 },
		{ "802.1ad and 802.1Q", 6, 2, false, SAMPLE_TCP, 1000, 0, 0x18 },
		{ "802.1Q, segmentation", 4, 1, false, SAMPLE_TCP, 20000, 1400, 0x18 },
		{ "two tags, segmentation", 6, 2, true, SAMPLE_TCP, 60000, 1400, 0x18 },
	};

	(void)state;
	NEEDS_NETWORK();
	for (unsigned m = 0; m < 2; m++) {
		struct nic *nic = open_nic(PACKET, modes[m]);
		int raw = raw_socket("wb");

		for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
			struct virtio_net_hdr offload;
			uint32_t size = build_sample(&samples[i], bytes, &offload);

			print_message("%s: %s\n", modes[m], samples[i].name);
			raw_send(raw, bytes, size, &offload);
			assert_int_equal(receive_frames(nic, 0, pool, frames, 1), 1);
			assert_int_equal(frames[0]->size, size);
			assert_memory_equal(frames[0]->data, bytes, size);
			assert_true(frames[0]->headroom >= WEIR_FRAME_HEADROOM);
			assert_true(offload_sanitize(frames[0]));
			assert_memory_equal(&frames[0]->offload, &offload, sizeof(offload));
			weir_frame_release(frames[0]);
		}
		close(raw);
		PACKET->close(nic);
	}
}

// Frames of up to 64 KB between small ones, in order, with their state.
static void large_frames(void **state)
{
	static const struct sample large = { "", 4, 0, false, SAMPLE_TCP, 65400, 1448, 0x18 };
	static const struct sample small = { "", 4, 0, false, SAMPLE_TCP, 100, 0, 0x18 };

	(void)state;
	NEEDS_NETWORK();
	for (unsigned m = 0; m < 2; m++) {
		struct nic *nic = open_nic(PACKET, modes[m]);
		int raw = raw_socket("wb");

		for (uint32_t i = 0; i < 40; i++) {
			struct virtio_net_hdr offload;
			uint32_t size = build_sample(i % 3 ? &large : &small, bytes, &offload);

			bytes[size - 1] = (uint8_t)i;
			raw_send(raw, bytes, size, &offload);
		}
		assert_int_equal(receive_frames(nic, 0, pool, frames, MAX_FRAMES), 40);
		for (uint32_t i = 0; i < 40; i++) {
			struct virtio_net_hdr offload;
			uint32_t size = build_sample(i % 3 ? &large : &small, bytes, &offload);

			bytes[size - 1] = (uint8_t)i;
			assert_int_equal(frames[i]->size, size);
			assert_memory_equal(frames[i]->data, bytes, size);
			assert_true(offload_sanitize(frames[i]));
			assert_memory_equal(&frames[i]->offload, &offload, sizeof(offload));
		}
		release_frames(frames, 40);
		assert_int_equal(nic->rx_missed[0], 0);
		close(raw);
		PACKET->close(nic);
	}
}

// What we send unfinished the kernel finishes, when its interface cannot: the state we gave is
// right, and our own segmentation makes the same bytes as the kernel's.
static void kernel_agrees(void **state)
{
	struct weir_frame *ours[MAX_FRAMES];
	struct nic *a, *b;

	(void)state;
	NEEDS_NETWORK();
	finish_in_kernel("wa");
	a = open_nic(PACKET, "wa");
	b = open_nic(PACKET, "wb");
	for (size_t i = 0; i < N_SEGMENT_SAMPLES; i++) {
		const struct sample *sample = &segment_samples[i];
		struct virtio_net_hdr offload;
		uint32_t size = build_sample(sample, bytes, &offload);
		struct weir_frame *frame = make_frame(pool, bytes, size, &offload);
		unsigned lost = 0;
		int n;

		print_message("%s\n", sample->name);
		n = offload_segment(pool, frame, ours, MAX_FRAMES);
		assert_true(n > 0);
		assert_int_equal(offload_needs(frame) & ~a->offloads, 0);
		assert_int_equal(PACKET->transmit(a, 0, &frame, 1, &lost), 1);
		assert_int_equal(lost, 0);
		assert_int_equal(receive_frames(b, 0, pool, frames, MAX_FRAMES), n);
		for (int s = 0; s < n; s++) {
			assert_int_equal(frames[s]->offload.gso_type, VIRTIO_NET_HDR_GSO_NONE);
			assert_true(is_finished(frames[s]->data, frames[s]->size));
			assert_int_equal(frames[s]->size, ours[s]->size);
			assert_memory_equal(frames[s]->data, ours[s]->data, ours[s]->size);
		}
		release_frames(frames, n);
		release_frames(ours, n);
	}
	PACKET->close(a);
	PACKET->close(b);
}

// Frames of several pieces, and one with more pieces than any batch takes.
static void pieces(void **state)
{
	static const struct {
		uint32_t n; // segments behind the linear part
		unsigned lost;
	} rows[] = { { 1, 0 }, { 254, 0 }, { 255, 1 }, { 400, 1 } };
	static struct weir_segment segments[400];
	struct nic *nic;
	int raw;

	(void)state;
	NEEDS_NETWORK();
	nic = open_nic(PACKET, "wa");
	raw = raw_socket("wb");
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		uint32_t n = rows[r].n, size = 300 + n;
		struct weir_frame *frame;
		uint8_t got[2048];
		unsigned lost = 0;

		numbered(bytes, size, n);
		frame = make_frame(pool, bytes, size, NULL);
		frame->linear = 300;
		frame->segments = segments;
		for (uint32_t i = 0; i < n; i++)
			segments[i] = (struct weir_segment){ i + 1 < n ? &segments[i + 1] : NULL,
				frame->data + 300 + i, 1 };
		assert_int_equal(PACKET->transmit(nic, 0, &frame, 1, &lost), 1);
		assert_int_equal(lost, rows[r].lost);
		assert_int_equal(raw_receive(raw, got, sizeof(got), NULL), lost ? 0 : size);
		if (!lost)
			assert_memory_equal(got, bytes, size);
	}
	close(raw);
	PACKET->close(nic);
}

// A frame that the kernel refuses is lost alone.
static void refused_by_kernel(void **state)
{
	unsigned lost = 0;
	struct nic *nic;
	uint8_t got[2048];
	int raw;

	(void)state;
	NEEDS_NETWORK();
	nic = open_nic(PACKET, "wa");
	raw = raw_socket("wb");
	for (unsigned i = 0; i < 5; i++) {
		numbered(bytes, 1600, i);
		frames[i] = make_frame(pool, bytes, i == 2 ? 1600 : size_of(i), NULL);
		if (i == 4)
			frames[i]->offload.gso_type = 0x7f;
	}
	assert_int_equal(PACKET->transmit(nic, 0, frames, 5, &lost), 5);
	assert_int_equal(lost, 2);
	for (uint32_t i = 0; i < 4; i++)
		if (i != 2)
			check_numbered(got, raw_receive(raw, got, sizeof(got), NULL), i);
	assert_int_equal(raw_receive(raw, got, sizeof(got), NULL), 0);
	close(raw);
	PACKET->close(nic);
}

// Each flow stays on one queue, all queues are used, nothing comes twice, nothing of our own.
static void queues(void **state)
{
	static const struct sample sample = { "", 4, 0, false, SAMPLE_UDP, 100, 0, 0 };
	struct virtio_net_hdr offload;
	struct nic *nic;
	int raw, queue_of[64] = { 0 }, used = 0, total = 0;
	uint32_t size;

	(void)state;
	NEEDS_NETWORK();
	nic = open_nic(PACKET, "wa,queues=4");
	raw = raw_socket("wb");
	assert_int_equal(nic->n_rx_queues, 4);
	size = build_sample(&sample, bytes, &offload);
	for (uint32_t i = 0; i < 256; i++) {
		put16(bytes + 34, 1000 + i % 64);
		raw_send(raw, bytes, size, &offload);
	}
	for (unsigned q = 0; q < 4; q++) {
		int n = receive_frames(nic, q, pool, frames, MAX_FRAMES);

		assert_true(n >= 0);
		used += n > 0;
		total += n;
		for (int i = 0; i < n; i++) {
			int *queue = &queue_of[get16(frames[i]->data + 34) - 1000];

			assert_true(*queue == 0 || *queue == (int)q + 1);
			*queue = (int)q + 1;
		}
		release_frames(frames, n);
	}
	assert_int_equal(total, 256);
	assert_true(used > 1);
	close(raw);
	raw = raw_socket("wa");
	raw_send(raw, bytes, size, &offload);
	send_numbered(nic, 0, 10);
	for (unsigned q = 0; q < 4; q++)
		assert_int_equal(receive_frames(nic, q, pool, frames, 1), 0);
	close(raw);
	PACKET->close(nic);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_ways),
		TEST(nothing_outgoing),
		TEST(tags),
		TEST(large_frames),
		TEST(kernel_agrees),
		TEST(pieces),
		TEST(refused_by_kernel),
		TEST(queues),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
