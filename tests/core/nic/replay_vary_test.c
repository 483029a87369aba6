// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Ever new flows out of a short capture.
#include "replay_files.h"
#include "samples.h"

#include "nic/replay_vary.h"

enum { N_PAIRS = 1 << 20 };

static const struct sample varied[] = {
	{ "udp4", 4, 0, false, SAMPLE_UDP, 18, 0, 0 },
	{ "udp4, two tags, options", 4, 2, true, SAMPLE_UDP, 19, 0, 0 },
	{ "udp6, extension headers", 6, 0, true, SAMPLE_UDP, 18, 0, 0 },
	{ "tcp4", 4, 0, false, SAMPLE_TCP, 0, 0, 0x18 },
	{ "tcp6, one tag", 6, 1, false, SAMPLE_TCP, 101, 0, 0x18 },
};

static struct weir_frame *make(struct frame_pool *pool, const struct sample *sample)
{
	struct weir_frame *frame = frame_alloc(pool, FRAME_POOL_SMALL);
	struct virtio_net_hdr offload;

	assert_non_null(frame);
	frame->size = frame->linear = build_sample(sample, frame->data, &offload);
	frame->offload = offload;
	if (sample->protocol != SAMPLE_SCTP)
		assert_int_equal(offload_finish_checksum(frame), 0);
	frame->offload = (struct virtio_net_hdr){ 0 };
	return frame;
}

// Only the ports and the checksum differ, and the checksum is right.
static void checksums_stay_right(void **state)
{
	struct frame_pool *pool = frame_pool_create(2, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(varied) / sizeof(varied[0]); i++) {
		struct weir_frame *frame = make(pool, &varied[i]), *before = make(pool, &varied[i]);
		struct layout at = { 0 };

		assert_true(find_layout(frame->data, frame->size, &at));
		for (uint32_t n = 0; n < 70000; n++) {
			uint32_t sum = at.l4 + (varied[i].protocol == SAMPLE_TCP ? 16 : 6);

			replay_vary(frame, n);
			if (!is_finished(frame->data, frame->size))
				fail_msg("%s: the checksum of %u is wrong", varied[i].name, n);
			before->data[sum] = frame->data[sum];
			before->data[sum + 1] = frame->data[sum + 1];
			memcpy(before->data + at.l4, frame->data + at.l4, 4);
			assert_memory_equal(before->data, frame->data, frame->size);
		}
		weir_frame_release(frame);
		weir_frame_release(before);
	}
	frame_pool_destroy(pool);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void no_pair_comes_twice(void **state)
{
	struct frame_pool *pool = frame_pool_create(1, 0);
	struct weir_frame *frame = make(pool, &varied[0]);
	uint32_t *pairs = calloc(N_PAIRS, sizeof(*pairs)), low = 0;

	(void)state;
	assert_non_null(pairs);
	for (uint32_t n = 0; n < N_PAIRS; n++) {
		replay_vary(frame, n * 4096u + n % 4096u);
		memcpy(&pairs[n], frame->data + 34, sizeof(pairs[n]));
		low += pairs[n] >> 31;
	}
	// Both halves of the range are met about equally: ten standard deviations of leeway.
	assert_in_range(low, N_PAIRS / 2 - 5120, N_PAIRS / 2 + 5120);
	qsort(pairs, N_PAIRS, sizeof(*pairs), compare);
	for (uint32_t n = 1; n < N_PAIRS; n++)
		assert_int_not_equal(pairs[n], pairs[n - 1]);
	free(pairs);
	weir_frame_release(frame);
	frame_pool_destroy(pool);
}

// A datagram without a checksum (RFC 768) stays without.
static void no_checksum_is_made(void **state)
{
	struct frame_pool *pool = frame_pool_create(1, 0);
	struct weir_frame *frame = make(pool, &varied[0]);

	(void)state;
	put16(frame->data + 40, 0);
	for (uint32_t n = 0; n < 1000; n++) {
		replay_vary(frame, n);
		assert_int_equal(get16(frame->data + 40), 0);
	}
	weir_frame_release(frame);
	frame_pool_destroy(pool);
}

static void assert_untouched(struct frame_pool *pool, struct weir_frame *frame)
{
	struct weir_frame *before = frame_clone(pool, frame);

	replay_vary(frame, 12345);
	assert_memory_equal(frame->data, before->data, frame->size);
	weir_frame_release(frame);
	weir_frame_release(before);
}

static void others_stay_as_they_are(void **state)
{
	static const struct sample sctp = { "sctp", 4, 0, false, SAMPLE_SCTP, 20, 0, 0 };
	struct frame_pool *pool = frame_pool_create(2, 0);
	struct weir_frame *frame = make(pool, &varied[0]);

	(void)state;
	put16(frame->data + 12, 0x0806); // no IP
	assert_untouched(pool, frame);
	frame = make(pool, &varied[0]);
	put16(frame->data + 20, 0x2000); // the first of several fragments
	assert_untouched(pool, frame);
	frame = make(pool, &varied[0]);
	frame->size = frame->linear = 40; // ends inside the UDP header
	assert_untouched(pool, frame);
	assert_untouched(pool, make(pool, &sctp));
	frame_pool_destroy(pool);
}

// Through the NIC: with few frames in the file each one handed out is new; without the option none.
static void from_a_file(void **state)
{
	static const char *const options[] = { ",loop", ",loop,vary", ",vary,loop,pps=1000000000" };
	struct frame_pool *pool = frame_pool_create(NIC_BATCH, 0);
	struct weir_frame *frames[NIC_BATCH], *frame = make(pool, &varied[0]);
	uint32_t header[4] = { 0, 0, frame->size, frame->size };
	FILE *stream = begin("vary.pcap", LINK_ETHERNET);

	(void)state;
	assert_int_equal(fwrite(header, sizeof(header), 1, stream), 1);
	assert_int_equal(fwrite(frame->data, frame->size, 1, stream), 1);
	assert_int_equal(fclose(stream), 0);
	for (int i = 0; i < 3; i++) {
		struct nic *nic = open_replay("vary.pcap", options[i]);
		char text[512];
		int n = 0;

		while (n < 20)
			n += nic->class->receive(nic, 0, pool, frames + n, 20 - (unsigned)n);
		for (int j = 0; j < n; j++) {
			assert_true(is_finished(frames[j]->data, frames[j]->size));
			assert_true((memcmp(frames[j]->data, frame->data, frame->size) == 0) ==
				    (i == 0));
			assert_true(j == 0 ||
				    (memcmp(frames[j]->data + 34, frames[j - 1]->data + 34, 4) ==
					    0) == (i == 0));
		}
		nic->class->describe(nic, text, sizeof(text));
		assert_true((strstr(text, ", vary") != NULL) == (i > 0));
		assert_int_equal(nic->rx_waits, i < 2);
		while (n)
			weir_frame_release(frames[--n]);
		nic_close(nic);
	}
	weir_frame_release(frame);
	frame_pool_destroy(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums_stay_right),
		cmocka_unit_test(no_pair_comes_twice),
		cmocka_unit_test(no_checksum_is_made),
		cmocka_unit_test(others_stay_as_they_are),
		cmocka_unit_test(from_a_file),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
