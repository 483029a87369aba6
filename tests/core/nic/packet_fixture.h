// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// What the tests of the kind `packet` share:
//
//     NIC "packet:wa"  --  wa ==veth== wb  --  raw socket, or NIC "packet:wb"
#ifndef TESTS_NIC_PACKET_FIXTURE_H
#define TESTS_NIC_PACKET_FIXTURE_H

#include "network.h"
#include "nic/offload.h"
#include "samples.h"

#define PACKET (&nic_packet_class)

enum { MAX_FRAMES = 2048 };

static bool have_network;
static struct frame_pool *pool;
static struct weir_frame *frames[MAX_FRAMES];
static uint8_t bytes[WEIR_FRAME_MAX];

// The argument of the NIC under test: with the ring, and without one.
static const char *const modes[] = { "wa", "wa,ring=0" };

static inline int setup(void **state)
{
	(void)state;
	have_network = network_enter();
	return 0;
}

static inline int begin(void **state)
{
	(void)state;
	if (!have_network)
		return 0;
	pool = frame_pool_create(4096, 128);
	if (if_nametoindex("wa")) // of a test that failed
		run("ip link del wa");
	make_pair("wa", "wb");
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	if (!have_network)
		return 0;
	assert_int_equal(frame_pool_in_use(pool), 0);
	frame_pool_destroy(pool);
	if (if_nametoindex("wa"))
		run("ip link del wa");
	return 0;
}

#define NEEDS_NETWORK()                                                                            \
	do {                                                                                       \
		if (!have_network)                                                                 \
			skip();                                                                    \
	} while (0)

// A frame with a number in it, of `size` bytes.
static inline void numbered(uint8_t *frame, uint32_t size, uint32_t number)
{
	memcpy(frame, "\x02\0\0\0\0\2\x02\0\0\0\0\1\x88\xb5", 14); // local experimental EtherType
	for (uint32_t i = 14; i < size; i++)
		frame[i] = (uint8_t)(i + number);
	memcpy(frame + 14, &number, sizeof(number));
}

static inline uint32_t size_of(uint32_t number)
{
	return 60 + number * 37 % 1455;
}

static inline void send_numbered(struct nic *nic, uint32_t first, uint32_t n)
{
	unsigned lost = 0;

	while (n) {
		struct weir_frame *batch[NIC_BATCH];
		uint32_t size = n < NIC_BATCH ? n : NIC_BATCH;

		for (uint32_t i = 0; i < size; i++) {
			numbered(bytes, size_of(first + i), first + i);
			batch[i] = make_frame(pool, bytes, size_of(first + i), NULL);
		}
		assert_int_equal(PACKET->transmit(nic, 1, batch, size, &lost), size);
		assert_int_equal(lost, 0);
		first += size;
		n -= size;
	}
}

static inline void check_numbered(const uint8_t *frame, uint32_t size, uint32_t number)
{
	assert_int_equal(size, size_of(number));
	numbered(bytes, size, number);
	assert_memory_equal(frame, bytes, size);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
