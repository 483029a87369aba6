// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the tests of dpdk NICs share: EAL without hugepages, so that they run everywhere. They see
// of DPDK what the switch sees of it: NICs and frames.
#ifndef DPDK_FIXTURE_H
#define DPDK_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "nic/module.h"

enum { N_MBUFS = 4096 };

static struct nic_host host = {
	.directory = WEIR_BUILD_DIR,
	.dpdk_arguments = "--no-pci --no-huge --no-shconf --no-telemetry -m 64",
	.n_dpdk_mbufs = N_MBUFS,
};

static inline struct nic *open_with(const char *specification, unsigned n_workers, uint32_t mtu)
{
	struct nic_options options = { .n_workers = n_workers, .mtu = mtu, .host = &host };
	struct weir_error error = { 0 };
	struct nic *nic = NULL;

	if (nic_open(specification, &options, &nic, &error))
		fail_msg("%s: %s", specification, error.message);
	return nic;
}

static inline struct nic *open_nic(const char *specification)
{
	return open_with(specification, 1, 0);
}

// The specification is refused, with a sentence that holds the text.
static inline void refuse_with(const char *specification, uint32_t mtu, int code, const char *text)
{
	struct nic_options options = { .n_workers = 1, .mtu = mtu, .host = &host };
	struct weir_error error = { 0 };
	struct nic *nic;
	int ret = nic_open(specification, &options, &nic, &error);

	print_message("%s: %s\n", specification, error.message);
	assert_int_equal(ret, code);
	assert_int_equal(error.code, code);
	assert_non_null(strstr(error.message, text));
}

static inline void refuse(const char *specification, int code, const char *text)
{
	refuse_with(specification, 0, code, text);
}

// A number of what the NIC tells about itself.
static inline unsigned described(struct nic *nic, const char *key)
{
	char text[512], *at;

	nic->class->describe(nic, text, sizeof(text));
	at = strstr(text, key);
	assert_non_null(at);
	return (unsigned)strtoul(at + strlen(key), NULL, 10);
}

static inline int receive(struct nic *nic, struct weir_frame *frames[], unsigned max)
{
	return nic->class->receive(nic, 0, NULL, frames, max);
}

static inline struct weir_frame *receive_one(struct nic *nic)
{
	struct weir_frame *frame;

	assert_int_equal(receive(nic, &frame, 1), 1);
	return frame;
}

// Sends all of them; none is lost.
static inline void transmit(struct nic *nic, struct weir_frame *frames[], unsigned n)
{
	unsigned lost = 0;

	assert_int_equal(nic->class->transmit(nic, 0, frames, n, &lost), n);
	assert_int_equal(lost, 0);
}

static inline uint8_t byte_of(unsigned id, uint32_t at)
{
	return (uint8_t)(id * 31 + at * 7 + at / 251);
}

static inline struct weir_frame *make_frame(struct frame_pool *pool, uint32_t size, unsigned id)
{
	struct weir_frame *frame = frame_alloc(pool, size);

	assert_non_null(frame);
	for (uint32_t i = 0; i < size; i++)
		frame->data[i] = byte_of(id, i);
	frame->size = frame->linear = size;
	return frame;
}

// The frame is as it has to be when it comes from a NIC, and has these bytes of make_frame()'s.
static inline void check_frame(
	const struct weir_frame *frame, uint32_t size, unsigned id, uint32_t from)
{
	static const struct virtio_net_hdr none;
	static uint8_t bytes[WEIR_FRAME_MAX];

	assert_int_equal(frame->size, size);
	assert_true(frame->linear >= (size < WEIR_FRAME_LINEAR ? size : WEIR_FRAME_LINEAR));
	assert_true(frame->segments || frame->linear == size);
	assert_memory_equal(&frame->offload, &none, sizeof(none));
	assert_true(frame->headroom >= WEIR_FRAME_HEADROOM);
	assert_int_equal(frame->port | frame->flags | frame->hops | frame->reserved, 0);
	assert_int_equal(frame->refs, 1);
	assert_int_equal(frame->hash, 0);
	assert_int_equal(frame_copy_bytes(frame, bytes, sizeof(bytes)), size);
	for (uint32_t i = 0; i < size; i++)
		if (bytes[i] != byte_of(id, from + i))
			fail_msg("byte %u of %u is %u, expected %u", i, size, bytes[i],
				byte_of(id, from + i));
}

static struct frame_pool *pool; // for frames that are no mbufs
static char directory[] = "/tmp/weir-dpdk.XXXXXX";

static inline const char *path_of(const char *file)
{
	static char path[100];

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return path;
}

static inline int set_up(void **state)
{
	(void)state;
	pool = frame_pool_create(2048, 16);
	return pool && mkdtemp(directory) ? 0 : -1;
}

static inline int tear_down(void **state)
{
	char command[100];

	(void)state;
	frame_pool_destroy(pool); // asserts that all frames are back
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

static inline void close_all(struct nic *a, struct nic *b)
{
	assert_int_equal(described(a, "mbufs_free="), N_MBUFS);
	nic_close(a);
	nic_close(b);
	assert_int_equal(frame_pool_in_use(pool), 0);
}

#endif
