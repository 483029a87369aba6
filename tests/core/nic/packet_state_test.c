// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// The kind `packet` on real interfaces: opening, interfaces that come and go, rings that are full.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <linux/if_tun.h>

#include "packet_fixture.h"

// Whatever a worker does, polling or sleeping, it learns that the interface is gone, and the
// descriptor does not keep it awake until then.
static void deleted(void **state)
{
	(void)state;
	NEEDS_NETWORK();
	for (unsigned m = 0; m < 4; m++) {
		struct nic *nic = open_nic(PACKET, modes[m % 2]);
		int fd = PACKET->receive_fd(nic, 0), ret = 0;
		unsigned lost = 0, wakeups = 0;
		struct weir_frame *frame;

		assert_false(PACKET->arm(nic, 0));
		assert_false(readable(fd, 0));
		assert_true(PACKET->next_ns(nic, 0) != UINT64_MAX);
		run("ip link del wa");
		if (m < 2)
			assert_true(readable(fd, 1000));
		for (int i = 0; i < 100000 && ret == 0; i++) {
			ret = PACKET->receive(nic, 0, pool, frames, NIC_BATCH);
			if (m < 2 && ret == 0 && !PACKET->arm(nic, 0))
				wakeups += readable(fd, 1);
		}
		assert_int_equal(ret, -ENODEV);
		assert_true(wakeups < 3);
		assert_false(readable(fd, 0));
		assert_int_equal(PACKET->receive(nic, 0, pool, frames, NIC_BATCH), -ENODEV);
		numbered(bytes, 60, 1);
		frame = make_frame(pool, bytes, 60, NULL);
		assert_int_equal(PACKET->transmit(nic, 0, &frame, 1, &lost), 1);
		assert_int_equal(lost, 1);
		PACKET->close(nic);
		make_pair("wa", "wb");
	}
}

// An interface that is down opens, stays quiet and works when it is up.
static void down_and_up(void **state)
{
	(void)state;
	NEEDS_NETWORK();
	for (unsigned m = 0; m < 2; m++) {
		struct nic *nic;
		int fd, raw;

		run("ip link set wa down");
		nic = open_nic(PACKET, modes[m]);
		fd = PACKET->receive_fd(nic, 0);
		assert_int_equal(receive_frames(nic, 0, pool, frames, 1), 0);
		for (int i = 0; i < 3; i++) {
			assert_false(PACKET->arm(nic, 0));
			assert_false(readable(fd, 5));
			run("ip link set wa up");
			wait_running("wb");
			raw = raw_socket("wb");
			numbered(bytes, 60, 1);
			raw_send(raw, bytes, 60, NULL);
			close(raw);
			assert_true(readable(fd, 1000));
			assert_true(PACKET->arm(nic, 0) || m == 1);
			assert_int_equal(receive_frames(nic, 0, pool, frames, 1), 1);
			weir_frame_release(frames[0]);
			run("ip link set wa down");
			assert_true(readable(fd, 1000)); // to be told, once
			assert_int_equal(receive_frames(nic, 0, pool, frames, 1), 0);
		}
		PACKET->close(nic);
		run("ip link set wa up");
	}
}

// A full ring loses what comes, counts it, and works again when it is emptied.
static void full_ring(void **state)
{
	struct nic *nic;
	int raw;

	(void)state;
	NEEDS_NETWORK();
	nic = open_nic(PACKET, "wa,ring=1");
	raw = raw_socket("wb");
	for (int round = 1; round <= 3; round++) {
		for (uint32_t i = 0; i < 200; i++) {
			numbered(bytes, size_of(i), i);
			raw_send(raw, bytes, size_of(i), NULL);
		}
		assert_true(readable(PACKET->receive_fd(nic, 0), 1000));
		assert_int_equal(receive_frames(nic, 0, pool, frames, MAX_FRAMES), 32);
		for (uint32_t i = 0; i < 32; i++)
			check_numbered(frames[i]->data, frames[i]->size, i);
		release_frames(frames, 32);
		assert_false(PACKET->arm(nic, 0));
		assert_int_equal(nic->rx_missed[0], 168 * round);
	}
	close(raw);
	PACKET->close(nic);
}

// A worker that never sleeps counts losses too, without being asked.
static void full_ring_polled(void **state)
{
	struct nic *nic;
	int raw;

	(void)state;
	NEEDS_NETWORK();
	nic = open_nic(PACKET, "wa,ring=1");
	raw = raw_socket("wb");
	for (uint32_t i = 0; i < 200; i++) {
		numbered(bytes, 60, i);
		raw_send(raw, bytes, 60, NULL);
	}
	assert_int_equal(receive_frames(nic, 0, pool, frames, 32), 32);
	release_frames(frames, 32);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(PACKET->receive(nic, 0, pool, frames, NIC_BATCH), 0);
	assert_int_equal(nic->rx_missed[0], 168);
	close(raw);
	PACKET->close(nic);
}

// Without a buffer a frame waits in the kernel.
static void pool_used_up(void **state)
{
	static const struct sample large = { "", 4, 0, false, SAMPLE_TCP, 60000, 1448, 0x18 };

	(void)state;
	NEEDS_NETWORK();
	for (unsigned m = 0; m < 2; m++) {
		struct frame_pool *tiny = frame_pool_create(3, 2);
		struct nic *nic = open_nic(PACKET, modes[m]);
		int raw = raw_socket("wb"), n = 0;

		for (uint32_t i = 0; i < 9; i++) {
			struct virtio_net_hdr offload;
			uint32_t size = build_sample(&large, bytes, &offload);

			if (i % 2) {
				raw_send(raw, bytes, size, &offload);
			} else {
				numbered(bytes, size_of(i), i);
				raw_send(raw, bytes, size_of(i), NULL);
			}
		}
		for (int rounds = 0; n < 9 && rounds < 9; rounds++) {
			int got = receive_frames(nic, 0, tiny, frames, MAX_FRAMES);

			assert_in_range(got, 1, 5);
			for (int i = 0; i < got; i++, n++) {
				if (n % 2)
					assert_true(frames[i]->size > 60000);
				else
					check_numbered(
						frames[i]->data, frames[i]->size, (uint32_t)n);
			}
			release_frames(frames, got);
		}
		assert_int_equal(n, 9);
		assert_int_equal(nic->rx_missed[0], 0);
		assert_int_equal(frame_pool_in_use(tiny), 0);
		close(raw);
		PACKET->close(nic);
		frame_pool_destroy(tiny);
	}
}

// A segmentation frame that the virtio header cannot express, here of a guest's tap, wedges the
// kernel's ring: the queue must go on without it.
static void wedged_ring(void **state)
{
	static const struct sample sample = { "", 4, 0, false, SAMPLE_UDP, 5000, 1000, 0 };
	struct ifreq ifr = { .ifr_name = "wt", .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int tap = open("/dev/net/tun", O_RDWR), n = 0;
	struct virtio_net_hdr offload;
	char text[128];
	struct nic *nic;
	uint32_t size;

	(void)state;
	NEEDS_NETWORK();
	assert_int_equal(ioctl(tap, TUNSETIFF, &ifr), 0);
	run("ip link set wt up");
	nic = open_nic(PACKET, "wt,ring=64");
	while (receive_frames(nic, 0, pool, frames, MAX_FRAMES) > 0)
		fail_msg("frames before any was sent");
	size = build_sample(&sample, bytes, &offload);
	offload.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	raw_send(tap, bytes, size, &offload);
	for (int i = 0; i < 10 && n == 0; i++) {
		assert_int_equal(receive_frames(nic, 0, pool, frames, 1), 0);
		PACKET->arm(nic, 0);
		numbered(bytes, 60, 5);
		raw_send(tap, bytes, 60, NULL);
		n = receive_frames(nic, 0, pool, frames, 1);
	}
	assert_int_equal(n, 1);
	assert_memory_equal(frames[0]->data, bytes, 60);
	weir_frame_release(frames[0]);
	assert_in_range(nic->rx_missed[0], 1, 3);
	PACKET->describe(nic, text, sizeof(text));
	print_message("%s, %d missed\n", text, (int)nic->rx_missed[0]);
	// Such frames are still lost, alone, and no longer harm the others.
	build_sample(&sample, bytes, &offload);
	offload.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	raw_send(tap, bytes, size, &offload);
	numbered(bytes, 60, 6);
	raw_send(tap, bytes, 60, NULL);
	assert_int_equal(receive_frames(nic, 0, pool, frames, 1), 1);
	weir_frame_release(frames[0]);
	PACKET->close(nic);
	close(tap);
}

static void refusals(void **state)
{
	static const struct {
		const char *argument;
		int code;
		const char *words;
	} rows[] = {
		{ "nosuch", -ENODEV, "interface \"nosuch\": there is none of that name" },
		{ "", -EINVAL, "interface \"\": must be 1 to 15" },
		{ "a/b", -EINVAL, "interface \"a/b\": must be" },
		{ "..", -EINVAL, "interface \"..\": must be" },
		{ "abcdefghijklmnop", -EINVAL, "interface \"abcdefghijklmnop\": must be 1 to 15" },
		{ "wa%d", -EINVAL, "interface \"wa%d\"" },
		{ "lo", -EINVAL, "interface \"lo\": is no Ethernet interface" },
		{ "wa,ring=32769", -EINVAL, "ring \"32769\": must be a number from 0 to 32768" },
		{ "wa,ring=x", -EINVAL, "ring \"x\"" },
		{ "wa,ring", -EINVAL, "ring \"\"" },
		{ "wa,queues=0", -EINVAL, "queues \"0\": must be a number from 1 to 64" },
		{ "wa,foo=1", -EINVAL, "option \"foo\": must be ring=N, queues=N or force" },
		{ "wa,force=1", -EINVAL, "option \"force\"" },
		{ "wa,", -EINVAL, "option \"\"" },
	};
	struct nic_options wide = { .argument = "wa", .mtu = 1501 };

	(void)state;
	NEEDS_NETWORK();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nic_options options = { .argument = rows[i].argument };

		refuse_nic(PACKET, &options, rows[i].code, rows[i].words);
	}
	refuse_nic(PACKET, &wide, -EINVAL, "mtu 1501: must not be above 1500");
}

static void default_route(void **state)
{
	struct nic_options options = { .argument = "wa" };
	struct weir_error error = { 0 };
	struct nic *nic;

	(void)state;
	NEEDS_NETWORK();
	run("ip addr add 10.9.0.1/24 dev wa && ip route add default via 10.9.0.2");
	refuse_nic(PACKET, &options, -EBUSY, "interface \"wa\": carries the host's default route");
	PACKET->close(open_nic(PACKET, "wa,force"));
	PACKET->close(open_nic(PACKET, "wb"));
	options.force = true;
	options.mtu = 1400;
	assert_int_equal(PACKET->open(&options, &nic, &error), 0);
	assert_int_equal(nic->mtu, 1400);
	PACKET->close(nic);
}

// Whether the kernel takes what comes in, besides.
static void who_else_gets_the_frames(void **state)
{
	static const struct {
		const char *command;
		bool shared;
	} rows[] = {
		{ "true", false },
		{ "ip addr add 10.9.0.1/24 dev wa", true },
		{ "ip addr flush dev wa", false },
		{ "test ! -e /proc/sys/net/ipv6 || sysctl -qw net.ipv6.conf.wa.disable_ipv6=0",
			true },
	};

	(void)state;
	NEEDS_NETWORK();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nic *nic;
		bool expected = rows[i].shared;

		run("%s", rows[i].command);
		nic = open_nic(PACKET, "wa");
		if (i == 3)
			expected = access("/proc/sys/net/ipv6", F_OK) == 0;
		if (nic->shared != expected)
			fail_msg("after %s: %d", rows[i].command, nic->shared);
		assert_int_equal(nic_shares("packet:wa", &(struct nic_options){ 0 }), expected);
		PACKET->close(nic);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(deleted),
		TEST(down_and_up),
		TEST(full_ring),
		TEST(full_ring_polled),
		TEST(pool_used_up),
		TEST(wedged_ring),
		TEST(refusals),
		TEST(default_route),
		TEST(who_else_gets_the_frames),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
