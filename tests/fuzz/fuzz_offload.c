// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Offload state and frames of a hostile guest: ten bytes of struct virtio_net_hdr, one byte that
// says where the linear part ends (in steps of 8, 0 = nowhere), then the frame. The frame's pieces
// are allocated to the byte, so that the sanitizer sees every access outside.
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nic/offload.h"

enum { MAX_SEGMENTS = 64 };

struct input {
	struct weir_frame frame;
	struct weir_segment rest;
	uint8_t *first, *second;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static uint8_t *duplicate(const uint8_t *bytes, uint32_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	require(copy != NULL);
	if (size)
		memcpy(copy, bytes, size);
	return copy;
}

static void build(struct input *input, const uint8_t *data, uint32_t size)
{
	uint32_t linear = data[sizeof(struct virtio_net_hdr)] * 8u;

	*input = (struct input){ .frame = { .refs = 1 } };
	memcpy(&input->frame.offload, data, sizeof(input->frame.offload));
	data += sizeof(struct virtio_net_hdr) + 1;
	size -= sizeof(struct virtio_net_hdr) + 1;
	if (linear == 0 || linear > size)
		linear = size;
	input->first = duplicate(data, linear);
	input->second = duplicate(data + linear, size - linear);
	input->frame.data = input->first;
	input->frame.linear = linear;
	input->frame.size = size;
	input->rest = (struct weir_segment){ .data = input->second, .size = size - linear };
	if (size > linear)
		input->frame.segments = &input->rest;
}

static void destroy(struct input *input)
{
	free(input->first);
	free(input->second);
}

// The segments carry the payload in order, each not above the size asked for.
static void check_segments(const struct input *input, struct weir_frame **segments, int n)
{
	static uint8_t whole[WEIR_FRAME_MAX + 8];
	uint32_t headers = input->frame.offload.hdr_len, at = headers;

	frame_copy_bytes(&input->frame, whole, sizeof(whole));
	for (int i = 0; i < n; i++) {
		uint32_t payload = segments[i]->size - headers;

		require(segments[i]->size > headers && segments[i]->linear == segments[i]->size);
		require(payload <= input->frame.offload.gso_size);
		require(offload_needs(segments[i]) == 0);
		require(at + payload <= input->frame.size);
		require(memcmp(segments[i]->data + headers, whole + at, payload) == 0);
		at += payload;
		weir_frame_release(segments[i]);
	}
	require(n <= 0 || at == input->frame.size);
}

static void run_sanitized(struct frame_pool *pool, struct input *input)
{
	struct weir_frame *frame = &input->frame, *segments[MAX_SEGMENTS];
	const struct virtio_net_hdr *offload = &frame->offload;
	unsigned needs = offload_needs(frame);

	require(needs != ~0u);
	if (needs & NIC_OFFLOAD_CSUM)
		require(offload->csum_start + offload->csum_offset + 2u <= offload->hdr_len);
	require(offload->hdr_len <= frame->linear);
	if (offload->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		int n = offload_segment(pool, frame, segments, MAX_SEGMENTS);

		require(frame->size > (uint32_t)offload->hdr_len + offload->gso_size);
		require(n > 1 || n == -ENOBUFS);
		check_segments(input, segments, n);
	}
	if (needs & NIC_OFFLOAD_CSUM)
		require(offload_finish_checksum(frame) == 0);
	// What was said to be clean stays so.
	require(offload_sanitize(frame));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weir_frame *segments[MAX_SEGMENTS];
	struct frame_pool *pool;
	struct input input;
	int n;

	if (size < sizeof(struct virtio_net_hdr) + 1 || size > WEIR_FRAME_MAX)
		return 0;
	pool = frame_pool_create(MAX_SEGMENTS, MAX_SEGMENTS);
	require(pool != NULL);
	// Both must stand state that nobody sanitized.
	build(&input, data, (uint32_t)size);
	n = offload_segment(pool, &input.frame, segments, MAX_SEGMENTS);
	while (n > 0)
		weir_frame_release(segments[--n]);
	offload_finish_checksum(&input.frame);
	destroy(&input);
	build(&input, data, (uint32_t)size);
	if (offload_sanitize(&input.frame))
		run_sanitized(pool, &input);
	destroy(&input);
	require(frame_pool_in_use(pool) == 0);
	frame_pool_destroy(pool);
	return 0;
}
