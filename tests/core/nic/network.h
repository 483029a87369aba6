// SPDX-License-Identifier: Apache-2.0
// Copyright The Weir Authors
//
// A network namespace of the test's own, for tests with real interfaces: root is needed, and
// iproute2. Everything in it goes away with the test's process.
#ifndef TESTS_NIC_NETWORK_H
#define TESTS_NIC_NETWORK_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "nic/nic.h"

// Whether there is a fresh namespace around us now; says why not.
static inline bool network_enter(void)
{
	if (geteuid() != 0) {
		print_message("skipped: needs root\n");
		return false;
	}
	if (unshare(CLONE_NEWNET) < 0) {
		print_message("skipped: no network namespace: %s\n", strerror(errno));
		return false;
	}
	return true;
}

// Runs a command, which must succeed.
__attribute__((format(printf, 1, 2))) static inline void run(const char *format, ...)
{
	char command[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	if (system(command) != 0)
		fail_msg("%s: failed", command);
}

// Turns everything off that the kernel leaves to an interface: what is sent there is finished.
static inline void finish_in_kernel(const char *name)
{
	static const uint32_t commands[] = { ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (unsigned i = 0; i < 3; i++) {
		struct ethtool_value value = { .cmd = commands[i] };
		struct ifreq ifr = { .ifr_data = (char *)&value };

		snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
		assert_int_equal(ioctl(fd, SIOCETHTOOL, &ifr), 0);
	}
	close(fd);
}

// Waits until the interface can send: the kernel connects its queues some time after its peer is
// up.
static inline void wait_running(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	for (int i = 0; i < 2000 && !(ifr.ifr_flags & IFF_RUNNING); i++) {
		usleep(1000);
		assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &ifr), 0);
	}
	assert_true(ifr.ifr_flags & IFF_RUNNING);
	// Changes nothing, but waits for the kernel's lock, under which the queues are connected.
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
	close(fd);
}

// A veth pair that the kernel's own stack leaves alone (no IPv6 chatter).
static inline void make_pair(const char *a, const char *b)
{
	run("ip link add %s type veth peer name %s", a, b);
	for (int i = 0; i < 2; i++) {
		char path[128];
		int fd;

		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", i ? b : a);
		fd = open(path, O_WRONLY);
		if (fd >= 0) {
			assert_int_equal(write(fd, "1", 1), 1);
			close(fd);
		}
	}
	run("ip link set %s up", a);
	run("ip link set %s up", b);
	wait_running(a);
	wait_running(b);
}

// A plain packet socket on an interface, with offload state.
static inline int raw_socket(const char *name)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0), on = 1, size = 16 << 20;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static inline void raw_send(
	int fd, const void *bytes, uint32_t size, const struct virtio_net_hdr *offload)
{
	struct virtio_net_hdr none = { 0 };
	struct iovec pieces[2] = { { (void *)(offload ? offload : &none), sizeof(none) },
		{ (void *)bytes, size } };

	assert_int_equal(writev(fd, pieces, 2), (ssize_t)(size + sizeof(none)));
}

// Returns the frame's size, 0 when there is none.
static inline uint32_t raw_receive(
	int fd, void *bytes, uint32_t room, struct virtio_net_hdr *offload)
{
	struct virtio_net_hdr ignored;
	struct iovec pieces[2] = { { offload ? offload : &ignored, sizeof(ignored) },
		{ bytes, room } };
	ssize_t n = readv(fd, pieces, 2);

	return n > 0 ? (uint32_t)((size_t)n - sizeof(ignored)) : 0;
}

static inline bool readable(int fd, int ms)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };

	return poll(&poller, 1, ms) > 0;
}

// Opens a NIC that must open.
static inline struct nic *open_nic(const struct nic_class *class, const char *argument)
{
	struct nic_options options = { .argument = argument, .n_workers = 2 };
	struct weir_error error = { 0 };
	struct nic *nic = NULL;

	if (class->open(&options, &nic, &error))
		fail_msg("%s:%s: %s", class->kind, argument, error.message);
	return nic;
}

// Takes frames until there are `wanted` or none came for a while. Returns how many, or the error.
static inline int receive_frames(struct nic *nic, unsigned queue, struct frame_pool *pool,
	struct weir_frame **frames, unsigned wanted)
{
	unsigned n = 0;

	for (int quiet = 0; n < wanted && quiet < 100; quiet++) {
		unsigned max = wanted - n < NIC_BATCH ? wanted - n : NIC_BATCH;
		int ret = nic->class->receive(nic, queue, pool, frames + n, max);

		if (ret < 0)
			return ret;
		n += (unsigned)ret;
		if (ret)
			quiet = 0;
		else
			usleep(1000);
	}
	return (int)n;
}

static inline void release_frames(struct weir_frame **frames, int n)
{
	for (int i = 0; i < n; i++)
		weir_frame_release(frames[i]);
}

// Opens one that must be refused, with a sentence that has these words.
static inline void refuse_nic(const struct nic_class *class, const struct nic_options *options,
	int code, const char *words)
{
	struct weir_error error = { 0 };
	struct nic *nic = NULL;
	int ret = class->open(options, &nic, &error);

	print_message("%s:%s: %s\n", class->kind, options->argument, error.message);
	assert_int_equal(ret, code);
	assert_int_equal(error.code, code);
	assert_null(nic);
	assert_non_null(strstr(error.message, words));
}

#endif
