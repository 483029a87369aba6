// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// Checksums and segmentation in software. The kernel's own segmentation of the same frames is
// compared in packet_test.c.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "nic/offload.h"
#include "nic/offload_checksum.h"
#include "samples.h"

enum { MAX_SEGMENTS = 128 };

static uint8_t bytes[WEIR_FRAME_MAX];
static struct frame_pool *pool;

static int setup(void **state)
{
	(void)state;
	pool = frame_pool_create(256, 8);
	return pool ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(frame_pool_in_use(pool), 0);
	frame_pool_destroy(pool);
	return 0;
}

// Spreads a frame's bytes over pieces of its own: the first WEIR_FRAME_LINEAR stay, the rest goes
// into pieces of odd sizes.
struct scattered {
	struct weir_frame frame;
	struct weir_segment segments[64];
};

static void scatter(struct scattered *out, const struct weir_frame *frame)
{
	uint32_t at = frame->size < WEIR_FRAME_LINEAR ? frame->size : WEIR_FRAME_LINEAR, size = 7;
	struct weir_segment **link = &out->frame.segments;
	unsigned n = 0;

	out->frame = *frame;
	out->frame.linear = at;
	for (; at < frame->size; at += size, size = size * 2 + 1) {
		out->segments[n] = (struct weir_segment){ .data = frame->data + at };
		out->segments[n].size = size < frame->size - at ? size : frame->size - at;
		*link = &out->segments[n];
		link = &out->segments[n++].next;
	}
}

static const struct sample checksum_samples[] = {
	{ "tcp4", 4, 0, false, SAMPLE_TCP, 100, 0, 0x18 },
	{ "tcp4, odd", 4, 0, false, SAMPLE_TCP, 1447, 0, 0x18 },
	{ "tcp4, empty", 4, 1, true, SAMPLE_TCP, 0, 0, 0x10 },
	{ "tcp4, large", 4, 2, false, SAMPLE_TCP, 65000, 0, 0x10 },
	{ "tcp6, extensions", 6, 1, true, SAMPLE_TCP, 1001, 0, 0x18 },
	{ "udp4", 4, 0, false, SAMPLE_UDP, 18, 0, 0 },
	{ "udp4, empty", 4, 0, false, SAMPLE_UDP, 0, 0, 0 },
	{ "udp6", 6, 2, false, SAMPLE_UDP, 1399, 0, 0 },
};

static void checksums(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(checksum_samples) / sizeof(checksum_samples[0]); i++) {
		struct virtio_net_hdr offload;
		uint32_t size = build_sample(&checksum_samples[i], bytes, &offload);
		struct weir_frame *frame = make_frame(pool, bytes, size, &offload);
		struct weir_frame *other = make_frame(pool, bytes, size, &offload);
		struct scattered scattered;

		print_message("%s\n", checksum_samples[i].name);
		assert_true(offload_sanitize(frame));
		assert_memory_equal(&frame->offload, &offload, sizeof(offload));
		assert_int_equal(offload_needs(frame), NIC_OFFLOAD_CSUM);
		assert_false(is_finished(frame->data, size));
		assert_int_equal(offload_finish_checksum(frame), 0);
		assert_true(is_finished(frame->data, size));
		assert_int_equal(offload_needs(frame), 0);
		scatter(&scattered, other);
		assert_int_equal(offload_finish_checksum(&scattered.frame), 0);
		assert_memory_equal(other->data, frame->data, size);
		weir_frame_release(frame);
		weir_frame_release(other);
	}
}

// RFC 768: a checksum that computes to zero is sent as all ones.
static void udp_zero(void **state)
{
	static const struct sample sample = { "zero", 4, 0, false, SAMPLE_UDP, 2, 0, 0 };
	struct virtio_net_hdr offload;
	uint32_t size = build_sample(&sample, bytes, &offload);
	struct weir_frame *frame;

	(void)state;
	put16(bytes + size - 2, 0);
	put16(bytes + size - 2, ~add_words(0, bytes + 34, size - 34));
	frame = make_frame(pool, bytes, size, &offload);
	assert_int_equal(offload_finish_checksum(frame), 0);
	assert_int_equal(get16(frame->data + 40), 0xffff);
	assert_true(is_finished(frame->data, size));
	weir_frame_release(frame);
}

// Checks one segment against the frame it came from.
static void check_segment(const struct sample *sample, const struct weir_frame *frame,
	const struct weir_frame *segment, uint32_t index, uint32_t n)
{
	uint32_t headers = frame->offload.hdr_len, first = index * sample->gso;
	uint32_t payload = segment->size - headers;
	const uint8_t *data = segment->data;
	struct virtio_net_hdr none = { 0 };
	struct layout at = { 0 };

	assert_true(is_finished(data, segment->size));
	assert_true(find_layout(data, segment->size, &at));
	assert_int_equal(at.payload, headers);
	assert_int_equal(segment->linear, segment->size);
	assert_int_equal(segment->refs, 1);
	assert_int_equal(segment->port, 7);
	assert_memory_equal(&segment->offload, &none, sizeof(none));
	assert_int_equal(payload, index + 1 < n ? sample->gso : sample->payload - first);
	for (uint32_t i = 0; i < payload; i++)
		assert_int_equal(data[headers + i], payload_byte(first + i));
	if (sample->version == 4)
		assert_int_equal(get16(data + at.l3 + 4), (uint16_t)(0xfffe + index));
	if (sample->protocol == SAMPLE_TCP) {
		uint8_t flags = sample->tcp_flags;

		if (index > 0)
			flags &= 0x7f;
		if (index + 1 < n)
			flags &= 0xf6;
		assert_int_equal(get32(data + at.l4 + 4), 0xffffff00 + first);
		assert_int_equal(data[at.l4 + 13], flags);
	}
}

static void segments(void **state)
{
	struct weir_frame *out[MAX_SEGMENTS], *again[MAX_SEGMENTS];

	(void)state;
	for (size_t i = 0; i < N_SEGMENT_SAMPLES; i++) {
		const struct sample *sample = &segment_samples[i];
		struct virtio_net_hdr offload;
		uint32_t size = build_sample(sample, bytes, &offload);
		struct weir_frame *frame = make_frame(pool, bytes, size, &offload);
		int n = (int)((sample->payload + sample->gso - 1) / sample->gso);
		uint64_t wire_frames = 0, wire_bytes = 0, total = 0;
		struct scattered scattered;

		print_message("%s\n", sample->name);
		frame->port = 7;
		assert_true(offload_sanitize(frame));
		assert_memory_equal(&frame->offload, &offload, sizeof(offload));
		assert_int_equal(offload_segment(pool, frame, out, MAX_SEGMENTS), n);
		for (int s = 0; s < n; s++)
			check_segment(sample, frame, out[s], (uint32_t)s, (uint32_t)n);
		// A frame without the checksum request, and one in pieces, give the same.
		scatter(&scattered, frame);
		scattered.frame.offload.flags = 0;
		assert_int_equal(offload_segment(pool, &scattered.frame, again, MAX_SEGMENTS), n);
		for (int s = 0; s < n; s++) {
			assert_int_equal(out[s]->size, again[s]->size);
			assert_memory_equal(out[s]->data, again[s]->data, out[s]->size);
			total += out[s]->size;
			weir_frame_release(out[s]);
			weir_frame_release(again[s]);
		}
		weir_frame_wire(frame, &wire_frames, &wire_bytes);
		assert_int_equal(wire_frames, n);
		assert_int_equal(wire_bytes, total);
		assert_memory_equal(frame->data, bytes, size); // the original is as it was
		weir_frame_release(frame);
	}
}

static void needs(void **state)
{
	static const struct {
		uint8_t flags, gso_type;
		unsigned needs;
	} rows[] = {
		{ 0, 0, 0 },
		{ VIRTIO_NET_HDR_F_DATA_VALID, 0, 0 },
		{ 1, 0, NIC_OFFLOAD_CSUM },
		{ 1, VIRTIO_NET_HDR_GSO_TCPV4, NIC_OFFLOAD_CSUM | NIC_OFFLOAD_TSO4 },
		{ 0, VIRTIO_NET_HDR_GSO_TCPV4, NIC_OFFLOAD_TSO4 },
		{ 1, VIRTIO_NET_HDR_GSO_TCPV6 | VIRTIO_NET_HDR_GSO_ECN,
			NIC_OFFLOAD_CSUM | NIC_OFFLOAD_TSO6 | NIC_OFFLOAD_ECN },
		{ 1, VIRTIO_NET_HDR_GSO_UDP_L4, NIC_OFFLOAD_CSUM | NIC_OFFLOAD_USO },
		{ 1, VIRTIO_NET_HDR_GSO_UDP, ~0u },
		{ 0, 0x42, ~0u },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct weir_frame frame = { .offload = { .flags = rows[i].flags,
						    .gso_type = rows[i].gso_type } };

		assert_int_equal(offload_needs(&frame), rows[i].needs);
	}
}

// What sanitize makes of a state that lies. The frame is tcp4 without a tag: l4 at 34, headers 66.
enum outcome { DROPPED, KEPT, FINISHED };

static const struct lie {
	const char *name;
	struct virtio_net_hdr offload; // what is claimed
	uint32_t size;                 // of the frame, 0 = as built
	enum outcome outcome;
	struct virtio_net_hdr expected; // when KEPT
} lies[] = {
	{ "nothing asked", { .hdr_len = 99, .gso_size = 7, .csum_start = 5 }, 0, KEPT, { 0 } },
	{ "unknown flags", { .flags = 0xfc }, 0, KEPT, { 0 } },
	{ "data valid", { .flags = 2 }, 0, KEPT, { .flags = 2 } },
	{ "ecn without gso", { .gso_type = 0x80 }, 0, KEPT, { 0 } },
	{ "hdr_len lies", { 1, 0, 3, 0, 34, 16 }, 0, KEPT, { 1, 0, 66, 0, 34, 16 } },
	{ "start behind the end", { 1, 0, 0, 0, 60000, 0 }, 0, DROPPED, { 0 } },
	{ "field behind the end", { 1, 0, 0, 0, 34, 65535 }, 0, DROPPED, { 0 } },
	{ "field half behind the end", { 1, 0, 0, 0, 34, 2035 - 34 - 1 }, 2035, DROPPED, { 0 } },
	{ "over the destination address", { 1, 0, 0, 0, 20, 10 }, 0, FINISHED, { 0 } },
	{ "over the port", { 1, 0, 0, 0, 34, 2 }, 0, FINISHED, { 0 } },
	{ "over the addresses", { 1, 0, 0, 0, 0, 0 }, 0, FINISHED, { 0 } },
	{ "of an inner header", { 1, 0, 0, 0, 100, 16 }, 0, FINISHED, { 0 } },
	{ "tcp4", { 1, 1, 0, 900, 34, 16 }, 0, KEPT, { 1, 1, 66, 900, 34, 16 } },
	{ "ecn", { 1, 0x81, 0, 900, 34, 16 }, 0, KEPT, { 1, 0x81, 66, 900, 34, 16 } },
	{ "no checksum request", { 0, 1, 0, 900, 1, 2 }, 0, KEPT, { 0, 1, 66, 900, 0, 0 } },
	{ "tcp6 claimed", { 1, 4, 66, 900, 34, 16 }, 0, DROPPED, { 0 } },
	{ "udp claimed", { 1, 5, 66, 900, 34, 16 }, 0, DROPPED, { 0 } },
	{ "ufo claimed", { 1, 3, 66, 900, 34, 16 }, 0, DROPPED, { 0 } },
	{ "unknown kind", { 1, 0x7f, 66, 900, 34, 16 }, 0, DROPPED, { 0 } },
	{ "segments of nothing", { 1, 1, 66, 0, 34, 16 }, 0, DROPPED, { 0 } },
	{ "checksum elsewhere", { 1, 1, 66, 900, 34, 14 }, 0, DROPPED, { 0 } },
	{ "one segment", { 1, 1, 0, 2000, 34, 16 }, 0, KEPT, { 1, 0, 66, 0, 34, 16 } },
	{ "just one segment", { 1, 1, 0, 1969, 34, 16 }, 2035, KEPT, { 1, 0, 66, 0, 34, 16 } },
	{ "just two", { 1, 1, 0, 1968, 34, 16 }, 2035, KEPT, { 1, 1, 66, 1968, 34, 16 } },
	{ "headers cut off", { 1, 1, 66, 900, 34, 16 }, 65, DROPPED, { 0 } },
	{ "ip cut off", { 1, 1, 66, 900, 34, 16 }, 33, DROPPED, { 0 } },
	{ "no ethernet", { 1, 1, 66, 900, 34, 16 }, 13, DROPPED, { 0 } },
	{ "no ethernet, checksum", { 1, 0, 0, 0, 0, 12 }, 13, DROPPED, { 0 } },
	{ "no ethernet, checksum inside", { 1, 0, 0, 0, 0, 11 }, 13, FINISHED, { 0 } },
	{ "empty", { 1, 0, 0, 0, 0, 0 }, 1, DROPPED, { 0 } },
};

static void sanitize(void **state)
{
	static const struct sample sample = { "lie", 4, 0, false, SAMPLE_TCP, 1969, 0, 0x18 };

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		const struct lie *lie = &lies[i];
		struct virtio_net_hdr none = { 0 }, built;
		uint32_t size = build_sample(&sample, bytes, &built);
		uint32_t start = lie->offload.csum_start, field = start + lie->offload.csum_offset;
		struct weir_frame *frame;
		bool kept;

		print_message("%s\n", lie->name);
		assert_int_equal(size, 2035);
		size = lie->size ? lie->size : size;
		frame = make_frame(pool, bytes, size, &lie->offload);
		kept = offload_sanitize(frame);
		assert_int_equal(kept, lie->outcome != DROPPED);
		if (lie->outcome == KEPT)
			assert_memory_equal(&frame->offload, &lie->expected, sizeof(none));
		if (lie->outcome == FINISHED) {
			// Nothing is left to be written later, and what was asked is done.
			uint32_t old = get16(bytes + field), new = get16(frame->data + field);
			uint32_t sum = add_words(0, bytes + start, size - start);

			assert_memory_equal(&frame->offload, &none, sizeof(none));
			assert_int_equal(add_word(sum, new), 0xffff);
			assert_int_not_equal(old, new);
			memcpy(frame->data + field, bytes + field, 2);
		}
		if (lie->outcome != DROPPED)
			assert_memory_equal(frame->data, bytes, size);
		weir_frame_release(frame);
	}
}

// Fragments have no transport header of their own, so nothing may be left to do later.
static void fragments(void **state)
{
	static const struct sample sample = { "fragment", 4, 0, false, SAMPLE_TCP, 3000, 1000, 0 };
	static const uint16_t offsets[] = { 0x2000, 0x0001, 0x3fff };

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		struct virtio_net_hdr offload;
		uint32_t size = build_sample(&sample, bytes, &offload);
		struct weir_frame *frame, *out[8];

		put16(bytes + 20, offsets[i]);
		frame = make_frame(pool, bytes, size, &offload);
		assert_int_equal(offload_segment(pool, frame, out, 8), -EINVAL);
		assert_false(offload_sanitize(frame));
		frame->offload = offload;
		frame->offload.gso_type = 0;
		assert_true(offload_sanitize(frame));
		assert_int_equal(offload_needs(frame), 0);
		weir_frame_release(frame);
	}
}

// Every way to run out leaves nothing allocated.
static void exhaustion(void **state)
{
	struct frame_pool *small = frame_pool_create(41, 1);
	struct weir_frame *frame, *out[MAX_SEGMENTS];
	struct virtio_net_hdr offload;
	uint32_t size = build_sample(&segment_samples[0], bytes, &offload); // 42 segments

	(void)state;
	frame = make_frame(small, bytes, size, &offload);
	assert_int_equal(offload_segment(pool, frame, out, 41), -ENOBUFS);
	assert_int_equal(frame_pool_in_use(pool), 0);
	assert_int_equal(offload_segment(small, frame, out, MAX_SEGMENTS), -ENOBUFS);
	assert_int_equal(frame_pool_in_use(small), 1);
	frame->offload.gso_size = 1; // 60,000 segments
	assert_int_equal(offload_segment(pool, frame, out, MAX_SEGMENTS), -ENOBUFS);
	frame->offload.gso_size = 0;
	assert_int_equal(offload_segment(pool, frame, out, MAX_SEGMENTS), -EINVAL);
	frame->offload = offload;
	frame->offload.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	assert_int_equal(offload_segment(pool, frame, out, MAX_SEGMENTS), -EINVAL);
	weir_frame_release(frame);
	frame_pool_destroy(small);
}

// RFC 3720 B.4 for the CRC itself; in a frame, the field counts as zero and is little-endian.
static void sctp(void **state)
{
	static const struct sample sample = { "sctp", 4, 1, false, SAMPLE_SCTP, 100, 0, 0 };
	struct weir_frame *frame = make_frame(pool, "123456789", 9, NULL);
	struct virtio_net_hdr offload, none = { 0 };
	uint32_t size, crc;

	(void)state;
	assert_int_equal(crc32c_frame(frame, 0, 100), 0xe3069283);
	weir_frame_release(frame);
	memset(bytes, 0, 32);
	frame = make_frame(pool, bytes, 32, NULL);
	assert_int_equal(crc32c_frame(frame, 0, 100), 0x8a9136aa);
	weir_frame_release(frame);
	size = build_sample(&sample, bytes, &offload);
	memset(bytes + 46, 0x5a, 4); // what stands in the field does not matter
	frame = make_frame(pool, bytes, size, &offload);
	assert_true(offload_sanitize(frame));
	assert_memory_equal(&frame->offload, &none, sizeof(none));
	memset(bytes + 46, 0, 4);
	crc = frame->data[46] | frame->data[47] << 8 | frame->data[48] << 16 |
	      (uint32_t)frame->data[49] << 24;
	memset(frame->data + 46, 0, 4);
	assert_memory_equal(frame->data, bytes, size);
	assert_int_equal(crc32c_frame(frame, 38, 1000), crc);
	weir_frame_release(frame);
}

static void write_pcap(FILE *file, const struct weir_frame *frame)
{
	uint32_t head[4] = { 0, 0, frame->size, frame->size };

	assert_int_equal(fwrite(head, sizeof(head), 1, file), 1);
	assert_int_equal(fwrite(frame->data, frame->size, 1, file), 1);
}

// scapy rebuilds lengths and checksums of everything we make and finds the same.
static void scapy(void **state)
{
	static const uint32_t head[6] = { 0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, 1 };
	char path[] = "/tmp/weir-offload-XXXXXX", command[512];
	int fd = mkstemp(path), status;
	FILE *file = fdopen(fd, "wb");

	(void)state;
	assert_non_null(file);
	assert_int_equal(fwrite(head, sizeof(head), 1, file), 1);
	for (size_t i = 0; i < N_SEGMENT_SAMPLES; i++) {
		struct weir_frame *frame, *out[MAX_SEGMENTS];
		struct virtio_net_hdr offload;
		uint32_t size = build_sample(&segment_samples[i], bytes, &offload);
		int n;

		frame = make_frame(pool, bytes, size, &offload);
		n = offload_segment(pool, frame, out, MAX_SEGMENTS);
		assert_true(n > 0);
		for (int s = 0; s < n; s++) {
			write_pcap(file, out[s]);
			weir_frame_release(out[s]);
		}
		weir_frame_release(frame);
	}
	assert_int_equal(fclose(file), 0);
	assert_non_null(getenv("OFFLOAD_SCAPY"));
	snprintf(command, sizeof(command), "/usr/bin/python3 '%s' '%s'", getenv("OFFLOAD_SCAPY"),
		path);
	status = system(command);
	unlink(path);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("skipped: needs python3-scapy\n");
		skip();
	}
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums),
		cmocka_unit_test(udp_zero),
		cmocka_unit_test(segments),
		cmocka_unit_test(needs),
		cmocka_unit_test(sanitize),
		cmocka_unit_test(fragments),
		cmocka_unit_test(exhaustion),
		cmocka_unit_test(sctp),
		cmocka_unit_test(scapy),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
