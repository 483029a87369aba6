// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The kind `tap`: the other end is the kernel, through a packet socket on the interface or through
// its own UDP.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <linux/if_tun.h>

#include "network.h"
#include "nic/offload.h"
#include "samples.h"

#define TAP (&nic_tap_class)

enum { MAX_FRAMES = 1024 };

static bool have_network;
static struct frame_pool *pool;
static struct weir_frame *frames[MAX_FRAMES];
static uint8_t bytes[WEIR_FRAME_MAX];

static int setup(void **state)
{
	(void)state;
	have_network = network_enter();
	if (have_network && access("/dev/net/tun", R_OK | W_OK) < 0) {
		print_message("skipped: needs /dev/net/tun\n");
		have_network = false;
	}
	if (have_network)
		run("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
	return 0;
}

static int begin(void **state)
{
	(void)state;
	pool = frame_pool_create(4096, 128);
	return 0;
}

static int end(void **state)
{
	(void)state;
	assert_int_equal(frame_pool_in_use(pool), 0);
	frame_pool_destroy(pool);
	return 0;
}

#define NEEDS_NETWORK()                                                                            \
	do {                                                                                       \
		if (!have_network)                                                                 \
			skip();                                                                    \
	} while (0)

static void refuse(const char *argument, int code, const char *words)
{
	struct nic_options options = { .argument = argument };

	refuse_nic(TAP, &options, code, words);
}

static void transmit(struct nic *nic, unsigned queue, struct weir_frame *frame, unsigned lost)
{
	unsigned counted = 0;

	assert_int_equal(TAP->transmit(nic, queue, &frame, 1, &counted), 1);
	assert_int_equal(counted, lost);
}

// Made, up, with the wanted MTU; gone after close.
static void made_and_gone(void **state)
{
	struct nic_options options = { .argument = "wt", .mtu = 1400 };
	struct weir_error error = { 0 };
	char text[128];
	struct nic *nic;

	(void)state;
	NEEDS_NETWORK();
	assert_int_equal(TAP->open(&options, &nic, &error), 0);
	assert_int_equal(nic->mtu, 1400);
	assert_string_equal(nic->ifname, "wt");
	assert_int_equal(nic->ifindex, if_nametoindex("wt"));
	assert_int_equal(nic->n_rx_queues, 1);
	run("ip link show wt | grep -q 'UP.*mtu 1400'");
	refuse("wt", -EBUSY, "tap \"wt\": another process or port holds it");
	TAP->describe(nic, text, sizeof(text));
	assert_non_null(strstr(text, "interface=made"));
	TAP->close(nic);
	assert_int_equal(if_nametoindex("wt"), 0);
}

// A persistent interface, also one made for several queues, is opened and stays.
static void found_and_kept(void **state)
{
	static const char *const kinds[] = { "", "multi_queue" };

	(void)state;
	NEEDS_NETWORK();
	for (unsigned i = 0; i < 2; i++) {
		struct nic *nic;
		int index;

		run("ip tuntap add dev wp mode tap %s", kinds[i]);
		index = (int)if_nametoindex("wp");
		if (i == 0)
			refuse("wp,queues=2", -EINVAL, "is no tap interface that takes 2 queues");
		nic = open_nic(TAP, "wp");
		assert_int_equal(nic->ifindex, index);
		TAP->close(nic);
		assert_int_equal(if_nametoindex("wp"), index);
		run("ip link del wp");
	}
}

// Frames from the host's side are received unchanged, with their state and tags.
static void from_host(void **state)
{
	static const struct sample samples[] = {
		{ "udp4", 4, 0, false, SAMPLE_UDP, 100, 0, 0 },
		{ "tcp6, one tag", 6, 1, false, SAMPLE_TCP, 1400, 0, 0x18 },
		{ "tcp4, segmentation", 4, 0, false, SAMPLE_TCP, 65000, 1448, 0x18 },
		{ "tcp6, two tags, segmentation", 6, 2, true, SAMPLE_TCP, 60000, 1400, 0x18 },
		{ "exactly a small buffer", 4, 0, false, SAMPLE_UDP, 2048 - 42, 1000, 0 },
		{ "one byte more", 4, 0, false, SAMPLE_UDP, 2049 - 42, 1000, 0 },
	};
	struct nic *nic;
	int raw;

	(void)state;
	NEEDS_NETWORK();
	nic = open_nic(TAP, "wt");
	raw = raw_socket("wt");
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct virtio_net_hdr offload;
		uint32_t size = build_sample(&samples[i], bytes, &offload);

		print_message("%s\n", samples[i].name);
		if (samples[i].protocol == SAMPLE_UDP && samples[i].gso &&
			!(nic->offloads & NIC_OFFLOAD_USO))
			continue;
		raw_send(raw, bytes, size, &offload);
		assert_true(readable(TAP->receive_fd(nic, 0), 1000));
		assert_int_equal(receive_frames(nic, 0, pool, frames, MAX_FRAMES), 1);
		assert_int_equal(frames[0]->size, size);
		assert_int_equal(frames[0]->linear, size);
		assert_memory_equal(frames[0]->data, bytes, size);
		assert_true(frames[0]->headroom >= WEIR_FRAME_HEADROOM);
		assert_true(offload_sanitize(frames[0]));
		assert_memory_equal(&frames[0]->offload, &offload, sizeof(offload));
		weir_frame_release(frames[0]);
		assert_false(readable(TAP->receive_fd(nic, 0), 0));
	}
	close(raw);
	TAP->close(nic);
}

// Frames to the host's side arrive unchanged, with their state; a frame that must be whole is.
static void to_host(void **state)
{
	static const struct sample samples[] = {
		{ "udp4", 4, 0, false, SAMPLE_UDP, 100, 0, 0 },
		{ "tcp4, segmentation", 4, 0, false, SAMPLE_TCP, 65000, 1448, 0x18 },
		{ "tcp6, segmentation", 6, 0, true, SAMPLE_TCP, 60000, 1400, 0x18 },
	};
	static struct weir_segment segments[100];
	struct weir_frame *frame;
	struct nic *nic;
	int raw;

	(void)state;
	NEEDS_NETWORK();
	nic = open_nic(TAP, "wt");
	raw = raw_socket("wt");
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		static uint8_t got[WEIR_FRAME_MAX];
		struct virtio_net_hdr offload, arrived;
		uint32_t size = build_sample(&samples[i], bytes, &offload);

		print_message("%s\n", samples[i].name);
		frame = make_frame(pool, bytes, size, &offload);
		frame->linear = 256 < size ? 256 : size;
		if (size > frame->linear) {
			segments[0] = (struct weir_segment){ .data = frame->data + 256,
				.size = size - 256 };
			frame->segments = segments;
		}
		transmit(nic, 0, frame, 0);
		assert_true(readable(raw, 1000));
		assert_int_equal(raw_receive(raw, got, sizeof(got), &arrived), size);
		assert_memory_equal(got, bytes, size);
		assert_int_equal(arrived.flags, offload.flags);
		assert_int_equal(arrived.gso_type, offload.gso_type);
		assert_int_equal(arrived.gso_size, offload.gso_size);
		assert_int_equal(arrived.csum_start, offload.csum_start);
	}
	frame = make_frame(pool, bytes, 1000, NULL);
	frame->linear = 256;
	frame->segments = segments;
	for (unsigned i = 0; i < 100; i++)
		segments[i] = (struct weir_segment){ i < 99 ? &segments[i + 1] : NULL, bytes, 7 };
	transmit(nic, 0, frame, 1);
	run("ip link set wt down");
	transmit(nic, 0, make_frame(pool, bytes, 100, NULL), 1);
	assert_int_equal(receive_frames(nic, 0, pool, frames, 1), 0);
	close(raw);
	TAP->close(nic);
}

// The kernel's UDP takes what we finish and nothing else, so the checksums are right.
static void kernel_takes_our_checksums(void **state)
{
	static const struct sample sample = { "", 4, 0, false, SAMPLE_UDP, 5000, 1200, 0 };
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(6000) };
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), n;
	struct weir_frame *out[8], *frame;
	struct virtio_net_hdr offload;
	uint8_t got[2048];
	struct nic *nic;
	uint32_t size;

	(void)state;
	NEEDS_NETWORK();
	nic = open_nic(TAP, "wt");
	run("ip link set wt address 02:00:00:00:00:02 && ip addr add 10.99.0.2/24 dev wt");
	assert_int_equal(bind(udp, (struct sockaddr *)&address, sizeof(address)), 0);
	size = build_sample(&sample, bytes, &offload);
	frame = make_frame(pool, bytes, size, &offload);
	n = offload_segment(pool, frame, out, 8);
	assert_int_equal(n, 5);
	for (int i = 0; i < n; i++) {
		if (i == 2)
			out[i]->data[100] ^= 1; // the kernel must notice
		transmit(nic, 0, out[i], 0);
	}
	weir_frame_release(frame);
	for (int i = 0; i < n; i++)
		if (i != 2)
			assert_int_equal(recv(udp, got, sizeof(got), 0), i < 4 ? 1200 : 200);
	assert_int_equal(recv(udp, got, sizeof(got), 0), -1);
	size = build_sample(&sample, bytes, &offload);
	offload.gso_size = offload.gso_type = 0;
	frame = make_frame(pool, bytes, size, &offload);
	assert_int_equal(offload_finish_checksum(frame), 0);
	transmit(nic, 0, frame, 0);
	assert_int_equal(recv(udp, got, sizeof(got), MSG_TRUNC), 5000);
	close(udp);
	TAP->close(nic);
}

// What the kernel's own UDP leaves unfinished is finished by us.
static void we_finish_the_kernels(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(7000) };
	int udp = socket(AF_INET, SOCK_DGRAM, 0), n;
	struct nic *nic;

	(void)state;
	NEEDS_NETWORK();
	nic = open_nic(TAP, "wt");
	run("ip addr add 10.99.0.2/24 dev wt");
	run("ip neigh add 10.99.0.1 lladdr 02:00:00:00:00:01 dev wt");
	address.sin_addr.s_addr = inet_addr("10.99.0.1");
	assert_int_equal(
		sendto(udp, bytes, 999, 0, (struct sockaddr *)&address, sizeof(address)), 999);
	n = receive_frames(nic, 0, pool, frames, MAX_FRAMES);
	assert_int_equal(n, 1);
	assert_true(offload_sanitize(frames[0]));
	assert_int_equal(offload_needs(frames[0]), NIC_OFFLOAD_CSUM);
	assert_int_equal(offload_finish_checksum(frames[0]), 0);
	assert_true(is_finished(frames[0]->data, frames[0]->size));
	release_frames(frames, n);
	close(udp);
	TAP->close(nic);
}

// Another process deletes it.
static void deleted(void **state)
{
	struct nic *nic;

	(void)state;
	NEEDS_NETWORK();
	nic = open_nic(TAP, "wt,queues=2");
	assert_int_equal(receive_frames(nic, 0, pool, frames, 1), 0);
	run("ip link del wt");
	for (unsigned q = 0; q < 2; q++) {
		assert_true(readable(TAP->receive_fd(nic, q), 1000));
		assert_int_equal(TAP->receive(nic, q, pool, frames, NIC_BATCH), -ENODEV);
		transmit(nic, q, make_frame(pool, bytes, 100, NULL), 1);
	}
	assert_int_equal(frame_pool_in_use(pool), 0);
	TAP->close(nic);
}

static void queues(void **state)
{
	static const struct sample sample = { "", 4, 0, false, SAMPLE_UDP, 100, 0, 0 };
	struct virtio_net_hdr offload;
	int raw, total = 0, used = 0;
	struct nic *nic;
	uint32_t size;

	(void)state;
	NEEDS_NETWORK();
	nic = open_nic(TAP, "wt,queues=4");
	assert_int_equal(nic->n_rx_queues, 4);
	assert_int_equal(nic->n_tx_queues, 4);
	raw = raw_socket("wt");
	size = build_sample(&sample, bytes, &offload);
	for (uint32_t i = 0; i < 256; i++) {
		put16(bytes + 34, 1000 + i % 64);
		raw_send(raw, bytes, size, &offload);
	}
	for (unsigned q = 0; q < 4; q++) {
		int n = receive_frames(nic, q, pool, frames, MAX_FRAMES);

		assert_true(n >= 0);
		total += n;
		used += n > 0;
		release_frames(frames, n);
		transmit(nic, q, make_frame(pool, bytes, size, &offload), 0);
		assert_int_equal(raw_receive(raw, bytes, sizeof(bytes), NULL), size);
	}
	assert_int_equal(total, 256);
	assert_true(used > 1);
	close(raw);
	TAP->close(nic);
}

// Without buffers frames wait in the kernel.
static void pool_used_up(void **state)
{
	struct frame_pool *tiny = frame_pool_create(2, 1);
	struct nic *nic;
	int raw, n = 0;

	(void)state;
	NEEDS_NETWORK();
	nic = open_nic(TAP, "wt");
	raw = raw_socket("wt");
	for (uint32_t i = 0; i < 10; i++) {
		memset(bytes, (int)i, 100);
		raw_send(raw, bytes, 100, NULL);
	}
	for (int i = 0; i < 10 && n < 10; i++) {
		int got = receive_frames(nic, 0, tiny, frames, MAX_FRAMES);

		assert_in_range(got, 1, 2);
		for (int k = 0; k < got; k++, n++)
			assert_int_equal(frames[k]->data[50], n);
		release_frames(frames, got);
	}
	assert_int_equal(n, 10);
	assert_int_equal(frame_pool_in_use(tiny), 0);
	frame_pool_destroy(tiny);
	close(raw);
	TAP->close(nic);
}

static void refusals(void **state)
{
	struct nic_options wide = { .argument = "wt", .mtu = 100000 };

	(void)state;
	NEEDS_NETWORK();
	make_pair("wa", "wb");
	refuse("wa", -EINVAL, "interface \"wa\": exists and is no tap interface");
	run("ip link del wa");
	refuse("", -EINVAL, "interface \"\": must be 1 to 15");
	refuse("tap%d", -EINVAL, "interface \"tap%d\": must be");
	refuse("0123456789abcdef", -EINVAL, "must be 1 to 15");
	refuse("wt,queues=65", -EINVAL, "queues \"65\": must be a number from 1 to 64");
	refuse("wt,ring=5", -EINVAL, "tap option \"ring\": there is only queues=N");
	refuse_nic(TAP, &wide, -EINVAL, "mtu 100000: interface \"wt\" does not take it");
	assert_int_equal(if_nametoindex("wt"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(made_and_gone),
		TEST(found_and_kept),
		TEST(from_host),
		TEST(to_host),
		TEST(kernel_takes_our_checksums),
		TEST(we_finish_the_kernels),
		TEST(deleted),
		TEST(queues),
		TEST(pool_used_up),
		TEST(refusals),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
